"""``cnn data``: the data sets, and what is in one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnncli.commands import options
from cnncli.errors import CnnError
from cnncli.recipe import AUTO, TASKS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cnncli.data import Dataset, Split

READ = 1000  # images for the mean and the deviation, where all do not fit in memory
SAMPLES = 10  # images of each class on the sheet, and at most so many classes


@options.command(
    options.needs("--task", "NAME"),
    options.needs("--input", "NAME"),
    options.needs("--samples", "NAME"),
)
@click.argument("name", required=False)
@options.data_dir_option
@click.option("--task", type=click.Choice([AUTO, *TASKS]), default=AUTO, help="What its targets are for.")
@click.option("--input", "shape", metavar="SHAPE", help="What images and arrays are read as, as 3x32x32.")
@click.option("--samples", type=click.Path(path_type=Path), metavar="FILE.png", help="Write a sheet of samples there.")
@options.format_option("table", "json")
def command(
    name: str | None, data_dir: Path | None, task: str, shape: str | None, samples: Path | None, form: str
) -> None:
    """List datasets, or describe one.

    A data set that is not here is downloaded when it is asked for, and its checksum compared.
    """
    if name is None:
        _list(data_dir, form)
        return
    dataset = _loaded(name, task, shape, data_dir)
    record = _record(dataset)
    if samples is not None:
        _write_samples(dataset, samples)
    if form == "json":
        import json

        click.echo(json.dumps(record, indent=1, ensure_ascii=False))
        return
    click.echo("\n".join(_lines(record, as_input=shape is not None)))
    if samples is not None:
        click.echo(f"{samples}: up to {SAMPLES} images of each class")


def _list(data_dir: Path | None, form: str) -> None:
    from cnncli.data.registry import listed
    from cnncli.views.listing import as_table

    rows = [entry._asdict() for entry in listed(data_dir)]
    if form == "json":
        import json

        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    click.echo(as_table([{**row, "here": "yes" if row["here"] else "download"} for row in rows]), nl=False)


def _loaded(name: str, task: str, shape: str | None, data_dir: Path | None) -> Dataset:
    from cnncli.arithmetic.shape import InvalidValue, read_input_shape
    from cnncli.data import FILES, load_dataset

    if shape is None and name.startswith(FILES) and not name.startswith(("npz:", "csv:")):
        raise CnnError(f"{name} is read as a network's input", "say which: --input 3x32x32")
    try:
        sizes = read_input_shape(shape, "--input {}".format) if shape is not None else ()
    except InvalidValue as error:
        raise CnnError(f"--input {shape}: {error}", error.hint) from None
    if sizes and ":" not in name:
        raise CnnError(f"--input has no effect with {name}, whose images have a shape of their own", "leave it out")
    dataset = load_dataset(name, sizes, data_dir, task=task)
    if task not in (AUTO, dataset.task):
        raise CnnError(f"--task {task}: {name} is data for a {dataset.task}", "leave it out")
    return dataset


def _record(dataset: Dataset) -> dict[str, Any]:
    import numpy as np

    images, sampled = _in_memory(dataset.train)
    unit = 255 if images.dtype == np.uint8 else 1
    rest = (0, *range(2, images.ndim))
    return {
        "name": dataset.name,
        "shape": list(images.shape[1:]),
        "type": str(images.dtype),
        "train": len(dataset.train.labels),
        "test": len(dataset.test.labels),
        "mean": [round(float(value) / unit, 4) for value in np.atleast_1d(images.mean(rest, dtype=np.float64))],
        "std": [round(float(value) / unit, 4) for value in np.atleast_1d(images.std(rest, dtype=np.float64))],
        "task": dataset.task,
        **_targets(dataset),
        "notes": list(dataset.notes),
        "measured": sampled,
    }


def _targets(dataset: Dataset) -> dict[str, Any]:
    """The images of each class, the pixels of each class, or what the numbers are."""
    import numpy as np

    splits = (dataset.train, dataset.test)
    if dataset.task == "regression":
        values = dataset.train.labels.astype(np.float64)
        figures = {"mean": values.mean(0), "std": values.std(0), "least": values.min(0), "most": values.max(0)}
        return {
            "targets": [
                {"target": name, **{key: _short(of_all[at], figures["std"][at]) for key, of_all in figures.items()}}
                for at, name in enumerate(dataset.classes)
            ]
        }
    counts = [np.bincount(split.labels.reshape(-1), minlength=256) for split in splits]
    return {
        "classes": [
            {"class": name, "train": int(counts[0][at]), "test": int(counts[1][at])}
            for at, name in enumerate(dataset.classes)
        ]
    }


def _short(value: float, std: float) -> float:
    """To six digits, or as far as the deviation has six: large numbers may differ by little."""
    least = min((size for size in (abs(value), std) if size > 0), default=1.0)
    return round(float(value), 5 - math.floor(math.log10(least)))


def _in_memory(split: Split) -> tuple[NDArray[Any], int]:
    """The images, and how many they are of those on disk: mean and deviation of a thousand tell enough."""
    import numpy as np

    from cnncli.data import LazyImages

    if not isinstance(split.images, LazyImages):
        return split.images, len(split.labels)
    count = len(split.labels)
    chosen = np.random.default_rng(0).choice(count, min(count, READ), replace=False)
    return split.images.read(chosen), len(chosen)


def _shape_text(shape: tuple[int, ...], *, as_input: bool) -> str:
    """The shape of an example; where it is an array's own, also as the network's input is to be written."""
    from cnncli.arithmetic.shape import format_input_shape, format_shape, probable_input

    if as_input:
        return format_input_shape(shape)
    plain, wanted = format_shape(shape), probable_input(shape)
    return plain if plain == wanted else f"{plain} (input: {wanted})"


def _lines(record: dict[str, Any], *, as_input: bool) -> list[str]:
    """The record as text; ``as_input`` says whether the examples were read as the shape of ``--input``."""
    from cnncli.views.listing import as_table

    shape = _shape_text(tuple(record["shape"]), as_input=as_input)
    values = ["  ".join(f"{value:.4f}" for value in record[key][:8]) for key in ("mean", "std")]
    of = (
        "the training part"
        if record["measured"] == record["train"]
        else f"{record['measured']:,} images of the training part"
    )
    more = " …" if len(record["mean"]) > 8 else ""
    return [
        f"{record['name']} · {shape} · {record['train']:,} to train, {record['test']:,} to test",
        *record["notes"],
        f"mean {values[0]}{more}, std {values[1]}{more} of {of}"
        + (", pixels from 0 to 1" if record["type"] == "uint8" else ""),
        "",
        as_table(record["targets" if "targets" in record else "classes"]).rstrip("\n"),
    ]


def _write_samples(dataset: Dataset, path: Path) -> None:
    """A row of images for each class."""
    import numpy as np
    from PIL import Image

    from cnncli.data import LazyImages

    images, labels = dataset.train.images, dataset.train.labels
    if (
        len(images.shape) != 4
        or (not isinstance(images, LazyImages) and images.dtype != np.uint8)
        or images.shape[1] not in (1, 3)
    ):
        raise CnnError(f"--samples: {dataset.name} holds no images", "leave it out")
    if path.suffix.lower() != ".png":
        raise CnnError(f"{path}: samples are written as PNG", "end the name with .png")
    _, channels, height, width = images.shape
    if dataset.task != "classification":
        raise CnnError(f"--samples: {dataset.name} has no classes of images", "leave it out")
    rows = min(len(dataset.classes), 100)
    sheet = np.full((rows * (height + 1), SAMPLES * (width + 1), channels), 255, np.uint8)
    for row in range(rows):
        chosen = np.flatnonzero(labels == row)[:SAMPLES]
        for column, shown in enumerate(images.read(chosen) if isinstance(images, LazyImages) else images[chosen]):
            top, left = row * (height + 1), column * (width + 1)
            sheet[top : top + height, left : left + width] = shown.transpose(1, 2, 0)
    picture = Image.fromarray(sheet if channels == 3 else sheet[:, :, 0])
    scale = max(1, 56 // max(height, width))
    try:
        picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST).save(path)
    except OSError as error:
        raise CnnError(f"{path}: cannot be written: {error.strerror or error}") from None
