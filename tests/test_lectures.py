"""Each line of the lectures' tables, as a network or as a command (shared/reference/lectures.md)."""

from __future__ import annotations

from typing import Any

import pytest
from program import Run
from texts import loaded, network, refusal

from cnncli.arithmetic.shape import format_shape
from cnncli.inference import LayerInfo, LayerStats


def facts(*layers: str, **options: Any) -> list[LayerInfo]:
    return list(loaded(network(*layers, **options)).inferred.layers.values())


def stats(*layers: str, **options: Any) -> LayerStats:
    """Of the last layer."""
    return facts(*layers, **options)[-1].stats


def shape(*layers: str, **options: Any) -> str:
    return format_shape(stats(*layers, **options).output_shape)


# Arithmetic ----------------------------------------


@pytest.mark.parametrize(
    ("stride", "padding", "expected"),
    [(1, 0, "1x5x5"), (2, 0, "1x3x3"), (1, 1, "1x7x7"), (2, 1, "1x4x4"), (3, 1, "1x3x3")],
)
def test_a_3x3_filter_on_7x7(stride: int, padding: int, expected: str) -> None:
    layer = f"conv: {{filters: 1, kernel: 3, stride: {stride}, padding: {padding}, rounding: exact}}"
    assert shape(layer, input="1x7x7") == expected


def test_stride_3_does_not_fit_7x7() -> None:
    text = network("conv: {filters: 1, kernel: 3, stride: 3, rounding: exact}", input="1x7x7")
    assert (
        str(refusal(text))
        == """\
net.yaml:3:35: conv1: a 3x3 kernel with stride 3 does not fit a 7x7 input with padding 0 exactly: \
(7 - 3)/3 + 1 = 2.333 positions
    - conv: {filters: 1, kernel: 3, stride: 3, rounding: exact}
                                    ^
  shapes so far: input 1x7x7
  use stride 1 or 2, or padding 1, or rounding: floor"""
    )
    loose = stats("conv: {filters: 1, kernel: 3, stride: 3}", input="1x7x7")
    assert (loose.output_shape, loose.notes) == ((1, 2, 2), ("drops 1 row and 1 column",))


def test_strict_makes_every_layer_exact() -> None:
    text = network("maxpool: {kernel: 3, stride: 3}", input="1x7x7")
    assert loaded(text).inferred.layers
    assert "2.333 positions" in str(refusal(text, strict=True))


@pytest.mark.parametrize(("kernel", "padding"), [(3, 1), (5, 2), (7, 3)])
def test_half_the_kernel_as_padding_keeps_the_size(kernel: int, padding: int) -> None:
    for given in (padding, "same"):
        assert shape(f"conv: {{filters: 1, kernel: {kernel}, padding: {given}}}", input="1x32x32") == "1x32x32"


def test_without_padding_maps_shrink() -> None:
    found = facts(*["conv: {filters: 6, kernel: 5}"] * 3, input="3x32x32")
    assert [layer.stats.output_shape[1] for layer in found] == [28, 24, 20]


def test_six_filters_of_5x5() -> None:
    found = stats("conv: {filters: 6, kernel: 5}", input="3x32x32")
    assert found.output_shape == (6, 28, 28)
    assert found.params == 6 * 76
    assert found.macs == 6 * 28 * 28 * 75
    assert found.flops == 6 * 28 * 28 * (75 + 74 + 1)


def test_ten_filters_of_5x5_with_padding_2() -> None:
    found = stats("conv: {filters: 10, kernel: 5, stride: 1, padding: 2}", input="3x32x32")
    assert (found.output_shape, found.params) == ((10, 32, 32), 760)


def test_1x1_filters_are_a_dense_layer_at_every_pixel() -> None:
    found = stats("conv: {filters: 32, kernel: 1}", input="64x56x56")
    dense = stats("linear: 32", input="64")
    assert found.output_shape == (32, 56, 56)
    assert (found.params, found.macs) == (dense.params, 56 * 56 * dense.macs)


def test_rows_and_columns_have_their_own_formula() -> None:
    layer = "conv: {filters: 1, kernel: [3, 5], stride: [2, 3], padding: [1, 2]}"
    assert shape(layer, input="1x11x20") == f"1x{(11 + 2 - 3) // 2 + 1}x{(20 + 4 - 5) // 3 + 1}"


@pytest.mark.parametrize(("size", "stride"), [(8, 2), (9, 2), (10, 3), (12, 4)])
def test_padding_of_kernel_less_one_in_total_divides_the_size_by_the_stride(size: int, stride: int) -> None:
    for kernel in (3, 5):
        pad = (kernel - 1) // 2
        found = shape(f"conv: {{filters: 1, kernel: {kernel}, stride: {stride}, padding: {pad}}}", input=f"1x{size}")
        assert found == f"1x{(size + stride - 1) // stride}"


