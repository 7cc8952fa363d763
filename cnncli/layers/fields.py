"""The types of layer fields, each with the function that reads it from a value in a file.

A field is declared as ``stride: PerAxis = 1``; the reader is the annotation's metadata, so the fields of a layer type
are its schema, and one loader serves all types. A reader takes a plain value (int, float, bool, str, None, or a list of
those, after expressions are evaluated) and returns what the layer stores, or raises :class:`InvalidValue`. It is
decorated with the JSON Schema of the values that it takes, from which ``cnn schema`` is made.
"""

import re
from typing import Annotated

from cnncli.arithmetic.numerals import (
    NUMBER_LIMIT,
    is_out_of_range,
    read_number,
    read_percentage,
    rewritten,
    split_sizes,
)
from cnncli.arithmetic.shape import SHAPE_SCHEMA, InvalidValue, Shape, read_shape
from cnncli.arithmetic.size import SIZE_LIMIT
from cnncli.arithmetic.window import PADDING_NAMES
from cnncli.errors import closest, enumerated, shortened
from cnncli.schema import JsonSchema, Reader, accepting

MOST_AXES = 3  # spatial axes of a feature map
PADDING_FILLS = ("reflect", "replicate", "circular", "partial")  # what a border can be made of, besides zeros


def shown(value: object) -> str:
    """A value as the user wrote it, for messages."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    text = str(value)
    if isinstance(value, str) and (not text or text[0] in "0123456789+-."):
        text = repr(text)  # a number in quotes is a string
    return shortened(text)


def _whole(least: int) -> Reader:
    @accepting({"type": "integer", "minimum": least, "maximum": SIZE_LIMIT - 1})
    def read(value: object) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, str) and is_out_of_range(value):  # which the reader of a file returns as a string
            limit = f"at least {least}" if value[0] == "-" else "below 2^31"
            raise InvalidValue(f"must be {limit}, not {shortened(value)}")
        if not isinstance(value, int) or isinstance(value, bool):
            raise InvalidValue(f"must be a whole number, not {shown(value)}", number_hint(value))
        if value < least:
            raise InvalidValue(f"must be at least {least}, not {value}")
        if value >= SIZE_LIMIT:
            raise InvalidValue(f"must be below 2^31, not {shown(value)}")
        return value

    return read


def _range_schema(low: float, high: float) -> JsonSchema:
    """Numbers from ``low`` to ``high``, without the bounds that only stand for the smallest and the largest number."""
    smallest = {"exclusiveMinimum": 0} if 0 < low < 1e-200 else {"minimum": low} if low > -1e200 else {}
    return {"type": "number", **smallest, **({"maximum": high} if high < 1e200 else {})}


def _number(low: float, high: float, wanted: str) -> Reader:
    @accepting(_range_schema(low, high))
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            if isinstance(value, str) and is_out_of_range(value):
                limits = wanted if high < NUMBER_LIMIT else "between -1e300 and 1e300"
                raise InvalidValue(f"must be {limits}, not {shortened(value)}")
            raise InvalidValue(f"must be a number, not {shown(value)}", number_hint(value))
        if not low <= value <= high:
            raise InvalidValue(f"must be {wanted}, not {shown(value)}")
        return value

    return read


_read_positive = _number(1e-300, NUMBER_LIMIT, "above 0")
_read_fraction = _number(0, 1, "from 0 to 1")


PERCENTAGE: JsonSchema = {"type": "string", "pattern": r"^[0-9.]+ ?%$"}


@accepting({"anyOf": [_read_fraction.accepts, PERCENTAGE]})
def _unit_interval(value: object) -> float:
    """A number from 0 to 1, also as a percentage: ``50%`` is 0.5."""
    percentage = read_percentage(value) if isinstance(value, str) else None
    number = value if percentage is None else percentage
    if isinstance(value, int | float) and not isinstance(value, bool) and 10 <= value <= 100:
        raise InvalidValue(f"must be from 0 to 1, not {shown(value)}", f"write {value / 100:g}")
    try:
        return float(_read_fraction(number)) if percentage is not None else _read_fraction(number)
    except InvalidValue as error:
        if percentage is None:
            raise
        raise InvalidValue(f"must be from 0 to 1, not {value}", error.hint) from None


@accepting({"type": "number", "minimum": 1e-300, "maximum": 1})
def _epsilon(value: object) -> float:
    """A small number above 0. A large one is the number of channels, which PyTorch's BatchNorm2d(32) takes."""
    number: float = _read_positive(value)
    if number > 1:
        raise InvalidValue(
            f"must be at most 1, not {shown(value)}", "remove it: the number of channels is derived from the input"
        )
    return number


