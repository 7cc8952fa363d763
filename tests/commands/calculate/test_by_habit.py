"""Command lines of calculations as they are typed by habit: accepted, or answered with what to write."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from program import Run

NETWORK = "input: 1x8x8\nlayers: [relu]\n"
CONVOLVE = 'convolve "1 2; 3 4" "1 2; 3 4"'
CONV = """--layer "conv: {weight: '1 2; 3 4'}\""""
REFUSED = [
    ('convolve "1e100 1" "1 1"', "'1e100' may be a number or 1*e100", "write 1*e100"),
    ('convolve "1 2" "1" --bias 1e200', "'1e200' may be a number or 1*e200", "write 1*e200"),
    ("convolve 1 2 3 4", "4 arguments of one number each", "quote each matrix"),
    ('convolve "1 2 3" --relu', "cnn convolve has no option --relu", "write --layer relu"),
    ('convolve "1 2 3" --layer relu softmax', "softmax follows a layer", "write --layer softmax"),
    ('convolve "1 2" --layer relu "leaky_relu: 1"', "leaky_relu: 1 follows a layer", "write --layer 'leaky_relu: 1'"),
    ('convolve "1 2 3" --pool mean --kernel 2', "--pool: 'mean'", "write --pool avg"),
    ('convolve "1 2 3" --pool 2', "--pool: '2'", "write --pool max --kernel 2"),
    ('convolve "1 2 3" "1 1" --padding zero', "padding zero: not a padding", "write 0"),
    (
        'convolve "1 2; 3 4" --kernel 2x2',
        "2x2 is a size, not a matrix",
        'write its numbers, e.g. "0 1; 2 3"; for a pool',
    ),
    ('convolve "1 2; 3 4" "2 × 2"', "2 × 2 is a size, not a matrix", "write its numbers"),
    ("convolve 6x6 3x3", "6x6 is a size, not a matrix", "write its numbers; a size alone needs none: cnn layer conv"),
    (f"{CONVOLVE} --layer relu", "KERNEL has no effect", f"write it as the first layer: {CONV}"),
    (f"{CONVOLVE} --lr 0.1 --backward 1", "--lr is for a chain of layers", f"write the kernel as a layer: {CONV}"),
    (f"{CONVOLVE} --bias 1 --stride 2 --layer relu", "KERNEL has", f"write it as the first layer: {CONV[:-2]}, bias: "),
    ("""convolve "1 2" "a'b" --layer relu""", "KERNEL has no effect", "leave it out"),
    ("layer BCELoss --input 3", "BCELoss has no size", 'write cnn convolve "1.5" --layer sigmoid --target 1'),
    (f"{CONVOLVE} --flip --layer relu", "KERNEL has no effect", "leave it out"),
    (
        'convolve "1 2; 3 4" --pool max --kernel 2 --layer relu',
        "--kernel has no effect",
        'write it as the first layer: --layer "maxpool: {kernel: 2}"',
    ),
    ("convolve '1 2; 3 4' --layer 'conv: 1 2; 3 4'", "--layer 1: conv has several", "write conv: {weight: '1 2; 3 4'}"),
    ("convolve '1 2; 3 4' --layer \"conv: {kernel: '1; 3'}\"", "--layer 1: kernel is the size", "write weight: '1; 3'"),
    ('convolve "1 2 3" "1 1" --stride 0', "stride 0: must be at least 1", "write stride 1"),
    ('convolve "1 2 3" "1 1" --stride 1x2', "stride 1x2: not a size for 1 axis", "write 2"),
    (
        'convolve "1 2 3" "1 1" --padding 1000000000',
        "padding 1000000000: more than 999,999,999",
        "use a smaller number",
    ),
    ('convolve "1; 2" "1" --stride 1x1000000000', "stride 1x1000000000: more than 999,999,999", "use a smaller number"),
    ('convolve "1 2 3" "1" --padding same --padding-mode reflect', "--padding-mode reflect has no effect", "give"),
    ('convolve "1 2 3" "1 1" --padding -1', "padding -1: not a padding for 1 axis", "write the padding per side"),
    ('convolve "1 2 3" "1 1" --padding "((1,0),(0,1))"', "padding ((1,0),(0,1)): not", "write the padding per side"),
    ('convolve "1 2" --layer softmax --target 0 --loss softmax', "--loss: 'softmax'", "write --loss cross_entropy"),
    (
        'convolve "1 2" "1 2" --transposed --backward 1',
        "the gradients of a transposed convolution are those of a layer",
        'write --layer "conv_transpose: {',
    ),
    ('iou "0 0 1 1" "0 0 2 2" --format xywh', "--format: 'xywh'", "write --boxes xywh"),
    ('iou "0 0 1 1" "0 0 2 2" --boxes yolo', "--boxes: 'yolo'", "write --boxes cxcywh"),
    ("explain lenet5 --figure rf", "--figure: 'rf'", "write --figure receptive_field"),
    ("explain lenet5 --figure parameters", "--figure: 'parameters'", "write --figure params"),
    ("layer conv 6 --kernel --input 3x32x32", "--kernel needs a value, but --input follows", "write the value"),
    ("layer relu 3 --input 3x32x32", "relu takes no value, but 3 is given", "leave it out"),
    ("layer relu 3x32x32", "relu takes no value, but 3x32x32 is given", "write --input 3x32x32"),
    ("schema -o net.yaml", "net.yaml: this file exists, and is not a .json file", "choose a name"),
    ("check net.yaml --gradescope g.json", "--gradescope has no effect: FILE is a network", "give an answer sheet"),
    ("convolve gray.png --filter edge -o gray.png", "gray.png: -o is the input", "choose another name"),
    ("summarize resnet18 --at 1..1000000000000", "--at 1..1000000000000: a number of more than 10", ""),
    ("explain lenet5 params", "params: the network has no such layer", "write --figure params"),
    ('convolve - "1 1"', "-: matrices are not read from there", "give the numbers, or a regular file"),
    ('convolve /etc "1 1"', "/etc: matrices are not read from there", "give the numbers, or a regular file"),
    (
        "convolve '1 2' --layer 'linear: {weight: $x}'",
        "--layer 1: a matrix in a file takes numbers, not variables",
        "write the number",
    ),
    ('layer "Conv2d(3, 6, 5)" --input 3x32x32', "unknown layer type", "write cnn layer conv --filters 6 --kernel 5"),
    ("layer 'MaxPool2d(2, 2)' --input 3x32x32", "unknown layer type", "write cnn layer maxpool"),
    ("layer 'relu()' --input 3x32x32", "unknown layer type 'relu()'", "write cnn layer relu"),
    ("layer 'conv 6' --input 3x32x32", "unknown layer type 'conv 6'", "write cnn layer conv --filters 6 --kernel …"),
    (
        "layer '3x3 conv, 64, /2' --input 3x32x32",
        "unknown layer type",
        "write cnn layer conv --filters 64 --kernel 3 --stride 2",
    ),
    (
        "layer '2x2 pool, /1' --input 3x32x32",
        "unknown layer type",
        "write cnn layer maxpool --kernel 2 --stride 1, or avgpool instead of maxpool",
    ),
    ("layer conv 6 --k 5 --input 3x32x32", "--k: conv has no such field", "use --kernel"),
    ("solve --in 32 --kernel 5 --filters 6", "cnn solve has no option --filters", "leave it out"),
    ("convolve '1 2; 3 4' '1' --padding 1000", "the result has 4,008,004 values", "use a smaller input"),
    ("help convolve x", "cnn help: unexpected 'x'", "write cnn help convolve"),
]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(NETWORK, encoding="utf-8")
    (tmp_path / "gray.png").write_bytes(b"not read")
    return tmp_path


