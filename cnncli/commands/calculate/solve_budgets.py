"""``cnn solve`` with budgets and targets: what is wished, read from the options, and the answer in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnncli.analysis.solving import QUANTITIES
from cnncli.arithmetic.numerals import read_ranges
from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.analysis.solving.budgets import Answer, Solution
    from cnncli.analysis.solving.constraints import Constraints
    from cnncli.loading import Loaded

SHOWN = 10
LARGEST_VALUE = 10**7 - 1
RANGE_HINT = "write --vary w, --vary w=8..512:8 (from, to, step), or --vary w=16,32,64"


def solved(loaded: Loaded, asked: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The answer for programs, and in words. Raises CnnError."""
    from cnncli.analysis.solving.budgets import solve

    constraints = _constraints(asked)
    ranges = _ranges(loaded, asked["vary"])
    if not ranges and not constraints.finds_batch:
        raise CnnError(f"--{next(iter(constraints.budgets))} needs --vary NAME: which variable?", _variables_of(loaded))
    if "batch" in ranges and constraints.finds_batch:
        raise CnnError("--vary batch: the batch size is found by that name", "give it with --batch N, or rename it")
    if asked["everything"] and len(ranges) + constraints.finds_batch < 2:
        raise CnnError("--all goes with several variables: of one, there is one answer", "leave it out")
    if constraints.layer is not None and not ranges:
        from cnncli.analysis.solving.output_sizes import checked_layer

        checked_layer(loaded.inferred, constraints.layer)
    answer = solve(loaded, ranges, constraints)
    lines = _lines(answer, [*ranges], everything=asked["everything"])
    return _as_record(answer, [*ranges]), lines + _limits(answer)


def _constraints(asked: Mapping[str, Any]) -> Constraints:
    from cnncli.analysis.memory import check_options
    from cnncli.analysis.solving.constraints import Constraints

    dtype, optimizer = asked["dtype"] or "fp32", asked["optimizer"] or "none"
    check_options(dtype, optimizer)
    return Constraints(
        {name: asked[name] for name in (*QUANTITIES, "memory") if asked[name] is not None},
        asked["receptive_field"],
        asked["output_size"],
        asked["layer"],
        asked["batch"],
        dtype,
        optimizer,
        asked["inference"],
    )


def _variables_of(loaded: Loaded) -> str:
    from cnncli.loading import variables

    return (
        f"its variables: {', '.join(variables(loaded.source)) or 'none yet: write variables: {width: 64} in the file'}"
    )


def _ranges(loaded: Loaded, texts: Sequence[str]) -> dict[str, list[int] | None]:
    """The variables of ``--vary`` with the values to be tried, None for all."""
    found: dict[str, list[int] | None] = {}
    for text in texts:
        name, sign, values = text.partition("=")
        name = name.strip()
        if not name or (sign and not values.strip()):
            raise CnnError(f"--vary {text}: is not NAME or NAME=RANGE", RANGE_HINT)
        if name in found:
            raise CnnError(f"--vary {name} is given twice", "give it once")
        if name in loaded.overrides:
            raise CnnError(f"--set {name} fixes what --vary {name} is to find", "keep one of them")
        found[name] = sorted({*read_ranges(values, f"--vary {text[:60]}", LARGEST_VALUE, RANGE_HINT)}) if sign else None
    return found


# Answers ----------------------------------------------------------------------------------------------------------


def _as_record(answer: Answer, names: list[str]) -> dict[str, Any]:
    constraints = answer.constraints
    record: dict[str, Any] = {
        "vary": [*names, *(["batch"] if constraints.finds_batch else [])],
        "at_most": dict(constraints.budgets),
    }
    if constraints.receptive_field is not None:
        record["receptive_field"] = constraints.receptive_field
    if constraints.output_size is not None:
        record["output_size"] = constraints.output_size
    if "memory" in constraints.budgets:
        record["memory"] = {
            "of": "inference" if constraints.inference else "training",
            "dtype": constraints.dtype,
            **({} if constraints.inference else {"optimizer": constraints.optimizer}),
            **({} if constraints.batch is None else {"batch": constraints.batch}),
        }
    record["found"] = "largest" if constraints.largest else "smallest"
    record["solutions"] = [_solution_record(found) for found in answer.solutions]
    if answer.following is not None:
        record["next"] = _solution_record(answer.following)
    if answer.stopped_at:
        record["stopped_at"] = dict(answer.stopped_at)
    if answer.limited_to is not None:
        record["limited_to_layers"] = answer.limited_to
    if answer.skipped is not None:
        record["skipped"] = answer.skipped
    if not answer.solutions:
        record |= {"answer": False, **({"nearest": _solution_record(answer.nearest)} if answer.nearest else {})}
    return record


