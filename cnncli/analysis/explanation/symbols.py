"""Shapes, layers and windows with symbols in place of their numbers: C_in, H, W, k, s, p."""

from __future__ import annotations

from typing import Any

from cnncli.arithmetic.axes import SPATIAL_AXES
from cnncli.arithmetic.shape import Shape
from cnncli.arithmetic.tracing import named
from cnncli.arithmetic.window import Window, is_symmetric
from cnncli.layers.base import Layer, Shapes

# The lectures' symbols; a field that is not here has its own name as its symbol.
SYMBOLS = {
    "filters": "C_out",
    "kernel": "k",
    "stride": "s",
    "dilation": "d",
    "padding": "p",
    "margins": "m",
    "groups": "g",
    "units": "n_out",
    "multiplier": "m",
    "factor": "r",
    "size": "n",
    "output_padding": "p_out",
}
NEUTRAL = {"dilation": 1, "groups": 1, "multiplier": 1, "output_padding": 0}  # values that a formula leaves out
PER_AXIS = ("kernel", "stride", "dilation", "output_padding", "output", "size")


def traced_inputs(shapes: Shapes) -> Shapes:
    """The shapes with symbols: C_in, H, W; n_in for a vector; C_1, C_2 … for several inputs."""
    if len(shapes) == 1:
        return (_traced_shape(shapes[0], "_in", ""),)
    return tuple(_traced_shape(shape, f"_{number}", f"_{number}") for number, shape in enumerate(shapes, 1))


def traced_output(shape: Shape) -> Shape:
    """The output's shape with symbols: C_out, H_out, W_out; n_out for a vector."""
    return _traced_shape(shape, "_out", "_out")


def _traced_shape(shape: Shape, of_channels: str, of_axes: str) -> Shape:
    if len(shape) == 1:
        return (named(f"n{of_channels}", shape[0]),)
    axes = zip(SPATIAL_AXES[len(shape) - 1], shape[1:], strict=True)
    return (named(f"C{of_channels}", shape[0]), *(named(f"{axis.letter}{of_axes}", size) for axis, size in axes))


def traced_layer(layer: Layer, inputs: Shapes) -> Layer:
    """The layer with symbols in place of the numbers of its fields."""
    rank = len(inputs[0]) - 1
    fields = {name: _traced_field(name, value, rank) for name, value in layer.field_values.items()}
    border = next((name for name in ("padding", "margins") if name in fields), "")
    if border:
        fields[border] = _traced_border(SYMBOLS[border], layer.border(inputs), rank)
    return layer.replace(**fields)


def _traced_field(name: str, value: Any, rank: int) -> Any:
    symbol = SYMBOLS.get(name, name)
    if isinstance(value, int) and not isinstance(value, bool) and NEUTRAL.get(name) != value:
        return named(symbol, value)
    per_axis = isinstance(value, tuple) and len(value) == rank and all(isinstance(item, int) for item in value)
    if per_axis and name in PER_AXIS:
        if len({*value}) == 1:
            return tuple(named(symbol, item) for item in value)
        return tuple(named(item_symbol, item) for item_symbol, item in zip(_by_axis(symbol, rank), value, strict=True))
    return value


def _by_axis(symbol: str, rank: int) -> list[str]:
    """``k_h``, ``k_w``."""
    return [f"{symbol}_{axis.letter.lower()}" for axis in SPATIAL_AXES[rank]]


def traced_window(window: Window) -> Window:
    """A window with its symbols; the two sides have one if their padding is equal."""
    even = window.before == window.after
    before = named("p" if even else "p_before", window.before)
    after = before if even else named("p_after", window.after)
    dilation = window.dilation if window.dilation == 1 else named("d", window.dilation)
    return Window(
        named("k", window.kernel), named("s", window.stride), before, after, dilation, window.ceil, window.exact
    )


def _traced_border(symbol: str, border: tuple[tuple[int, int], ...], rank: int) -> tuple[tuple[int, int], ...]:
    """One symbol if all sides have the same padding, else one per axis or per side."""
    if len({amount for pair in border for amount in pair}) == 1:
        return ((named(symbol, border[0][0]), named(symbol, border[0][1])),) * rank
    if is_symmetric(border):
        pairs = zip(_by_axis(symbol, rank), border, strict=True)
        return tuple((named(name, before), named(name, after)) for name, (before, after) in pairs)
    sides = [[f"{symbol}_{end}" for end in axis.ends] for axis in SPATIAL_AXES[rank]]
    return tuple(
        (named(first, before), named(last, after)) for (first, last), (before, after) in zip(sides, border, strict=True)
    )
