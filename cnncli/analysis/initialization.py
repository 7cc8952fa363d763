"""The fans of a layer, and the standard deviations of initial weights by He's and by Xavier's rule."""

from __future__ import annotations

import math
from typing import NamedTuple

from cnncli.arithmetic.shape import is_symbolic
from cnncli.inference import LayerInfo


class Initialization(NamedTuple):
    """The fans of a layer, and the standard deviations that they give: formulas for symbolic fans."""

    fan_in: int
    fan_out: int
    he_std: float | str
    xavier_std: float | str


def initialization_of(info: LayerInfo) -> Initialization | None:
    """He et al. 2015: sqrt(2 / fan_in); Glorot and Bengio 2010: sqrt(2 / (fan_in + fan_out)).

    None for a layer without weights to draw, or with those of another layer.
    """
    fans = None if info.node.shares else info.node.layer.fans(info.input_shapes)
    if fans is None:
        return None
    return Initialization(*fans, _deviation(fans[0]), _deviation(fans[0] + fans[1]))


def _deviation(fan: int) -> float | str:
    return f"sqrt(2 / ({fan}))" if is_symbolic(fan) else math.sqrt(2 / fan)
