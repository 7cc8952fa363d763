"""``cnn predict``: what a trained run says about images, and about examples in tables."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cnncli.commands import options
from cnncli.errors import INVALID, CnnError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cnncli.arithmetic.shape import Shape
    from cnncli.executor.runs.prediction import Predictor
    from cnncli.runs.folder import RunRecord

    Examples = NDArray[Any]

Row = dict[str, Any]
DIGITS = 6  # of a probability: a float32 has no more
OF_DEVIATION = 6  # digits of a regression's deviation over its training images that are shown in a table
WIDTH = 12  # of a regression's numbers in a table, at the least


@options.command()
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--top", type=options.Whole(1), default=5, show_default=True, help="How many classes of each image.")
@click.option(
    "--masks", "folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Of a segmentation: write the mask of each image there, as NAME.png.",
)  # fmt: skip
@options.best_option
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, …")
@options.format_option("table", "json", "csv")
def command(
    run_folder: Path, files: tuple[Path, ...], top: int, folder: Path | None, best: bool, device: str, form: str
) -> None:
    """Predict classes, values or masks with a trained run.

    Of a regression its numbers; of a segmentation the share of each class, and with --masks the masks. RUN is a folder
    that cnn train made; FILE… are images, or folders of them, which are converted to the network's input, and tables of
    examples: FILE.csv with a row of numbers for each, or FILE.npz with an array x. Ends with 2 where a file cannot be
    read; the others are predicted all the same.
    """
    from cnncli.data.unlabeled.image_files import image_input_shape
    from cnncli.data.unlabeled.tables import is_table
    from cnncli.runs import folder as runs

    run = runs.open_run(run_folder, best=best)
    loaded = runs.architecture_of(run)
    shape = loaded.graph.inputs[0].shape
    pixels = None
    if not all(map(is_table, files)):
        pixels = image_input_shape(shape, len(run.record.normalisation.mean))

    from cnncli.executor.runs.prediction import predictor

    if options.is_given(click.get_current_context(), "--top") and run.record.task != "classification":
        raise CnnError(f"--top has no effect with a {run.record.task}: it is of classes", "leave it out")
    if folder is not None and run.record.task != "segmentation":
        raise CnnError(f"--masks: {run_folder} is no segmentation", "leave it out")
    asked = predictor(run, loaded, device)
    if pixels is not None and run.record.normalisation.unit == 1:
        click.echo(f"{run_folder} was trained on numbers: pixels are given to it as numbers from 0 to 255", err=True)
    written: set[Path] = set()
    rows: list[Row] = []
    unread = 0
    for batch in _batches(files, shape, pixels, run.record):
        unread += _complain(batch.problems)
        if not batch.names:
            continue
        if run.record.task == "regression":
            rows += _numbers(asked, batch.names, batch.examples)
        elif run.record.task == "segmentation":
            masks = asked.masks(batch.examples)
            rows += _shares(batch.names, masks, run.record.classes)
            if folder is not None:
                _write_masks(folder, batch.stems, masks, written)
        else:
            rows += _guesses(asked, batch.names, batch.examples, top)
    if rows or form == "json":
        click.echo(_text(rows, form, _decimals(run.record)), nl=False)
    if unread:
        raise click.exceptions.Exit(INVALID)


class _Batch(NamedTuple):
    """Some examples with their names, the stems of their masks' files, and what cannot be read beside them."""

    names: list[str]
    stems: list[str]
    examples: Examples
    problems: list[str]


def _batches(
    files: tuple[Path, ...], shape: Shape, pixels: tuple[int, int, int] | None, record: RunRecord
) -> Iterator[_Batch]:
    """The examples in all files, in their order."""
    import numpy as np

    from cnncli.data.unlabeled import tables
    from cnncli.data.unlabeled.image_files import image_batches

    learnt = tables.TrainedOn(len(record.normalisation.mean), record.task, record.classes, record.columns)
    for rows, group in groupby(files, tables.is_table):
        if rows:
            for path in group:
                try:
                    for names, stems, examples in tables.table_batches(path, shape, learnt):
                        yield _Batch([*map(click.format_filename, names)], stems, examples, [])
                except CnnError as error:
                    yield _Batch([], [], np.empty(0), [str(error)])
        else:
            assert pixels is not None
            for batch in image_batches(group, pixels):
                found = [(image.path, image.pixels) for image in batch if image.pixels is not None]
                problems = [f"{click.format_filename(p.path)}: {p.problem}" for p in batch if p.pixels is None]
                names, stems = [click.format_filename(path) for path, _ in found], [path.stem for path, _ in found]
                examples = np.stack([values for _, values in found]) if found else np.empty(0)
                yield _Batch(names, stems, examples, problems)


