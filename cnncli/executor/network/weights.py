"""Weights on disk, by the layers' names, as safetensors, which cannot run code."""

from __future__ import annotations

import os
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import save
from torch import Tensor, nn

from cnncli.arithmetic.shape import format_shape
from cnncli.errors import CnnError, shortened, suggestion
from cnncli.executor.network.network import UNCOUNTED_BUFFERS, Network, own_tensors
from cnncli.executor.network.tensor_files import (
    DamagedError,
    TensorFile,
    TensorSpec,
    check_specs,
    check_values,
    open_tensors,
    opened,
)
from cnncli.inference import Inferred
from cnncli.io.writing import write_whole
from cnncli.recipe import INITS
from cnncli.runs.folder import WEIGHTS

PICKLED = (".pt", ".pth", ".bin", ".ckpt")
SHOWN = 6  # names in a message
STATE_DICT = "save it with torch.save(network.state_dict(), …), or as safetensors: pickled networks may contain code"


def save_weights(network: nn.Module, *paths: Path) -> None:
    """Write all parameters and buffers to each of the files, atomically."""
    data = save({name: tensor.detach().cpu().contiguous() for name, tensor in own_tensors(network).items()})
    for path in paths:
        write_whole(path, data)


def load_network(inferred: Inferred, path: Path) -> Network:
    """The network in evaluation mode, with its weights. Raises CnnError as :func:`load_weights` does.

    Memory for the weights is allocated once the file is known to hold them: an architecture.yaml of three lines can
    ask for any number of them.
    """
    with torch.device("meta"):
        own = own_tensors(Network(inferred))
    with _named(path), opened(path) as file:
        _check(file, own)
    network = Network(inferred).eval()
    load_weights(network, path)
    return network


def load_weights(network: nn.Module, path: Path) -> None:
    """Read the weights of the same network. Raises CnnError for a missing, damaged or different file."""
    with _named(path):
        with opened(path) as file:
            _check(file, own_tensors(network))
            tensors = {name: file.read(name) for name in file.specs}
        for name, tensor in tensors.items():
            check_values(name, tensor)
    network.load_state_dict(tensors, strict=False)  # shared weights are in the file once


def _check(file: TensorFile, own: Mapping[str, Tensor]) -> None:
    """Raises DamagedError if a file does not hold exactly the network's ``own`` tensors."""
    check_specs(file.specs, {name: (TensorSpec.of(tensor),) for name, tensor in own.items()}, required={*own})


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Raise what is wrong with a run's weights file as a CnnError."""
    try:
        yield
    except DamagedError as error:
        if not os.path.lexists(path):
            hint = "training stopped before the end of the first epoch; train the network again"
            raise CnnError(f"{path}: no weights", hint) from None
        hint = "this file or architecture.yaml may have been edited; train the network again"
        raise CnnError(f"{path}: not the network's weights: the file {error}", hint) from None


class Start(NamedTuple):
    """The tensors with which training starts: their specs by name, and the function that reads one."""

    specs: dict[str, TensorSpec]
    read: Callable[[str], Tensor]


def load_start(network: nn.Module, start: str, *, partial: bool = False) -> Iterator[str]:
    """Fill a network with the weights of a run, a safetensors file or a state_dict; yields messages for the user.

    Tensors match by name and shape. Raises CnnError if the network's tensors are not all in the file, unless
    ``partial`` allows that; also if none match, and for values that are NaN or infinite. A state_dict is read with
    ``weights_only``, which cannot run code.
    """
    path = Path(start).expanduser()
    path = path / WEIGHTS if path.is_dir() else path
    try:
        if path.suffix in PICKLED:
            yield from _fill(network, start, _pickled(path), partial)
            return
        with opened(path) as file:
            yield from _fill(network, start, Start(file.specs, file.read), partial)
    except DamagedError as error:
        if not os.path.lexists(path):
            known = f"use one of {', '.join(INITS)}, a run folder, or a weights file"
            hint = suggestion(start, INITS, known)
            raise CnnError(f"--init {start}: no such file or run", hint) from None
        raise CnnError(f"--init {start}: the file {error}", STATE_DICT) from None


