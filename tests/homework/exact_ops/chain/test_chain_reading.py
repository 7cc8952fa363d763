"""Numbers of a chain fit the shapes that need them; losses of any targets are those of PyTorch."""

from __future__ import annotations

import re
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.chain.calculation import place_text
from cnncli.homework.exact_ops.chain.chain_reading import (
    OPERATIONS_LIMIT,
    Chain,
    check_size,
    read_chain,
)
from cnncli.homework.exact_ops.chain.chain_run import BITS_LIMIT, ChainResult, run_chain
from cnncli.homework.exact_ops.chain.chain_text import ChainText, chain_of_layers
from cnncli.homework.exact_ops.chain.fitting import batch, fitted, input_shape, template
from cnncli.homework.exact_ops.chain.numbers_in_files import read_parts
from cnncli.homework.exact_ops.chain.rules.softmax import columns
from cnncli.homework.exact_ops.exercise import ExerciseText, read_exercise
from cnncli.language import Source
from cnncli.language.source import Mapping, parse

some = settings(max_examples=25, deadline=None, derandomize=True, database=None)
shapes = st.lists(st.integers(1, 3), min_size=1, max_size=4).map(tuple)
Shape = tuple[int, ...]


def values_of(shape: Shape) -> Any:
    return np.arange(1, prod(shape) + 1).astype(object).reshape(shape)


def written(array: Any) -> str:
    """As the templates of errors write it."""
    if array.ndim == 1:
        return " ".join(map(str, array))
    return {2: "; ", 3: " | ", 4: " || "}[array.ndim].join(map(written, array))


@some
@given(shapes)
def test_a_template_fits_its_shape_and_so_do_numbers_written_like_it(shape: Shape) -> None:
    array = values_of(shape)
    found = template(shape)
    if prod(shape) > 40:
        assert found == f"{prod(shape):,} numbers, or the name of a file of them"
    else:
        zeros = fitted(read_parts(found.strip('"')), shape, "weight")
        assert zeros.shape == shape and not zeros.any()
        assert found == f'"{written(np.zeros(shape, dtype=int))}"'
    for text in (written(array), str(array.tolist())):
        assert np.array_equal(fitted(read_parts(text), shape, "weight"), array), text
    long = array.reshape([size for size in shape if size > 1] or [1])
    assert np.array_equal(fitted([long], shape, "weight"), array)
    assert np.array_equal(fitted([*array] if len(shape) > 1 else [array], shape, "weight"), array)
    with pytest.raises(CnnError) as caught:
        fitted([values_of((*shape[:-1], shape[-1] + 1))], shape, "weight")
    assert "weight has shape " in str(caught.value) and template(shape) in str(caught.value)
    if len(shape) > 1 and shape[0] > 1:
        with pytest.raises(CnnError, match=f"{shape[0]} parts of "):
            fitted([*values_of((*shape[:-1], shape[-1] + 1))], shape, "weight")


@some
@given(shapes.filter(lambda shape: len(shape) < 4), st.integers(1, 3))
def test_examples_are_parts_or_the_first_axis(shape: Shape, count: int) -> None:
    array = values_of((count, *shape))
    assert np.array_equal(batch([*array], shape, "the input"), array)
    assert np.array_equal(batch([array], shape, "the input"), array)
    assert batch([array[0]], shape, "the input").shape == (1, *shape)
    with pytest.raises(CnnError, match="the input has shape"):
        batch([*array, values_of((*shape[:-1], shape[-1] + 1))], shape, "the input")


def test_the_shape_of_an_example_is_that_of_its_brackets() -> None:
    for given_shape, expected in (((3,), (3,)), ((2, 3), (1, 2, 3)), ((4, 2, 3), (4, 2, 3)), ((5, 4, 2, 3), (4, 2, 3))):
        assert input_shape([values_of(given_shape)]) == expected


@some
@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=4).map(tuple), st.lists(st.integers(1, 3), min_size=4, max_size=4)
)
def test_a_place_leaves_out_a_batch_of_one_and_a_single_channel(index: Shape, sizes: list[int]) -> None:
    shape = tuple(sizes[: len(index)])
    shown = place_text(index, shape)
    kept = shown.strip("()").split(",")
    hidden = len(index) - len(kept)
    assert [*map(str, index[hidden:])] == kept and set(shape[:hidden]) <= {1}
    assert hidden <= 1 or len(shape) - hidden >= 2  # of several axes, the last two stay
    assert hidden or len(shape) == 1 or shape[0] > 1


