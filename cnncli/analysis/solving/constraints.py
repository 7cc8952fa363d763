"""The constraints of a search: budgets and targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from cnncli.analysis.solving import QUANTITIES
from cnncli.inference import Inferred

MAX_BATCH = 1 << 20  # the largest batch size that is searched


class Reached(NamedTuple):
    """The first layer whose receptive field on an input is large ``enough``, or the layer with the largest one."""

    layer: str
    size: tuple[int, ...]
    enough: bool


def first_reaching(inferred: Inferred, wanted: int) -> dict[str, Reached]:
    """For each input, the first layer whose receptive field is at least ``wanted`` on every axis.

    Layers that depend on the entire input, such as global pooling, do not count.
    """
    found: dict[str, Reached] = {}
    for name, info in inferred.layers.items():
        for source, field in info.receptive_field.items():
            size = tuple(axis.size for axis in field.axes)
            best = found.get(source)
            if (best is not None and best.enough) or not all(axis.advance for axis in field.axes):
                continue
            if best is None or min(size, default=0) > min(best.size):
                found[source] = Reached(name, size, bool(size) and min(size) >= wanted)
    return found


class Constraints(NamedTuple):
    """Budgets (at most), a receptive field (at least) and an output size (exactly) that a network has to meet.

    ``budgets`` are those of QUANTITIES and of ``memory`` in bytes: for ``batch`` inputs or, where that is None, for the
    batch size that is to be found. ``output_size`` is that of ``layer``, None for the last feature map.
    """

    budgets: Mapping[str, int] = {}
    receptive_field: int | None = None
    output_size: int | None = None
    layer: str | None = None
    batch: int | None = None
    dtype: str = "fp32"
    optimizer: str = "none"
    inference: bool = False

    @property
    def largest(self) -> bool:
        """Whether to find the largest values, as within budgets. Targets alone ask for the smallest that reach them."""
        return bool(self.budgets)

    @property
    def finds_batch(self) -> bool:
        """Whether the batch size is one of the values to find."""
        return "memory" in self.budgets and self.batch is None

    def quantities(self, inferred: Inferred, batch: int, output: int | None) -> dict[str, int]:
        """The constrained quantities of a network; ``output`` is its output size, if that is one of them."""
        totals = inferred.totals
        found = {name: totals[name] for name in self.budgets if name in QUANTITIES}
        if "memory" in self.budgets:
            found["memory"] = self.memory(inferred, batch)
        if self.receptive_field is not None:
            largest = first_reaching(inferred, 1 << 40).values()
            found["receptive_field"] = min((min(reached.size) for reached in largest), default=0)
        if output is not None:
            found["output_size"] = output
        return found

    def memory(self, inferred: Inferred, batch: int) -> int:
        """Bytes of memory for a batch."""
        from cnncli.analysis.memory import memory

        found = memory(inferred, batch, self.dtype, self.optimizer)
        return found.inference if self.inference else found.training

    def violations(self, quantities: Mapping[str, int]) -> dict[str, float]:
        """The quantities that break a constraint, and by how much: their ratio to it, minus 1."""
        off = {
            name: quantities[name] / most - 1 for name, most in self.budgets.items() if quantities.get(name, 0) > most
        }
        if self.receptive_field is not None and quantities["receptive_field"] < self.receptive_field:
            off["receptive_field"] = self.receptive_field / max(1, quantities["receptive_field"]) - 1
        if self.output_size is not None and quantities["output_size"] != self.output_size:
            off["output_size"] = abs(quantities["output_size"] / self.output_size - 1)
        return off

    def largest_batch(self, inferred: Inferred) -> int:
        """The largest batch size within the memory budget, which a batch of 1 meets; at most MAX_BATCH.

        Memory never decreases with the batch size.
        """
        return 1 + last_index(lambda index: self.memory(inferred, index + 1) <= self.budgets["memory"], MAX_BATCH - 1)


def last_index(holds: Callable[[int], bool], limit: int) -> int:
    """The last index from 0 to ``limit`` at which a condition holds; -1 if none.

    The condition must hold for all indices up to that one and for none after it.
    """
    low, high = -1, 0
    while high <= limit and holds(high):
        low, high = high, max(1, 2 * high)
    high = min(high, limit + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
