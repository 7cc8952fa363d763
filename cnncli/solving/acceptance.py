"""Which input sizes a network accepts, at which nothing is dropped, and which give a wanted output.

Everything follows from the network's formulas for open sizes: every size is a sum of floors of affine forms, so it goes
through its remainders with a period, and what holds for one period holds for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import lcm
from typing import Any, NamedTuple

from cnncli.errors import NO, CnnError
from cnncli.inference import Inferred
from cnncli.loading import Loaded, load_source
from cnncli.shape import is_open
from cnncli.symbolic import Form, demands, letters_of, period, smallest
from cnncli.window import left_over

EXAMPLES = 5
LONGEST = 1 << 16  # a period beyond this is not gone through
LETTERS = {1: "L", 2: "HW", 3: "DHW"}


class Sizes(NamedTuple):
    """Sizes from ``least`` on that leave one of ``remainders`` when divided by ``every``; none without remainders."""

    least: int
    every: int
    remainders: tuple[int, ...]

    def examples(self, count: int = EXAMPLES) -> list[int]:
        """The smallest of them."""
        found: list[int] = []
        start = self.least - self.least % self.every
        while self.remainders and len(found) < count:
            found += [start + rest for rest in self.remainders if start + rest >= self.least]
            start += self.every
        return found[:count]

    def __contains__(self, size: object) -> bool:
        return isinstance(size, int) and size >= self.least and size % self.every in self.remainders


class Acceptance(NamedTuple):
    """Of one open size: what is accepted, at which sizes no layer drops anything, and at which padding alone."""

    accepted: Sizes
    exact: Sizes
    padding_alone: Sizes


class Formulas(NamedTuple):
    """A network with open sizes, the forms that must be 0, and each one's letter."""

    inferred: Inferred
    demanded: tuple[Form, ...]
    letters: tuple[str, ...]


