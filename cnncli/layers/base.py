"""What every layer kind answers.

A kind is a small frozen class in its family's file. Its annotated fields are its YAML schema, in the order of the
language page, the first one being what a bare value means (``linear: 120``). Methods get the shapes of the layer's
inputs (channels first, no batch) and return whole numbers; none of them knows the layer's name or place, so a
layer that does not fit its input raises :class:`Misfit` and the caller says where.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, dataclass_transform, get_origin

from cnncli.field import ITSELF, Field
from cnncli.layers.fields import Reader
from cnncli.shape import Shape, elements, format_shape
from cnncli.window import Window

Shapes = tuple[Shape, ...]
Reach = tuple[Field, ...]  # one field per spatial axis, on one of the layer's inputs


class Misfit(Exception):
    """A layer cannot take its input: what is wrong, what to do, and the field of the file to point at."""

    def __init__(self, message: str, hint: str = "", field: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        self.field = field


class LayerField(NamedTuple):
    """One entry of a kind's schema."""

    read: Reader
    required: bool
    default: Any


@dataclass_transform(frozen_default=True)
class Layer:
    """The base of all kinds. A kind without weights, windows or operations overrides ``output_shape`` at most.

    ``dataclasses`` would do the same at twenty times the cost, and every command pays for all the kinds at its start.
    """

    kind: ClassVar[str] = ""
    main: ClassVar[str] = ""  # the field that a bare value fills; the first, where a kind has any
    foreign: ClassVar[tuple[str, ...]] = ()  # what PyTorch and Keras call it, in lower case
    schema: ClassVar[dict[str, LayerField]] = {}
    merges: ClassVar[bool] = False  # takes several inputs
    sees_everything: ClassVar[bool] = False  # each output depends on the whole input

    def __init_subclass__(cls) -> None:
        own = {
            name: LayerField(hint.__metadata__[0], name not in cls.__dict__, cls.__dict__.get(name))
            for name, hint in cls.__dict__.get("__annotations__", {}).items()
            if get_origin(hint) is not ClassVar
        }
        cls.schema = {**own, **{name: field for name, field in cls.schema.items() if name not in own}}
        cls.main = next(iter(cls.schema), "")

    def __init__(self, **fields: Any) -> None:
        values = self.__dict__
        for name, field in self.schema.items():
            if name in fields:
                values[name] = fields.pop(name)
            elif field.required:
                raise TypeError(f"{self.kind} needs {name}")
            else:
                values[name] = field.default
        if fields:
            raise TypeError(f"{self.kind} has no field {next(iter(fields))}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.__dict__.items())})"

    # What a kind answers ------------------------------------------------------------------------------------------

    def output_shape(self, inputs: Shapes) -> Shape:
        """The output's shape. Raises Misfit where the layer cannot take these inputs."""
        return inputs[0]

    def windows(self, inputs: Shapes) -> tuple[Window, ...]:
        """One window per spatial axis, for kinds that slide; else none."""
        return ()

    def reach(self, inputs: Shapes, output: Shape) -> tuple[Reach, ...]:
        """Per input, what a unit sees of it on each spatial axis of the output."""
        windows = self.windows(inputs)
        if windows:
            return (tuple(Field((-w.before,), (w.span - 1 - w.before,), w.stride) for w in windows),)
        return tuple((ITSELF,) * (len(output) - 1) for _ in inputs)

    def weights(self, inputs: Shapes) -> Mapping[str, Shape]:
        """The trained tensors by name, with PyTorch's names and shapes; counts are sums over them."""
        return {}

    def buffers(self, inputs: Shapes) -> Mapping[str, Shape]:
        """Tensors that are kept but not trained: running statistics."""
        return {}

    def macs(self, inputs: Shapes, output: Shape) -> int:
        """Multiply-accumulates of convolutions and matrix products, for one input, biases excluded."""
        return 0

    def flops(self, inputs: Shapes, output: Shape) -> int:
        """Multiplications (divisions are some) plus additions for one input; comparisons, exp, erf, … are none."""
        return 0

    def connections(self, inputs: Shapes, output: Shape) -> int:
        """LeCun's count: one for each use of a weight and each use of a bias."""
        return 0

    def field_problem(self) -> Misfit | None:
        """A mistake in how the fields go together, known without any shape."""
        return None


def per_axis(value: int | tuple[int, ...], rank: int, field: str) -> tuple[int, ...]:
    """Spread a field's value over ``rank`` axes. Raises Misfit where a list has another length."""
    if not isinstance(value, tuple):
        return (value,) * rank
    if len(value) != rank:
        raise Misfit(
            f"{field} [{', '.join(map(str, value))}] is for {_axes(len(value))}, the input has {_axes(rank)}",
            f"give one number, or a list of {rank}",
            field,
        )
    return value


def spatial_axes(kind: str, shape: Shape) -> Shape:
    """The sizes after the channels: 1 to 3 of them. Raises Misfit for a vector."""
    if len(shape) < 2:
        raise Misfit(
            f"{kind} slides over a map, and its input is a vector of {shape[0]} values",
            "put it above the flatten or the global pool, or use linear",
        )
    return shape[1:]


def expect_map(kind: str, shape: Shape) -> None:
    """Raises Misfit for a vector."""
    if len(shape) < 2:
        raise Misfit(f"{kind} takes a map, and its input is a vector of {shape[0]} values")


def dot_product_flops(length: int, bias: bool) -> int:
    """A dot product of ``length`` terms: as many multiplications, one addition fewer, one more for a bias."""
    return 2 * length if bias else 2 * length - 1


def _axes(count: int) -> str:
    return f"{count} axis" if count == 1 else f"{count} axes"


def plural(count: int, thing: str) -> str:
    """``1 row``, ``2 rows``."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


__all__ = [
    "Layer",
    "Misfit",
    "Reach",
    "Shapes",
    "dot_product_flops",
    "elements",
    "expect_map",
    "format_shape",
    "per_axis",
    "plural",
    "spatial_axes",
]
