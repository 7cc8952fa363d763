"""Conventions that change an answer. A key or a sheet may accept several; the verdict names the one that matches.

Some change the network (how sizes are rounded, what a padding means, the stride of a pool), others only the counts.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

from cnncli.arithmetic.shape import Shape
from cnncli.errors import suggestion
from cnncli.graph import Graph, Node
from cnncli.homework.languages.messages import text as message
from cnncli.inference import Inferred, infer_all
from cnncli.language.source import Mapping, Scalar, Sequence, Source, Value


class Conventions(NamedTuple):
    """One choice for each convention; an empty one follows the architecture file, or PyTorch."""

    rounding: str = ""
    padding: str = ""
    pool_stride: str = ""
    bias: str = ""
    batchnorm: str = ""
    operations: str = ""
    order: str = ""


CHOICES: dict[str, tuple[str, ...]] = {
    "rounding": ("floor", "ceil", "exact"),
    "padding": ("per side", "in total"),
    "pool_stride": ("kernel", "1"),
    "bias": ("counted", "not counted"),
    "batchnorm": ("2C", "4C"),
    "operations": ("FLOPs", "MACs"),
    "order": ("CxHxW", "HxWxC"),
}
DEFAULTS = Conventions()
# The choices in words, as students read them.
PHRASES = {
    (name, choice): message(f"{name.replace('_', ' ')} {choice}".rstrip())
    for name, choices in CHOICES.items()
    for choice in (*choices, "")
}
NETWORK_CONVENTIONS = ("rounding", "padding", "pool_stride")


def read_conventions(source: Source, node: Value | None) -> tuple[Conventions, ...]:
    """``{bias: [counted, not counted], order: CxHxW}`` as all combinations of choices, the first of each first.

    Raises CnnError, with the place, for an unknown convention or choice.
    """
    if node is None:
        return (DEFAULTS,)
    if not isinstance(node, Mapping):
        raise source.error(node, "conventions must be a mapping (key: value)", "write conventions: {bias: not counted}")
    accepted: dict[str, list[str]] = {}
    for name, value in node.entries.items():
        if name not in CHOICES:
            known = f"use {', '.join(CHOICES)}"
            raise source.error(node.keys[name], f"unknown convention {name!r}", suggestion(name, [*CHOICES], known))
        items = value.items if isinstance(value, Sequence) else [value]
        accepted[name] = [*dict.fromkeys(_choice(source, name, item) for item in items)]
        if not accepted[name]:
            raise source.error(value, f"{name} has no choices", f"use {' or '.join(CHOICES[name])}")
    return tuple(Conventions(**dict(zip(accepted, chosen, strict=True))) for chosen in product(*accepted.values()))


def _choice(source: Source, name: str, value: Value) -> str:
    text = value.text.strip().lower() if isinstance(value, Scalar) else ""
    spelled = {choice.lower(): choice for choice in CHOICES[name]}
    if text not in spelled:
        raise source.error(value, f"{name} cannot be {text or 'this'!r}", f"use {' or '.join(CHOICES[name])}")
    return spelled[text]


def difference(conventions: Conventions, first: Conventions) -> str:
    """The choices that differ from the first ones, in words: ``bias not counted, batchnorm 4C``."""
    pairs = zip(conventions._fields, conventions, first, strict=True)
    found = [PHRASES[name, choice] for name, choice, other in pairs if choice != other]
    text = found[0] if found else message("")
    for phrase in found[1:]:
        text = message("{one}, {other}", one=text, other=phrase)
    return text


def network_under(graph: Graph, conventions: Conventions, forced: dict[str, Shape] | None = None) -> Inferred:
    """The network inferred under these conventions; its results lack layers that do not fit.

    ``forced`` are output shapes by layer, which later layers take as their inputs.
    """
    nodes = tuple(_changed(node, conventions) for node in graph.nodes)
    return infer_all(graph._replace(nodes=nodes), forced=forced or {})[0]


def _changed(node: Node, conventions: Conventions) -> Node:
    layer = node.layer
    if conventions.rounding:
        layer = layer.with_rounding(conventions.rounding)
    if conventions.padding == "in total":
        layer = layer.with_padding_in_total()
    if conventions.pool_stride == "1":
        layer = layer.with_default_stride(1)
    return node if layer == node.layer else node._replace(layer=layer)
