"""What ``run.json`` holds, and how it is read: a file that anyone may have written, so every field has its range."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from cnncli.errors import shortened
from cnncli.recipe import COMPILE, PRECISIONS, TASKS

STATUSES = ("running", "finished", "interrupted", "failed")
LONGEST_NAME = 255  # characters, as a file's name has at most
DEVICE = re.compile(r"|(cpu|cuda|mps|xpu)(:\d{1,3})?", re.ASCII)
Item = TypeVar("Item")


@dataclass(frozen=True)
class Normalisation:
    """What each channel's values, divided by ``unit``, are shifted by and divided by: those of the training images.

    The unit is 255 for pixels and 1 for other numbers.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    unit: float = 255.0


@dataclass(frozen=True)
class RunRecord:
    """What ``run.json`` holds. ``status`` is running, finished, interrupted or failed."""

    name: str
    dataset: str
    classes: tuple[str, ...]
    normalisation: Normalisation
    status: str = "running"
    began: str = ""  # when, in ISO 8601
    epochs_done: int = 0
    device: str = ""
    versions: dict[str, str] | None = None
    threads: int = 0
    command: tuple[str, ...] = ()
    git: str = ""  # the commit of the folder that it was started in; earlier versions added + where files were changed
    data_fingerprint: str = ""
    precision: str = ""
    compiled: str = ""
    task: str = "classification"
    targets: Normalisation | None = None  # what a regression's targets were scaled by
    best: dict[str, float] | None = None
    overrides: dict[str, str] | None = None  # of --set and --input, where the architecture's text could not hold them
    inputs: dict[str, str] | None = None
    result: dict[str, float] | None = None
    columns: tuple[str, ...] = ()  # the names of a table's inputs, in the network's order; of earlier runs none


class WrongField(ValueError):
    """A field that no training writes; says which, and what it must be."""


def read_record(text: str) -> RunRecord:
    """The record of a ``run.json``'s text. Raises WrongField, ValueError for what is no JSON, RecursionError."""
    data = json.loads(text)
    if not isinstance(data, dict):
        raise WrongField("is not a mapping of fields")
    unknown = [name for name in data if name not in FIELDS]
    if unknown:
        raise WrongField(f"has a field {shortened(unknown[0])!r} that this version does not know")
    missing = [name for name in ("name", "dataset", "classes", "normalisation") if name not in data]
    if missing:
        raise WrongField(f"has no field {missing[0]!r}")
    record = RunRecord(**{name: _read(name, value, *FIELDS[name]) for name, value in data.items()})
    if (record.task == "regression") != (record.targets is not None):
        raise WrongField("targets are the scaling of a regression's, and of nothing else")
    if record.targets is not None and len(record.targets.mean) != len(record.classes):
        raise WrongField(f"has {len(record.classes)} classes, and targets for {len(record.targets.mean)}")
    return record


def _read(name: str, value: Any, read: Callable[[Any], Any], wanted: str) -> Any:
    try:
        return read(value)
    except (ValueError, TypeError, KeyError, OverflowError):
        raise WrongField(f"{name} must be {wanted}, not {shortened(json.dumps(value))}") from None


# The readers of fields; each raises ValueError --------------------------------------------------------------------


def is_name(text: str) -> bool:
    """Whether a text may be a network's short name (:func:`loading.slug`): part of a file's name, and never a path."""
    return 0 < len(text) <= LONGEST_NAME and all(char.isalnum() or char in "_-" for char in text)


def _matching(value: Any, fits: Callable[[Any], bool]) -> Any:
    if not fits(value):
        raise ValueError
    return value


def _text(value: Any) -> str:
    return str(_matching(value, lambda text: isinstance(text, str) and "\0" not in text))


def _string(value: Any) -> str:
    return str(_matching(value, lambda text: isinstance(text, str)))


def _nonempty(value: Any) -> str:
    return str(_matching(_text(value), bool))


def _name(value: Any) -> str:
    return str(_matching(_text(value), is_name))


