"""cnn verify reports nothing if cnn is correct, and otherwise the layer and the wrong number."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cases import CASES, Case
from gradients import chains_with_gaps, linear, networks, some_units, supports
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from networks import load_if_it_fits
from program import Run

from cnncli import inference
from cnncli.analysis import input_region
from cnncli.arithmetic.axis_field import AxisField
from cnncli.executor.verification import verdicts as verdicts_module
from cnncli.executor.verification.measured_regions import measured_input_region
from cnncli.executor.verification.verdicts import OK, verify
from cnncli.graph import Graph, Input, Node
from cnncli.inference import infer, node_fields
from cnncli.layers.conv import Conv

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def one_thread() -> Any:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_every_layer_type_agrees_with_torch(case: Case) -> None:
    inputs = tuple(Input(f"input{at}", shape) for at, shape in enumerate(case.inputs))
    node = Node("layer", case.layer, tuple(entry.name for entry in inputs))
    (verdict,) = verify(infer(Graph("case", inputs, (node,), ("layer",))))
    assert verdict.agrees, verdict
    if len(case.output) > 1 and not case.layer.is_global:
        assert verdict.field == OK


@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(networks(padded=True))
def test_the_measured_region_is_the_support_of_the_network_s_gradient(text: str) -> None:
    loaded = load_if_it_fits(text)
    assume(loaded is not None)
    assert loaded is not None
    output = loaded.graph.outputs[0]
    units = some_units(loaded.inferred.shape(output)[1:])
    for unit, support in zip(units, supports(linear(text), units), strict=True):
        found = measured_input_region(loaded.inferred, output, unit)
        assert {name: [*box] for name, box in found.items()} == support


def test_lenet5_agrees_in_every_number(cnn: Run) -> None:
    ended = cnn("verify", "lenet5")
    assert ended.code == 0
    assert ended.out.splitlines()[0] == (" c1        conv              shape ok     weights ok   MACs ok      RF ok")
    assert ended.out.endswith(
        " shape: 12 of 12 layers compared agree\n weights: 5 of 5 layers compared agree\n"
        " MACs: 5 of 5 layers compared agree\n RF: 6 of 6 layers compared agree, "
        "a sample of the layers with feature maps\n 61,706 parameters and 416,520 MACs in total\n"
    )


WRONG: dict[str, tuple[str, Callable[..., Any], str]] = {
    "macs": ("macs", lambda self, inputs, output: 7, "MACs 7, torch 117,600"),
    "shape": ("output_shape", lambda self, inputs: (6, 27, 27), "shape 6x27x27, torch 6x28x28"),
    "weights": ("weights", lambda self, inputs: {"weight": (6, 1, 5, 4)}, "weights weight 6x1x5x4, torch 6x1x5x5"),
}


@pytest.mark.parametrize("figure", WRONG)
def test_a_wrong_number_is_printed_with_torch_s_and_exits_with_1(
    cnn: Run, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path], figure: str
) -> None:
    method, wrong, message = WRONG[figure]
    path = write("input: 1x28x28\nlayers: [conv: {filters: 6, kernel: 5, padding: 2}]\n")
    monkeypatch.setattr(Conv, method, wrong)
    ended = cnn("verify", path, "--only-differences")
    assert ended.code == 1 and message in ended.out.splitlines()[0]


def test_a_wrong_local_receptive_field_is_reported(
    cnn: Run, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path]
) -> None:
    path = write("input: 1x20x20\nlayers: [conv: {filters: 1, kernel: 3}, upsample: 2]\n")
    from cnncli.layers.reshape import Upsample

    monkeypatch.setattr(
        Upsample, "local_receptive_field", lambda self, inputs, output: ((AxisField((0,), (1,), 1),) * 2,)
    )
    ended = cnn("verify", path)
    assert ended.code == 1 and "torch 8..10x8..10" in ended.out


GAPS = """
input: 1x24x24
layers:
  - conv: {filters: 1, kernel: 1, stride: 3}
  - conv_transpose: {filters: 1, kernel: 2, stride: 3, output_padding: 1}
  - avgpool: {kernel: 2, stride: 1, padding: 1}
  - conv: {filters: 1, kernel: 1, stride: 2}
