"""What a convention changes in a layer, over every kind; and which inputs a unit of every kind reads."""

from __future__ import annotations

import pytest
import torch
from cases import CASES, Case

from cnncli.arithmetic.shape import InvalidValue
from cnncli.executor.lowering.build import build
from cnncli.executor.network.initialization import initialize
from cnncli.inference import infer_layer
from cnncli.layers import KINDS, Layer
from cnncli.layers.base import ShapeError

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
# one value of several has the gradient
ONE_OF_SEVERAL = {"maxpool", "adaptive_maxpool", "global_maxpool", "maximum"}


def takes(layer: Layer, field: str, value: object) -> bool:
    try:
        type(layer).schema[field].read(value)
    except (KeyError, InvalidValue):
        return False
    return True


def changed(before: Layer, after: Layer) -> dict[str, object]:
    assert type(before) is type(after)
    names = type(before).schema
    return {name: getattr(after, name) for name in names if getattr(before, name) != getattr(after, name)}


@pytest.mark.parametrize("kind", KINDS.values(), ids=[*KINDS])
def test_a_pool_reduces_windows_without_weights(kind: type[Layer]) -> None:
    weights = {case.kind for case in CASES if case.layer.weights(case.inputs)}
    assert kind.is_pool == (kind.__module__.endswith(".pool") and kind.kind not in weights)
    assert kind.min_inputs == (1 if not kind.merges or kind.kind == "concat" else 2)
    assert kind.transposed == ("transpose" in kind.kind)


@every_case
@pytest.mark.parametrize("rounding", ["floor", "ceil", "exact"])
def test_only_pools_round_up_and_only_what_rounds_changes(case: Case, rounding: str) -> None:
    layer = case.layer
    rounds = takes(layer, "rounding", rounding) and not layer.has_same_padding
    after = layer.with_rounding(rounding)
    if rounds and (layer.is_pool or rounding != "ceil"):
        assert after.rounding == rounding and changed(layer, after).keys() <= {"rounding"}  # type: ignore[attr-defined]
        assert after.requires_exact_fit == (rounding == "exact")
        assert all((w.ceil, w.exact) == (rounding == "ceil", rounding == "exact") for w in after.windows(case.inputs))
    else:
        assert after == layer


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if "padding" in kind.schema])
def test_a_total_padding_is_split_with_the_odd_row_after(kind: str) -> None:
    required = {name: 3 for name, field in KINDS[kind].schema.items() if field.required and name != "padding"}
    for padding, border in (
        (4, ((2, 2), (2, 2))),
        (3, ((1, 2), (1, 2))),
        ((1, 2), ((0, 1), (1, 1))),
        (((2, 1), 3), ((2, 1), (1, 2))),
        (0, ((0, 0), (0, 0))),
    ):
        layer = KINDS[kind](**required, padding=padding)
        assert layer.with_padding_in_total().border(((3, 9, 9),)) == border
        assert changed(layer, layer.with_padding_in_total()).keys() <= {"padding"}
    if kind != "pad":
        for word in ("valid", "same"):
            layer = KINDS[kind](**required, padding=word)
            assert layer.with_padding_in_total() == layer


@every_case
def test_a_default_stride_is_that_of_pools_without_one(case: Case) -> None:
    layer, after = case.layer, case.layer.with_default_stride(7)
    if layer.is_pool and getattr(layer, "stride", 7) is None:
        assert changed(layer, after) == {"stride": 7}
        assert {window.stride for window in after.windows(case.inputs)} == {7}
    else:
        assert after == layer


@every_case
def test_a_unit_away_from_the_border_reads_its_local_receptive_field(case: Case) -> None:
    stats = infer_layer(case.layer, case.inputs)
    if case.layer.is_global or case.layer.permutes_axes or case.kind == "reshape" or len(case.output) == 1:
        return
    module = build(case.layer, case.inputs).double().eval()
    initialize(module, "kaiming", 0)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(0.5, 1.0)
    inputs = [torch.rand(1, *shape, dtype=torch.double).requires_grad_() for shape in case.inputs]
    output, sizes = module(*inputs)[0], stats.output_shape[1:]
    for unit in {(0,) * len(sizes), *(tuple((size + part) // 2 for size in sizes) for part in (-1, 0, 1))}:
        if any(at >= size for at, size in zip(unit, sizes, strict=True)):
            continue
        value = (output.movedim(0, -1)[unit] * torch.rand(output.shape[0], dtype=torch.double)).sum()
        gradients = torch.autograd.grad(value, inputs, retain_graph=True)
        for shape, gradient, fields in zip(case.inputs, gradients, stats.local_receptive_field, strict=True):
            seen = (gradient[0].abs() > 1e-12).any(0).nonzero()
            bounds = [(field.low(at), field.high(at)) for field, at in zip(fields, unit, strict=True)]
            if all(low >= 0 and high < size for (low, high), size in zip(bounds, shape[1:], strict=True)):
                found = list(zip(seen.min(0).values.tolist(), seen.max(0).values.tolist(), strict=True))
                if case.kind in ONE_OF_SEVERAL:
                    assert all(low <= a and b <= high for (low, high), (a, b) in zip(bounds, found, strict=True))
                else:
                    assert found == bounds


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("channels", "filters"), [(1, 1), (3, 2), (2, 5)])
def test_a_table_that_connects_every_filter_with_every_channel_changes_no_count(
    channels: int, filters: int, bias: bool
) -> None:
    fields = {"filters": filters, "kernel": (2, 3), "padding": 1, "stride": 2, "bias": bias}
    inputs = ((channels, 7, 8),)
    plain = KINDS["conv"](**fields)
    joined = KINDS["conv"](**fields, connections=(tuple(range(channels)),) * filters)
    one, other = infer_layer(plain, inputs), infer_layer(joined, inputs)
    assert one._replace(weight_shapes={}) == other._replace(weight_shapes={})
    assert plain.fans(inputs) == joined.fans(inputs)
    for table in (((0,),) * filters, (tuple(range(channels)), *((0,),) * (filters - 1))):
        fans = KINDS["conv"](**fields, connections=table).fans(inputs)
        assert fans is not None and min(fans) >= 6  # each filter reads a channel, and each channel is read


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.merges])
def test_a_merge_of_inputs_of_different_ranks_or_sizes_is_refused(kind: str) -> None:
    for shapes in (((3,), (3, 4)), ((3, 4, 4), (3, 4)), ((3, 4, 4), (3, 4, 5)), ((3, 4), (3, 4), (3, 5))):
        for inputs in (shapes, shapes[::-1]):
            with pytest.raises(ShapeError, match=kind):
                KINDS[kind]().output_shape(inputs)
