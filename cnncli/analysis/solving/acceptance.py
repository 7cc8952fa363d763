"""Which input sizes a network accepts, at which nothing is dropped, and which give a wanted output.

Everything follows from the network's formulas for open sizes: every size is a sum of floors of affine forms, so it goes
through its remainders with a period, and what holds for one period holds for all. Below the size from which that is so,
sizes are tried one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import lcm
from typing import Any, NamedTuple

from cnncli.arithmetic.shape import Size, format_input_shape, is_open
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

EXAMPLES = 5
MOST_LISTED = 8
MOST_TRIED = 256  # sizes worked out one by one
LONGEST = 1 << 16  # a period beyond this is not gone through
MOST_VALUES = 1 << 20  # of formulas over a period; about a second


class Sizes(NamedTuple):
    """Sizes from ``least`` on that leave one of ``remainders`` when divided by ``every``; and ``single`` ones below."""

    least: int
    every: int
    remainders: tuple[int, ...]
    single: tuple[int, ...] = ()

    def examples(self, count: int = EXAMPLES) -> list[int]:
        """The smallest of them."""
        found = [*self.single[:count]]
        start = self.least - self.least % self.every
        while self.remainders and len(found) < count:
            found += [start + rest for rest in self.remainders if start + rest >= self.least]
            start += self.every
        return found[:count]

    def __contains__(self, size: object) -> bool:
        if not isinstance(size, int) or size < self.least:
            return size in self.single
        return size % self.every in self.remainders


class Acceptance(NamedTuple):
    """Of one open size: what is accepted, at which sizes no layer drops anything, and at which padding alone."""

    accepted: Sizes
    exact: Sizes
    padding_alone: Sizes


@dataclass(frozen=True, eq=False)
class Formulas:
    """A network with open sizes, the forms that must be 0, each one's letter, and the network as it was loaded."""

    inferred: Inferred
    demanded: tuple[SymbolicSize, ...]
    letters: tuple[str, ...]
    loaded: Loaded


def formulas(loaded: Loaded) -> Formulas:
    """The network with its spatial sizes open, where they are not yet. Raises CnnError where none could be."""
    inputs = {
        entry.name: symbolic_shape(entry.shape)
        for entry in loaded.graph.inputs
        if len(entry.shape) > 1 and not any(map(is_open, entry.shape))
    }
    if not inputs and not loaded.inferred.has_open_sizes:
        raise CnnError("the network's input is a vector: it has one size only", exit_code=NO)
    given = {**loaded.inputs, **inputs}
    if inputs:
        given.pop("", None)
    with demands() as demanded:
        opened = load_source(loaded.source, loaded.slug, overrides=loaded.overrides, inputs=given, open_sizes=True)
    letters = letters_of(size for entry in opened.graph.inputs for size in entry.shape)
    return Formulas(opened.inferred, tuple(demanded), letters, loaded)


def acceptance(found: Formulas, letter: str) -> Acceptance:
    """What one letter may be, the others being such that they are accepted.

    Raises CnnError where there is no size below 2^31, or the period is too long.
    """
    answer = _by_formula(found, letter)
    tried = _tried(found, letter)
    if tried is None:
        return answer
    border, *sets = tried
    return Acceptance(*(_corrected(sizes, one, border) for sizes, one in zip(answer, sets, strict=True)))


