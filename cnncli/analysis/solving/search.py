"""The search over free variables: the limit of what holds, by doubling and bisection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain, product
from math import prod
from typing import cast

from cnncli.analysis.solving.axis import SearchAxis, even_step
from cnncli.analysis.solving.candidates import MAX_WORK, Candidates, Values, range_hint
from cnncli.analysis.solving.constraints import MAX_BATCH, last_index
from cnncli.arithmetic.numerals import read_number
from cnncli.errors import CnnError
from cnncli.language.source import Mapping as SourceMapping
from cnncli.language.source import Scalar, parse

SCANNED = 64  # values tried one by one, to see which are valid and whether quantities increase
MIN_SCANNED = 8  # values tried in any case
MAX_SCANNED = 1024  # values tried one by one where the valid ones are not evenly spaced
MAX_WALKED = 1024  # values below the largest within the budgets that are tried for an output size
MAX_BESIDE = 128  # values of other variables, for each of which a free variable or the batch size is searched
MAX_COMBINATIONS = 10_000  # of given values
BATCH = "batch"


Line = Callable[[int], Values]  # the values of all variables, by that of a free one
Plane = Callable[[int, int], Values]  # by the indices of two free ones


class Search:
    """Finds the combinations of values that meet all constraints.

    ``stopped_at`` has the largest value searched of each variable whose larger values could also do, and ``skipped``
    the variables of which not every value was tried although nothing was found.
    """

    def __init__(self, candidates: Candidates) -> None:
        self.candidates, self.constraints = candidates, candidates.constraints
        self.stopped_at: dict[str, int] = {}
        self.skipped: str | None = None

    def combinations(self, ranges: Mapping[str, Sequence[int] | None]) -> set[Values]:
        """Combinations that meet all constraints, among them every one that no other one exceeds.

        Where the batch size is to be found, it is the last value of each.
        """
        free = self.candidates.free
        given = {name: values for name, values in ranges.items() if values is not None}
        self._check_count(prod(map(len, given.values())))
        search = (self._of_none, self._of_one, self._of_two)[len(free)]
        found: set[Values] = set()
        for values in product(*given.values()):
            found |= search(dict(zip(given, values, strict=True)), *free)
        return found

    def _check_count(self, count: int) -> None:
        """Raises CnnError where there are too many combinations of given values, or of free variables."""
        free = self.candidates.free
        if count > (MAX_BESIDE if free else MAX_COMBINATIONS):
            raise CnnError(
                f"--vary: {count:,} combinations of ranges are too many (the limit is "
                f"{f'{MAX_BESIDE} beside a variable without one' if free else f'{MAX_COMBINATIONS:,}'})",
                "use larger steps, e.g. w=8..512:8",
            )
        if len(free) > 2 or (len(free) == 2 and (self.constraints.finds_batch or self.constraints.output_size)):
            also = ", the batch size and an output size" if len(free) == 2 else ""
            raise CnnError(f"--vary: {' and '.join(free)} have too many combinations{also}", range_hint(free[0]))

    def _of_none(self, chosen: Mapping[str, int]) -> set[Values]:
        return self._with_batch(self.candidates.values(chosen))

    def _with_batch(self, values: Values) -> set[Values]:
        """The combination, with its batch size where that is to be found; empty where a constraint does not hold."""
        if not self.candidates.meets(values):
            return set()
        if not self.constraints.finds_batch:
            return {values}
        batch = self.constraints.largest_batch(self.candidates.valid_network(values))
        if batch == MAX_BATCH:
            self.stopped_at[BATCH] = MAX_BATCH
        return {(*values, batch)}

    # One free variable --------------------------------------------------------------------------------------------

    def _of_one(self, chosen: Mapping[str, int], name: str) -> set[Values]:
        """The best value of a variable; all possible values where the batch size is to be found."""
        candidates = self.candidates

        def line(value: int) -> Values:
            return candidates.values({**chosen, name: value})

        axis = self._axis(
            line, (lambda v: not candidates.is_within(v)) if self.constraints.largest else candidates.meets
        )
        if not axis.values:
            return set()
        candidates.check_increasing(name)
        found = self._largest(axis, line, name) if self.constraints.largest else self._smallest(axis, line, name)
        candidates.check_increasing(name)
        return found

    def _axis(self, line: Line, decides: Callable[[Values], bool]) -> SearchAxis:
        """The valid values, from trying them one by one, up to one that ``decides`` the search at the most."""
        values: list[int] = []
        scanned = 0
        while scanned < MAX_SCANNED and not (values and self.candidates.work > MAX_WORK // 4):
            if scanned >= SCANNED and len(values) > 2 and even_step(values, scanned):
                break
            scanned += 1
            if self.candidates.network(line(scanned)) is not None:
                values.append(scanned)
                if decides(line(scanned)) and scanned >= MIN_SCANNED:
                    break
        return SearchAxis(values, scanned, even_step(values, scanned))

    def _largest(self, axis: SearchAxis, line: Line, name: str) -> set[Values]:
        """The last value within the budgets, or the last one before it that meets the targets as well."""
        candidates = self.candidates

        def at(index: int) -> Values:
            return line(axis.at(index))

        limit = last_index(lambda index: candidates.is_within(at(index)), axis.last)
        self._note_end(axis, line, limit, name)
        if limit < 0:
            return set()
        if self.constraints.finds_batch:
            if limit >= MAX_BESIDE:
                raise CnnError(
                    f"--vary {name}: it may be up to {axis.at(limit):,}, too many values to find a batch size for "
                    f"each (the limit is {MAX_BESIDE})",
                    f"{range_hint(name)}, give --batch, or a tighter budget",
                )
            return {found for index in range(limit + 1) for found in self._with_batch(at(index))}
        if candidates.meets(at(limit)):
            return {at(limit)}
        if limit >= len(axis.values):
            self.skipped = name
        if not candidates.reaches_field(at(limit)):
            return set()  # The receptive field increases with the variable: no value before this one reaches it.
        for index in self._likely_outputs(at, limit, len(axis.values)):
            if candidates.work < MAX_WORK // 2 and candidates.meets(at(index)):
                return {at(index)}
        return set()

    def _likely_outputs(self, at: Line, limit: int, scanned: int) -> chain[int]:
        """Indices to try for an output size, which need not change in one direction: near the limit, near where it
        passes the target, then the first ones."""
        side = self.candidates.output_side(at(limit))
        crossing = last_index(lambda index: self.candidates.output_side(at(index)) != side, limit)
        near = (range(start, max(-1, start - MAX_WALKED), -1) for start in (limit, crossing))
        return chain(*near, range(min(limit, scanned - 1), -1, -1))

    def _smallest(self, axis: SearchAxis, line: Line, name: str) -> set[Values]:
        """The first value that meets the targets."""
        candidates = self.candidates

        def at(index: int) -> Values:
            return line(axis.at(index))

        first = next((index for index in range(len(axis.values)) if candidates.meets(at(index))), None)
        if first is not None:
            return {at(first)}
        side = candidates.output_side(at(0))
        short = last_index(lambda i: not self._passes(at(i), side) and candidates.is_searched(at(i)), axis.last)
        self._note_end(axis, line, short, name)
        for index in range(short + 1, min(axis.last, short + SCANNED) + 1):
            if not candidates.is_searched(at(index)):
                break
            if candidates.meets(at(index)):
                self.stopped_at.pop(name, None)
                return {at(index)}
        self.skipped = name
        return set()

    def _passes(self, values: Values, side: int) -> bool:
        """Whether the receptive field is large enough and the output no longer on that ``side`` of its target (0: on
        it from the first value on)."""
        candidates = self.candidates
        passed = side == 0 or candidates.output_side(values) != side
        return not candidates.is_valid(values) or (passed and candidates.reaches_field(values))

    def _note_end(self, axis: SearchAxis, line: Line, limit: int, name: str) -> None:
        """Notes how far was searched if not a constraint ends the search. Raises CnnError for uneven values."""
        if limit == axis.last:
            self.stopped_at[name] = axis.end
        elif self.candidates.network(line(axis.at(limit + 1))) is None:
            beyond = [axis.at(index) for index in range(limit + 1, min(axis.last, limit + SCANNED) + 1)]
            odd = next((value for value in beyond if self.candidates.network(line(value)) is not None), None)
            if odd is not None:
                raise CnnError(
                    f"--vary {name}: {beyond[0]:,} makes no valid network, and {odd:,} does: "
                    "the valid values are too uneven to be searched",
                    range_hint(name),
                )
            self.stopped_at[name] = beyond[-1]

    # Two free variables -------------------------------------------------------------------------------------------

    def _of_two(self, chosen: Mapping[str, int], one: str, other: str) -> set[Values]:
        """For each value of one variable the best of the other, which falls as the first one grows."""
        candidates = self.candidates

        def at(first: int, second: int) -> Values:
            return candidates.values({**chosen, one: axes[0].at(first), other: axes[1].at(second)})

        axes = self._even_axis(chosen, one, other), self._even_axis(chosen, other, one)
        lasts = axes[0].last, axes[1].last
        candidates.check_increasing(one, other)
        if not self.constraints.largest:
            found = self._smallest_of_two(at, lasts)
            self.skipped = None if found else f"{one} and {other}"
        else:
            within = candidates.is_within
            ends = last_index(lambda n: within(at(n, 0)), lasts[0]), last_index(lambda n: within(at(0, n)), lasts[1])
            least = {**chosen, one: axes[0].at(0), other: axes[1].at(0)}
            self._note_end(axes[0], lambda value: candidates.values({**least, one: value}), ends[0], one)
            self._note_end(axes[1], lambda value: candidates.values({**least, other: value}), ends[1], other)
            found = self._largest_of_two(*((at, ends) if ends[0] <= ends[1] else (_swapped(at), ends[::-1])))
        candidates.check_increasing(one, other)
        return found

    def _even_axis(self, chosen: Mapping[str, int], name: str, beside: str) -> SearchAxis:
        """The valid values of one variable beside the file's own of another. Raises CnnError for uneven ones."""
        own = {**chosen, beside: self._own_value(beside)}
        found = self._axis(
            lambda value: self.candidates.values({**own, name: value}), lambda v: not self.candidates.is_valid(v)
        )
        if not found.step:
            raise CnnError(
                f"--vary {name}: the valid values are too uneven to be searched beside {beside}", range_hint(name)
            )
        return found

    def _largest_of_two(self, at: Plane, ends: tuple[int, int]) -> set[Values]:
        """For each first index the last second one within the budgets; ``ends`` are those with the other at 0."""
        candidates = self.candidates
        found: set[Values] = set()
        second = ends[1]
        for first in range(ends[0] + 1):
            exceeds = partial(lambda i, j, less: not candidates.is_within(at(i, j - less)), first, second)
            second -= 1 + last_index(exceeds, second)
            found |= {at(first, second)} if candidates.meets(at(first, second)) else set()
        return found

    def _smallest_of_two(self, at: Plane, lasts: tuple[int, int]) -> set[Values]:
        """For each first index the first second one whose receptive field is large enough."""
        reaches = self.candidates.reaches_field

        def short(values: Values) -> bool:
            return not reaches(values) and self.candidates.is_searched(values)

        ends = 1 + last_index(lambda n: short(at(n, 0)), lasts[0]), 1 + last_index(lambda n: short(at(0, n)), lasts[1])
        if not reaches(at(0, ends[1])):
            at, ends = _swapped(at), ends[::-1]
        if not reaches(at(0, ends[1])):
            return set()
        # The first variable may not suffice alone, however large. Then the second one never gets to its least value.
        far = ends[0] if reaches(at(ends[0], 0)) else ends[0] - 1
        least = 1 + last_index(lambda n: not reaches(at(far, n)), ends[1])
        found: set[Values] = set()
        first, second = 0, ends[1]
        while True:
            enough = partial(lambda i, j, less: reaches(at(i, j - 1 - less)), first, second)
            second -= 1 + last_index(enough, second - 1)
            found.add(at(first, second))
            if second <= least:
                return found
            first += 1

    def _own_value(self, name: str) -> int:
        """The value of a variable in the file, which makes a valid network; 1 where it is not a number from 1 on."""
        section = cast(SourceMapping, cast(SourceMapping, parse(self.candidates.loaded.source)).entries["variables"])
        value = section.entries[name]
        number = read_number(value.text) if isinstance(value, Scalar) else None
        return number if isinstance(number, int) and number >= 1 else 1


def _swapped(at: Plane) -> Plane:
    return lambda first, second: at(second, first)
