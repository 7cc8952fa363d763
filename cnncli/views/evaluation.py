"""The evaluation of a trained network as text: overall, and by class or target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncli.errors import shortened
from cnncli.views.listing import as_table
from cnncli.views.metrics import metric_text

MAX_CLASSES = 40  # classes of a confusion matrix that is printed
OF_TASK = {"classification": "test images", "regression": "test examples", "segmentation": "test images, by pixel"}


def evaluation_lines(task: str, detail: dict[str, Any]) -> list[str]:
    """A line of metrics, then a table of classes or targets; ``detail`` is that of the evaluation."""
    names = [name for name in ("mean_iou", "mae", "rmse", "r2", "accuracy", "top_5") if name in detail]
    if task == "classification" and len(detail["classes"]) <= 10:  # top 5 means little with few classes
        names.remove("top_5")
    shown = ", ".join(metric_text(name, detail[name]) for name in names)
    loss = metric_text("loss", detail["loss"])
    lines = [f"{shown}, {loss} on {detail['examples']:,} {OF_TASK[task]}"]
    if task == "regression":
        return [*lines, "", *_target_lines(detail["targets"])] if len(detail["targets"]) > 1 else lines
    if len(detail["classes"]) > MAX_CLASSES:
        return lines
    return [*lines, "", *(_confusion_lines(detail) if task == "classification" else _iou_lines(detail["classes"]))]


def _target_lines(targets: Sequence[dict[str, Any]]) -> list[str]:
    rows = [
        {
            "target": row["target"],
            f"{'MAE':>10}": f"{row['mae']:10.4g}",
            f"{'RMSE':>10}": f"{row['rmse']:10.4g}",
            f"{'R²':>7}": f"{row['r2']:7.3f}",
        }
        for row in targets
    ]
    return as_table(rows).splitlines()


def _iou_lines(classes: Sequence[dict[str, Any]]) -> list[str]:
    scores = {"iou": "IoU", "precision": "precision", "recall": "recall", "f1": "F1"}
    rows = [
        {
            "class": row["class"],
            **{f"{title:>9}": "" if row[key] is None else f"{row[key]:9.1%}" for key, title in scores.items()},
        }
        for row in classes
    ]
    return as_table(rows).splitlines()


def _confusion_lines(detail: dict[str, Any]) -> list[str]:
    """A line per true class with its precision, recall and F1, a column per predicted one."""
    confusion, classes = detail["confusion"], detail["classes"]
    names = [shortened(row["class"], 12) for row in classes]
    columns = zip(names, zip(*confusion, strict=True), strict=True)
    widths = [max(len(name), len(f"{max(counts):,}")) for name, counts in columns]
    first = max([len("true \\ predicted"), *map(len, names)])
    head = " ".join([" " + "true \\ predicted".ljust(first), *(n.rjust(w) for n, w in zip(names, widths, strict=True))])
    lines = [f"{head}  precision  recall     F1"]
    for name, row, of in zip(names, confusion, classes, strict=True):
        cells = " ".join(f"{count:,}".rjust(width) for count, width in zip(row, widths, strict=True))
        scores = f"{of['precision']:9.1%}  {of['recall']:6.1%}  {of['f1']:5.1%}"
        lines.append(f" {name.ljust(first)} {cells}  {scores}")
    return lines
