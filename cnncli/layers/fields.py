"""The types of layer fields, each with the function that reads it from a value in a file.

A field is declared as ``stride: PerAxis = 1``; the reader is the annotation's metadata, so the fields of a layer type
are its schema, and one loader serves all types. A reader takes a plain value (int, float, bool, str, None, or a list of
those, after expressions are evaluated) and returns what the layer stores, or raises :class:`InvalidValue`. It is
decorated with the JSON Schema of the values that it takes, from which ``cnn schema`` is made.
"""

from typing import Annotated

from cnncli.arithmetic.numerals import LONGEST_NUMBER, is_digits, read_number, rewritten
from cnncli.arithmetic.shape import SHAPE_SCHEMA, InvalidValue, Shape, read_shape
from cnncli.arithmetic.size import SIZE_LIMIT
from cnncli.arithmetic.window import PADDING_NAMES
from cnncli.errors import closest, enumerated, shortened
from cnncli.schema import JsonSchema, Reader, accepting

MOST_AXES = 3  # spatial axes of a feature map


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
        if isinstance(value, str) and is_digits(value) and len(value) >= LONGEST_NUMBER:
            # too long a number, which the file's reader returns as a string, unlike one in quotes
            value = int((value.lstrip("0") or "0")[:LONGEST_NUMBER])
        if not isinstance(value, int) or isinstance(value, bool):
            raise InvalidValue(f"must be a whole number, not {shown(value)}", _unquote(value))
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
            raise InvalidValue(f"must be a number, not {shown(value)}", _unquote(value))
        if not low <= value <= high:
            percent = f"write {value / 100:g}" if high == 1 and 10 <= value <= 100 else ""
            raise InvalidValue(f"must be {wanted}, not {shown(value)}", percent)
        return value

    return read


def _unquote(value: object) -> str:
    if not isinstance(value, str):
        return ""
    return "remove the quotes" if is_digits(value) else rewritten(value)


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
    raise InvalidValue(f"must be true or false, not {shown(value)}")


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


def _listed(value: object) -> object:
    """The numbers of ``5x3``, ``5×3`` or ``(5, 3)``, as in papers and PyTorch, as a list; other values unchanged."""
    if not isinstance(value, str):
        return value
    if value.startswith("(") and value.endswith(")"):
        parts = value[1:-1].split(",")
    else:
        parts = value.lower().replace("×", "x").split("x")
    numbers = [read_number(part.strip()) for part in parts]
    return value if len(numbers) < 2 or None in numbers else numbers


SEVERAL_NUMBERS: JsonSchema = {"type": "string", "pattern": r"^(\(.+,.+\)|.+[xX×].+)$"}  # what _listed takes


def _list_schema(item: JsonSchema, most: int | None = None) -> JsonSchema:
    """A list of at least one item."""
    return {"type": "array", "items": item, "minItems": 1} | ({} if most is None else {"maxItems": most})


def _per_axis(read_one: Reader) -> Reader:
    @accepting({"anyOf": [read_one.accepts, _list_schema(read_one.accepts, MOST_AXES), SEVERAL_NUMBERS]})
    def read(value: object) -> object:
        value = _listed(value)
        if isinstance(value, str) and (value.startswith("(") or "x" in value.lower() or "×" in value):
            unclosed = value.startswith("(") and not value.endswith(")")  # the rest of {kernel: (5, 3)} is another key
            raise InvalidValue(
                f"takes one number, or a list with one per axis, not {shown(value)}",
                ("inside braces, a comma ends the value: " if unclosed else "")
                + "write 5 for all axes, or [5, 3] or 5x3 for one per axis",
            )
        if not isinstance(value, list):
            return read_one(value)
        if not 1 <= len(value) <= MOST_AXES:
            raise InvalidValue(f"takes one number, or a list with one per axis, not {shown(value)}")
        return tuple(read_one(item) for item in value)

    return read


_read_amount = _whole(0)
_PAIR: JsonSchema = {"type": "array", "items": _read_amount.accepts, "minItems": 2, "maxItems": 2}
_MARGINS = (_read_amount.accepts, _list_schema({"anyOf": [_read_amount.accepts, _PAIR]}, MOST_AXES), SEVERAL_NUMBERS)


@accepting({"anyOf": [{"enum": [*PADDING_NAMES]}, *_MARGINS]})
def read_padding(value: object) -> object:
    """A number per side, a list per axis, a pair per axis, or a name."""
    value = _listed(value)
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
    if isinstance(value, str):
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
Number = Annotated[float, _number(-1e300, 1e300, "a finite number")]
Positive = Annotated[float, _number(1e-300, 1e300, "above 0")]
NonNegative = Annotated[float, _number(0, 1e300, "at least 0")]
UnitInterval = Annotated[float, _number(0, 1, "from 0 to 1")]
Flag = Annotated[bool, read_flag]
Text = Annotated[str, read_text]
PerAxis = Annotated[int | tuple[int, ...], _per_axis(_whole(1))]
WholePerAxis = Annotated[int | tuple[int, ...], _per_axis(_whole(0))]
MaybePerAxis = Annotated[int | tuple[int, ...] | None, _per_axis(_whole(1))]
Factors = Annotated[float | tuple[float, ...] | None, _per_axis(_number(1e-9, 1e9, "from 1e-9 to 1e9"))]
Padding = Annotated[PaddingValue, read_padding]
Margins = Annotated[PaddingValue, read_margins]
PaddingMode = Annotated[str, one_of("zeros", "reflect", "replicate", "circular", "partial")]
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