@pytest.mark.parametrize(("typed", "said", "hint"), REFUSED)
def test_what_is_typed_by_habit_is_answered_with_what_to_write(
    cnn: Run, here: Path, typed: str, said: str, hint: str
) -> None:
    before = {path.name: path.read_bytes() for path in here.iterdir()}
    ended = cnn(*shlex.split(typed))
    assert (ended.code, ended.out) == (2, "")
    first, second = ended.err.splitlines()
    assert first.startswith(said) and second.strip().startswith(hint)
    assert {path.name: path.read_bytes() for path in here.iterdir()} == before


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("iou 0 0 10 10 5 5 15 15", 'iou "0 0 10 10" "5 5 15 15"'),
        ("iou 0 0 4 4 --boxes xywh -1 -1 2 2", 'iou "0 0 4 4" "-1 -1 2 2" --boxes xywh'),
        ('convolve "1 2 3" "1 1" --padding SAME', 'convolve "1 2 3" "1 1" --padding same'),
        ("schema -o -", "schema"),
        (f'{CONVOLVE} --padding "(1, 0)" --stride "2*1"', f"{CONVOLVE} --padding 1x0 --stride 2x1"),
        (f'{CONVOLVE} --padding "((1, 0), (0, 2))"', 'convolve "0 0 0 0; 1 2 0 0; 3 4 0 0" "1 2; 3 4"'),
        (f'{CONVOLVE} --padding "[[1,1],[2,2]]"', f"{CONVOLVE} --padding 1x2"),
        ('receptive-field lenet5 c1 --unit "(0, 3)"', "receptive-field lenet5 c1 --unit 0,3"),
        (
            "convolve '1 2' --layer \"linear: {W: '3 4', b: 1}\"",
            "convolve '1 2' --layer \"linear: {weight: '3 4', bias: 1}\"",
        ),
        (
            'convolve "1 2; 3 4" --layer "conv_transpose: {stride: 2, weight: \'1 2; 3 -1\', bias: 1}"',
            'convolve "1 2; 3 4" --layer "conv_transpose: '
            "{filters: 1, kernel: 2, stride: 2, weight: '1 2; 3 -1', bias: 1}\"",
        ),
    ],
)
def test_two_spellings_of_a_command_line_give_the_same(cnn: Run, typed: str, same: str) -> None:
    ended = cnn(*shlex.split(typed))
    assert ended.code == 0 and ended.out and ended == cnn(*shlex.split(same))


