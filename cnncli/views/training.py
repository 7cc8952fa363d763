"""The progress of a training on stderr: a live bar on a terminal, else a line per epoch. And what a trial found."""

from __future__ import annotations

import math
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from cnncli.views.memory import human
from cnncli.views.metrics import duration, metric_text, metric_value

if TYPE_CHECKING:
    from pathlib import Path

    from cnncli.analysis.memory import Memory
    from cnncli.executor.training.dry_run import StepTimes
    from cnncli.executor.training.loop import EpochProgress
    from cnncli.executor.training.objectives import Evaluation

SECONDS_BETWEEN_LINES = 30.0


def _metric(seen: EpochProgress) -> str:
    return metric_text(seen.main_metric, seen.score)


def epoch_line(seen: EpochProgress, evaluation: Evaluation, held_out: str, epochs: float, left: float) -> str:
    """``epoch 2/5  loss 0.0834  accuracy 97.41%  test 98.20%  9,313 images/s  0:19 left``."""
    ending = f"{duration(left)} left" if seen.epoch < epochs else "done"
    name, value = next(iter(evaluation.metrics().items()))
    scored = metric_value(name, value) if name == seen.main_metric else metric_text(name, value)
    return (
        f"epoch {seen.epoch}/{math.ceil(epochs)}  loss {seen.loss:.4f}  {_metric(seen)}  "
        f"{held_out} {scored}  {seen.images_per_second:,.0f} images/s  {ending}"
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
        self.say(text)
        self.started = time.monotonic()  # The last note comes right before the first batch.

    def batch(self, seen: EpochProgress) -> None:
        if time.monotonic() - self.shown >= SECONDS_BETWEEN_LINES:
            self.say(
                f"epoch {seen.epoch}/{math.ceil(self.epochs)}  {seen.images:,} of {seen.total:,} images  "
                f"loss {seen.loss:.4f}  {_metric(seen)}  {seen.images_per_second:,.0f} images/s  "
                f"{duration(self.seconds_left(seen))} left"
            )

    def epoch(self, seen: EpochProgress, evaluation: Evaluation, held_out: str) -> None:
        self.say(epoch_line(seen, evaluation, held_out, self.epochs, self.seconds_left(seen)))

    def seconds_left(self, seen: EpochProgress) -> float:
        """Seconds left, extrapolated from the fraction of images that have been processed."""
        share = min(1.0, (seen.epoch - 1 + seen.images / seen.total) / self.epochs)
        return (time.monotonic() - self.started) * (1 - share) / share

    def say(self, text: str) -> None:
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
            f"loss {seen.loss:.4f}  {_metric(seen)}  {seen.images_per_second:,.0f} images/s  "
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
    """Prints nothing: for workers other than the main process."""

    def say(self, text: str) -> None:
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
    """What a training will take, from the steps of a dry run."""
    measured = f", measured at most {human(trial.peak_bytes)}" if trial.peak_bytes else ""
    return [
        f"a step of {batch_size} images takes {1000 * trial.step:.1f} ms, {batch_size / trial.step:,.0f} images/s",
        f"evaluation on the held-out set: {trial.evaluation:.1f} s",
        f"{epochs} epochs take about {duration(trial.total)}",
        f"memory of a step: {human(memory.training)} calculated{measured}",
        f"loss {trial.loss:.4f} over these steps; nothing was written",
    ]


def outcome_line(test: Evaluation, seconds: float, folder: Path) -> str:
    """``test accuracy 96.39% after 0:03, run runs/digits_cnn-001``."""
    return f"test {metric_text(*next(iter(test.metrics().items())))} after {duration(seconds)}, run {folder}"
