"""cnn solve, as a user runs it."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program import Run

from cnncli.commands.quantities import Bytes, Count, InputSizes
from cnncli.errors import INTERNAL_ERROR, CnnError


def test_windows_are_listed_with_their_working(cnn: Run) -> None:
    ended = cnn("solve", "--in", "7", "--out", "3")
    lines = ended.out.splitlines()
    assert lines[1] == " 3       2       0        1         floor((7 + 2 * 0 - 3) / 2) + 1 = 3"
    assert ended.out.endswith("more: --all shows them\n")
    assert "drops" in cnn("solve", "--in", "7", "--out", "3", "--all").out


def test_json_has_a_solution_s_five_numbers(cnn: Run) -> None:
    found = json.loads(cnn("solve", "--in", "7", "--out", "3", "--format", "json").out)["solutions"]
    assert found[0] == {"kernel": 3, "stride": 2, "padding": 0, "dilation": 1, "dropped": 0}


def test_seven_by_seven_with_kernel_and_stride_three_does_not_come_out_even(cnn: Run) -> None:
    ended = cnn("solve", "--in", "7x7", "--kernel", "3", "--stride", "3")
    assert (ended.code, ended.out) == (
        0,
        "floor((7 + 2 * 0 - 3) / 3) + 1 = 2\nit does not fit exactly: 4 / 3 + 1 = 2.333; rounding down drops 1\n",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "out"),
    [
        (("--in", "3", "--kernel", "5"), 1, "a kernel of 5 does not fit 3: the largest that does is 3\n"),
        (
            ("--in", "7", "--out", "9", "--padding", "0"),
            1,
            "no window with a kernel of at most 11, a stride of at most the kernel turns 7 into 9\n",
        ),
        (
            ("--out", "5", "--kernel", "3", "--stride", "2", "--padding", "1"),
            0,
            "an output of 5 comes from inputs of 9 to 10; nothing is dropped at 9\n",
        ),
        (("--in", "56", "--kernel", "3", "--padding", "same"), 0, "floor((56 + 2 * 1 - 3) / 1) + 1 = 56\n"),
        (("--in", "5", "--kernel", "4", "--padding", "full"), 0, "floor((5 + 2 * 3 - 4) / 1) + 1 = 8\n"),
        (("--in", "7", "--kernel", "3", "--dilation", "2"), 0, "floor((7 + 2 * 0 - 2 * (3 - 1) - 1) / 1) + 1 = 3\n"),
        (
            ("resnet50", "--receptive-field", "4000"),
            1,
            "no layer reaches 4000 on input; the largest is stage4.more.1.bottleneck1.sum.conv2 with 427x427\n",
        ),
        (("unet", "--params", "2M", "--vary", "width"), 0, "width = 16 has 1,940,834 params (at most 2,000,000)\n"
            "width = 17 has 2,190,894 params\n"),
        (("resnet50", "--memory", "24GB", "--optimizer", "adam"), 0,
            "batch = 274 has 23,948,541,568 bytes of training memory (at most 24,000,000,000)\n"
            "batch = 275 has 24,034,451,072 bytes of training memory\n"),
    ],
)  # fmt: skip
def test_answers(cnn: Run, arguments: tuple[str, ...], code: int, out: str) -> None:
    ended = cnn("solve", *arguments)
    assert (ended.code, ended.out) == (code, out)


def test_one_size_is_that_of_every_axis(cnn: Run) -> None:
    both = cnn("solve", "--in", "32x32", "--out", "16x16", "--kernel", "3")
    assert both.code == 0 and both == cnn("solve", "--in", "32x32", "--out", "16", "--kernel", "3")
    assert both == cnn("solve", "--in", "32", "--out", "16x16", "--kernel", "3")


def test_same_padding_is_named_where_equal_padding_on_both_sides_gives_no_window(cnn: Run) -> None:
    ended = cnn("solve", "--in", "32", "--out", "32", "--kernel", "4")
    assert ended.code == 1 and ended.out.endswith(
        "\n--padding same gives it, with stride 1: one side has more padding\n"
    )
    assert cnn("solve", "--in", "32", "--kernel", "4", "--padding", "same").out.endswith("= 32\n")
    assert "same" not in cnn("solve", "--in", "32", "--out", "9", "--kernel", "2", "--stride", "1").out


@pytest.mark.parametrize(
    ("arguments", "err"),
    [
        (
            (),
            "give two of --in, --out and --kernel (or an architecture)\n"
            "  cnn solve --in 7 --out 3 lists windows, cnn solve --in 7 --kernel 3 the output\n",
        ),
        (("--in", "7y", "--out", "3"), "--in 7y: is not a size\n  write 7, or 7x5 for one size per axis\n"),
        (
            ("--in", "7x7", "--out", "3x3x3"),
            "--in and --out have different numbers of axes\n  write both as 7x5, or both as 7\n",
        ),
        (
            ("--in", "7", "--out", "3", "--padding", "-1"),
            "--padding -1: is not a padding\n  write a number per side, or one of valid, same, same_lower, full\n",
        ),
        (
            ("lenet5",),
            "nothing to solve for\n"
            "  give --accepts, --output-size, --receptive-field, --memory, or --params … with --vary NAME\n",
        ),
        (
            ("--in", "7", "--kernel", "3", "--params", "100"),
            "--params requires ARCH\n  add ARCH, or leave --params out\n",
        ),
        (
            ("lenet5", "--accepts", "--max-kernel", "5"),
            "--max-kernel has no effect with ARCH\n  leave ARCH out, or give its input with --input 3x224x224\n",
        ),
        (
            ("unet", "--vary", "width"),
            "--vary requires --params or --macs or --flops or --activations or --memory or --receptive-field or "
            "--output-size\n  give a budget or a target\n",
        ),
        (
            ("unet", "--vary", "width", "--set", "width=8", "--params", "1M"),
            "--set width fixes the variable of --vary width\n  keep one of them\n",
        ),
        (
            ("unet", "--vary", "width=8..4", "--params", "1M"),
            "--vary width=8..4: 8..4 ends before it starts\n"
            "  write --vary w, --vary w=8..512:8 (from, to, step), or --vary w=16,32,64\n",
        ),
        (
            ("lenet5", "--params", "5"),
            "--params requires --vary NAME\n  write variables: {width: 64} in the file\n",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_said(cnn: Run, arguments: tuple[str, ...], err: str) -> None:
    ended = cnn("solve", *arguments)
    assert (ended.code, ended.err) == (2, err)


@pytest.mark.parametrize(
    ("arguments", "out"),
    [
        (("--in", "8", "--kernel", "4", "--stride", "2", "--padding", "1"), "(8 - 1) * 2 + 4 - 2 * 1 = 16\n"),
        (("--out", "16", "--kernel", "4", "--stride", "2", "--padding", "1"),
         "an output of 16 comes from 8: (8 - 1) * 2 + 4 - 2 * 1\n"),
    ],
)  # fmt: skip
def test_transposed_sizes_are_solved_both_ways(cnn: Run, arguments: tuple[str, ...], out: str) -> None:
    ended = cnn("solve", *arguments, "--transposed")
    assert (ended.code, ended.out) == (0, out)


@pytest.mark.parametrize(
    ("arguments", "out"),
    [
        (("--in", "28*28", "--kernel", "3,3"), "floor((28 + 2 * 0 - 3) / 1) + 1 = 26\n"),
        (("--in", "(28, 28)", "--kernel", "(5,3)", "--padding", "2x1"),
         "height: floor((28 + 2 * 2 - 5) / 1) + 1 = 28\nwidth: floor((28 + 2 * 1 - 3) / 1) + 1 = 28\noutput: 28x28\n"),
        (("--out", "5", "--kernel", "5x3", "--stride", "2x1"),
         "height: an output of 5 comes from inputs of 13 to 14; nothing is dropped at 13\n"
         "width: an output of 5 comes from inputs of 7\n"),
        (("--in", "7", "--kernel", "4x2", "--stride", "2", "--transposed"),
         "height: (7 - 1) * 2 + 4 = 16\nwidth: (7 - 1) * 2 + 2 = 14\noutput: 16x14\n"),
    ],
)  # fmt: skip
def test_a_rectangular_window_has_an_answer_per_axis(cnn: Run, arguments: tuple[str, ...], out: str) -> None:
    ended = cnn("solve", *arguments)
    assert (ended.code, ended.out) == (0, out)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(9, 30), st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_each_axis_of_a_rectangular_window_is_answered_as_by_itself(one: int, two: int, size: int, stride: int) -> None:
    from cnncli.analysis.solving.windows import Wanted
    from cnncli.views.solving.windows import answer, answer_per_axis

    axes = [Wanted((size,), (), kernel, stride) for kernel in (one, two)]
    record, _ = answer_per_axis(axes, transposed=False, show_all=False)
    for each, wanted in zip(record["axes"], axes, strict=True):
        assert each["solutions"] == answer(wanted, transposed=False, show_all=False)[0]["solutions"]


def test_rectangular_questions_without_an_answer_end_with_1_and_unequal_axes_with_2(cnn: Run) -> None:
    assert cnn("solve", "--in", "7", "--kernel", "9x3").code == 1
    ended = cnn("solve", "--in", "7x7x7", "--kernel", "5x3")
    assert (ended.code, ended.err.splitlines()[0]) == (
        2,
        "the numbers of axes differ: --kernel has 2 and --in has 3",
    )


DESIGN = """\
input: 3x32x32
variables: {w: 8, d: 2}
layers:
  - repeat: {times: $d, layers: [conv: {filters: $w, kernel: 3, padding: same}, relu]}
  - global_avgpool
  - linear: 10
