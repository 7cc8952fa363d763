"""The columns of a summary: the name and heading of each, and its text in a row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cnncli.arithmetic.shape import Shape, format_shape, is_symbolic
from cnncli.arithmetic.window import Window
from cnncli.errors import CnnError, suggestion
from cnncli.inference import BYTES_PER_PARAMETER, SUMMED, Inferred, LayerInfo
from cnncli.layers.window_fields import padding_text, values_text
from cnncli.views.listing import NumberText
from cnncli.views.summary.rows import Row, is_partial, subtotal, total_label

if TYPE_CHECKING:
    from fractions import Fraction

PER_INPUT = ("macs", "flops", "connections", "activations")  # proportional to the batch size
ALIASES = {"kind": "type", "sees": "RF", "rf": "RF"}  # earlier names of columns, and RF in lower case


Value = int | float | str  # of a column: a text is "" where a row has no value, and a formula for symbolic sizes


def value_text(value: Value) -> str:
    """A value as in a table: ``61,706``, ``0.246824``."""
    return value if isinstance(value, str) else f"{value:,.6f}" if isinstance(value, float) else f"{value:,}"


def readable(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record for a table or Markdown: with sizes in MB and standard deviations as in :func:`value_text`."""
    return {key: NumberText(value_text(cell)) if isinstance(cell, float) else cell for key, cell in record.items()}


class Column(NamedTuple):
    """A column. The columns of the highest ``rank`` are the first to be shortened or hidden on a narrow terminal."""

    name: str
    heading: str
    value: Callable[[Row, Inferred, int], Value]
    rank: int
    right: bool = False

    def cell(self, row: Row, inferred: Inferred, batch: int) -> str:
        """The text of its value in a row."""
        return value_text(self.value(row, inferred, batch))

    @property
    def is_text(self) -> bool:
        """Whether its cells are names or sentences, which may be shortened."""
        return self.name in ("layer", "type", "inputs", "notes")


def _windows(row: Row) -> tuple[Window, ...]:
    return row.info.stats.windows if row.info is not None and row.is_layer else ()


def kernel_text(windows: tuple[Window, ...]) -> str:
    """``5x5``; empty without windows."""
    return format_shape(tuple(window.kernel for window in windows))


def stride_text(windows: tuple[Window, ...]) -> str:
    """``2``, or ``2x1`` where the axes differ."""
    return values_text([window.stride for window in windows]) if windows else ""


def dilation_text(windows: tuple[Window, ...]) -> str:
    """``1``, or ``2x1`` where the axes differ."""
    return values_text([window.dilation for window in windows]) if windows else ""


def _padding(row: Row, inferred: Inferred, batch: int) -> str:
    if row.info is None or not row.is_layer:
        return ""
    layer, border = row.info.node.layer, row.info.node.layer.border(row.info.input_shapes)
    if any(is_symbolic(before) for before, _ in border):
        return layer.padding_name  # its amounts depend on the size
    return padding_text(border) if border else ""


def _output(row: Row, inferred: Inferred, batch: int) -> str:
    return format_shape(with_batch(row.info.stats.output_shape, batch)) if row.info is not None else ""


def with_batch(shape: Shape, batch: int) -> Shape:
    """The shape with the batch size as its first axis; the shape itself for a ``batch`` of 0."""
    return (batch, *shape) if batch else shape


def _receptive_field(row: Row, inferred: Inferred, batch: int) -> str:
    return receptive_field_text(row.info, inferred) if row.info is not None else ""


def receptive_field_text(info: LayerInfo, inferred: Inferred) -> str:
    """The receptive field's size on each input: ``16x16`` or ``all``, with ``*`` where merged paths are not aligned."""
    extents = {entry.name: entry.shape for entry in inferred.graph.inputs}
    parts = []
    for name, field in info.receptive_field.items():
        known = all(axis.is_known for axis in field.axes)
        size = "all" if known and field.covers(extents[name]) else "varies"
        if known and size != "all":
            size = format_shape(tuple(axis.size for axis in field.axes))
        parts.append(("" if len(extents) == 1 else f"{name} ") + size + ("" if field.aligned else "*"))
    return ", ".join(parts)


def _count(name: str) -> Callable[[Row, Inferred, int], Value]:
    return lambda row, inferred, batch: "" if row.counts is None else scaled(name, row.counts[name], batch)


def scaled(name: str, count: int, batch: int) -> int:
    """A count for a batch of that size: times it, if it is proportional to it and not 0."""
    return count * batch if batch and name in PER_INPUT else count


MEGABYTES = {"param_mb": "params", "activation_mb": "activations"}  # of values in float32; the quantity of each column


def megabytes(name: str, counts: Mapping[str, int], batch: int) -> float | str:
    """The size of a layer's, or the network's, parameters or activations in MB of 10^6 bytes, in float32.

    A formula for symbolic sizes.
    """
    quantity = MEGABYTES[name]
    size = scaled(quantity, counts[quantity], batch) * BYTES_PER_PARAMETER
    return f"({size}) / 10^6" if is_symbolic(size) else size / 10**6


def _megabytes(name: str) -> Callable[[Row, Inferred, int], Value]:
    return lambda row, inferred, batch: "" if row.counts is None else megabytes(name, row.counts, batch)


