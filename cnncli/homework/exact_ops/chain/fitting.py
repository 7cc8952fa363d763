"""Arrays as they are written -> arrays of the shapes that a network needs."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncli.arithmetic.shape import Shape, format_shape
from cnncli.errors import CnnError
from cnncli.graph import Node
from cnncli.homework.exact_ops.chain.rules.activations import exact
from cnncli.homework.exact_ops.chain.rules.moving import MASK
from cnncli.homework.exact_ops.chain.rules.norms import VARIANCE
from cnncli.homework.exact_ops.chain.weight_sizes import Parts
from cnncli.layers.norm import Affine, Scale

SHOWN_VALUES = 40  # of a template in a hint


def fitted(parts: Parts, shape: Shape, what: str, filler: str = "0") -> Any:
    """One array of a shape. Axes of size 1 may be left out; parts (which ``||`` separates) are the first axis.

    Raises CnnError, with a template of the numbers that are needed, in which each is ``filler``.
    """
    import numpy as np

    if len({part.shape for part in parts}) == 1:
        array = np.stack(parts) if len(parts) > 1 else parts[0]
        if _long_axes(array.shape) == _long_axes(shape):
            return array.reshape(shape)
    given = " and ".join(dict.fromkeys(_shape_text(part.shape) for part in parts))
    given = f"{len(parts)} parts of {given}" if len(parts) > 1 else given
    hint = f"write it like {template(shape, filler)}"
    raise CnnError(f"{what} has shape {given}, but must be {_shape_text(shape)}", hint)


def batch(parts: Parts, shape: Shape, what: str, filler: str = "0") -> Any:
    """Examples of a shape, (N, *shape): the parts, or the first axis of an array with one axis more."""
    import numpy as np

    if len(parts) == 1 and parts[0].ndim == len(shape) + 1 and parts[0].shape[1:] == shape:
        return parts[0]
    return np.stack([fitted([part], shape, what, filler) for part in parts])


def input_shape(parts: Parts, *, has_row_channels: bool = False) -> Shape:
    """The shape of an example: a row is a vector, rows are one channel, and four axes are a batch.

    Channels that are written as rows (``1 2 3 | 4 5 6``) have one axis of space.
    """
    shape = tuple(map(int, parts[0].shape))
    if has_row_channels:
        return shape[0], shape[-1]
    return (1, *shape) if len(shape) == 2 else shape[1:] if len(shape) == 4 else shape


def template(shape: Shape, filler: str = "0", *, count: int = 1) -> str:
    """A text of zeros of a shape, or of the ``filler``: ``"0 0; 0 0 || 0 0; 0 0"``, or words for many.

    ``count`` examples of the shape are separated by ``||``.
    """
    if prod(shape) * count > SHOWN_VALUES or len(shape) > 4:
        return f"{prod(shape) * count:,} numbers, or the name of a file of them"
    separators = ("; ", " | ", " || ")[: len(shape) - 1]
    text = " ".join([filler] * shape[-1])
    for size, separator in zip(reversed(shape[:-1]), separators, strict=True):
        text = separator.join([text] * size)
    return f'"{" || ".join([text] * count)}"'


def default_of(node: Node, name: str) -> Any:
    """The value of weights that are not given, where there is a customary one: PyTorch's initial values."""
    layer: Any = node.layer
    if name == "bias":
        return 0
    if isinstance(layer, Affine):
        return 1
    if "init" in layer.schema or isinstance(layer, Scale):
        value = exact(float(layer.init))
        return value.numerator if value.denominator == 1 else value
    return None


def filler_of(node: Node, name: str) -> str:
    """The number of each value in a hint, ``write it like "1 1"``: 1 for what multiplies, e.g. gamma, else 0."""
    multiplies = name in (MASK, VARIANCE) or (name == "weight" and default_of(node, name) is not None)
    return "1" if multiplies else "0"


def _long_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _shape_text(shape: tuple[int, ...]) -> str:
    return format_shape(tuple(shape))
