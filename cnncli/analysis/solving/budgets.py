"""Which depth, width or batch size keeps to budgets and reaches targets, all at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain, pairwise, product
from math import prod
from typing import NamedTuple, cast

from cnncli.analysis.solving import FIGURES
from cnncli.arithmetic.numerals import read_number
from cnncli.errors import CnnError, closest
from cnncli.inference import Inferred
from cnncli.language.source import Mapping as SourceMapping
from cnncli.language.source import Scalar, parse
from cnncli.loading import Loaded, load_source, variables

LARGEST = 1 << 20  # values of a variable, and batch sizes, that are searched
SCANNED = 64  # values of a variable that are tried one by one, to see which make a network and whether figures grow
GROWING = 8  # values of a variable that are tried in any case
MOST_SCANNED = 1024  # values that are tried one by one where those that make a network are not evenly spaced
WALKED = 1024  # values below the largest within the budgets that are tried for an output size
MOST_BESIDE = 128  # values of others for each of which one variable, or the batch size, is searched
MOST_LAYERS = 3000  # of networks that are searched (or twice those of the network itself)
MOST_WORK = 120_000  # about the layers, of all networks, that one command works out: a few seconds
MOST_COMBINATIONS = 10_000  # of ranges
BATCH = "batch"


class Reached(NamedTuple):
    """The first layer at which a unit sees enough of an input, and how much it sees; or the layer that sees most."""

    layer: str
    size: tuple[int, ...]
    enough: bool


def first_that_sees(inferred: Inferred, wanted: int) -> dict[str, Reached]:
    """For each input, the first layer whose field is at least ``wanted`` on every axis, before any sees everything."""
    found: dict[str, Reached] = {}
    for name, facts in inferred.facts.items():
        for source, field in facts.receptive_field.items():
            size = tuple(axis.size for axis in field.axes)
            best = found.get(source)
            if (best is not None and best.enough) or not all(axis.advance for axis in field.axes):
                continue  # what sees all of the image by its nature is no depth
            if best is None or min(size, default=0) > min(best.size):
                found[source] = Reached(name, size, bool(size) and min(size) >= wanted)
    return found


class Constraints(NamedTuple):
    """What has to hold of a network: budgets (at most), a receptive field (at least), an output size (exactly).

    ``budgets`` are of FIGURES and of ``memory`` in bytes: that of ``batch`` inputs, or where that is None, what the
    batch size is found by. ``layer`` is the one of ``output_size``, None for the last map.
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
        """Whether large values are wanted: within budgets. Targets alone ask for the smallest that reach them."""
        return bool(self.budgets)

    @property
    def finds_batch(self) -> bool:
        """Whether the batch size is one of the values to be found."""
        return "memory" in self.budgets and self.batch is None

    def metrics(self, inferred: Inferred, batch: int | None, output: int | None) -> dict[str, int]:
        """The figures that are wished about."""
        totals = inferred.totals
        figures = {name: totals[name] for name in self.budgets if name in FIGURES}
        if "memory" in self.budgets and batch is not None:
            figures["memory"] = self.memory(inferred, batch)
        if self.receptive_field is not None:
            seen = first_that_sees(inferred, 1 << 40).values()
            figures["receptive_field"] = min((min(reached.size) for reached in seen), default=0)
        if output is not None:
            figures["output_size"] = output
        return figures

    def memory(self, inferred: Inferred, batch: int) -> int:
        """Bytes for a batch."""
        from cnncli.analysis.memory import memory

        found = memory(inferred, batch, self.dtype, self.optimizer)
        return found.inference if self.inference else found.training

    def violations(self, figures: Mapping[str, int]) -> dict[str, float]:
        """The figures that do not hold, with how far they are off: the factor less 1."""
        off = {name: figures[name] / most - 1 for name, most in self.budgets.items() if figures.get(name, 0) > most}
        if self.receptive_field is not None and figures["receptive_field"] < self.receptive_field:
            off["receptive_field"] = self.receptive_field / max(1, figures["receptive_field"]) - 1
        if self.output_size is not None and figures["output_size"] != self.output_size:
            off["output_size"] = abs(figures["output_size"] / self.output_size - 1)
        return off


