"""The quantities of one layer in every form, with sizes that are numbers or letters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cnncli.analysis.explanation.layer import explain, summary_of
from cnncli.analysis.explanation.layer_memory import byte_counts, memory_steps
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
from cnncli.views.summary.columns import receptive_field_text
from cnncli.views.summary.formats import as_json

Record = dict[str, Any]


def answer(inferred: Inferred, quantity: str | None, batch: int | None, form: str) -> str:
    """The quantities of the only layer of a network as ``table``, ``json``, ``csv``, ``markdown`` or ``latex``.

    ``quantity`` is the only one that is shown (--figure), ``batch`` None is one example.
    """
    if form == "json":
        import json

        return json.dumps(_record(inferred, quantity, batch), indent=1, ensure_ascii=False, default=str) + "\n"
    if inferred.has_symbolic_sizes:
        return _formulas(inferred, quantity, batch, form)
    explanation = _explained(inferred, batch)
    if form == "csv":
        return listing.as_csv([explaining.step_record(step) for step in explaining.chosen(explanation.steps, quantity)])
    write = {"table": explaining.as_text, "markdown": explaining.as_markdown, "latex": explaining.as_latex}[form]
    return write(explanation, quantity)


def _record(inferred: Inferred, quantity: str | None, batch: int | None) -> Record:
    """The layer's entry in the summary of a network, with its fields, its derivations and its bytes."""
    ((name, info),) = inferred.layers.items()
    summary = as_json(inferred, name, 0)
    entry = {key: value for key, value in summary["layers"][0].items() if key not in ("name", "inputs")}
    record = {"kind": name, "fields": info.node.layer.field_values, "inputs": summary["inputs"], **entry}
    record |= {"batch": batch or 1, "bytes": byte_counts(info, batch)}
    if inferred.has_symbolic_sizes:
        if quantity is not None:
            raise CnnError("--figure: JSON with symbolic sizes has every quantity", "leave --figure out")
        return record | {"smallest_input": inferred.smallest_sizes}
    steps = _explained(inferred, batch).steps
    record["bytes"] |= {"saved_for_backward": steps[-1].value}
    return record | {"figures": [explaining.step_record(step) for step in explaining.chosen(steps, quantity)]}


def _explained(inferred: Inferred, batch: int | None) -> Explanation:
    """The layer's explanation, with the bytes of its tensors."""
    ((name, info),) = inferred.layers.items()
    explanation = explain(inferred, name)
    sizes = [step._replace(remark=_with_size(int(step.value), step.remark)) for step in memory_steps(info, batch)]
    steps = (*explanation.steps, *sizes)
    note = f"bytes are for float32 and {f'a batch of {batch}' if batch else 'one example'}"
    explained = meanings(symbols_of(steps), info.node.layer)
    return explanation._replace(steps=steps, meanings=explained, notes=(*explanation.notes, note))


def _with_size(count: int, remark: str) -> str:
    return ", ".join(filter(None, (human(count) if count >= 1024 else "", remark)))


def _formulas(inferred: Inferred, quantity: str | None, batch: int | None, form: str) -> str:
    """The quantities with symbolic sizes, each as a formula in the letters of the input."""
    ((name, info),) = inferred.layers.items()
    start = {None: "", "shape": "output"}.get(quantity, (quantity or "").replace("_", " "))
    quantities = {name: text for name, text in _symbolic_quantities(inferred, batch) if name.startswith(start)}
    if form in ("csv", "markdown"):
        records = [{"quantity": quantity, "formula": value} for quantity, value in quantities.items()]
        return listing.as_csv(records) if form == "csv" else listing.as_markdown(records)
    if form == "latex":
        rows = [rf"  \text{{{latex(name)}}} &= \text{{{latex(value)}}}" for name, value in quantities.items()]
        return "\n".join([r"\begin{align*}", " \\\\\n".join(rows), r"\end{align*}"]) + "\n"
    inputs = " and ".join(map(format_shape, info.input_shapes))
    heading = wrapped(f"{name}: {summary_of(type(info.node.layer))}")
    return "\n".join([*heading, f"  input {inputs}", "", *_listed(quantities)]) + "\n"


def _symbolic_quantities(inferred: Inferred, batch: int | None) -> Iterator[tuple[str, str]]:
    ((_, info),) = inferred.layers.items()
    yield "output", format_shape(info.stats.output_shape)
    for quantity in SUMMED:
        if quantity not in ("trainable", "weights", "biases", "buffers"):
            yield quantity, _written(getattr(info.stats, quantity))
    yield "receptive field", receptive_field_text(info, inferred)
    for tensor, count in byte_counts(info, batch).items():
        if tensor != "buffers" or count:
            yield f"bytes of {tensor}", _written(count)
    needed = inferred.smallest_sizes
    sizes = [f"{letter} = {'none' if size is None else size}" for letter, size in needed.items()]
    yield "smallest input", ", ".join(sizes)
    if info.stats.notes:
        yield "note", "; ".join(info.stats.notes)


def _written(count: object) -> str:
    return f"{count:,}" if type(count) is int else str(count)


def _listed(quantities: Mapping[str, str]) -> list[str]:
    width = max(map(len, quantities))
    return [line for name, text in quantities.items() for line in hanging(f"  {name.ljust(width)}  ", text)]
