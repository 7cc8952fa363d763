"""Work counted instead of timed: the same on every machine, whatever else it does."""

from __future__ import annotations

import sys
from collections.abc import Callable


def calls(function: Callable[[], object]) -> int:
    """How many functions are called, and generators resumed, in Python and in C, while ``function`` runs."""
    count = 0

    def note(_: object, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


def growth(make: Callable[[int], Callable[[], object]], size: int, times: int = 4) -> float:
    """How many times the work grows when the size grows ``times``, which is what it does where it is linear.

    ``make`` prepares what is counted. It is called once before, for what is imported and cached.
    """
    make(size)()
    return calls(make(times * size)) / calls(make(size))
