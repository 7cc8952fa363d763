"""``cnn data``: list the datasets, or describe one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnncli.commands import options
from cnncli.errors import CnnError
from cnncli.recipe import AUTO, TASKS

if TYPE_CHECKING:
    from cnncli.data import Dataset


@options.command(
    options.needs("--task", "NAME"),
    options.needs("--input", "NAME"),
    options.needs("--samples", "NAME"),
)
@click.argument("name", required=False)
@options.data_dir_option
@click.option(
    "--task",
    type=click.Choice([AUTO, *TASKS]),
    default=AUTO,
    help="Task of the targets: classification, regression or segmentation.",
)
@click.option("--input", "shape", metavar="SHAPE", help="Shape to read images and arrays as, e.g. 3x32x32.")
@click.option(
    "--samples", type=click.Path(path_type=Path), metavar="FILE.png", help="PNG file to write sample images to."
)
@options.format_option("table", "json")
def command(
    name: str | None, data_dir: Path | None, task: str, shape: str | None, samples: Path | None, form: str
) -> None:
    """List datasets, or describe one.

    A published dataset that is not local is downloaded, and its checksum is verified.
    """
    if name is None:
        _list(data_dir, form)
        return
    from cnncli.data.dataset_statistics import describe
    from cnncli.views.datasets import describe_dataset
    from cnncli.views.listing import as_json

    dataset = _loaded(name, task, shape, data_dir)
    record = describe(dataset)
    if samples is not None:
        from cnncli.drawing.sample_sheet import PER_CLASS, write_sample_sheet

        write_sample_sheet(dataset, samples)
    if form == "json":
        click.echo(as_json(record), nl=False)
        return
    click.echo(describe_dataset(record, as_input=shape is not None), nl=False)
    if samples is not None:
        click.echo(f"{samples}: up to {PER_CLASS} images of each class")


def _list(data_dir: Path | None, form: str) -> None:
    from cnncli.arithmetic.shape import format_shape
    from cnncli.data.download.local_files import is_local
    from cnncli.data.registry import DATASETS
    from cnncli.views.datasets import dataset_table
    from cnncli.views.listing import as_json

    records = [
        {
            "name": row.name,
            "shape": format_shape(row.shape) or "any",
            "classes": str(row.class_count or "any"),
            "train": f"{row.train:,}" if row.train else "",
            "test": f"{row.test:,}" if row.test else "",
            "local": is_local(row, data_dir),
            "about": row.about,
        }
        for row in DATASETS
    ]
    if form == "json":
        click.echo(as_json([{**record, "here": record["local"]} for record in records]), nl=False)
        return
    click.echo(dataset_table(records), nl=False)


def _loaded(name: str, task: str, shape: str | None, data_dir: Path | None) -> Dataset:
    from cnncli.arithmetic.shape import InvalidValue, read_input_shape
    from cnncli.data import load_dataset
    from cnncli.data.registry import find_dataset

    row, _ = find_dataset(name)
    if shape is None and row.needs_shape:
        raise CnnError(f"{name} is read as a network's input", "give its shape, e.g. --input 3x32x32")
    try:
        sizes = read_input_shape(shape, "--input {}".format) if shape is not None else ()
    except InvalidValue as error:
        raise CnnError(f"--input {shape}: {error}", error.hint) from None
    if sizes and row.shape:
        raise CnnError(f"--input has no effect with {name}, whose images have a shape of their own", "omit it")
    dataset = load_dataset(name, sizes, data_dir, task=task)
    if task not in (AUTO, dataset.task):
        raise CnnError(f"--task {task}: {name} is data for a {dataset.task}", "omit it")
    return dataset