"""


def test_units_with_too_large_a_receptive_field_are_reported(
    cnn: Run, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path]
) -> None:
    path = write(GAPS)
    assert cnn("verify", path).code == 0
    from cnncli.layers.conv import ConvTranspose

    every_unit_reads_one = AxisField((0, 0, 0), (0, 0, 0), 1)
    monkeypatch.setattr(
        ConvTranspose, "local_receptive_field", lambda self, inputs, output: ((every_unit_reads_one,) * 2,)
    )
    ended = cnn("verify", path, "--only-differences")
    assert ended.code == 1
    wrong = [line.split()[0] for line in ended.out.splitlines() if ", torch" in line]
    assert wrong == ["conv_transpose1", "avgpool1", "conv2"]


@settings(max_examples=80, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(chains_with_gaps(), networks(padded=True), networks(padded=False)))
def test_every_receptive_field_of_a_random_network_is_confirmed(text: str) -> None:
    loaded = load_if_it_fits(text)
    assume(loaded is not None)
    assert loaded is not None
    assert [verdict for verdict in verify(loaded.inferred) if verdict.field not in (OK, "-")] == []


@pytest.mark.parametrize("mistake", [-1, 1])
def test_a_composed_receptive_field_that_is_too_small_or_too_large_is_reported(
    cnn: Run, monkeypatch: pytest.MonkeyPatch, mistake: int
) -> None:
    composed = node_fields.compose

    def wrong(layer: AxisField, earlier: AxisField) -> AxisField:
        right = composed(layer, earlier)
        return right._replace(last=tuple(high + mistake for high in right.last))

    monkeypatch.setattr(node_fields, "compose", wrong)
    ended = cnn("verify", "lenet5", "--only-differences")
    ours = f"11..{15 + mistake}"
    assert ended.code == 1 and f"RF {ours}x{ours}, torch 11..15x11..15" in ended.out.splitlines()[0]


def test_a_corner_unit_whose_region_is_not_clipped_is_reported(cnn: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_region, "_inside", lambda indices, size, mode: set(indices))
    ended = cnn("verify", "lenet5", "--only-differences")
    assert ended.code == 1 and "RF -2..2x-2..2, torch 0..2x0..2" in ended.out


SHARED = """
input: 2x8x8
layers:
  - conv: {filters: 2, kernel: 3, padding: 1, name: own}
  - conv: {filters: 2, kernel: 3, padding: 1, share: own}
"""


def test_shared_weights_that_are_counted_twice_are_reported(
    cnn: Run, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path]
) -> None:
    path = write(SHARED)
    assert cnn("verify", path).code == 0
    monkeypatch.setattr(inference, "_with_shared_weights", lambda figures, node, info: figures)
    ended = cnn("verify", path, "--only-differences")
    assert ended.code == 1
    assert "weights conv2.weight 2x2x3x3, torch none" in ended.out.splitlines()[0]


@pytest.mark.parametrize("figure", ["params", "trainable"])
def test_a_wrong_total_is_reported(
    cnn: Run, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path], figure: str
) -> None:
    right = inference.Inferred.totals.fget  # type: ignore[attr-defined]
    wrong = property(lambda inferred: {**right(inferred), figure: 7})
    monkeypatch.setattr(inference.Inferred, "totals", wrong)
    ended = cnn("verify", write(SHARED), "--only-differences")
    assert ended.code == 1 and f"weights {figure} 7, torch 38" in ended.out.splitlines()[0]


UNCOUNTED = """
input: 1x12x12
layers:
  - conv: {filters: 2, kernel: 3, padding: 1, padding_mode: partial}
  - lcn: 3
  - conv: {filters: 2, kernel: 3, connections: [[0], [0, 1]]}
  - local: {filters: 2, kernel: 3}
  - slice: {stop: 1}
  - local: {filters: 2, kernel: 1, name: of_one_term}
  - flatten
  - rbf: 3
