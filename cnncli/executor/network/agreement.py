"""Whether torch agrees with the inferred output shapes, the names and shapes of the weights, and their totals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from cnncli.arithmetic.shape import Shape, format_shape
from cnncli.errors import CnnError
from cnncli.executor.network.network import BUG, UNCOUNTED_BUFFERS, Network, own_tensors, place_of, torch_errors_at
from cnncli.inference import Inferred, LayerInfo

CHECK_BATCH = 2  # a batch of 1 could hide an axis that is dropped


def check(inferred: Inferred) -> None:
    """Run the network on the meta device, where nothing is computed, and compare all shapes and totals with ours.

    Raises CnnError naming the first layer on which torch and the inference disagree: that is a bug in cnn, and is
    better found before the training than after it.
    """
    with torch.device("meta"):
        network = Network(inferred).eval()
        with torch_errors_at("input"):
            values = {entry.name: torch.empty(CHECK_BATCH, *entry.shape) for entry in inferred.graph.inputs}
    for step in network.steps:
        info = inferred.layers[step.name]
        _expect("" if info.node.shares else weight_difference(info, step.module), place_of(info))
        with torch.no_grad(), torch_errors_at(place_of(info)):
            values[step.name] = step.module(*[values[name] for name in step.inputs])
        different = shape_difference(info.stats.output_shape, tuple(values[step.name].shape[1:]))
        _expect(different and f"output {different}", place_of(info))
        for name in step.done_with:
            del values[name]
    _expect(network_difference(inferred, network), inferred.graph.name or "the network")


def _expect(difference: str, place: str) -> None:
    if difference:
        raise CnnError(f"{place}: cnn and torch disagree: {difference}", BUG)


def shape_difference(ours: Shape, theirs: Shape) -> str:
    """``6x28x28, torch 6x27x27``; empty if the shapes are equal."""
    return "" if ours == theirs else f"{format_shape(ours)}, torch {format_shape(theirs)}"


def weight_difference(info: LayerInfo, module: nn.Module) -> str:
    """The first weight or buffer of a layer that its module does not have with the same name and shape; else empty."""
    return _first_difference(dict(_expected(info)), _shapes((*module.named_parameters(), *module.named_buffers())))


def network_difference(inferred: Inferred, network: Network) -> str:
    """The first difference between the weights that torch saves, by dotted name, and ours, or between the totals.

    A weight that several layers share is compared once.
    """
    ours = {f"{name}.{weight}": shape for name, info in inferred.layers.items() for weight, shape in _expected(info)}
    different = _first_difference(ours, _shapes(own_tensors(network).items()))
    if different:
        return different
    totals, parameters = inferred.totals, [*network.parameters()]
    counted = {
        "params": sum(parameter.numel() for parameter in parameters),
        "trainable": sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
    }
    return ", ".join(f"{name} {totals[name]:,}, torch {n:,}" for name, n in counted.items() if totals[name] != n)


def _expected(info: LayerInfo) -> Iterable[tuple[str, Shape]]:
    return (*info.stats.weight_shapes.items(), *info.stats.buffer_shapes.items())


def _shapes(tensors: Iterable[tuple[str, Tensor]]) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in tensors if name.rpartition(".")[2] not in UNCOUNTED_BUFFERS}


def _first_difference(ours: Mapping[str, Shape], theirs: Mapping[str, Shape]) -> str:
    name = next((name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)), None)
    if name is None:
        return ""
    shown = [format_shape(shapes[name]) if name in shapes else "none" for shapes in (ours, theirs)]
    return f"{name} {shown[0]}, torch {shown[1]}"
