"""Keys that contradict each other, or that would be ignored without a message."""

import math
from collections.abc import Collection, Iterator

from cnncli.errors import CnnError, counted
from cnncli.recipe.keys import ROWS, Recipe, option_of
from cnncli.recipe.values import INITS

MAX_FACTOR = 1e30  # of the learning rate over a whole schedule: float32 ends at 3e38


def check_together(recipe: Recipe) -> None:
    """Raises CnnError for keys that contradict each other."""
    for found in (_milestones(recipe), _gamma(recipe), _partial(recipe), _warmup(recipe)):
        for message, hint in found:
            raise CnnError(message, hint)


Problems = Iterator[tuple[str, str]]  # messages, each with a hint


def _milestones(recipe: Recipe) -> Problems:
    if recipe.schedule != "multistep":
        return
    late = [epoch for epoch in recipe.milestones if epoch >= recipe.epochs]
    if not recipe.milestones or late or list(recipe.milestones) != sorted({*recipe.milestones}):
        found = f"not at {', '.join(map(str, recipe.milestones))}" if recipe.milestones else "and none is given"
        yield (
            f"milestones: the learning rate drops at increasing epochs below {recipe.epochs:g}, {found}",
            "write milestones: [30, 60], or --milestones 30,60",
        )


def _gamma(recipe: Recipe) -> Problems:
    if recipe.schedule == "plateau" and recipe.gamma >= 1:
        yield (
            f"gamma: {recipe.gamma:g} does not lower the learning rate at a plateau",
            "write gamma: 0.1, or --gamma 0.1: any factor below 1",
        )
    drops = {"step": (math.ceil(recipe.epochs) - 1) // recipe.step_epochs, "multistep": len(recipe.milestones)}
    times = drops.get(recipe.schedule, 0)
    if times * math.log10(recipe.gamma) > math.log10(MAX_FACTOR):
        yield (
            f"gamma: {recipe.gamma:g}, applied {times} times, raises the learning rate more than {MAX_FACTOR:g}-fold",
            "write gamma: 0.1, or --gamma 0.1: a factor below 1 lowers the learning rate",
        )


def _partial(recipe: Recipe) -> Problems:
    if recipe.partial and recipe.init in INITS:
        yield (
            f"partial: init {recipe.init} initializes all weights",
            "use it with --init RUN or a weights file, or give --no-partial",
        )


def _warmup(recipe: Recipe) -> Problems:
    if recipe.warmup >= recipe.epochs:
        yield (
            f"warmup: {recipe.warmup:g} of {counted(recipe.epochs, 'epoch')} leaves none at the full learning rate",
            "use a shorter warmup",
        )


def check_options(recipe: Recipe, given: Collection[str]) -> None:
    """Raises CnnError for a key given as an option that has no effect with the rest of the recipe.

    A file may have such keys: they wait for another optimizer or schedule to be chosen.
    """
    for key in given:
        if not ROWS[key].needs or getattr(recipe, key) is False:
            continue
        other, *values = ROWS[key].needs
        chosen = getattr(recipe, other)
        if chosen in values or (not values and chosen):
            continue
        wanted = " ".join([option_of(other), *([" or ".join(values)] if values else [])])
        raise CnnError(
            f"{option_of(key)} has no effect with {other} {chosen}", f"give {wanted}, or leave {option_of(key)} out"
        )
