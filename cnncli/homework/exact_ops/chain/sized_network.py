"""The network of a chain, with the sizes that the weights of its layers give."""

from __future__ import annotations

from collections.abc import Mapping as MappingType

from cnncli.errors import Problem
from cnncli.graph import Graph
from cnncli.homework.exact_ops.chain.weight_sizes import Unsized
from cnncli.inference import Inferred, infer_all
from cnncli.language import Draft, Source, read
from cnncli.language.source import Mapping

ByPlace = MappingType[tuple[int, int], Unsized]
Found = tuple[Draft, Inferred, list[Problem]]


def network_of(source: Source, root: Mapping, unsized: ByPlace, *, may_be_channel: bool) -> Found:
    """The network of a tree, inferred, and its problems; ``may_be_channel`` says that a row may be one channel.

    The sizes that weights give are written to the tree.
    """
    found = _inferred(source, root, may_be_channel=may_be_channel)
    for _ in unsized:  # each time, at least one more layer is known to have the right sizes
        if not _refilled(found[1], unsized):
            break
        found = _inferred(source, root, may_be_channel=may_be_channel)
    return found


def _inferred(source: Source, root: Mapping, *, may_be_channel: bool) -> Found:
    draft = read(source, tree=root)
    inferred, problems = infer_all(draft.graph)
    if problems and may_be_channel:
        inferred, problems = _as_one_channel(draft.graph, inferred, problems)
    return draft, inferred, problems


def _refilled(inferred: Inferred, unsized: ByPlace) -> bool:
    """Write the sizes of the layers again, now that the inputs of more of them are known; whether any changed.

    Other inputs probably have as many axes as the last known one: guessing them saves an inference for each layer.
    """
    shapes = {entry.name: entry.shape for entry in inferred.graph.inputs}
    shapes |= {name: info.stats.output_shape for name, info in inferred.layers.items()}
    axes, has_changed = None, False
    for node in inferred.graph.nodes:
        place = node.origin("") if node.origin else None
        found = unsized.get((place.line - 1, place.column - 1)) if place else None
        shape = shapes.get(node.inputs[0]) if node.inputs else None  # an error leaves a layer without inputs
        if shape is not None:
            axes = len(shape) - 1 or axes
        if found is not None and (shape is not None or axes is not None):
            has_changed |= found.fill(shape, axes)
    return has_changed


def _as_one_channel(graph: Graph, inferred: Inferred, problems: list[Problem]) -> tuple[Inferred, list[Problem]]:
    """The network on a row as one channel instead of a vector, where more of its layers, or the first, take that."""
    if len(graph.inputs) != 1 or len(graph.inputs[0].shape) != 1:
        return inferred, problems
    entry = graph.inputs[0]
    channel, others = infer_all(graph._replace(inputs=(entry._replace(shape=(1, *entry.shape)),)))
    further = len(channel.layers) > len(inferred.layers) or not inferred.layers
    return (channel, others) if further else (inferred, problems)
