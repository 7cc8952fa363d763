"""Arrays as they are written -> arrays of the shapes that a network needs."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncli.arithmetic.shape import Shape, format_shape
from cnncli.errors import CnnError
from cnncli.homework.exact_ops.chain.weight_sizes import Parts

SHOWN_VALUES = 40  # of a template in a hint


def fitted(parts: Parts, shape: Shape, what: str) -> Any:
    """One array of a shape. Axes of size 1 may be left out; parts (which ``||`` separates) are the first axis.

    Raises CnnError, with a template of the numbers that are needed.
    """
    import numpy as np

    if len({part.shape for part in parts}) == 1:
        array = np.stack(parts) if len(parts) > 1 else parts[0]
        if _long_axes(array.shape) == _long_axes(shape):
            return array.reshape(shape)
    given = " and ".join(dict.fromkeys(_shape_text(part.shape) for part in parts))
    given = f"{len(parts)} parts of {given}" if len(parts) > 1 else given
    raise CnnError(f"{what} has shape {given}, but must be {_shape_text(shape)}", f"write it like {template(shape)}")


def batch(parts: Parts, shape: Shape, what: str) -> Any:
    """Examples of a shape, (N, *shape): the parts, or the first axis of an array with one axis more."""
    import numpy as np

    if len(parts) == 1 and parts[0].ndim == len(shape) + 1 and parts[0].shape[1:] == shape:
        return parts[0]
    return np.stack([fitted([part], shape, what) for part in parts])


def input_shape(parts: Parts) -> Shape:
    """The shape of an example: a row is a vector, rows are one channel, and four axes are a batch."""
    shape = tuple(map(int, parts[0].shape))
    return (1, *shape) if len(shape) == 2 else shape[1:] if len(shape) == 4 else shape


def template(shape: Shape) -> str:
    """A text of zeros of a shape: ``"0 0; 0 0 || 0 0; 0 0"``, or words for many."""
    if prod(shape) > SHOWN_VALUES or len(shape) > 4:
        return f"{prod(shape):,} numbers, or the name of a file of them"
    separators = ("; ", " | ", " || ")[: len(shape) - 1]
    text = " ".join("0" * shape[-1])
    for size, separator in zip(reversed(shape[:-1]), separators, strict=True):
        text = separator.join([text] * size)
    return f'"{text}"'


def _long_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _shape_text(shape: tuple[int, ...]) -> str:
    return format_shape(tuple(shape))
