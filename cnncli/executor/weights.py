"""Weights on disk: safetensors, which cannot run code, under the layers' names."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from cnncli.errors import CnnError
from cnncli.executor.network import own_tensors
from cnncli.runs import write_whole


def save_weights(network: nn.Module, path: Path) -> None:
    """Write all parameters and buffers, whole or not at all."""
    write_whole(path, save({name: tensor.detach().cpu().contiguous() for name, tensor in own_tensors(network).items()}))


def load_weights(network: nn.Module, path: Path) -> None:
    """Read the weights of the same network. Raises CnnError for a missing, damaged or different file."""
    try:
        tensors = load(path.read_bytes())
    except FileNotFoundError:
        raise CnnError(f"{path}: there are no weights", "the training ended before its first epoch did") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise CnnError(f"{path}: the weights cannot be read: {error}", "train the network again") from None
    own = own_tensors(network)
    for name in (*own, *tensors):
        if name not in own or name not in tensors or own[name].shape != tensors[name].shape:
            raise CnnError(
                f"{path}: the weights are not this network's: {name} differs", "was architecture.yaml changed by hand?"
            )
    network.load_state_dict(tensors, strict=False)  # what layers share stands once in the file