def number_hint(value: object) -> str:
    """What to write instead of a text where a number is expected; "" if it means none."""
    if not isinstance(value, str):
        return ""
    return "remove the quotes" if read_number(value) is not None else rewritten(value)


@accepting(
    {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "^([Yy][Ee][Ss]|[Nn][Oo]|[Oo][Nn]|[Oo][Ff][Ff])$"}]}
)
def read_flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word in ("yes", "on"):
        return True
    if word in ("no", "off"):
        return False
    meant = {"0": "false", "none": "false", "1": "true"}.get(word, "")
    raise InvalidValue(f"must be true or false, not {shown(value)}", f"write {meant}" if meant else "")


@accepting({"type": ["string", "number", "boolean"]})
def read_text(value: object) -> str:
    if isinstance(value, list) or value is None:
        raise InvalidValue(f"must be text, not {shown(value)}")
    return value if isinstance(value, str) else shown(value)


def one_of(*words: str) -> Reader:
    """A reader that accepts one of several words."""

    @accepting({"enum": [*words]})
    def read(value: object) -> str:
        if value in words:
            return str(value)
        wanted = enumerated(words, "or")
        near = closest(_loose(value), words) if isinstance(value, str) and len(value) < 40 else None
        raise InvalidValue(f"must be {wanted}, not {shown(value)}", f"write {near}" if near else "")

    return read


def _loose(word: str) -> str:
    return word.lower().replace("-", "_")


def _listed(value: object, commas: bool = True) -> object:
    """The numbers of ``5x3``, ``5*3`` or ``(5, 3)``, as in papers and PyTorch, as a list; other values unchanged."""
    if not isinstance(value, str):
        return value
    numbers = [read_number(part) for part in split_sizes(value, commas)]
    if None in numbers or (len(numbers) == 1 and value[:1] not in "(["):
        return value
    return numbers if len(numbers) > 1 else numbers[0]


SEVERAL_NUMBERS: JsonSchema = {
    "type": "string",
    "pattern": r"^(\(.+\)|\[.+\]|.+([xX×*,✕✖⨯⨉]|by).+)$",
}  # what _listed takes


def _list_schema(item: JsonSchema, most: int | None = None) -> JsonSchema:
    """A list of at least one item."""
    return {"type": "array", "items": item, "minItems": 1} | ({} if most is None else {"maxItems": most})


PER_AXIS_HINT = "write 5 for all axes, or [5, 3] or 5x3 for one per axis"


def _per_axis(read_one: Reader, commas: bool = True) -> Reader:
    @accepting({"anyOf": [read_one.accepts, _list_schema(read_one.accepts, MOST_AXES), SEVERAL_NUMBERS]})
    def read(value: object) -> object:
        value = _listed(value, commas)
        if isinstance(value, str) and not number_hint(value) and (value[:1] in "([" or _SIGNS.intersection(value)):
            unclosed = value.startswith("(") and not value.endswith(")")
            raise InvalidValue(
                f"takes one number, or a list with one per axis, not {shown(value)}",
                ("close the parenthesis: " if unclosed else "") + PER_AXIS_HINT,
            )
        if not isinstance(value, list):
            return read_one(value)
        if not 1 <= len(value) <= MOST_AXES:
            raise InvalidValue(f"takes one number, or a list with one per axis, not {shown(value)}")
        return tuple(read_one(item) for item in value)

    return read


_SIGNS = frozenset("xX×")


_read_amount = _whole(0)
_PAIR: JsonSchema = {"type": "array", "items": _read_amount.accepts, "minItems": 2, "maxItems": 2}
_MARGINS = (_read_amount.accepts, _list_schema({"anyOf": [_read_amount.accepts, _PAIR]}, MOST_AXES), SEVERAL_NUMBERS)


@accepting({"anyOf": [{"enum": [*PADDING_NAMES]}, *_MARGINS]})
def read_padding(value: object) -> object:
    """A number per side, a list per axis, a pair per axis, or a name."""
    value = _listed(value)
    if isinstance(value, str) and is_out_of_range(value):
        return _read_amount(value)
    if isinstance(value, str | bool) and (hint := _padding_hint(str(value).lower())):
        raise InvalidValue(f"must be {enumerated(PADDING_NAMES, 'or')}, not {shown(value)}", hint)
    if isinstance(value, str):
        return one_of(*PADDING_NAMES)(value)
    if not isinstance(value, list):
        return _read_amount(value)
    if not 1 <= len(value) <= MOST_AXES:
        raise InvalidValue(
            f"takes a number, a name, or a list with one number or pair per axis, not {shown(value)}",
            "write [[top, bottom], [left, right]]" if len(value) == 4 else "",
        )
    return tuple(_read_side(item) for item in value)


