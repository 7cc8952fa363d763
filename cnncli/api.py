"""What Python programs call: the values that a program has, and messages in its words instead of the command line's."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from cnncli import loading
from cnncli.errors import CnnError, Problem
from cnncli.loading import Loaded

Override = str | int | float | bool
Shape = str | int | Sequence[Any]


def load(
    architecture: str | os.PathLike[str],
    *,
    overrides: Mapping[str, Override] = {},
    inputs: Mapping[str, Shape] = {},
    strict: bool = False,
    open_sizes: bool = False,
) -> Loaded:
    """Find, read and work out a network: a bundled one by its name (``lenet5``), a YAML file by its path.

    ``overrides`` gives the file's variables other values, numbers or texts as a file has them. ``inputs`` gives shapes,
    channels first, by the inputs' names, "" for the only one: ``{"": (3, 64, 64)}``, ``"3x64x64"``, 784 for a vector;
    ``(32, (32, 3))`` sets the channels apart where (32, 32, 3) is refused, as it reads as channels last.
    ``open_sizes`` says whether a shape may be ``3xHxW``; with ``strict`` nothing may be dropped at a border.
    Raises CnnError with all independent mistakes of the file and of shapes that do not fit; TypeError for other values.
    """
    given = {name: _override(name, value) for name, value in _items(overrides, "overrides")}
    shapes = {name: _shape(name, value) for name, value in _items(inputs, "inputs")}
    try:
        return loading.load(
            os.fspath(architecture), overrides=given, inputs=shapes, strict=strict, open_sizes=open_sizes
        )
    except CnnError as error:
        raise CnnError.of([_in_python(problem) for problem in error.problems]) from None


def _items(values: object, what: str) -> list[tuple[str, Any]]:
    if not isinstance(values, Mapping):
        raise TypeError(f"{what} must be a mapping from names to values, not {type(values).__name__}")
    for name in values:
        if not isinstance(name, str):
            raise TypeError(f"the names in {what} must be str, not {type(name).__name__}")
    return [*values.items()]


def _override(name: str, value: object) -> str:
    """The text that a file would have."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return repr(float(value))
    raise TypeError(f"overrides[{name!r}] must be an int, float, bool or str, not {type(value).__name__}")


def _shape(name: str, value: object) -> str:
    """The text of a shape, which is read as any other."""
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence) and len(value) == 2 and isinstance(value[1], list | tuple):
        return f"{_size(name, value[0])}@{'x'.join(_size(name, size) for size in value[1])}"
    sizes = value if isinstance(value, list | tuple) else [value]
    return "x".join(_size(name, size) for size in sizes)


def _size(name: str, size: object) -> str:
    if isinstance(size, str):  # a letter: it stays open
        return size
    if isinstance(size, Integral) and not isinstance(size, bool):
        return str(int(size))
    wanted = "a str as '3x64x64', an int, or a tuple of ints"
    raise TypeError(f"inputs[{name!r}] must be {wanted}; it holds a {type(size).__name__}")


_OPTIONS = (  # of the command line, and what they are in Python
    (re.compile(r"--set (\w+)=(\S+)"), r'overrides={"\1": "\2"}'),
    (re.compile(r"--set (\w+)"), r'overrides["\1"]'),
    (re.compile(r"--input (\w+)=([\w@]+)"), r'inputs={"\1": "\2"}'),
    (re.compile(r"--input (\d[\w@]*)"), r'inputs={"": "\1"}'),
    (re.compile(r"--input (\w+)"), r'inputs["\1"]'),
    (re.compile(r"--input\b"), "inputs"),
)


def _in_python(problem: Problem) -> Problem:
    place = problem.place
    if place is not None:
        place = place._replace(source=_translated(place.source))
    return problem._replace(message=_translated(problem.message), hint=_translated(problem.hint), place=place)


def _translated(text: str) -> str:
    for option, python in _OPTIONS:
        text = option.sub(python, text)
    return text
