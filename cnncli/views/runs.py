"""Runs as rows: a list of those in a folder, or some of them side by side. Read from their files, without torch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from cnncli.errors import CnnError
from cnncli.io.width import cut_all, output_width
from cnncli.runs.folder import RECIPE, RUN, Run, metrics_in, open_run, recipe_of, source_of
from cnncli.runs.lock import is_locked
from cnncli.views.listing import NARROWEST_NAME, as_table, fitted
from cnncli.views.metrics import METRICS, duration, metric_value
from cnncli.views.summary.table import hidden_note

Row = dict[str, Any]

UNREADABLE = "unreadable"
COMPARED = ("accuracy", "mean_iou", "mae", "rmse", "r2", "top_5", "loss")  # metrics of all tasks
LISTED = COMPARED[:3]
HELD_OUT = ("validation", "test")  # the split that the epochs of a run are compared by


class LoadedRun(NamedTuple):
    """A run with the contents of its files: the recipe, and the metrics of each epoch."""

    run: Run
    recipe: dict[str, Any]
    epochs: list[dict[str, Any]]

    @property
    def result(self) -> dict[str, Any]:
        """The final metrics; those of the last epoch if the run has not finished."""
        return self.run.record.result or (self.epochs[-1] if self.epochs else {})


def listed(folder: Path) -> list[Row]:
    """A row for each run in a folder, or for the folder itself if it is a run; oldest first.

    A run that cannot be read has the status unreadable. Raises CnnError if the folder does not exist.
    """
    if not folder.is_dir():
        raise CnnError(f"{folder}: no such folder", "cnn train creates runs/NAME-001; give a folder of runs")
    found = [folder] if (folder / RUN).exists() else sorted(entry.parent for entry in folder.glob(f"*/{RUN}"))
    return sorted(map(_row, found), key=lambda row: (row["date"], row["run"]))


def _status(run: Run) -> str:
    """The recorded status; a run that is recorded as running, but has no process, was killed."""
    return "killed" if run.record.status == "running" and not is_locked(run.folder) else run.record.status


def epochs_of(folder: Path) -> list[Row]:
    """The metrics of each epoch of a run. Raises CnnError for a folder that is not a run."""
    return _load(open_run(folder)).epochs


def _row(folder: Path) -> Row:
    try:
        loaded = _load(open_run(folder))
    except CnnError:
        empty = dict.fromkeys(("epochs", "of", *LISTED, "seconds", "data"))
        return {"run": str(folder), "name": None, "status": UNREADABLE, **empty, "date": _date(folder)}
    record = loaded.run.record
    return {
        "run": str(folder),
        "name": record.name,
        "status": _status(loaded.run),
        "epochs": record.epochs_done,
        "of": loaded.recipe.get("epochs"),
        **{name: loaded.result.get(f"test_{name}") for name in LISTED},
        "seconds": loaded.result.get("seconds"),
        "data": record.dataset,
        "date": _date(folder, record.began),
    }


def compared(folders: Sequence[Path]) -> list[Row]:
    """Rows for what differs in the networks, recipes and environments of runs, then for their results.

    Raises CnnError for a folder that is not a run, and for one that is given twice.
    """
    if len(set(folders)) < len(folders):
        raise CnnError("the same run is given twice", "give different runs")
    loaded = [_load(open_run(folder)) for folder in folders]
    sides = [
        ("network", _networks(loaded)),
        ("recipe", [each.recipe for each in loaded]),
        ("made", [*map(_environment, loaded)]),
    ]
    rows = [row for part, values in sides for row in _side_by_side(part, folders, values) if _differs(row, folders)]
    return [*rows, *_side_by_side("result", folders, [*map(_results, loaded)])]


def _side_by_side(part: str, folders: Sequence[Path], values: Sequence[dict[str, Any]]) -> Iterator[Row]:
    """A row for each key of the values."""
    for key in dict.fromkeys(key for each in values for key in each):
        cells = {str(folder): each.get(key) for folder, each in zip(folders, values, strict=True)}
        yield {"part": part, "what": key, **cells}


def _differs(row: Row, folders: Sequence[Path]) -> bool:
    first, *others = (row[str(folder)] for folder in folders)
    return any(other != first for other in others)


def _networks(loaded: Sequence[LoadedRun]) -> list[dict[str, Any]]:
    """Name and totals of each network; empty where all architectures have the same text."""
    from cnncli.runs.folder import architecture_of

    if len({_architecture(each.run) for each in loaded}) == 1:
        return [{} for _ in loaded]
    found = []
    for each in loaded:
        try:
            totals = architecture_of(each.run).inferred.totals
        except CnnError:  # From another version, or edited: its results can still be compared.
            totals = {}
        found.append({"name": each.run.record.name, **{key: totals.get(key) for key in ("params", "macs")}})
    return found


def _environment(loaded: LoadedRun) -> dict[str, Any]:
    record = loaded.run.record
    return {"data": record.dataset, "device": record.device, **(record.versions or {})}


def _results(loaded: LoadedRun) -> dict[str, Any]:
    record, last = loaded.run.record, loaded.epochs[-1] if loaded.epochs else {}
    return {
        "status": _status(loaded.run),
        "epochs": record.epochs_done,
        **_metrics("test", loaded.result),
        **{key: value for name in HELD_OUT for key, value in _best(loaded.epochs, name).items()},
        **_metrics("train", last),
        **({"epoch of the best weights": record.best["epoch"]} if record.best else {}),
        "seconds": loaded.result.get("seconds"),
    }


def _metrics(part: str, values: dict[str, Any]) -> dict[str, Any]:
    """The metrics of a split, as ``test accuracy``."""
    return {f"{part} {name}": values[f"{part}_{name}"] for name in COMPARED if f"{part}_{name}" in values}


def _best(epochs: Sequence[dict[str, Any]], part: str) -> dict[str, Any]:
    """The best epoch on the held-out set, where it was evaluated; of a regression the one with the lowest error."""
    for name, pick in (("mean_iou", max), ("mae", min), ("accuracy", max)):
        judged = [epoch for epoch in epochs if isinstance(epoch.get(f"{part}_{name}"), int | float)]
        if judged:
            best = pick(judged, key=lambda epoch: float(epoch[f"{part}_{name}"]))
            return {f"best {part} {name}": best[f"{part}_{name}"], f"best {part} epoch": best.get("epoch")}
    return {}


# Tables -----------------------------------------------------------------------------------------------------------

HEADINGS = {"of": "planned"}  # headings of the list of runs, by JSON key
HEADINGS_COMPARED = {"part": "section", "what": "item"}
SECTIONS = {"made": "environment"}


def headed(rows: Sequence[Row]) -> list[Row]:
    """The rows under the headings of a table or CSV in place of JSON's keys."""
    return [_headed_comparison(row) if "part" in row else _renamed(row, HEADINGS) for row in rows]