@lru_cache(maxsize=16)  # asked for by each letter of the input, and again for a wanted output size
def _by_formula(found: Formulas, letter: str) -> Acceptance:
    """What the formulas say."""
    taken: tuple[Any, ...] = found.inferred.assumed
    assumed: list[SymbolicSize] = [form for form in taken if form.letters == (letter,)]
    demanded = [form for form in found.demanded if form.letters == (letter,)]
    rests = list(_left_over(found.inferred, letter))
    first = smallest([form for form in assumed if is_monotone(form)], letter)
    least = smallest(assumed, letter)
    if first is None or least is None:
        raise CnnError(f"no size below 2^31 works for {letter}", exit_code=NO)

    def accepted(size: int) -> bool:
        at = {letter: size}
        met = size >= least or all(form.at(at) >= 0 for form in assumed)
        return met and all(form.at(at) == 0 for form in demanded)

    def nothing_dropped(size: int) -> bool:
        return accepted(size) and all(value_of(rest, {letter: size}) == 0 for rest, _ in rests)

    def padding_dropped(size: int) -> bool:
        at = {letter: size}
        return accepted(size) and all(value_of(rest, at) <= value_of(spare, at) for rest, spare in rests)

    fixed = next((form for form in demanded if slope(form, letter)), None)
    if fixed is not None:  # two paths meet at a few sizes alone
        few = [size for size in zeros(fixed, letter)[:LONGEST] if accepted(size)]
        return Acceptance(
            *(_single(size for size in few if holds(size)) for holds in (accepted, nothing_dropped, padding_dropped))
        )
    below = range(first, least)
    if len(below) > LONGEST:
        raise CnnError(f"the sizes below {least:,} are too many to try (the limit is {LONGEST:,})")
    repeating = [*demanded, *(form for pair in rests for form in pair)]
    return Acceptance(
        _where(least, below, demanded, accepted),
        _where(least, below, repeating, nothing_dropped),
        _where(least, below, repeating, padding_dropped),
    )


def _single(sizes: Iterable[int]) -> Sizes:
    """These sizes alone."""
    found = tuple(sizes)
    return Sizes(max(found, default=0) + 1, 1, (), found)


def _left_over(inferred: Inferred, letter: str) -> Iterable[tuple[Size, Size]]:
    """What each window drops on the axes whose size follows from the letter, and its padding at that end.

    What is dropped on an axis of one size only is dropped whatever the letter is.
    """
    known: dict[tuple[Size, Size], None] = {}
    for facts in inferred.facts.values():
        for axis, (rest, window) in _windows_with_rests(facts):
            size = facts.input_shapes[0][1 + axis]
            if letters_of([size]) in ((letter,), ()) and (is_open(rest) or rest):
                known[rest, window.after] = None
    return known


def _windows_with_rests(facts: LayerInfo) -> Iterable[tuple[int, tuple[int, Window]]]:
    """By axis, what a window that slides over the input drops, and the window."""
    if facts.figures.windows and not facts.node.layer.transposed:
        return enumerate(zip(facts.figures.dropped, facts.figures.windows, strict=True))
    return ()


def _where(least: int, below: range, forms: Sequence[Any], holds: Callable[[int], bool]) -> Sizes:
    """The remainders, over the common period of the forms, for which ``holds``; and the sizes below."""
    every = lcm(1, *(period(form) for form in forms))
    if every > LONGEST:
        raise CnnError(f"the sizes repeat only every {every:,}, which is too long to list (the limit is {LONGEST:,})")
    varying = len({form for form in forms if is_open(form)})
    if every * varying > MOST_VALUES:
        raise CnnError(
            f"the sizes repeat every {every:,}, and {varying:,} formulas vary over them: that is too much to go "
            f"through (the limit is {MOST_VALUES:,} values)"
        )
    base = every * max(1 << 20, least)  # where all forms have settled
    remainders = tuple(rest for rest in range(every) if holds(base + rest))
    return _joined(_shortest(Sizes(least, every, remainders)), tuple(size for size in below if holds(size)))


def _joined(sizes: Sizes, single: tuple[int, ...]) -> Sizes:
    """The sizes with single ones below ``least``, which goes down as far as those follow the pattern."""
    kept, least = {*single}, sizes.least
    if kept and not sizes.remainders:
        return _single(single)
    while kept and ((least - 1) in kept) == ((least - 1) % sizes.every in sizes.remainders):
        least -= 1
        kept.discard(least)
    return sizes._replace(least=least, single=tuple(sorted(kept)))


def _shortest(sizes: Sizes) -> Sizes:
    """The same sizes with the shortest period."""
    kept = {*sizes.remainders}
    for every in range(1, sizes.every + 1):
        if sizes.every % every == 0:
            first = {rest for rest in kept if rest < every}
            if kept == {rest for rest in range(sizes.every) if rest % every in first}:
                return Sizes(sizes.least, every, tuple(sorted(first)))
    return sizes


Tried = tuple[int, set[int], set[int], set[int]]


