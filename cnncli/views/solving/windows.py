"""Windows that turn one size into another, and the sizes that a window gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncli.analysis.explanation import traced_window
from cnncli.analysis.solving.windows import (
    Converted,
    Solution,
    Wanted,
    inputs_for,
    outputs_of,
    solutions,
    transposed_conversions,
    transposed_solutions,
    window_for,
    window_of,
)
from cnncli.arithmetic.axes import SPATIAL_AXES
from cnncli.arithmetic.shape import format_shape
from cnncli.arithmetic.tracing import PLAIN_NUMBERS, expression_of, named, written
from cnncli.arithmetic.window import Window, fits, largest_kernel, last_start, output_size
from cnncli.io.width import text_width
from cnncli.views.listing import aligned

RecordAndLines = tuple[dict[str, Any], list[str]]
MAX_SHOWN = 10  # solutions without --all
KEYS = ("kernel", "stride", "padding", "dilation", "dropped")


def answer(wanted: Wanted, *, transposed: bool, show_all: bool) -> RecordAndLines:
    """The windows between the sizes; of one window the outputs of the inputs, or the inputs of the outputs."""
    if wanted.inputs and wanted.outputs:
        return _windows(wanted, transposed=transposed, show_all=show_all)
    if transposed:
        return _transposed(wanted)
    return _outputs(wanted) if wanted.inputs else _inputs(wanted)


def answer_per_axis(axes: Sequence[Wanted], *, transposed: bool, show_all: bool) -> RecordAndLines:
    """The answer for each axis, where the window differs between them, and the output where one follows."""
    record: dict[str, Any] = {"axes": []}
    lines: list[str] = []
    for axis, wanted in zip(SPATIAL_AXES[len(axes)], axes, strict=True):
        found, text = answer(wanted, transposed=transposed, show_all=show_all)
        if found.pop("answer", True) is False:
            record["answer"] = False
        record["axes"].append({"axis": axis.name, **found})
        lines += [f"{axis.name}: {text[0]}"] if len(text) == 1 else [f"{axis.name}:", *(f"  {line}" for line in text)]
    solutions_found = [each["solutions"][0] for each in record["axes"] if each["solutions"]]
    if not axes[0].outputs and len(solutions_found) == len(axes):
        lines.append(f"output: {format_shape(tuple(each['out'] for each in solutions_found))}")
    return record, lines


def _no_solution(*lines: str) -> RecordAndLines:
    return {"solutions": [], "answer": False}, [*lines]


def _windows(wanted: Wanted, *, transposed: bool, show_all: bool) -> RecordAndLines:
    found = (transposed_solutions if transposed else solutions)(wanted)
    if not found:
        limits = [] if wanted.kernel is not None else [f"a kernel of at most {wanted.max_kernel}"]
        limits += ["a stride of at most the kernel"] if wanted.kernel is None and wanted.stride is None else []
        limits += [] if wanted.padding is not None else ["padding of at most half the kernel"]
        same = " (the same on every axis)" if len(wanted.inputs) > 1 else ""
        bounds = f" with {', '.join(limits)}" if limits else ""
        return _no_solution(
            f"no window{same}{bounds} turns {format_shape(wanted.inputs)} into {format_shape(wanted.outputs)}",
            *([] if transposed else _with_same(wanted)),
        )
    keys = (*KEYS, "output_padding") if transposed else KEYS
    records = [{key: getattr(solution, key) for key in keys} for solution in found]
    shown = found if show_all else found[:MAX_SHOWN]
    heading = [*KEYS[:4], "output padding" if transposed else ""]
    rows = [_row(solution, wanted, transposed=transposed) for solution in shown]
    table = aligned([heading, *rows], [False] * len(heading))
    if max(map(len, table)) > text_width() and all(row[3] == "1" for row in rows):
        table = aligned([row[:3] + row[4:] for row in (heading, *rows)], [False] * (len(heading) - 1))
    return {"solutions": records}, [
        *table,
        *more_note(len(found) - len(shown)),
    ]


def _with_same(wanted: Wanted) -> list[str]:
    """The line that same padding, which may differ between the two sides, gives the output where no padding does."""
    found = solutions(wanted._replace(padding="same")) if wanted.padding is None and wanted.kernel else []
    return [f"--padding same gives it, with stride {found[0].stride}: one side has more padding"] if found else []


def more_note(count: int) -> list[str]:
    """The lines below a table that leaves out ``count`` solutions."""
    return ["", f" … and {count} more: --all shows them"] if count else []


def _row(solution: Solution, wanted: Wanted, *, transposed: bool) -> list[str]:
    cells = [str(solution.kernel), str(solution.stride), str(solution.padding), str(solution.dilation)]
    if transposed:
        return [*cells, str(solution.output_padding)]
    formulas = [
        _formula(size, window_for(size, solution.kernel, solution.stride, solution.padding, solution.dilation))
        for size in dict.fromkeys(wanted.inputs)
    ]
    drops = f"   drops {solution.dropped}" if solution.dropped else ""
    return [*cells, "; ".join(formulas) + drops]


def _formula(size: int, window: Window) -> str:
    """The size formula with its values and its result."""
    positions = output_size(named("n", size), traced_window(window))
    return f"{written(expression_of(positions), PLAIN_NUMBERS)} = {int(positions)}"


def _outputs(wanted: Wanted) -> RecordAndLines:
    windows = [window_of(wanted, size) for size in wanted.inputs]
    pairs = list(zip(wanted.inputs, windows, strict=True))
    if not all(fits(size, window) for size, window in pairs):
        largest = min(largest_kernel(size, window) for size, window in pairs)
        sizes = format_shape(wanted.inputs)
        return _no_solution(f"a kernel of {wanted.kernel} does not fit {sizes}: the largest that does is {largest}")
    found = outputs_of(wanted)
    lines = [_formula(each.input, each.window) for each in found] + [_drops(each) for each in found if each.dropped]
    outputs = [each.output for each in found]
    record = {
        "out": outputs[0] if len(outputs) == 1 else outputs,
        "kernel": wanted.kernel,
        "stride": wanted.stride or 1,
        "padding": wanted.padding or 0,
        "dilation": wanted.dilation or 1,
        "dropped": max(each.dropped for each in found),
    }
    return {"solutions": [record]}, [*dict.fromkeys(lines)]


def _drops(found: Converted) -> str:
    start, stride = last_start(found.input, found.window), found.window.stride
    return (
        f"it does not fit exactly: {start} / {stride} + 1 = {start / stride + 1:.4g}; "
        f"rounding down drops {found.dropped}"
    )


def _inputs(wanted: Wanted) -> RecordAndLines:
    window = window_of(wanted, 1)
    records, lines = [], []
    for output in wanted.outputs:
        found = inputs_for(output, window)
        if found is None:
            return _no_solution(f"no input gives an output of {output}")
        records.append({"out": output, "in": list(found), "exact": found.first})
        sizes = str(found.first) if found.first == found.last else f"{found.first} to {found.last}"
        exact = "" if found.first == found.last else f"; nothing is dropped at {found.first}"
        lines.append(f"an output of {output} comes from inputs of {sizes}{exact}")
    return {"solutions": records}, lines


def _transposed(wanted: Wanted) -> RecordAndLines:
    found = transposed_conversions(wanted)
    missing = next((each.output for each in found if not each.input), None)
    if missing is not None:
        return _no_solution(f"no input gives an output of {missing}")
    lines = [*dict.fromkeys(_transposed_line(each, solved_for_input=bool(wanted.outputs)) for each in found)]
    if any(each.output < 1 for each in found):
        return _no_solution(*lines, "the padding removes the entire output")
    extra = [{"output_padding": each.output_padding} if wanted.outputs else {} for each in found]
    return {
        "solutions": [{"in": each.input, "out": each.output, **more} for each, more in zip(found, extra, strict=True)]
    }, lines


def _transposed_line(found: Converted, *, solved_for_input: bool) -> str:
    window = found.window
    removed = f" - 2 * {window.before}" if window.before else ""
    formula = f"({found.input} - 1) * {window.stride} + {window.effective_kernel}{removed}"
    if not solved_for_input:
        return f"{formula} = {found.output}"
    extra = f" + output padding {found.output_padding}" if found.output_padding else ""
    return f"an output of {found.output} comes from {found.input}: {formula}{extra}"
