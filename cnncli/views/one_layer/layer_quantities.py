"""The quantities of one layer in every form, with sizes that are numbers or letters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cnncli.analysis.explanation.layer import explain, summary_of
from cnncli.analysis.explanation.layer_memory import Storage, byte_counts, memory_steps
from cnncli.analysis.explanation.meanings import meanings
from cnncli.analysis.explanation.steps import Explanation, symbols_of
from cnncli.arithmetic.shape import format_shape
from cnncli.errors import CnnError
from cnncli.inference import SUMMED, Inferred
from cnncli.io.escaping import latex
from cnncli.io.width import wrapped
from cnncli.views import explaining, listing
from cnncli.views.memory import human
from cnncli.views.one_layer.layer_types import hanging
from cnncli.views.summary.columns import INITIALIZATION, initialization, receptive_field_text, value_text
from cnncli.views.summary.formats import as_json

Record = dict[str, Any]
BYTES = "bytes"  # the figure of --figure that explain does not have


def answer(inferred: Inferred, quantity: str | None, storage: Storage, form: str) -> str:
    """The quantities of the only layer of a network as ``table``, ``json``, ``csv``, ``markdown`` or ``latex``.

    ``quantity`` is the only one that is shown (--figure).
    """
    if form == "json":
        import json

        return json.dumps(_record(inferred, quantity, storage), indent=1, ensure_ascii=False, default=str) + "\n"
    if inferred.has_symbolic_sizes:
        return _formulas(inferred, quantity, storage, form)
    explanation = _explained(inferred, storage)
    if form == "csv":
        return listing.as_csv([explaining.step_record(step) for step in explaining.chosen(explanation.steps, quantity)])
    write = {"table": explaining.as_text, "markdown": explaining.as_markdown, "latex": explaining.as_latex}[form]
    note = f"  note: {_note(storage)}\n" if form == "table" and quantity == BYTES else ""
    return write(explanation, quantity) + note


def _record(inferred: Inferred, quantity: str | None, storage: Storage) -> Record:
    """The layer's entry in the summary of a network, with its fields, its derivations and its bytes."""
    ((name, info),) = inferred.layers.items()
    summary = as_json(inferred, name, 0)
    entry = {key: value for key, value in summary["layers"][0].items() if key not in ("name", "inputs")}
    record = {"kind": name, "fields": info.node.layer.field_values, "inputs": summary["inputs"], **entry}
    record |= {"batch": storage.batch or 1, "dtype": storage.dtype, "bytes": byte_counts(info, storage)}
    if inferred.has_symbolic_sizes:
        if quantity is not None:
            raise CnnError("--figure: JSON with symbolic sizes has every quantity", "leave --figure out")
        return record | {"smallest_input": inferred.smallest_sizes}
    steps = _explained(inferred, storage).steps
    record["bytes"] |= {"saved_for_backward": steps[-1].value}
    return record | {"figures": [explaining.step_record(step) for step in explaining.chosen(steps, quantity)]}


def _explained(inferred: Inferred, storage: Storage) -> Explanation:
    """The layer's explanation, with the bytes of its tensors."""
    ((name, info),) = inferred.layers.items()
    explanation = explain(inferred, name)
    sizes = [step._replace(remark=_with_size(int(step.value), step.remark)) for step in memory_steps(info, storage)]
    steps = (*explanation.steps, *sizes)
    explained = meanings(symbols_of(steps), info.node.layer)
    return explanation._replace(steps=steps, meanings=explained, notes=(*explanation.notes, _note(storage)))


def _with_size(count: int, remark: str) -> str:
    return ", ".join(filter(None, (human(count) if count >= 1024 else "", remark)))


def _formulas(inferred: Inferred, quantity: str | None, storage: Storage, form: str) -> str:
    """The quantities with symbolic sizes, each as a formula in the letters of the input."""
    ((name, info),) = inferred.layers.items()
    quantities = {name: text for figure, name, text in _symbolic(inferred, storage) if quantity in (None, figure)}
    if quantity is None:  # only --figure shows the initialization, and that there are no buffers
        usual = {name: text for name, text in quantities.items() if name not in INITIALIZATION}
        quantities = {name: text for name, text in usual.items() if (name, text) != ("buffers", "0")}
    if form in ("csv", "markdown"):
        records = [{"quantity": quantity, "formula": value} for quantity, value in quantities.items()]
        return listing.as_csv(records) if form == "csv" else listing.as_markdown(records)
    if form == "latex":
        rows = [rf"  \text{{{latex(name)}}} &= \text{{{latex(value)}}}" for name, value in quantities.items()]
        return "\n".join([r"\begin{align*}", " \\\\\n".join(rows), r"\end{align*}"]) + "\n"
    inputs = " and ".join(map(format_shape, info.input_shapes))
    heading = wrapped(f"{name}: {summary_of(type(info.node.layer))}")
    listed = _listed(quantities) if quantities else [f"  no {quantity}"]
    notes = [f"  note: {_note(storage)}"] if quantity in (None, BYTES) else []
    return "\n".join([*heading, f"  input {inputs}", "", *listed, *notes]) + "\n"


def _symbolic(inferred: Inferred, storage: Storage) -> Iterator[tuple[str, str, str]]:
    """Each quantity with the name of its figure in ``--figure``, "" for what is no figure."""
    ((_, info),) = inferred.layers.items()
    yield "shape", "output", format_shape(info.stats.output_shape)
    for quantity in SUMMED:
        if quantity not in ("trainable", "weights", "biases"):
            yield quantity, quantity, _written(getattr(info.stats, quantity))
    yield "receptive_field", "receptive field", receptive_field_text(info, inferred)
    for tensor, count in byte_counts(info, storage).items():
        if tensor != "buffers" or count:
            yield BYTES, f"bytes of {tensor}", _written(count)
    for name, value in initialization(info).items():
        if value is not None:
            yield "initialization", name, value_text(value)
    needed = inferred.smallest_sizes
    sizes = [f"{letter} = {'none' if size is None else size}" for letter, size in needed.items()]
    yield "", "smallest input", ", ".join(sizes)
    if info.stats.notes:
        yield "", "note", "; ".join(info.stats.notes)


def _note(storage: Storage) -> str:
    return f"bytes are for {storage}"


def _written(count: object) -> str:
    return f"{count:,}" if type(count) is int else str(count)


def _listed(quantities: Mapping[str, str]) -> list[str]:
    width = max(map(len, quantities))
    return [line for name, text in quantities.items() for line in hanging(f"  {name.ljust(width)}  ", text)]
