"""Run folders: what a training leaves behind, in files that anyone can read. No torch here.

``architecture.yaml`` and ``recipe.yaml`` as resolved (overrides put in), ``run.json`` (data, classes, normalisation,
versions, command line, how it ended), ``metrics.jsonl`` (a line per epoch), ``weights.safetensors`` (the last epoch's),
``best.safetensors`` (of the epoch with the lowest held-out loss), and the checkpoints.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnncli.arithmetic.numerals import is_digits
from cnncli.arithmetic.shape import InvalidValue, format_shape, numel, read_channels_first
from cnncli.errors import CnnError
from cnncli.io.files import read_bytes
from cnncli.runs.record import Normalization as Normalization
from cnncli.runs.record import RunRecord as RunRecord
from cnncli.runs.record import read_record, record_text

if TYPE_CHECKING:
    from cnncli.language import Source
    from cnncli.loading import Loaded
    from cnncli.recipe import Recipe

ARCHITECTURE, RECIPE, RUN, METRICS, WEIGHTS, BEST, LOCK = (
    "architecture.yaml",
    "recipe.yaml",
    "run.json",
    "metrics.jsonl",
    "weights.safetensors",
    "best.safetensors",
    ".lock",
)
FILE_LIMIT = 4 << 20  # bytes of a run.json: those of 22,000 classes have a sixth of it
METRICS_LIMIT = 64 << 20  # bytes of a metrics.jsonl: those of 100,000 epochs have half of it


@dataclass(frozen=True)
class Run:
    """A run folder and its record; ``weights`` names the file of the weights that are asked for."""

    folder: Path
    record: RunRecord
    weights: str = "weights.safetensors"

    @property
    def weights_file(self) -> Path:
        """The file of weights."""
        return self.folder / self.weights

    def updated(self, **changes: Any) -> Run:
        """Write changes of the record to disk; the run as it is then."""
        run = replace(self, record=self.record.replaced(**changes))
        write_whole(self.folder / RUN, record_text(run.record).encode())
        return run

    def cut_metrics(self, epochs: int) -> int:
        """Keep the lines of the first epochs of ``metrics.jsonl``: what was done after a checkpoint is done again.

        Lines that cannot be read are left out, as one that was being written when the training was killed; how many.
        """
        lines = [*metrics_in(self.folder)]
        kept = [json.dumps(figures) for figures in lines if figures is not None and figures["epoch"] <= epochs]
        if os.path.lexists(self.folder / METRICS):
            write_whole(self.folder / METRICS, "".join(f"{line}\n" for line in kept).encode())
        return lines.count(None)

    def add_metrics(self, metrics: dict[str, Any]) -> None:
        """Append a line to ``metrics.jsonl``."""
        with open(self.folder / METRICS, "a", encoding="utf-8", opener=_no_link) as file:
            file.write(json.dumps(metrics) + "\n")


def _no_link(path: str, flags: int) -> int:
    """Open a file of a run folder. Raises OSError where it is a link; a FIFO is not waited for."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), 0o666)


