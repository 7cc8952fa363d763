"""Explanations as text, Markdown, LaTeX and JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, zip_longest
from typing import Any

from cnncli.analysis.explanation import (
    INITIALIZATION,
    DerivationStep,
    Explanation,
    Reference,
    explain,
    explain_total,
    references,
    symbols_of,
)
from cnncli.arithmetic.axes import AXIS_ENDS, AXIS_NAMES
from cnncli.arithmetic.shape import format_shape
from cnncli.arithmetic.tracing import LATEX_FORMULA, LATEX_NUMBERS, Name, written
from cnncli.errors import counted
from cnncli.inference import Inferred
from cnncli.io.escaping import latex, markdown, visible_line
from cnncli.io.width import text_width, wrapped
from cnncli.views.summary.columns import receptive_field_text, stride_value

SHORT_MARGIN = 4  # before arithmetic that does not fit beside the name of its quantity


def chosen(steps: Sequence[DerivationStep], quantity: str | None) -> list[DerivationStep]:
    """The steps of the quantity that --figure names; without one all, except for the initialization."""
    if quantity is None:
        return [step for step in steps if not step.quantity.startswith(INITIALIZATION)]
    starts = {"shape": ("padding", "output"), "initialization": INITIALIZATION}.get(
        quantity, quantity.replace("_", " ")
    )
    return [step for step in steps if step.quantity.startswith(starts)]


def folded(steps: Sequence[DerivationStep]) -> list[DerivationStep]:
    """The steps, those that are the same on several axes or sides as one: ``output height, width``."""
    kept: list[DerivationStep] = []
    places: dict[tuple[object, ...], int] = {}
    for step in steps:
        start, _, axis = step.quantity.rpartition(" ")
        at = len(kept)
        if axis in AXIS_NAMES or axis in AXIS_ENDS:
            at = places.setdefault((start, step.numbers, step.value, step.remark), at)
        if at < len(kept):
            kept[at] = kept[at]._replace(quantity=f"{kept[at].quantity}, {axis}")
        else:
            kept.append(step)
    return kept


def _is_zero(step: DerivationStep) -> bool:
    return step.value == 0 and step.expression == 0 and not step.quantity.startswith(("output", "padding", "receptive"))


# Text --------------------------------------------------------------------------------------------------------------


def as_text(explanation: Explanation, quantity: str | None) -> str:
    """Lines aligned at their equal signs: ``params = C_out * C_in * k * k + C_out = 6 * 1 * 5 * 5 + 6 = 156``."""
    steps = folded(chosen(explanation.steps, quantity))
    heading = chain.from_iterable(map(wrapped, _heading(explanation)))
    lines = [*heading, *_symbol_lines(explanation, steps), ""]
    derived = [step for step in steps if not _is_zero(step)]
    width = max((len(_short(step.quantity)) for step in derived), default=0)
    for step in derived:
        lines += _text_lines(step, width)
    zero = [step for step in steps if _is_zero(step)]
    if zero:
        remarks = "; ".join(dict.fromkeys(step.remark for step in zero if step.remark))
        lines += wrapped(
            f"  {', '.join(_short(step.quantity) for step in zero)}: 0{f' ({remarks})' if remarks else ''}"
        )
    if quantity is not None and not steps:
        lines.append(f"  no {quantity}")
    lines += [line for note in explanation.notes if quantity is None for line in wrapped(f"  note: {note}")]
    return "\n".join(lines) + "\n"


def _heading(explanation: Explanation, escaped: Callable[[str], str] = visible_line) -> list[str]:
    """The layer's description and its shapes; ``escaped`` writes the layers' names."""
    inputs = " and ".join(f"{escaped(name)} {format_shape(shape)}" for name, shape in explanation.inputs)
    kind = f" ({explanation.kind})" if explanation.name != explanation.kind else ""
    return [
        f"{escaped(explanation.name)}{kind}: {explanation.what}",
        f"  {inputs} -> {format_shape(explanation.output)}",
    ]


def _symbols(explanation: Explanation, steps: Sequence[DerivationStep], write: Callable[[str, int], str]) -> list[str]:
    """``k = 5 (kernel size)`` for each symbol in the formulas; ``write`` gives the equation."""
    return [f"{write(symbol, value)} ({explanation.meanings[symbol]})" for symbol, value in symbols_of(steps).items()]


def _symbol_lines(explanation: Explanation, steps: Sequence[DerivationStep]) -> list[str]:
    """``where`` and a line per symbol, or per two symbols where they fit: ``k = 5  kernel size``, in columns."""
    rows = [(name, f"{value:,}", _short(explanation.meanings[name])) for name, value in symbols_of(steps).items()]
    if not rows:
        return []
    half = -(-len(rows) // 2)
    start = "  where  "
    columns = [_equations(rows[:half]), _equations(rows[half:])]
    texts = [f"{left}   {right}" for left, right in zip_longest(*columns, fillvalue="")]
    if len(start) + max(map(len, texts)) > text_width():
        texts = _equations(rows)
    return [f"{start if at == 0 else ' ' * len(start)}{text.rstrip()}" for at, text in enumerate(texts)]


def _equations(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    """A line of symbol, value and meaning per row, aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    columns = ((text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows)
    return [f"{name} = {value}  {meaning}" for name, value, meaning in columns]


def _parts(step: DerivationStep) -> list[str]:
    """The formula, the formula with its numbers, the result; equal ones once."""
    return [*dict.fromkeys((step.formula, step.numbers, step.result))]


def _short(text: str) -> str:
    """A text with RF for the receptive field, which leaves room for the arithmetic: ``input RF size``."""
    return re.sub(r"^receptive field (.*) of the input$", r"input RF \1", text).replace("receptive field", "RF")


def _text_lines(step: DerivationStep, width: int) -> Iterator[str]:
    """The quantity and its arithmetic: on one line if that fits, else with a line per equal sign."""
    *worked, result = _parts(step)
    remark = f"   ({step.remark})" if step.remark else ""
    *parts, last = [*worked, f"{step.value:,}" if worked and isinstance(step.value, int) else result]
    parts.append(last + remark)
    start, most = f"  {_short(step.quantity).ljust(width)} = ", text_width()
    line = start + " = ".join(parts)
    if len(line) <= most or len(parts) == 1:
        yield from wrapped(line, len(start) - 2)
        return
    if max(map(len, parts)) + len(start) > most:  # does not fit beside the name of the quantity
        yield start.removesuffix("= ").rstrip()
        start = " " * SHORT_MARGIN + "= "
    margin = " " * (len(start) - 2)
    yield from wrapped(start + parts[0], len(start) if start.strip() != "=" else 4)
    for part in parts[1:]:
        yield from wrapped(f"{margin}= {part}", 4)


# Markdown and LaTeX ------------------------------------------------------------------------------------------------


def as_markdown(explanation: Explanation, quantity: str | None) -> str:
    """A heading and a table of quantities."""
    steps = folded(chosen(explanation.steps, quantity))
    name, shapes = _heading(explanation, markdown)
    symbols = _symbols(explanation, steps, lambda symbol, value: f"`{symbol} = {value}`")
    rest = [shapes, *([f"where {', '.join(symbols)}"] if symbols else [])]
    rows = [
        f"| {step.quantity} | {' = '.join(f'`{part}`' for part in _parts(step))} | {step.remark} |" for step in steps
    ]
    body = "\n".join(["| quantity | derivation | remark |", "| --- | --- | --- |", *rows])
    return f"### {name}\n\n{'  '.join(line.strip() + chr(10) for line in rest)}\n{body}\n"


def as_latex(explanation: Explanation, quantity: str | None) -> str:
    """A paragraph and an align* environment (amsmath), to paste into a solution sheet."""
    steps = folded(chosen(explanation.steps, quantity))
    name, shapes = _heading(explanation)
    symbols = _symbols(
        explanation, steps, lambda symbol, value: f"${written(Name(symbol, value), LATEX_FORMULA)} = {value}$"
    )
    where = [rf"\noindent where {', '.join(symbols)}."] if symbols else []
    rows = [
        rf"  \text{{{latex(step.quantity)}}} &= {' = '.join(_latex_parts(step))}{_latex_remark(step)}" for step in steps
    ]
    shown = latex(shapes.strip()).replace("->", r"$\to$")
    heading = rf"\paragraph{{{latex(name)}}} {shown}"
    return "\n".join([heading, r"\begin{align*}", " \\\\\n".join(rows), r"\end{align*}", *where]) + "\n"


def _latex_parts(step: DerivationStep) -> list[str]:
    parts = (written(step.expression, LATEX_FORMULA), written(step.expression, LATEX_NUMBERS), step.result)
    return [*dict.fromkeys(parts)]


def _latex_remark(step: DerivationStep) -> str:
    return rf" \quad \text{{({latex(step.remark)})}}" if step.remark else ""


# Solutions ---------------------------------------------------------------------------------------------------------


def solution(
    inferred: Inferred, names: Sequence[str], quantity: str | None, form: str, *, total: bool
) -> Iterator[str]:
    """The explanations of these layers, and of the ``total``, in the form ``text``, ``markdown`` or ``latex``.

    A layer, or a repeat, with the quantities of an earlier one refers to that.
    """
    write = {"text": as_text, "markdown": as_markdown, "latex": as_latex}[form]
    known = references(inferred, names)
    covered: set[str] = set()
    selective = total and quantity is not None  # layers without the quantity are left out
    nothing = bool(names)
    for name in names:
        if name in covered:
            continue
        explanation = explain(inferred, name) if selective or name not in known else None
        if selective and explanation is not None and not _has(explanation, quantity):
            continue
        nothing = False
        if name in known:
            covered.update(known[name].layers)
            yield _reference(inferred, known[name], form)
        elif explanation is not None:
            yield write(explanation, quantity)
    if nothing:
        yield f"no layer has {quantity}\n"
    if total and _has(sums := explain_total(inferred), quantity):
        yield write(sums, quantity)


def _has(explanation: Explanation, quantity: str | None) -> bool:
    """Whether an explanation has the quantity: not all layers have buffers or initial weights."""
    return bool(chosen(explanation.steps, quantity))


def _reference(inferred: Inferred, reference: Reference, form: str) -> str:
    """``stage1.more.1 (repeat): as stage1.more.0: 10 layers, 70,400 params, 218,365,952 macs; RF 43x43``."""
    layers = [inferred.layers[name] for name in reference.layers]
    counts = [counted(len(layers), "layer")] if len(layers) > 1 else []
    counts += [f"{sum(getattr(layer.stats, count) for layer in layers):,} {count}" for count in ("params", "macs")]
    start, end = f"{reference.name} ({reference.kind})", receptive_field_text(layers[-1], inferred)
    line = f"as {reference.like}: {', '.join(counts)}; RF {end}"
    if form == "latex":
        return f"\\paragraph{{{latex(start)}}} {latex(line)}\n"
    if form == "markdown":
        return f"### {markdown(start)}\n\n{markdown(line)}\n"
    return "\n".join(wrapped(f"{visible_line(start)}: {visible_line(line)}")) + "\n"


# Programs ----------------------------------------------------------------------------------------------------------


def as_record(explanation: Explanation, quantity: str | None) -> dict[str, Any]:
    """The explanation as plain data, with a step for each axis."""
    symbols = symbols_of(chosen(explanation.steps, quantity))
    return {
        "layer": explanation.name,
        "kind": explanation.kind,
        "what": explanation.what,
        "inputs": [{"name": name, "shape": [*map(int, shape)]} for name, shape in explanation.inputs],
        "output_shape": [*map(int, explanation.output)],
        "symbols": {symbol: int(value) for symbol, value in symbols.items()},
        "meanings": {symbol: explanation.meanings[symbol] for symbol in symbols},
        "figures": [step_record(step) for step in chosen(explanation.steps, quantity)],
        "notes": list(explanation.notes),
    }


def step_record(step: DerivationStep) -> dict[str, Any]:
    """One quantity as plain data."""
    return {
        "figure": step.quantity,
        "formula": step.formula,
        "numbers": step.numbers,
        "result": step.value if isinstance(step.value, float) else stride_value(step.value),
        "remark": step.remark,
    }