def _tried(found: Formulas, letter: str) -> Tried | None:
    """The sizes below a border that are accepted, drop nothing, and drop padding alone, each worked out.

    Where paths meet that are the same at some sizes alone, one of them may be a single row at a small size: an
    element-wise merge stretches it then, which no formula says. None where that cannot be.
    """
    merged = [
        size
        for facts in found.inferred.facts.values()
        if facts.node.layer.merges and not isinstance(facts.node.layer, Concat)
        for shape in facts.input_shapes
        for size in shape
        if isinstance(size, SymbolicSize) and size.letters == (letter,)
    ]
    border = smallest([size - 2 for size in merged], letter) if found.demanded else 1
    others = {name: _by_formula(found, name).accepted.examples(1) for name in found.letters if name != letter}
    if border is None or border == 1 or not all(others.values()):
        return None
    accepted: set[int] = set()
    exact: set[int] = set()
    padding: set[int] = set()
    for size in range(1, min(border, MOST_TRIED)):
        values = {letter: size, **{name: sizes[0] for name, sizes in others.items()}}
        given = {
            entry.name: format_input_shape(tuple(value_of(n, values) for n in entry.shape))
            for entry in found.inferred.graph.inputs
        }
        loaded = found.loaded
        try:
            there = load_source(loaded.source, loaded.slug, overrides=loaded.overrides, inputs=given).inferred
        except CnnError:
            continue
        rests = [
            (rest, window.after)
            for name, facts in found.inferred.facts.items()
            for axis, (rest, window) in _windows_with_rests(there.facts[name])
            if letters_of([facts.input_shapes[0][1 + axis]]) in ((letter,), ())
        ]
        accepted.add(size)
        exact |= {size} if all(rest == 0 for rest, _ in rests) else set()
        padding |= {size} if all(rest <= spare for rest, spare in rests) else set()
    return min(border, MOST_TRIED), accepted, exact, padding


def _corrected(sizes: Sizes, tried: set[int], border: int) -> Sizes:
    """The sizes with those below ``border`` as they were tried."""
    start = max(border, sizes.least)
    single = {size for size in range(border, start) if size in sizes} | tried
    if not sizes.remainders:
        return _single(sorted(single | {size for size in sizes.single if size >= border}))
    return _joined(sizes._replace(least=start, single=()), tuple(sorted(single)))


class Inputs(NamedTuple):
    """The sizes of a letter that give a wanted output size, from ``first`` to ``last``, and those that drop nothing.

    ``sizes`` are those that do where some between the first and the last do not.
    """

    first: int
    last: int
    exact: tuple[int, ...]
    sizes: tuple[int, ...] = ()


def inputs_for(found: Formulas, layer: str, wanted: int) -> dict[str, Inputs | None]:
    """By letter, the input sizes at which ``layer``'s map has ``wanted`` rows and columns; None where none does."""
    shape = found.inferred.shape(layer)
    result: dict[str, Inputs | None] = {}
    for size in shape[1:]:
        form: Any = size
        if not isinstance(form, SymbolicSize) or len(form.letters) != 1:
            raise CnnError(f"{layer}: its size does not follow from one input size", "name a layer with --layer")
        (letter,) = form.letters
        sizes = acceptance(found, letter)
        within = tuple(n for n in zeros(form - wanted, letter)[:LONGEST] if n in sizes.accepted)
        exact = tuple(n for n in within if n in sizes.exact)[:EXAMPLES]
        gaps = within and len(within) < within[-1] - within[0] + 1
        result[letter] = Inputs(within[0], within[-1], exact, within if gaps else ()) if within else None
    return result


def joint_conditions(found: Formulas) -> list[str]:
    """What must hold of several sizes at once, where it is not so already at the smallest that each may be alone."""
    least = {name: smallest(found.inferred.assumed, name) or 1 for name in found.letters}
    forms: tuple[Any, ...] = found.inferred.assumed
    return [f"{form} >= 0" for form in forms if len(form.letters) > 1 and form.at(least) < 0]


def last_map(inferred: Inferred) -> str:
    """The last layer whose output is a map and does not see everything by itself: what an output size is asked of."""
    for name in reversed([*inferred.facts]):
        facts = inferred.facts[name]
        if len(facts.figures.output_shape) > 1 and any(map(is_open, facts.figures.output_shape[1:])):
            return name
    raise CnnError("no layer's size depends on the input", exit_code=NO)


