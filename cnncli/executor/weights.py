"""Weights on disk: safetensors, which cannot run code, under the layers' names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from cnncli.errors import CnnError, suggestion
from cnncli.executor.network import own_tensors
from cnncli.recipe import INITS
from cnncli.runs import WEIGHTS, write_whole


def save_weights(network: nn.Module, path: Path) -> None:
    """Write all parameters and buffers, whole or not at all."""
    write_whole(path, save({name: tensor.detach().cpu().contiguous() for name, tensor in own_tensors(network).items()}))


def load_matching(network: nn.Module, start: str) -> Iterator[str]:
    """Fill what matches by name and shape from a run, a safetensors file or a state_dict; say what did not match.

    A state_dict is read as weights only, which cannot run code. Raises CnnError where nothing matches.
    """
    path = Path(start).expanduser()
    tensors = _tensors_of(path / WEIGHTS if path.is_dir() else path, start)
    own = own_tensors(network)
    matching = {name: tensor for name, tensor in tensors.items() if name in own and own[name].shape == tensor.shape}
    if not matching:
        raise CnnError(
            f"--init {start}: no weight has the name and shape of one of the network",
            f"it has {', '.join([*tensors][:3])} …; the network has {', '.join([*own][:3])} …",
        )
    with torch.no_grad():
        for name, tensor in matching.items():
            own[name].copy_(tensor)
    yield f"{len(matching)} of {len(own)} weights from {start}"
    left = [name for name in own if name not in matching]
    other = [f"{name} ({'another shape' if name in tensors else 'not there'})" for name in left]
    unused = [name for name in tensors if name not in own]
    if other:
        yield f"not matched, so as new: {', '.join(other[:6])}{', …' if len(other) > 6 else ''}"
    if unused:
        yield f"not used: {', '.join(unused[:6])}{', …' if len(unused) > 6 else ''}"


def _tensors_of(path: Path, start: str) -> dict[str, Tensor]:
    try:
        if path.suffix in (".pt", ".pth", ".bin", ".ckpt"):
            found = torch.load(path, map_location="cpu", weights_only=True)
            found = found.get("state_dict", found) if isinstance(found, dict) else {}
        else:
            found = load(path.read_bytes())
    except FileNotFoundError:
        known = f"it is one of {', '.join(INITS)}, a run folder, or a file of weights"
        raise CnnError(f"--init {start}: there is no such file or run", suggestion(start, INITS, known)) from None
    except OSError as error:
        raise CnnError(f"--init {start}: cannot be read: {error.strerror or error}") from None
    except (SafetensorError, ValueError, RuntimeError, UnpicklingError, EOFError):
        hint = "save it with torch.save(network.state_dict(), …), or as safetensors: whole networks may hold code"
        raise CnnError(f"--init {start}: is no file of weights", hint) from None
    return {name: tensor for name, tensor in found.items() if isinstance(tensor, Tensor)}


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
