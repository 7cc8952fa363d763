"""``cnn predict``: what a trained run says about images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnncli.commands import options
from cnncli.errors import INVALID

if TYPE_CHECKING:
    from cnncli.data.pictures import Picture
    from cnncli.executor.prediction import Predictor

DIGITS = 6  # of a probability: a float32 has no more


@click.command()
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--top", type=click.IntRange(1), default=5, show_default=True, help="How many classes of each image.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, …")
@options.format_option("table", "json", "csv")
def command(run_folder: Path, files: tuple[Path, ...], top: int, device: str, form: str) -> None:
    """What a trained run says about images: the likeliest classes of each, and their probabilities.

    RUN is a folder that cnn train made; FILE… are images, or folders of them. Images are converted to the network's
    input. Ends with 2 where a file cannot be read; the others are predicted all the same.
    """
    from cnncli import runs
    from cnncli.data.pictures import picture_shape, pictures

    run = runs.open_run(run_folder)
    loaded = runs.architecture_of(run)
    shape = picture_shape(loaded.graph.inputs[0].shape, len(run.record.normalisation.mean))

    from cnncli.executor.prediction import predictor

    asked = predictor(run, loaded, device)
    rows: list[dict[str, Any]] = []
    unread = 0
    for batch in pictures(files, shape):
        unread += _complain(batch)
        rows += _rows(asked, batch, top)
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


def _rows(asked: Predictor, batch: list[Picture], top: int) -> Iterator[dict[str, Any]]:
    """A row for each guess."""
    read = [(picture.path, picture.pixels) for picture in batch if picture.pixels is not None]
    if not read:
        return
    for (path, _), guesses in zip(read, asked.likeliest([pixels for _, pixels in read], top), strict=True):
        for rank, guess in enumerate(guesses, 1):
            name, probability = click.format_filename(path), round(guess.probability, DIGITS)
            yield {"file": name, "rank": rank, "class": guess.label, "probability": probability}


def _text(rows: list[dict[str, Any]], form: str) -> str:
    from cnncli.views.listing import as_csv, as_table

    if form == "json":
        import json

        return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    if form == "csv":
        return as_csv(rows)
    return as_table([_for_reading(row) for row in rows])


def _for_reading(row: dict[str, Any]) -> dict[str, Any]:
    """The file's name stands once, and the probability in percent."""
    return {**row, "file": row["file"] if row["rank"] == 1 else "", "probability": f"{row['probability']:11.2%}"}