def checked_layer(inferred: Inferred, layer: str | None) -> str:
    """The layer asked for, or the last map. Raises CnnError for an unknown one, or a vector."""
    if layer is None:
        return last_map(inferred)
    if len(inferred.layer(layer).figures.output_shape) < 2:
        raise CnnError(f"--layer {layer}: its output is a vector", "name a layer above the flatten or the global pool")
    return layer


# Words ------------------------------------------------------------------------------------------------------------


def acceptance_lines(loaded: Loaded, output_size: int | None = None, layer: str | None = None) -> list[str]:
    """The answer in words."""
    found = formulas(loaded)
    lines = []
    alike: dict[Acceptance, list[str]] = {}
    for letter in found.letters:
        alike.setdefault(acceptance(found, letter), []).append(letter)
    for sizes, letters in alike.items():
        lines.append(f"{' and '.join(letters)}: {_in_words(sizes.accepted)}")
        lines.append(f"  nothing is dropped: {_in_words(sizes.exact)}")
        if sizes.padding_alone != sizes.exact:
            lines.append(f"  nothing but padding is dropped: {_in_words(sizes.padding_alone)}")
    lines += [f"together: {condition}" for condition in joint_conditions(found)]
    varying = [name for name, facts in found.inferred.facts.items() if is_open(facts.figures.params)]
    if varying:
        lines.append(f"the weights of {', '.join(varying)} depend on the size: once trained, they fit one size alone")
    if output_size is not None:
        lines += _output_lines(found, checked_layer(found.inferred, layer), output_size)
    return lines


def _in_words(sizes: Sizes) -> str:
    if not sizes.remainders:
        return f"{_listed(sizes.single)} alone" if sizes.single else "at no size"
    if not sizes.single:
        return _pattern(sizes)
    return f"{_listed(sizes.single)}, and {_pattern(sizes._replace(single=()))}"


def _listed(sizes: Sequence[int]) -> str:
    """``3, 5 and 9``; the first and the last of many."""
    shown = [*map(str, sizes)] if len(sizes) <= MOST_LISTED else [*map(str, sizes[: MOST_LISTED - 1]), f"… {sizes[-1]}"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _pattern(sizes: Sizes) -> str:
    if sizes.every == 1:
        return f"every size from {sizes.least}"
    shown = ", ".join(map(str, sizes.examples()))
    if sizes.remainders == (0,):
        return f"multiples of {sizes.every}: {shown}, …"
    rests = " or ".join(map(str, sizes.remainders)) if len(sizes.remainders) <= 6 else f"one of {len(sizes.remainders)}"
    what = rests if len(sizes.remainders) <= 6 else f"{rests} remainders"
    return f"those that leave {what} when divided by {sizes.every}: {shown}, …"


def _output_lines(found: Formulas, layer: str, wanted: int) -> list[str]:
    lines = []
    alike: dict[Inputs | None, list[str]] = {}
    for letter, inputs in inputs_for(found, layer, wanted).items():
        alike.setdefault(inputs, []).append(letter)
    for answer, letters in alike.items():
        if answer is None:
            lines.append(f"{layer} of {wanted}: no {' or '.join(letters)} gives it")
        else:
            span = f"{answer.first}" if answer.first == answer.last else f"{answer.first} to {answer.last}"
            span = _listed(answer.sizes) if answer.sizes else span
            exact = f"; nothing is dropped at {', '.join(map(str, answer.exact))}" if answer.exact else ""
            lines.append(f"{layer} of {wanted}: {' and '.join(letters)} = {span}{exact}")
    return lines


def as_record(loaded: Loaded, output_size: int | None = None, layer: str | None = None) -> dict[str, Any]:
    """The answer for programs."""
    found = formulas(loaded)
    sizes = {
        letter: {name: value._asdict() for name, value in acceptance(found, letter)._asdict().items()}
        for letter in found.letters
    }
    record: dict[str, Any] = {"accepts": sizes}
    if together := joint_conditions(found):
        record["together"] = together
    if output_size is not None:
        name = checked_layer(found.inferred, layer)
        answers = inputs_for(found, name, output_size)
        shown = {letter: None if answer is None else answer._asdict() for letter, answer in answers.items()}
        record["output"] = {"layer": name, "size": output_size, "inputs": shown}
    return record
