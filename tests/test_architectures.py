"""The bundled networks have the figures that were published for them."""

from __future__ import annotations

import json
import re

import pytest
from program import SHARED
from published import TORCHVISION

from cnncli import load
from cnncli.bundled import bundled


@pytest.mark.parametrize("name", TORCHVISION)
def test_parameters_and_gmacs_are_those_published(name: str) -> None:
    # of inception_v3 the parameters are published with its auxiliary head, the operations without it
    without_head = {"aux": "false"} if name == "inception_v3" else {}
    totals = {**load(name, overrides=without_head).inferred.totals, "params": load(name).inferred.totals["params"]}
    assert (totals["params"], round(totals["macs"] / 1e9, 3)) == TORCHVISION[name]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the published figures are not here")
def test_the_figures_above_are_those_of_the_published_list() -> None:
    published = json.loads((SHARED / "reference" / "torchvision.json").read_text())["networks"]
    stats = {entry["model"].lower(): (entry["params"], entry["gmacs"]) for entry in published}
    attention = ("swin", "vit", "maxvit")
    assert {name: value for name, value in stats.items() if not name.startswith(attention)} == TORCHVISION


def test_lenet5_has_61706_parameters() -> None:
    assert load("lenet5").inferred.totals["params"] == 61_706


def test_vgg16_s_first_linear_layer_has_most_of_its_parameters() -> None:
    stats = load("vgg16").inferred.layers["linear1"].stats
    assert (stats.params, stats.weights) == (102_764_544, 102_760_448)


@pytest.mark.parametrize(("original", "size"), [("false", 427), ("true", 483)])
def test_resnet50_sees_427_before_its_global_pool_and_483_as_in_the_paper(original: str, size: int) -> None:
    inferred = load("resnet50", overrides={"original": original}).inferred
    last = inferred.layers[inferred.layers["global_avgpool1"].node.inputs[0]]
    assert [axis.size for axis in last.receptive_field["input"].axes] == [size, size]
    assert inferred.totals["params"] == 25_557_032


@pytest.mark.parametrize("name", bundled())
def test_every_bundled_network_has_a_name_and_a_source_and_is_short(name: str) -> None:
    loaded = load(name)
    assert loaded.graph.name and loaded.graph.source
    lines = loaded.source.text.splitlines()
    assert len(lines) <= 64 and max(map(len, lines)) <= 120


def test_allconv_has_no_pool_but_the_last() -> None:
    kinds = [info.node.layer.kind for info in load("allconv").inferred.layers.values()]
    assert [kind for kind in kinds if "pool" in kind] == ["global_avgpool"]


@pytest.mark.parametrize("name", ["resnet18", "vgg16", "squeezenet1_1", "inception_v3", "mobilenet_v3_small"])
def test_networks_for_imagenet_take_another_number_of_classes(name: str) -> None:
    loaded = load(name, overrides={"classes": "7"})
    assert {loaded.inferred.shape(output)[0] for output in loaded.graph.outputs} == {7}


def test_no_network_has_its_thousand_classes_written_out() -> None:
    files = {path for path in bundled().values() if re.search(r"linear: 1000|filters: 1000", path.read_text())}
    assert {path.stem for path in files} <= {"network3"}  # whose thousand are hidden units
