"""The progress of a training on stderr (a live bar on a terminal, else a line per epoch), and the results of trials."""

from __future__ import annotations

import math
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from cnncli.errors import counted
from cnncli.views.memory import human
from cnncli.views.metrics import duration, metric_text, metric_value

if TYPE_CHECKING:
    from pathlib import Path

    from cnncli.analysis.memory import Memory
    from cnncli.executor.training.dry_run import StepTimes
    from cnncli.executor.training.loop import EpochProgress
    from cnncli.executor.training.objectives import Evaluation

SECONDS_BETWEEN_LINES = 30.0


def _metric(progress: EpochProgress) -> str:
    return metric_text(progress.main_metric, progress.score)


def epoch_line(progress: EpochProgress, evaluation: Evaluation, held_out: str, epochs: float, left: float) -> str:
    """``epoch 2/5  loss 0.0834  accuracy 97.41%  test 98.20%  9,313 images/s  0:19 left``."""
    ending = f"{duration(left)} left" if progress.epoch < epochs else "done"
    name, value = next(iter(evaluation.metrics().items()))
    scored = metric_value(name, value) if name == progress.main_metric else metric_text(name, value)
    return (
        f"epoch {progress.epoch}/{math.ceil(epochs)}  loss {progress.loss:.4f}  {_metric(progress)}  "
        f"{held_out} {scored}  {progress.images_per_second:,.0f} images/s  {ending}"
    )


class LineDisplay:
    """Plain lines: one per epoch, and one per half minute in long epochs."""

    def __init__(self, epochs: float) -> None:
        self.epochs = epochs
        self.started = self.shown = time.monotonic()

    def __enter__(self) -> LineDisplay:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        return None

    def note(self, text: str) -> None:
        self.print_line(text)
        self.started = time.monotonic()  # The last note comes right before the first batch.

    def batch(self, progress: EpochProgress) -> None:
        if time.monotonic() - self.shown >= SECONDS_BETWEEN_LINES:
            self.print_line(
                f"epoch {progress.epoch}/{math.ceil(self.epochs)}  {progress.images:,} of {progress.total:,} images  "
                f"loss {progress.loss:.4f}  {_metric(progress)}  {progress.images_per_second:,.0f} images/s  "
                f"{duration(self.seconds_left(progress))} left"
            )

    def epoch(self, progress: EpochProgress, evaluation: Evaluation, held_out: str) -> None:
        self.print_line(epoch_line(progress, evaluation, held_out, self.epochs, self.seconds_left(progress)))

    def seconds_left(self, progress: EpochProgress) -> float:
        """Seconds left, extrapolated from the fraction of images that have been processed."""
        fraction = min(1.0, (progress.epoch - 1 + progress.images / progress.total) / self.epochs)
        return (time.monotonic() - self.started) * (1 - fraction) / fraction

    def print_line(self, text: str) -> None:
        """Print a line."""
        self.shown = time.monotonic()
        print(text, file=sys.stderr, flush=True)


class LiveDisplay(LineDisplay):
    """A bar for the training with the metrics of the current epoch; finished epochs stay as lines before it."""

    def __init__(self, epochs: float) -> None:
        super().__init__(epochs)
        from rich.progress import BarColumn, Progress, TextColumn

        from cnncli.io import terminal

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[metrics]}", markup=False),
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

    def batch(self, progress: EpochProgress) -> None:
        if self.task is None:
            self.task = self.bar.add_task("", total=self.epochs * progress.total, metrics="")
        metrics = (
            f"loss {progress.loss:.4f}  {_metric(progress)}  {progress.images_per_second:,.0f} images/s  "
            f"{duration(self.seconds_left(progress))} left"
        )
        self.bar.update(
            self.task,
            description=f"epoch {progress.epoch}/{math.ceil(self.epochs)}",
            completed=(progress.epoch - 1) * progress.total + progress.images,
            metrics=metrics,
        )

    def print_line(self, text: str) -> None:
        self.shown = time.monotonic()
        self.bar.console.print(text, markup=False, highlight=False)


class SilentDisplay(LineDisplay):
    """Prints nothing: for workers other than the main process."""

    def print_line(self, text: str) -> None:
        self.shown = time.monotonic()


def display(epochs: float, *, silent: bool = False) -> LineDisplay:
    """The display for a terminal or a pipe on stderr."""
    if silent:
        return SilentDisplay(epochs)
    return LiveDisplay(epochs) if sys.stderr.isatty() else LineDisplay(epochs)


def rate_lines(rates: tuple[float, ...], losses: tuple[float, ...], rows: int = 20, width: int = 50) -> list[str]:
    """A line with the loss as a bar for ``rows`` of the learning rates."""
    largest = max(losses)
    chosen = sorted({round(at * (len(rates) - 1) / max(1, rows - 1)) for at in range(rows)})
    return [
        f"{rates[at]:>9.1e}  {losses[at]:8.4f}  {'#' * max(1, round(width * losses[at] / largest))}" for at in chosen
    ]


def trial_lines(trial: StepTimes, memory: Memory, batch_size: int, epochs: float) -> list[str]:
    """The estimated duration and memory of a training, from the steps of a dry run."""
    measured = f", {human(trial.peak_bytes)} measured" if trial.peak_bytes else ""
    return [
        f"step of {counted(batch_size, 'image')}: {1000 * trial.step:.1f} ms, {batch_size / trial.step:,.0f} images/s",
        f"evaluation on the held-out set: {trial.evaluation:.1f} s",
        f"estimated duration of {counted(epochs, 'epoch')}: {duration(trial.total)}",
        f"peak memory of a step: {human(memory.training)} calculated{measured}",
        f"mean loss of these steps: {trial.loss:.4f}; nothing was written",
    ]


def outcome_line(test: Evaluation, seconds: float, folder: Path) -> str:
    """``test accuracy 96.39% after 0:03, run runs/digits_cnn-001``."""
    return f"test {metric_text(*next(iter(test.metrics().items())))} after {duration(seconds)}, run {folder}"
