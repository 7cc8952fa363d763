"""From arrays of examples and targets to a dataset: the task determines the targets' dtype and checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnncli.arithmetic.shape import format_input_shape, format_shape, probable_input
from cnncli.data.dataset import VOID, Dataset, Split, mask_classes, unnamed_targets
from cnncli.data.formats.csv_rows import are_whole
from cnncli.data.registry import Request
from cnncli.data.splits import hold_out_by_permutation
from cnncli.errors import CnnError, counted

Examples = tuple[NDArray[Any], NDArray[Any]]


def checked_examples(path: Path, x: NDArray[Any], y: NDArray[Any], shape: tuple[int, ...]) -> Examples:
    """The examples as :func:`shaped`, and a target for each. Raises CnnError."""
    if x.ndim and (y.ndim == 0 or len(y) != len(x)):
        raise CnnError(
            f"{path}: {counted(len(x), 'example')}, but labels of shape {format_shape(y.shape)}",
            "one label per example is needed",
        )
    return shaped(path, x, shape), y


def shaped(path: Path, x: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Examples as (N, *shape), uint8 or float32, in one of the layouts that ``arrays.load`` lists. Raises CnnError."""
    if x.dtype.kind not in "biuf" or x.size == 0 or x.ndim == 0:
        count = len(x) if x.ndim else 1
        raise CnnError(f"{path}: the examples are {count} of {x.dtype}", "examples must be arrays of numbers")
    x = _single(x) if x.dtype != np.uint8 else x
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise CnnError(f"{path}: some values are not finite in float32", "remove those examples")
    if x.shape[1:] == shape or not shape:
        return x
    if shape[:1] == (1,) and x.shape[1:] == shape[1:]:
        return x[:, None]
    if len(shape) > 1 and x.shape[1:] == (*shape[1:], shape[0]):
        return np.moveaxis(x, -1, 1)
    if len(shape) == 1 and x[0].size == shape[0]:
        return x.reshape(len(x), -1)
    if x.ndim == 2 and x.shape[1] == int(np.prod(shape)):
        return x.reshape(len(x), *shape)
    have, wanted = format_shape(x.shape[1:]), format_input_shape(shape)
    message = f"{path}: examples of {have} cannot become the network's input {wanted}"
    raise CnnError(message, f"set the input to {probable_input(x.shape[1:])}")


