"""The sizes of a layer that follow from its weight: ``conv: {weight: "1 0; 0 1"}`` has one 2x2 filter.

They depend on the axes and channels of the layer's input, which only inference knows. So the sizes are guessed, the
network is inferred, and sizes that turn out to be different are replaced.
"""

from __future__ import annotations

import copy
from math import prod
from typing import Any, NamedTuple, TypeVar

from cnncli.arithmetic.numerals import is_digits
from cnncli.arithmetic.shape import Shape
from cnncli.language.source import Mapping, Scalar, Sequence, Value
from cnncli.layers import Layer
from cnncli.layers.conv import Conv, ConvTranspose, DepthwiseConv, Local
from cnncli.layers.linear import VectorLayer

SIZED_BY_WEIGHT = (Conv, DepthwiseConv, ConvTranspose, Local, VectorLayer)
Parts = list[Any]  # arrays of exact numbers, which || separates
Made = TypeVar("Made", bound=Value)
Sizes = dict[str, int | tuple[int, ...]]


class Unsized(NamedTuple):
    """A layer whose weight is given: its fields, the weight's place and arrays, and the names of the written fields."""

    kind: type[Layer]
    body: Mapping
    node: Value
    parts: Parts
    written: frozenset[str]

    def fill(self, shape: Shape | None, axes: int | None = None) -> bool:
        """Write the sizes that are not written, for an input of this shape; whether any changed.

        Of an unknown shape (None), ``axes`` is the probable number of axes after the channels.
        """
        changed = False
        for name, size in self._sizes(shape, axes if shape is None else len(shape) - 1).items():
            text = "x".join(map(str, size)) if isinstance(size, tuple) else str(size)
            before = self.body.entries.get(name)
            if name not in self.written and not (isinstance(before, Scalar) and before.text == text):
                self.body.entries[name] = scalar_at(self.node, text)
                self.body.keys[name] = self.node
                changed = True
        return changed

    def _sizes(self, shape: Shape | None, axes: int | None) -> Sizes:
        first, count = self.parts[0], len(self.parts)
        if issubclass(self.kind, VectorLayer):
            return {"units": count if count > 1 or first.ndim == 1 else len(first)}
        if issubclass(self.kind, Local):
            return self._local(axes)
        if not issubclass(self.kind, Conv | DepthwiseConv | ConvTranspose):
            return {}
        rank = 2 if axes is None else axes
        kernel = (1,) * (0 if axes is None else rank - first.ndim) + tuple(map(int, first.shape[-rank:]))
        return {"kernel": kernel, **self._filters(kernel, None if shape is None else int(shape[0]))}

    def _filters(self, kernel: tuple[int, ...], channels: int | None) -> Sizes:
        """The number of filters. For a convolution, ``|`` separates channels and ``||`` filters.

        The weight of the other types has (C, filters / groups) or (filters, 1) before the kernel: with known channels,
        its size gives the filters.
        """
        first, count = self.parts[0], len(self.parts)
        table = self.body.entries.get("connections")
        if isinstance(table, Sequence):
            return {"filters": len(table.items)}
        if issubclass(self.kind, Conv):
            is_complete = first.ndim == len(kernel) + 2 and not self._has_rows(first, kernel, channels)
            return {"filters": len(first) if is_complete else count}
        name = "multiplier" if issubclass(self.kind, DepthwiseConv) else "filters"
        if channels is not None:
            filters, rest = divmod(count * first.size * self._groups(), channels * prod(kernel))
            return {name: filters} if filters and not rest else {}
        if name == "multiplier":
            return {}
        return {name: int(first.shape[-len(kernel) - 1]) if first.ndim > len(kernel) else 1}

    def _has_rows(self, weight: Any, kernel: tuple[int, ...], channels: int | None) -> bool:
        """Whether a weight (C, 1, k) of a 1-D convolution has one row per channel, and is not (filters, 1, k)."""
        per_filter = (channels or 0) // max(1, self._groups())
        return len(kernel) == 1 and weight.shape[1] == 1 and len(weight) == per_filter != 1

    def _groups(self) -> int:
        groups = self.body.entries.get("groups")
        return int(groups.text) if isinstance(groups, Scalar) and is_digits(groups.text[:9]) else 1

    def _local(self, axes: int | None) -> Sizes:
        """Its weight is (filters, *positions, C / groups, *kernel)."""
        first, count = self.parts[0], len(self.parts)
        rank = max(1, first.ndim // 2 - (first.ndim > 4)) if axes is None else axes
        if first.ndim <= rank:
            return {}
        filters = len(first) if first.ndim == 2 * rank + 2 else count
        return {"kernel": tuple(map(int, first.shape[-rank:])), "filters": filters}


def scalar_at(like: Value, text: str) -> Scalar:
    """A value that is not in the file, with the place of another that is."""
    made = _placed_like(like, Scalar.__new__(Scalar))
    made.text, made.quoted, made.dynamic, made.weight, made.height = text, False, False, 1, 0
    return made


def mapping_at(like: Value, entries: dict[str, Value]) -> Mapping:
    """Fields that are not in the file, with the place of a value that is."""
    made = _placed_like(like, Mapping.__new__(Mapping))
    made.entries, made.keys, made.height = entries, dict.fromkeys(entries, like), 1
    return made


def _placed_like(like: Value, made: Made) -> Made:
    for slot in Value.__slots__:
        setattr(made, slot, copy.copy(getattr(like, slot)))
    return made
