"""Which columns of a CSV file are inputs and which are targets: by the names in the header, if there is one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cnncli.data.dataset import ColumnNames
from cnncli.errors import CnnError

TARGET = re.compile(r"target.*|y([\W\d_].*)?")  # y, y1 and y_price are targets; year is not
LABELS = ("label", "class", "target", "y")
MOST_NAMED = 8  # names listed in a message


class ColumnPositions(NamedTuple):
    """The columns of the inputs, in the network's order, and those of the targets, counted from 0."""

    inputs: list[int]
    targets: list[int]


def target_columns(heads: list[str], task: str, outputs: int, inputs: int = 0) -> list[int]:
    """The columns of the targets: one, or several for a regression.

    Without a task it is a regression if several columns have names of targets, or if there are as many columns as a
    network of several ``outputs`` takes, with its ``inputs``.
    """
    heads = [head.lower() for head in heads]
    found = called_targets(heads)
    several = len(found) > 1 or (not found and outputs > 1 and len(heads) == inputs + outputs)
    if task == "regression" or (task == "auto" and several and not {*heads} & {*LABELS[:2]}):
        return found if found else [*range(max(0, len(heads) - outputs), len(heads))]
    return [next((heads.index(name) for name in LABELS if name in heads), len(heads) - 1)]


def called_targets(heads: Sequence[str]) -> list[int]:
    """The columns whose names are those of targets."""
    return [place for place, head in enumerate(heads) if TARGET.fullmatch(head.lower())]


def places_of(wanted: Sequence[str], heads: Sequence[str]) -> list[int] | None:
    """The column of each of the ``wanted`` names, matched exactly or else ignoring case; None if one is missing.

    Duplicate names do not identify a column: they must be in the wanted order.
    """
    for written in (str, str.lower):
        names, want = [*map(written, heads)], [*map(written, wanted)]
        counts, known = Counter(names), {*want}
        if len(known) == len(want) and all(counts[name] == 1 for name in want):
            at = {name: place for place, name in enumerate(names)}
            return [at[name] for name in want]
        among = [place for place, name in enumerate(names) if name in known]
        if [names[place] for place in among] == want:
            return among
    return None


def trained_places(
    path: Path, heads: Sequence[str], trained: ColumnNames, task: str, *, targets: bool
) -> ColumnPositions:
    """The columns of a file with the names that a network was trained on, in any order.

    ``targets`` is whether the file must have the targets, too. Raises CnnError for a column that is missing, or
    that is neither an input nor a target.
    """
    inputs = places_of(trained.inputs, heads)
    if inputs is None:
        raise _unlike(path, heads, trained.inputs)
    used = {*inputs}
    rest = [place for place in range(len(heads)) if place not in used]
    alone = targets and task != "regression" and len(rest) == 1  # must be the classes, whatever its name
    found = rest if alone else _targets_among(rest, heads, trained.targets, task)
    strays = [heads[place] for place in rest if place not in found]
    if strays:
        which = f"{_columns(strays)}, which the network was not trained on"
        raise CnnError(f"{path}: has the {which}", f"leave {'it' if len(strays) == 1 else 'them'} out")
    if targets and len(found) != (len(trained.targets) if task == "regression" else 1):
        wanted = f"the run's targets are {_listed(trained.targets)}" if task == "regression" else "call it label"
        missing = "targets" if task == "regression" else "column of classes"
        raise CnnError(f"{path}: has no {missing} that the network was trained on", wanted)
    return ColumnPositions(inputs, found)


def _targets_among(rest: list[int], heads: Sequence[str], names: Sequence[str], task: str) -> list[int]:
    """Which of the columns that are not inputs are targets: by the trained names, or by names usual for targets."""
    there = [heads[place] for place in rest]
    if task == "regression":
        named = places_of(names, there)
        if named is not None:
            return [rest[place] for place in named]
        known = {name.lower() for name in names}
        return [place for place in rest if TARGET.fullmatch(heads[place].lower()) or heads[place].lower() in known]
    label = next((place for name in LABELS for place in rest if heads[place].lower() == name), None)
    if label is not None:
        return [label]
    return [place for place in rest if place == len(heads) - 1]  # the last one, as in training, whatever its name


def _unlike(path: Path, heads: Sequence[str], wanted: Sequence[str]) -> CnnError:
    """The error for a file whose names are not those that the network was trained on."""
    there = {head.lower() for head in heads}
    missing = [name for name in wanted if name.lower() not in there]
    problem = f"has no {_columns(missing)}" if missing else "has duplicate column names"
    return CnnError(
        f"{path}: {problem}",
        f"the network was trained on the {_columns(wanted)}; without a header they are read in that order",
    )


def _columns(names: Sequence[str]) -> str:
    return f"column{'s' if len(names) > 1 else ''} {_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join([*(name[:40] for name in names[:MOST_NAMED]), *["…"] * (len(names) > MOST_NAMED)])
