"""What the symbols of an explanation mean: ``k`` is the kernel size, ``j_in_h`` the jump of the input, height."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from cnncli.analysis.explanation.symbols import SYMBOLS
from cnncli.arithmetic.axes import AXIS_ENDS, SPATIAL_AXES
from cnncli.layers.base import Layer

_AXES = {axis.letter.lower(): axis.name for axes in SPATIAL_AXES.values() for axis in axes}
_FIELDS = {  # a field that is not here is its own meaning
    "kernel": "kernel size",
    "padding": "padding per side",
    "margins": "crop per side",
    "multiplier": "filters per channel",
    "factor": "upscaling factor",
    "output": "output size",
    "start": "first index",
    "stop": "index after the last",
}
_RECEPTIVE_FIELD = {  # patterns, in the order in which they are tried
    r"r_in": "receptive field size of the input",
    r"j_in": "receptive field stride (jump) of the input",
    r"start_in": "receptive field offset of the input",
    r"P_in": "period of the receptive fields of the input",
    r"A_in": "shift of these receptive fields per period",
    r"first_(\d+)": "start of the receptive field of input unit {}",
    r"last_(\d+)": "end of the receptive field of input unit {}",
    r"q_first": "first unit that is read",
    r"q_last": "last unit that is read",
    r"q_0": "first unit that output 0 reads",
    r"P": "padding of both sides",
}
_COUNTS = {"N": "batch size", "params": "parameters", "buffers": "values of the buffers"}
_INITIALIZATION = {"fan_in": "inputs of a unit", "fan_out": "units that read an input"}


def meanings(symbols: Iterable[str], layer: Layer | None) -> dict[str, str]:
    """The meaning of each symbol in the explanation of a layer, or of a network (None)."""
    fields = {SYMBOLS.get(name, name): name for name in (layer.field_values if layer is not None else {})}
    return {symbol: _meaning(symbol, fields) for symbol in symbols}


def _meaning(symbol: str, fields: Mapping[str, str]) -> str:
    fixed = _INITIALIZATION.get(symbol) or _COUNTS.get(symbol)
    return fixed or _size(symbol) or _of_receptive_field(symbol) or _field(symbol, fields)


def _size(symbol: str) -> str:
    """``C_in``: input channels; ``H``: input height; ``W_2``: width of input 2."""
    found = re.fullmatch(r"([A-Zn])(?:_(in|out|\d+))?", symbol)
    names = {"C": "channels", **{letter.upper(): name for letter, name in _AXES.items()}}
    names |= {"n": "values"} if found and found[2] else {}  # n alone is a field
    if not found or found[1] not in names:
        return ""
    what, of = names[found[1]], found[2] or "in"
    return f"{what} of input {of}" if of.isdigit() else f"{'input' if of == 'in' else 'output'} {what}"


def _of_receptive_field(symbol: str) -> str:
    """``r_in_h``, or ``r_in_h_left`` for one of several network inputs."""
    for pattern, text in _RECEPTIVE_FIELD.items():
        found = re.fullmatch(rf"{pattern}(?:_(?P<axis>[{''.join(_AXES)}]))?(?:_(?P<source>[0-9A-Za-z]+))?", symbol)
        if found:
            along = f", {_AXES[found['axis']]}" if found["axis"] else ""
            on = f", on {found['source']}" if found["source"] else ""
            return f"{text.format(*found.groups())}{along}{on}"
    return ""


def _field(symbol: str, fields: Mapping[str, str]) -> str:
    """``s``: stride; ``s_h``: stride, height; ``p_top``: padding, top."""
    base, _, index = symbol.rpartition("_")
    whole = symbol in fields or base not in fields
    name = fields.get(symbol if whole else base, symbol)
    text = _FIELDS.get(name, name.replace("_", " "))
    if whole:
        return text
    return f"{text.removesuffix(' per side')}, {index if index in AXIS_ENDS else _AXES.get(index, index)}"
