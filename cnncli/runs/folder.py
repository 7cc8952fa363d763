"""Run folders: the files that a training writes, in formats that other programs can read. No torch here.

``architecture.yaml`` and ``recipe.yaml`` with all overrides applied, ``run.json`` (see :mod:`cnncli.runs.record`),
``metrics.jsonl`` (a line per epoch), ``weights.safetensors`` (of the last epoch), ``best.safetensors`` (of the epoch
with the lowest held-out loss), and the checkpoints.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnncli.arithmetic.numerals import is_digits
from cnncli.arithmetic.shape import InvalidValue, format_shape, numel, read_channels_first
from cnncli.errors import CnnError, counted
from cnncli.io.files import is_file, read_bytes
from cnncli.runs.record import Normalization as Normalization
from cnncli.runs.record import RunRecord as RunRecord
from cnncli.runs.record import read_record, record_text

if TYPE_CHECKING:
    from cnncli.language import Source
    from cnncli.loading import Loaded
    from cnncli.recipe import Recipe
from cnncli.io.writing import open_no_link, write_whole

ARCHITECTURE, RECIPE, RUN, METRICS = "architecture.yaml", "recipe.yaml", "run.json", "metrics.jsonl"
WEIGHTS, BEST = "weights.safetensors", "best.safetensors"
MAX_FILE_BYTES = 4 << 20  # of a run.json: one with 22,000 classes has a sixth of it
MAX_METRICS_BYTES = 64 << 20  # of a metrics.jsonl: one with 100,000 epochs has half of it


@dataclass(frozen=True)
class Run:
    """A run folder and its record; ``weights`` names the weights file to use."""

    folder: Path
    record: RunRecord
    weights: str = WEIGHTS

    @property
    def weights_file(self) -> Path:
        """The path of the weights file."""
        return self.folder / self.weights

    def updated(self, **changes: Any) -> Run:
        """Change fields of the record, also on disk; the changed run."""
        run = replace(self, record=self.record.replace(**changes))
        write_whole(self.folder / RUN, record_text(run.record).encode())
        return run

    def cut_metrics(self, epochs: int) -> int:
        """Drop the lines after the first ``epochs`` from ``metrics.jsonl``: these epochs will be repeated.

        Lines that cannot be read, such as one that a kill cut short, are dropped, too; returns their number.
        """
        lines = [*metrics_in(self.folder)]
        kept = [json.dumps(metrics) for metrics in lines if metrics is not None and metrics["epoch"] <= epochs]
        if os.path.lexists(self.folder / METRICS):
            write_whole(self.folder / METRICS, "".join(f"{line}\n" for line in kept).encode())
        return lines.count(None)

    def add_metrics(self, metrics: dict[str, Any]) -> None:
        """Append a line to ``metrics.jsonl``."""
        with open(self.folder / METRICS, "a", encoding="utf-8", opener=open_no_link) as file:
            file.write(json.dumps(metrics) + "\n")


def create(folder: Path | None, record: RunRecord, architecture: str, recipe: dict[str, Any]) -> Run:
    """Create a run folder: ``folder``, which must be new or empty, else the next ``runs/NAME-001``.

    Raises CnnError if it cannot be written.
    """
    try:
        made = next_folder(record.name) if folder is None else _given_folder(folder)
        write_whole(made / ARCHITECTURE, architecture.encode())
        write_whole(made / RECIPE, _dumped(recipe))
        return Run(made, record).updated()
    except OSError as error:
        place = error.filename or folder or "runs"
        raise CnnError(
            f"{place}: cannot write the run: {error.strerror}", "choose another folder with --run-dir"
        ) from None


def _dumped(recipe: dict[str, Any]) -> bytes:
    """A recipe as YAML. Texts that our reader, unlike PyYAML, would read as numbers are quoted."""
    import yaml

    from cnncli.language.source import read_plain

    class Dumper(yaml.SafeDumper):
        def represent_text(self, text: str) -> yaml.ScalarNode:
            style = None if isinstance(read_plain(text), str) else "'"
            return self.represent_scalar("tag:yaml.org,2002:str", text, style)

    Dumper.add_representer(str, Dumper.represent_text)
    return yaml.dump(recipe, Dumper=Dumper, sort_keys=False).encode()


def next_folder(name: str) -> Path:
    """Create the next of ``runs/NAME-001``, ``runs/NAME-002``, …"""
    parent = Path("runs")
    parent.mkdir(exist_ok=True)
    taken = [entry.name.removeprefix(f"{name}-") for entry in parent.glob(f"{name}-*")]
    number = max((int(suffix) for suffix in taken if is_digits(suffix)), default=0)
    while True:  # another training may take the number at the same moment
        number += 1
        folder = parent / f"{name}-{number:03d}"
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder


def _given_folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise CnnError(f"{folder}: is not empty", "give --run-dir a new folder; a run never overwrites another")
    return folder


def is_run(text: str) -> bool:
    """Whether a text is the path of a run folder."""
    return bool(text) and is_file(Path(text) / RUN)


def load_architecture(
    run: Run, *, overrides: Mapping[str, str] = {}, inputs: Mapping[str, str] = {}, **how: Any
) -> Loaded:
    """The network of a run, with other variables and input shapes where they are given; ``how`` as for ``load_source``.

    Without ``inputs``, shapes are read as the version that trained it wrote them: 32x32x3, where 32@32x3 is written
    today. Raises CnnError if its file cannot be read.
    """
    from cnncli.loading import load_source

    record = run.record
    if not inputs:
        how["read_shape"] = read_channels_first
    overrides, inputs = {**(record.overrides or {}), **overrides}, inputs or record.inputs or {}
    return load_source(source_of(run), record.name, overrides=overrides, inputs=inputs, **how)


def open_run(folder: Path, *, best: bool = False) -> Run:
    """Read a run folder, to use its last weights or the ``best``. Raises CnnError if it is not one, or is damaged."""
    path = folder / RUN
    try:
        record = read_record(read_bytes(path, MAX_FILE_BYTES).decode())
    except FileNotFoundError:
        raise CnnError(f"{folder}: is not a run folder (it has no {RUN})", _known_runs()) from None
    except NotADirectoryError:
        raise CnnError(f"{folder}: is a file, not a run folder", _known_runs()) from None
    except InvalidValue as error:
        raise CnnError(f"{path}: {error}", error.hint or _BY_HAND) from None
    except RecursionError:
        raise CnnError(f"{path}: is nested too deeply", _BY_HAND) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CnnError(f"{path}: cannot be read: {reason}", _BY_HAND) from None
    return Run(folder, record, BEST if best else WEIGHTS)


_BY_HAND = "it may have been edited; cnn train writes this file"


def source_of(run: Run) -> Source:
    """The text of a run's architecture. Raises CnnError if it cannot be read."""
    return _source(run.folder / ARCHITECTURE)


