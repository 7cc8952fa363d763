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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnncli.errors import CnnError
from cnncli.numerals import is_digits

if TYPE_CHECKING:
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


@dataclass(frozen=True)
class Normalisation:
    """What each channel's values, divided by ``unit``, are shifted by and divided by: those of the training images.

    The unit is 255 for pixels and 1 for other numbers.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    unit: float = 255.0


@dataclass(frozen=True)
class RunRecord:
    """What ``run.json`` holds. ``status`` is running, finished, interrupted or failed."""

    name: str
    dataset: str
    classes: tuple[str, ...]
    normalisation: Normalisation
    status: str = "running"
    began: str = ""  # when, in ISO 8601
    epochs_done: int = 0
    device: str = ""
    versions: dict[str, str] | None = None
    threads: int = 0
    command: tuple[str, ...] = ()
    git: str = ""  # the commit of the folder that it was started in, with + where files were changed
    data_fingerprint: str = ""
    precision: str = ""
    compiled: str = ""
    task: str = "classification"
    targets: Normalisation | None = None  # what a regression's targets were scaled by
    best: dict[str, float] | None = None
    overrides: dict[str, str] | None = None  # of --set and --input, where the architecture's text could not hold them
    inputs: dict[str, str] | None = None
    result: dict[str, float] | None = None


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
        run = replace(self, record=replace(self.record, **changes))
        write_whole(self.folder / RUN, json.dumps(asdict(run.record), indent=1).encode() + b"\n")
        return run

    def cut_metrics(self, epochs: int) -> None:
        """Keep the lines of the first epochs of ``metrics.jsonl``: what was done after a checkpoint is done again."""
        path = self.folder / METRICS
        if not path.exists():
            return
        kept = []
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                if json.loads(line)["epoch"] <= epochs:
                    kept.append(line + "\n")
            except (ValueError, KeyError, TypeError):
                continue  # a line that was being written when the training was killed
        write_whole(path, "".join(kept).encode())

    def add_metrics(self, metrics: dict[str, Any]) -> None:
        """Append a line to ``metrics.jsonl``."""
        with (self.folder / METRICS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(metrics) + "\n")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a run for this process alone. Raises CnnError where another trains in it."""
    try:
        import fcntl
    except ImportError:  # Windows has no flock
        yield
        return
    with (folder / LOCK).open("w") as file:
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
        with (folder / LOCK).open("r") as file:
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
    import yaml

    try:
        made = next_folder(record.name) if folder is None else _given_folder(folder)
        write_whole(made / ARCHITECTURE, architecture.encode())
        write_whole(made / RECIPE, yaml.safe_dump(recipe, sort_keys=False).encode())
        return Run(made, record).updated()
    except OSError as error:
        place = error.filename or folder or "runs"
        raise CnnError(
            f"{place}: cannot write the run: {error.strerror}", "choose another folder with --run-dir"
        ) from None


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
    try:
        data = json.loads((folder / RUN).read_text(encoding="utf-8"))
        read = {"classes": tuple(map(str, data["classes"])), "command": tuple(map(str, data.get("command", ())))}
        scaled = {key: _normalisation(data[key]) for key in ("normalisation", "targets") if data.get(key)}
        record = RunRecord(**{**data, **read, **scaled})
    except FileNotFoundError:
        raise CnnError(f"{folder}: is not a run folder (it has no {RUN})", _known_runs()) from None
    except NotADirectoryError:
        raise CnnError(f"{folder}: is a file, not a run folder", _known_runs()) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CnnError(f"{folder / RUN}: cannot be read: {error}", "train the network again") from None
    return Run(folder, record, BEST if best else WEIGHTS)


def _normalisation(data: dict[str, Any]) -> Normalisation:
    mean, std = (tuple(map(float, data[key])) for key in ("mean", "std"))
    return Normalisation(mean, std, float(data.get("unit", 255.0)))


def architecture_of(run: Run) -> Loaded:
    """The network of a run, under the name that it was trained as. Raises CnnError where its file cannot be read.

    An input is taken as it was in the training: earlier versions wrote 32x32x3 where 32@32x3 is written today.
    """
    from cnncli.loading import load

    record = run.record
    overrides, inputs = record.overrides or {}, record.inputs or {}
    loaded = load(str(run.folder / ARCHITECTURE), overrides=overrides, inputs=inputs, any_input=True)
    return loaded._replace(slug=record.name)


def recipe_of(run: Run) -> Recipe:
    """The recipe of a run. Raises CnnError where it cannot be read."""
    import yaml

    from cnncli.recipe import from_dict

    try:
        values = yaml.safe_load((run.folder / RECIPE).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise CnnError(f"{run.folder / RECIPE}: cannot be read: {error}") from None
    if not isinstance(values, dict):
        raise CnnError(f"{run.folder / RECIPE}: is no recipe")
    return from_dict(values)


def _known_runs() -> str:
    found = sorted(entry.parent for entry in Path("runs").glob(f"*/{RUN}"))
    return f"runs here: {', '.join(map(str, found[-5:]))}" if found else "cnn train makes one: runs/NAME-001"


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all: aside, synced, renamed."""
    aside = path.with_name(f".{path.name}.part")
    with aside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