@pytest.mark.parametrize(
    ("word", "kernel", "size", "sides"),
    [
        ("full", 3, 7, (2, 2)), ("same", 3, 5, (1, 1)), ("valid", 3, 3, (0, 0)),
        ("full", 4, 8, (3, 3)), ("same", 4, 5, (1, 2)), ("same_lower", 4, 5, (2, 1)), ("valid", 4, 2, (0, 0)),
    ],
)  # fmt: skip
def test_full_same_and_valid(word: str, kernel: int, size: int, sides: tuple[int, int]) -> None:
    found = stats(f"conv: {{filters: 1, kernel: {kernel}, padding: {word}}}", input="1x5")
    assert found.output_shape == (1, size)
    assert (found.windows[0].before, found.windows[0].after) == sides


def test_a_dilated_kernel_spans_5() -> None:
    found = stats("conv: {filters: 1, kernel: 3, dilation: 2}", input="1x7x7")
    assert found.output_shape == (1, 3, 3)
    assert found.windows[0].effective_kernel == 5


def test_the_weights_of_a_convolution() -> None:
    found = stats("conv: {filters: 16, kernel: [3, 5]}", input="6x20x20")
    assert found.weight_shapes == {"weight": (16, 6, 3, 5), "bias": (16,)}
    assert (found.weights, found.biases, found.params) == (3 * 5 * 6 * 16, 16, 3 * 5 * 6 * 16 + 16)


def test_a_minibatch_has_its_examples_first(cnn: Run) -> None:
    assert " 32x6x28x28\n" in cnn("summarize", "lenet5", "--batch", "32", "--columns", "layer,output").out


def test_a_2x2_pool_drops_three_quarters_and_learns_nothing() -> None:
    before, after = facts("identity", "maxpool: 2", input="16x28x28")
    assert after.stats.output_shape == (16, 14, 14)
    assert after.stats.activations * 4 == before.stats.activations
    assert after.stats.params == 0
    assert stats("maxpool: {kernel: 3, stride: 2}", input="1x9x9").output_shape == (1, (9 - 3) // 2 + 1, 4)


@pytest.mark.parametrize(("kernel", "pool"), [(3, 2), (5, 2), (3, 3), (7, 4)])
def test_a_convolution_and_a_pool_see_p_plus_k_less_1(kernel: int, pool: int) -> None:
    found = facts(f"conv: {{filters: 1, kernel: {kernel}}}", f"maxpool: {pool}", input="1x32x32")[-1]
    assert [axis.size for axis in found.receptive_field["input"].axes] == [pool + kernel - 1] * 2


@pytest.mark.parametrize(
    ("layer", "learns", "has_fields"),
    [
        ("conv: {filters: 1, kernel: 3}", True, True),
        ("relu", False, False),
        ("maxpool: 2", False, True),
        ("linear: 3", True, True),
    ],
)
def test_who_has_parameters_and_who_has_hyperparameters(layer: str, learns: bool, has_fields: bool) -> None:
    found = facts(layer, input="9" if "linear" in layer else "1x9x9")[0]
    assert (found.stats.params > 0) == learns
    assert bool(found.node.layer.schema) == has_fields


# How many parameters ----------------------------------------


def test_a_neuron_on_a_large_image() -> None:
    assert stats("flatten", "linear: 1", input="3x1000x1000").weights == 3_000_000


def test_a_dense_hidden_layer_on_a_small_image() -> None:
    assert stats("flatten", "linear: 40000", input="1x200x200").weights == 1_600_000_000


@pytest.mark.parametrize(("filters", "weights"), [(1, 100), (20, 2000)])
def test_shared_filters_of_10x10(filters: int, weights: int) -> None:
    assert stats(f"conv: {{filters: {filters}, kernel: 10}}", input="1x200x200").weights == weights


def test_the_first_dense_layer_of_vgg16() -> None:
    assert stats("flatten", "linear: 4096", input="512x7x7").weights == 102_760_448


def test_edge_detection_takes_two_multiplications_and_an_addition_per_pixel() -> None:
    found = stats("conv: {filters: 1, kernel: [1, 2], bias: false}", input="1x280x320")
    assert found.output_shape == (1, 280, 319)
    assert found.flops == 267_960
    matrix = stats("flatten", f"linear: {{units: {319 * 280}, bias: false}}", input="1x280x320")
    assert 15.9e9 < matrix.flops < 16.1e9


def test_a_locally_connected_layer_has_its_own_weights_at_each_position(cnn: Run) -> None:
    words = ("connectivity/locally_connected", "--columns", "layer,weights")
    assert cnn("summarize", *words).out.split()[-1] == "4,000,000"


# By hand ----------------------------------------

SQUARE, SMALL = "0 1 2; 3 4 5; 6 7 8", "0 1; 2 3"
SQUARES, SMALLS = f"{SQUARE} | 1 2 3; 4 5 6; 7 8 9", f"{SMALL} | 1 2; 3 4"
BINARY, CROSS = "1 1 1 0 0; 0 1 1 1 0; 0 0 1 1 1; 0 0 1 1 0; 0 1 1 0 0", "1 0 1; 0 1 0; 1 0 1"
POOLED = "1 1 2 4; 5 6 7 8; 3 2 1 0; 1 2 3 4"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((SQUARE, SMALL), "19 25; 37 43"),
        ((SQUARE, SMALL, "--padding", "1"), "0 3 8 4; 9 19 25 10; 21 37 43 16; 6 7 8 0"),
        ((SQUARES, SMALLS), "56 72; 104 120"),
        ((BINARY, CROSS), "4 3 4; 2 4 3; 2 3 4"),
        ((POOLED, "--pool", "max", "--kernel", "2"), "6 8; 3 4"),
        ((POOLED, "--pool", "avg", "--kernel", "2"), "3.25 5.25; 2 2"),
        ((SQUARE, SMALL, "--flip"), "5 11; 23 29"),
    ],
)
def test_the_matrices_of_the_lectures(cnn: Run, words: tuple[str, ...], expected: str) -> None:
    printed = cnn("convolve", *words).out.splitlines()
    assert [line.split() for line in printed] == [row.split() for row in expected.split("; ")]


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("laplacian", "0 1 0; 1 -4 1; 0 1 0"),
        ("edge", "-1 -1 -1; -1 8 -1; -1 -1 -1"),
        ("vertical_edge", "-1 0 1; -1 0 1; -1 0 1"),
        ("sharpen", "0 -1 0; -1 5 -1; 0 -1 0"),
        ("emboss", "-2 -1 0; -1 1 1; 0 1 2"),
        ("box_blur", "1/9 1/9 1/9; 1/9 1/9 1/9; 1/9 1/9 1/9"),
        ("gaussian", "1/16 2/16 1/16; 2/16 4/16 2/16; 1/16 2/16 1/16"),
    ],
)
def test_the_named_kernels_of_the_lectures(cnn: Run, name: str, kernel: str) -> None:
    letters = "a b c; d e f; g h i"
    assert cnn("convolve", letters, "--filter", name).out == cnn("convolve", letters, kernel).out != ""


