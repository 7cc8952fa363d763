"""The value that each mistake gives for a quantity of a layer, and for its sum over layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from cnncli.homework.mistakes.count_mistakes import (
    Counts,
    of_activations,
    of_biases,
    of_parameter_bytes,
    of_params,
    of_weights,
)
from cnncli.homework.mistakes.operation_mistakes import of_batches, of_connections, of_flops, of_macs
from cnncli.homework.mistakes.texts import argument, plain
from cnncli.inference import BYTES_PER_PARAMETER, Inferred, LayerInfo
from cnncli.layers.conv import Conv, DepthwiseConv

COUNTS: dict[str, Callable[[Inferred, LayerInfo], Counts]] = {
    "params": of_params,
    "trainable": of_params,
    "weights": of_weights,
    "biases": of_biases,
    "parameter_bytes": of_parameter_bytes,
    "macs": of_macs,
    "flops": of_flops,
    "connections": of_connections,
    "activations": of_activations,
}
# Sums of other quantities have the mistakes of their terms alone.
_MADE_IN_ALL: dict[str, Callable[[Inferred, LayerInfo], Counts]] = {
    "params": lambda inferred, info: of_params(inferred, info, pairs=False),
    "trainable": lambda inferred, info: of_params(inferred, info, pairs=False),
    "macs": lambda inferred, info: of_macs(inferred, info, pairs=False),
}


def of_count(inferred: Inferred, info: LayerInfo, quantity: str) -> Counts:
    """The value that each mistake gives for a quantity of a layer."""
    wrong = COUNTS.get(quantity)
    found = wrong(inferred, info) if wrong is not None else {}
    # Biases are wrong where a convention excludes them. A layer without any has this mistake among its own.
    return {"counted_bias": info.stats.params, **found} if quantity in ("params", "trainable") else found


def of_sum(inferred: Inferred, members: Iterable[LayerInfo], quantity: str) -> Counts:
    """Mistakes in a sum: one mistake in every layer, a layer left out or counted twice, a product instead of a sum."""
    layers = list(members)
    counts = {info.node.name: getattr(info.stats, quantity) for info in layers}
    total, found = sum(counts.values()), Counts()
    if quantity in _MADE_IN_ALL:
        found |= _made_in_every_layer(inferred, layers, quantity, total)
    if quantity in ("params", "trainable"):
        found["forgot_bias"] = total - sum(info.stats.biases for info in layers)
        found["bn_count"] = total + sum(info.stats.buffers for info in layers)
        found["bytes_for_parameters"] = BYTES_PER_PARAMETER * total
        found |= _product(layers)
    if quantity == "macs":
        found |= {"macs_vs_flops": 2 * total, **of_batches(total)}
    if quantity == "flops":
        found["macs_vs_flops"] = sum(info.stats.macs for info in layers)
    found |= dict(_missing_or_double(layers, counts, total))
    return {name: value for name, value in found.items() if value != total}


def _made_in_every_layer(inferred: Inferred, layers: list[LayerInfo], quantity: str, total: int) -> Counts:
    """One mistake in all layers in which it can be made; a mistake about one layer, such as its kernel, in that one."""
    found: Counts = {}
    for info in layers:
        right, seen = getattr(info.stats, quantity), set[str]()
        for name, value in _MADE_IN_ALL[quantity](inferred, info).items():
            made = name if argument(name) else plain(name)
            if made not in seen:
                seen.add(made)
                found[made] = found.get(made, total) + value - right
    return found


def _missing_or_double(layers: list[LayerInfo], counts: dict[str, int], total: int) -> Iterator[tuple[str, int]]:
    by_kind: dict[str, list[LayerInfo]] = {}
    for info in layers:
        by_kind.setdefault(info.node.layer.kind, []).append(info)
    for kind, same in by_kind.items():
        count = sum(counts[info.node.name] for info in same)
        if count and total - count and len(same) > 1:
            yield f"total_missing_or_double#only the {kind} layers", count
            yield f"total_missing_or_double#without the {kind} layers", total - count
    for name, count in counts.items():
        if count and total - count:
            yield f"total_missing_or_double#only {name}", count
            yield f"total_missing_or_double#without {name}", total - count
            yield f"total_missing_or_double#twice {name}", total + count


def _product(layers: list[LayerInfo]) -> Counts:
    """The product of a depthwise and a pointwise convolution."""
    parameterized = [info for info in layers if info.stats.params]
    parts = [info.stats.weights for info in parameterized if isinstance(info.node.layer, Conv | DepthwiseConv)]
    if len(parts) != 2 or len(parameterized) != 2:
        return {}
    return {"separable_product": parts[0] * parts[1]}