@some
@given(shapes.filter(lambda shape: len(shape) > 1))
@example((1, 2, 3))
def test_a_softmax_names_its_column_where_there_are_several(shape: Shape) -> None:
    found = [*columns(shape)]
    assert len(found) == prod(shape) // shape[1] and all(len(column.indices) == shape[1] for column in found)
    assert len({index for column in found for index in column.indices}) == prod(shape)
    names = {column.of for column in found}
    assert len(names) == len(found) and ("" in names) == (len(found) == 1)


# Losses -----------------------------------------------------------------------------------------------------------


def run(values: str, *layers: str, target: str, loss: str = "") -> ChainResult:
    text = chain_of_layers(values, layers)
    return run_chain(read_chain(text._replace(target=target, loss=loss)))


def value_of(result: ChainResult) -> float:
    assert result.loss is not None
    return float(result.loss.value.value[0])


def first_gradient(result: ChainResult) -> list[list[float]]:
    return [[*map(float, row)] for row in result.gradients[0].gradient.value]


@some
@given(st.lists(st.lists(st.integers(-3, 3), min_size=3, max_size=3), min_size=1, max_size=3), st.data())
def test_losses_of_classes_probabilities_and_numbers_are_those_of_torch(
    rows: list[list[int]], data: st.DataObject
) -> None:
    scores = torch.tensor(rows, dtype=torch.float64, requires_grad=True)
    classes = [data.draw(st.integers(0, 2)) for _ in rows]
    weights = [data.draw(st.permutations([Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)])) for _ in rows]
    soft = torch.tensor([[*map(float, row)] for row in weights], dtype=torch.float64)
    values, hard = " || ".join(" ".join(map(str, row)) for row in rows), " ".join(map(str, classes))
    shares = " || ".join(" ".join(map(str, row)) for row in weights)
    expected = {
        ("", hard): functional.cross_entropy(scores, torch.tensor(classes)),
        ("cross_entropy", hard): functional.cross_entropy(scores, torch.tensor(classes)),
        ("cross_entropy", shares): functional.cross_entropy(scores, soft),
        ("mse", shares): functional.mse_loss(scores, soft),
        ("hinge", hard): 3 * functional.multi_margin_loss(scores, torch.tensor(classes)),
    }
    for (loss, target), theirs in expected.items():
        found = run(values, "identity", target=target, loss=loss)
        assert value_of(found) == pytest.approx(theirs.item()), (loss, target)
        (gradient,) = torch.autograd.grad(theirs, scores, retain_graph=True)
        if loss != "hinge":  # at a margin of 0, PyTorch has another subgradient
            assert np.allclose(first_gradient(found), gradient.numpy()), (loss, target)
        else:
            assert first_gradient(found) == hinge_gradient(rows, classes)
    for last in ("softmax", "log_softmax"):
        found = run(values, last, target=shares)
        assert value_of(found) == pytest.approx(expected["cross_entropy", shares].item())
        (gradient,) = torch.autograd.grad(expected["cross_entropy", shares], scores, retain_graph=True)
        assert np.allclose(first_gradient(found), gradient.numpy()) and found.gradients[0].name == "input"


def hinge_gradient(rows: list[list[int]], classes: list[int]) -> list[list[float]]:
    found = [
        [float(row[at] - row[y] + 1 > 0) if at != y else 0.0 for at in range(3)]
        for row, y in zip(rows, classes, strict=True)
    ]
    for row, y in zip(found, classes, strict=True):
        row[y] = -sum(row)
    return [[value / len(rows) for value in row] for row in found]


# values, layer, target, loss, what is said
REFUSED = [
    ("1 2 3", "identity", "3", "", "there is no such class"),
    ("1 2 3", "identity", "-1", "", "there is no such class"),
    ("1 2 3", "identity", "1/2", "", "there is no such class"),
    ("1 2", "identity", "1 1", "cross_entropy", "sum is 1"),
    ("1 2", "identity", "2 -1", "cross_entropy", "sum is 1"),
    ("1 2", "identity", "1/2 1/2", "", "not clear"),
    ("1 2", "identity", "1/2 1/2", "hinge", "a class as the target"),
    ("1 2; 3 4", "relu", "0", "cross_entropy", "relu1"),
    ("1 2 || 3 4", "identity", "1 2", "mse", "1 target for 2 examples"),
    ("1 2", "identity", "1 2 || 3 4", "mse", "2 targets for 1 example"),
    ("1 2", "identity", "0", "mae", "unknown loss 'mae'"),
    *(("1 2 3", "identity", target, "", "") for target in "012"),
    ("-1 2", "relu", "1 0", "mse", ""),
]