Values = tuple[int, ...]


class Solution(NamedTuple):
    """Values of the variables (and of ``batch``), and the figures there."""

    values: Mapping[str, int]
    figures: Mapping[str, int]


class Answer(NamedTuple):
    """What meets all constraints, the best first; with one variable, ``following`` is the next value, which does not.

    Without solutions ``nearest`` is the network tried that is least off. ``stopped_at`` has, for each variable (and the
    batch size) whose larger values might do as well, the largest value that was searched, ``limited_to`` the most
    layers, and ``skipped`` the variable of which not every value was tried although nothing was found.
    """

    constraints: Constraints
    solutions: tuple[Solution, ...]
    following: Solution | None = None
    nearest: Solution | None = None
    stopped_at: Mapping[str, int] = {}
    limited_to: int | None = None
    skipped: str | None = None


def solve(loaded: Loaded, ranges: Mapping[str, Sequence[int] | None], constraints: Constraints) -> Answer:
    """The values of variables at which all constraints hold at once.

    Each variable has the values to be tried, or None for all from 1 on. Where there are budgets, the largest values are
    found, else the smallest. Of several variables (the batch size is one where it is to be found) these are the Pareto
    front: the combinations of which no other one that meets all constraints has every value at least as large (small).
    They are ordered by how much they use of the budget that they use most of, the batch size's memory aside.

    Combinations of given values are all tried. Without given values, figures and the receptive field are taken to grow
    with a variable, so that the border of what holds is found by doubling and bisection over the values that make a
    network (every third where there are three groups). Where a figure is seen to fall, that is an error.

    Raises CnnError for an unknown variable, where no value makes a network, and where the search would take too long.
    """
    for name in ranges:
        checked_variable(loaded, name)
    return _Search(loaded, ranges, constraints).answer()


def checked_variable(loaded: Loaded, name: str) -> None:
    """Raises CnnError where the network has no such variable."""
    known = variables(loaded.source)
    if name not in known:
        near = closest(name, known) if known else None
        if not known:
            hint = "write variables: {width: 64} in the file, and $width where the number stands"
        else:
            hint = f"did you mean {near}?" if near else f"its variables are {', '.join(known)}"
        raise CnnError(f"--vary {name}: the network has no such variable", hint)


class Axis(NamedTuple):
    """The values of a variable that make a network, in order: ``values`` of 1 to ``scanned``, then every ``step``-th.

    ``step`` is 0 where the values are not evenly spaced: then those beyond ``scanned`` are not known.
    """

    values: Sequence[int]
    scanned: int
    step: int

    @property
    def last(self) -> int:
        """The index of the last value."""
        beyond = (LARGEST - self.values[-1]) // self.step if self.step else 0
        return len(self.values) - 1 + max(0, beyond)

    @property
    def end(self) -> int:
        """The largest value that is searched, whether or not it makes a network."""
        return LARGEST if self.step else self.scanned

    def at(self, index: int) -> int:
        """The value at an index."""
        beyond = index - len(self.values) + 1
        return self.values[index] if beyond <= 0 else self.values[-1] + beyond * self.step


Line = Callable[[int], Values]  # the values of all variables for one of them
Plane = Callable[[int, int], Values]  # … for the indices of two of them


