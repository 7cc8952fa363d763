"""The values of a free variable that make valid networks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

MAX_VALUE = 1 << 20  # of a variable


class SearchAxis(NamedTuple):
    """The valid values of a free variable, in order: ``values`` of 1 to ``scanned``, then every ``step``-th.

    ``step`` is 0 where the values are not evenly spaced; those above ``scanned`` are unknown then.
    """

    values: Sequence[int]
    scanned: int
    step: int

    @property
    def last(self) -> int:
        """The index of the last value."""
        beyond = (MAX_VALUE - self.values[-1]) // self.step if self.step else 0
        return len(self.values) - 1 + max(0, beyond)

    @property
    def end(self) -> int:
        """The largest value that is searched, whether or not it is valid."""
        return MAX_VALUE if self.step else self.scanned

    def at(self, index: int) -> int:
        """The value at an index."""
        beyond = index - len(self.values) + 1
        return self.values[index] if beyond <= 0 else self.values[-1] + beyond * self.step


def even_step(values: Sequence[int], scanned: int) -> int:
    """The step between values of 1 to ``scanned``; 0 where they are not evenly spaced, or end before that."""
    steps = {after - before for before, after in pairwise(values)}
    step = steps.pop() if len(steps) == 1 else 0
    return step if step and values[-1] + step > scanned else 0
