"""What is shown while a network trains: a live bar on a terminal, a line per epoch anywhere else. All on stderr."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnncli.executor.evaluation import Evaluation
    from cnncli.executor.training import Seen

SECONDS_BETWEEN_LINES = 30.0


def duration(seconds: float) -> str:
    """``0:42``, ``1:05:00``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def epoch_line(seen: Seen, evaluation: Evaluation, held_out: str, epochs: int, left: float) -> str:
    """``epoch 2/5  loss 0.0834  accuracy 97.41%  test 98.20%  9,313 images/s  0:19 left``."""
    ending = f"{duration(left)} left" if seen.epoch < epochs else "done"
    return (
        f"epoch {seen.epoch}/{epochs}  loss {seen.loss:.4f}  accuracy {seen.accuracy:.2%}  "
        f"{held_out} {evaluation.accuracy:.2%}  {seen.images_per_second:,.0f} images/s  {ending}"
    )


class LineDisplay:
    """Plain lines: one per epoch, and one every half minute of a long epoch."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.started = self.shown = time.monotonic()

    def __enter__(self) -> LineDisplay:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        return None

    def note(self, text: str) -> None:
        self.say(text)
        self.started = time.monotonic()  # the last note is said right before the first batch

    def batch(self, seen: Seen) -> None:
        if time.monotonic() - self.shown >= SECONDS_BETWEEN_LINES:
            self.say(
                f"epoch {seen.epoch}/{self.epochs}  {seen.images:,} of {seen.total:,} images  loss {seen.loss:.4f}  "
                f"accuracy {seen.accuracy:.2%}  {seen.images_per_second:,.0f} images/s  "
                f"{duration(self.seconds_left(seen))} left"
            )

    def epoch(self, seen: Seen, evaluation: Evaluation, held_out: str) -> None:
        self.say(epoch_line(seen, evaluation, held_out, self.epochs, self.seconds_left(seen)))

    def seconds_left(self, seen: Seen) -> float:
        """Extrapolated from the share of all images that has been seen."""
        share = (seen.epoch - 1 + seen.images / seen.total) / self.epochs
        return (time.monotonic() - self.started) * (1 - share) / share

    def say(self, text: str) -> None:
        """Print a line."""
        self.shown = time.monotonic()
        print(text, file=sys.stderr, flush=True)


class LiveDisplay(LineDisplay):
    """A bar for the whole training with the figures of the current epoch; finished epochs stay above it."""

    def __init__(self, epochs: int) -> None:
        super().__init__(epochs)
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[figures]}", markup=False),
        )
        self.bar = Progress(*columns, console=Console(stderr=True, highlight=False), expand=True, transient=True)
        self.task: Any = None

    def __enter__(self) -> LiveDisplay:
        self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.bar.stop()

    def batch(self, seen: Seen) -> None:
        if self.task is None:
            self.task = self.bar.add_task("", total=self.epochs * seen.total, figures="")
        figures = (
            f"loss {seen.loss:.4f}  accuracy {seen.accuracy:.2%}  {seen.images_per_second:,.0f} images/s  "
            f"{duration(self.seconds_left(seen))} left"
        )
        self.bar.update(
            self.task,
            description=f"epoch {seen.epoch}/{self.epochs}",
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


def display(epochs: int, *, silent: bool = False) -> LineDisplay:
    """The display that fits where stderr goes."""
    if silent:
        return SilentDisplay(epochs)
    return LiveDisplay(epochs) if sys.stderr.isatty() else LineDisplay(epochs)


def confusion_lines(evaluation: Evaluation, classes: tuple[str, ...]) -> list[str]:
    """A line per true class with its precision, recall and F1, a column per predicted one."""
    confusion = evaluation.confusion
    names = [name if len(name) <= 12 else name[:11] + "…" for name in classes]
    columns = zip(names, zip(*confusion, strict=True), strict=True)
    widths = [max(len(name), len(f"{max(counts):,}")) for name, counts in columns]
    first = max([len("true \\ taken for"), *map(len, names)])
    head = " ".join([" " + "true \\ taken for".ljust(first), *(n.rjust(w) for n, w in zip(names, widths, strict=True))])
    lines = [f"{head}  precision  recall     F1"]
    for number, (name, row) in enumerate(zip(names, confusion, strict=True)):
        cells = " ".join(f"{count:,}".rjust(width) for count, width in zip(row, widths, strict=True))
        scores = evaluation.of_class(number)
        lines.append(f" {name.ljust(first)} {cells}  {scores.precision:9.1%}  {scores.recall:6.1%}  {scores.f1:5.1%}")
    return lines


def rate_lines(rates: tuple[float, ...], losses: tuple[float, ...], rows: int = 20, width: int = 50) -> list[str]:
    """A line for some of the rates, with the loss as a bar."""
    most = max(losses)
    chosen = sorted({round(at * (len(rates) - 1) / max(1, rows - 1)) for at in range(rows)})
    return [f"{rates[at]:>9.1e}  {losses[at]:8.4f}  {'#' * max(1, round(width * losses[at] / most))}" for at in chosen]
