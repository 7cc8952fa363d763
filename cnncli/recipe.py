"""The training recipe: the ``train`` section of a file, with defaults, overridden by options. No torch here."""

from collections.abc import Mapping
from typing import Annotated, Any

from cnncli.errors import CnnError, Problem, closest
from cnncli.graph import Setting
from cnncli.layers.fields import Count, Flag, NotNegative, Positive, Share, Text, Whole, one_of
from cnncli.schema import Record
from cnncli.shape import Unreadable

OPTIMIZERS = ("sgd", "adam", "adamw")
SCHEDULES = ("constant", "step", "cosine", "one-cycle")
INITS = ("kaiming", "xavier", "lecun", "normal")


class Recipe(Record):
    """How to train. ``warmup`` is in epochs; the step schedule multiplies by ``gamma`` each ``step_epochs``."""

    dataset: Text = ""
    epochs: Count = 10
    batch_size: Count = 128
    optimizer: Annotated[str, one_of(*OPTIMIZERS)] = "adam"
    lr: Positive = 0.001
    momentum: Share = 0.9
    nesterov: Flag = False
    weight_decay: NotNegative = 0.0
    schedule: Annotated[str, one_of(*SCHEDULES)] = "cosine"
    step_epochs: Count = 30
    gamma: Positive = 0.1
    warmup: NotNegative = 0.0
    init: Annotated[str, one_of(*INITS)] = "kaiming"
    seed: Whole = 0
    device: Text = "auto"
    validation: Share = 0.0


def read_recipe(train: Mapping[str, Setting], options: Mapping[str, Any]) -> Recipe:
    """The recipe of a file's ``train`` section; ``options`` (those given on the command line) come before it.

    Raises CnnError with every entry that cannot be read.
    """
    problems = recipe_problems(train)
    values = {}
    for key, setting in train.items():
        if key in Recipe.schema and key not in options and not problems:
            values[key] = Recipe.schema[key].read(setting.value)
    for key, value in options.items():
        try:
            values[key] = Recipe.schema[key].read(value)
        except Unreadable as error:
            problems.append(Problem(f"--{key.replace('_', '-')}: {error}", error.hint))
    recipe = Recipe(**values) if not problems else None
    if recipe is None:
        raise CnnError.of(problems)
    return recipe


def recipe_problems(train: Mapping[str, Setting]) -> list[Problem]:
    """What is wrong in a ``train`` section, found while nothing but figures is wanted as well."""
    problems = []
    for key, setting in train.items():
        if key not in Recipe.schema:
            near = closest(key, list(Recipe.schema))
            hint = f"write {near}" if near else f"it takes {', '.join(Recipe.schema)}"
            problems.append(Problem(f"the recipe has no {key!r}", hint, setting.key_place, "train"))
            continue
        try:
            Recipe.schema[key].read(setting.value)
        except Unreadable as error:
            problems.append(Problem(f"{key} {error}", error.hint, setting.place, "train"))
    return problems


def as_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain values, in the order of its fields."""
    return {name: getattr(recipe, name) for name in Recipe.schema}