def _fill(network: nn.Module, start: str, given: Start, partial: bool) -> Iterator[str]:
    own = own_tensors(network)
    matching = [name for name, spec in given.specs.items() if name in own and _matches(spec, TensorSpec.of(own[name]))]
    taken = {*matching}
    left = [name for name in own if name not in taken]
    needed = [
        name for name in left if name.rpartition(".")[2] not in UNCOUNTED_BUFFERS
    ]  # a count of steps may be missing
    unused = [name for name in given.specs if name not in own]
    if not any(name.rpartition(".")[2] not in UNCOUNTED_BUFFERS for name in matching):
        raise CnnError(
            f"--init {start}: no tensor has the name and shape of one of the network's",
            f"the file has {_some([*given.specs], 3)}; the network has {_some([*own], 3)}",
        )
    differing = _some([_difference(name, own[name], given.specs.get(name)) for name in needed])
    if needed and not partial:
        raise CnnError(
            f"--init {start}: has {len(matching)} of the network's {len(own)} tensors; the others: {differing}",
            "use weights of the same network, or --partial to initialize what does not match",
        )
    with torch.no_grad():
        for name in matching:
            tensor = given.read(name)
            try:
                check_values(name, tensor)
            except DamagedError as error:
                hint = "use another file, or --init kaiming"
                raise CnnError(f"--init {start}: the file {error}", hint) from None
            own[name].copy_(tensor)
    yield f"{len(matching)} of {len(own)} tensors from {start}"
    if needed:
        yield f"not matched, newly initialized: {differing}"
    if unused:
        yield f"not used: {_some(unused)}"


def _matches(spec: TensorSpec, own: TensorSpec) -> bool:
    """Whether a tensor can be copied: the same shape, and both types floating point or neither."""
    return spec.shape == own.shape and spec.dtype.lstrip("b").startswith("float") == own.dtype.startswith("float")


def _difference(name: str, own: Tensor, given: TensorSpec | None) -> str:
    if given is None:
        return f"{name} (not in the file)"
    if given.shape == tuple(own.shape):
        return f"{name} ({given.dtype} in the file)"
    return f"{name} ({_sizes(given.shape)} in the file, {_sizes(tuple(own.shape))} in the network)"


def _sizes(shape: tuple[int, ...]) -> str:
    return format_shape(shape) or "a single value"


def _some(names: list[str], most: int = SHOWN) -> str:
    shown = ", ".join(shortened(name, 100) for name in names[:most])
    return f"{shown}, …" if len(names) > most else shown


def _pickled(path: Path) -> Start:
    """The tensors of a state_dict written by torch.save. Raises DamagedError for anything else."""
    try:
        with open_tensors(path) as file, warnings.catch_warnings():
            if zipfile.is_zipfile(file):
                with zipfile.ZipFile(file) as archive:
                    if sum(entry.file_size for entry in archive.infolist()) > os.fstat(file.fileno()).st_size:
                        raise DamagedError("is compressed, which torch.save never does")
            file.seek(0)
            warnings.simplefilter("ignore")  # PyTorch warns about old formats
            found: Any = torch.load(file, map_location="cpu", weights_only=True)
    except DamagedError:
        raise
    except FileNotFoundError:
        raise DamagedError("is missing") from None
    except Exception as error:  # PyTorch does not document what it raises for other pickles
        raise DamagedError("holds more than tensors, or is damaged") from error
    found = found.get("state_dict", found) if isinstance(found, Mapping) else found
    if not isinstance(found, Mapping):
        raise DamagedError(f"holds a {type(found).__name__} instead of tensors by name")
    tensors = {name: value for name, value in found.items() if isinstance(name, str) and _is_plain(value)}
    if not tensors:
        nested = [str(name) for name, value in found.items() if isinstance(value, Mapping)]
        inside = f"; save only the entry that is a state_dict, of {_some(nested, 3)}" if nested else ""
        raise DamagedError(f"holds no tensors by name{inside}")
    return Start({name: TensorSpec.of(tensor) for name, tensor in tensors.items()}, tensors.__getitem__)


def _is_plain(value: object) -> bool:
    """Whether a value is a dense tensor in CPU memory: not sparse, quantized, complex, nested or on the meta device."""
    if not isinstance(value, Tensor) or value.is_quantized or value.is_complex() or value.is_nested:
        return False
    return value.layout is torch.strided and value.device.type == "cpu"