def test_convolution_commutes_and_cross_correlation_does_not(cnn: Run) -> None:
    both = [("a b", "x y z"), ("x y z", "a b")]
    flipped, correlated = (
        {cnn("convolve", *pair, "--padding", "full", *more).out for pair in both} for more in (["--flip"], [])
    )
    assert (len(flipped), len(correlated)) == (1, 2)


def test_the_gradients_of_a_convolution_are_convolutions(cnn: Run) -> None:
    to_input, to_kernel = cnn("convolve", SQUARE, SMALL, "--backward", "1 2; 0 1").out.split("\n\n")[:2]
    assert to_input.split(":\n")[1] == cnn("convolve", "1 2; 0 1", SMALL, "--flip", "--padding", "full").out.rstrip(
        "\n"
    )
    assert to_kernel.split(":\n")[1] == cnn("convolve", SQUARE, "1 2; 0 1").out.rstrip("\n")


def test_a_shifted_input_gives_the_shifted_convolution(cnn: Run) -> None:
    first, moved = (cnn("convolve", row, "1 0 -1").out.split() for row in ("0 0 1 2 0 0 0", "0 0 0 1 2 0 0"))
    assert moved[1:] == first[:-1]


# Networks ----------------------------------------


def test_the_digit_visualisers_network() -> None:
    found = facts(
        "conv: {filters: 6, kernel: 5}", "maxpool: 2", "conv: {filters: 16, kernel: 5}", "maxpool: 2",
        "flatten", "linear: 120", "linear: 100", "linear: 10", input="1x32x32",
    )  # fmt: skip
    assert [format_shape(layer.stats.output_shape) for layer in found] == [
        "6x28x28", "6x14x14", "16x10x10", "16x5x5", "400", "120", "100", "10"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("input", "expected"), [("2x100", "8x98"), ("2x30x40", "8x28x38"), ("2x16x30x40", "8x14x28x38")]
)
def test_grids_of_one_two_and_three_dimensions(input: str, expected: str) -> None:
    assert shape("conv: {filters: 8, kernel: 3}", input=input) == expected


def test_a_convolution_takes_any_size_and_a_dense_layer_does_not() -> None:
    dense = {stats("flatten", "linear: 10", input=f"1x{n}x{n}").params for n in (28, 32)}
    shared = {stats("conv: {filters: 6, kernel: 5}", input=f"1x{n}x{n}").params for n in (28, 32)}
    assert (len(dense), len(shared)) == (2, 1)
