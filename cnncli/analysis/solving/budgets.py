"""Which depth, width or batch size keeps to budgets and reaches targets, all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cnncli.analysis.solving.candidates import Candidates, Values
from cnncli.analysis.solving.constraints import MAX_BATCH, Constraints
from cnncli.analysis.solving.search import BATCH, Search
from cnncli.errors import CnnError, closest
from cnncli.loading import Loaded, variables


class BudgetSolution(NamedTuple):
    """Values of the variables (and of ``batch``), and the constrained quantities there."""

    values: Mapping[str, int]
    quantities: Mapping[str, int]


class Answer(NamedTuple):
    """The solutions, best first; with one variable, ``following`` is the next value, which does not.

    Without solutions ``nearest`` is the network tried that comes closest. ``stopped_at`` has, for each variable (and
    the batch size) whose larger values could also do, the largest value that was searched, ``limited_to`` the most
    layers, and ``skipped`` the variable of which not every value was tried although nothing was found.
    """

    constraints: Constraints
    solutions: tuple[BudgetSolution, ...]
    following: BudgetSolution | None = None
    nearest: BudgetSolution | None = None
    stopped_at: Mapping[str, int] = {}
    limited_to: int | None = None
    skipped: str | None = None


def solve(loaded: Loaded, ranges: Mapping[str, Sequence[int] | None], constraints: Constraints) -> Answer:
    """The values of variables at which all constraints hold at once.

    Each variable has the values to be tried, or None for all from 1 on. Where there are budgets, the largest values are
    found, else the smallest. Of several variables (the batch size is one where it is to be found) these are the Pareto
    front: the combinations of which no other one that meets all constraints has every value at least as large (small).
    They are ordered by how much they use of the budget that they use most of, the batch size's memory aside.

    Combinations of given values are all tried. Without given values, quantities are assumed to increase with a
    variable, so that the limit of what holds is found by doubling and bisection over the values that make a valid
    network (every third where there are three groups). A quantity that decreases is an error.

    Raises CnnError for an unknown variable, where no value makes a network, and where the search would take too long.
    """
    for name in ranges:
        checked_variable(loaded, name)
    candidates = Candidates(loaded, ranges, constraints)
    search = Search(candidates)
    found = pareto_front(search.combinations(ranges), largest=constraints.largest)
    if not any(candidates.known.values()) and candidates.error is not None:
        raise CnnError(
            f"--vary {' and '.join(ranges)}: no value tried makes a valid network", _reason(candidates.error)
        )
    solutions = [_solution(candidates, values) for values in found]
    solutions.sort(key=lambda solution: _usage(constraints, solution))
    alone = len(ranges) + constraints.finds_batch == 1
    return Answer(
        constraints,
        tuple(solutions),
        _following(candidates, solutions[0]) if solutions and alone else None,
        None if solutions else _nearest(candidates),
        search.stopped_at,
        candidates.max_layers if candidates.is_depth_limited else None,
        None if solutions else search.skipped,
    )


def checked_variable(loaded: Loaded, name: str) -> None:
    """Raises CnnError where the network has no such variable."""
    known = variables(loaded.source)
    if name not in known:
        near = closest(name, known) if known else None
        if not known:
            hint = "write variables: {width: 64} in the file, and $width in place of the number"
        else:
            hint = f"did you mean {near}?" if near else f"the variables are {', '.join(known)}"
        raise CnnError(f"--vary {name}: unknown variable", hint)


def pareto_front(combinations: set[Values], *, largest: bool) -> set[Values]:
    """Those of which no other one has every value at least as large (small)."""
    sign = 1 if largest else -1
    kept: list[Values] = []
    for values in sorted(combinations, reverse=largest):
        if not any(all(sign * a >= sign * b for a, b in zip(other, values, strict=True)) for other in kept):
            kept.append(values)
    return set(kept)


def _solution(candidates: Candidates, values: Values) -> BudgetSolution:
    constraints, own = candidates.constraints, values[: len(candidates.names)]
    names = [*candidates.names, *([BATCH] if constraints.finds_batch else [])]
    quantities = dict(candidates.quantities(own) or {})
    if constraints.finds_batch:
        quantities["memory"] = constraints.memory(candidates.valid_network(own), values[-1])
    return BudgetSolution(dict(zip(names, values, strict=True)), quantities)


def _usage(constraints: Constraints, found: BudgetSolution) -> tuple[float, tuple[int, ...]]:
    """A sort key: what uses most of a budget comes first, then what has the largest (smallest) values."""
    # The batch size uses up the memory in any case, where it is to be found.
    ignored = {"memory"} if constraints.finds_batch else set()
    used = [found.quantities[name] / most for name, most in constraints.budgets.items() if name not in ignored]
    sign = -1 if constraints.largest else 1
    return -max(used, default=0.0), tuple(sign * value for value in found.values.values())


def _following(candidates: Candidates, found: BudgetSolution) -> BudgetSolution | None:
    """The next valid value of the only variable, where it does not meet the constraints."""
    constraints = candidates.constraints
    ((name, value),) = found.values.items()
    if constraints.finds_batch:
        memory = constraints.memory(candidates.valid_network(()), value + 1)
        return BudgetSolution({name: value + 1}, {**found.quantities, "memory": memory}) if value < MAX_BATCH else None
    sign = 1 if constraints.largest else -1
    later = [other for (other,), quantities in candidates.known.items() if quantities and sign * other > sign * value]
    other = min(later, key=lambda other: sign * other, default=value)
    quantities = candidates.known[other,]
    assert quantities is not None
    return BudgetSolution({name: other}, quantities) if constraints.violations(quantities) else None


def _nearest(candidates: Candidates) -> BudgetSolution | None:
    """The network with the smallest largest violation of all that were tried."""
    tried = {values: quantities for values, quantities in candidates.known.items() if quantities is not None}
    if not tried:
        return None
    violations = candidates.constraints.violations
    values = min(tried, key=lambda one: (max(violations(tried[one]).values(), default=0.0), one))
    batch = {BATCH: 1} if candidates.constraints.finds_batch else {}
    return BudgetSolution({**dict(zip(candidates.names, values, strict=True)), **batch}, tried[values])


def _reason(error: CnnError) -> str:
    problem = error.problems[0]
    return f"the first one tried: {': '.join(part for part in (problem.layer, problem.message) if part)}"
