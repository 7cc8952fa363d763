"""Homework: right answers pass, every known mistake is found by its own value, nothing is guessed."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest
from program import SHARED

from cnncli import load
from cnncli.errors import CnnError
from cnncli.homework.answer_key.network_answers import network_answer
from cnncli.homework.answer_key.sheet import Question
from cnncli.homework.answer_key.size_answers import solve_answer
from cnncli.homework.checking import parsing
from cnncli.homework.checking.check import check
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.mistakes.matching import explanations
from cnncli.homework.mistakes.table import MISTAKES
from cnncli.homework.mistakes.texts import described
from cnncli.homework.submissions.reading import read_sheet
from cnncli.inference import SUMMED


def checked(tmp_path: Path, text: str) -> list[Verdict]:
    path = tmp_path / "sheet.yaml"
    path.write_text(text, encoding="utf-8")
    return check(read_sheet(str(path)))


def one(tmp_path: Path, network: str, question: str, answer: str) -> Verdict:
    return checked(tmp_path, f"architecture:\n{network}answers: {{{question}: {answer!r}}}\n")[0]


SLOW = pytest.param("googlenet", marks=pytest.mark.slow)
CONV = "  input: {input}\n  layers: [conv: {{filters: {filters}, kernel: {kernel}, {more}}}]\n"


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "lenet5_1998", "unet", SLOW])
def test_the_quantities_of_the_summary_are_correct(tmp_path: Path, name: str) -> None:
    inferred = load(name).inferred
    lines = []
    for layer, info in inferred.layers.items():
        lines.append(f"  {layer}.shape: {'x'.join(map(str, info.stats.output_shape))}")
        lines += [f"  {layer}.{quantity}: {getattr(info.stats, quantity):,}" for quantity in SUMMED]
        axes = [axis.size for axis in next(iter(info.receptive_field.values())).axes]
        lines.append(f"  {layer}.receptive_field: {'x'.join(map(str, axes))}")
    lines += [f"  total.{quantity}: {inferred.totals[quantity]}" for quantity in SUMMED]
    found = checked(tmp_path, f"architecture: {name}\nanswers:\n" + "\n".join(lines))
    assert [answer.question for answer in found if not answer.correct] == []


@pytest.mark.parametrize("name", ["lenet5", "alexnet_2012", "mobilenet_v1", "convnetjs_cifar10"])
@pytest.mark.parametrize("quantity", ["shape", "params", "macs", "receptive_field"])
def test_every_known_mistake_is_found_by_what_it_gives(name: str, quantity: str) -> None:
    inferred = load(name).inferred
    for layer in inferred.layers:
        expected = network_answer(inferred, layer, quantity)
        for mistake, value in expected.candidates.items():
            if value is None or value == expected.value:
                continue
            named = explanations(expected.candidates, value)
            assert mistake in named or all("+" not in other for other in named)
            assert described(mistake)


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
FLAT = "  input: 3x26x26\n  layers: [conv: {filters: 64, kernel: 5}, maxpool: 2, flatten, linear: 128]\n"
UP = "  input: 1x3x3\n  layers: [conv_transpose: {filters: 1, kernel: 3, stride: 2, padding: 1, output_padding: 1}]\n"
DEPTHWISE = """\
  input: 16x8x8
  layers: [depthwise_conv: {kernel: 3, bias: false}, conv: {filters: 32, kernel: 1, bias: false}]
