"""``cnn predict``: predict examples with a trained run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnncli.commands import options
from cnncli.errors import INVALID, CnnError

if TYPE_CHECKING:
    from cnncli.executor.runs.prediction import Predictor
    from cnncli.loading import Loaded
    from cnncli.runs.examples import InputBatch
    from cnncli.runs.folder import Run


@options.command()
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--top", type=options.Whole(1), default=5, show_default=True, help="Number of classes per image.")
@click.option(
    "--masks", "folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Segmentation: write masks to DIR/NAME.png.",
)  # fmt: skip
@options.best_option
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, …")
@options.format_option("table", "json", "csv")
def command(
    run_folder: Path, files: tuple[Path, ...], top: int, folder: Path | None, best: bool, device: str, form: str
) -> None:
    """Predict classes, values or masks with a trained run.

    Classification prints the likeliest classes, regression values, segmentation the fraction of each class. RUN is a
    run folder. FILE… are images or folders of images, which are converted to the network's input, and tables: FILE.csv
    with an example per row, or FILE.npz with an array x. Exits with 2 if a file cannot be read; the other files are
    still predicted.
    """
    from cnncli.runs import folder as runs
    from cnncli.runs.examples import batches
    from cnncli.views.predictions import decimals_of, predictions_text

    run = runs.open_run(run_folder, best=best)
    loaded = runs.architecture_of(run)
    pixels = _image_shape(run, loaded, files)
    _check_task(run, folder)

    from cnncli.executor.runs.prediction import predictor

    model = predictor(run, loaded, device)
    if pixels is not None and run.record.normalisation.unit == 1:
        click.echo(f"{run_folder} was trained on numbers: pixels are converted to numbers from 0 to 255", err=True)
    written: set[Path] = set()
    rows: list[dict[str, Any]] = []
    unread = 0
    for batch in batches(files, loaded.graph.inputs[0].shape, pixels, run.record):
        for problem in batch.problems:
            click.echo(problem, err=True)
        unread += len(batch.problems)
        if batch.names:
            rows += _predict(model, batch, top, folder, written)
    if rows or form == "json":
        click.echo(predictions_text(rows, form, decimals_of(run.record)), nl=False)
    if unread:
        raise click.exceptions.Exit(INVALID)


def _image_shape(run: Run, loaded: Loaded, files: tuple[Path, ...]) -> tuple[int, int, int] | None:
    """The shape that images are converted to; None where all files are tables."""
    from cnncli.data.unlabeled.image_files import image_input_shape
    from cnncli.data.unlabeled.tables import is_table

    if all(map(is_table, files)):
        return None
    return image_input_shape(loaded.graph.inputs[0].shape, len(run.record.normalisation.mean))


def _check_task(run: Run, masks: Path | None) -> None:
    """Raises CnnError for options of another task."""
    task = run.record.task
    if options.is_given(click.get_current_context(), "--top") and task != "classification":
        raise CnnError(f"--top has no effect with a {task}, which has no classes to rank", "leave it out")
    if masks is not None and task != "segmentation":
        raise CnnError(f"--masks: {run.folder} is not a segmentation", "leave it out")


def _predict(
    model: Predictor, batch: InputBatch, top: int, folder: Path | None, written: set[Path]
) -> Iterator[dict[str, Any]]:
    """The rows of a batch; of a segmentation the masks are written to ``folder``."""
    from cnncli.views.predictions import class_rows, mask_rows, value_rows

    task, classes = model.record.task, model.record.classes
    if task == "regression":
        return value_rows(batch.names, model.numbers(batch.examples), classes)
    if task == "classification":
        return class_rows(batch.names, model.likeliest(batch.examples, top))
    masks = model.masks(batch.examples)
    if folder is not None:
        from cnncli.drawing.mask_images import write_masks

        write_masks(folder, batch.stems, masks, written)
    return mask_rows(batch.names, masks, classes)
