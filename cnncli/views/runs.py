"""Runs as rows: a list of those in a folder, and some of them side by side. Read from their files, without torch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from cnncli.errors import CnnError
from cnncli.runs.folder import RECIPE, RUN, Run, metrics_in, open_run, recipe_of, source_of
from cnncli.runs.lock import is_locked
from cnncli.views.training import duration

Row = dict[str, Any]

UNREADABLE = "unreadable"
FIGURES = ("accuracy", "mean_iou", "mae", "rmse", "r2", "top_5", "loss")  # of every task
OF_ROWS = FIGURES[:3]
HELD_OUT = ("validation", "test")  # what the epochs of a run are judged by


class LoadedRun(NamedTuple):
    """A run with what its files tell beside the record: the recipe, and the figures of each epoch."""

    run: Run
    recipe: dict[str, Any]
    epochs: list[dict[str, Any]]

    @property
    def result(self) -> dict[str, Any]:
        """What the run came to; of one that did not end, what its last epoch came to."""
        return self.run.record.result or (self.epochs[-1] if self.epochs else {})


def listed(folder: Path) -> list[Row]:
    """A row for each run in a folder, or for the folder itself if it is one; the oldest first.

    A run that cannot be read has a row that says so. Raises CnnError where there is no such folder.
    """
    if not folder.is_dir():
        raise CnnError(f"{folder}: there is no such folder", "cnn train makes runs/NAME-001; name a folder of runs")
    found = [folder] if (folder / RUN).exists() else sorted(entry.parent for entry in folder.glob(f"*/{RUN}"))
    return sorted(map(_row, found), key=lambda row: (row["date"], row["run"]))


def _status(run: Run) -> str:
    """A run that says it is running, and that no process holds, was killed."""
    return "killed" if run.record.status == "running" and not is_locked(run.folder) else run.record.status


def epochs_of(folder: Path) -> list[Row]:
    """The figures of each epoch of a run. Raises CnnError where it is none."""
    return _told(open_run(folder)).epochs


def _row(folder: Path) -> Row:
    try:
        told = _told(open_run(folder))
    except CnnError:
        empty = dict.fromkeys(("epochs", "of", *OF_ROWS, "seconds", "data"))
        return {"run": str(folder), "name": None, "status": UNREADABLE, **empty, "date": _date(folder)}
    record = told.run.record
    return {
        "run": str(folder),
        "name": record.name,
        "status": _status(told.run),
        "epochs": record.epochs_done,
        "of": told.recipe.get("epochs"),
        **{name: told.result.get(f"test_{name}") for name in OF_ROWS},
        "seconds": told.result.get("seconds"),
        "data": record.dataset,
        "date": _date(folder, record.began),
    }


def compared(folders: Sequence[Path]) -> list[Row]:
    """Rows of what differs in the runs' networks, recipes and machines, then of what they came to.

    Raises CnnError for a folder that is no run, and for one that is named twice.
    """
    if len(set(folders)) < len(folders):
        raise CnnError("a run is compared with itself", "name different runs")
    told = [_told(open_run(folder)) for folder in folders]
    sides = [("network", _networks(told)), ("recipe", [each.recipe for each in told]), ("made", [*map(_made, told)])]
    rows = [row for part, values in sides for row in _side_by_side(part, folders, values) if _differs(row, folders)]
    return [*rows, *_side_by_side("result", folders, [*map(_results, told)])]


def _side_by_side(part: str, folders: Sequence[Path], values: Sequence[dict[str, Any]]) -> Iterator[Row]:
    """A row for each key that one of the values has."""
    for key in dict.fromkeys(key for each in values for key in each):
        cells = {str(folder): each.get(key) for folder, each in zip(folders, values, strict=True)}
        yield {"part": part, "what": key, **cells}


def _differs(row: Row, folders: Sequence[Path]) -> bool:
    first, *others = (row[str(folder)] for folder in folders)
    return any(other != first for other in others)


def _networks(told: Sequence[LoadedRun]) -> list[dict[str, Any]]:
    """Name and totals of each network; nothing where all have the same text."""
    from cnncli.runs.folder import architecture_of

    if len({_architecture(each.run) for each in told}) == 1:
        return [{} for _ in told]
    found = []
    for each in told:
        try:
            totals = architecture_of(each.run).inferred.totals
        except CnnError:  # a run of another version, or changed by hand: its results can still be compared
            totals = {}
        found.append({"name": each.run.record.name, **{key: totals.get(key) for key in ("params", "macs")}})
    return found


def _made(told: LoadedRun) -> dict[str, Any]:
    record = told.run.record
    return {"data": record.dataset, "device": record.device, **(record.versions or {})}


def _results(told: LoadedRun) -> dict[str, Any]:
    record, last = told.run.record, told.epochs[-1] if told.epochs else {}
    return {
        "status": _status(told.run),
        "epochs": record.epochs_done,
        **_figures("test", told.result),
        **{key: value for name in HELD_OUT for key, value in _best(told.epochs, name).items()},
        **_figures("train", last),
        **({"epoch of the best weights": record.best["epoch"]} if record.best else {}),
        "seconds": told.result.get("seconds"),
    }


def _figures(part: str, values: dict[str, Any]) -> dict[str, Any]:
    """The figures of a part that there are, as ``test accuracy``."""
    return {f"{part} {name}": values[f"{part}_{name}"] for name in FIGURES if f"{part}_{name}" in values}


def _best(epochs: Sequence[dict[str, Any]], part: str) -> dict[str, Any]:
    """The best epoch by the held-out images, where these were looked at: of a regression that with the least error."""
    for name, pick in (("mean_iou", max), ("mae", min), ("accuracy", max)):
        judged = [epoch for epoch in epochs if isinstance(epoch.get(f"{part}_{name}"), int | float)]
        if judged:
            best = pick(judged, key=lambda epoch: float(epoch[f"{part}_{name}"]))
            return {f"best {part} {name}": best[f"{part}_{name}"], f"best {part} epoch": best.get("epoch")}
    return {}


# For reading ------------------------------------------------------------------------------------------------------


def readable(rows: Sequence[Row]) -> list[Row]:
    """The rows with figures as a reader wants them, and nothing where there is none."""
    unused = {name for name in OF_ROWS[1:] if all(row.get(name) is None for row in rows)}
    return [
        {key: _cell(key if key != "what" else "", value, row) for key, value in row.items() if key not in unused}
        for row in rows
    ]


def _cell(column: str, value: Any, row: Row) -> Any:
    """``96.39%``, ``0.0313``, ``3.1 s``; what a row of a comparison holds is said by its ``what``."""
    figure = row.get("what", column) if column not in ("part", "") else ""
    if value is None:
        return ""
    if column == "date":
        return str(value)[:16].replace("T", " ")
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return str(value)
    if figure.endswith(("accuracy", "iou", "top_5")):
        return f"{value:8.2%}"
    if figure == "seconds":
        return duration(value) if value >= 60 else f"{value:.1f} s"
    if figure.endswith(("mae", "rmse", "r2")):
        return f"{value:.4g}"
    return f"{value:.4f}" if figure.endswith("loss") else value


# Files ------------------------------------------------------------------------------------------------------------


def _told(run: Run) -> LoadedRun:
    from cnncli.recipe import as_dict

    try:
        recipe = as_dict(recipe_of(run))
    except CnnError:  # changed by hand: the run tells less then
        recipe = {}
    return LoadedRun(run, recipe, [figures for figures in metrics_in(run.folder) if figures is not None])


def _architecture(run: Run) -> str:
    try:
        return source_of(run).text
    except CnnError:
        return ""


def _date(folder: Path, began: str = "") -> str:
    """When the run began, as it says, or else as its recipe does, which is written once, before the first epoch."""
    if began:
        return began
    for name in (RECIPE, RUN):
        try:
            written = (folder / name).stat().st_mtime
        except OSError:
            continue
        return datetime.fromtimestamp(written).astimezone().isoformat(timespec="seconds")
    return ""
