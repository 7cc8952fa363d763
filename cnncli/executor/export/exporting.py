"""Write the network of a run or an architecture to files for other programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from cnncli.errors import CnnError
from cnncli.executor.export.onnx_torchscript import (
    COMPARED_BATCH,
    check_onnx_is_installed,
    difference,
    onnx,
    torchscript,
)
from cnncli.executor.export.python_source import network_class, source
from cnncli.executor.network.agreement import check
from cnncli.executor.network.initialization import initialize
from cnncli.executor.network.network import Network, check_examples, own_tensors
from cnncli.executor.network.weights import load_network, save_weights
from cnncli.inference import Inferred
from cnncli.io.writing import write_output
from cnncli.loading import Loaded
from cnncli.recipe.serialization import read_recipe
from cnncli.runs.folder import Run

SUFFIXES = {"pytorch": ".py", "onnx": ".onnx", "torchscript": ".pt"}


@dataclass(frozen=True)
class Export:
    """The network to write, and the file. Without a ``run`` the weights are the initial ones."""

    loaded: Loaded
    run: Run | None
    format: str
    output: Path | None
    force: bool

    @property
    def target(self) -> Path:
        """The output file; by default it has the network's name."""
        return self.output or Path(self.loaded.slug + SUFFIXES[self.format])


@dataclass(frozen=True)
class Exported:
    """The files written, and how far their outputs are from the network's, relative to the largest output."""

    files: tuple[Path, ...]
    difference: float


def export(job: Export) -> Exported:
    """Write the network once what is written has been run and compared. Raises CnnError, and then writes nothing."""
    files = _files(job)
    if job.format == "onnx":
        check_onnx_is_installed()
    network = _network(job)
    inferred, record = job.loaded.inferred, job.run.record if job.run else None
    if job.format == "pytorch":
        text = source(inferred, job.loaded.slug, files[1].name, record)
        content, apart = text.encode(), _difference_of(text, network, job.loaded, files[0])
    elif job.format == "onnx":
        content, apart = onnx(network, inferred, record)
    else:
        content, apart = torchscript(network, inferred)
    try:
        if job.format == "pytorch":
            save_weights(network, files[1])
        write_output(files[0], content)
    except OSError as error:
        raise CnnError(f"{files[0]}: cannot be written: {error.strerror}", "choose another file with -o") from None
    return Exported(files, apart)


def _files(job: Export) -> tuple[Path, ...]:
    """The files to write. Raises CnnError if one already exists."""
    target = job.target
    if job.format == "pytorch" and target.suffix != ".py":
        raise CnnError(f"{target}: is not a Python file name", f"use -o {target.stem}.py")
    files = (target, target.with_suffix(".safetensors")) if job.format == "pytorch" else (target,)
    for file in files:
        if file.is_dir():
            raise CnnError(f"{file}: is a folder", f"use -o {file / job.loaded.slug}{SUFFIXES[job.format]}")
        if file.exists() and not job.force:
            raise CnnError(f"{file}: already exists", "use --force to overwrite it, or -o for another file")
    return files


def _network(job: Export) -> Network:
    """The network in evaluation mode, with the run's weights or the initial ones of a training run."""
    if job.run is None:
        check(job.loaded.inferred)
    inferred = job.loaded.inferred
    if job.run is not None:
        network = load_network(inferred, job.run.weights_file)
    else:
        network = Network(inferred).eval()
        recipe = read_recipe(job.loaded.graph.train, {})
        initialize(network, recipe.init, recipe.seed)
    check_examples(inferred, COMPARED_BATCH)
    return network


def _difference_of(text: str, network: Network, loaded: Loaded, file: Path) -> float:
    """Run the source with the network's weights: how far its outputs are from the network's."""
    inferred: Inferred = loaded.inferred
    names: dict[str, Any] = {"__name__": "exported", "__file__": str(file)}
    exec(compile(text, str(file), "exec", dont_inherit=True), names)
    module: nn.Module = names[network_class(inferred, loaded.slug)]().eval()
    module.load_state_dict(own_tensors(network), strict=False)  # shared weights are there once
    return difference(network, inferred, lambda inputs: _tuple(module(*inputs)))


def _tuple(output: Any) -> tuple[Any, ...]:
    return output if isinstance(output, tuple) else (output,)
