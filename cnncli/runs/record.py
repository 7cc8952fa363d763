"""The record of a run, ``run.json``: its fields and their ranges. The file is untrusted, so every value is checked."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, TypeVar

from cnncli.arithmetic.shape import InvalidValue
from cnncli.errors import counted, shortened
from cnncli.recipe import COMPILE, PRECISIONS, TASKS
from cnncli.schema import Record

FORMAT = 1  # of run folders; to be raised when an earlier version would misread what this one writes
STATUSES = ("running", "finished", "interrupted", "failed")
MAX_NAME_LENGTH = 255  # characters, as for the name of a file
DEVICE = re.compile(r"|(cpu|cuda|mps|xpu)(:\d{1,3})?", re.ASCII)
Item = TypeVar("Item")


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation of each channel over the training images, of values that were divided by ``unit``.

    The unit is 255 for pixels and 1 for other numbers.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    unit: float = 255.0


# The readers of values; each raises one of _UNREADABLE ------------------------------------------------------------


def is_name(text: str) -> bool:
    """Whether a text may be a network's short name (:func:`loading.slug`): part of a file's name, and never a path."""
    return 0 < len(text) <= MAX_NAME_LENGTH and all(char.isalnum() or char in "_-" for char in text)


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


def _integer(value: Any) -> int:
    return int(_matching(value, lambda number: type(number) is int and 0 <= number < 10**9))


def _finite(value: Any) -> float:
    return float(_matching(value, lambda number: type(number) in (int, float) and abs(number) < 1e300))


def _metric(value: Any) -> float:
    """A metric may be infinite or NaN, e.g. of a diverged network; it is only displayed."""
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
    return {"epoch": _integer(value["epoch"]), "loss": _finite(value["loss"])}


def _normalization(value: Any) -> Normalization:
    if not isinstance(value, dict) or not {"mean", "std"} <= value.keys() <= {"mean", "std", "unit"}:
        raise ValueError
    mean, std = _list(value["mean"], _finite), _list(value["std"], _finite)
    unit = _finite(value.get("unit", 255.0))
    if not mean or len(mean) != len(std) or unit not in (1, 255) or not all(map(_divides, std)):
        raise ValueError
    if not all(abs(number) < 1e38 for number in mean):  # in float32
        raise ValueError
    return Normalization(mean, std, unit)


def _divides(number: float) -> bool:
    return 1e-37 < number < 1e38  # in float32, as the quotient is


_UNREADABLE = (ValueError, TypeError, KeyError, OverflowError)


def _reader(read: Callable[[Any], Any], wanted: str) -> Callable[[Any], Any]:
    """A reader for a record's schema: it raises InvalidValue, which names what was ``wanted``."""

    def checked(value: Any) -> Any:
        try:
            return read(value)
        except _UNREADABLE:
            raise InvalidValue(f"must be {wanted}, not {shortened(json.dumps(value))}") from None

    return checked


_SCALES = "numbers 'mean' and 'std' (above 0) for each, and a 'unit' of 1 or 255"
_Text = Annotated[str, _reader(_text, "a text")]
_Texts = Annotated[tuple[str, ...], _reader(lambda value: _list(value, _string), "a list of texts")]
_TextsByName = Annotated[
    dict[str, str] | None, _reader(_optional(lambda value: _mapping(value, _text)), "texts by name")
]
_Integer = Annotated[int, _reader(_integer, "a whole number from 0 to 999,999,999")]


class RunRecord(Record):
    """The contents of ``run.json``: the data, the environment, and the progress of the run."""

    name: Annotated[str, _reader(_name, "a network's name, of letters, digits, _ and -")]
    dataset: Annotated[str, _reader(_nonempty, "the name of a dataset")]
    classes: Annotated[tuple[str, ...], _reader(_names, "a list of texts")]
    normalisation: Annotated[Normalization, _reader(_normalization, _SCALES)]
    status: Annotated[str, _reader(_one_of(*STATUSES), f"one of {', '.join(STATUSES)}")] = "running"
    began: _Text = ""  # when, in ISO 8601
    epochs_done: _Integer = 0
    device: Annotated[str, _reader(_device, "a device, e.g. cpu or cuda:0")] = ""
    versions: _TextsByName = None
    threads: _Integer = 0
    command: _Texts = ()
    git: _Text = ""  # the commit of the working folder; earlier versions added + where files were changed
    data_fingerprint: _Text = ""
    precision: Annotated[str, _reader(_one_of("", *PRECISIONS[1:]), f"one of {', '.join(PRECISIONS[1:])}")] = ""
    compiled: Annotated[str, _reader(_one_of("", *COMPILE), f"one of {', '.join(COMPILE)}")] = ""
    task: Annotated[str, _reader(_one_of(*TASKS), f"one of {', '.join(TASKS)}")] = "classification"
    targets: Annotated[Normalization | None, _reader(_optional(_normalization), _SCALES)] = None  # of a regression
    best: Annotated[dict[str, float] | None, _reader(_optional(_best), "an epoch and its loss")] = None
    overrides: _TextsByName = None  # of --set and --input, where the text of the architecture could not hold them
    inputs: _TextsByName = None
    result: Annotated[
        dict[str, float] | None, _reader(_optional(lambda value: _mapping(value, _metric)), "numbers by name")
    ] = None
    columns: _Texts = ()  # names of a table's inputs, in the network's order; earlier versions wrote none


def record_text(record: RunRecord) -> str:
    """The text of ``run.json``, which :func:`read_record` reads back."""
    return json.dumps({"format": FORMAT, **record.__dict__}, indent=1, default=asdict) + "\n"


def read_record(text: str) -> RunRecord:
    """The record of a ``run.json``'s text. Raises InvalidValue, ValueError for what is not JSON, RecursionError.

    Earlier versions wrote no ``format``; their folders have the same fields as format 1.
    """
    data = json.loads(text)
    if not isinstance(data, dict):
        raise InvalidValue("is not a mapping of fields")
    _check_format(data.pop("format", FORMAT))
    unknown = [name for name in data if name not in RunRecord.schema]
    if unknown:
        raise InvalidValue(f"has an unknown field {shortened(unknown[0])!r}")
    missing = [name for name, field in RunRecord.schema.items() if field.required and name not in data]
    if missing:
        raise InvalidValue(f"has no field {missing[0]!r}")
    record = RunRecord(**{name: _read(name, value) for name, value in data.items()})
    if (record.task == "regression") != (record.targets is not None):
        raise InvalidValue("a regression, and no other task, has targets: the scaling of its targets")
    if record.targets is not None and len(record.targets.mean) != len(record.classes):
        raise InvalidValue(f"has {counted(len(record.classes), 'class')}, and targets for {len(record.targets.mean)}")
    return record


def _check_format(number: object) -> None:
    """Raises InvalidValue for a folder of a later version, whose fields could mean something else."""
    if type(number) is not int or number < 1:
        raise InvalidValue(f"format must be a whole number of at least 1, not {shortened(json.dumps(number))}")
    if number > FORMAT:
        raise InvalidValue(
            f"has format {shortened(str(number))}, and this version of cnn reads formats up to {FORMAT}",
            "a newer version wrote it: upgrade with pip install --upgrade cnn-calculator",
        )


def _read(name: str, value: Any) -> Any:
    try:
        return RunRecord.schema[name].read(value)
    except InvalidValue as error:
        raise InvalidValue(f"{name} {error}") from None
