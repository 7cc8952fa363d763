"""What is shown while a network trains: a live bar on a terminal, a line per epoch anywhere else. All on stderr."""

from __future__ import annotations

import math
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnncli.executor.training.loop import EpochProgress
    from cnncli.executor.training.objectives import Evaluation

SECONDS_BETWEEN_LINES = 30.0
FIGURES = {"mean_iou": "mean IoU", "mae": "MAE", "rmse": "RMSE", "r2": "R²", "top_5": "top 5"}
SHARES = ("accuracy", "top_5", "mean_iou", "iou")


def duration(seconds: float) -> str:
    """``0:42``, ``1:05:00``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def figure_text(name: str, value: float) -> str:
    """``accuracy 97.41%``, ``mean IoU 81.20%``, ``MAE 0.0834``."""
    return f"{FIGURES.get(name, name)} {figure_value(name, value)}"


def figure_value(name: str, value: float) -> str:
    """A share in percent; anything else with four digits."""
    return f"{value:.2%}" if name in SHARES else f"{value:.4g}"


def _figure(seen: EpochProgress) -> str:
    return figure_text(seen.main_metric, seen.score)


def epoch_line(seen: EpochProgress, evaluation: Evaluation, held_out: str, epochs: float, left: float) -> str:
    """``epoch 2/5  loss 0.0834  accuracy 97.41%  test 98.20%  9,313 images/s  0:19 left``."""
    ending = f"{duration(left)} left" if seen.epoch < epochs else "done"
    name, value = next(iter(evaluation.metrics().items()))
    looked = figure_value(name, value) if name == seen.main_metric else figure_text(name, value)
    return (
        f"epoch {seen.epoch}/{math.ceil(epochs)}  loss {seen.loss:.4f}  {_figure(seen)}  "
        f"{held_out} {looked}  {seen.images_per_second:,.0f} images/s  {ending}"
    )


class LineDisplay:
    """Plain lines: one per epoch, and one every half minute of a long epoch."""

    def __init__(self, epochs: float) -> None:
        self.epochs = epochs
        self.started = self.shown = time.monotonic()

    def __enter__(self) -> LineDisplay:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        return None

    def note(self, text: str) -> None:
        self.say(text)
        self.started = time.monotonic()  # the last note is said right before the first batch

    def batch(self, seen: EpochProgress) -> None:
        if time.monotonic() - self.shown >= SECONDS_BETWEEN_LINES:
            self.say(
                f"epoch {seen.epoch}/{math.ceil(self.epochs)}  {seen.images:,} of {seen.total:,} images  "
                f"loss {seen.loss:.4f}  {_figure(seen)}  {seen.images_per_second:,.0f} images/s  "
                f"{duration(self.seconds_left(seen))} left"
            )

    def epoch(self, seen: EpochProgress, evaluation: Evaluation, held_out: str) -> None:
        self.say(epoch_line(seen, evaluation, held_out, self.epochs, self.seconds_left(seen)))

    def seconds_left(self, seen: EpochProgress) -> float:
        """Extrapolated from the share of all images that has been seen."""
        share = min(1.0, (seen.epoch - 1 + seen.images / seen.total) / self.epochs)
        return (time.monotonic() - self.started) * (1 - share) / share

    def say(self, text: str) -> None:
        """Print a line."""
        self.shown = time.monotonic()
        print(text, file=sys.stderr, flush=True)


class LiveDisplay(LineDisplay):
    """A bar for the whole training with the figures of the current epoch; finished epochs stay above it."""

    def __init__(self, epochs: float) -> None:
        super().__init__(epochs)
        from rich.progress import BarColumn, Progress, TextColumn

        from cnncli.io import terminal

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[figures]}", markup=False),
        )
        self.bar = Progress(*columns, console=terminal.console(stderr=True), expand=True, transient=True)
        self.task: Any = None

    def __enter__(self) -> LiveDisplay:
        from cnncli.io import terminal

        self.bar.start()
        terminal.guard()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.bar.stop()

    def batch(self, seen: EpochProgress) -> None:
        if self.task is None:
            self.task = self.bar.add_task("", total=self.epochs * seen.total, figures="")
        figures = (
            f"loss {seen.loss:.4f}  {_figure(seen)}  {seen.images_per_second:,.0f} images/s  "
            f"{duration(self.seconds_left(seen))} left"
        )
        self.bar.update(
            self.task,
            description=f"epoch {seen.epoch}/{math.ceil(self.epochs)}",
            completed=(seen.epoch - 1) * seen.total + seen.images,
            figures=figures,
        )

    def say(self, text: str) -> None:
        self.shown = time.monotonic()
        self.bar.console.print(text, markup=False, highlight=False)


class SilentDisplay(LineDisplay):
    """For workers beside the first one."""

    def say(self, text: str) -> None:
        self.shown = time.monotonic()


def display(epochs: float, *, silent: bool = False) -> LineDisplay:
    """The display that fits where stderr goes."""
    if silent:
        return SilentDisplay(epochs)
    return LiveDisplay(epochs) if sys.stderr.isatty() else LineDisplay(epochs)


def rate_lines(rates: tuple[float, ...], losses: tuple[float, ...], rows: int = 20, width: int = 50) -> list[str]:
    """A line for some of the rates, with the loss as a bar."""
    most = max(losses)
    chosen = sorted({round(at * (len(rates) - 1) / max(1, rows - 1)) for at in range(rows)})
    return [f"{rates[at]:>9.1e}  {losses[at]:8.4f}  {'#' * max(1, round(width * losses[at] / most))}" for at in chosen]
