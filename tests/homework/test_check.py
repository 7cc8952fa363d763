"""Homework: right answers pass, every known mistake is found by its own value, nothing is guessed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from cnncli import load
from cnncli.errors import CnnError
from cnncli.homework import answers, mistakes
from cnncli.homework.check import Answer, check
from cnncli.homework.questions import truth_of
from cnncli.homework.sheet import read_sheet
from cnncli.inference import SUMMED


def checked(tmp_path: Path, text: str) -> list[Answer]:
    path = tmp_path / "sheet.yaml"
    path.write_text(text, encoding="utf-8")
    return check(read_sheet(str(path)))


def one(tmp_path: Path, network: str, question: str, answer: str) -> Answer:
    return checked(tmp_path, f"architecture:\n{network}answers: {{{question}: {answer!r}}}\n")[0]


CONV = "  input: {input}\n  layers: [conv: {{filters: {filters}, kernel: {kernel}, {more}}}]\n"


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "googlenet", "lenet5_1998", "unet"])
def test_the_figures_of_the_summary_are_right(tmp_path: Path, name: str) -> None:
    inferred = load(name).inferred
    lines = []
    for layer, facts in inferred.facts.items():
        lines.append(f"  {layer}.shape: {'x'.join(map(str, facts.figures.output_shape))}")
        lines += [f"  {layer}.{figure}: {getattr(facts.figures, figure):,}" for figure in SUMMED]
        axes = [axis.size for axis in next(iter(facts.receptive_field.values())).axes]
        lines.append(f"  {layer}.receptive_field: {'x'.join(map(str, axes))}")
    lines += [f"  total.{figure}: {inferred.totals[figure]}" for figure in SUMMED]
    found = checked(tmp_path, f"architecture: {name}\nanswers:\n" + "\n".join(lines))
    assert [answer.question for answer in found if not answer.correct] == []


@pytest.mark.parametrize("name", ["lenet5", "alexnet_2012", "mobilenet_v1", "convnetjs_cifar10"])
@pytest.mark.parametrize("figure", ["shape", "params", "macs", "receptive_field"])
def test_every_known_mistake_is_found_by_what_it_gives(name: str, figure: str) -> None:
    inferred = load(name).inferred
    for layer in inferred.facts:
        truth = truth_of(inferred, layer, figure)
        for mistake, value in truth.candidates.items():
            if value is None or value == truth.value:
                continue
            named = mistakes.explanations(truth.candidates, value)
            assert mistake in named or all("+" not in other for other in named)
            assert mistakes.described(mistakes.plain(mistake))


# network, question, wrong answer, the mistake: the examples of published exercises
EXAMPLES = [
    (CONV.format(input="1x100x100", filters=1, kernel=2, more=""), "conv1.shape", "1x98x98", "forgot_plus_one"),
    (CONV.format(input="1x33x33", filters=1, kernel=5, more="stride: 2"), "conv1.shape", "1x14x14",
     "plus_one_before_divide"),
    (CONV.format(input="1x5x5", filters=1, kernel=3, more="padding: 2"), "conv1.shape", "1x5x5",
     "padding_counted_once"),
    (CONV.format(input="1x32x32", filters=1, kernel=6, more="stride: 2, padding: 1"), "conv1.shape", "1x16x16",
     "padding_counted_twice"),
    (CONV.format(input="1x7x9", filters=1, kernel=3, more="padding: 1"), "conv1.shape", "1x5x7", "padding_ignored"),
    (CONV.format(input="1x121x121", filters=1, kernel=4, more="stride: 3"), "conv1.shape", "1x118x118",
     "stride_ignored"),
    ("  input: 1x32x32\n  layers: [maxpool: {kernel: 3, stride: 2}]\n", "maxpool1.shape", "1x16x16", "ceil_for_floor"),
    (CONV.format(input="1x28x28", filters=1, kernel=3, more="stride: 2, padding: same"), "conv1.shape", "1x28x28",
     "same_with_stride_unchanged"),
    (CONV.format(input="1x32x32", filters=1, kernel=3, more="padding: 1, dilation: 2"), "conv1.shape", "1x32x32",
     "dilation_ignored"),
    (CONV.format(input="16x63x63", filters=4, kernel=7, more="stride: 2"), "conv1.shape", "16x29x29",
     "kept_input_channels"),
    ("  input: 16x32x32\n  layers: [maxpool: 2]\n", "maxpool1.shape", "8x16x16", "pooled_channels"),
    ("  input: 1x3x3\n  layers: [maxpool: 2]\n", "maxpool1.shape", "1x2x2", "pool_stride_one"),
    (CONV.format(input="3x32x32", filters=100, kernel=5, more=""), "conv1.params", "7500", "forgot_bias"),
    (CONV.format(input="3x32x32", filters=100, kernel=5, more=""), "conv1.params", "2600", "forgot_in_channels"),
    (CONV.format(input="3x32x32", filters=32, kernel=3, more=""), "conv1.params", "288",
     "forgot_in_channels_and_bias"),
    (CONV.format(input="3x32x32", filters=100, kernel=5, more=""), "conv1.params", "7501", "one_bias_total"),
    (CONV.format(input="3x32x32", filters=100, kernel=5, more=""), "conv1.params", "7800", "bias_per_in_channel"),
    (CONV.format(input="96x27x27", filters=256, kernel=5, more="groups: 2, padding: 2"), "conv1.params", "614,656",
     "groups_ignored"),
    ("  input: 6x28x28\n  layers: [maxpool: 2]\n", "maxpool1.params", "30", "pool_has_params"),
    ("  input: 256x4x4\n  layers: [batchnorm]\n", "batchnorm1.params", "1024", "bn_count"),
]  # fmt: skip
CHAIN = "  input: 1x40x40\n  layers: [conv: {filters: 1, kernel: 5}, maxpool: 2, conv: {filters: 1, kernel: 5}]\n"
EXAMPLES += [
    (CHAIN, "conv2.receptive_field", "10", "rf_additive"),
    (CHAIN, "conv2.receptive_field", "5", "rf_is_kernel"),
    (CHAIN, "conv2.receptive_field", "9", "rf_pool_ignored"),
    (CHAIN, "conv2.macs", "9,800", "macs_vs_flops"),
]


@pytest.mark.parametrize(("network", "question", "answer", "mistake"), EXAMPLES, ids=lambda text: str(text)[-30:])
def test_published_examples_of_mistakes_are_recognised(
    tmp_path: Path, network: str, question: str, answer: str, mistake: str
) -> None:
    found = one(tmp_path, network, question, answer)
    assert not found.correct and mistake in found.mistakes


def test_an_answer_that_no_mistake_gives_is_not_explained(tmp_path: Path) -> None:
    (found,) = checked(tmp_path, "architecture: lenet5\nanswers: {c1.params: 4711}\n")
    assert (found.correct, found.mistakes) == (False, ())


@pytest.mark.parametrize(
    ("text", "number"),
    [("27,000,100", 27_000_100), ("1,28,800", 128_800), ("138M", 138_000_000), ("3.6e4", 36_000),
     ("120 M", 120_000_000), ("61706 parameters", 61_706), ("(5*5*1 + 1) * 6", 156), ("1.5 million", 1_500_000),
     ("1/3", Fraction(1, 3)),
     ("61 706", 61_706), ("5×5×3", 75), ("2^10", 1024)],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(text: str, number: object) -> None:
    assert answers.read(text).number == number


@pytest.mark.parametrize("text", ["6x28x28", "6@28x28", "(6, 28, 28)", "[6,28,28]", "6 × 28 × 28", "6 28 28"])
def test_shapes_are_read_as_people_write_them(text: str) -> None:
    assert answers.read(text).shape == (6, 28, 28)


def test_channels_last_is_right_and_said(tmp_path: Path) -> None:
    (found,) = checked(tmp_path, "architecture: lenet5\nanswers: {c1.shape: 28x28x6}\n")
    assert found.correct and found.remarks == ("read as height x width x channels (channels last)",)


def test_what_follows_from_an_earlier_error_is_marked_so(tmp_path: Path) -> None:
    text = """
