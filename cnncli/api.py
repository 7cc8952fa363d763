"""The Python API: takes Python values, and names its arguments, not command-line options, in messages."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping, Set
from numbers import Integral, Real
from typing import Any, TypeGuard

from cnncli import loading
from cnncli.language.argument_names import ARGUMENT_NAMES
from cnncli.loading import Loaded

Override = str | int | float | bool
Shape = str | int | Iterable[Any]


def load(
    architecture: str | os.PathLike[str],
    *,
    overrides: Mapping[str, Override] = {},
    inputs: Mapping[str, Shape] = {},
    strict: bool = False,
    symbolic_sizes: bool = False,
    open_sizes: bool = False,
) -> Loaded:
    """Find, read and calculate a network: a bundled one by its name (``lenet5``), a YAML file by its path.

    ``overrides`` replaces variables of the file by numbers or by texts as a file has them. ``inputs`` gives shapes,
    channels first, by the inputs' names, "" for the only one: ``{"": (3, 64, 64)}``, ``"3x64x64"``, 784 for a vector;
    any ordered iterable of integers is a shape, a NumPy array as well. ``(32, (32, 3))`` sets the channels apart where
    (32, 32, 3) is refused, as it reads as channels last.
    ``symbolic_sizes`` (``open_sizes`` in version 0.2) allows shapes such as ``3xHxW``; with ``strict``, dropped rows
    and columns are errors.
    Raises CnnError with all independent problems of the file and its shapes, and TypeError for other values.
    """
    given = {name: _override(name, value) for name, value in _items(overrides, "overrides")}
    shapes = {name: _shape(name, value) for name, value in _items(inputs, "inputs")}
    return loading.load(
        os.fspath(architecture),
        overrides=given,
        inputs=shapes,
        strict=strict,
        symbolic_sizes=symbolic_sizes or open_sizes,
        argument_names=ARGUMENT_NAMES,
    )


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
    """The text of a shape, to be read like any other."""
    if isinstance(value, str):
        return value
    sizes = [*value] if _is_listing(value) else [value]
    if len(sizes) == 2 and _is_listing(sizes[1]):
        return f"{_size(name, sizes[0])}@{'x'.join(_size(name, size) for size in sizes[1])}"
    return "x".join(_size(name, size) for size in sizes)


def _is_listing(value: object) -> TypeGuard[Iterable[Any]]:
    """Whether a value is an ordered collection of sizes; a NumPy array without axes is a number."""
    if isinstance(value, str | bytes | Set | Mapping) or getattr(value, "ndim", 1) == 0:
        return False
    return isinstance(value, Iterable)


def _size(name: str, size: Any) -> str:
    if isinstance(size, str):  # a letter: a symbolic size
        return size
    try:
        if not isinstance(size, bool):
            return str(operator.index(size))
    except TypeError:
        pass
    wanted = "a str such as '3x64x64', an int, or a tuple of ints"
    raise TypeError(f"inputs[{name!r}] must be {wanted}; it holds a {type(size).__name__}")
