"""The picture of a sliding window shows the positions, the padding and what is left over."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cnncli.arithmetic.window import Window
from cnncli.homework.pages.window_strip import CELL, HEAD, SHOWN, described, window_strip

windows = st.builds(
    Window,
    kernel=st.integers(1, 5),
    stride=st.integers(1, 4),
    before=st.integers(0, 2),
    after=st.integers(0, 2),
    dilation=st.integers(1, 2),
    ceil=st.just(False),
    exact=st.just(False),
)


def elements(size: int, window: Window, kind: str) -> list[ElementTree.Element]:
    svg = ElementTree.fromstring(window_strip(size, window))
    return [e for e in svg.iter() if kind in e.get("class", "").split()]


def starts(size: int, window: Window) -> list[int]:
    """The cells at which the window starts, by sliding it."""
    found, at = [], 0
    while at + window.dilation * (window.kernel - 1) < window.before + size + window.after:
        found.append(at)
        at += window.stride
    return found


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.integers(1, 24), windows)
def test_every_cell_is_drawn_and_the_first_and_last_positions_lie_on_theirs(size: int, window: Window) -> None:
    all_starts = starts(size, window)
    assume(all_starts)
    assert window.before + size + window.after <= SHOWN
    assert len(elements(size, window, "in")) == size
    assert len(elements(size, window, "pad")) == window.before + window.after
    first_cell = float(ElementTree.fromstring(window_strip(size, window))[1].get("x", ""))
    drawn = [(float(e.get("x", "")) - first_cell) / CELL for e in elements(size, window, "window")]
    assert drawn == sorted({*all_starts[:3], all_starts[-1]})
    spans = {float(e.get("width", "")) / CELL for e in elements(size, window, "window")}
    assert spans == {window.dilation * (window.kernel - 1) + 1}
    end = all_starts[-1] + window.dilation * (window.kernel - 1) + 1
    assert len(elements(size, window, "rest")) == window.before + size + window.after - end
    assert f": {len(all_starts)} position" in described(size, window)


@pytest.mark.parametrize("size", [50, 224, 10**9])
def test_the_middle_of_a_long_axis_is_left_out(size: int) -> None:
    window = Window(3, 2, 1, 1)
    assert len(elements(size, window, "in")) + len(elements(size, window, "pad")) < SHOWN
    assert len(window_strip(size, window)) < 5000
    assert [float(e.get("x", "")) for e in elements(size, window, "window")] == sorted(
        float(e.get("x", "")) for e in elements(size, window, "window")
    )


def test_a_window_that_does_not_fit_is_drawn_past_the_end() -> None:
    (refused,) = elements(3, Window(5), "refused")
    assert float(refused.get("width", "")) == 5 * CELL
    assert described(3, Window(5)).endswith("the window does not fit")


def test_the_lecture_s_window_leaves_one_cell_over() -> None:
    assert described(7, Window(3, 3)) == "input 7, kernel 3, stride 3: 2 positions, 1 cell left over"


def test_a_window_longer_than_what_is_shown_has_no_picture() -> None:
    assert window_strip(10**6, Window(HEAD + 1)) == "" and window_strip(10**6, Window(HEAD)) != ""
