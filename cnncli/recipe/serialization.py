"""Reading and writing a recipe: the ``train`` section of a file, options, and ``recipe.yaml``."""

from collections.abc import Mapping
from typing import Any

from cnncli.arithmetic.shape import InvalidValue
from cnncli.errors import CnnError, Problem
from cnncli.graph import Setting
from cnncli.recipe.keys import Recipe, option_of, recipe_problems


def read_recipe(train: Mapping[str, Setting], options: Mapping[str, Any]) -> Recipe:
    """The recipe of a file's ``train`` section, overridden by ``options`` (those given on the command line).

    Raises CnnError with every entry that cannot be read, and for keys that contradict each other.
    """
    problems = recipe_problems(train)
    values = {}
    for key, setting in train.items():
        if key in Recipe.schema and key not in options and not problems:
            values[key] = Recipe.schema[key].read(setting.value)
    for key, value in options.items():
        try:
            values[key] = Recipe.schema[key].read(value)
        except InvalidValue as error:
            problems.append(Problem(f"{option_of(key)}: {error}", error.hint))
    if problems:
        raise CnnError.of(problems)
    from cnncli.recipe.checks import check_together  # commands that only calculate do not need it

    recipe = Recipe(**values)
    check_together(recipe)
    return recipe


def as_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain values that :func:`from_dict` reads back, in the order of its keys."""
    return {name: _plain(getattr(recipe, name)) for name in Recipe.schema}


def _plain(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    return [f"{item[0]}={item[1]!r}" if isinstance(item, tuple) else item for item in value]


def from_dict(values: Mapping[str, Any]) -> Recipe:
    """The recipe of :func:`as_dict`. Raises CnnError for unknown keys and invalid values."""
    try:
        read = {name: Recipe.schema[name].read(value) for name, value in values.items()}
    except (KeyError, InvalidValue) as error:
        raise CnnError(f"the recipe cannot be read: {error}", "recipe.yaml may have been edited by hand") from None
    return Recipe(**read)


def differences(one: Recipe, other: Recipe) -> list[str]:
    """The differences, e.g. ``lr 0.1 and 0.2``."""
    pairs = ((name, getattr(one, name), getattr(other, name)) for name in Recipe.schema)
    return [f"{name} {_plain(a)} and {_plain(b)}" for name, a, b in pairs if a != b]