"""
# each option with a value; which ones go with a question is in the tables below
OPTIONS = {
    "--in": "7",
    "--out": "3",
    "--kernel": "3",
    "--stride": "2",
    "--padding": "1",
    "--dilation": "2",
    "--max-kernel": "5",
    "--transposed": None,
    "--all": None,
    "--accepts": None,
    "--output-size": "5",
    "--layer": "repeat1.0.conv1",
    "--receptive-field": "7",
    "--params": "50k",
    "--macs": "1M",
    "--flops": "3M",
    "--activations": "20k",
    "--memory": "24GB",
    "--batch": "4",
    "--inference": None,
    "--dtype": "fp16",
    "--optimizer": "adam",
    "--vary": "w=4..8",
    "--input": "3x16x16",
    "--set": "d=1",
}
WINDOW = {"--stride", "--padding", "--dilation", "--transposed"}
LIMITS = {"--params", "--macs", "--flops", "--activations", "--memory", "--receptive-field", "--output-size"}
CHANGES = {"--input", "--set"}
QUESTIONS = (
    (("--in", "7", "--out", "3"), WINDOW | {"--kernel", "--max-kernel", "--all"}),
    (("--in", "7", "--kernel", "3"), WINDOW | {"--out"}),
    (("--out", "7", "--kernel", "3"), WINDOW | {"--in"}),
    (("FILE", "--accepts"), CHANGES | {"--output-size"}),
    (("FILE", "--output-size", "5"), CHANGES | {"--accepts", "--layer", "--params --vary", "--vary", "--memory"}),
    (("FILE", "--receptive-field", "7"), CHANGES | {"--vary", "--memory"}),
    (("FILE", "--params", "50k", "--vary", "w"), CHANGES | LIMITS),
    (("FILE", "--memory", "24GB"), CHANGES | LIMITS | {"--inference", "--dtype", "--optimizer", "--vary"}),
    (
        ("FILE", "--memory", "24GB", "--vary", "w=4..8"),
        CHANGES | LIMITS | {"--inference", "--dtype", "--optimizer", "--batch", "--all"},
    ),
)


@pytest.mark.parametrize(("question", "taken"), QUESTIONS, ids=[" ".join(question) for question, _ in QUESTIONS])
def test_every_option_is_used_or_refused(cnn: Run, question: tuple[str, ...], taken: set[str], tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(DESIGN.replace("  - global", "  - maxpool: 2\n  - global"))
    asked = [str(tmp_path / "net.yaml") if part == "FILE" else part for part in question]
    plain = cnn("solve", *asked, "--format", "json")
    assert plain.code in (0, 1) and json.loads(plain.out)
    for option, value in OPTIONS.items():
        if option in question:
            continue
        ended = cnn("solve", *asked, option, *([] if value is None else [value]), "--format", "json")
        if option in taken:
            assert ended.code in (0, 1), (option, ended.err)
            used = json.loads(ended.out)
            same = {"--all", "--inference", "--padding", "--input", "--set", "--accepts", "--max-kernel", "--stride"}
            assert used != json.loads(plain.out) or option in same, option
        else:
            assert ended.code == 2 and ended.out == "", option
            assert INTERNAL_ERROR not in ended.err


def test_budgets_hold_all_together(cnn: Run, tmp_path: Path) -> None:
    (tmp_path / "design.yaml").write_text(DESIGN)
    design = str(tmp_path / "design.yaml")
    budgets = ("--params", "50k", "--macs", "1M")
    assert cnn("solve", design, *budgets, "--vary", "w") == (
        0,
        "w = 9 has 1,090 params (at most 50,000) and 995,418 macs (at most 1,000,000)\nw = 10 has 1,198,180 macs\n",
        "",
    )
    assert cnn("solve", design, *budgets, "--vary", "w=4..12:4", "--vary", "d=1..3").out == (
        "  w  d  params <= 50,000  macs <= 1,000,000\n"
        "  8  2        898 (  1%)     811,088 ( 81%)\n"
        "  4  3        458 (  0%)     405,544 ( 40%)\n"
        " 12  1        466 (  0%)     331,896 ( 33%)\n"
    )
    ended = cnn("solve", design, "--params", "3", "--vary", "w")
    assert (ended.code, ended.out) == (
        1,
        "no value of w meets the constraints\nclosest: w = 1 with 58 params (at most 3)\n",
    )
    record = json.loads(cnn("solve", design, *budgets, "--vary", "w", "--format", "json").out)
    assert record["solutions"] == [{"values": {"w": 9}, "figures": {"params": 1090, "macs": 995418}}]
    assert record["next"]["values"] == {"w": 10}
    none = json.loads(cnn("solve", design, "--params", "3", "--vary", "w", "--format", "json").out)
    assert (none["solutions"], none["answer"]) == ([], False)


@given(st.integers(1, 10**15), st.sampled_from(["", "k", "K", "M", "m", "G", "B", "T"]), st.integers(0, 6))
def test_numbers_are_read_as_people_write_them(number: int, unit: str, places: int) -> None:
    scale = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9, "t": 10**12}[unit.lower()]
    digits = str(number).rjust(places + 1, "0")
    text = (f"{digits[:-places]}.{digits[-places:]}" if places else digits) + unit
    exact = Fraction(number, 10**places) * scale
    if exact.denominator == 1 and len(str(exact)) <= 18:
        assert Count().convert(text, None, None) == exact
    else:
        with pytest.raises(CnnError):
            Count().convert(text, None, None)
    assert Count().convert(f"{number:,}", None, None) == number


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        ("24GB", 24 * 10**9),
        ("24GiB", 24 * 2**30),
        ("512 MiB", 2**29),
        ("1.5kB", 1500),
        ("1e6", 10**6),
        ("80gb", 8 * 10**10),
    ],
)
def test_bytes_are_of_powers_of_1000_or_of_1024(text: str, bytes_: int) -> None:
    assert Bytes().convert(text, None, None) == bytes_


NONSENSE = (
    "",
    "k",
    "-5",
    "0",
    "1.5",
    "1_000",
    "1,00",
    "4,1G",
    "0x10",
    "nan",
    "inf",
    "1e400",
    "5Q",
    "٣",
    "1e-3",
    "9" * 60,
)


@pytest.mark.parametrize("text", [*NONSENSE, "24GB"])
def test_what_is_no_count_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(CnnError) as refused:
        Count().convert(text, None, None)
    assert refused.value.exit_code == 2 and "write 50k" in refused.value.problems[0].hint


@pytest.mark.parametrize("text", [*NONSENSE, "24G", "24 PB"])
def test_what_is_no_number_of_bytes_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(CnnError) as refused:
        Bytes().convert(text, None, None)
    assert refused.value.exit_code == 2 and "write 24GB" in refused.value.problems[0].hint


@pytest.mark.parametrize("shape", ["3x32x32", "3x33x33", "3xHxW", "3x2x1000"])
def test_accepted_sizes_do_not_depend_on_the_size_that_the_file_has(cnn: Run, tmp_path: Path, shape: str) -> None:
    layer = "{filters: 8, kernel: 3, stride: 2, rounding: exact}"
    answers = []
    for own, options in ((shape, ()), ("3x15x15", ()), ("3x15x15", ("--input", shape))):
        path = tmp_path / "net.yaml"
        path.write_text(f"input: {own}\nlayers:\n  - conv: {layer}\n  - conv: {layer}\n")
        answers.append([cnn("solve", path, "--accepts", *options), cnn("solve", path, "--output-size", "5", *options)])
    assert answers[0] == answers[1] == answers[2]
    assert [(ended.code, ended.err) for ended in answers[0]] == [(0, ""), (0, "")]
    assert "7, 11, 15, 19, 23" in answers[0][0].out


@given(
    channels=st.sampled_from([1, 3, 4]), rows=st.integers(5, 999), columns=st.integers(5, 999), last=st.booleans()
)  # fmt: skip
def test_channels_are_no_size_that_a_window_slides_over(channels: int, rows: int, columns: int, last: bool) -> None:
    shape = f"{rows}x{columns}x{channels}" if last else f"{channels}x{rows}x{columns}"
    with pytest.raises(CnnError) as caught:
        InputSizes().convert(shape, None, None)
    (problem,) = caught.value.problems
    assert problem.message.endswith("--in takes the sizes that the window slides over, without channels")
    assert problem.hint.startswith(f"write --in {rows}x{columns} ")


@pytest.mark.parametrize("shape", ["16x112x112", "3x3x3", "4x4x4", "7x5", "3x32", "32x3", "8x3x3"])
def test_other_sizes_are_those_of_the_axes(shape: str) -> None:
    assert InputSizes().convert(shape, None, None) == tuple(map(int, shape.split("x")))


def test_the_accepted_sizes_are_found_from_one_symbolic_network(cnn: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from cnncli.analysis.solving import acceptance

    read = []
    original = acceptance.load_source
    monkeypatch.setattr(acceptance, "load_source", lambda *a, **k: read.append(a) or original(*a, **k))
    assert cnn("solve", "lenet5", "--accepts").code == 0 and len(read) == 1
