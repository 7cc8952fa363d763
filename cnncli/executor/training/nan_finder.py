"""Where a training that came apart first has a value that is not a number."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cnncli.executor.network.network import Network, own_tensors


@torch.no_grad()
def first_nonfinite_layer(network: Network, images: Tensor) -> str:
    """The first layer, in the order of computation, with a value that is not finite; empty where there is none.

    Batchnorm's statistics are put back, so that looking changes nothing.
    """
    kept = {name: tensor.clone() for name, tensor in own_tensors(network).items()}
    names = {id(step.module): step.name for step in network.steps}
    found: list[str] = []

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if found or bool(output.isfinite().all()):
            return
        weights = network.layers[names[id(module)]].parameters()  # a step that was rewritten has none of its own
        bad = not all(bool(weight.isfinite().all()) for weight in weights)
        value = "nan" if bool(output.isnan().any()) else "inf"
        found.append(f"{names[id(module)]} has {'weights that are not numbers' if bad else f'{value} in its output'}")

    handles = [step.module.register_forward_hook(hook) for step in network.steps]
    try:
        network(images)
    finally:
        for handle in handles:
            handle.remove()
        for name, tensor in own_tensors(network).items():
            tensor.copy_(kept[name])
    return found[0] if found else ""