def test_the_filters_of_a_transposed_convolution_follow_from_its_weight(cnn: Run) -> None:
    ended = cnn("convolve", "1 2; 3 4", "--layer", "conv_transpose: {weight: '1 0; 0 1 | 2 0; 0 2', bias: false}")
    assert ended.code == 0 and ended.out.startswith("conv_transpose1 (conv_transpose): 1x2x2 -> 2x3x3\n")


@pytest.mark.parametrize("more", [(), ("--pool", "max", "--kernel", "2x1")])
def test_json_keeps_the_axes_of_a_single_row(cnn: Run, more: tuple[str, ...]) -> None:
    kernel = () if more else ("1 1; 0 1",)
    record = json.loads(cnn("convolve", "1 2 3; 4 5 6", *kernel, *more, "--format", "json").out)
    assert record == {"output": [[4, 5, 6]] if more else [[8, 11]], "shape": [1, 3] if more else [1, 2]}
    record = json.loads(cnn("convolve", "1 2 3", "1 1", "--format", "json").out)
    assert record == {"output": [3, 5], "shape": [2]}


def test_gradients_are_given_with_a_bias_on_which_they_do_not_depend(cnn: Run) -> None:
    words = ("convolve", "1 2 3; 4 5 6; 7 8 9", "1 2; 3 4", "--backward", "1 0; 0 1")
    ended = cnn(*words, "--bias", "1")
    assert ended.out == cnn(*words).out and "to the bias (the sum of the upstream gradient): 2" in ended.out
    assert ended.err == "(the gradients do not depend on the value of the bias)\n"


def test_a_misspelled_key_of_a_chain_is_compared_with_the_keys_of_chains(cnn: Run, here: Path) -> None:
    (here / "chain.yaml").write_text("values: 1 2\nlayers: [softmax]\ntraget: 0\n", encoding="utf-8")
    ended = cnn("convolve", "chain.yaml")
    assert ended.code == 2 and "chain.yaml:3:1: a network has no key 'traget'" in ended.err
    assert "did you mean target?" in ended.err


@pytest.mark.parametrize(
    ("words", "note"),
    [
        (("1 2; 3 4", "--kernel", "2"), "(the kernel is 1x1, of the value 2; for a pool of 2x2, add --pool max)\n"),
        (("1 2 3", "3"), "(the kernel is 1, of the value 3; for a pool of 3, add --pool max)\n"),
        (("1 2; 3 4", "1/2"), ""),
        (("1 2; 3 4", "2 || 3"), ""),
        (("1 2; 3 4", "--pool", "max", "--kernel", "2"), ""),
    ],
)
def test_a_kernel_of_one_number_that_may_be_a_size_has_a_note(cnn: Run, words: tuple[str, ...], note: str) -> None:
    ended = cnn("convolve", *words)
    assert (ended.code, ended.err) == (0, note)
