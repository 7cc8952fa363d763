"""The calculated memory of training against what torch takes, over the bundled networks.

    python benchmarks/memory.py [NAME…]

On a CPU: the bytes of the tensors that autograd keeps. On a GPU also torch.cuda.max_memory_allocated of a whole step,
against the calculated total of training.
"""

from __future__ import annotations

import sys

import torch

from cnncli import load
from cnncli.analysis.memory import memory
from cnncli.executor.network.network import Network
from cnncli.inference import Inferred

BATCH = 2
NAMES = (
    *("lenet5", "alexnet", "vgg16", "resnet18", "resnet50", "googlenet", "densenet121", "squeezenet1_0"),
    *("mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "shufflenet_v2_x1_0", "convnext_tiny", "unet"),
)


def kept_by_autograd(inferred: Inferred) -> int:
    """Bytes of the distinct tensors that a forward pass keeps, parameters aside."""
    network = Network(inferred).train()
    own = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *network.buffers())}
    kept: dict[int, int] = {}
    alive = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        alive.append(tensor)
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        network(*(torch.randn(BATCH, *entry.shape) for entry in inferred.graph.inputs))
    return sum(size for address, size in kept.items() if address not in own)


def taken_on_gpu(inferred: Inferred) -> int:
    """The most bytes allocated during a step of plain SGD."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    network = Network(inferred).train().cuda()
    output = network(*(torch.randn(BATCH, *entry.shape, device="cuda") for entry in inferred.graph.inputs))
    outputs = output if isinstance(output, tuple) else (output,)
    sum(entry.float().sum() for entry in outputs).backward()  # type: ignore[union-attr]
    return torch.cuda.max_memory_allocated() - before


def main() -> None:
    """Print a line per network: calculated, measured, and their ratio."""
    for name in sys.argv[1:] or NAMES:
        inferred = load(name).inferred
        found = memory(inferred, BATCH)
        measured = kept_by_autograd(inferred)
        line = f"{name:20} kept {found.saved_activations:>14,} torch {measured:>14,}"
        line += f"  ratio {found.saved_activations / measured:.3f}"
        if torch.cuda.is_available():
            line += f"  in all {found.training:,} GPU {taken_on_gpu(inferred):,}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
