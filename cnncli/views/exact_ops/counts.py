"""The operations of a convolution by each method, as text and for JSON."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

from cnncli.homework.exact_ops.exercise import Exercise
from cnncli.homework.exact_ops.matrices import WIDTH
from cnncli.homework.exact_ops.methods.counts import counts, separated, sizes_of


def counts_record(exercise: Exercise) -> dict[str, Any]:
    """The counts for JSON: ``separable`` (the outer products, one per kernel), and the ``methods``."""
    methods = [{**one._asdict(), "formulas": [*one.formulas]} for one in counts(exercise)]
    return {"separable": separated(exercise), "methods": methods}


def counts_lines(exercise: Exercise) -> list[str]:
    """A table of the methods, and the formulas of each."""
    sizes, found = sizes_of(exercise), counts(exercise)
    filters = f"F = {sizes.filters}, C = {sizes.channels}, k = {'x'.join(map(str, sizes.kernel))}"
    width = max(len(one.method) for one in found)
    lines = [f"{filters}, P = {'x'.join(map(str, sizes.outputs))} = {sizes.places:,}", ""]
    lines += [f" {'method':{width}}  multiplications  {'additions':>15}  of direct"]
    for one in found:
        additions = "-" if one.additions is None else f"{one.additions:,}"
        ratio = found[0].multiplications / one.multiplications
        share = f"1/{ratio:.3g}" if ratio > 1 else f"x{1 / ratio:.3g}"
        lines.append(f" {one.method:{width}}  {one.multiplications:>15,}  {additions:>15}  {share:>9}")
    for one in found:
        lines += [
            "",
            f"{one.method} ({one.source})" if one.source else one.method,
            *(line for text in one.formulas for line in _indented(text)),
        ]
    text = separable_text(exercise) or "not separable: not every kernel is the outer product of a column and a row"
    return [*lines, *(["", *wrap(text, WIDTH)] if len(sizes.kernel) == 2 else [])]


def separable_text(exercise: Exercise) -> str:
    """That the kernels are separable, and their vectors; empty if they are not."""
    texts = [*dict.fromkeys(separated(exercise))]
    return f"the kernel{'s are' if len(texts) > 1 else ' is'} separable: {', '.join(texts)}" if texts else ""


def separable_note(exercise: Exercise) -> str:
    """A note that the kernels of a convolution are separable, and what that saves; empty otherwise."""
    if exercise.pool or exercise.transposed:
        return ""
    text = separable_text(exercise)
    high, wide = exercise.kernel.shape[2:] if text else (0, 0)
    saving = f"{high} + {wide} = {high + wide} multiplications per value instead of {high} * {wide} = {high * wide}"
    return "\n".join(wrap(f"({text}; {saving})", WIDTH)) if text else ""


def _indented(text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")