def _complain(problems: list[str]) -> int:
    """Say what cannot be read; how many files that are."""
    for problem in problems:
        click.echo(problem, err=True)
    return len(problems)


def _guesses(asked: Predictor, names: list[str], examples: Examples, top: int) -> Iterator[Row]:
    """A row for each guess."""
    for name, guesses in zip(names, asked.likeliest(examples, top), strict=True):
        for rank, guess in enumerate(guesses, 1):
            yield {"file": name, "rank": rank, "class": guess.label, "probability": round(guess.probability, DIGITS)}


def _numbers(asked: Predictor, names: list[str], examples: Examples) -> Iterator[Row]:
    """A row for each target."""
    for name, values in zip(names, asked.numbers(examples), strict=True):
        for target, value in zip(asked.record.classes, values, strict=True):
            yield {"file": name, "target": target, "value": value}


def _shares(names: list[str], masks: NDArray[np.uint8], classes: tuple[str, ...]) -> Iterator[Row]:
    """A row for each class that an image shows."""
    for name, mask in zip(names, masks, strict=True):
        for number, label in enumerate(classes):
            pixels = int((mask == number).sum())
            if pixels:
                yield {"file": name, "class": label, "pixels": pixels, "share": round(pixels / mask.size, DIGITS)}


def _write_masks(folder: Path, stems: list[str], masks: NDArray[np.uint8], written: set[Path]) -> None:
    """Grey PNG files whose values are class numbers. Raises CnnError where two images have one name."""
    from io import BytesIO

    from PIL import Image

    from cnncli.io.writing import write_whole

    for stem, mask in zip(stems, masks, strict=True):
        target = folder / f"{stem}.png"
        if target in written:
            raise CnnError(f"{target}: two images are called {stem}", "predict their folders one at a time")
        written.add(target)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            data = BytesIO()
            Image.fromarray(mask).save(data, "PNG")
            write_whole(target, data.getvalue(), synced=False)
        except OSError as error:
            raise CnnError(f"{target}: cannot be written: {error.strerror or error}") from None


def _decimals(record: RunRecord) -> dict[str, int]:
    """How many decimals each target of a regression is shown with: those that its deviation leaves a meaning."""
    stds = record.targets.std if record.targets is not None else ()
    return {
        name: OF_DEVIATION - 1 - math.floor(math.log10(std)) for name, std in zip(record.classes, stds, strict=False)
    }


def _text(rows: list[Row], form: str, decimals: dict[str, int]) -> str:
    from cnncli.views.listing import as_csv, as_json, as_table

    if form == "json":
        return as_json(rows)
    if form == "csv":
        return as_csv(rows)
    shown = [_for_reading(row, decimals) for row in _named_once(rows)]
    width = max(WIDTH, *(len(str(row.get("value", ""))) for row in shown))
    return as_table([{**row, "value": row["value"].rjust(width)} if "value" in row else row for row in shown])


def _for_reading(row: Row, decimals: dict[str, int]) -> Row:
    """Shares in percent, and numbers to the digits that mean something."""
    return {
        key: f"{value:11.2%}"
        if key in ("probability", "share")
        else _number(value, decimals[row["target"]])
        if key == "value"
        else value
        for key, value in row.items()
    }


def _number(value: float, decimals: int) -> str:
    """A number to so many decimals; in powers of ten where they would be a row of zeros."""
    if value and (decimals > 2 * OF_DEVIATION or abs(value) >= 1e15):
        digits = decimals + 1 + math.floor(math.log10(abs(value)))
        return f"{value:.{min(max(1, digits), sys.float_info.dig)}g}"
    return f"{value:.{max(0, decimals)}f}"


def _named_once(rows: list[Row]) -> Iterator[Row]:
    """Each file's name in its first row alone."""
    before = None
    for row in rows:
        yield {**row, "file": "" if row["file"] == before else row["file"]}
        before = row["file"]