"""
CONV10 = CONV.format(input="3x32x32", filters=10, kernel=5, more="stride: 2, padding: 2")
EXAMPLES += [
    (CONV10, "conv1.shape", "3x16x16", "kept_input_channels"),
    (CONV10, "conv1.shape", "14x16x16", "padded_channels"),
    (CONV10, "conv1.shape", "256x16x16", "positions_as_channels"),
    (CONV10, "conv1.shape", "10x32x32", "stride_ignored"),
    (CONV10, "conv1.params", "76", "one_filter_only"),
    (CONV10, "conv1.params", "194560", "no_weight_sharing"),
    (CONV10, "conv1.params", "2560", "counted_outputs"),
    (CONV10, "conv1.params", "30730", "counted_input_pixels"),
    (CONV10, "conv1.macs", "768000", "macs_input_size"),
    (CONV10, "conv1.macs", "194560", "macs_include_bias"),
    (CONV10, "conv1.macs", "6144000", "macs_per_batch"),
    (CONV10, "conv1.flops", "192000", "macs_vs_flops"),
    (FLAT, "flatten1.shape", "30976", "wrong_flatten"),
    (FLAT, "linear1.params", "3965056", "wrong_flatten"),
    (FLAT, "linear1.params", "8320", "forgot_flatten"),
    (FLAT, "total.params", "4864", "total_missing_or_double"),
    (FLAT, "total.params", "991360", "total_missing_or_double"),
    (UP, "conv_transpose1.shape", "1x2x2", "transposed_inverted"),
    (UP, "conv_transpose1.shape", "1x5x5", "transposed_inverted"),
    (UP, "conv_transpose1.shape", "1x7x7", "transposed_inverted"),
    (DEPTHWISE, "depthwise_conv1.params", "2304", "depthwise_as_full"),
    (DEPTHWISE, "total.params", "73728", "separable_product"),
    (CONV.format(input="1x7x9", filters=1, kernel=3, more="padding: same"), "conv1.shape", "1x5x7", "same_as_valid"),
    (CONV.format(input="1x32x32", filters=1, kernel=3, more="dilation: 2"), "conv1.shape", "1x27x27",
     "dilation_times_kernel"),
    (CONV.format(input="1x7x9", filters=1, kernel=3, more=""), "conv1.shape", "1x7x5", "height_and_width_swapped"),
    (CHAIN, "conv2.jump", "1", "jump_is_own_stride"),
    (CHAIN, "conv2.jump", "4", "jump_added"),
    ("  input: 1x9x9\n  layers: [relu]\n", "relu1.params", "81", "has_no_params"),
]  # fmt: skip


@pytest.mark.parametrize(("network", "question", "answer", "mistake"), EXAMPLES, ids=lambda text: str(text)[-30:])
def test_published_examples_of_mistakes_are_recognised(
    tmp_path: Path, network: str, question: str, answer: str, mistake: str
) -> None:
    found = one(tmp_path, network, question, answer)
    assert not found.correct and mistake in found.mistakes


def test_an_answer_without_a_matching_mistake_is_unexplained(tmp_path: Path) -> None:
    (found,) = checked(tmp_path, "architecture: lenet5\nanswers: {c1.params: 4711}\n")
    assert (found.correct, found.mistakes) == (False, ())


@pytest.mark.parametrize(
    ("text", "number"),
    [("27,000,100", 27_000_100), ("1,28,800", 128_800), ("138M", 138_000_000), ("3.6e4", 36_000),
     ("120 M", 120_000_000), ("61706 parameters", 61_706), ("(5*5*1 + 1) * 6", 156), ("1.5 million", 1_500_000),
     ("1/3", Fraction(1, 3)),
     ("0.83 GFLOPs", 830_000_000), ("4MMACs", 4_000_000), ("3 k params", 3_000),
     ("61 706", 61_706), ("5*5*3", 75), ("2^10", 1024),
     ("4.1 M", 4_100_000), ("4.1 million", 4_100_000), ("4.1 * 1000000", 4_100_000), ("2*3 thousand", 6_000),
     (".5", Fraction(1, 2)), ("5.", 5), ("1.234.567", 1_234_567), ("1’000’000", 1_000_000),
     ("1_000_000", 1_000_000), ("12_345", 12_345), ("1_5_6", None), ("1_56", None), ("1'56", None), ("1_0000", None),
     ("١٥٦", 156), ("१५६", 156), ("１５６", 156), ("(٥*٥*١ + ١) * ٦", 156), ("15²", 225)],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(text: str, number: object) -> None:
    assert parsing.parse(text).number == number


@pytest.mark.parametrize("text", ["6x28x28", "6@28x28", "(6, 28, 28)", "[6,28,28]", "6 × 28 × 28", "6 28 28"])
def test_shapes_are_read_as_people_write_them(text: str) -> None:
    assert parsing.parse(text).shape == (6, 28, 28)


def test_channels_last_is_correct_with_a_remark(tmp_path: Path) -> None:
    (found,) = checked(tmp_path, "architecture: lenet5\nanswers: {c1.shape: 28x28x6}\n")
    assert found.correct and found.remarks == ("read as height x width x channels (channels last)",)


def test_an_answer_that_follows_from_an_earlier_error_is_a_follow_through(tmp_path: Path) -> None:
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
    assert not found["c1.shape"].correct and "same_as_valid" in found["c1.shape"].mistakes
    for question in ("maxpool1.shape", "conv2.macs", "linear1.params"):
        assert found[question].follow_through and found[question].remarks[0].startswith("correct given ")
    assert found["conv2.macs"].remarks == ("correct given maxpool1.shape = 6x12x12",)
    assert found["total.params"].follow_through


def test_questions_between_an_error_and_its_follow_through_change_nothing(tmp_path: Path) -> None:
    text = "architecture: lenet5\nanswers: {c1.shape: 6x24x24, c1.macs: 86400, maxpool1.shape: 6x12x12, "
    found = checked(tmp_path, text + "conv2.shape: 16x8x8, conv2.macs: 153600, total.params: 44426}\n")
    assert [answer.follow_through for answer in found] == [False, True, True, True, True, True]
    assert found[1].remarks == ("correct given c1.shape = 6x24x24",)
    assert found[4].remarks == ("correct given maxpool1.shape = 6x12x12",)


BLOCKS = """
architecture:
  input: 3x8x8
  blocks: {pair: {layers: [conv: {filters: 4, kernel: 3, name: a}, conv: {filters: 4, kernel: 3, name: b}]}}
  layers: [pair: {name: one}, conv: {filters: 2, kernel: 1, name: last}]