class _Search:
    """Every network is worked out once."""

    def __init__(self, loaded: Loaded, ranges: Mapping[str, Sequence[int] | None], constraints: Constraints) -> None:
        self.loaded, self.ranges, self.constraints = loaded, ranges, constraints
        self.names = [*ranges]
        self.free = [name for name, values in ranges.items() if values is None]
        self.known: dict[Values, Inferred | None] = {}
        self.figures: dict[Values, Mapping[str, int] | None] = {}
        self.last_maps: dict[tuple[str, ...], str] = {}  # by the names of all layers
        self.refused: CnnError | None = None
        self.most_layers = max(MOST_LAYERS, 2 * len(loaded.inferred.facts))
        self.limited = False
        self.stopped_at: dict[str, int] = {}
        self.skipped: str | None = None
        self.work = 0

    def answer(self) -> Answer:
        found = pareto_front(self._combinations(), largest=self.constraints.largest)
        if not any(self.figures.values()) and self.refused is not None:
            raise CnnError(f"--vary {' and '.join(self.names)}: no value tried makes a network", _reason(self.refused))
        solutions = tuple(sorted(map(self._solution, found), key=self._usage))
        alone = len(self.names) + self.constraints.finds_batch == 1
        return Answer(
            self.constraints,
            solutions,
            self._following(solutions[0]) if solutions and alone else None,
            None if solutions else self._nearest(),
            self.stopped_at,
            self.most_layers if self.limited else None,
            None if solutions else self.skipped,
        )

    # Networks -----------------------------------------------------------------------------------------------------

    def network(self, values: Values) -> Inferred | None:
        """The network with these values of the variables, None where they make none."""
        if values not in self.known:
            overrides = {**self.loaded.overrides, **dict(zip(self.names, map(str, values), strict=True))}
            loaded = self.loaded
            try:
                self.known[values] = load_source(
                    loaded.source, loaded.slug, overrides=overrides, inputs=loaded.inputs
                ).inferred
            except CnnError as error:
                self.refused = self.refused or error
                self.known[values] = None
            self._count(self.known[values] or loaded.inferred)
        return self.known[values]

    def _count(self, inferred: Inferred) -> None:
        """Raises CnnError where a search takes too long: working out a network reads its text again as well."""
        self.work += len(inferred.facts) + len(self.loaded.source.text) // 10 + 10
        if self.work > MOST_WORK:
            raise CnnError(
                f"--vary {' and '.join(self.names)}: the search takes too long, after {len(self.known):,} networks "
                f"(the limit is the work of about {MOST_WORK:,} layers)",
                f"{_range_hint(self.free[0])}, or a tighter budget" if self.free else "use larger steps, as w=8..512:8",
            )

    def metrics(self, values: Values) -> Mapping[str, int] | None:
        """The figures, those of a batch of 1 where the batch size is to be found; None where there is no network."""
        if values not in self.figures:
            inferred = self.network(values)
            output = None if inferred is None else self._output(values, inferred)
            if inferred is None or (output is None and self.constraints.output_size is not None):
                self.figures[values] = None
            else:
                self.figures[values] = self.constraints.metrics(inferred, self.constraints.batch or 1, output)
        return self.figures[values]

    def _output(self, values: Values, inferred: Inferred) -> int | None:
        """The size of the map that is asked about: of several axes the one that is off most."""
        wanted = self.constraints.output_size
        if wanted is None:
            return None
        from cnncli.analysis.solving.acceptance import checked_layer, formulas, last_map

        overrides = {**self.loaded.overrides, **dict(zip(self.names, map(str, values), strict=True))}
        structure = tuple(inferred.facts)
        try:
            if self.constraints.layer is not None:
                layer = checked_layer(inferred, self.constraints.layer)
            elif structure in self.last_maps:
                layer = self.last_maps[structure]
            else:
                self._count(inferred)
                layer = last_map(formulas(self.loaded._replace(overrides=overrides, inferred=inferred)).inferred)
                self.last_maps[structure] = layer
            sizes = inferred.shape(layer)[1:]
        except CnnError as error:
            self.refused = self.refused or error
            return None
        return max(sizes, key=lambda size: abs(size - wanted))

    def holds(self, values: Values) -> bool:
        figures = self.metrics(values)
        return figures is not None and not self.constraints.violations(figures) and self._is_searched(values)

    def within(self, values: Values) -> bool:
        """Whether the budgets hold, whatever the targets say."""
        figures = self.metrics(values)
        if figures is None or self.constraints.violations(figures).keys() & self.constraints.budgets.keys():
            return False
        return self._is_searched(values)

    def _is_searched(self, values: Values) -> bool:
        """Whether a network is shallow enough: with free variables, layers might go on for ever."""
        inferred = self.network(values)
        if not self.free or inferred is None or len(inferred.facts) <= self.most_layers:
            return True
        self.limited = True
        return False

    # Combinations -------------------------------------------------------------------------------------------------

    def _combinations(self) -> set[Values]:
        """Combinations that keep to all constraints, among them all that no other one exceeds."""
        free = self.free
        given = {name: values for name, values in self.ranges.items() if values is not None}
        count = prod(map(len, given.values()))
        if count > (MOST_BESIDE if free else MOST_COMBINATIONS):
            raise CnnError(
                f"--vary: {count:,} combinations of ranges are too many (the limit is "
                f"{f'{MOST_BESIDE} beside a variable without one' if free else f'{MOST_COMBINATIONS:,}'})",
                "use larger steps, as w=8..512:8",
            )
        if len(free) > 2 or (len(free) == 2 and (self.constraints.finds_batch or self.constraints.output_size)):
            also = ", the batch size and an output size" if len(free) == 2 else ""
            raise CnnError(f"--vary: {' and '.join(free)} have too many combinations{also}", _range_hint(free[0]))
        search = (self._of_none, self._of_one, self._of_two)[len(free)]
        found: set[Values] = set()
        for values in product(*given.values()):
            found |= search(dict(zip(given, values, strict=True)), *free)
        return found

    def _values(self, chosen: Mapping[str, int]) -> Values:
        return tuple(chosen[name] for name in self.names)

    def _of_none(self, chosen: Mapping[str, int]) -> set[Values]:
        return self._of(self._values(chosen))

    def _of_one(self, chosen: Mapping[str, int], name: str) -> set[Values]:
        """The best value of a variable; with the batch size to be found, all values that may go with one."""

        def line(value: int) -> Values:
            return self._values({**chosen, name: value})

        axis = self._axis(line, (lambda one: not self.within(one)) if self.constraints.largest else self.holds)
        if not axis.values:
            return set()
        self._check_growing(name)
        found = self._largest(axis, line, name) if self.constraints.largest else self._smallest(axis, line, name)
        self._check_growing(name)
        return found

    def _axis(self, line: Line, decided: Callable[[Values], bool]) -> Axis:
        """The values that make a network, from trying them one by one; no further than to one that is ``decided``."""
        values: list[int] = []
        scanned = 0
        while scanned < MOST_SCANNED and not (values and self.work > MOST_WORK // 4):
            if scanned >= SCANNED and len(values) > 2 and _step(values, scanned):
                break
            scanned += 1
            if self.network(line(scanned)) is not None:
                values.append(scanned)
                if decided(line(scanned)) and scanned >= GROWING:
                    break
        return Axis(values, scanned, _step(values, scanned))

    def _largest(self, axis: Axis, line: Line, name: str) -> set[Values]:
        """Along one variable, the last within the budgets, or the last before it that meets the targets as well."""

        def at(index: int) -> Values:
            return line(axis.at(index))

        border = _last(lambda index: self.within(at(index)), axis.last)
        self._note_end(axis, line, border, name)
        if border < 0:
            return set()
        if self.constraints.finds_batch:
            if border >= MOST_BESIDE:
                raise CnnError(
                    f"--vary {name}: it may be up to {axis.at(border):,}, too many values to find a batch size for "
                    f"each (the limit is {MOST_BESIDE})",
                    f"{_range_hint(name)}, give --batch, or a tighter budget",
                )
            return {found for index in range(border + 1) for found in self._of(at(index))}
        if self.holds(at(border)):
            return {at(border)}
        if border >= len(axis.values):
            self.skipped = name
        if not self._sees_enough(at(border)):
            return set()  # and none before it does: the receptive field grows with the variable
        # an output size may go up and down: near the border, near where it crosses the one wanted, then of the first
        side = self._side(at(border))
        crossing = _last(lambda index: self._side(at(index)) != side, border)
        near = (range(start, max(-1, start - WALKED), -1) for start in (border, crossing))
        for index in (*chain(*near), *range(min(border, len(axis.values) - 1), -1, -1)):
            if self.work < MOST_WORK // 2 and self.holds(at(index)):
                return {at(index)}
        return set()

    def _smallest(self, axis: Axis, line: Line, name: str) -> set[Values]:
        """Along one variable, the first that meets the targets."""

        def at(index: int) -> Values:
            return line(axis.at(index))

        tried = next((index for index in range(len(axis.values)) if self.holds(at(index))), None)
        if tried is not None:
            return {at(tried)}
        side = self._side(at(0))
        reached = _last(lambda index: not self._reaches(at(index), side) and self._is_searched(at(index)), axis.last)
        self._note_end(axis, line, reached, name)
        for index in range(reached + 1, min(axis.last, reached + SCANNED) + 1):
            if self.holds(at(index)):
                self.stopped_at.pop(name, None)
                return {at(index)}
        self.skipped = name
        return set()

    def _note_end(self, axis: Axis, line: Line, border: int, name: str) -> None:
        """Notes how far was searched, where what ends the search is no constraint. Raises CnnError for odd values."""
        if border == axis.last:
            self.stopped_at[name] = axis.end
        elif self.network(line(axis.at(border + 1))) is None:
            beyond = [axis.at(index) for index in range(border + 1, min(axis.last, border + SCANNED) + 1)]
            odd = next((value for value in beyond if self.network(line(value)) is not None), None)
            if odd is not None:
                raise CnnError(
                    f"--vary {name}: {beyond[0]:,} makes no network, and {odd:,} does: "
                    "the values are too uneven to be searched",
                    _range_hint(name),
                )
            self.stopped_at[name] = beyond[-1]

    def _side(self, values: Values) -> int:
        """Whether the output is smaller (-1) or larger (1) than wanted; 0 where it is not, or nothing is wanted."""
        figures, wanted = self.metrics(values), self.constraints.output_size
        if figures is None or wanted is None:
            return 0
        return (figures["output_size"] > wanted) - (figures["output_size"] < wanted)

    def _sees_enough(self, values: Values) -> bool:
        figures = self.metrics(values)
        return figures is not None and figures.get("receptive_field", 0) >= (self.constraints.receptive_field or 0)

    def _reaches(self, values: Values, side: int) -> bool:
        """Whether it sees enough, and its output is no longer on that side of the wanted size."""
        reached = self.constraints.output_size is None or self._side(values) != side
        return self.metrics(values) is None or (reached and self._sees_enough(values))

    def _of_two(self, chosen: Mapping[str, int], one: str, other: str) -> set[Values]:
        """Along the border of what holds: for each value of one the best of the other, which falls as the one grows."""

        def axis(name: str, beside: str) -> Axis:
            usual = {**chosen, beside: self._usual(beside)}
            found = self._axis(lambda value: self._values({**usual, name: value}), lambda at: self.metrics(at) is None)
            if not found.step:
                raise CnnError(
                    f"--vary {name}: the values that make a network are too uneven to be searched beside {beside}",
                    _range_hint(name),
                )
            return found

        def at(first: int, second: int) -> Values:
            return self._values({**chosen, one: axes[0].at(first), other: axes[1].at(second)})

        axes = axis(one, other), axis(other, one)
        lasts = axes[0].last, axes[1].last
        self._check_growing(one, other)
        if not self.constraints.largest:
            found = self._smallest_of_two(at, lasts)
            self.skipped = None if found else f"{one} and {other}"
        else:
            ends = _last(lambda n: self.within(at(n, 0)), lasts[0]), _last(lambda n: self.within(at(0, n)), lasts[1])
            least = {**chosen, one: axes[0].at(0), other: axes[1].at(0)}
            self._note_end(axes[0], lambda value: self._values({**least, one: value}), ends[0], one)
            self._note_end(axes[1], lambda value: self._values({**least, other: value}), ends[1], other)
            found = self._largest_of_two(*((at, ends) if ends[0] <= ends[1] else (_swapped(at), ends[::-1])))
        self._check_growing(one, other)
        return found

    def _largest_of_two(self, at: Plane, ends: tuple[int, int]) -> set[Values]:
        """For each first index the last second one within the budgets; ``ends`` are those with the other at 0."""
        found: set[Values] = set()
        second = ends[1]
        for first in range(ends[0] + 1):
            second -= 1 + _last(partial(lambda i, j, less: not self.within(at(i, j - less)), first, second), second)
            found |= {at(first, second)} if self.holds(at(first, second)) else set()
        return found

    def _smallest_of_two(self, at: Plane, lasts: tuple[int, int]) -> set[Values]:
        """For each first index the first second one whose receptive field is large enough."""

        def short(values: Values) -> bool:
            return not self._sees_enough(values) and self._is_searched(values)

        ends = 1 + _last(lambda n: short(at(n, 0)), lasts[0]), 1 + _last(lambda n: short(at(0, n)), lasts[1])
        if not self._sees_enough(at(0, ends[1])):
            at, ends = _swapped(at), ends[::-1]
        if not self._sees_enough(at(0, ends[1])):
            return set()
        # the first variable may not suffice alone, however large: then the second one never falls to its least value
        far = ends[0] if self._sees_enough(at(ends[0], 0)) else ends[0] - 1
        least = 1 + _last(lambda n: not self._sees_enough(at(far, n)), ends[1])
        found: set[Values] = set()
        first, second = 0, ends[1]
        while True:
            enough = partial(lambda i, j, less: self._sees_enough(at(i, j - 1 - less)), first, second)
            second -= 1 + _last(enough, second - 1)
            found.add(at(first, second))
            if second <= least:
                return found
            first += 1

    def _usual(self, name: str) -> int:
        """The value of a variable in the file, at which there is a network; 1 where that is no number from 1 on."""
        section = cast(SourceMapping, cast(SourceMapping, parse(self.loaded.source)).entries["variables"])
        value = section.entries[name]
        number = read_number(value.text) if isinstance(value, Scalar) else None
        return number if isinstance(number, int) and number >= 1 else 1

    def _check_growing(self, *names: str) -> None:
        """Raises CnnError where a figure falls when a variable grows: no border would be found by following it."""
        for name in names:
            at = self.names.index(name)
            before: tuple[Values, Mapping[str, int]] | None = None
            for values in sorted(self.figures, key=lambda values: (values[:at], values[at + 1 :], values[at])):
                figures = self.figures[values]
                if figures is None:
                    continue
                if before is not None and (before[0][:at], before[0][at + 1 :]) == (values[:at], values[at + 1 :]):
                    self._check_pair(name, (before[0][at], before[1]), (values[at], figures))
                before = values, figures

    def _check_pair(
        self, name: str, before: tuple[int, Mapping[str, int]], after: tuple[int, Mapping[str, int]]
    ) -> None:
        for figure in before[1].keys() - {"output_size"}:
            if after[1][figure] < before[1][figure]:
                what = f"the number of {figure}" if figure in FIGURES else f"the {figure.replace('_', ' ')}"
                raise CnnError(
                    f"--vary {name}: from {name} = {before[0]:,} to {after[0]:,}, {what} goes down from "
                    f"{before[1][figure]:,} to {after[1][figure]:,}, so that all values have to be tried",
                    f"give its values, as --vary {name}=1..8",
                )

    def _of(self, values: Values) -> set[Values]:
        """The combination with its batch size, where that is to be found; empty where a wish does not hold."""
        if not self.holds(values):
            return set()
        if not self.constraints.finds_batch:
            return {values}
        inferred = self.network(values)
        assert inferred is not None
        batch = largest_batch(inferred, self.constraints)
        if batch == LARGEST:
            self.stopped_at[BATCH] = LARGEST
        return {(*values, batch)}

    # Answers ------------------------------------------------------------------------------------------------------

    def _solution(self, values: Values) -> Solution:
        names = [*self.names, *([BATCH] if self.constraints.finds_batch else [])]
        figures = dict(self.metrics(values[: len(self.names)]) or {})
        if self.constraints.finds_batch:
            inferred = self.network(values[:-1])
            assert inferred is not None
            figures["memory"] = self.constraints.memory(inferred, values[-1])
        return Solution(dict(zip(names, values, strict=True)), figures)

    def _usage(self, found: Solution) -> tuple[float, tuple[int, ...]]:
        """Sorts what uses most of a budget first; then what has the largest (smallest) values."""
        budgets = {
            name: most
            for name, most in self.constraints.budgets.items()
            if name != "memory" or not self.constraints.finds_batch
        }
        used = max((found.figures[name] / most for name, most in budgets.items()), default=0.0)
        sign = -1 if self.constraints.largest else 1
        return -used, tuple(sign * value for value in found.values.values())

    def _following(self, found: Solution) -> Solution | None:
        """The next value of the only variable that makes a network, where that does not meet the constraints."""
        ((name, value),) = found.values.items()
        if self.constraints.finds_batch:
            inferred = self.network(())
            assert inferred is not None
            memory = self.constraints.memory(inferred, value + 1)
            return Solution({name: value + 1}, {**found.figures, "memory": memory}) if value < LARGEST else None
        sign = 1 if self.constraints.largest else -1
        later = [other for (other,), figures in self.figures.items() if figures and sign * other > sign * value]
        other = min(later, key=lambda other: sign * other, default=value)
        figures = self.figures[other,]
        assert figures is not None
        return Solution({name: other}, figures) if self.constraints.violations(figures) else None

    def _nearest(self) -> Solution | None:
        """Of all networks that were tried, the one whose worst figure is least off."""
        tried = {values: figures for values, figures in self.figures.items() if figures is not None}
        if not tried:
            return None
        values = min(tried, key=lambda one: (max(self.constraints.violations(tried[one]).values(), default=0.0), one))
        batch = {BATCH: 1} if self.constraints.finds_batch else {}
        return Solution({**dict(zip(self.names, values, strict=True)), **batch}, tried[values])


def _range_hint(name: str) -> str:
    return f"give a range, as --vary {name}=8..512:8"


def _reason(error: CnnError) -> str:
    problem = error.problems[0]
    return f"the first one tried says: {': '.join(part for part in (problem.layer, problem.message) if part)}"


def largest_batch(inferred: Inferred, constraints: Constraints) -> int:
    """The largest batch size within the memory, at which one input fits; LARGEST where more would.

    Memory never falls when the batch grows.
    """
    budget = constraints.budgets["memory"]
    low, high = 1, 2
    while high <= LARGEST and constraints.memory(inferred, high) <= budget:
        low, high = high, 2 * high
    if high > LARGEST:
        return LARGEST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if constraints.memory(inferred, middle) <= budget else (low, middle)
    return low


def pareto_front(combinations: set[Values], *, largest: bool) -> set[Values]:
    """Those of which no other one has every value at least as large (small)."""
    sign = 1 if largest else -1
    kept: list[Values] = []
    for values in sorted(combinations, reverse=largest):
        if not any(all(sign * a >= sign * b for a, b in zip(other, values, strict=True)) for other in kept):
            kept.append(values)
    return set(kept)


def _step(values: Sequence[int], scanned: int) -> int:
    """The step between values of 1 to ``scanned``; 0 where they are not evenly spaced, or end before that."""
    steps = {after - before for before, after in pairwise(values)}
    step = steps.pop() if len(steps) == 1 else 0
    return step if step and values[-1] + step > scanned else 0


def _last(holds: Callable[[int], bool], most: int) -> int:
    """The last index from 0 to ``most`` of a condition that holds up to it and for none beyond; -1 where none does."""
    low, high = -1, 0
    while high <= most and holds(high):
        low, high = high, max(1, 2 * high)
    high = min(high, most + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _swapped(at: Plane) -> Plane:
    return lambda first, second: at(second, first)
