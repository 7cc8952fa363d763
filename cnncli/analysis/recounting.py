"""A network counted as another tool counts it, and by how much each layer type differs from our counts."""

from __future__ import annotations

from typing import NamedTuple

from cnncli.analysis.tool_conventions import Convention, keras_params
from cnncli.arithmetic.shape import Size, add_up
from cnncli.inference import Inferred, LayerInfo
from cnncli.layers import Layer
from cnncli.layers.conv import Conv
from cnncli.layers.norm import BatchNorm


class Recounted(NamedTuple):
    """A network counted by another convention, and notes about it."""

    inferred: Inferred
    notes: tuple[str, ...]


def operations(convention: Convention, info: LayerInfo) -> Size:
    """The operations of a layer as the tool counts them."""
    rule = convention.rules.get(type(info.node.layer))
    return rule(info) if rule is not None else 0


def params(convention: Convention, info: LayerInfo) -> Size:
    """The parameters of a layer as the tool counts them."""
    more = convention.extra_params(info) if convention.extra_params is not None else 0
    return info.stats.params + more


def recount(inferred: Inferred, convention: Convention) -> Recounted:
    """The network with ``macs`` and ``params`` as the tool counts them."""
    layers = {
        name: info._replace(
            stats=info.stats._replace(macs=operations(convention, info), params=params(convention, info))
        )
        for name, info in inferred.layers.items()
    }
    return Recounted(inferred._replace(layers=layers), tuple(_notes(inferred, convention)))


def _notes(inferred: Inferred, convention: Convention) -> list[str]:
    notes = [f"counted as {convention.tool} does: {convention.what}"]
    types = [type(info.node.layer) for info in inferred.layers.values() if info.stats.flops != 0]
    missed = {layer.kind: types.count(layer) for layer in dict.fromkeys(types) if layer not in convention.rules}
    if missed and convention.counts_operations:
        notes.append(f"not counted: {', '.join(f'{kind} ({count})' for kind, count in missed.items())}")
    if convention.extra_params is not None:
        notes += _keras_notes(inferred)
    return [*notes, *caveats(inferred, convention)]


def caveats(inferred: Inferred, convention: Convention) -> list[str]:
    """The counts of the tool that depend on how the network is written in PyTorch."""
    return list(filter(None, [convention.caveat(inferred)])) if convention.caveat is not None else []


def _keras_notes(inferred: Inferred) -> list[str]:
    statistics = add_up(info.stats.buffers for info in inferred.layers.values())
    biases = add_up(keras_params(info) - info.stats.buffers for info in inferred.layers.values())
    if not biases:
        return []
    total = inferred.totals["params"] + statistics
    return [
        f"{biases:,} of these are biases of convolutions that have none here: a Keras model with use_bias=False "
        f"has {total:,}"
    ]


# Reconciling ------------------------------------------------------------------------------------------------------


class Difference(NamedTuple):
    """The number of operations by which a tool's count for a layer type differs from ours, and why."""

    kind: str
    layers: int
    more: int
    reason: str


def differences(inferred: Inferred, convention: Convention) -> list[Difference]:
    """The differences of the operations, by layer type: they sum to the tool's total minus ours."""
    found: list[Difference] = []
    by_type: dict[type[Layer], list[LayerInfo]] = {}
    for info in inferred.layers.values():
        by_type.setdefault(type(info.node.layer), []).append(info)
    for layer, layers in by_type.items():
        more = sum(operations(convention, info) - info.stats.macs for info in layers)
        if more:
            reason = convention.reasons.get(layer, "not counted by the tool")
            found.append(Difference(layer.kind, len(layers), more, reason))
    return found


def param_differences(inferred: Inferred, convention: Convention) -> list[Difference]:
    """The differences of the parameters."""
    if convention.extra_params is None:
        return []
    info = inferred.layers.values()
    norms = [entry for entry in info if entry.stats.buffers]
    statistics = sum(entry.stats.buffers for entry in norms)
    biased = [entry for entry in info if keras_params(entry) > entry.stats.buffers]
    biases = sum(keras_params(entry) - entry.stats.buffers for entry in biased)
    found = [
        Difference(BatchNorm.kind, len(norms), statistics, "running statistics"),
        Difference(Conv.kind, len(biased), biases, "a bias that each convolution has by default"),
    ]
    return [difference for difference in found if difference.more]
