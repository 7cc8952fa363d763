"""Values of variables that meet budgets and targets."""

from __future__ import annotations

from typing import Any

from cnncli.analysis.solving.budgets import Answer, BudgetSolution
from cnncli.analysis.solving.constraints import Constraints
from cnncli.errors import enumerated
from cnncli.views.listing import aligned
from cnncli.views.solving.windows import MAX_SHOWN, more_note


def answer_record(answer: Answer, names: list[str]) -> dict[str, Any]:
    """The answer for JSON; ``names`` are the variables."""
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


def _solution_record(found: BudgetSolution) -> dict[str, Any]:
    return {"values": dict(found.values), "figures": dict(found.quantities)}


def answer_lines(answer: Answer, names: list[str], *, show_all: bool) -> list[str]:
    """The solution, or a table of them, and what was not searched."""
    return _solution_lines(answer, names, show_all=show_all) + _limits(answer)


def _solution_lines(answer: Answer, names: list[str], *, show_all: bool) -> list[str]:
    constraints = answer.constraints
    if not answer.solutions:
        return _refusal(answer, names)
    if len(answer.solutions[0].values) > 1:
        return _table(answer, show_all=show_all)
    (best,) = answer.solutions
    lines = [f"{_setting(best)} has {enumerated([_quantity(constraints, best, name) for name in best.quantities])}"]
    following = answer.following
    if following is not None:
        broken = [
            _quantity(constraints, following, name, bare=True) for name in constraints.violations(following.quantities)
        ]
        lines.append(f"{_setting(following)} has {enumerated(broken)}")
    return lines


def _refusal(answer: Answer, names: list[str]) -> list[str]:
    """The message that nothing meets the constraints, with the closest network."""
    constraints = answer.constraints
    what = (
        f"no values of {enumerated(names)} meet" if len(names) > 1 else f"no value of {names[0]} meets" if names else ""
    )
    lines = [f"{what or 'no batch size meets'} the constraints"]
    nearest = answer.nearest
    if nearest is not None:
        broken = [_quantity(constraints, nearest, name) for name in constraints.violations(nearest.quantities)]
        lines.append(f"closest: {_setting(nearest)} with {enumerated(broken)}")
    return lines


def _limits(answer: Answer) -> list[str]:
    """The parts of the search space that were not searched, although they could contain solutions."""
    lines = []
    for name, last in answer.stopped_at.items():
        step = max(1, last // 1000)
        more = "" if name == "batch" else f": give a range to search them, e.g. --vary {name}={last}..{2 * last}:{step}"
        lines.append(f"values of {name} above {last:,} were not searched{more}")
    if answer.limited_to is not None:
        lines.append(
            f"networks of more than {answer.limited_to:,} layers were not searched: give ranges to search them"
        )
    if answer.skipped is not None:
        lines.append(
            f"not every value of {answer.skipped} was tried, as quantities usually increase with it: "
            f"give a range to try all, e.g. --vary {answer.skipped.split()[0]}=1..2000"
        )
    return lines


def _setting(found: BudgetSolution) -> str:
    return ", ".join(f"{name} = {value:,}" for name, value in found.values.items())


def _quantity(constraints: Constraints, found: BudgetSolution, name: str, *, bare: bool = False) -> str:
    """``12,345 params (at most 20,000)``."""
    value = found.quantities[name]
    if name == "receptive_field":
        return f"a receptive field of {value:,}" + ("" if bare else f" (at least {constraints.receptive_field:,})")
    if name == "output_size":
        return f"an output size of {value:,}" + ("" if bare else f" (wanted {constraints.output_size:,})")
    unit = f"bytes of {'inference' if constraints.inference else 'training'} memory" if name == "memory" else name
    return f"{value:,} {unit}" + ("" if bare else f" (at most {constraints.budgets[name]:,})")


def _table(answer: Answer, *, show_all: bool) -> list[str]:
    constraints, solutions = answer.constraints, answer.solutions
    shown = solutions if show_all else solutions[:MAX_SHOWN]
    quantities = [*solutions[0].quantities]
    rows = [[*solutions[0].values, *(_heading(constraints, name) for name in quantities)]]
    for found in shown:
        cells = [f"{value:,}" for value in found.values.values()]
        rows.append([*cells, *(_cell(constraints, name, found.quantities[name]) for name in quantities)])
    return [*aligned(rows, [True] * len(rows[0])), *more_note(len(solutions) - len(shown))]


def _heading(constraints: Constraints, name: str) -> str:
    if name in ("receptive_field", "output_size"):
        return name.replace("_", " ")
    return f"{name} <= {constraints.budgets[name]:,}"


def _cell(constraints: Constraints, name: str, value: int) -> str:
    """The quantity, and its percentage of the budget, rounded down."""
    most = constraints.budgets.get(name)
    return f"{value:,}" if most is None else f"{value:,} ({100 * value // most:>3}%)"
