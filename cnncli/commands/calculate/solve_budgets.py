"""``cnn solve`` with budgets and targets: the constraints and ranges that the options give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnncli.analysis.solving import QUANTITIES
from cnncli.arithmetic.ranges import read_ranges
from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.analysis.solving.constraints import Constraints
    from cnncli.loading import Loaded

MAX_VALUE = 10**7 - 1  # of a range
RANGE_HINT = "write --vary w, --vary w=8..512:8 (from, to, step), or --vary w=16,32,64"


def solved(loaded: Loaded, asked: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The answer as a record and as lines. Raises CnnError."""
    from cnncli.analysis.solving.budgets import solve
    from cnncli.views.solving.budgets import answer_lines, answer_record

    constraints = _constraints(asked)
    ranges = _ranges(loaded, asked["vary"])
    if not ranges and not constraints.finds_batch:
        raise CnnError(f"--{next(iter(constraints.budgets))} requires --vary NAME", _variables_of(loaded))
    if "batch" in ranges and constraints.finds_batch:
        raise CnnError("--vary batch: --memory finds a value of that name", "give --batch N, or rename the variable")
    if asked["show_all"] and len(ranges) + constraints.finds_batch < 2:
        raise CnnError("--all has no effect with one variable, which has one solution", "leave it out")
    if constraints.layer is not None and not ranges:
        from cnncli.analysis.solving.output_sizes import checked_layer

        checked_layer(loaded.inferred, constraints.layer)
    answer = solve(loaded, ranges, constraints)
    return answer_record(answer, [*ranges]), answer_lines(answer, [*ranges], show_all=asked["show_all"])


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

    names = ", ".join(variables(loaded.source))
    return f"the variables are {names}" if names else "write variables: {width: 64} in the file"


def _ranges(loaded: Loaded, texts: Sequence[str]) -> dict[str, list[int] | None]:
    """The variables of ``--vary``, with the values to be tried or None for all."""
    found: dict[str, list[int] | None] = {}
    for text in texts:
        name, sign, values = text.partition("=")
        name = name.strip()
        if not name or (sign and not values.strip()):
            raise CnnError(f"--vary {text}: is not NAME or NAME=RANGE", RANGE_HINT)
        if name in found:
            raise CnnError(f"--vary {name} is given twice", "give it once")
        if name in loaded.overrides:
            raise CnnError(f"--set {name} fixes the variable of --vary {name}", "keep one of them")
        found[name] = sorted({*read_ranges(values, f"--vary {text[:60]}", MAX_VALUE, RANGE_HINT)}) if sign else None
    return found
