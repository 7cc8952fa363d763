"""Which depth, width or batch size keeps to budgets and reaches targets, all at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from math import prod
from typing import NamedTuple

from cnncli.errors import CnnError, closest
from cnncli.inference import Inferred
from cnncli.loading import Loaded, load_source, variables

LARGEST = 1 << 20  # values of a variable, and batch sizes, that are tried
EACH = 64  # the values of a variable up to this one are tried one by one
EARLY = 1 << 8  # up to which a variable is doubled while nothing meets the wishes
BESIDE = 8  # the values beyond a border that are looked at
GROWING = 8  # the values up to this one are looked at for whether figures grow with a variable
MOST_OUTER = 128  # values of others for each of which one variable is searched
MOST_LAYERS = 2000  # of networks that are searched (or twice those of the network itself)
MOST_WORK = 80_000  # layers, of all networks that a search over two variables works out
MOST_STEPS = 1024  # values of one of two variables that are searched together
MOST_COMBINATIONS = 10_000  # of ranges
FIGURES = ("params", "macs", "flops", "activations")
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


class Wishes(NamedTuple):
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

    def measured(self, inferred: Inferred, batch: int | None, output: int | None) -> dict[str, int]:
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
        from cnncli.memory import memory

        found = memory(inferred, batch, self.dtype, self.optimizer)
        return found.inference if self.inference else found.training

    def broken(self, figures: Mapping[str, int]) -> dict[str, float]:
        """The figures that do not hold, with how far they are off: the factor less 1."""
        off = {name: figures[name] / most - 1 for name, most in self.budgets.items() if figures.get(name, 0) > most}
        if self.receptive_field is not None and figures["receptive_field"] < self.receptive_field:
            off["receptive_field"] = self.receptive_field / max(1, figures["receptive_field"]) - 1
        if self.output_size is not None and figures["output_size"] != self.output_size:
            off["output_size"] = abs(figures["output_size"] / self.output_size - 1)
        return off


Values = tuple[int, ...]


class Found(NamedTuple):
    """Values of the variables (and of ``batch``), and the figures there."""

    values: Mapping[str, int]
    figures: Mapping[str, int]


class Answer(NamedTuple):
    """What keeps to all wishes, the best first; with one variable, ``following`` is the next value, which does not.

    Without solutions ``nearest`` is the network tried that is least off. ``limited_to`` is the most layers that were
    searched, where deeper networks would keep to all wishes as well.
    """

    wishes: Wishes
    solutions: tuple[Found, ...]
    following: Found | None = None
    nearest: Found | None = None
    limited_to: int | None = None


def solve(loaded: Loaded, ranges: Mapping[str, Sequence[int] | None], wishes: Wishes) -> Answer:
    """The values of variables at which all wishes hold at once.

    Each variable has the values to be tried, or None for all from 1 on: then those up to EACH are tried one by one, and
    beyond by doubling and halving, as figures grow with a variable. Where there are budgets, the largest values are
    found, else the smallest. Of several variables (the batch size is one where it is to be found) these are the
    combinations of which no other one that keeps to all wishes has every value at least as large (small). Two variables
    without given values are followed along the border of what holds, which takes figures that grow with them (looked
    at for small values). Combinations of given values are all tried.

    They are ordered by how much they use of the budget that they use most of, the batch size's memory aside.
    Raises CnnError for an unknown variable, and where no value makes a network.
    """
    for name in ranges:
        checked_variable(loaded, name)
    return _Search(loaded, ranges, wishes).answer()


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


class _Search:
    """Every network is worked out once."""

    def __init__(self, loaded: Loaded, ranges: Mapping[str, Sequence[int] | None], wishes: Wishes) -> None:
        self.loaded, self.ranges, self.wishes = loaded, ranges, wishes
        self.names = [*ranges]
        self.known: dict[Values, Inferred | None] = {}
        self.measures: dict[Values, Mapping[str, int] | None] = {}
        self.refused: CnnError | None = None
        self.most_layers = max(MOST_LAYERS, 2 * len(loaded.inferred.facts))
        self.limited = False
        self.work = 0

    def answer(self) -> Answer:
        found = self._unexceeded(self._combinations())
        if not any(self.measures.values()) and self.refused is not None:
            raise CnnError(f"--vary {' and '.join(self.names)}: no value tried makes a network", _reason(self.refused))
        solutions = sorted(map(self._found, found), key=self._usage)
        layers = self.most_layers if self.limited else None
        if not solutions:
            return Answer(self.wishes, (), nearest=self._nearest(), limited_to=layers)
        alone = len(self.names) + self.wishes.finds_batch == 1
        following = self._following(solutions[0]) if alone else None
        return Answer(self.wishes, tuple(solutions), following, limited_to=layers)

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
            self._count(self.known[values])
        return self.known[values]

    def _count(self, inferred: Inferred | None) -> None:
        """Raises CnnError where a search over two free variables takes too long."""
        self.work += 0 if inferred is None else len(inferred.facts)
        free = [name for name in self.names if self.ranges[name] is None]
        if len(free) > 1 and self.work > MOST_WORK:
            raise CnnError(
                f"--vary: {' and '.join(free)} have too many combinations (more than {MOST_WORK:,} layers to work out)",
                f"{_range_hint(free[0])}, or a tighter budget",
            )

    def measure(self, values: Values) -> Mapping[str, int] | None:
        """The figures, those of a batch of 1 where the batch size is to be found; None where there is no network."""
        if values not in self.measures:
            inferred = self.network(values)
            output = None if inferred is None else self._output(values, inferred)
            if inferred is None or (output is None and self.wishes.output_size is not None):
                self.measures[values] = None
            else:
                self.measures[values] = self.wishes.measured(inferred, self.wishes.batch or 1, output)
        return self.measures[values]

    def _output(self, values: Values, inferred: Inferred) -> int | None:
        """The size of the map that is asked about: of several axes the one that is off most."""
        wanted = self.wishes.output_size
        if wanted is None:
            return None
        from cnncli.solving.acceptance import checked_layer, formulas, last_map

        overrides = {**self.loaded.overrides, **dict(zip(self.names, map(str, values), strict=True))}
        try:
            if self.wishes.layer is not None:
                layer = checked_layer(inferred, self.wishes.layer)
            else:
                layer = last_map(formulas(self.loaded._replace(overrides=overrides, inferred=inferred)).inferred)
            sizes = inferred.shape(layer)[1:]
        except CnnError as error:
            self.refused = self.refused or error
            return None
        return max(sizes, key=lambda size: abs(size - wanted))

    def holds(self, values: Values) -> bool:
        figures = self.measure(values)
        return figures is not None and not self.wishes.broken(figures) and self._is_searched(values)

    def _is_searched(self, values: Values) -> bool:
        """Whether a network that keeps to all is shallow enough: with free variables, layers might go on for ever."""
        inferred = self.network(values)
        if not self.wishes.largest or None not in self.ranges.values() or inferred is None:
            return True
        self.limited = self.limited or len(inferred.facts) > self.most_layers
        return len(inferred.facts) <= self.most_layers

    # Combinations -------------------------------------------------------------------------------------------------

    def _combinations(self) -> set[Values]:
        """Combinations that keep to all wishes, among them all that no other one exceeds."""
        free = [name for name in self.names if self.ranges[name] is None]
        given = {name: values for name, values in self.ranges.items() if values is not None}
        count = prod(map(len, given.values()))
        if count > (MOST_OUTER if free else MOST_COMBINATIONS):
            raise CnnError(
                f"--vary: {count:,} combinations of ranges are too many (the limit is "
                f"{f'{MOST_OUTER} beside a variable without one' if free else f'{MOST_COMBINATIONS:,}'})",
                "use larger steps, as w=8..512:8",
            )
        if len(free) > 2 or (len(free) == 2 and (self.wishes.finds_batch or self.wishes.output_size is not None)):
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

        def holds(value: int) -> bool:
            return self.holds(self._values({**chosen, name: value}))

        def valid(value: int) -> bool:
            return self.network(self._values({**chosen, name: value})) is not None

        best = (_last if self.wishes.largest else _first)(holds, valid)
        if best is None:
            return set()
        if not self.wishes.finds_batch:
            return {self._values({**chosen, name: best})}
        if best > MOST_OUTER:
            raise CnnError(
                f"--vary {name}: it may be up to {best:,}, too many values to find a batch size for each "
                f"(the limit is {MOST_OUTER})",
                f"{_range_hint(name)}, give --batch, or a tighter budget",
            )
        return {found for value in range(1, best + 1) for found in self._of(self._values({**chosen, name: value}))}

    def _of_two(self, chosen: Mapping[str, int], one: str, other: str) -> set[Values]:
        """The combinations of two variables along the border of what holds, from one end to the other."""
        for name, beside in ((one, other), (other, one)):
            self._check_growing({**chosen, beside: 1}, name)
            self._check_growing({**chosen, beside: 2}, name)

        def values(first: int, second: int) -> Values:
            return self._values({**chosen, one: first, other: second})

        if not self.wishes.largest:
            return self._smallest_of_two(values)
        if self._within_alone(lambda n: values(n, 1)) > self._within_alone(lambda n: values(1, n)):
            return self._of_two_from(lambda first, second: values(second, first), other)
        return self._of_two_from(values, one)

    def _within_alone(self, values: Callable[[int], Values]) -> int:
        return _rising_last(lambda n: self._within(values(n)), lambda n: self.network(values(n)) is not None, LARGEST)

    def _within(self, values: Values) -> bool:
        """Whether the budgets hold, whatever the targets say."""
        figures = self.measure(values)
        if figures is None or self.wishes.broken(figures).keys() & self.wishes.budgets.keys():
            return False
        return self._is_searched(values)

    def _of_two_from(self, values: Callable[[int, int], Values], name: str) -> set[Values]:
        """For each first value the largest second one, which falls as the first grows."""
        found: set[Values] = set()
        most, gap = LARGEST, 0
        for first in range(1, MOST_STEPS + 1):
            within = partial(lambda first, n: self._within(values(first, n)), first)
            valid = partial(lambda first, n: self.network(values(first, n)) is not None, first)
            last = _rising_last(within, valid, most)
            if last:
                most, gap = last, 0
                found |= {values(first, last)} if self.holds(values(first, last)) else set()
            else:
                gap += 1
            if gap >= EACH or (gap and _next(valid, 1) is not None):
                return found
        raise CnnError(
            f"--vary {name}: it may be more than {MOST_STEPS:,}, too many values to combine with others (the limit)",
            f"{_range_hint(name)}, or a tighter budget",
        )

    def _smallest_of_two(self, values: Callable[[int, int], Values]) -> set[Values]:
        """For each first value the smallest second one, which falls as the first grows."""
        found: set[Values] = set()
        most = MOST_OUTER
        for first in range(1, EACH + 1):
            if most and not self.holds(values(first, most)):
                continue
            while most > 1 and self.holds(values(first, most // 2)):
                most //= 2
            least = next((n for n in range(most // 2, most + 1) if n and self.holds(values(first, n))), most)
            found.add(values(first, least))
            if least == 1:
                break
            most = least
        return found

    def _check_growing(self, chosen: Mapping[str, int], name: str) -> None:
        """Raises CnnError where a figure falls when a variable grows: no border would be found by following it."""
        before: tuple[int, Mapping[str, int]] | None = None
        for value in range(1, GROWING + 1):
            figures = self.measure(self._values({**chosen, name: value}))
            if figures is None:
                continue
            for figure in figures if before is not None else ():
                assert before is not None
                if figures[figure] < before[1][figure]:
                    what = f"the number of {figure}" if figure in FIGURES else f"the {figure.replace('_', ' ')}"
                    raise CnnError(
                        f"--vary {name}: from {name} = {before[0]} to {value}, {what} goes down from "
                        f"{before[1][figure]:,} to {figures[figure]:,}, so that all combinations have to be tried",
                        f"give its values, as --vary {name}=1..8",
                    )
            before = value, figures

    def _of(self, values: Values) -> set[Values]:
        """The combination with its batch size, where that is to be found; empty where a wish does not hold."""
        if not self.holds(values):
            return set()
        if not self.wishes.finds_batch:
            return {values}
        inferred = self.network(values)
        assert inferred is not None
        return {(*values, largest_batch(inferred, self.wishes))}

    def _unexceeded(self, combinations: set[Values]) -> set[Values]:
        """Those of which no other one has every value at least as large (small)."""
        sign = 1 if self.wishes.largest else -1
        kept: list[Values] = []
        for values in sorted(combinations, reverse=sign > 0):
            if not any(all(sign * a >= sign * b for a, b in zip(other, values, strict=True)) for other in kept):
                kept.append(values)
        return set(kept)

    # Answers ------------------------------------------------------------------------------------------------------

    def _found(self, values: Values) -> Found:
        names = [*self.names, *([BATCH] if self.wishes.finds_batch else [])]
        figures = dict(self.measure(values[: len(self.names)]) or {})
        if self.wishes.finds_batch:
            inferred = self.network(values[:-1])
            assert inferred is not None
            figures["memory"] = self.wishes.memory(inferred, values[-1])
        return Found(dict(zip(names, values, strict=True)), figures)

    def _usage(self, found: Found) -> tuple[float, tuple[int, ...]]:
        """Sorts what uses most of a budget first; then what has the largest (smallest) values."""
        budgets = {
            name: most for name, most in self.wishes.budgets.items() if name != "memory" or not self.wishes.finds_batch
        }
        used = max((found.figures[name] / most for name, most in budgets.items()), default=0.0)
        sign = -1 if self.wishes.largest else 1
        return -used, tuple(sign * value for value in found.values.values())

    def _following(self, found: Found) -> Found | None:
        """The next value of the only variable that makes a network, where that does not keep to the wishes."""
        ((name, value),) = found.values.items()
        if self.wishes.finds_batch:
            inferred = self.network(())
            assert inferred is not None
            memory = self.wishes.memory(inferred, value + 1)
            return Found({name: value + 1}, {**found.figures, "memory": memory}) if value < LARGEST else None
        given = self.ranges[name]
        later = range(value + 1, value + 65) if self.wishes.largest else range(value - 1, max(0, value - 65), -1)
        for other in later if given is None else sorted(set(given) & set(later), reverse=not self.wishes.largest):
            figures = self.measure((other,))
            if figures is not None:
                return Found({name: other}, figures) if self.wishes.broken(figures) else None
        return None

    def _nearest(self) -> Found | None:
        """Of all networks that were tried, the one whose worst figure is least off."""
        tried = {values: figures for values, figures in self.measures.items() if figures is not None}
        if not tried:
            return None
        values = min(tried, key=lambda one: (max(self.wishes.broken(tried[one]).values(), default=0.0), one))
        batch = {BATCH: 1} if self.wishes.finds_batch else {}
        return Found({**dict(zip(self.names, values, strict=True)), **batch}, tried[values])


def _range_hint(name: str) -> str:
    return f"give a range, as --vary {name}=8..512:8"


def _reason(error: CnnError) -> str:
    problem = error.problems[0]
    return f"the first one tried says: {': '.join(part for part in (problem.layer, problem.message) if part)}"


def largest_batch(inferred: Inferred, wishes: Wishes) -> int:
    """The largest batch size within the memory, at which one input fits; LARGEST where more would.

    Memory never falls when the batch grows.
    """
    budget = wishes.budgets["memory"]
    low, high = 1, 2
    while high <= LARGEST and wishes.memory(inferred, high) <= budget:
        low, high = high, 2 * high
    if high > LARGEST:
        return LARGEST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if wishes.memory(inferred, middle) <= budget else (low, middle)
    return low


def _last(holds: Callable[[int], bool], valid: Callable[[int], bool]) -> int | None:
    """The last value for which a condition holds that holds up to some value: exactly so where that is at most EACH.

    Values that make no network (groups that do not divide …) pass the question on to the next one that does. Beyond
    EACH it is looked at in quarters of every doubling, up to twice of where it holds, and halved in between.
    """
    last = max(filter(holds, range(1, EACH + 1)), default=None)
    high: int | None = None  # the first value looked at, beyond the last, that does not hold
    at = EACH
    while at < LARGEST and (at < 2 * last if last is not None else at < EARLY):
        for step in range(1, 5):
            value = _next(valid, at + at * step // 4)
            if value is None or value > LARGEST:
                continue
            if holds(value):
                last, high = value, None
            elif high is None:
                high = value
        at *= 2
    if last is None or last < EACH or high is None:
        return last
    low = last
    while True:
        middle = _next(valid, (low + high) // 2)
        if middle is None or middle in (low, high):
            break
        low, high = (middle, high) if holds(middle) else (low, middle)
    return max((value for value in range(low, min(high, low + BESIDE) + 1) if holds(value)), default=low)


def _rising_last(holds: Callable[[int], bool], valid: Callable[[int], bool], most: int) -> int:
    """The last value up to ``most`` of a condition that holds up to it and for none beyond; 0 where it never does."""
    low = 0
    high = _next(valid, 1) or 1
    while high <= most and holds(high):
        low, high = high, _next(valid, 2 * high) or 2 * high
    high = min(high, most + 1)
    while high - low > 1:
        middle = (low + high) // 2
        value = _next(valid, middle)
        if value is None or value >= high:
            high = middle
        elif holds(value):
            low = value
        else:
            high = middle
    return low


def _next(valid: Callable[[int], bool], value: int) -> int | None:
    return next((n for n in range(value, value + EACH) if valid(n)), None)


def _first(holds: Callable[[int], bool], valid: Callable[[int], bool]) -> int | None:
    """The first value for which a condition holds, as :func:`_last`."""
    found = next(filter(holds, range(1, EACH + 1)), None)
    low = high = EACH
    while found is None and high < LARGEST >> 8:
        low, high = high, _next(valid, 2 * high) or 2 * high
        found = high if holds(high) else None
    if found is None or found <= EACH:
        return found
    while high - low > 1:
        middle = _next(valid, (low + high) // 2)
        if middle is None or middle in (low, high):
            break
        low, high = (low, middle) if holds(middle) else (middle, high)
    return next(value for value in range(max(low, high - EACH), high + 1) if holds(value))
