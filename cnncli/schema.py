"""Records whose annotated fields are their schema: how the values of a file become a layer or a recipe."""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Self, dataclass_transform

JsonSchema = dict[str, Any]


class Reader:
    """Reads a value of a file, or raises InvalidValue. ``accepts`` is the JSON Schema of the values that it reads."""

    __slots__ = ("_read", "accepts")

    def __init__(self, read: Callable[[Any], Any], accepts: JsonSchema) -> None:
        self._read = read
        self.accepts = accepts

    def __call__(self, value: Any) -> Any:
        return self._read(value)


def accepting(accepts: JsonSchema) -> Callable[[Callable[[Any], Any]], Reader]:
    """Turn a function that reads a value into a :class:`Reader` of values that fit the JSON Schema ``accepts``."""
    return lambda read: Reader(read, accepts)


class SchemaField(NamedTuple):
    """One field: the reader of its values (raises InvalidValue), and its default unless it is required.

    ``row`` is the second item of the annotation's metadata, if it has one.
    """

    read: Reader
    required: bool
    default: Any
    row: Any = None


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Record:
    """A frozen record. A field is declared as ``stride: PerAxis = 1``, its type an ``Annotated`` with the reader.

    A subclass declares only the fields that it adds or changes. Those that it requires come before the inherited ones,
    so that a bare value fills them, the others after.

    To type checkers it is a frozen dataclass. ``dataclasses`` would compile methods for each class, which takes twenty
    times as long, and every command defines all layer types when it starts.
    """

    schema: ClassVar[dict[str, SchemaField]] = {}
    main: ClassVar[str] = ""  # the field that a bare value fills: the first

    def __init_subclass__(cls) -> None:
        for name, hint in cls.__annotations__.items():
            # an annotation that is a string would be no field, and its class would silently lack it
            if not hasattr(hint, "__metadata__") and getattr(hint, "__origin__", None) is not ClassVar:
                raise TypeError(f"{cls.__name__}.{name}: expected an Annotated or a ClassVar, not {hint!r}")
        own = {
            name: SchemaField(
                hint.__metadata__[0], name not in cls.__dict__, cls.__dict__.get(name), *hint.__metadata__[1:2]
            )
            for name, hint in cls.__annotations__.items()
            if hasattr(hint, "__metadata__")  # an Annotated, not a ClassVar
        }
        first = {name: field for name, field in own.items() if field.required and name not in cls.schema}
        cls.schema = {**first, **cls.schema, **own}
        cls.main = next(iter(cls.schema), "")

    def __init__(self, **fields: Any) -> None:
        values = self.__dict__
        for name, field in self.schema.items():
            if name in fields:
                values[name] = fields.pop(name)
            elif field.required:
                raise TypeError(f"{type(self).__name__}: missing required field: {name}")
            else:
                values[name] = field.default
        if fields:
            raise TypeError(f"{type(self).__name__} has no field {next(iter(fields))}")

    @property
    def field_values(self) -> dict[str, Any]:
        """The fields by name."""
        return dict(self.__dict__)

    def replace(self, **changes: Any) -> Self:
        """A copy with other values of some fields."""
        return type(self)(**{**self.__dict__, **changes})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({fields})"
