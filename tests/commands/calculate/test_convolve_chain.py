"""cnn convolve with layers: the texts, the losses of the lectures, and every mistake with its place and its fix."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from program import Run

from cnncli.errors import INTERNAL_ERROR
from cnncli.homework.exact_ops.chain.numbers_in_files import exact_array

CHAIN = """\
input: 1x3x3
values: "1 2 0; 0 1 3; 2 1 0"
layers:
  - conv: {filters: 1, kernel: 2, weight: "1 0; 0 -1", bias: 1}
  - relu
  - maxpool: {kernel: 2}
  - flatten
  - linear: {units: 2, weight: [[1], [-1]], bias: "0 2"}
  - softmax
target: 0
"""
Write = Callable[..., Path]


def test_a_chain_shows_every_output_the_loss_and_every_gradient(cnn: Run, write: Write) -> None:
    out = cnn("convolve", str(write(CHAIN)), "--steps").out
    for line in (
        "conv1 (conv): 1x3x3 -> 1x2x2",
        "(1,0): 0*1 + 1*0 + 2*0 + 1*(-1) + 1 = 0",
        "(0,0): max(1, 0, 0, 2) = 2",
        "(1): (-1)*2 + 2 = 0",
        "sum: 7.38906 + 1 ≈ 8.38906",
        "loss: -log(0.880797) ≈ 0.126928",
        "gradient to linear1.weight, rounded",
        "(0,0): (-0.119203)*2 ≈ -0.238406",
        "gradient to the input of conv1, rounded",
    ):
        assert f"\n{line}\n" in f"\n{out}", line
    assert max(map(len, out.splitlines())) <= 80


def test_long_expressions_are_wrapped_at_spaces(cnn: Run) -> None:
    values = " ".join(map(str, range(100, 130)))
    out = cnn("convolve", values, "--layer", f"linear: {{weight: '{values}', bias: false}}", "--steps").out
    assert max(map(len, out.splitlines())) <= 80
    assert f"= {sum(n * n for n in range(100, 130))}" in out


def test_examples_are_rows_of_vectors_and_headed_maps(cnn: Run) -> None:
    assert cnn("convolve", "1 -2 || 3 4", "--layer", "relu").out == "relu1 (relu): 2 -> 2\n1  0\n3  4\n"
    maps = cnn("convolve", "1; -2 || 3; 4", "--layer", "relu").out
    assert maps == "relu1 (relu): 1x2x1 -> 1x2x1\nexample 0:\n1\n0\nexample 1:\n3\n4\n"


@pytest.mark.parametrize(
    ("loss", "value", "gradient"),
    [
        ("cross_entropy", 2.0403551528, [-0.8700174610, 0.8690495352, 0.0009679258]),
        ("hinge", "29/10", [-1, 1, 0]),
    ],
)
def test_the_losses_of_cs231n(cnn: Run, loss: str, value: object, gradient: list[float]) -> None:
    words = ("3.2 5.1 -1.7", "--layer", "identity", "--target", "0", "--loss", loss, "--format", "json")
    record = json.loads(cnn("convolve", *words).out)
    assert record["loss"]["value"] == (value if isinstance(value, str) else pytest.approx(value))
    assert record["gradients"][0]["value"] == pytest.approx(gradient)
    assert record["loss"]["exact"] == isinstance(value, str)


def test_batchnorm_by_hand_is_exact_without_eps(cnn: Run) -> None:
    words = ("1 || 3 || 8", "--layer", "batchnorm: {eps: 0, gamma: 2, beta: 1}", "--format", "json")
    normalized = [-3, -1, 4]  # times sqrt(3 / 26)
    record = json.loads(cnn("convolve", *words).out)["layers"][0]
    assert record["output"] == [[pytest.approx(1 + 2 * value * (3 / 26) ** 0.5)] for value in normalized]
    rational = json.loads(cnn("convolve", "1 || 3", *words[1:]).out)["layers"][0]
    assert rational["output"] == [[-1], [3]] and rational["exact"]


def test_a_sum_that_cancels_is_zero(cnn: Run) -> None:
    """Two values are always normalized to -1 and 1, so that their gradients are 0."""
    words = ("1/3 || 1/7", "--layer", "sigmoid", "--layer", "batchnorm: {eps: 0}", "--backward", "2 || 1/3")
    out = cnn("convolve", *words).out
    assert out.endswith("gradient to the input of sigmoid1, rounded\n0\n0\n")


def test_sizes_are_those_of_the_weights(cnn: Run) -> None:
    words = ("1 2; 3 4", "--layer", "conv: {weight: '1 0; 0 1 || 0 1; 1 0', bias: '0 1'}", "--format", "json")
    assert json.loads(cnn("convolve", *words).out)["layers"][0]["output"] == [[[5]], [[6]]]


def test_weights_that_are_not_given_are_noted(cnn: Run) -> None:
    ended = cnn("convolve", "1 2", "--layer", "linear: {weight: 1 1}", "--layer", "prelu")
    assert ended.err == "linear1: no bias is given, so it is 0\nprelu1: no weight is given, so it is 1/4\n"


def test_rows_that_no_window_covers_are_noted(cnn: Run) -> None:
    assert cnn("convolve", "1 2 3; 4 5 6; 7 8 9", "--layer", "maxpool: 2").err == "maxpool1: drops 1 row and 1 column\n"


def test_dropout_is_noted_to_drop_nothing(cnn: Run) -> None:
    note = "dropout1: nothing is dropped at inference; training multiplies what it keeps by 1 / (1 - 0.25)\n"
    assert cnn("convolve", "1 2", "--layer", "dropout: 0.25").err == note
    assert cnn("convolve", "1 2", "--layer", "dropout: 0").err == ""


def test_a_row_is_one_channel_where_a_convolution_or_a_pool_reads_it(cnn: Run) -> None:
    words = ("0.1 1 0.2 0.1 0 0.1", "--layer", "maxpool: {kernel: 3, stride: 2, rounding: ceil}")
    assert cnn("convolve", *words).out == "maxpool1 (maxpool): 1x6 -> 1x3\n  1  0.2  0.1\n"  # Goodfellow, figure 9.10
    conv = ("1 2 3 4", "--layer", "conv: {weight: 1 0 -1, bias: 0}")
    assert cnn("convolve", *conv).out == "conv1 (conv): 1x4 -> 1x2\n-2  -2\n"
    refused = cnn("convolve", *conv, "--layer", "linear: {weight: 1 2, bias: 0}")
    assert refused.err.endswith("shapes so far: input 1x4 -> conv1 1x2\n  put flatten (or global_avgpool) before it\n")
    assert "a kernel of 5 does not fit an input of 4" in cnn("convolve", "1 2 3 4", "--layer", "maxpool: 5").err


def test_json_has_the_steps_of_every_value(cnn: Run) -> None:
    words = ("1 2", "--layer", "linear: {weight: 3 4, bias: 1}", "--backward", "2", "--steps", "--format", "json")
    record = json.loads(cnn("convolve", *words).out)
    assert record["layers"][0]["steps"] == [{"position": "0", "working": "3*1 + 4*2 + 1", "value": 12}]
    assert [(each["layer"], each["to"], each["value"]) for each in record["gradients"]] == [
        *(("linear1", "weight", [[2, 4]]), ("linear1", "bias", [2]), ("linear1", "input", [6, 8]))
    ]
    assert record["gradients"][0]["steps"][1] == {"position": "0,1", "working": "2*2", "value": 4}


def test_a_step_of_gradient_descent_is_weight_minus_rate_times_gradient(cnn: Run) -> None:
    words = ("1 -2", "--layer", "linear: {weight: '3 4; 0 1', bias: '1 1'}", "--backward", "2 -1", "--lr", "1/3")
    record = json.loads(cnn("convolve", *words, "--format", "json").out)
    assert [(each["layer"], each["weight"], each["value"]) for each in record["updates"]] == [
        ("linear1", "weight", [["7/3", "16/3"], ["1/3", "1/3"]]), ("linear1", "bias", ["1/3", "4/3"]),
    ]  # fmt: skip
    out = cnn("convolve", *words, "--steps").out
    assert out.endswith(
        "\n\nlinear1.bias after the step\n  weight - learning rate * gradient\n"
        "(0): 1 - (1/3)*2 = 1/3\n(1): 1 - (1/3)*(-1) = 4/3\n1/3  4/3\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--layer", "linear: {weight: 1 1}"), "--lr requires gradients"),
        (("--layer", "relu", "--backward", "1 1"), "no layer has trained weights"),
        (("--layer", "relu", "--backward", "1 1", "--lr", "0"), "given twice"),
        (("1 1",), "--lr is for a chain of layers"),
    ],
)
def test_a_step_without_gradients_or_weights_is_refused(cnn: Run, words: tuple[str, ...], said: str) -> None:
    ended = cnn("convolve", "1 2", *words, "--lr", "0.1")
    assert ended.code == 2 and said in ended.err


@pytest.mark.parametrize("rate", ["0", "-1", "x", "√2", "1/0", ""])
def test_a_learning_rate_is_a_number_above_0(cnn: Run, rate: str) -> None:
    ended = cnn("convolve", "1 2", "--layer", "linear: {weight: 1 1}", "--backward", "1", "--lr", rate)
    assert ended.code == 2 and INTERNAL_ERROR not in ended.err and not ended.out


def test_several_inputs_and_gradients_that_meet(cnn: Run, write: Write) -> None:
    text = (
        "inputs: {a: 2, b: 2}\nvalues: {a: 1 2, b: 3 4}\nlayers:\n  - multiply: [a, b]\n  - residual: {layers: [relu]}"
    )
    out = cnn("convolve", str(write(text)), "--backward", "1 1", "--steps").out
    assert "gradient to the output of multiply1\n  the sum of the gradients from its 2 readers\n(0): 1 + 1 = 2\n" in out
    assert (
        "gradient to the input a of multiply1\n  upstream * the other inputs\n(0): 2*3 = 6\n(1): 2*4 = 8\n6  8\n" in out
    )


def test_other_commands_say_what_numbers_are_for(cnn: Run, write: Write) -> None:
    ended = cnn("summarize", str(write(CHAIN)))
    assert ended.code == 2 and ended.err.count("or use cnn convolve, which calculates with numbers") == 5


def test_floats_of_a_file_are_the_decimals_that_are_printed() -> None:
    assert [*map(str, exact_array(np.array([0.1, 3.0])))] == ["1/10", "3"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('weight: "1 0; 0 -1", ', "", ":4:5: conv1: missing weight of shape 1x1x2x2"),
        ('"1 0; 0 -1"', '"1 0"', ":4:43: conv1: weight has shape 2, but must be 1x1x2x2"),
        ("bias: 1}", "bias: 1 2}", "conv1: bias has shape 2, but must be 1"),
        ("- relu", "- relu: {weight: 1}", "relu1: relu has no weight"),
        ("- relu", "- lcn: 3", "lcn1: lcn cannot be calculated by hand"),
        ("- relu", "- add: [input, conv1]", "add1: add needs equal shapes"),
        ("values:", "valeus:", "a network has no key 'valeus'"),
        ("values:", "description:", ":1:1: missing values: the numbers of input 1x3x3"),
        ("1 2 0;", "1 2 x;", ":2:9: 'x' is not a number"),
        ("1 2 0;", "1 2;", "rows have different lengths"),
        ("1 2 0; 0 1 3; 2 1 0", "1 2; 3 4", "the input has shape 2x2, but must be 1x3x3"),
        ("target: 0", "target: 2", "target 2: there is no such class"),
        ("target: 0", "target: 0 1 2", "the target has shape 3, but must be 2"),
        ("target: 0", "target: 1 1", "the targets of cross_entropy are probabilities"),
        ("target: 0", "target: {a: 1}", "a matrix in YAML must be a list"),
        ("target: 0", "loss: mse", "a loss without a target"),
        ("target: 0", "loss: huber", "unknown loss 'huber'"),
        ("relu\n", "batchnorm: {mean: 1}\n", "mean and var go together"),
        ("relu\n", "batchnorm: {mean: 1, var: -1}\n", "the variance plus eps is not above 0"),
        ("kernel: 2}\n", "kernel: 9}\n", "maxpool1: a 9x9 kernel does not fit"),
    ],
)
def test_a_mistake_is_reported_at_its_place(cnn: Run, write: Write, old: str, new: str, message: str) -> None:
    assert old in CHAIN
    ended = cnn("convolve", str(write(CHAIN.replace(old, new))))
    assert ended.code in (1, 2) and message in ended.err and INTERNAL_ERROR not in ended.err
    assert not ended.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("1 2", "--layer", "foo"), "--layer 1: unknown layer type 'foo'"),
        (("1 2", "--layer", "relu", "--layer", "linear: 2"), "--layer 2 (linear1): missing weight of shape 2x2"),
        (("1 2", "--layer", "[relu"), "--layer 1: the bracket opened here is not closed"),
        (("1 2", "--layer", "relu", "--target", "x"), "--target: 'x' is not a number"),
        (("1 2", "--layer", "relu", "--target", "1 2"), "which loss is meant"),
        (("1 2", "--layer", "relu", "--loss", "mse"), "--loss requires --target"),
        (("1 2", "--layer", "relu", "--backward", "1"), "the upstream gradient has shape 1, but must be 2"),
        (("1 2", "--layer", "relu", "--backward", "1 1 || 1 1"), "2 upstream gradients for 1 example\n"),
        (("1 2", "--layer", "relu", "--stride", "2"), "--stride has no effect on a chain of layers"),
        (("1 2", "1 1", "--target", "1"), "--target is for a chain of layers"),
        (("2 3", "--layer", "lrn: {k: 2, beta: -1e9}"), "a number that is too large"),
        (("p.png", "--layer", "relu"), "an image is too large"),
        (("1; 2", "--layer", "upsample: {size: [10001, 1]}"), "the result: more than 10,000 lines"),
        (("1", "--layer", "batchnorm"), "is that of a single value"),
    ],
)
def test_a_wrong_option_is_named(cnn: Run, words: tuple[str, ...], message: str) -> None:
    ended = cnn("convolve", *words)
    assert ended.code == 2 and message in ended.err


def test_a_network_that_is_too_large_is_refused(cnn: Run) -> None:
    row = " ".join(["1"] * 600)
    ended = cnn("convolve", row, "--layer", f"linear: {{weight: '{'; '.join([row] * 600)}', bias: false}}")
    assert ended.code == 2 and "too many to calculate by hand" in ended.err


@pytest.mark.parametrize(
    ("layer", "windows"),
    [("maxpool: {kernel: 2, stride: 1}", 3), ("global_maxpool", 1), ("avgpool: {kernel: 2, stride: 1}", 0)],
)
def test_equal_maxima_have_a_note_where_a_gradient_depends_on_the_choice(cnn: Run, layer: str, windows: int) -> None:
    words = ("convolve", "5 5 1; 0 2 1; 0 2 2", "--layer", layer)
    assert cnn(*words).err == ""
    upstream = "1" if windows == 1 else "1 1; 1 1"
    ended = cnn(*words, "--backward", upstream)
    assert ended.code == 0 and ("several equal maxima" in ended.err) == bool(windows)
    assert not windows or f"{windows} window{'s have' if windows > 1 else ' has'} several" in ended.err


@pytest.mark.parametrize(
    ("key", "hint"),
    [("lr", "remove it, and add --lr 0.1"), ("zzz", "the keys are values, target, loss, name, ")],
)
def test_a_key_that_a_chain_does_not_have_is_answered_with_what_a_chain_has(
    cnn: Run, tmp_path: Path, key: str, hint: str
) -> None:
    file = tmp_path / "chain.yaml"
    file.write_text(f"values: 1 2\nlayers: [relu]\n{key}: 1\n", encoding="utf-8")
    ended = cnn("convolve", str(file))
    assert ended.code == 2 and f"a network has no key '{key}'" in ended.err and hint in ended.err