def _source(path: Path) -> Source:
    from cnncli.language import decode

    try:
        return decode(str(path), read_bytes(path, MAX_FILE_BYTES))
    except FileNotFoundError:
        raise CnnError(f"{path}: no such file", "the run folder is incomplete") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CnnError(f"{path}: cannot be read: {reason}") from None


def architecture_of(run: Run) -> Loaded:
    """The network of a run, with the name under which it was trained.

    Raises CnnError if its file cannot be read, or if ``run.json`` belongs to another network.
    """
    loaded = load_architecture(run)
    _check_fit(run, loaded)
    return loaded


def _check_fit(run: Run, loaded: Loaded) -> None:
    """Raises CnnError if the record's task, classes or normalization do not fit the network."""
    record, graph = run.record, loaded.graph
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise CnnError(f"{run.folder / ARCHITECTURE}: a run's network has one input and one output", _BY_HAND)
    shape, output = graph.inputs[0].shape, loaded.inferred.shape(graph.outputs[0])
    channels = len(record.normalisation.mean)
    if (record.task == "segmentation") != (len(output) > 1):
        problem = f"the task is {record.task}, and the network's output is {format_shape(output)}"
    elif output[0] != len(record.classes):
        problem = f"has {counted(len(record.classes), 'class')}, and the network's output is {format_shape(output)}"
    elif channels != shape[0] if len(shape) > 1 else shape[0] % channels:
        problem = (
            f"the normalization has {counted(channels, 'channel')}, and the network's input is {format_shape(shape)}"
        )
    elif record.columns and len(record.columns) != numel(shape):
        problem = f"has {counted(len(record.columns), 'column')}, and the network's input is {format_shape(shape)}"
    else:
        return
    raise CnnError(f"{run.folder / RUN}: {problem}", _BY_HAND)


def recipe_of(run: Run) -> Recipe:
    """The recipe of a run. Raises CnnError if it cannot be read."""
    from cnncli.language.source import parse, plain_tree
    from cnncli.recipe.serialization import from_dict

    path = run.folder / RECIPE
    values = plain_tree(parse(_source(path)))
    if not isinstance(values, dict):
        raise CnnError(f"{path}: is not a recipe", _BY_HAND)
    try:
        return from_dict(values)
    except CnnError as error:
        raise CnnError(f"{path}: {error.problems[0].message}", _BY_HAND) from None


def metrics_in(folder: Path) -> Iterator[dict[str, float] | None]:
    """The metrics in each line of a run's ``metrics.jsonl``, with their ``epoch``; None for a damaged line."""
    try:
        data = read_bytes(folder / METRICS, MAX_METRICS_BYTES)
    except FileNotFoundError:
        return
    except (OSError, CnnError):
        yield None
        return
    for line in data.splitlines():
        try:
            metrics = json.loads(line.decode())
        except (ValueError, RecursionError):
            metrics = None
        yield metrics if _are_metrics(metrics) else None


def _are_metrics(value: object) -> bool:
    """Whether a value is a mapping of names to numbers that includes the number of the epoch."""
    if not isinstance(value, dict) or type(value.get("epoch")) is not int or value["epoch"] < 1:
        return False
    return all(type(number) is float or (type(number) is int and abs(number) < 10**15) for number in value.values())


def _known_runs() -> str:
    found = sorted(entry.parent for entry in Path("runs").glob(f"*/{RUN}"))
    return f"runs here: {', '.join(map(str, found[-5:]))}" if found else "cnn train creates runs/NAME-001"
