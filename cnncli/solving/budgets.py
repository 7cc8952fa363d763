"""Which depth or width reaches a receptive field or keeps to a budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cnncli.errors import NO, CnnError, closest
from cnncli.inference import Inferred
from cnncli.loading import Loaded, load_source, variables

LARGEST = 1 << 20  # values of a variable that are tried
FIGURES = ("params", "macs", "flops", "activations")


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


class Varied(NamedTuple):
    """A value of a variable, the figure there, and the figure at the next value that makes a network (None: none)."""

    value: int
    figure: int
    next_value: int | None
    next_figure: int | None


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


def largest_within(loaded: Loaded, name: str, figure: str, budget: int) -> Varied:
    """The largest whole value of a variable at which a figure's total is at most ``budget``. Raises CnnError."""
    checked_variable(loaded, name)
    at = _figure_at(loaded, name, lambda inferred: inferred.totals[figure])
    value = _last(lambda number: (at(number) or 0) <= budget, at)
    if value is None:
        least = next((number for number in range(1, 65) if at(number) is not None), None)
        if least is None:
            raise CnnError(f"--vary {name}: no value from 1 to 64 makes a network", "see cnn summarize --set")
        message = f"{figure} are {at(least):,} at {name} = {least} already, more than {budget:,}"
        raise CnnError(message, "vary something else as well, with --set", exit_code=NO)
    following = next((n for n in range(value + 1, value + 65) if at(n) is not None), None)
    return Varied(value, at(value) or 0, following, None if following is None else at(following))


def smallest_reaching(loaded: Loaded, name: str, wanted: int) -> Varied:
    """The smallest whole value of a variable at which the deepest layer before a global one sees ``wanted``."""
    checked_variable(loaded, name)

    def deepest(inferred: Inferred) -> int:
        return min((min(reached.size) for reached in first_that_sees(inferred, 1 << 40).values()), default=0)

    at = _figure_at(loaded, name, deepest)
    below = _last(lambda number: (at(number) or 0) < wanted, at, limit=1 << 12)
    value = next((n for n in range((below or 0) + 1, (below or 0) + 65) if (at(n) or 0) >= wanted), None)
    if value is None:
        raise CnnError(f"no value of {name} makes a unit see {wanted}", "vary something else", exit_code=NO)
    return Varied(value, at(value) or 0, below, None if below is None else at(below))


def _figure_at(loaded: Loaded, name: str, figure: Callable[[Inferred], int]) -> Callable[[int], int | None]:
    """The figure at a value of the variable, None where that makes no network; each is worked out once."""
    known: dict[int, int | None] = {}

    def at(value: int) -> int | None:
        if value not in known:
            overrides = {**loaded.overrides, name: str(value)}
            try:
                inferred = load_source(loaded.source, loaded.slug, overrides=overrides, inputs=loaded.inputs).inferred
                known[value] = figure(inferred)
            except CnnError:
                known[value] = None
        return known[value]

    return at


def _last(holds: Callable[[int], bool], at: Callable[[int], int | None], limit: int = LARGEST) -> int | None:
    """The last value for which a falling condition holds: doubled until it does not, then halved in between.

    A value that makes no network (groups that do not divide …) passes the question on to the next one that does.
    """

    def valid(value: int) -> int | None:
        return next((n for n in range(value, value + 64) if at(n) is not None), None)

    low, high = None, valid(1)
    while high is not None and holds(high):
        low, high = high, valid(2 * high) if 2 * high <= limit else None
    if low is None or high is None:
        return low
    while True:
        middle = valid((low + high) // 2)
        if middle is None or middle in (low, high):
            break
        low, high = (middle, high) if holds(middle) else (low, middle)
    between = [n for n in range(low, high) if n <= low + 64 and at(n) is not None and holds(n)]
    return max(between, default=low)
