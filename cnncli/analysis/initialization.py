"""The fans of a layer, and the standard deviations of initial weights by He's and by Xavier's rule."""

from __future__ import annotations

import math
from typing import NamedTuple

from cnncli.inference import LayerInfo


class Initialization(NamedTuple):
    """The fans of a layer, and the standard deviations that they give."""

    fan_in: int
    fan_out: int
    he_std: float
    xavier_std: float


def initialization_of(info: LayerInfo) -> Initialization | None:
    """He et al. 2015: sqrt(2 / fan_in); Glorot and Bengio 2010: sqrt(2 / (fan_in + fan_out)).

    None for a layer without weights to draw, or with those of another layer.
    """
    fans = None if info.node.shares else info.node.layer.fans(info.input_shapes)
    if fans is None:
        return None
    return Initialization(*fans, math.sqrt(2 / fans[0]), math.sqrt(2 / sum(fans)))