def formulas(loaded: Loaded) -> Formulas:
    """The network with its spatial sizes open, where they are not yet. Raises CnnError where none could be."""
    inputs = {
        entry.name: "x".join([str(entry.shape[0]), *LETTERS[len(entry.shape) - 1]])
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
    return Formulas(opened.inferred, tuple(demanded), letters)


def acceptance(found: Formulas, letter: str) -> Acceptance:
    """What one letter may be. Raises CnnError where there is no size below 2^31, or the period is too long."""
    least = smallest(found.inferred.assumed, letter)
    if least is None:
        raise CnnError(f"no size below 2^31 works for {letter}", exit_code=NO)
    demanded = [form for form in found.demanded if form.letters == (letter,)]
    if any(period(form) == 1 for form in demanded):  # only one size makes two paths meet
        return _single(found, letter, least, demanded)
    accepted = _where(least, demanded, lambda values: all(form.at(values) == 0 for form in demanded), letter)
    rests = list(_left_over(found.inferred, letter))
    forms = [*demanded, *(rest for rest, _ in rests)]

    def nothing_dropped(values: dict[str, int]) -> bool:
        return accepts(values) and all(rest.at(values) == 0 for rest, _ in rests)

    def padding_dropped(values: dict[str, int]) -> bool:
        return accepts(values) and all(rest.at(values) <= spare for rest, spare in rests)

    def accepts(values: dict[str, int]) -> bool:
        return all(form.at(values) == 0 for form in demanded)

    return Acceptance(
        accepted, _where(least, forms, nothing_dropped, letter), _where(least, forms, padding_dropped, letter)
    )


def _single(found: Formulas, letter: str, least: int, demanded: list[Form]) -> Acceptance:
    form = next(form for form in demanded if period(form) == 1)
    rising = form if form.at({letter: 2}) > form.at({letter: 1}) else -form
    only = smallest([rising], letter) or 0
    fits = only >= least and all(form.at({letter: only}) == 0 for form in demanded)
    one = Sizes(only, 1 << 31, (only,) if fits else ())
    rests = [(rest.at({letter: only}), spare) for rest, spare in _left_over(found.inferred, letter)] if fits else []
    none = one._replace(remainders=())
    exact = one if all(rest == 0 for rest, _ in rests) else none
    return Acceptance(one, exact, one if all(rest <= spare for rest, spare in rests) else none)


def _left_over(inferred: Inferred, letter: str) -> Iterable[tuple[Form, int]]:
    """What the last step of each window leaves, where that depends on the letter, and the padding there."""
    told: set[tuple[Form, int]] = set()
    for facts in inferred.facts.values():
        windows = facts.figures.windows if not facts.node.layer.transposed else ()
        for size, window in zip(facts.input_shapes[0][1:], windows, strict=bool(windows)):
            rest: Any = left_over(size, window) if not window.ceil else 0
            spare = window.after if isinstance(window.after, int) else 0
            if isinstance(rest, Form) and rest.letters == (letter,) and (rest, spare) not in told:
                told.add((rest, spare))
                yield rest, spare


def _where(least: int, forms: Sequence[Form], holds: Any, letter: str) -> Sizes:
    """The remainders, over the common period of the forms, for which ``holds``."""
    every = lcm(1, *(period(form) for form in forms))
    if every > LONGEST:
        raise CnnError(f"the sizes repeat only every {every:,}, which is too long to list (the limit is {LONGEST:,})")
    base = every * (1 << 20)  # where all forms have settled
    remainders = tuple(rest for rest in range(every) if holds({letter: base + rest}))
    return _shortest(Sizes(least, every, remainders))


def _shortest(sizes: Sizes) -> Sizes:
    """The same sizes with the shortest period."""
    kept = {*sizes.remainders}
    for every in range(1, sizes.every + 1):
        if sizes.every % every == 0:
            first = {rest for rest in kept if rest < every}
            if kept == {rest for rest in range(sizes.every) if rest % every in first}:
                return Sizes(sizes.least, every, tuple(sorted(first)))
    return sizes


class Inputs(NamedTuple):
    """The sizes ``first`` to ``last`` of a letter that give a wanted output size, and those of them with no rest."""

    first: int
    last: int
    exact: tuple[int, ...]


def inputs_for(found: Formulas, layer: str, wanted: int) -> dict[str, Inputs | None]:
    """By letter, the input sizes at which ``layer``'s map has ``wanted`` rows and columns; None where none does."""
    shape = found.inferred.shape(layer)
    result: dict[str, Inputs | None] = {}
    for size in shape[1:]:
        form: Any = size
        if not isinstance(form, Form) or len(form.letters) != 1:
            raise CnnError(f"{layer}: its size does not follow from one input size", "name a layer with --layer")
        (letter,) = form.letters
        sizes = acceptance(found, letter)
        first = max(smallest([form - wanted], letter) or 1, sizes.accepted.least)
        beyond = smallest([form - wanted - 1], letter)
        last = (beyond or 1 << 31) - 1
        within = [n for n in range(first, min(last, first + LONGEST) + 1) if n in sizes.accepted]
        exact = tuple(n for n in within if n in sizes.exact)[:EXAMPLES]
        result[letter] = Inputs(within[0], within[-1], exact) if within else None
    return result


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
    varying = [name for name, facts in found.inferred.facts.items() if is_open(facts.figures.params)]
    if varying:
        lines.append(f"the weights of {', '.join(varying)} depend on the size: once trained, they fit one size alone")
    if output_size is not None:
        lines += _output_lines(found, checked_layer(found.inferred, layer), output_size)
    return lines


def _in_words(sizes: Sizes) -> str:
    if not sizes.remainders:
        return "at no size"
    if sizes.every == 1:
        return f"every size from {sizes.least}"
    if sizes.every == 1 << 31:
        return f"{sizes.least} alone"
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
    if output_size is not None:
        name = checked_layer(found.inferred, layer)
        answers = inputs_for(found, name, output_size)
        shown = {letter: None if answer is None else answer._asdict() for letter, answer in answers.items()}
        record["output"] = {"layer": name, "size": output_size, "inputs": shown}
    return record
