"""What autograd keeps of a forward pass, measured."""

from __future__ import annotations

import torch


def kept_by_autograd(network: torch.nn.Module, inputs: list[torch.Tensor]) -> int:
    """Bytes of the distinct tensors that the forward pass keeps for the backward pass, parameters aside."""
    own = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *network.buffers())}
    kept: dict[int, int] = {}
    alive = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        alive.append(tensor)  # so that no address is used twice
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = network(*inputs)
    assert output is not None
    return sum(size for address, size in kept.items() if address not in own)
