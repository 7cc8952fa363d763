"""The layer graph: immutable, in the order of computation. It holds the wiring and no computed quantities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cnncli.arithmetic.shape import Shape
from cnncli.errors import Place
from cnncli.layers.base import Layer

Origin = Callable[[str], Place]  # the place of a layer (or of one of its fields, by name) in the file


class Input(NamedTuple):
    """A named input, channels first, without the batch."""

    name: str
    shape: Shape


class Node(NamedTuple):
    """One layer with its wiring: ``name`` is a dotted path, ``inputs`` are names of earlier nodes or of inputs.

    ``shares`` is the earlier node whose weights it uses, if any.
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
    """A value of the ``train`` section, with its place and that of its key."""

    value: Any
    place: Place | None = None
    key_place: Place | None = None


class Graph(NamedTuple):
    """A network. ``nodes`` are in the order of computation; a node reads only earlier ones."""

    name: str
    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    groups: tuple[Group, ...] = ()
    description: str = ""
    source: str = ""
    train: Mapping[str, Setting] = {}
