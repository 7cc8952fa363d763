"""The training recipe: the ``train`` section of a file, with defaults, overridden by options. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from cnncli.errors import CnnError, Problem, closest
from cnncli.graph import Setting
from cnncli.layers.fields import Count, Flag, NotNegative, Positive, Share, Text, Whole, one_of
from cnncli.shape import Unreadable

OPTIMIZERS = ("sgd", "adam", "adamw")
SCHEDULES = ("constant", "step", "cosine", "one-cycle")
INITS = ("kaiming", "xavier", "lecun", "normal")


class Recipe(NamedTuple):
    """How to train. ``warmup`` is in epochs; the step schedule multiplies the rate by ``gamma`` each ``step_epochs``."""

    dataset: Annotated[str, Text] = ""
    epochs: Annotated[int, Count] = 10
    batch_size: Annotated[int, Count] = 128
    optimizer: Annotated[str, one_of(*OPTIMIZERS)] = "adam"
    lr: Annotated[float, Positive] = 0.001
    momentum: Annotated[float, Share] = 0.9
    nesterov: Annotated[bool, Flag] = False
    weight_decay: Annotated[float, NotNegative] = 0.0
    schedule: Annotated[str, one_of(*SCHEDULES)] = "cosine"
    step_epochs: Annotated[int, Count] = 30
    gamma: Annotated[float, Positive] = 0.1
    warmup: Annotated[float, NotNegative] = 0.0
    init: Annotated[str, one_of(*INITS)] = "kaiming"
    seed: Annotated[int, Whole] = 0
    device: Annotated[str, Text] = "auto"
    validation: Annotated[float, Share] = 0.0