def _single(values: NDArray[Any]) -> NDArray[np.float32]:
    """As float32; values out of range become infinite."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def held_out_dataset(path: Path, request: Request, examples: Examples, names: tuple[str, ...] = ()) -> Dataset:
    """The dataset of a file without a test split: one example in five is held out. Raises CnnError."""
    x, y = examples
    train, test = hold_out_by_permutation(path, len(x))
    note = f"{path.name}: {len(test):,} of {len(x):,} examples are held out as the test split"
    return split_dataset(path, request, (x[train], y[train]), (x[test], y[test]), (note,), names)


def split_dataset(
    path: Path,
    request: Request,
    train: Examples,
    test: Examples,
    notes: tuple[str, ...] = (),
    names: tuple[str, ...] = (),
) -> Dataset:
    """The dataset with targets of the type its task needs; ``names`` are those of a regression's targets.

    With the task ``auto``, targets with fractions or of several numbers are a regression. Raises CnnError.
    """
    y = train[1]
    if request.task == "segmentation":
        return _with_masks(path, train, test, notes, request.outputs)
    if request.task == "regression" or (request.task == "auto" and _are_numbers(y)):
        return _with_numbers(path, train, test, notes, names)
    for _, labels in (train, test):
        if labels.ndim != 1:
            raise CnnError(f"{path}: the labels have the shape {format_shape(labels.shape)}", _advice(y))
    return _with_classes(path, train, test, notes)


def _are_numbers(y: NDArray[Any]) -> bool:
    """Whether targets without a task are those of a regression: fractional, or several numbers that are not one-hot."""
    if y.dtype.kind not in "iuf":
        return False
    return not are_whole(y) or (y.ndim == 2 and y.shape[1] > 1 and not is_one_hot(y))


def is_one_hot(y: NDArray[Any]) -> bool:
    return y.ndim == 2 and bool(((y == 0) | (y == 1)).all() and (y.sum(1) == 1).all())


def _advice(y: NDArray[Any]) -> str:
    """The fix for labels that are not one class per example."""
    if y.ndim == 2 and y.shape[1] == 1:
        return "one class per example is needed: save np.ravel(y)"
    if y.dtype.kind in "iufb" and is_one_hot(y):
        return "they are one-hot encoded: save the classes, np.argmax(y, 1)"
    return "one class per example is needed; for numbers, use --task regression"


def _with_numbers(
    path: Path, train: Examples, test: Examples, notes: tuple[str, ...], names: tuple[str, ...]
) -> Dataset:
    """Targets of a regression: float64 (N, K), finite in float32, too, in which the network calculates."""
    splits = []
    for x, y in (train, test):
        if y.dtype.kind not in "biuf" or y.ndim > 2 or not np.isfinite(_single(y)).all():
            raise CnnError(f"{path}: regression targets must be numbers", "all finite, in one or two axes")
        splits.append(Split(np.ascontiguousarray(x), np.ascontiguousarray(y.reshape(len(y), -1), np.float64)))
    count = splits[0].labels.shape[1]
    if splits[1].labels.shape[1] != count:
        raise CnnError(f"{path}: the training split has {count} targets, the test split {splits[1].labels.shape[1]}")
    named = names if len(names) == count else unnamed_targets(count)
    return Dataset(path.name, splits[0], splits[1], named, notes)


def _with_masks(path: Path, train: Examples, test: Examples, notes: tuple[str, ...], outputs: int) -> Dataset:
    """Targets of a segmentation: uint8 (N, *sizes); masks of only 0 and 255 have two classes."""
    splits = []
    two = all(set(np.unique(y).tolist()) <= {0, VOID} for _, y in (train, test))
    for x, y in (train, test):
        if y.shape[1:] != x.shape[2:] or y.dtype.kind not in "biu":
            have, want = (format_shape(each) for each in (y.shape[1:], x.shape[2:]))
            raise CnnError(f"{path}: masks of {have or 'no size'} ({y.dtype}) for examples of {want}")
        if y.min() < 0 or y.max() > VOID:
            raise CnnError(f"{path}: mask values must be 0 to 254, or 255 for no class")
        classes = y // VOID if two else y
        splits.append(Split(np.ascontiguousarray(x), np.ascontiguousarray(classes, np.uint8)))
    return Dataset(path.name, splits[0], splits[1], mask_classes([split.labels for split in splits], outputs), notes)


def _with_classes(path: Path, train: Examples, test: Examples, notes: tuple[str, ...]) -> Dataset:
    """Targets of a classification: the class numbers of the values in ascending order."""
    if train[1].dtype.kind == "f" and not are_whole(train[1]):
        count = f"{len(np.unique(train[1])):,}"
        raise CnnError(f"{path}: the targets are {count} fractional numbers, not classes", "use --task regression")
    values = np.unique(np.concatenate((train[1], test[1])))
    if len(values) > len(train[1]) // 2 + 1:
        raise CnnError(
            f"{path}: there are {len(values):,} classes for {counted(len(train[1]), 'example')}",
            "check that the labels are classes",
        )
    missing = np.setdiff1d(values, train[1])
    if len(missing):
        raise CnnError(f"{path}: no training example has the class {', '.join(map(str, missing[:5]))}")
    numbers = [np.searchsorted(values, labels).astype(np.int64) for _, labels in (train, test)]
    splits = [Split(np.ascontiguousarray(x), y) for (x, _), y in zip((train, test), numbers, strict=True)]
    return Dataset(path.name, splits[0], splits[1], tuple(str(value) for value in values), notes)
