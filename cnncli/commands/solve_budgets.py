"""``cnn solve`` with budgets and targets: what is wished, read from the options, and the answer in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.loading import Loaded
    from cnncli.solving.budgets import Answer, Found, Wishes

SHOWN = 10
MOST_VALUES = 10_000
RANGE_HINT = "write --vary w, --vary w=8..512:8 (from, to, step), or --vary w=16,32,64"
_RANGE = re.compile(r"\s*([0-9]{1,7})(?:\.\.([0-9]{1,7})(?::([0-9]{1,7}))?)?\s*")


def solved(loaded: Loaded, asked: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The answer for programs, and in words. Raises CnnError."""
    from cnncli.solving.budgets import solve

    wishes = _wishes(asked)
    ranges = _ranges(loaded, asked["vary"])
    if not ranges and not wishes.finds_batch:
        raise CnnError(f"--{next(iter(wishes.budgets))} needs --vary NAME: which variable?", _variables_of(loaded))
    if "batch" in ranges and wishes.finds_batch:
        raise CnnError("--vary batch: the batch size is found by that name", "give it with --batch N, or rename it")
    if asked["everything"] and len(ranges) + wishes.finds_batch < 2:
        raise CnnError("--all goes with several variables: of one, there is one answer", "leave it out")
    if wishes.layer is not None and not ranges:
        from cnncli.solving.acceptance import checked_layer

        checked_layer(loaded.inferred, wishes.layer)
    answer = solve(loaded, ranges, wishes)
    lines = _lines(answer, [*ranges], everything=asked["everything"])
    if answer.limited_to is not None:
        lines.append(
            f"networks of more than {answer.limited_to:,} layers were not searched: give ranges to search them"
        )
    return _as_record(answer, [*ranges]), lines


def _wishes(asked: Mapping[str, Any]) -> Wishes:
    from cnncli.memory import check_options
    from cnncli.solving.budgets import FIGURES, Wishes

    dtype, optimizer = asked["dtype"] or "fp32", asked["optimizer"] or "none"
    check_options(dtype, optimizer)
    return Wishes(
        {name: asked[name] for name in (*FIGURES, "memory") if asked[name] is not None},
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
        found[name] = _values(values, text) if sign else None
    return found


def _values(text: str, whole: str) -> list[int]:
    values: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise CnnError(f"--vary {whole[:60]}: {part[:20] or 'nothing'!r} is not a number or a range", RANGE_HINT)
        first, last, step = (int(group) if group else None for group in match.groups())
        assert first is not None
        steps = (
            range(first, (last if last is not None else first) + 1, step if step is not None else 1)
            if step != 0
            else ()
        )
        if not steps or first < 1:
            raise CnnError(f"--vary {whole[:60]}: {part} holds no number from 1 on", RANGE_HINT)
        if len(values) + len(steps) > MOST_VALUES:
            raise CnnError(f"--vary {whole[:60]}: more than {MOST_VALUES:,} values (the limit)", "use a larger step")
        values |= {*steps}
    return sorted(values)


# Answers ----------------------------------------------------------------------------------------------------------


def _as_record(answer: Answer, names: list[str]) -> dict[str, Any]:
    wishes = answer.wishes
    record: dict[str, Any] = {
        "vary": [*names, *(["batch"] if wishes.finds_batch else [])],
        "at_most": dict(wishes.budgets),
    }
    if wishes.receptive_field is not None:
        record["receptive_field"] = wishes.receptive_field
    if wishes.output_size is not None:
        record["output_size"] = wishes.output_size
    if "memory" in wishes.budgets:
        record["memory"] = {
            "of": "inference" if wishes.inference else "training",
            "dtype": wishes.dtype,
            **({} if wishes.inference else {"optimizer": wishes.optimizer}),
            **({} if wishes.batch is None else {"batch": wishes.batch}),
        }
    record["found"] = "largest" if wishes.largest else "smallest"
    record["solutions"] = [_found_record(found) for found in answer.solutions]
    if answer.following is not None:
        record["next"] = _found_record(answer.following)
    if answer.limited_to is not None:
        record["limited_to_layers"] = answer.limited_to
    if not answer.solutions:
        record |= {"answer": False, **({"nearest": _found_record(answer.nearest)} if answer.nearest else {})}
    return record


def _found_record(found: Found) -> dict[str, Any]:
    return {"values": dict(found.values), "figures": dict(found.figures)}


def _lines(answer: Answer, names: list[str], *, everything: bool) -> list[str]:
    wishes = answer.wishes
    if not answer.solutions:
        return _refusal(answer, names)
    if len(answer.solutions[0].values) > 1:
        return _table(answer, everything=everything)
    (best,) = answer.solutions
    lines = [f"{_setting(best)} has {_listed([_figure(wishes, best, name) for name in best.figures])}"]
    following = answer.following
    if following is not None:
        broken = [_figure(wishes, following, name, bare=True) for name in wishes.broken(following.figures)]
        lines.append(f"{_setting(following)} has {_listed(broken)}")
    return lines


def _refusal(answer: Answer, names: list[str]) -> list[str]:
    """That there is no answer, and what was nearest to one."""
    wishes = answer.wishes
    what = f"no values of {_listed(names)} meet" if len(names) > 1 else f"no value of {names[0]} meets" if names else ""
    lines = [f"{what or 'no batch size meets'} what is asked"]
    nearest = answer.nearest
    if nearest is not None:
        broken = [_figure(wishes, nearest, name) for name in wishes.broken(nearest.figures)]
        lines.append(f"the nearest, {_setting(nearest)}, has {_listed(broken)}")
    return lines


def _setting(found: Found) -> str:
    return ", ".join(f"{name} = {value:,}" for name, value in found.values.items())


def _figure(wishes: Wishes, found: Found, name: str, *, bare: bool = False) -> str:
    """``12,345 params (at most 20,000)``."""
    value = found.figures[name]
    if name == "receptive_field":
        return f"a receptive field of {value:,}" + ("" if bare else f" (at least {wishes.receptive_field:,})")
    if name == "output_size":
        return f"an output size of {value:,}" + ("" if bare else f" (wanted {wishes.output_size:,})")
    unit = f"bytes of {'inference' if wishes.inference else 'training'} memory" if name == "memory" else name
    return f"{value:,} {unit}" + ("" if bare else f" (at most {wishes.budgets[name]:,})")


def _listed(parts: Sequence[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _table(answer: Answer, *, everything: bool) -> list[str]:
    wishes, solutions = answer.wishes, answer.solutions
    shown = solutions if everything else solutions[:SHOWN]
    figures = [*solutions[0].figures]
    rows = [[*solutions[0].values, *(_heading(wishes, name) for name in figures)]]
    for found in shown:
        cells = [f"{value:,}" for value in found.values.values()]
        rows.append([*cells, *(_cell(wishes, name, found.figures[name]) for name in figures)])
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [
        " " + "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    if len(solutions) > len(shown):
        lines += ["", f" … and {len(solutions) - len(shown)} more: --all shows them"]
    return lines


def _heading(wishes: Wishes, name: str) -> str:
    if name in ("receptive_field", "output_size"):
        return name.replace("_", " ")
    return f"{name} <= {wishes.budgets[name]:,}"


def _cell(wishes: Wishes, name: str, value: int) -> str:
    """The figure, and how much of its budget it is, rounded down."""
    most = wishes.budgets.get(name)
    return f"{value:,}" if most is None else f"{value:,} ({100 * value // most:>3}%)"