architecture: lenet5
answers:
  c1.shape: 6x24x24
  maxpool1.shape: 6x12x12
  conv2.macs: 153600
  linear1.params: 30840
  total.params: 44426
"""
    found = {answer.question: answer for answer in checked(tmp_path, text)}
    assert not found["c1.shape"].correct and "padding_ignored" in found["c1.shape"].mistakes
    for question in ("maxpool1.shape", "conv2.macs", "linear1.params"):
        assert found[question].follow_through and found[question].remarks[0].startswith("right given c1 of 6x24x24")
    assert found["total.params"].follow_through


@pytest.mark.parametrize("answer", ["", "0x0x0", "~", "?"])
def test_nothing_follows_from_a_blank_or_a_degenerate_answer(tmp_path: Path, answer: str) -> None:
    text = f"architecture: lenet5\nanswers: {{c1.shape: '{answer}', maxpool1.shape: 6x12x12}}\n"
    first, second = checked(tmp_path, text)
    assert not first.correct and not second.follow_through
    assert first.blank == (answer != "0x0x0")


SOLVE = [
    ("{input: 7, kernel: 3, stride: 3, output: does not fit}", True, ()),
    ("{input: 7, kernel: 3, stride: 3, output: 2}", False, ("does_not_fit_unreported",)),
    ("{input: 7, kernel: 3, stride: 3, rounding: floor, output: 2}", True, ()),
    ("{input: 7, kernel: 3, stride: 2, output: 3}", True, ()),
    ("{input: 7, kernel: 3, padding: 1, output: 7}", True, ()),
    ("{input: 7, kernel: 3, padding: 1, output: 5}", False, ("padding_ignored",)),
    ("{input: 3, kernel: 5, output: does not fit}", True, ()),
]
CONVOLVE = [
    ('{input: "0 1 2; 3 4 5; 6 7 8", kernel: "0 1; 2 3", result: "19 25; 37 43"}', True, ()),
    ('{input: "0 1 2; 3 4 5; 6 7 8", kernel: "0 1; 2 3", result: "5 11; 23 29"}', False, ("flip_missing",)),
    ('{input: "0 1 2; 3 4 5; 6 7 8", kernel: "0 1; 2 3", result: "19 25; 37 44"}', False, ("window_slip",)),
    ('{input: "0 1 2; 3 4 5; 6 7 8", kernel: "0 1; 2 3", flip: true, result: "5 11; 23 29"}', True, ()),
]


@pytest.mark.parametrize(("fields", "right", "named"), SOLVE)
def test_sizes_are_solved(tmp_path: Path, fields: str, right: bool, named: tuple[str, ...]) -> None:
    (found,) = checked(tmp_path, f"answers: {{solve: {fields}}}\n")
    assert (found.correct, found.mistakes) == (right, named)


@pytest.mark.parametrize(("fields", "right", "named"), CONVOLVE)
def test_convolutions_by_hand_are_compared(tmp_path: Path, fields: str, right: bool, named: tuple[str, ...]) -> None:
    (found,) = checked(tmp_path, f"answers: {{convolve: {fields}}}\n")
    assert (found.correct, found.mistakes) == (right, named)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the sheet is empty"),
        ("- 1\n", "a sheet is a mapping"),
        ("architecture: lenet5\n", "the sheet has no answers"),
        ("answers: {c1.params: 3}\n", "the sheet names no architecture"),
        ("architecture: lenet5\nanswers: {c9.params: 3}\n", "c9: the network has no such layer"),
        ("architecture: lenet5\nanswers: {c1.parms: 3}\n", "there is no figure 'parms'"),
        ("architecture: lenet5\nanswers: {params: 3}\n", "is not a question"),
        ("architecture: lenet6\nanswers: {c1.params: 3}\n", "no bundled architecture"),
        ("answers: {solve: {input: x, kernel: 3, output: 1}}\n", "input must be a whole number, not x"),
    ],
)
def test_a_sheet_that_cannot_be_checked_says_why(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CnnError, match=said):
        checked(tmp_path, text)