@pytest.mark.parametrize(("values", "layer", "target", "loss", "said"), REFUSED)
def test_a_target_that_the_loss_cannot_have_is_refused(
    values: str, layer: str, target: str, loss: str, said: str
) -> None:
    if not said:
        assert run(values, layer, target=target, loss=loss).loss is not None
        return
    with pytest.raises(CnnError, match=re.escape(said)):
        run(values, layer, target=target, loss=loss)


# Weights and limits -----------------------------------------------------------------------------------------------


def read(values: str, *layers: str) -> Chain:
    return read_chain(chain_of_layers(values, layers))


@pytest.mark.parametrize("weight", ["$k + 1", "'$k 1; 1 1'", "[[$k, 1], [1, 1]]"])
def test_a_variable_in_a_weight_is_refused_in_one_sentence(weight: str) -> None:
    with pytest.raises(CnnError, match="takes numbers, not variables"):
        read("1 2; 3 4", f"conv: {{kernel: 2, weight: {weight}}}")


DEFAULTS: dict[str, dict[str, list[object]]] = {  # the weights that a layer is not given
    "linear: {weight: 1 1}": {"bias": [0]},
    "prelu": {"weight": [Fraction(1, 4)]},
    "prelu: {init: 2}": {"weight": [2]},
    "batchnorm": {"weight": [1, 1], "bias": [0, 0]},
    "layernorm": {"weight": [1, 1], "bias": [0, 0]},
    "scale: {init: 0.1}": {"weight": [Fraction(1, 10)] * 2},
    "batchnorm: {gamma: 3 4}": {"bias": [0, 0]},
}


@pytest.mark.parametrize("layer", DEFAULTS)
def test_weights_that_are_not_given_are_the_initial_ones_of_pytorch(layer: str) -> None:
    chain, added = read("1 2", layer), DEFAULTS[layer]
    ((name, weights),) = chain.weights.items()
    for key, values in added.items():
        assert [*weights[key].reshape(-1)] == values
    notes = {f"{name}: no {key} is given, so it is {values[0]}" for key, values in added.items()}
    assert {*chain.notes} == notes


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ("linear: 2", "missing weight of shape 2x2"), ("linear: {weight: 1 1, other: 1}", "other"),
        ("batchnorm: {mean: 0 0}", "mean and var go together"), ("batchnorm: {var: 1 1}", "mean and var go together"),
        ("relu: {weight: 1}", "relu has no weight"), ("relu: {mean: 1}", "relu has no running_mean"),
        ("linear: {units: 1, weight: 1 2 3}", "weight has shape 3"),
        ("lcn", "lcn cannot be calculated by hand (its windows"),
        ("conv: {filters: 1, kernel: 1, weight: 1 x}", "'x' is not a number"),
    ],
)  # fmt: skip
def test_numbers_that_do_not_fit_are_refused_with_their_option(layer: str, said: str) -> None:
    with pytest.raises(CnnError) as caught:
        read("1 2", layer)
    assert said in str(caught.value)


