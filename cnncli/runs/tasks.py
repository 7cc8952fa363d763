"""The task of a network, and whether a network and a dataset fit together. No torch here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cnncli.arithmetic.shape import Shape, add_up, format_input_shape, format_shape
from cnncli.data import ColumnNames, load_dataset
from cnncli.data.dataset import unnamed_targets
from cnncli.errors import CnnError, counted
from cnncli.graph import Graph
from cnncli.recipe import AUTO, ROWS

if TYPE_CHECKING:
    from cnncli.data import Dataset
    from cnncli.loading import Loaded
    from cnncli.recipe import Recipe

CLASSES = "classes"  # the variable of bundled networks for the number of classes


def task_of(loaded: Loaded, recipe: Recipe) -> str:
    """The recipe's task. With ``auto`` a feature map means segmentation, and a single number regression.

    For other outputs the data decides, and ``auto`` is returned. Raises CnnError for a network that cannot be trained.
    """
    graph = loaded.graph
    if len(graph.inputs) > 1 or len(graph.outputs) > 1:
        raise _several(graph)
    name, shape = graph.outputs[0], loaded.inferred.shape(graph.outputs[0])
    if recipe.task == AUTO:
        return "segmentation" if len(shape) > 1 else "regression" if shape == (1,) else AUTO
    if recipe.task == "segmentation" and len(shape) == 1:
        raise CnnError(
            f"the output {name} is a vector of {shape[0]}; segmentation needs a feature map",
            "end the network with conv: {filters: CLASSES, kernel: 1}",
        )
    if recipe.task != "segmentation" and len(shape) > 1:
        raise CnnError(
            f"the output {name} is a feature map of {format_shape(shape)}; {recipe.task} needs a vector",
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
    """The dataset ``spec`` in the shape that a network with one input and one output needs.

    The columns of a table are those that the network was ``trained`` on, if their names are known.
    Raises CnnError if it cannot be loaded, or if the two do not fit together.
    """
    graph = loaded.graph
    outputs = loaded.inferred.shape(graph.outputs[0])[0]
    dataset = load_dataset(spec, graph.inputs[0].shape, data_dir, stream, task=task, outputs=outputs, trained=trained)
    check_fit(loaded, dataset)
    if task not in (AUTO, dataset.task):
        raise CnnError(f"{dataset.name} is data for {dataset.task}, not for {task}", "leave the task out")
    return dataset


def as_trained(dataset: Dataset, classes: tuple[str, ...]) -> Dataset:
    """The dataset with the classes, or the names of the targets, that a network was trained on.

    Targets without names, such as those of arrays, are matched by position, with a note. Raises CnnError for others.
    """
    if dataset.classes == classes:
        return dataset
    regression, unnamed = dataset.task == "regression", unnamed_targets(len(classes))
    if regression and len(dataset.classes) == len(classes) and unnamed in (dataset.classes, classes):
        note = f"{dataset.name}: its targets {', '.join(dataset.classes[:8])} are used as {', '.join(classes[:8])}"
        return replace(dataset, classes=classes, notes=(*dataset.notes, f"{note}, by position"))
    kind = "targets" if regression else "classes"
    raise CnnError(
        f"{dataset.name} has other {kind} than the run was trained on: {', '.join(dataset.classes[:8])}",
        f"the run has {', '.join(classes[:8])}"
        + ("; use these column names, or drop the header line to match them by position" if regression else ""),
    )


def check_changes(recipe: Recipe, shape: Shape, dataset: Dataset) -> None:
    """Raises CnnError for keys that have no effect on this input or task: they would be ignored without a message."""
    if recipe.loss != "mse" and dataset.task != "regression":
        raise CnnError(f"loss: {recipe.loss} is for regression, not for {dataset.task}", "leave it out")
    there = {"": True, "axes": len(shape) > 1, "image": len(shape) == 3}
    for key, row in ROWS.items():
        if not there[row.input] and getattr(recipe, key) not in (0, "none"):
            written = format_input_shape(shape)
            raise CnnError(f"{key}: the network reads {written}, which is not an image", f"leave {key} out")


def check_fit(loaded: Loaded, dataset: Dataset) -> None:
    """Raises CnnError if the network's outputs do not have the shape of the data's targets."""
    output = loaded.graph.outputs[0]
    shape, wanted = loaded.inferred.shape(output), len(dataset.classes)
    dense = dataset.task == "segmentation"
    if dense != (len(shape) > 1):
        has = "masks" if dense else "a class for each image" if dataset.task == "classification" else "numbers"
        raise CnnError(
            f"{dataset.name} has {has}, and the network's output {output} is {format_shape(shape)}",
            "end the network with a conv with one filter per class, in the size of the input"
            if dense
            else "end the network with flatten or global_avgpool, and linear: CLASSES",
        )
    if shape[0] != wanted:
        of = "target" if dataset.task == "regression" else "class"
        layer = f"conv: {{filters: {wanted}, kernel: 1}}" if dense else f"linear: {wanted}"
        raise CnnError(
            f"{dataset.name} has {counted(wanted, of)}, and the network's output {output} has "
            + counted(shape[0], "channel" if dense else "value"),
            f"make its last layer {layer}{_or_set(loaded, wanted)}",
        )
    if dense:
        _check_size(loaded, output)


def _several(graph: Graph) -> CnnError:
    """The error for a network with several inputs or outputs, with what can be done instead."""
    inputs, outputs = counted(len(graph.inputs), "input"), counted(len(graph.outputs), "output")
    wrong = f"the network has {inputs} and {outputs}; cnn train needs one of each"
    hints = []
    if len(graph.outputs) > 1:
        hints.append(f"keep one of the outputs {', '.join(graph.outputs)}, or merge them with concat or add")
    if len(graph.inputs) > 1:
        sides = {entry.shape[1:] for entry in graph.inputs}
        stacked = (add_up(entry.shape[0] for entry in graph.inputs), *graph.inputs[0].shape[1:])
        one = (
            f"make them one input of {format_input_shape(stacked)}, which slice layers split" if len(sides) == 1 else ""
        )
        hints.append(one or "train each branch as a network of its own")
    return CnnError(wrong, f"{'; '.join(hints)}; or export it with cnn export --to pytorch and train that")


def _or_set(loaded: Loaded, wanted: int) -> str:
    """The option for it, if the architecture has the variable that bundled networks have."""
    from cnncli.loading import variables

    return f", or use --set {CLASSES}={wanted}" if CLASSES in variables(loaded.source) else ""


def _check_size(loaded: Loaded, output: str) -> None:
    """Raises CnnError if the output has neither the size of the input nor that of a centered part of it."""
    entry = loaded.graph.inputs[0]
    size, whole = loaded.inferred.shape(output)[1:], entry.shape[1:]
    if size == whole:
        return
    field = loaded.inferred.layers[output].receptive_field.get(entry.name)
    steps = {axis.stride for axis in field.axes} if field is not None else set()
    if len(size) != len(whole) or any(a > b or (b - a) % 2 for a, b in zip(size, whole, strict=True)) or steps != {1}:
        raise CnnError(
            f"the output {output} is a feature map of {format_shape(size)} for an input of {format_shape(whole)}",
            f"to give each pixel a class, end with upsample to {format_shape(whole)}, or pad the convolutions",
        )
