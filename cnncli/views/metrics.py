"""Metrics, durations and their names as text."""

from __future__ import annotations

from typing import NamedTuple


class Metric(NamedTuple):
    """The label of a metric, and the format of its values."""

    label: str
    format: str = ".4g"


METRICS = {
    "accuracy": Metric("accuracy", ".2%"),
    "mean_iou": Metric("mean IoU", ".2%"),
    "top_5": Metric("top 5", ".2%"),
    "mae": Metric("MAE"),
    "rmse": Metric("RMSE"),
    "r2": Metric("R²"),
    "loss": Metric("loss", ".4f"),
}


def metric_value(name: str, value: float) -> str:
    """``97.41%``, ``0.0834``."""
    return format(value, METRICS[name].format)


def metric_text(name: str, value: float) -> str:
    """``accuracy 97.41%``, ``mean IoU 81.20%``, ``MAE 0.0834``."""
    return f"{METRICS[name].label} {metric_value(name, value)}"


def duration(seconds: float) -> str:
    """``0:42``, ``1:05:00``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