@contextmanager
def _lock_file(folder: Path, flags: int) -> Iterator[int]:
    """The descriptor of a run's lock. Raises OSError where it is a link; a pipe is not waited for."""
    descriptor = _no_link(os.fspath(folder / LOCK), flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a run for this process alone. Raises CnnError where another trains in it."""
    try:
        import fcntl
    except ImportError:  # Windows has no flock
        yield
        return
    with _lock_file(folder, os.O_RDWR | os.O_CREAT) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CnnError(f"{folder}: another process is training in it", "wait for it, or stop it first") from None
        except OSError:  # some network file systems have no locks
            pass
        yield


def is_held(folder: Path) -> bool:
    """Whether a process holds a run: one whose record says that it is running, and is not held, was killed."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        with _lock_file(folder, os.O_RDONLY) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    except OSError:  # not ours to ask
        return True


def create(folder: Path | None, record: RunRecord, architecture: str, recipe: dict[str, Any]) -> Run:
    """Make a run folder: ``folder``, which must be new or empty, or else the next ``runs/NAME-001``.

    Raises CnnError where it cannot be made.
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
    """A recipe as YAML. A text that the file's reader would take for a number is quoted, as PyYAML alone would not."""
    import yaml

    from cnncli.language.source import read_plain

    class Dumper(yaml.SafeDumper):
        def represent_text(self, text: str) -> yaml.ScalarNode:
            style = None if isinstance(read_plain(text), str) else "'"
            return self.represent_scalar("tag:yaml.org,2002:str", text, style)

    Dumper.add_representer(str, Dumper.represent_text)
    return yaml.dump(recipe, Dumper=Dumper, sort_keys=False).encode()


def next_folder(name: str) -> Path:
    """Make the next ``runs/NAME-001``."""
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


def open_run(folder: Path, *, best: bool = False) -> Run:
    """Read a run folder, for the last weights or the ``best``. Raises CnnError where it is none, or is damaged."""
    path = folder / RUN
    try:
        record = read_record(read_bytes(path, FILE_LIMIT).decode())
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


_BY_HAND = "was it changed by hand? cnn train writes it"


def source_of(run: Run) -> Source:
    """The text of a run's architecture. Raises CnnError where it cannot be read."""
    return _source(run.folder / ARCHITECTURE)


def _source(path: Path) -> Source:
    from cnncli.language import decode

    try:
        return decode(str(path), read_bytes(path, FILE_LIMIT))
    except FileNotFoundError:
        raise CnnError(f"{path}: no such file", "the run folder is not whole") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CnnError(f"{path}: cannot be read: {reason}") from None


def architecture_of(run: Run) -> Loaded:
    """The network of a run, under the name that it was trained as.

    An input is taken as it was in the training: earlier versions wrote 32x32x3 where 32@32x3 is written today.
    Raises CnnError where its file cannot be read, and where ``run.json`` speaks of another network.
    """
    from cnncli.loading import load_source

    record = run.record
    overrides, inputs = record.overrides or {}, record.inputs or {}
    loaded = load_source(
        source_of(run), record.name, overrides=overrides, inputs=inputs, read_shape=read_channels_first
    )
    _check_fit(run, loaded)
    return loaded


def _check_fit(run: Run, loaded: Loaded) -> None:
    """Raises CnnError where the record's task, classes or normalisation are not those of a network."""
    record, graph = run.record, loaded.graph
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise CnnError(f"{run.folder / ARCHITECTURE}: a run's network has one input and one output", _BY_HAND)
    shape, output = graph.inputs[0].shape, loaded.inferred.shape(graph.outputs[0])
    channels = len(record.normalisation.mean)
    if (record.task == "segmentation") != (len(output) > 1):
        problem = f"the task is {record.task}, and the network's output is {format_shape(output)}"
    elif output[0] != len(record.classes):
        problem = f"has {len(record.classes)} classes, and the network gives {format_shape(output)}"
    elif channels != shape[0] if len(shape) > 1 else shape[0] % channels:
        problem = f"the normalisation is of {channels} channels, and the network's input is {format_shape(shape)}"
    elif record.columns and len(record.columns) != numel(shape):
        problem = f"has {len(record.columns)} columns, and the network's input is {format_shape(shape)}"
    else:
        return
    raise CnnError(f"{run.folder / RUN}: {problem}", _BY_HAND)


def recipe_of(run: Run) -> Recipe:
    """The recipe of a run. Raises CnnError where it cannot be read."""
    from cnncli.language.source import parse, plain_tree
    from cnncli.recipe import from_dict

    path = run.folder / RECIPE
    values = plain_tree(parse(_source(path)))
    if not isinstance(values, dict):
        raise CnnError(f"{path}: is not a recipe", _BY_HAND)
    try:
        return from_dict(values)
    except CnnError as error:
        raise CnnError(f"{path}: {error.problems[0].message}", _BY_HAND) from None


def metrics_in(folder: Path) -> Iterator[dict[str, float] | None]:
    """The figures of each line of a run's ``metrics.jsonl``, with its ``epoch``; None for a line that is damaged."""
    try:
        data = read_bytes(folder / METRICS, METRICS_LIMIT)
    except FileNotFoundError:
        return
    except (OSError, CnnError):
        yield None
        return
    for line in data.splitlines():
        try:
            figures = json.loads(line.decode())
        except (ValueError, RecursionError):
            figures = None
        yield figures if _are_figures(figures) else None


def _are_figures(figures: object) -> bool:
    """Numbers by name, the number of the epoch among them."""
    if not isinstance(figures, dict) or type(figures.get("epoch")) is not int or figures["epoch"] < 1:
        return False
    return all(type(value) is float or (type(value) is int and abs(value) < 10**15) for value in figures.values())


def _known_runs() -> str:
    found = sorted(entry.parent for entry in Path("runs").glob(f"*/{RUN}"))
    return f"runs here: {', '.join(map(str, found[-5:]))}" if found else "cnn train makes one: runs/NAME-001"


def write_whole(path: Path, data: bytes, *, synced: bool = True) -> None:
    """Write a file so that it is there whole or not at all: aside, synced unless it can be made again, renamed.

    What has the name already is replaced, a link and a device as well: a folder of somebody else's may hold a
    ``weights.safetensors`` that leads out of it. Raises OSError; IsADirectoryError for a folder.
    """
    aside = path.with_name(f".{path.name}.part")
    aside.unlink(missing_ok=True)  # what a kill left there; a link is not followed
    with aside.open("xb") as file:
        file.write(data)
        if synced:
            file.flush()
            os.fsync(file.fileno())
    try:
        aside.replace(path)
    except OSError:
        aside.unlink()
        raise


def write_output(path: Path, data: bytes) -> None:
    """Write the file that a user asked for by its own name: as :func:`write_whole` does, but a device or a FIFO, such
    as /dev/stdout, is written to. Raises OSError."""
    if not path.exists() or path.is_file():
        write_whole(path, data)
        return
    # a pipe that nobody reads is an error at once, and not a wait without end
    descriptor = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "wb") as file:  # noqa: PTH123  (a descriptor)
        os.set_blocking(descriptor, True)
        file.write(data)
