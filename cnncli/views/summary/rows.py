"""The rows of a summary: layers nested in their composites, with identical repeats folded into one."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

from cnncli.arithmetic.shape import add_up
from cnncli.errors import counted
from cnncli.graph import Group
from cnncli.inference import SUMMED, Inferred, LayerInfo

Counts = dict[str, int]


class Row(NamedTuple):
    """A line of the table: a layer or a composite.

    ``label`` is the name within its parent. ``info`` is the layer's; for a collapsed composite those of its last
    layer, and None for the heading of an expanded one. ``counts`` are the totals over all ``times`` identical repeats.
    """

    label: str
    depth: int
    kind: str
    info: LayerInfo | None
    counts: Counts | None
    times: int = 1
    is_layer: bool = False


class _Branch(NamedTuple):
    """A composite with its layers and nested composites, in order."""

    group: Group
    children: list[_Branch | LayerInfo]


def outline(inferred: Inferred, depth: int | None = None) -> list[Row]:
    """The rows of a network. Composites are expanded ``depth`` levels deep: 0 for none, None for all."""
    rows: list[Row] = []
    _add_rows(_tree(inferred), "", 0, depth, rows)
    return rows


def collapsed(inferred: Inferred, depth: int) -> list[Row]:
    """A row for each layer and each composite ``depth`` levels deep, under its full name.

    Unlike in an outline there are no headings, and what is repeated counts as often as it is: the rows add up to the
    totals.
    """
    rows: list[Row] = []
    headings: list[Row] = []
    for row in outline(inferred, depth):
        del headings[row.depth :]
        if row.counts is None:
            headings.append(row)
            continue
        within = prod(heading.times for heading in headings)
        counts = {quantity: count * within for quantity, count in row.counts.items()}
        label = ".".join([*(heading.label for heading in headings), row.label])
        rows.append(row._replace(label=label, depth=0, counts=counts, times=row.times * within))
    return rows


def flat(inferred: Inferred) -> list[Row]:
    """A row for each layer, under its full name."""
    return [
        Row(info.node.name, 0, info.node.layer.kind, info, _counts_of(info), is_layer=True)
        for info in inferred.layers.values()
    ]


def total_label(inferred: Inferred, rows: list[Row]) -> str:
    """``total``, or ``total of all 12 layers`` above which only some of the layers are listed."""
    return f"total of all {counted(len(inferred.layers), 'layer')}" if is_partial(inferred, rows) else "total"


def is_partial(inferred: Inferred, rows: list[Row]) -> bool:
    """Whether the rows are only some of the layers."""
    return all(row.is_layer for row in rows) and len(rows) < len(inferred.layers)


def subtotal(rows: list[Row]) -> Row:
    """The sums over some of the layers as a row without a type."""
    counts = {name: add_up(row.counts[name] for row in rows if row.counts is not None) for name in SUMMED}
    return Row(f"subtotal of {counted(len(rows), 'layer')}", 0, "", None, counts)


def _tree(inferred: Inferred) -> list[_Branch | LayerInfo]:
    """Nest the groups by the ranges of nodes that they cover."""
    nodes = list(inferred.layers.values())
    pending = sorted(inferred.graph.groups, key=lambda group: (group.first, -group.last, group.name.count(".")))
    top: list[_Branch | LayerInfo] = []
    open_branches: list[_Branch] = []
    at = 0
    for group in pending:
        if group.first == group.last:
            continue  # nothing in it
        at = _fill(nodes, at, group.first, open_branches, top)
        while open_branches and open_branches[-1].group.last <= group.first:
            open_branches.pop()
        branch = _Branch(group, [])
        (open_branches[-1].children if open_branches else top).append(branch)
        open_branches.append(branch)
    _fill(nodes, at, len(nodes), open_branches, top)
    return top


def _fill(
    nodes: list[LayerInfo], at: int, until: int, open_branches: list[_Branch], top: list[_Branch | LayerInfo]
) -> int:
    """Add the nodes from ``at`` to ``until`` to the innermost composites that cover them."""
    while at < until:
        while open_branches and open_branches[-1].group.last <= at:
            open_branches.pop()
        (open_branches[-1].children if open_branches else top).append(nodes[at])
        at += 1
    return at


def _add_rows(children: list[_Branch | LayerInfo], parent: str, level: int, depth: int | None, rows: list[Row]) -> None:
    for child, times in _folded(children):
        if isinstance(child, LayerInfo):
            label, kind = _within(child.node.name, parent), child.node.layer.kind
            rows.append(Row(label, level, kind, child, _counts_of(child), is_layer=True))
            continue
        label, times, branch = _merged(child, times, parent)
        if depth is not None and level >= depth:
            counts = {quantity: count * times for quantity, count in _total(branch).items()}
            rows.append(Row(label, level, branch.group.kind, _last(branch), counts, times))
        else:
            rows.append(Row(label, level, branch.group.kind, None, None, times))
            _add_rows(branch.children, branch.group.name, level + 1, depth, rows)


def _merged(branch: _Branch, times: int, parent: str) -> tuple[str, int, _Branch]:
    """Merge a composite that only holds another one with it: ``stage1.0-2.bottleneck1``."""
    label = _repeat_label(_within(branch.group.name, parent), times)
    while True:
        inside = list(_folded(branch.children))
        child, repeats = inside[0]
        if len(inside) != 1 or not isinstance(child, _Branch):
            return label, times, branch
        label = f"{label}.{_repeat_label(_within(child.group.name, branch.group.name), repeats)}"
        branch, times = child, times * repeats


def _repeat_label(label: str, times: int) -> str:
    return label if times == 1 else f"{int(label) - times + 1}-{label}"


def _last(branch: _Branch) -> LayerInfo:
    last = branch.children[-1]
    return last if isinstance(last, LayerInfo) else _last(last)


def _within(name: str, parent: str) -> str:
    """A name within its parent; a merge layer beside the composite that it ends keeps the last part of its name."""
    return name[len(parent) + 1 :] if name.startswith(f"{parent}.") else name.rpartition(".")[2]


def _folded(children: list[_Branch | LayerInfo]) -> Iterator[tuple[_Branch | LayerInfo, int]]:
    """Children with the number of times that each is repeated. Identical repeats are one row, that of the last one:
    its receptive field is the one that later layers build on.
    """
    at = 0
    while at < len(children):
        child, times = children[at], 1
        if isinstance(child, _Branch) and child.group.kind == "round":
            signature = _signature(child)
            while at + times < len(children) and _is_same_repeat(children[at + times], signature):
                times += 1
        yield children[at + times - 1], times
        at += times


def _is_same_repeat(child: _Branch | LayerInfo, signature: tuple[object, ...]) -> bool:
    return isinstance(child, _Branch) and child.group.kind == "round" and _signature(child) == signature


def _signature(branch: _Branch) -> tuple[object, ...]:
    """The signature of a repeat, equal for identical ones: the same layers on inputs of the same shapes."""
    return tuple(
        _signature(child) if isinstance(child, _Branch) else (child.node.layer, child.input_shapes)
        for child in branch.children
    )


def _counts_of(info: LayerInfo) -> Counts:
    return {name: getattr(info.stats, name) for name in SUMMED}


def _total(branch: _Branch) -> Counts:
    counts = dict.fromkeys(SUMMED, 0)
    pending: list[_Branch | LayerInfo] = [branch]
    while pending:
        child = pending.pop()
        if isinstance(child, _Branch):
            pending.extend(child.children)
        else:
            for name in SUMMED:
                counts[name] += getattr(child.stats, name)
    return counts
