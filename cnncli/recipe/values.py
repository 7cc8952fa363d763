"""The types of the recipe's own keys, each with the function that reads a value; raises InvalidValue."""

from collections.abc import Callable
from typing import Annotated, Any

from cnncli.arithmetic.numerals import read_number, read_percentage
from cnncli.arithmetic.shape import InvalidValue
from cnncli.layers.fields import PERCENTAGE, number_hint, one_of, read_text, shown
from cnncli.schema import JsonSchema, Reader, accepting

AUTO = "auto"
TASKS = ("classification", "regression", "segmentation")
LOSSES = ("mse", "l1", "huber")
OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "muon")
SCHEDULES = ("constant", "step", "multistep", "cosine", "one-cycle", "linear", "polynomial", "plateau")
INITS = ("kaiming", "xavier", "lecun", "normal", "dirac")
FLIPS = ("none", "random", "alternating")
VIEWS = ("none", "mirror", "six")
PRECISIONS = (AUTO, "fp32", "bf16", "fp16")
COMPILE = (AUTO, "off", "on", "graphs", "trial")


ONE_NUMBER: JsonSchema = {"type": ["number", "string"]}  # in a list, a number may be in quotes
FACTOR: JsonSchema = {"type": "string", "pattern": "="}  # conv1.*=0.1, or several in one text


def _list_of(read: Callable[[Any], Any], wanted: str, item: JsonSchema) -> Reader:
    """A reader of a list of ``item``, or of a text whose items are separated by commas."""

    @accepting({"anyOf": [item, {"type": "array", "items": item}]})
    def read_all(value: object) -> tuple[Any, ...]:
        items = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            items = [items]
        try:
            return tuple(read(item) for item in items if item != "")
        except (InvalidValue, ValueError):
            raise InvalidValue(f"must be {wanted}, not {shown(value)}") from None

    return read_all


def _number(item: Any) -> float:
    if isinstance(item, bool) or not isinstance(item, int | float | str):
        raise ValueError
    number = read_number(item) if isinstance(item, str) else item
    if number is None or not abs(number) < 1e300:
        raise ValueError
    return float(number)


def _positive_integer(item: Any) -> int:
    number = _number(item)
    if number < 1 or not number.is_integer():
        raise ValueError
    return int(number)


def _factor(item: Any) -> tuple[str, float]:
    """``conv1.*=0.1``: a pattern of parameter names and the number that belongs to it."""
    pattern, _, factor = str(item).rpartition("=")
    number = _number(factor)
    if not pattern or not 0 <= number < 1e6:
        raise ValueError
    return pattern.strip(), number


@accepting(
    {"anyOf": [{"enum": ["none", "balanced"]}, ONE_NUMBER, {"type": "array", "items": ONE_NUMBER, "minItems": 1}]}
)
def _class_weights(value: object) -> str | tuple[float, ...]:
    """none, balanced, or a weight for each class."""
    if value in ("none", "balanced"):
        return str(value)
    weights: tuple[float, ...] = _list_of(_number, "none, balanced, or a list of weights above 0", ONE_NUMBER)(value)
    if not weights or not all(0 < weight < 1e9 for weight in weights):
        raise InvalidValue(f"must be none, balanced, or a list of weights above 0, not {shown(value)}")
    return weights


@accepting({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1e9})
def _epochs(value: object) -> float:
    """A number of epochs; an int where it has no fraction."""
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else 0
    if not 0 < number < 1e9:
        raise InvalidValue(f"must be a number of epochs, e.g. 10 or 9.5, not {shown(value)}", number_hint(value))
    return int(number) if number == int(number) else number


@accepting({"anyOf": [{"type": "number", "minimum": 0, "exclusiveMaximum": 1}, PERCENTAGE]})
def _below_one(value: object) -> float:
    """A number, or a percentage such as 90%."""
    percentage = read_percentage(value) if isinstance(value, str) else None
    value = value if percentage is None else percentage
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1:
        return float(value)
    raise InvalidValue(f"must be at least 0 and below 1, e.g. 0.99, not {shown(value)}", number_hint(value))


@accepting({"enum": [*COMPILE, True, False]})
def _compile(value: object) -> str:
    """One of COMPILE; true and false mean on and off."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(one_of(*COMPILE)(value))


Task = Annotated[str, one_of(AUTO, *TASKS)]
RegressionLoss = Annotated[str, one_of(*LOSSES)]
Optimizer = Annotated[str, one_of(*OPTIMIZERS)]
Schedule = Annotated[str, one_of(*SCHEDULES)]
Flip = Annotated[str, one_of(*FLIPS)]
Views = Annotated[str, one_of(*VIEWS)]
PrecisionName = Annotated[str, one_of(*PRECISIONS)]
CompileMode = Annotated[str, _compile]
Epochs = Annotated[float, _epochs]
BelowOne = Annotated[float, _below_one]
Integers = Annotated[tuple[int, ...], _list_of(_positive_integer, "a list of whole numbers, e.g. 30, 60", ONE_NUMBER)]
Patterns = Annotated[tuple[str, ...], _list_of(read_text, "a list of patterns, e.g. conv1.*", read_text.accepts)]
FactorsByName = Annotated[tuple[tuple[str, float], ...], _list_of(_factor, "a list such as conv1.*=0.1", FACTOR)]
ClassWeights = Annotated[str | tuple[float, ...], _class_weights]