def test_the_size_and_the_digits_of_a_calculation_have_limits() -> None:
    chain = read("1 2", "relu")
    each = chain.inferred.totals["macs"] + chain.inferred.totals["activations"]
    check_size(chain.inferred, {"input": [0] * (OPERATIONS_LIMIT // each)})
    with pytest.raises(CnnError, match="too many to calculate by hand"):
        check_size(chain.inferred, {"input": [0] * (OPERATIONS_LIMIT // each + 1)})
    for bits, fits in ((BITS_LIMIT, True), (BITS_LIMIT + 1, False)):
        for value in (2 ** (bits - 1), Fraction(1, 2 ** (bits - 1)), -(2 ** (bits - 1))):
            large = chain._replace(values={"input": np.array([[value, 1]], dtype=object)})
            if fits:
                assert run_chain(large).layers["relu1"].output.value[0, 1] == 1
            elif value > 0:
                with pytest.raises(CnnError, match="more than 1,200 digits"):
                    run_chain(large)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_there_is_an_upstream_gradient_for_every_example(count: int) -> None:
    chain = read("1 -2 || 3 4", "relu")
    upstream = read_parts(" || ".join(["5 6"] * count))
    if count != 2:
        with pytest.raises(CnnError, match=rf"{count} upstream gradients? for 2 examples"):
            run_chain(chain, upstream)
        return
    (gradient,) = run_chain(chain, upstream).gradients
    assert gradient.gradient.value.tolist() == [[5, 0], [5, 6]] and gradient.to == "the input of relu1"
    assert run_chain(chain).gradients == () and run_chain(chain).loss is None


# Large and small numbers ------------------------------------------------------------------------------------------

HUGE = {  # of -1e9, 0 and 1e9, and of -1e99, 0 and 1e99; and the slopes
    "softplus": ([0, 0.6931471805599453, 1], [0, 0.5, 1]), "sigmoid": ([0, 0.5, 1], [0, 0.25, 0]),
    "tanh": ([-1, 0, 1], [0, 1, 0]), "elu": ([-1, 0, 1], [0, 1, 1]), "gelu": ([0, 0, 1], [0, 0.5, 1]),
    "'gelu: tanh'": ([0, 0, 1], [0, 0.5, 1]), "silu": ([0, 0, 1], [0, 0.5, 1]),
    "softmax": ([0, 0, 1], [0, 0, 0]),
}  # fmt: skip


@pytest.mark.parametrize("layer", HUGE)
def test_huge_arguments_have_their_values(layer: str) -> None:
    values, slopes = HUGE[layer]
    grows = layer in ("softplus", "elu", "gelu", "'gelu: tanh'", "silu")
    for exponent in (9, 99):
        result = run_chain(read(f"-1e{exponent} 0 1e{exponent}", layer.strip("'")), read_parts("1 1 1"))
        (found,) = result.layers.values()
        expected = [*values[:2], values[2] * 10**exponent if grows else values[2]]
        assert [*map(float, found.output.value[0])] == pytest.approx(expected)
        assert [*map(float, result.gradients[0].gradient.value[0])] == pytest.approx(slopes)
        assert [*found.output.steps()] and [*result.gradients[0].gradient.steps()]


@pytest.mark.parametrize("layer", ["softmax", "log_softmax", "identity"])
@pytest.mark.parametrize("scores", ["1e9 0", "0 -1e9", "800 -200", "1e9 0 || 0 1"])
def test_the_cross_entropy_of_an_underflowing_probability_is_the_difference_of_the_scores(
    layer: str, scores: str
) -> None:
    result = run(scores, layer, target="1 0" if "||" in scores else "1")
    count = scores.count("||") + 1
    expected = {"800 -200": 1000.0}.get(scores, 1e9) / count + (1.3132616875182228 / 2 if count == 2 else 0)
    assert value_of(result) == pytest.approx(expected)
    assert first_gradient(result)[0] == pytest.approx([1 / count, -1 / count])
    assert result.loss is not None and [*result.loss.value.steps()][-1].value == result.loss.value.value[0]


def test_the_steps_of_a_softmax_subtract_the_maximum_only_where_powers_overflow() -> None:
    """123, 456, 789: the example of CS231n's notes on numeric stability."""
    for values, first, third in (
        ("123 456 789", "max(123, 456, 789)", "exp(456 - 789)"),
        ("1 2", "exp(1)", "2.71828 + 7.38906"),
        ("-800 -900", "max(-800, -900)", "exp(-900 - (-800))"),
    ):
        steps = [*run_chain(read(values, "softmax")).layers["softmax1"].output.steps()]
        assert (steps[0].expression, steps[2].expression) == (first, third)


# Sizes of weights -------------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None, derandomize=True, database=None)
@given(st.sampled_from(["conv", "conv_transpose", "depthwise_conv"]), st.integers(1, 3), st.integers(1, 3), st.data())
def test_the_sizes_of_a_layer_follow_from_its_weight_on_any_number_of_axes(
    kind: str, channels: int, filters: int, data: st.DataObject
) -> None:
    """Also after a layer that changes the number of channels."""
    kernel = tuple(data.draw(st.lists(st.integers(1, 2), min_size=1, max_size=3)))
    is_first = data.draw(st.booleans())
    heads = {
        "conv": (filters, channels),
        "conv_transpose": (channels, filters),
        "depthwise_conv": (filters * channels, 1),
    }
    weight = values_of((*heads[kind], *kernel)).tolist()
    values = np.ones((channels if is_first else 1, *[2] * len(kernel)), dtype=int)
    shape = f"{values.shape[0]}@{'x'.join('2' * len(kernel))}"
    before = "" if is_first else f"  - concat: [{', '.join(['input'] * channels)}]\n"
    text = f"input: {shape}\nvalues: {values.tolist()}\nlayers:\n{before}  - {kind}: {{weight: {weight}}}\n"
    source = Source("test", text)
    root = parse(source)
    assert isinstance(root, Mapping)
    chain = read_chain(ChainText(source, root))
    assert chain.weights[chain.output]["weight"].tolist() == weight


# Dropout with a mask ----------------------------------------------------------------------------------------------


@some
@given(st.lists(st.integers(0, 1), min_size=6, max_size=6), st.sampled_from(["0", "0.2", "0.5"]), st.booleans())
def test_dropout_keeps_what_its_mask_says_and_so_do_the_gradients(bits: list[int], rate: str, shared: bool) -> None:
    mask = [bits[:3]] * 2 if shared else [bits[:3], bits[3:]]
    text = " || ".join(" ".join(map(str, row)) for row in mask[: 1 if shared else 2])
    chain = read("1 -2 3 || 1/3 5 0", f"dropout: {{rate: {rate}, mask: '{text}'}}")
    result = run_chain(chain, read_parts("2 -1 1/2 || 1 1 -3"))
    kept = 1 - Fraction(rate)
    for found, before in (
        (result.layers["dropout1"].output, [[1, -2, 3], [Fraction(1, 3), 5, 0]]),
        (result.gradients[0].gradient, [[2, -1, Fraction(1, 2)], [1, 1, -3]]),
    ):
        pairs = [zip(row, keeps, strict=True) for row, keeps in zip(before, mask, strict=True)]
        assert found.value.tolist() == [[x * keep / kept for x, keep in row] for row in pairs]
        assert len([*found.steps()]) == 6
    assert chain.notes == ()


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ("dropout: {mask: 1 2}", "other than 0 and 1"), ("dropout: {mask: 1 0 1}", "mask has shape 3, but must be 2"),
        ("dropout: {mask: 1 0 || 0 1}", "2 masks for 1 examples"), ("relu: {mask: 1 0}", "relu has no mask"),
        ("dropout: {rate: 1, mask: 1 0}", "a rate of 1 keeps no value"),
    ],
)  # fmt: skip
def test_a_mask_that_does_not_fit_is_refused(layer: str, said: str) -> None:
    with pytest.raises(CnnError, match=said):
        run_chain(read("1 2", layer))


def test_channels_written_as_rows_are_a_one_dimensional_input_of_a_chain() -> None:
    x, kernel = "1 2 3 | 4 5 6", "1 1 | 1 1 || 1 0 | 0 1"
    result = run(x, f"conv: {{padding: 1, weight: '{kernel}', bias: '0 0'}}", target="0 0 0 0; 0 0 0 0", loss="mse")
    expected = read_exercise(ExerciseText(x, (kernel,), padding="1")).result()
    assert result.layers["conv1"].output.value.tolist() == [expected.tolist()]
    assert read("[[1, 2, 3]] | [[4, 5, 6]]", "relu").values["input"].shape == (1, 2, 1, 3)
    assert read("1 2 | 3 4 || 5 6 | 7 8", "relu").values["input"].shape == (2, 2, 2)


@pytest.mark.parametrize(
    ("values", "layer"),
    [
        ("5", "layernorm"),
        ("5; 7", "layernorm: {axes: channels}"),
        ("5", "groupnorm: 1"),
        ("[[[5]], [[7]]]", "groupnorm: 2"),
    ],
)
def test_a_group_of_a_single_value_is_normalized_to_0_as_in_pytorch(values: str, layer: str) -> None:
    chain = read(values, layer)
    (weights,) = chain.weights.values()
    weights["bias"][...] = 3
    result = run_chain(chain, read_parts(values))
    alone = torch.tensor([[5.0]], requires_grad=True)
    for expected in (functional.layer_norm(alone, (1,)), torch.group_norm(alone, 1)):
        (gradient,) = torch.autograd.grad(expected, alone)
        assert {*result.layers[chain.output].output.value.reshape(-1)} == {expected.item() + 3}
        assert {*result.gradients[-1].gradient.value.reshape(-1)} == {gradient.item()}


@pytest.mark.parametrize(
    ("layer", "values", "followed"),
    [("batchnorm", "5", "5 || 7"), ("instancenorm", "[[[5]]]", "5 7; 1 2")],
)
def test_the_hint_for_a_variance_of_a_single_value_can_be_followed(layer: str, values: str, followed: str) -> None:
    with pytest.raises(CnnError, match="that of a single value"):
        run_chain(read(values, layer))
    run_chain(read(followed, layer))
