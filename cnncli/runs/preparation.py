"""The network, recipe and dataset of a training, from a file or an earlier run, before torch is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cnncli.data import Dataset, LazyImages
from cnncli.errors import CnnError
from cnncli.loading import Loaded
from cnncli.recipe import Recipe
from cnncli.recipe.checks import check_options
from cnncli.recipe.serialization import as_dict, differences, read_recipe
from cnncli.runs import folder
from cnncli.runs.folder import Run
from cnncli.runs.tasks import check_changes, dataset_for, task_of


class TrainingPlan(NamedTuple):
    """A network, its recipe, and the run from which both were read, if any."""

    loaded: Loaded
    recipe: Recipe
    run: Run | None = None


def new_plan(loaded: Loaded, given: Mapping[str, Any]) -> TrainingPlan:
    """A training with the recipe of the file, overridden by the keys ``given`` as options."""
    return TrainingPlan(loaded, read_recipe(loaded.graph.train, given))


def plan_of_run(path: Path, given: Mapping[str, Any], *, resume: bool) -> TrainingPlan:
    """A run to repeat or resume. Raises CnnError for resuming a run with another recipe."""
    run = folder.open_run(path)
    recorded = folder.recipe_of(run)
    recipe = read_recipe({}, {**as_dict(recorded), **given})
    # The dataset may have moved: its contents are compared later.
    changed = [text for text in differences(recorded, recipe) if not text.startswith("dataset ")]
    if resume and changed:
        hint = f"to train on from its weights: cnn train --from {path} --init {path}, with the changed options"
        raise CnnError(f"{path} was started with another recipe: {'; '.join(changed)}", hint)
    return TrainingPlan(folder.architecture_of(run), recipe, run)


def dataset_of(
    plan: TrainingPlan, given: Mapping[str, Any], data_dir: Path | None, *, resume: bool
) -> tuple[str, Dataset]:
    """The dataset of a plan, and its name in the recipe. Raises CnnError if network and dataset do not fit."""
    recipe = plan.recipe
    check_options(recipe, given)
    if not recipe.dataset:
        raise CnnError("no dataset to train on", "use --data digits (bundled), --data mnist or --data images:PATH")
    spec = plan.run.record.dataset if plan.run is not None and "dataset" not in given else recipe.dataset
    dataset = dataset_for(plan.loaded, spec, task_of(plan.loaded, recipe), data_dir, stream=recipe.stream)
    if not resume:
        check_changes(recipe, plan.loaded.graph.inputs[0].shape, dataset)
    if "loaders" in given and not isinstance(dataset.train.images, LazyImages):
        raise CnnError(f"--loaders has no effect with {dataset.name}, which is held in memory", "leave it out")
    return spec, dataset