answers: {one.a.params: 108, one.params: %s, total.params: %s}
"""


@pytest.mark.parametrize(
    ("block", "total", "follows"),
    [("256", "266", [False, True, True]), ("300", "310", [False, False, True]), ("260", "270", [False, False, False])],
)
def test_a_sum_follows_from_the_sums_of_its_blocks(tmp_path: Path, block: str, total: str, follows: list[bool]) -> None:
    found = checked(tmp_path, BLOCKS % (block, total))
    assert [answer.follow_through for answer in found] == follows
    assert [answer.correct for answer in found] == [False, block == "260", total == "270"]


@pytest.mark.parametrize("answer", ["", "0x0x0", "~", "?"])
def test_a_blank_or_degenerate_answer_has_no_follow_through(tmp_path: Path, answer: str) -> None:
    text = f"architecture: lenet5\nanswers: {{c1.shape: '{answer}', maxpool1.shape: 6x12x12}}\n"
    first, second = checked(tmp_path, text)
    assert not first.correct and not second.follow_through
    assert first.blank == (answer != "0x0x0")


SOLVE = [
    ("{input: 32, output: 32, kernel: 5, find: padding, padding: 2}", True, ()),
    ("{input: 32, output: 32, kernel: 5, find: padding, padding: same}", False, ()),
    ("{input: 32, output: 32, kernel: 5, find: padding, padding: 4}", False, ("padding_in_total",)),
    ("{input: 32, output: 32, kernel: 4, find: padding, padding: not possible}", True, ()),
    ("{input: 32, output: 28, find: kernel, kernel: 5}", True, ()),
    ("{input: 224, output: 112, kernel: 7, padding: 3, rounding: floor, find: stride, stride: 2}", True, ()),
    ("{output: 5, kernel: 3, stride: 2, find: input, input: 11}", True, ()),
    ("{output: 5, kernel: 3, stride: 2, find: input, input: 12}", False, ("off_by_one",)),
    ("{output: 5, kernel: 3, stride: 2, rounding: floor, find: input, input: 12}", True, ()),
    ("{input: 3, kernel: 3, stride: 2, padding: 1, transposed: true, output: 5}", True, ()),
    ("{input: 3, kernel: 3, stride: 2, padding: 1, transposed: true, output: 2}", False, ("transposed_inverted",)),
    ("{input: 7, kernel: 3, stride: 3, output: does not fit}", True, ()),
    ("{input: 7, kernel: 3, stride: 3, output: 2}", True, ()),  # no rounding is stated
    ("{input: 7, kernel: 3, stride: 3, rounding: exact, output: 2}", False, ("does_not_fit_unreported",)),
    ("{input: 7, kernel: 3, stride: 3, rounding: floor, output: does not fit}", False, ()),
    ("{input: 7, kernel: 3, stride: 2, output: does not fit}", False, ()),
    ("{input: 7, kernel: 3, stride: 3, rounding: floor, output: 2}", True, ()),
    ("{input: 7, kernel: 3, stride: 2, output: 3}", True, ()),
    ("{input: 7, kernel: 3, padding: 1, output: 7}", True, ()),
    ("{input: 7, kernel: 3, padding: 1, output: 5}", False, ("padding_ignored",)),
    ("{input: 3, kernel: 5, output: does not fit}", True, ()),
]
CHANNELS = 'input: "0 1 2; 3 4 5; 6 7 8 | 1 2 3; 4 5 6; 7 8 9", kernel: "0 1; 2 3 | 1 2; 3 4"'
POOLED = "1 1 2 4; 5 6 7 8; 3 2 1 0; 1 2 3 4"
CONVOLVE = [
    (f'{{{CHANNELS}, result: "56 72; 104 120"}}', True, ()),
    (f'{{{CHANNELS}, result: "19 25; 37 43; 37 47; 67 77"}}', False, ("channel_sum_missing",)),
    (f'{{input: "{POOLED}", pool: max, kernel: 2, result: "6 8; 3 4"}}', True, ()),
    (f'{{input: "{POOLED}", pool: avg, kernel: 2, result: "3.25 5.25; 2 2"}}', True, ()),
    (f'{{input: "{POOLED}", pool: avg, kernel: 2, result: "6 8; 3 4"}}', False, ("pool_kind",)),
    (f'{{input: "{POOLED}", pool: max, kernel: 2, result: "6 7 8; 6 7 8; 3 3 4"}}', False, ("pool_stride_one",)),
    ('{input: "3 4", pool: l2, kernel: 2, result: "5"}', True, ()),
    ('{input: "3 4; 0 0", pool: l2, kernel: 2, result: "25"}', False, ("l2_pool_no_root",)),
    ('{input: "1 2; 3 4", pool: l2, kernel: 2, result: "5.48"}', True, ()),
    ('{input: "1 2; 3 4", pool: l2, kernel: 2, result: "sqrt(30)"}', True, ()),
    ('{input: "1 2; 3 4", pool: l2, kernel: 2, result: "5.4"}', False, ()),
    (
        '{input: "1 2 3; 4 5 6; 7 8 9", pool: avg, kernel: 3, stride: 2, padding: 1, result: "3 4; 6 7"}',
        False,
        ("avg_pads_in_divisor",),
    ),
    ('{input: "1 2; 3 4", kernel: "1 2; 0 3", transposed: true, result: "1 4 4; 3 13 14; 0 9 12"}', True, ()),
    ('{input: "1 2 3; 4 5 6; 7 8 9", kernel: "1 0; 0 1", bias: 1, result: "6 8; 12 14"}', False, ("forgot_bias",)),
    ('{input: "1 2; 3 4", kernel: "1 0; 2 1", result: "13"}', False, ("flip_one_axis",)),
    ('{input: "1 2; 3 4", kernel: "1 0; 0 1", upstream: "2", find: kernel, result: "2 4; 6 8"}', True, ()),
    ('{input: "1 2; 3 4", kernel: "1 0; 0 1", upstream: "2", find: input, result: "2 0; 0 2"}', True, ()),
    ('{input: "1 3; 0 2", pool: max, kernel: 2, upstream: "5", result: "0 5; 0 0"}', True, ()),
    ('{input: "1 1 1", pool: l2, kernel: 2, stride: 1, upstream: "1 -2", result: "0.71 -0.71 -1.41"}', True, ()),
    (
        '{input: "1 1 1", pool: l2, kernel: 2, stride: 1, upstream: "1 -2", result: "0.71 -0.73 -1.41"}',
        False,
        ("window_slip",),
    ),
    ('{input: "1 2", pool: avg, kernel: 2, padding: 1, count_include_pad: false, result: "1 2"}', True, ()),
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
def test_exact_convolutions_are_compared(tmp_path: Path, fields: str, right: bool, named: tuple[str, ...]) -> None:
    (found,) = checked(tmp_path, f"answers: {{convolve: {fields}}}\n")
    assert (found.correct, found.mistakes) == (right, named)


CATALOGUE = SHARED / "reference" / "mistakes.md"


@pytest.mark.skipif(not CATALOGUE.exists(), reason="the catalogue of mistakes is not here")
def test_every_mistake_of_the_catalogue_has_its_words() -> None:
    known = re.findall(r"^\| `(\w+)` \|", CATALOGUE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(known) > 40 and [name for name in known if name not in MISTAKES] == []


def test_a_block_is_asked_as_the_sum_of_its_layers(tmp_path: Path) -> None:
    inferred = load("resnet18").inferred
    sum_of = sum(info.stats.params for name, info in inferred.layers.items() if name.startswith("stage2."))
    (found,) = checked(tmp_path, f"architecture: resnet18\nanswers: {{stage2.params: {sum_of}}}\n")
    assert found.correct


def test_other_answers_rank_the_mistakes(tmp_path: Path) -> None:
    network = "architecture:\n  input: 2x16x16\n  layers:\n"
    network += "    - conv: {filters: 2, kernel: 3, padding: 1}\n    - conv: {filters: 3, kernel: 3, padding: 1}\n"
    both, alone = "conv1.params: 20", "conv2.params: 30"
    (first,) = checked(tmp_path, f"{network}answers: {{{both}}}\n")
    assert set(first.mistakes) == {"forgot_in_channels"} or len(first.mistakes) > 1
    ranked = checked(tmp_path, f"{network}answers: {{{both}, {alone}}}\n")
    assert ranked[0].mistakes[0] == ranked[1].mistakes[0]


@pytest.mark.parametrize(
    ("quantity", "answer"),
    [("c1.input_shape", "1x28x28"), ("c1.kernel", "5"), ("c1.kernel", "5x5"), ("c1.padding", "2"),
     ("c1.stride", "1"), ("c1.parameter_bytes", "624 bytes"), ("total.parameter_bytes", "246,824"),
     ("flatten1.receptive_field", "all"), ("maxpool2.jump", "4"), ("c1.rf_offset", "-2"), ("c1.dropped", "0"),
     ("c1.operations", "235200"), ("maxpool2.sees", "16x16"), ("c1.effective_kernel", "5")],
)  # fmt: skip
def test_every_quantity_can_be_asked(tmp_path: Path, quantity: str, answer: str) -> None:
    (found,) = checked(tmp_path, f"architecture: lenet5\nanswers: {{{quantity}: '{answer}'}}\n")
    assert found.correct, found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("architecture: lenet5\nanswers: {relu1.kernel: 3}\n", "a relu layer has no kernel"),
        ("architecture: lenet5\nanswers: {total.shape: 3}\n", "a network has no shape"),
        ("architecture: lenet5\nanswers: {c1.params: {a: 3}}\n", "unknown quantity 'a'"),
        ("answers: {solve: {input: 7, kernal: 3, output: 1}}\n", "did you mean kernel"),
        ("answers: {solve: {input: 7, output: 1, find: depth}}\n", "cannot find 'depth'"),
        ("answers: {convolve: {input: /etc/passwd.csv, kernel: '1', result: '1'}}\n", "is a file name"),
        ("answers: {convolve: {input: '1 2', pool: mean, kernel: 2, result: '1'}}\n", "unknown pool 'mean'"),
        ("answers: {convolve: {input: 1 2 3, result: '1'}}\n", "missing kernel\n.*\n.*\n  add one, e.g. kernel: "),
        ("answers: {convolve: {input: 1 2 3, pool: max, result: '1'}}\n", "missing kernel\n.*\n.*\n  add kernel: 2"),
        ("answers: {softmax: {input: 1 2 3, result: '1'}}\n", "a sheet cannot ask for the values of softmax"),
        ("", "the sheet is empty"),
        ("- 1\n", "the sheet has no answers"),
        ("architecture: lenet5\n", "the sheet has no answers"),
        ("answers: {c1.params: 3}\n", "the sheet has no architecture"),
        ("architecture: lenet5\nanswers: {c9.params: 3}\n", "c9: the network has no such layer"),
        ("architecture: lenet5\nanswers: {c1.parms: 3}\n", "unknown quantity 'parms'"),
        ("architecture: lenet5\nanswers: {params: 3}\n", "not a question"),
        ("architecture: lenet5\nanswers: {c1: 6x28x28}\n", "names no quantity\n.*\n.*\n  write .* e.g. c1.shape"),
        ("architecture: lenet5\nanswers: {c1: 156}\n", "names no quantity\n.*\n.*\n  write .* e.g. c1.params"),
        ("answers: {solve: {in: 7, kernel: 3, output: 5}}\n", "unknown field 'in'\n.*\n.*\n  use input"),
        ("answers: {solve: {input: 7, kernel: 3, out: 5}}\n", "unknown field 'out'\n.*\n.*\n  use output"),
        ("architecture: lenet6\nanswers: {c1.params: 3}\n", "no such file or bundled network"),
        ("answers: {solve: {input: x, kernel: 3, output: 1}}\n", "input must be a whole number, not x"),
        ("answers: {solve: {input: 1000000000, kernel: 3, output: 1}}\n", "must be below 1,000,000,000"),
    ],
)
def test_an_invalid_sheet_raises_an_error_with_the_reason(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CnnError, match=said):
        checked(tmp_path, text)


# answer, whether it is right, a remark or a mistake that is named
AS_WRITTEN = [
    ("total.params", "[61706]", True, ""),
    ("total.params", "~61,706", True, ""),
    ("total.params", "61,706 (weights and biases)", True, ""),
    ("linear1.macs", "400 * 120 = 48000", True, "400 * 120 = 48,000"),
    ("total.params", "61.7K", False, "correct to the digits given"),
    ("total.macs", "416.5 KMACs", False, "correct to the digits given"),
    ("total.params", "abc", False, "could not be read as a number"),
    ("c1.shape", "abc", False, "could not be read as a shape"),
    ("c1.shape", "1x6x28x28", True, "batch size of 1"),
    ("flatten1.shape", "400x1x1", True, "axes of size 1"),
    ("flatten1.shape", "1x400", True, "batch size of 1"),
    ("maxpool1.shape", "14x14", False, "forgot_channels"),
    ("c1.shape", "1x6x24x24", False, "same_as_valid"),
    ("flatten1.shape", "1,176", False, "wrong_flatten"),
    ("c1.receptive_field", "5x5", True, ""),
    ("c1.params", "156*156", False, ""),
    ("maxpool1.params", "none", True, ""),
    ("maxpool1.params", "No parameters", True, ""),
    ("c1.params", "none", False, "could not be read as a number"),
    ("c1.params", "156x156", False, ""),
]


@pytest.mark.parametrize(("question", "answer", "right", "said"), AS_WRITTEN)
def test_answers_are_read_as_they_are_meant(tmp_path: Path, question: str, answer: str, right: bool, said: str) -> None:
    (found,) = checked(tmp_path, f"architecture: lenet5\nanswers: {{{question}: {answer!r}}}\n")
    assert found.correct == right
    assert not said or any(said in text for text in (*found.remarks, *found.mistakes))


@pytest.mark.parametrize(("quantity", "answer"), [("kernel", "5x7"), ("receptive_field", "5x7"), ("jump", "1x2")])
def test_numbers_per_axis_are_correct_only_in_order(tmp_path: Path, quantity: str, answer: str) -> None:
    network = CONV.format(input="1x20x30", filters=1, kernel="[5, 7]", more="stride: [1, 2]")
    turned = "x".join(reversed(answer.split("x")))
    assert one(tmp_path, network, f"conv1.{quantity}", answer).correct
    assert not one(tmp_path, network, f"conv1.{quantity}", turned).correct


@pytest.mark.parametrize("answer", ["1050", "1,050", "1050x1x1", "1x1050", "6*7*25"])
def test_a_wrong_shape_is_carried_on_however_it_is_written(tmp_path: Path, answer: str) -> None:
    text = "architecture: lenet5\nanswers: {flatten1.shape: %s, linear1.params: 126120}\n"
    assert checked(tmp_path, text % f"'{answer}'")[1].follow_through


@pytest.mark.parametrize("answer", ["2.333", "7/3", "2.33", "2"])
def test_a_window_that_does_not_fit_is_not_unreported_in_any_form(tmp_path: Path, answer: str) -> None:
    (found,) = checked(
        tmp_path, f"answers: {{solve: {{input: 7, kernel: 3, stride: 3, rounding: exact, output: '{answer}'}}}}\n"
    )
    assert (found.correct, found.mistakes) == (False, ("does_not_fit_unreported",))


@pytest.mark.parametrize(
    "answer",
    ["it does not fit", "no fit", "doesn't fit", "doesn’t fit", "not an integer", "isn't an integer", "impossible"],
)
def test_refusals_are_understood(tmp_path: Path, answer: str) -> None:
    (found,) = checked(tmp_path, f'answers: {{solve: {{input: 7, kernel: 3, stride: 3, output: "{answer}"}}}}\n')
    assert found.correct


LEVELS = ", ".join(
    f"&{name} [{', '.join([f'*{below}'] * 10)}]" for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)
UNREADABLE = [
    "sqrt(-4)",
    "√√2",
    "sqrt(√2)",
    "[[&a [*a]]]",
    f"[[&a [1, 1], {LEVELS}]]",
    "[[[[",
    "1/0",
    "[[]]",
    "[[a: 1]]",
]


@pytest.mark.parametrize("result", UNREADABLE)
def test_an_unreadable_matrix_is_a_wrong_answer(tmp_path: Path, result: str) -> None:
    fields = f"{{input: '1 2; 3 4', kernel: '1 0; 0 1', result: '{result}'}}"
    (found,) = checked(tmp_path, f"answers: {{convolve: {fields}}}\n")
    assert not found.correct and found.remarks[0].startswith("could not be read: ")


WINDOWS = [
    f"{rest}, rounding: {rounding}"
    for rounding in ("floor", "ceil", "exact")
    for rest in (
        *(
            "kernel: 2, stride: 2",
            "kernel: 3, stride: 2, padding: same",
            "kernel: 3, stride: 5",
            "kernel: 1, padding: 5",
        ),
        *(
            "kernel: 3, padding: full, stride: 2",
            "kernel: 3, stride: 2, dilation: 2, padding: 2",
            "kernel: 2, padding: 10",
        ),
    )
]


@pytest.mark.parametrize("fields", WINDOWS)
@pytest.mark.parametrize("find", ["input", "kernel", "stride", "padding", "dilation"])
def test_exactly_the_values_that_give_the_output_are_correct(fields: str, find: str) -> None:
    given = {"input": "6", **dict(part.split(": ") for part in fields.split(", "))}

    def output(value: int) -> object:
        return solve_answer(Question("solve", "", {**given, find: str(value)})).value

    values = {value: output(value) for value in range(0 if find == "padding" else 1, 3 * 6 + 1)}
    for wanted in {value for value in values.values() if isinstance(value, int)}:
        expected = solve_answer(Question("solve", "", {**given, "find": find, "output": str(wanted)}))
        right = {expected.value, *expected.also}
        assert {value for value in values if value in right} == {v for v, out in values.items() if out == wanted}


# an invalid question, and the error
UNASKABLE = [
    ("solve: {input: '²', kernel: 3, output: 1}", "input must be a whole number"),
    ("solve: {input: 7, kernel: 3, rounding: exakt, output: 5}", "unknown rounding 'exakt'"),
    ("solve: {input: 7, kernel: 3, transposed: true, padding: same, output: 5}", "needs a numeric padding"),
    ("solve: {input: 7, kernel: 3, transposed: maybe, output: 5}", "transposed must be true or false"),
    ("solve: {input: 7, output: 100000, kernel: 3, stride: 999999999, find: padding}", "values to search"),
    ("solve: {output: 100000, kernel: 3, stride: 999999999, find: input}", "values to search"),
    ("convolve: {input: 'sqrt(2) 1; 3 4', kernel: '1 0; 0 1'}", "irrational"),
    ("convolve: {input: '2 1; 3 4', kernel: '1 0; 0 1', bias: sqrt(2)}", "irrational"),
    ("convolve: {input: '1 2; 3 4', kernel: '1', padding: 99999999}", "more than 10,000,000 values"),
    ("convolve: {input: '1 2; 3 4', kernel: '1', padding: 9999999999}", "more than 999,999,999"),
    ("convolve: {input: '1 2', kernel: '1 1', padding: full, dilation: 99999999}", "more than 10,000,000 values"),
    ("convolve: {input: '1 2', kernel: '1 1', transposed: true, stride: 99999999}", "more than 10,000,000 values"),
    ("convolve: {input: '1 2; 3 4', kernel: '1', stride: ²}", "not a size"),
    ("convolve: {input: '1 2; 3 4', pool: max, kernel: 2, padding: 2}", "entirely in the padding"),
    (
        "convolve: {input: '1 2; 3 4', pool: avg, kernel: 2, padding: 2, count_include_pad: false}",
        "entirely in the padding",
    ),
    ("convolve: {input: '1 2; 3 4', kernel: 'secret.yaml || 1'}", "kernel is a file name"),
]


@pytest.mark.parametrize(("question", "said"), UNASKABLE)
def test_an_invalid_question_raises_an_error_with_the_reason(tmp_path: Path, question: str, said: str) -> None:
    with pytest.raises(CnnError, match=re.escape(said)):
        checked(tmp_path, f"answers: {{{question}}}\n")


def test_all_questions_that_cannot_be_asked_are_named_with_their_places(tmp_path: Path) -> None:
    with pytest.raises(CnnError) as caught:
        checked(tmp_path, "architecture: lenet5\nanswers:\n  c9.params: 3\n  c1.params: 156\n  c1.parms: 3\n")
    places = [(problem.place.line, problem.place.column) for problem in caught.value.problems if problem.place]
    assert places == [(3, 3), (5, 3)]


def test_the_path_of_a_network_is_relative_to_the_sheet(tmp_path: Path) -> None:
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "mine.yaml").write_text("input: 1x9x9\nlayers: [conv: {filters: 2, kernel: 3}]\n")
    (found,) = checked(tmp_path, "architecture: nets/mine.yaml\nanswers: {conv1.params: 20}\n")
    assert found.correct


def test_an_answer_may_stand_as_in_a_key(tmp_path: Path) -> None:
    (found,) = checked(tmp_path, "answers: {q3: {solve: {input: 7, kernel: 3}, answer: 5}}\n")
    assert found.correct and found.question == "solve q3"


@pytest.mark.parametrize(("one", "other"), [(0, 0), (0, 1), (1, 0)])
def test_a_layer_that_sees_all_of_one_input_only_does_not_see_everything(tmp_path: Path, one: int, other: int) -> None:
    """The sum of two flattened inputs, of which one or none is cropped."""
    branches = "".join(
        f"    - crop: {{from: {name}, name: c{name}, margins: {cut}}}\n    - flatten: {{name: f{name}}}\n"
        for name, cut in (("a", one), ("b", other))
    )
    (verdict,) = checked(
        tmp_path,
        f"architecture:\n  inputs: {{a: 1x{4 + 2 * one}x{4 + 2 * one}, b: 1x{4 + 2 * other}x{4 + 2 * other}}}\n"
        f"  layers:\n{branches}    - add: {{from: [fa, fb], name: sum}}\n"
        "answers: {sum.receptive_field: everything}\n",
    )
    assert verdict.correct == (one == other == 0)
