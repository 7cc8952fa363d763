"""``cnn predict``: what a trained run says about images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnncli.commands import options
from cnncli.errors import INVALID, CnnError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cnncli.data.pictures import Picture
    from cnncli.executor.prediction import Predictor

    Images = list[NDArray[np.uint8]]

Row = dict[str, Any]
DIGITS = 6  # of a probability: a float32 has no more


@click.command()
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--top", type=click.IntRange(1), default=5, show_default=True, help="How many classes of each image.")
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
    """What a trained run says about images: the likeliest classes of each, and their probabilities.

    Of a regression its numbers; of a segmentation the share of each class, and with --masks the masks. RUN is a folder
    that cnn train made; FILE… are images, or folders of them, which are converted to the network's input. Ends with 2
    where a file cannot be read; the others are predicted all the same.
    """
    from cnncli import runs
    from cnncli.data.pictures import picture_shape, pictures

    run = runs.open_run(run_folder, best=best)
    loaded = runs.architecture_of(run)
    shape = picture_shape(loaded.graph.inputs[0].shape, len(run.record.normalisation.mean))

    from cnncli.executor.prediction import predictor

    if folder is not None and run.record.task != "segmentation":
        raise CnnError(f"--masks: {run_folder} is no segmentation", "leave it out")
    asked = predictor(run, loaded, device)
    if run.record.normalisation.unit == 1:
        click.echo(f"{run_folder} was trained on numbers: pixels are given to it as numbers from 0 to 255", err=True)
    written: set[Path] = set()
    rows: list[dict[str, Any]] = []
    unread = 0
    for batch in pictures(files, shape):
        unread += _complain(batch)
        read = [(picture.path, picture.pixels) for picture in batch if picture.pixels is not None]
        if not read:
            continue
        names, images = [click.format_filename(path) for path, _ in read], [pixels for _, pixels in read]
        if run.record.task == "regression":
            rows += _numbers(asked, names, images)
        elif run.record.task == "segmentation":
            masks = asked.masks(images)
            rows += _shares(names, masks, run.record.classes)
            if folder is not None:
                _write_masks(folder, [path for path, _ in read], masks, written)
        else:
            rows += _guesses(asked, names, images, top)
    if rows or form == "json":
        click.echo(_text(rows, form), nl=False)
    if unread:
        raise click.exceptions.Exit(INVALID)


def _complain(batch: list[Picture]) -> int:
    """Say what cannot be read; how many files that are."""
    unread = [picture for picture in batch if picture.pixels is None]
    for picture in unread:
        click.echo(f"{click.format_filename(picture.path)}: {picture.problem}", err=True)
    return len(unread)


def _guesses(asked: Predictor, names: list[str], images: Images, top: int) -> Iterator[Row]:
    """A row for each guess."""
    for name, guesses in zip(names, asked.likeliest(images, top), strict=True):
        for rank, guess in enumerate(guesses, 1):
            yield {"file": name, "rank": rank, "class": guess.label, "probability": round(guess.probability, DIGITS)}


def _numbers(asked: Predictor, names: list[str], images: Images) -> Iterator[Row]:
    """A row for each target."""
    for name, values in zip(names, asked.numbers(images), strict=True):
        for target, value in zip(asked.record.classes, values, strict=True):
            yield {"file": name, "target": target, "value": float(f"{value:.{DIGITS}g}")}


def _shares(names: list[str], masks: NDArray[np.uint8], classes: tuple[str, ...]) -> Iterator[Row]:
    """A row for each class that an image shows."""
    for name, mask in zip(names, masks, strict=True):
        for number, label in enumerate(classes):
            pixels = int((mask == number).sum())
            if pixels:
                yield {"file": name, "class": label, "pixels": pixels, "share": round(pixels / mask.size, DIGITS)}


def _write_masks(folder: Path, paths: list[Path], masks: NDArray[np.uint8], written: set[Path]) -> None:
    """Grey PNG files whose values are class numbers. Raises CnnError where two images have one name."""
    from PIL import Image

    for path, mask in zip(paths, masks, strict=True):
        target = folder / f"{path.stem}.png"
        if target in written:
            raise CnnError(f"{target}: two images are called {path.stem}", "predict their folders one at a time")
        written.add(target)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask).save(target)
        except OSError as error:
            raise CnnError(f"{target}: cannot be written: {error.strerror or error}") from None


def _text(rows: list[dict[str, Any]], form: str) -> str:
    from cnncli.views.listing import as_csv, as_table

    if form == "json":
        import json

        return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    if form == "csv":
        return as_csv(rows)
    return as_table([_for_reading(row) for row in _named_once(rows)])


def _for_reading(row: dict[str, Any]) -> dict[str, Any]:
    """Shares in percent."""
    return {
        key: f"{value:11.2%}" if key in ("probability", "share") else f"{value:>12}" if key == "value" else value
        for key, value in row.items()
    }


def _named_once(rows: list[Row]) -> Iterator[Row]:
    """Each file's name in its first row alone."""
    before = None
    for row in rows:
        yield {**row, "file": "" if row["file"] == before else row["file"]}
        before = row["file"]
