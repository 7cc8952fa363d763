"""What a network can be trained for, and whether it goes with a data set. No torch here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cnncli.arithmetic.shape import Shape, format_input_shape, format_shape
from cnncli.data import ColumnNames, load_dataset
from cnncli.data.dataset import unnamed_targets
from cnncli.errors import CnnError
from cnncli.recipe import AUTO, ROWS

if TYPE_CHECKING:
    from cnncli.data import Dataset
    from cnncli.loading import Loaded
    from cnncli.recipe import Recipe

CLASSES = "classes"  # the variable of bundled networks that says how many there are


def task_of(loaded: Loaded, recipe: Recipe) -> str:
    """The recipe's task. With ``auto`` a map is a segmentation, and a single number a regression.

    Of other outputs the data says it, and ``auto`` is given back. Raises CnnError for a network that cannot be trained.
    """
    graph = loaded.graph
    if len(graph.inputs) > 1 or len(graph.outputs) > 1:
        raise CnnError(
            f"the network has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs; training takes one of each"
        )
    name, shape = graph.outputs[0], loaded.inferred.shape(graph.outputs[0])
    if recipe.task == AUTO:
        return "segmentation" if len(shape) > 1 else "regression" if shape == (1,) else AUTO
    if recipe.task == "segmentation" and len(shape) == 1:
        raise CnnError(
            f"the output {name} is a vector of {shape[0]}; segmentation needs a map",
            "end the network with conv: {filters: CLASSES, kernel: 1}",
        )
    if recipe.task != "segmentation" and len(shape) > 1:
        raise CnnError(
            f"the output {name} is a map of {format_shape(shape)}; {recipe.task} needs a vector",
            "end the network with flatten or global_avgpool, and linear: CLASSES",
        )
    return recipe.task


def dataset_for(
    loaded: Loaded,
    spec: str,
    task: str,
    data_dir: Path | None,
    *,
    stream: bool = False,
    trained: ColumnNames | None = None,
) -> Dataset:
    """The data set ``spec`` as a network of one input and one output takes it.

    The columns of a table are those that the network was ``trained`` on, if it has names.
    Raises CnnError where it cannot be loaded, and where the two do not go together.
    """
    graph = loaded.graph
    outputs = loaded.inferred.shape(graph.outputs[0])[0]
    dataset = load_dataset(spec, graph.inputs[0].shape, data_dir, stream, task=task, outputs=outputs, trained=trained)
    check_fit(loaded, dataset)
    if task not in (AUTO, dataset.task):
        raise CnnError(f"{dataset.name} is data for a {dataset.task}, not for a {task}", "leave the task out")
    return dataset


def as_trained(dataset: Dataset, classes: tuple[str, ...]) -> Dataset:
    """The data set with the classes, or the names of the targets, that a network was trained on.

    Targets without names, as those of arrays are, are taken by position, which a note says. Raises CnnError for others.
    """
    if dataset.classes == classes:
        return dataset
    regression, unnamed = dataset.task == "regression", unnamed_targets(len(classes))
    if regression and len(dataset.classes) == len(classes) and unnamed in (dataset.classes, classes):
        note = f"{dataset.name}: its targets {', '.join(dataset.classes[:8])} are taken for {', '.join(classes[:8])}"
        return replace(dataset, classes=classes, notes=(*dataset.notes, f"{note}, by position"))
    kind = "targets" if regression else "classes"
    raise CnnError(
        f"{dataset.name} has other {kind} than the run was trained on: {', '.join(dataset.classes[:8])}",
        f"the run knows {', '.join(classes[:8])}"
        + ("; name the columns so, or leave the line of names out to take them by position" if regression else ""),
    )


def check_changes(recipe: Recipe, shape: Shape, dataset: Dataset) -> None:
    """Raises CnnError for keys that have no effect on this input or task: they would be ignored without a message."""
    if recipe.loss != "mse" and dataset.task != "regression":
        raise CnnError(f"loss: {recipe.loss} is for a regression, not for a {dataset.task}", "leave it out")
    there = {"": True, "axes": len(shape) > 1, "image": len(shape) == 3}
    for key, row in ROWS.items():
        if not there[row.input] and getattr(recipe, key) not in (0, "none"):
            written = format_input_shape(shape)
            raise CnnError(f"{key}: the network reads {written}, which is not an image", f"leave {key} out")


def check_fit(loaded: Loaded, dataset: Dataset) -> None:
    """Raises CnnError where the network's outputs are not what the data's targets are."""
    output = loaded.graph.outputs[0]
    shape, wanted = loaded.inferred.shape(output), len(dataset.classes)
    dense = dataset.task == "segmentation"
    if dense != (len(shape) > 1):
        has = "masks" if dense else "a class for each image" if dataset.task == "classification" else "numbers"
        raise CnnError(
            f"{dataset.name} has {has}, and the network's output {output} is {format_shape(shape)}",
            "end the network with a conv of one filter for each class, and as large as the input"
            if dense
            else "end the network with flatten or global_avgpool, and linear: CLASSES",
        )
    if shape[0] != wanted:
        one, several = ("target", "targets") if dataset.task == "regression" else ("class", "classes")
        of = one if wanted == 1 else several
        layer = f"conv: {{filters: {wanted}, kernel: 1}}" if dense else f"linear: {wanted}"
        raise CnnError(
            f"{dataset.name} has {wanted} {of}, and the network's output {output} has {shape[0]} "
            + ("channel" if dense else "value")
            + ("s" if shape[0] != 1 else ""),
            f"make its last layer {layer}{_or_set(loaded, wanted)}",
        )
    if dense:
        _check_size(loaded, output)


def _or_set(loaded: Loaded, wanted: int) -> str:
    """The option that does it, where the file has a variable for it, as bundled networks do."""
    from cnncli.loading import variables

    return f", or use --set {CLASSES}={wanted}" if CLASSES in variables(loaded.source) else ""


def _check_size(loaded: Loaded, output: str) -> None:
    """Raises CnnError where a map is neither as large as the input nor its middle."""
    entry = loaded.graph.inputs[0]
    size, whole = loaded.inferred.shape(output)[1:], entry.shape[1:]
    if size == whole:
        return
    field = loaded.inferred.facts[output].receptive_field.get(entry.name)
    steps = {axis.stride for axis in field.axes} if field is not None else set()
    if len(size) != len(whole) or any(a > b or (b - a) % 2 for a, b in zip(size, whole, strict=True)) or steps != {1}:
        raise CnnError(
            f"the output {output} is a map of {format_shape(size)} for an input of {format_shape(whole)}",
            f"give each pixel a class: end with upsample to {format_shape(whole)}, or pad the convolutions",
        )
