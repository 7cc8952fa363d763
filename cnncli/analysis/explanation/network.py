"""The explanation of a network: its totals, and which layers and repeats have the quantities of earlier ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cnncli.analysis.explanation.steps import DerivationStep, Explanation
from cnncli.arithmetic.tracing import Sum
from cnncli.inference import Inferred, LayerInfo

TOTALS = ("params", "macs", "flops", "connections")


def totals(inferred: Inferred) -> tuple[DerivationStep, ...]:
    """The sums over all layers, each as a sum of what is not 0."""
    steps = []
    for quantity in TOTALS:
        terms = [count for info in inferred.layers.values() if (count := getattr(info.stats, quantity))]
        if terms:
            expression = Sum(tuple((1, count) for count in terms))
            steps.append(DerivationStep(quantity, expression, inferred.totals[quantity]))
    return tuple(steps)


def explain_total(inferred: Inferred) -> Explanation:
    """The network as if it were one layer: its quantities are sums over the layers."""
    output = inferred.shape(inferred.graph.outputs[0])
    inputs = tuple((entry.name, entry.shape) for entry in inferred.graph.inputs)
    return Explanation("total", "network", "The sums over all layers", inputs, output, {}, totals(inferred), ())


class Reference(NamedTuple):
    """Layers whose quantities are those of earlier layers: one layer, or all layers of a repeat.

    ``name`` and ``like`` are names of layers, or of repeats (``kind`` is then ``repeat``).
    """

    name: str
    kind: str
    like: str
    layers: tuple[str, ...]


def references(inferred: Inferred, names: Sequence[str]) -> dict[str, Reference]:
    """By its first layer, each layer or repeat among ``names`` that has the quantities of an earlier one there.

    A repeat is referred to at once if an earlier repeat of the same composite has the same layers.
    """
    chosen = {name: at for at, name in enumerate(names)}
    found: dict[str, Reference] = {}
    explained: dict[tuple[object, ...], str] = {}
    for name in names:
        info = inferred.layers[name]
        like = explained.setdefault(_identity(info), name)
        if like != name:
            found[name] = Reference(name, info.node.layer.kind, like, (name,))
    for reference in _repeats(inferred, chosen):
        found[reference.layers[0]] = reference
    return found


def _identity(info: LayerInfo) -> tuple[object, ...]:
    """The determinants of a layer's shapes and counts; its receptive field also depends on the layers before it."""
    return info.node.layer, info.input_shapes, info.node.shares


def _repeats(inferred: Inferred, chosen: Mapping[str, int]) -> list[Reference]:
    """The outermost repeats of which all layers are chosen, in one row, and that equal an earlier one."""
    nodes = inferred.graph.nodes
    first_like: dict[tuple[object, ...], str] = {}
    found: list[Reference] = []
    covered = 0  # nodes before this one belong to a repeat that is referred to
    for group in sorted(inferred.graph.groups, key=lambda group: (group.first, -group.last)):
        layers = tuple(node.name for node in nodes[group.first : group.last])
        if group.kind != "round" or len(layers) < 2 or group.first < covered:
            continue
        places = [chosen.get(name, -1) for name in layers]
        if -1 in places or places != [*range(places[0], places[0] + len(places))]:
            continue
        key = (group.name.rpartition(".")[0], *(_identity(inferred.layers[name]) for name in layers))
        like = first_like.setdefault(key, group.name)
        if like != group.name:
            found.append(Reference(group.name, "repeat", like, layers))
            covered = group.last
    return found
