"""The training recipe: the ``train`` section of a file, with defaults, overridden by options. No torch here."""

from cnncli.recipe.keys import ROWS, Key, Recipe, option_of, recipe_problems
from cnncli.recipe.values import AUTO, COMPILE, INITS, OPTIMIZERS, PRECISIONS, SCHEDULES, TASKS

__all__ = [
    "AUTO",
    "COMPILE",
    "INITS",
    "OPTIMIZERS",
    "PRECISIONS",
    "ROWS",
    "SCHEDULES",
    "TASKS",
    "Key",
    "Recipe",
    "option_of",
    "recipe_problems",
]
