"""The quantities that can be asked about a layer, a block or a network, and their names in questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from cnncli.arithmetic.window import Window
from cnncli.errors import CnnError, suggestion
from cnncli.inference import SUMMED, Inferred, LayerInfo

SHAPES = ("shape", "output", "output_shape", "input_shape")
RECEPTIVE_FIELD = {
    **dict.fromkeys(("receptive_field", "rf", "sees"), "size"),
    **dict.fromkeys(("jump", "rf_stride", "receptive_field_stride"), "stride"),
    **dict.fromkeys(("rf_offset", "receptive_field_offset"), "offset"),
}
WINDOW: dict[str, Callable[[Window], int]] = {
    "kernel": lambda window: window.kernel,
    "stride": lambda window: window.stride,
    "padding": lambda window: window.before,
    "dilation": lambda window: window.dilation,
    "effective_kernel": lambda window: window.effective_kernel,
}
COUNTS = (*SUMMED, "parameter_bytes")
QUANTITIES = (*SHAPES, *COUNTS, *RECEPTIVE_FIELD, *WINDOW, "dropped")
_ALIASES = {"parameters": "params", "operations": "flops", "multiply_accumulates": "macs", "size": "shape"}
# The canonical names of quantities with several names.
_SYNONYMS = {
    **dict.fromkeys(("output", "output_shape"), "shape"),
    **{name: f"receptive field {part}" for name, part in RECEPTIVE_FIELD.items()},
}


def parse_question(inferred: Inferred, name: str) -> tuple[str, str]:
    """``stage1.conv1.params`` as the layer, block or ``total``, and the quantity. Raises CnnError for unknown ones."""
    layer, dot, text = name.rpartition(".")
    quantity = _quantity(text)
    if not dot:
        raise not_a_question(inferred, name)
    if quantity not in QUANTITIES:
        hint = suggestion(quantity, QUANTITIES, f"use {', '.join(QUANTITIES)}")
        raise CnnError(f"{name}: unknown quantity {quantity!r}", hint)
    if layer in inferred.layers:
        if quantity in WINDOW and not inferred.layers[layer].stats.windows:
            raise CnnError(f"{name}: a {inferred.layers[layer].node.layer.kind} layer has no {quantity}")
    elif layer == "total" or any(True for _ in members(inferred, layer)):
        if quantity not in COUNTS:
            scope = "network" if layer == "total" else "block"
            raise CnnError(f"{name}: a {scope} has no {quantity}", f"use {', '.join(COUNTS)}")
    else:
        inferred.layer(layer)  # raises the error for an unknown layer
    return layer, quantity


def not_a_question(inferred: Inferred, name: str, given: str = "") -> CnnError:
    """The error for a name without a quantity; the answer ``given`` tells whether a shape is meant."""
    quantity = "shape" if re.search(r"[0-9]\s*[x×*,]\s*[0-9]", given) else "params"
    if name in inferred.layers:
        return CnnError(f"{name}: the question names no quantity", f"write LAYER.QUANTITY, e.g. {name}.{quantity}")
    return CnnError(f"{name}: not a question", f"write LAYER.QUANTITY, e.g. c1.{quantity}, or total.params")


def _quantity(text: str) -> str:
    quantity = text.lower().replace(" ", "_").replace("-", "_")
    return _ALIASES.get(quantity, quantity)


def canonical_quantity(name: str) -> str:
    """The one name of a quantity with several: ``params`` for ``parameters``."""
    return _SYNONYMS.get(_quantity(name), _quantity(name))


def canonical_name(name: str) -> str:
    """A question's name with one name for each quantity: ``c1.parameters`` as ``c1.params``."""
    layer, dot, quantity = name.rpartition(".")
    return f"{layer}.{canonical_quantity(quantity)}" if dot else name


def members(inferred: Inferred, scope: str) -> Iterator[LayerInfo]:
    """The layers of a block, or of the network (``total``)."""
    for name, info in inferred.layers.items():
        if scope == "total" or name.startswith(f"{scope}."):
            yield info