def _headed_comparison(row: Row) -> Row:
    return _renamed({**row, "part": SECTIONS.get(row["part"], row["part"])}, HEADINGS_COMPARED)


def _renamed(row: Row, names: Mapping[str, str]) -> Row:
    return {names.get(key, key): value for key, value in row.items()}


def readable(rows: Sequence[Row]) -> list[Row]:
    """The rows with formatted metrics, without the columns of metrics that no run has."""
    unused = {name for name in LISTED[1:] if all(row.get(name) is None for row in rows)}
    return [{key: _cell(key, value, row) for key, value in row.items() if key not in unused} for row in rows]


def _cell(column: str, value: Any, row: Row) -> Any:
    """``96.39%``, ``0.0313``, ``3.1 s``; a cell of a comparison is formatted by the item of its row."""
    quantity = column if "what" not in row else row["what"] if column not in ("part", "what") else ""
    if value is None:
        return ""
    if column == "date":
        return str(value)[:16].replace("T", " ")
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return str(value)
    if quantity == "seconds":
        return duration(value) if value >= 60 else f"{value:.1f} s"
    if column == "learning_rate":
        return f"{value:.4g}"
    metric = next((name for name in METRICS if quantity.endswith(name)), None)
    if metric is None:
        return value
    text = metric_value(metric, value)
    return text.rjust(len("100.00%") + 1) if text.endswith("%") else text


GIVE_WAY = ("planned", "name", "data", "images_per_second", "seconds", "date")  # columns, on a narrow terminal


def as_fitted_table(rows: Sequence[Row]) -> str:
    """The rows as a table in the width of the terminal."""
    shown, width = headed(readable(rows)), output_width()
    if not rows or "part" not in rows[0]:
        shown, hidden = fitted(shown, width, dict.fromkeys(GIVE_WAY, 0), "run")
        return as_table(shown) + (f"\n{hidden_note(hidden, '--format csv shows all')}\n" if hidden else "")
    shown = [_renamed(row, _short_names([*row][2:], width)) for row in shown]
    for folder in reversed([*shown[0]][2:]):
        shown, _ = fitted(shown, width, {}, folder)
    return as_table(shown)


def _short_names(folders: Sequence[str], width: int | None) -> dict[str, str]:
    """The names of the folders for the headings; the same for all where short ones would not be distinct."""
    most = max(NARROWEST_NAME, (width or 10**9) // (len(folders) + 1))
    names = dict(zip(folders, cut_all(folders, most), strict=True))
    return names if len({*names.values()}) == len(folders) else {}


# Files ------------------------------------------------------------------------------------------------------------


def _load(run: Run) -> LoadedRun:
    from cnncli.recipe.serialization import as_dict

    try:
        recipe = as_dict(recipe_of(run))
    except CnnError:  # edited
        recipe = {}
    return LoadedRun(run, recipe, [metrics for metrics in metrics_in(run.folder) if metrics is not None])


def _architecture(run: Run) -> str:
    try:
        return source_of(run).text
    except CnnError:
        return ""


def _date(folder: Path, began: str = "") -> str:
    """When the run started: as recorded, or when its recipe was written, once before the first epoch."""
    if began:
        return began
    for name in (RECIPE, RUN):
        try:
            written = (folder / name).stat().st_mtime
        except OSError:
            continue
        return datetime.fromtimestamp(written).astimezone().isoformat(timespec="seconds")
    return ""