INITIALIZATION = ("fan_in", "fan_out", "he_std", "xavier_std")


def initialization(info: LayerInfo) -> dict[str, int | float | str | None]:
    """The fans of a layer and the standard deviations that they give; None where there are no weights to draw."""
    from cnncli.analysis.initialization import initialization_of

    found = initialization_of(info)
    return {name: None if found is None else getattr(found, name) for name in INITIALIZATION}


def _initialization(name: str) -> Callable[[Row, Inferred, int], Value]:
    def value(row: Row, inferred: Inferred, batch: int) -> Value:
        found = initialization(row.info)[name] if row.info is not None and row.is_layer else None
        return "" if found is None else found

    return value


def total(name: str, totals: Mapping[str, int], batch: int = 0) -> Value:
    """The total of the column of that name; "" if it does not add up."""
    if name in MEGABYTES:
        return megabytes(name, totals, batch)
    return scaled(name, totals[name], batch) if name in totals else ""


def closing_rows(columns: Sequence[Column], inferred: Inferred, rows: list[Row], batch: int) -> list[list[str]]:
    """The texts of the last rows: the subtotal of the layers shown if they are only some, and the total of all.

    The first column has their labels, unless it has a sum. Without any sum there is no subtotal.
    """
    totals = inferred.totals
    closing = [(total_label(inferred, rows), [value_text(total(column.name, totals, batch)) for column in columns])]
    if is_partial(inferred, rows) and any(closing[0][1]):
        row = subtotal(rows)
        closing.insert(0, (row.label, [column.cell(row, inferred, batch) for column in columns]))
    return [[texts[0] or label, *texts[1:]] for label, texts in closing]


def type_text(row: Row) -> str:
    """The layer type, with ``x8`` for eight identical repeats."""
    return row.kind if row.times == 1 else f"{row.kind} x{row.times}"


COLUMNS = {
    column.name: column
    for column in (
        Column("layer", "layer", lambda row, *_: "  " * row.depth + row.label, 0),
        Column("type", "type", lambda row, *_: type_text(row), 5),
        Column("output", "output", _output, 2),
        Column("kernel", "kernel", lambda row, *_: kernel_text(_windows(row)), 6),
        Column("stride", "stride", lambda row, *_: stride_text(_windows(row)), 7),
        Column("pad", "pad", _padding, 8),
        Column("dilation", "dilation", lambda row, *_: dilation_text(_windows(row)), 9),
        Column("params", "params", _count("params"), 1, right=True),
        Column("macs", "MACs", _count("macs"), 3, right=True),
        Column("RF", "RF", _receptive_field, 4),
        *(Column(name, name, _count(name), 10, right=True) for name in SUMMED if name not in ("params", "macs")),
        *(Column(name, name.replace("_mb", " MB"), _megabytes(name), 10, right=True) for name in MEGABYTES),
        *(Column(name, name, _initialization(name), 10, right=True) for name in INITIALIZATION),
        Column("inputs", "inputs", lambda row, *_: ", ".join(row.info.node.inputs) if row.info else "", 11),
        Column("notes", "notes", lambda row, *_: "; ".join(notes(row)), 12),
    )
}

DEFAULT = ("layer", "type", "output", "kernel", "stride", "pad", "params", "macs", "RF")


def notes(row: Row) -> tuple[str, ...]:
    """The notes on a layer, e.g. what its window drops."""
    return row.info.stats.notes if row.info is not None and row.is_layer else ()


def choose(names: str | None, rows: list[Row], leave_out: tuple[str, ...] = ()) -> list[Column]:
    """The columns of ``--columns a,b,c``; without names the default ones except ``leave_out``, and dilation if any.

    Raises CnnError for an unknown name.
    """
    if names is None:
        dilated = any(window.dilation > 1 for row in rows for window in _windows(row))
        shown = {*DEFAULT, *(("dilation",) if dilated else ())} - {*leave_out}
        return [COLUMNS[name] for name in COLUMNS if name in shown]
    if {"share", "percent", "percentage", "%"} & {name.strip() for name in names.lower().split(",")}:
        raise CnnError("--columns: a share is an option of its own, with its quantity", "write --share params")
    wanted = read_names(names, COLUMNS, "column")
    if not wanted:
        raise CnnError("--columns: names no column", f"the columns are {', '.join(COLUMNS)}")
    return [COLUMNS[name] for name in wanted]


def read_names(text: str, known: Collection[str], what: str) -> list[str]:
    """The names in ``--columns a,b``, each once, with earlier names replaced. Raises CnnError for one not ``known``."""
    typed = [name.strip().lower() for name in text.split(",") if name.strip()]
    for name in typed:
        if ALIASES.get(name, name) not in known:
            hint = suggestion(name, list(known), f"the {what}s are {', '.join(known)}")
            raise CnnError(f"--columns: unknown {what} {name!r}", hint)
    return [*dict.fromkeys(ALIASES.get(name, name) for name in typed)]


def stride_value(stride: int | Fraction) -> int | str:
    """The stride of a receptive field for JSON: an integer, or a string such as ``1/2``."""
    return stride.numerator if stride.denominator == 1 else str(stride)