def _solution_record(found: Solution) -> dict[str, Any]:
    return {"values": dict(found.values), "figures": dict(found.figures)}


def _lines(answer: Answer, names: list[str], *, everything: bool) -> list[str]:
    constraints = answer.constraints
    if not answer.solutions:
        return _refusal(answer, names)
    if len(answer.solutions[0].values) > 1:
        return _table(answer, everything=everything)
    (best,) = answer.solutions
    lines = [f"{_setting(best)} has {_listed([_figure(constraints, best, name) for name in best.figures])}"]
    following = answer.following
    if following is not None:
        broken = [
            _figure(constraints, following, name, bare=True) for name in constraints.violations(following.figures)
        ]
        lines.append(f"{_setting(following)} has {_listed(broken)}")
    return lines


def _refusal(answer: Answer, names: list[str]) -> list[str]:
    """That there is no answer, and what was nearest to one."""
    constraints = answer.constraints
    what = f"no values of {_listed(names)} meet" if len(names) > 1 else f"no value of {names[0]} meets" if names else ""
    lines = [f"{what or 'no batch size meets'} what is asked"]
    nearest = answer.nearest
    if nearest is not None:
        broken = [_figure(constraints, nearest, name) for name in constraints.violations(nearest.figures)]
        lines.append(f"the nearest, {_setting(nearest)}, has {_listed(broken)}")
    return lines


def _limits(answer: Answer) -> list[str]:
    """What was not searched, where larger values might do as well."""
    lines = []
    for name, last in answer.stopped_at.items():
        step = max(1, last // 1000)
        more = "" if name == "batch" else f": give a range to search them, as --vary {name}={last}..{2 * last}:{step}"
        lines.append(f"values of {name} above {last:,} were not searched{more}")
    if answer.limited_to is not None:
        lines.append(
            f"networks of more than {answer.limited_to:,} layers were not searched: give ranges to search them"
        )
    if answer.skipped is not None:
        lines.append(
            f"not every value of {answer.skipped} was tried, as figures usually grow with it: give a range to try all, "
            f"as --vary {answer.skipped.split()[0]}=1..2000"
        )
    return lines


def _setting(found: Solution) -> str:
    return ", ".join(f"{name} = {value:,}" for name, value in found.values.items())


def _figure(constraints: Constraints, found: Solution, name: str, *, bare: bool = False) -> str:
    """``12,345 params (at most 20,000)``."""
    value = found.figures[name]
    if name == "receptive_field":
        return f"a receptive field of {value:,}" + ("" if bare else f" (at least {constraints.receptive_field:,})")
    if name == "output_size":
        return f"an output size of {value:,}" + ("" if bare else f" (wanted {constraints.output_size:,})")
    unit = f"bytes of {'inference' if constraints.inference else 'training'} memory" if name == "memory" else name
    return f"{value:,} {unit}" + ("" if bare else f" (at most {constraints.budgets[name]:,})")


def _listed(parts: Sequence[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _table(answer: Answer, *, everything: bool) -> list[str]:
    constraints, solutions = answer.constraints, answer.solutions
    shown = solutions if everything else solutions[:SHOWN]
    figures = [*solutions[0].figures]
    rows = [[*solutions[0].values, *(_heading(constraints, name) for name in figures)]]
    for found in shown:
        cells = [f"{value:,}" for value in found.values.values()]
        rows.append([*cells, *(_cell(constraints, name, found.figures[name]) for name in figures)])
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [
        " " + "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    if len(solutions) > len(shown):
        lines += ["", f" … and {len(solutions) - len(shown)} more: --all shows them"]
    return lines


def _heading(constraints: Constraints, name: str) -> str:
    if name in ("receptive_field", "output_size"):
        return name.replace("_", " ")
    return f"{name} <= {constraints.budgets[name]:,}"


def _cell(constraints: Constraints, name: str, value: int) -> str:
    """The figure, and how much of its budget it is, rounded down."""
    most = constraints.budgets.get(name)
    return f"{value:,}" if most is None else f"{value:,} ({100 * value // most:>3}%)"
