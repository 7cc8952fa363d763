"""The datasets as a list, and what one contains, as text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cnncli.arithmetic.shape import format_input_shape, format_shape, probable_input
from cnncli.io.width import output_width, wrapped
from cnncli.views.listing import as_table, continued

Record = dict[str, Any]

CHANNELS_SHOWN = 8  # channels whose mean and std are printed
HEADINGS = {"least": "min", "most": "max"}  # of the targets' table; the keys of the JSON are older


def dataset_table(records: Iterable[Record]) -> str:
    """The table of ``cnn data``; ``local`` is whether a dataset can be used without a download."""
    rows = [{**record, "local": "yes" if record["local"] else "download"} for record in records]
    return as_table(continued(rows, "about", output_width()))


def describe_dataset(record: Record, *, as_input: bool) -> str:
    """The record of a dataset; ``as_input`` is whether its examples were read as the shape of ``--input``."""
    shape = _shape_text(tuple(record["shape"]), as_input=as_input)
    mean, std = (_channels(record[key]) for key in ("mean", "std"))
    sampled = "" if record["measured"] == record["train"] else f"{record['measured']:,} images of the "
    scale = ", pixels from 0 to 1" if record["type"] == "uint8" else ""
    rows = record["targets" if "targets" in record else "classes"]
    lines = [
        *wrapped(f"{record['name']} · {shape} · {record['train']:,} training and {record['test']:,} test examples"),
        *(line for note in record["notes"] for line in wrapped(note)),
        *wrapped(f"{sampled}training split: mean {mean}, std {std}{scale}"),
        "",
        as_table([{HEADINGS.get(key, key): value for key, value in row.items()} for row in rows]),
    ]
    return "\n".join(lines)


def _shape_text(shape: tuple[int, ...], *, as_input: bool) -> str:
    """The shape of an example; for an array's own shape, also how the network's input is to be written."""
    if as_input:
        return format_input_shape(shape)
    own, network_input = format_shape(shape), probable_input(shape)
    return own if own == network_input else f"{own} (input: {network_input})"


def _channels(values: list[float]) -> str:
    text = "  ".join(f"{value:.4f}" for value in values[:CHANNELS_SHOWN])
    return f"{text} …" if len(values) > CHANNELS_SHOWN else text
