"""The networks of papers and lectures have the figures that these give."""

from __future__ import annotations

import pytest

from cnncli import load

# layer: (parameters, connections), LeCun et al. 1998, section II.B
LENET5 = {
    "c1": (156, 122_304),
    "s2": (12, 5_880),
    "c3": (1_516, 151_600),
    "s4": (32, 2_000),
    "c5": (48_120, 48_120),
    "f6": (10_164, 10_164),
    "output": (840, 840),
}


@pytest.mark.parametrize("layer", LENET5)
def test_lenet5_of_1998_has_the_paper_s_parameters_and_connections(layer: str) -> None:
    stats = load("lenet5_1998").inferred.layers[layer].stats
    assert (stats.params, stats.connections) == LENET5[layer]


def test_lenet5_of_1998_trains_60000_parameters_and_has_340908_connections() -> None:
    totals = load("lenet5_1998").inferred.totals
    assert (totals["trainable"], totals["params"] - totals["trainable"], totals["connections"]) == (
        60_000,
        840,
        340_908,
    )


# network: (output shape, parameters), of the papers or of their published code
CLASSICS = {
    "alexnet_2012": ((1000,), 60_965_224),  # Caffe's bvlc_alexnet
    "zfnet": ((1000,), 62_357_608),
    "nin": ((10,), 966_986),  # its published train_val.prototxt
    "fcn32s": ((21, 500, 500), 136_152_917),
    "unet": ((2, 388, 388), 31_030_658),
    "c3d": ((487,), 79_991_015),
    "fcn_timeseries": ((10,), 265_994),
    "two_stream": ((101,), 181_335_594),
    "convnetjs_cifar10": ((10,), 22_466),
    "convnetjs_mnist": ((10,), 5_994),
    "caffe_cifar10_quick": ((10,), 145_578),
    "digit_visualiser": ((10,), 63_802),
    "preact_resnet164": ((10,), 1_703_258),
    "mobilenet_v1": ((1000,), 4_231_976),
}


@pytest.mark.parametrize("name", CLASSICS)
def test_classics_have_their_output_and_their_parameters(name: str) -> None:
    inferred = load(name).inferred
    assert (inferred.shape(inferred.graph.outputs[0]), inferred.totals["params"]) == CLASSICS[name]


def test_the_two_groups_of_alexnet_2012_halve_what_a_filter_reads() -> None:
    facts = load("alexnet_2012").inferred.layers
    assert [facts[f"conv{n}"].stats.params for n in range(1, 6)] == [34_944, 307_456, 885_120, 663_936, 442_624]
    assert facts["conv1"].stats.output_shape == (96, 55, 55)


def test_unet_halves_its_maps_as_in_the_paper_s_figure() -> None:
    inferred = load("unet").inferred
    sides = {
        name: inferred.shape(f"{name}.repeat1.1.relu1")[1] for name in ("down1", "down2", "down3", "down4", "bottom")
    }
    assert sides == {"down1": 568, "down2": 280, "down3": 136, "down4": 64, "bottom": 28}
    assert [inferred.shape(f"up{n}.concat1")[0] for n in (4, 3, 2, 1)] == [1024, 512, 256, 128]


def test_the_lectures_comparison_of_connectivity() -> None:
    weights = {
        name: load(f"connectivity/{name}").inferred.totals["weights"]
        for name in ("fully_connected", "locally_connected", "convolutional")
    }
    assert weights == {"fully_connected": 1_600_000_000, "locally_connected": 4_000_000, "convolutional": 100}
    twenty = load("connectivity/convolutional", overrides={"filters": "20"}).inferred
    assert twenty.totals["weights"] == 2_000
    assert load("connectivity/locally_connected").inferred.totals["activations"] == 40_000


def test_goodfellow_s_edges_cost_267960_operations_or_16_billion() -> None:
    convolution, product = (load(f"edge_detection/{name}").inferred for name in ("convolution", "matrix_product"))
    assert convolution.totals["flops"] == 267_960
    assert round(product.totals["flops"] / 1e9) == 16
    assert convolution.totals["activations"] == product.layers["edges"].stats.activations == 319 * 280


def test_the_two_streams_read_their_own_inputs() -> None:
    inferred = load("two_stream").inferred
    assert {*inferred.layers["spatial.softmax1"].receptive_field} == {"rgb"}
    assert {*inferred.layers["temporal.softmax1"].receptive_field} == {"flow"}
    assert {*inferred.layers["average1"].receptive_field} == {"rgb", "flow"}
