"""The layer graph: plain, immutable, in the order of computation. It knows wiring and nothing about figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cnncli.arithmetic.shape import Shape
from cnncli.errors import Place
from cnncli.layers.base import Layer

Origin = Callable[[str], Place]  # where a layer (or, given its name, one of its fields) stands in the file


class Input(NamedTuple):
    """A named input, channels first, without the batch."""

    name: str
    shape: Shape


class Node(NamedTuple):
    """One layer with its wiring: ``name`` is a dotted path, ``inputs`` are names of nodes above or of inputs.

    ``shares`` is the node above whose weights it uses, if it has none of its own.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    origin: Origin | None = None
    shares: str = ""


class Group(NamedTuple):
    """A composite as written: the nodes ``first`` to ``last - 1`` belong to ``name``.

    ``kind`` is residual, parallel, branch, repeat, round, or a block's name.
    """

    name: str
    kind: str
    first: int
    last: int


class Setting(NamedTuple):
    """A value of the ``train`` section, and where it and its key stand."""

    value: Any
    place: Place | None = None
    key_place: Place | None = None


class Graph(NamedTuple):
    """A network. ``nodes`` stand in the order of computation; a node reads only what stands before it."""

    name: str
    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    groups: tuple[Group, ...] = ()
    description: str = ""
    source: str = ""
    train: Mapping[str, Setting] = {}
