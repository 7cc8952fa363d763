"""The input sizes that a network accepts, as text and as data (``cnn solve ARCH --accepts``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncli.analysis.solving.acceptance import (
    Acceptance,
    SymbolicNetwork,
    acceptance,
    joint_conditions,
)
from cnncli.analysis.solving.output_sizes import Inputs, checked_layer, inputs_for
from cnncli.analysis.solving.size_set import SizeSet
from cnncli.arithmetic.shape import is_symbolic
from cnncli.arithmetic.symbolic import remainders_text
from cnncli.errors import enumerated

LISTED_LIMIT = 8


def acceptance_lines(found: SymbolicNetwork, output_size: int | None = None, layer: str | None = None) -> list[str]:
    """The answer as lines of text."""
    lines = []
    alike: dict[Acceptance, list[str]] = {}
    for letter in found.letters:
        alike.setdefault(acceptance(found, letter), []).append(letter)
    for sizes, letters in alike.items():
        lines.append(f"{' and '.join(letters)}: {_in_words(sizes.accepted)}")
        lines.append(f"  nothing is dropped: {_in_words(sizes.exact)}")
        if sizes.padding_alone != sizes.exact:
            lines.append(f"  only padding is dropped: {_in_words(sizes.padding_alone)}")
    lines += [f"together: {condition}" for condition in joint_conditions(found)]
    varying = [name for name, info in found.inferred.layers.items() if is_symbolic(info.stats.params)]
    if varying:
        names = ", ".join(varying)
        lines.append(f"the weights of {names} depend on the input size: a trained network accepts one only")
    if output_size is not None:
        lines += _output_lines(found, checked_layer(found.inferred, layer), output_size)
    return lines


def _in_words(sizes: SizeSet) -> str:
    if not sizes.remainders:
        return f"only {_listed(sizes.single)}" if sizes.single else "at no size"
    if not sizes.single:
        return _pattern(sizes)
    return f"{_listed(sizes.single)}, and {_pattern(sizes._replace(single=()))}"


def _listed(sizes: Sequence[int]) -> str:
    """``3, 5 and 9``; the first and the last of many."""
    shown = [*map(str, sizes)]
    if len(shown) > LISTED_LIMIT:
        shown = [*shown[: LISTED_LIMIT - 1], f"… {shown[-1]}"]
    return enumerated(shown)


def _pattern(sizes: SizeSet) -> str:
    if sizes.every == 1:
        return f"every size from {sizes.least}"
    shown = ", ".join(map(str, sizes.examples()))
    if sizes.remainders == (0,):
        return f"multiples of {sizes.every}: {shown}, …"
    return f"n mod {sizes.every} = {remainders_text(sizes.remainders)}: {shown}, …"


def _output_lines(found: SymbolicNetwork, layer: str, wanted: int) -> list[str]:
    lines = []
    alike: dict[Inputs | None, list[str]] = {}
    for letter, inputs in inputs_for(found, layer, wanted).items():
        alike.setdefault(inputs, []).append(letter)
    for answer, letters in alike.items():
        if answer is None:
            lines.append(f"{layer}: no {' or '.join(letters)} gives output size {wanted}")
        else:
            span = f"{answer.first}" if answer.first == answer.last else f"{answer.first} to {answer.last}"
            span = _listed(answer.sizes) if answer.sizes else span
            exact = f"; nothing is dropped at {', '.join(map(str, answer.exact))}" if answer.exact else ""
            lines.append(f"{layer}: output size {wanted} at {' and '.join(letters)} = {span}{exact}")
    return lines


def as_record(found: SymbolicNetwork, output_size: int | None = None, layer: str | None = None) -> dict[str, Any]:
    """The answer as plain data."""
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
