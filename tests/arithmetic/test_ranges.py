"""Lists and ranges are read the same way by every option, and what is no range is answered with what to write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import Run

from cnncli.arithmetic.ranges import RealRange, read_ranges, read_real_ranges
from cnncli.errors import CnnError

numbers = st.integers(1, 500)


@given(st.lists(st.tuples(numbers, st.integers(0, 40), st.integers(1, 9)), min_size=1, max_size=4))
def test_a_range_is_every_step_from_its_first_to_its_last_number(ranges: list[tuple[int, int, int]]) -> None:
    text = ", ".join(f"{first}..{first + length}:{step}" for first, length, step in ranges)
    expected = [
        n for first, length, step in ranges for n in range(first, first + length + 1) if (n - first) % step == 0
    ]
    assert read_ranges(text, "", 1000, "") == expected


def test_a_number_and_a_range_without_a_step() -> None:
    assert read_ranges("7, 3..5,010", "", 10, "") == [7, 3, 4, 5, 10]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("64-512", "'64-512' is not a number or a range\n  write 64..512"),
        ("64:512:32", "'64:512:32' is not a number or a range\n  write 64..512:32"),
        ("64 to 512 by 32", "'64 to 512 by 32' is not a number or a range\n  write 64..512:32"),
        ("64...512", "'64...512' is not a number or a range\n  write 64..512"),
        ("log:1..8", "log: is for real numbers, and these are integers\n  write the values, e.g. 8,16,32,64"),
        ("", "'nothing' is not a number or a range\n  hint"),
        ("8..4", "8..4 ends before it starts\n  hint"),
        ("1..9:0", "the step of 1..9:0 is 0\n  hint"),
        ("0", "0 is not between 1 and 1000\n  hint"),
        ("1..2000", "2000 is not between 1 and 1000\n  hint"),
    ],
)
def test_what_is_no_range_of_integers_is_answered_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(CnnError) as error:
        read_ranges(text, "--at", 1000, "hint")
    assert str(error.value) == f"--at: {said}"


def test_real_ranges_have_steps_or_logarithms() -> None:
    assert read_real_ranges("0.9, 0..0.5:0.1,log:1e-4..1e-1", "", "") == [
        RealRange(0.9, 0.9),
        RealRange(0.0, 0.5, 0.1),
        RealRange(1e-4, 1e-1, log=True),
    ]


@pytest.mark.parametrize(
    "text", ["", "a", "1..", "..1", "2..1", "1:2", "log:1", "log:0..1", "log:1..9:2", "1..2:0", "nan"]
)
def test_what_is_no_real_range_is_refused(text: str) -> None:
    with pytest.raises(CnnError, match="--vary lr"):
        read_real_ranges(text, "--vary lr", "hint")


def test_both_options_take_the_same_lists_and_ranges(cnn: Run) -> None:
    for values in ("28,32", "28..32:4", "28-32", "log:28..32", "28..", "x"):
        at = cnn("summarize", "lenet5", "--at", values)
        vary = cnn("solve", "unet", "--params", "9M", "--vary", f"width={values}")
        assert at.code == vary.code
        assert at.err.partition(": ")[2].splitlines()[:1] == vary.err.partition(": ")[2].splitlines()[:1]
