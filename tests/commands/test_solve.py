"""cnn solve, as a user runs it."""

from __future__ import annotations

import json

import pytest
from program import Run


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
        (("--in", "7", "--out", "9", "--padding", "0"), 1, "no window with a kernel of at most 11 turns 7 into 9\n"),
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
            "no layer's windows see 4000 pixels of input: "
            "the most is stage4.more.1.bottleneck1.sum.conv2 sees 427x427 of input\n",
        ),
        (("unet", "--params", "2000000", "--vary", "width"), 0, "width = 16 has 1,940,834 params, at most 2,000,000; "
            "width = 17 has 2,190,894\n"),
    ],
)  # fmt: skip
def test_answers(cnn: Run, arguments: tuple[str, ...], code: int, out: str) -> None:
    ended = cnn("solve", *arguments)
    assert (ended.code, ended.out) == (code, out)


@pytest.mark.parametrize(
    ("arguments", "err"),
    [
        (
            (),
            "give two of --in, --out and --kernel (or an architecture)\n"
            "  cnn solve --in 7 --out 3 lists windows, cnn solve --in 7 --kernel 3 the output\n",
        ),
        (("--in", "7y", "--out", "3"), "--in 7y: is not a size\n  write 7, or 7x5 with a size per axis\n"),
        (
            ("--in", "7x7", "--out", "3"),
            "--in and --out have different numbers of axes\n  write both as 7x5, or both as 7\n",
        ),
        (
            ("--in", "7", "--out", "3", "--padding", "-1"),
            "--padding -1: is not a padding\n  write a number per side, or valid, same or full\n",
        ),
        (
            ("lenet5",),
            "what is to be solved?\n"
            "  give --accepts, --output-size, --receptive-field, or --params … with --vary NAME\n",
        ),
        (
            ("lenet5", "--params", "5"),
            "--params needs --vary NAME: which variable?\n"
            "  its variables: none yet: write variables: {width: 64} in the file\n",
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