def _padding_hint(word: str) -> str:
    """What to write instead of a word or a number in other words; "" for names, misspelled ones included."""
    if word in ("true", "yes", "on", "auto", "half"):
        return "write same, or the number of pixels per side"
    if word in ("false", "no", "off", "none", "zero"):
        return "write 0"
    if word in ("zeros", *PADDING_FILLS):
        return f"write the number of pixels per side, and padding_mode: {word}"
    return number_hint(word)


def _read_side(item: object) -> object:
    if not isinstance(item, list):
        return _read_amount(item)
    if len(item) != 2:
        raise InvalidValue(
            f"takes a pair [before, after] for an axis, not {shown(item)}", "write [[top, bottom], [left, right]]"
        )
    return (_read_amount(item[0]), _read_amount(item[1]))


@accepting({"anyOf": [*_MARGINS]})
def read_margins(value: object) -> object:
    """Like padding, but without names, since there is no window."""
    value = _listed(value)
    if isinstance(value, str) and not is_out_of_range(value):
        raise InvalidValue(f"must be a number, or a list with one number or pair per axis, not {shown(value)}")
    return read_padding(value)


def _sequence(read_one: Reader, wanted: str) -> Reader:
    @accepting(_list_schema(read_one.accepts))
    def read(value: object) -> object:
        if not isinstance(value, list) or not value:
            raise InvalidValue(f"must be {wanted}, not {shown(value)}")
        return tuple(read_one(item) for item in value)

    return read


@accepting(_list_schema(_read_amount.accepts))
def _order(value: object) -> object:
    value = _listed(value)
    if isinstance(value, str) and re.fullmatch(r"[0-9]( +[0-9]){1,3}", value):
        raise InvalidValue(f"must be a list of axes, not {shown(value)}", f"write [{', '.join(value.split())}]")
    order = _sequence(_read_amount, "a list of axes, e.g. [0, 2, 1]")(value)
    axes = range(len(order))
    if sorted(order) != [*axes]:
        raise InvalidValue(
            f"must list every axis once, not {shown(value)}", f"put {', '.join(map(str, axes))} in order"
        )
    return order


@accepting(SHAPE_SCHEMA)
def _shape(value: object) -> Shape:
    try:
        return read_shape(value)
    except InvalidValue as error:
        raise InvalidValue(f"must be a shape: {error}", error.hint) from None


PaddingValue = int | str | tuple[int | tuple[int, int], ...]

Count = Annotated[int, _whole(1)]
Whole = Annotated[int, _whole(0)]
Number = Annotated[float, _number(-NUMBER_LIMIT, NUMBER_LIMIT, "a finite number")]
Positive = Annotated[float, _read_positive]
Epsilon = Annotated[float, _epsilon]
NonNegative = Annotated[float, _number(0, NUMBER_LIMIT, "at least 0")]
UnitInterval = Annotated[float, _unit_interval]
Flag = Annotated[bool, read_flag]
Text = Annotated[str, read_text]
PerAxis = Annotated[int | tuple[int, ...], _per_axis(_whole(1))]
WholePerAxis = Annotated[int | tuple[int, ...], _per_axis(_whole(0))]
MaybePerAxis = Annotated[int | tuple[int, ...] | None, _per_axis(_whole(1))]
Factors = Annotated[float | tuple[float, ...] | None, _per_axis(_number(1e-9, 1e9, "from 1e-9 to 1e9"), commas=False)]
Padding = Annotated[PaddingValue, read_padding]
Margins = Annotated[PaddingValue, read_margins]
PaddingMode = Annotated[str, one_of("zeros", *PADDING_FILLS)]
WholeOrEnd = Annotated[int | None, _whole(1)]
Order = Annotated[tuple[int, ...], _order]
WantedShape = Annotated[tuple[int, ...], _shape]
Table = Annotated[
    tuple[tuple[int, ...], ...] | None,
    _sequence(
        _sequence(_whole(0), "a list of input channels for each filter"),
        "a list with one list of input channels per filter",
    ),
]
WindowRounding = Annotated[str, one_of("floor", "ceil", "exact")]
Rounding = Annotated[str, one_of("floor", "exact")]
