"""From a run or an architecture to the files that hold the network for other programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from cnncli.errors import CnnError
from cnncli.executor.export.formats import COMPARED_BATCH, check_onnx_is_here, difference, onnx, torchscript
from cnncli.executor.export.source import network_class, source
from cnncli.executor.network.agreement import check
from cnncli.executor.network.initialization import initialise
from cnncli.executor.network.network import Network, check_examples, own_tensors
from cnncli.executor.network.weights import load_network, save_weights
from cnncli.inference import Inferred
from cnncli.io.writing import write_output
from cnncli.loading import Loaded
from cnncli.recipe import read_recipe
from cnncli.runs.folder import Run

SUFFIXES = {"pytorch": ".py", "onnx": ".onnx", "torchscript": ".pt"}


@dataclass(frozen=True)
class Export:
    """What is to be written, and where; without a ``run`` its weights are the initial ones."""

    loaded: Loaded
    run: Run | None
    form: str
    output: Path | None
    force: bool

    @property
    def target(self) -> Path:
        """The file that is asked for, or one of the network's name."""
        return self.output or Path(self.loaded.slug + SUFFIXES[self.form])


@dataclass(frozen=True)
class Exported:
    """The files, and how far the outputs of what they hold are from the network's, as a share of the largest."""

    files: tuple[Path, ...]
    difference: float


def export(job: Export) -> Exported:
    """Write the network, once it has been seen to compute the same. Raises CnnError and then writes nothing."""
    files = _files(job)
    if job.form == "onnx":
        check_onnx_is_here()
    network = _network(job)
    inferred, record = job.loaded.inferred, job.run.record if job.run else None
    if job.form == "pytorch":
        text = source(inferred, job.loaded.slug, files[1].name, record)
        written, apart = text.encode(), _compared(text, network, job.loaded, files[0])
    elif job.form == "onnx":
        written, apart = onnx(network, inferred, record)
    else:
        written, apart = torchscript(network, inferred)
    try:
        if job.form == "pytorch":
            save_weights(network, files[1])
        write_output(files[0], written)
    except OSError as error:
        raise CnnError(f"{files[0]}: cannot be written: {error.strerror}", "choose another file with -o") from None
    return Exported(files, apart)


def _files(job: Export) -> tuple[Path, ...]:
    """The files to write. Raises CnnError where one is there already."""
    target = job.target
    if job.form == "pytorch" and target.suffix != ".py":
        raise CnnError(f"{target}: is no name for a Python file", f"write -o {target.stem}.py")
    files = (target, target.with_suffix(".safetensors")) if job.form == "pytorch" else (target,)
    for file in files:
        if file.is_dir():
            raise CnnError(f"{file}: is a folder", f"write -o {file / job.loaded.slug}{SUFFIXES[job.form]}")
        if file.exists() and not job.force:
            raise CnnError(f"{file}: exists already", "--force overwrites it, -o names another file")
    return files


def _network(job: Export) -> Network:
    """The network in evaluation mode, with the run's weights, or those that a training would begin with."""
    if job.run is None:
        check(job.loaded.inferred)
    inferred = job.loaded.inferred
    if job.run is not None:
        network = load_network(inferred, job.run.weights_file)
    else:
        network = Network(inferred).eval()
        recipe = read_recipe(job.loaded.graph.train, {})
        initialise(network, recipe.init, recipe.seed)
    check_examples(inferred, COMPARED_BATCH)
    return network


def _compared(text: str, network: Network, loaded: Loaded, file: Path) -> float:
    """Run the source with the network's weights; how far its outputs are from the network's."""
    inferred: Inferred = loaded.inferred
    names: dict[str, Any] = {"__name__": "exported", "__file__": str(file)}
    exec(compile(text, str(file), "exec", dont_inherit=True), names)
    module: nn.Module = names[network_class(inferred, loaded.slug)]().eval()
    module.load_state_dict(own_tensors(network), strict=False)  # what layers share stands once
    return difference(network, inferred, lambda inputs: _tuple(module(*inputs)))


def _tuple(output: Any) -> tuple[Any, ...]:
    return output if isinstance(output, tuple) else (output,)