def _one_of(*words: str) -> Callable[[Any], str]:
    return lambda value: str(_matching(_text(value), words.__contains__))


def _device(value: Any) -> str:
    return str(_matching(_text(value), lambda text: bool(DEVICE.fullmatch(text))))


def _count(value: Any) -> int:
    return int(_matching(value, lambda count: type(count) is int and 0 <= count < 10**9))


def _finite(value: Any) -> float:
    return float(_matching(value, lambda number: type(number) in (int, float) and abs(number) < 1e300))


def _figure(value: Any) -> float:
    """A figure may be infinite, or no number, where a network is that bad; it is only ever shown."""
    return float(_matching(value, lambda number: type(number) in (int, float)))


def _list(value: Any, read: Callable[[Any], Item]) -> tuple[Item, ...]:
    return tuple(map(read, _matching(value, lambda found: isinstance(found, list))))


def _names(value: Any) -> tuple[str, ...]:
    return tuple(_matching(_list(value, _string), bool))


def _mapping(value: Any, read: Callable[[Any], Item]) -> dict[str, Item]:
    return {_text(key): read(entry) for key, entry in _matching(value, lambda v: isinstance(v, Mapping)).items()}


def _optional(read: Callable[[Any], Item]) -> Callable[[Any], Item | None]:
    return lambda value: None if value is None else read(value)


def _best(value: Any) -> dict[str, float]:
    if not isinstance(value, dict) or value.keys() != {"epoch", "loss"}:
        raise ValueError
    return {"epoch": _count(value["epoch"]), "loss": _finite(value["loss"])}


def _normalisation(value: Any) -> Normalisation:
    if not isinstance(value, dict) or not {"mean", "std"} <= value.keys() <= {"mean", "std", "unit"}:
        raise ValueError
    mean, std = _list(value["mean"], _finite), _list(value["std"], _finite)
    unit = _finite(value.get("unit", 255.0))
    if not mean or len(mean) != len(std) or unit not in (1, 255) or not all(map(_divides, std)):
        raise ValueError
    if not all(abs(number) < 1e38 for number in mean):  # in float32
        raise ValueError
    return Normalisation(mean, std, unit)


def _divides(number: float) -> bool:
    return 1e-37 < number < 1e38 and math.isfinite(1 / number)


_TEXT = (_text, "a text")
_WHOLE = (_count, "a whole number from 0 to 999,999,999")
_TEXTS_BY_NAME = (_optional(lambda value: _mapping(value, _text)), "texts by name")
_SCALES = "numbers 'mean' and 'std' (above 0) for each, and a 'unit' of 1 or 255"
FIELDS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "name": (_name, "a network's name, of letters, digits, _ and -"),
    "dataset": (_nonempty, "the name of a data set"),
    "classes": (_names, "a list of texts"),
    "normalisation": (_normalisation, _SCALES),
    "status": (_one_of(*STATUSES), f"one of {', '.join(STATUSES)}"),
    "began": _TEXT,
    "epochs_done": _WHOLE,
    "device": (_device, "a device, as cpu or cuda:0"),
    "versions": _TEXTS_BY_NAME,
    "threads": _WHOLE,
    "columns": (lambda value: _list(value, _string), "a list of texts"),
    "command": (lambda value: _list(value, _string), "a list of texts"),
    "git": _TEXT,
    "data_fingerprint": _TEXT,
    "precision": (_one_of("", *PRECISIONS[1:]), f"one of {', '.join(PRECISIONS[1:])}"),
    "compiled": (_one_of("", *COMPILE), f"one of {', '.join(COMPILE)}"),
    "task": (_one_of(*TASKS), f"one of {', '.join(TASKS)}"),
    "targets": (_optional(_normalisation), _SCALES),
    "best": (_optional(_best), "an epoch and its loss"),
    "overrides": _TEXTS_BY_NAME,
    "inputs": _TEXTS_BY_NAME,
    "result": (_optional(lambda value: _mapping(value, _figure)), "numbers by name"),
}