"""


def test_macs_that_are_not_compared_have_a_reason(cnn: Run, write: Callable[..., Path]) -> None:
    path = write(UNCOUNTED)
    verdicts = {verdict["layer"]: verdict for verdict in json.loads(cnn("verify", path, "--format", "json").out)}
    noted = {name for name, verdict in verdicts.items() if verdict["note"]}
    assert noted == {"conv1", "lcn1", "conv2", "of_one_term", "rbf1"}
    assert {verdicts[name]["macs"] for name in noted} == {"-"}
    assert verdicts["local1"]["macs"] == "ok"
    out = cnn("verify", path).out
    assert " MACs of conv1 not compared: torch also counts the convolution that computes the border weights\n" in out


@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(networks(padded=True))
def test_correct_networks_agree_whatever_their_padding(text: str) -> None:
    loaded = load_if_it_fits(text)
    assume(loaded is not None)
    assert loaded is not None
    assert [verdict for verdict in verify(loaded.inferred) if not verdict.agrees] == []


@pytest.mark.parametrize("layers", [
    "[pad: {padding: 3, mode: reflect}, slice: {axis: height, stop: 2}, conv: {filters: 1, kernel: 2}]",
    "[crop: 3, conv: {filters: 1, kernel: 3, padding: 1}]",
    "[conv_transpose: {filters: 1, kernel: 2, stride: 3}, conv: {filters: 1, kernel: 2}]",
    "[permute: {order: [0, 2, 1]}, conv: {filters: 1, kernel: [1, 5], stride: [1, 2]}]",
    "[reshape: [2, 6, 24], conv: {filters: 1, kernel: 3}]",
    "[reshape: [2, 144], conv: {filters: 1, kernel: 3}]",
    "[adaptive_avgpool: 5, upsample: {scale: 2, mode: cubic}, conv: {filters: 1, kernel: 3}]",
])  # fmt: skip
def test_cropped_repeated_or_sparse_borders_contradict_no_receptive_field(
    cnn: Run, write: Callable[..., Path], layers: str
) -> None:
    assert cnn("verify", write(f"input: 2x12x12\nlayers: {layers}\n")).code == 0


def test_an_error_of_torch_is_reported_without_a_traceback(
    cnn: Run, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path]
) -> None:
    def refused(layer: Any, inputs: Any) -> Any:
        raise RuntimeError("no such kernel\nand so on")

    monkeypatch.setattr(verdicts_module, "build", refused)
    ended = cnn("verify", write("input: 1x8x8\nlayers: [conv: {filters: 1, kernel: 3}]\n"))
    assert ended.code == 2 and ended.err.startswith("conv1 (conv on 1x8x8): torch reports: no such kernel\n")


def test_json_has_a_verdict_for_each_layer(cnn: Run) -> None:
    verdicts = json.loads(cnn("verify", "lenet5", "--format", "json").out)
    assert len(verdicts) == 12
    assert verdicts[0] == {
        "layer": "c1",
        "kind": "conv",
        **dict.fromkeys(("shape", "weights", "macs", "field"), "ok"),
        "note": "",
    }
    assert json.loads(cnn("verify", "lenet5", "--format", "json", "--only-differences").out) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["resnet50", "googlenet", "inception_v3", "densenet121", "efficientnet_b0", "convnext_tiny", "shufflenet_v2_x1_0",
     "mobilenet_v3_small", "regnet_y_400mf", "unet", "fcn32s", "c3d", "two_stream", "lenet5_1998", "vgg16_bn"],
)  # fmt: skip
def test_bundled_networks_agree_with_torch(cnn: Run, name: str) -> None:
    assert cnn("verify", name).code == 0
