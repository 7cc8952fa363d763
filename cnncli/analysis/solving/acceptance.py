"""Which input sizes a network accepts, and at which of them nothing is dropped.

Both follow from the network's formulas for symbolic sizes: every size is a sum of floors of affine polynomials, whose
remainders are periodic, so that what holds for one period holds for all. The sizes below the first at which all
formulas apply are tried one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import lcm
from typing import Any, NamedTuple

from cnncli.analysis.solving.size_set import SizeSet
from cnncli.arithmetic.shape import Size, format_input_shape, is_symbolic
from cnncli.arithmetic.symbolic import (
    SymbolicSize,
    demands,
    is_monotone,
    letters_of,
    period,
    slope,
    smallest,
    symbolic_shape,
    value_of,
    zeros,
)
from cnncli.arithmetic.window import Window
from cnncli.errors import NO, CnnError
from cnncli.inference import Inferred, LayerInfo
from cnncli.layers.merge import Concat
from cnncli.loading import Loaded, load_source

TRIED_LIMIT = 256  # sizes at which the network is inferred one by one
PERIOD_LIMIT = 1 << 16  # the longest period whose sizes are examined
VALUES_LIMIT = 1 << 20  # values of formulas over a period; about a second


class Acceptance(NamedTuple):
    """Of one letter: the sizes that are accepted, those at which no layer drops anything, and those at which layers
    drop nothing but padding."""

    accepted: SizeSet
    exact: SizeSet
    padding_alone: SizeSet


@dataclass(frozen=True, eq=False)
class SymbolicNetwork:
    """A network with symbolic sizes, the polynomials that must be 0, and the network as it was loaded."""

    inferred: Inferred
    demanded: tuple[SymbolicSize, ...]
    loaded: Loaded

    @property
    def letters(self) -> tuple[str, ...]:
        """The letters of its inputs."""
        return self.inferred.letters


def symbolic_network(loaded: Loaded) -> SymbolicNetwork:
    """The network with symbolic spatial sizes. Raises CnnError if its input has no spatial axis."""
    inputs = {
        entry.name: symbolic_shape(entry.shape)
        for entry in loaded.graph.inputs
        if len(entry.shape) > 1 and not any(map(is_symbolic, entry.shape))
    }
    if not inputs and not loaded.inferred.has_symbolic_sizes:
        raise CnnError("the network's input is a vector: it has one size only", exit_code=NO)
    given = {**loaded.inputs, **inputs}
    if inputs:
        given.pop("", None)
    with demands() as demanded:
        opened = load_source(loaded.source, loaded.slug, overrides=loaded.overrides, inputs=given, symbolic_sizes=True)
    return SymbolicNetwork(opened.inferred, tuple(demanded), loaded)


def acceptance(found: SymbolicNetwork, letter: str) -> Acceptance:
    """The values that one letter may have if those of the others are accepted.

    Raises CnnError if there is no such size below 2^31, or the period is too long.
    """
    answer = _by_formula(found, letter)
    tried = _tried(found, letter)
    if tried is None:
        return answer
    border, *sets = tried
    return Acceptance(*(sizes.corrected(one, border) for sizes, one in zip(answer, sets, strict=True)))


@lru_cache(maxsize=16)  # asked for by each letter of the input, and again for a wanted output size
def _by_formula(found: SymbolicNetwork, letter: str) -> Acceptance:
    """The sizes that the formulas accept."""
    conditions = _conditions(found, letter)
    first = smallest([form for form in conditions.assumed if is_monotone(form)], letter)
    if first is None:
        raise CnnError(f"no {letter} below 2^31 works", exit_code=NO)
    fixed = next((form for form in conditions.demanded if slope(form, letter)), None)
    if fixed is not None:  # two paths have equal sizes at a few values only
        few = [size for size in zeros(fixed, letter)[:PERIOD_LIMIT] if conditions.accept(size)]
        return Acceptance(
            SizeSet.of(few),
            SizeSet.of(filter(conditions.drop_nothing, few)),
            SizeSet.of(filter(conditions.drop_padding_alone, few)),
        )
    least, below = conditions.least, range(first, conditions.least)
    if len(below) > PERIOD_LIMIT:
        raise CnnError(f"too many sizes below {least:,} to try (limit {PERIOD_LIMIT:,})")
    repeating = [*conditions.demanded, *(form for pair in conditions.dropped for form in pair)]
    return Acceptance(
        _where(least, below, conditions.demanded, conditions.accept),
        _where(least, below, repeating, conditions.drop_nothing),
        _where(least, below, repeating, conditions.drop_padding_alone),
    )


class _Conditions(NamedTuple):
    """The conditions on one letter: ``assumed`` >= 0, which holds from ``least`` on, and ``demanded`` = 0.

    ``dropped`` has the number of rows that each window drops, and its padding at that end.
    """

    letter: str
    least: int
    assumed: list[SymbolicSize]
    demanded: list[SymbolicSize]
    dropped: list[tuple[Size, Size]]

    def accept(self, size: int) -> bool:
        at = {self.letter: size}
        holds = size >= self.least or all(form.at(at) >= 0 for form in self.assumed)
        return holds and all(form.at(at) == 0 for form in self.demanded)

    def drop_nothing(self, size: int) -> bool:
        at = {self.letter: size}
        return self.accept(size) and all(value_of(rows, at) == 0 for rows, _ in self.dropped)

    def drop_padding_alone(self, size: int) -> bool:
        at = {self.letter: size}
        return self.accept(size) and all(value_of(rows, at) <= value_of(after, at) for rows, after in self.dropped)


def _conditions(found: SymbolicNetwork, letter: str) -> _Conditions:
    all_assumed: tuple[Any, ...] = found.inferred.assumed
    assumed: list[SymbolicSize] = [form for form in all_assumed if form.letters == (letter,)]
    demanded = [form for form in found.demanded if form.letters == (letter,)]
    least = smallest(assumed, letter)
    if least is None:
        raise CnnError(f"no {letter} below 2^31 works", exit_code=NO)
    return _Conditions(letter, least, assumed, demanded, list(_dropped(found.inferred, letter)))


def _dropped(inferred: Inferred, letter: str) -> Iterable[tuple[Size, Size]]:
    """The number of rows that each window drops on axes that depend on the letter alone, and its padding at that end.

    Axes of constant size are included: what they drop is dropped at every value of the letter.
    """
    known: dict[tuple[Size, Size], None] = {}
    for info in inferred.layers.values():
        for axis, (rest, window) in _windows_with_drops(info):
            size = info.input_shapes[0][1 + axis]
            if letters_of([size]) in ((letter,), ()) and (is_symbolic(rest) or rest):
                known[rest, window.after] = None
    return known


def _windows_with_drops(info: LayerInfo) -> Iterable[tuple[int, tuple[int, Window]]]:
    """By axis, the number of rows that a window sliding over the input drops, and the window."""
    if info.stats.windows and not info.node.layer.transposed:
        return enumerate(zip(info.stats.dropped, info.stats.windows, strict=True))
    return ()


def _where(least: int, below: range, forms: Sequence[Any], holds: Callable[[int], bool]) -> SizeSet:
    """The remainders, over the common period of the forms, for which ``holds``; and the sizes ``below``."""
    every = lcm(1, *(period(form) for form in forms))
    if every > PERIOD_LIMIT:
        raise CnnError(f"the sizes have period {every:,}, too long to list (limit {PERIOD_LIMIT:,})")
    varying = len({form for form in forms if is_symbolic(form)})
    if every * varying > VALUES_LIMIT:
        raise CnnError(
            f"the sizes have period {every:,}, and {varying:,} formulas vary with them: too much to examine "
            f"(limit {VALUES_LIMIT:,} values)"
        )
    base = every * max(1 << 20, least)  # large enough that all formulas apply
    remainders = tuple(rest for rest in range(every) if holds(base + rest))
    repeating = SizeSet(least, every, remainders).with_shortest_period()
    return repeating.with_single(tuple(size for size in below if holds(size)))


Tried = tuple[int, set[int], set[int], set[int]]


def _tried(found: SymbolicNetwork, letter: str) -> Tried | None:
    """A border and the sizes below it that are accepted, drop nothing, and drop padding alone, each inferred.

    If paths have equal sizes only at some values, one of them may be a single row at a small value: an element-wise
    merge then broadcasts it, which no formula expresses. None if that cannot happen.
    """
    border = _broadcast_border(found, letter)
    others = {name: _by_formula(found, name).accepted.examples(1) for name in found.letters if name != letter}
    if border is None or border == 1 or not all(others.values()):
        return None
    accepted: set[int] = set()
    exact: set[int] = set()
    padding: set[int] = set()
    for size in range(1, min(border, TRIED_LIMIT)):
        there = _inferred_at(found, {letter: size, **{name: sizes[0] for name, sizes in others.items()}})
        if there is None:
            continue
        dropped = [
            (rest, window.after)
            for name, info in found.inferred.layers.items()
            for axis, (rest, window) in _windows_with_drops(there.layers[name])
            if letters_of([info.input_shapes[0][1 + axis]]) in ((letter,), ())
        ]
        accepted.add(size)
        exact |= {size} if all(rest == 0 for rest, _ in dropped) else set()
        padding |= {size} if all(rest <= spare for rest, spare in dropped) else set()
    return min(border, TRIED_LIMIT), accepted, exact, padding


def _broadcast_border(found: SymbolicNetwork, letter: str) -> int | None:
    """The size from which on no element-wise merge broadcasts a single row or column; None if there is none."""
    merged = [
        size
        for info in found.inferred.layers.values()
        if info.node.layer.merges and not isinstance(info.node.layer, Concat)
        for shape in info.input_shapes
        for size in shape
        if isinstance(size, SymbolicSize) and size.letters == (letter,)
    ]
    return smallest([size - 2 for size in merged], letter) if found.demanded else 1


def _inferred_at(found: SymbolicNetwork, values: Mapping[str, int]) -> Inferred | None:
    """The network with these values of its letters; None if it does not accept them."""
    given = {
        entry.name: format_input_shape(tuple(value_of(n, values) for n in entry.shape))
        for entry in found.inferred.graph.inputs
    }
    loaded = found.loaded
    try:
        return load_source(loaded.source, loaded.slug, overrides=loaded.overrides, inputs=given).inferred
    except CnnError:
        return None


def joint_conditions(found: SymbolicNetwork) -> list[str]:
    """The conditions on several sizes at once that do not already hold at the smallest accepted value of each size."""
    least = {name: smallest(found.inferred.assumed, name) or 1 for name in found.letters}
    forms: tuple[Any, ...] = found.inferred.assumed
    return [f"{form} >= 0" for form in forms if len(form.letters) > 1 and form.at(least) < 0]
