"""Statistics of a dataset, as a record: its sizes, the mean and std of its inputs, and its targets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnncli.data.dataset import Dataset, LazyImages, Split

SAMPLED = 1000  # images for the mean and std, where they stay on disk

Record = dict[str, Any]


def describe(dataset: Dataset) -> Record:
    """The record of ``cnn data NAME``: mean and std are those of each channel of the training split.

    Pixels are scaled to 0 to 1 for them. ``measured`` is the number of examples that they are calculated from.
    """
    images = _sample(dataset.train)
    unit = 255 if images.dtype == np.uint8 else 1
    axes = (0, *range(2, images.ndim))
    return {
        "name": dataset.name,
        "shape": list(images.shape[1:]),
        "type": str(images.dtype),
        "train": len(dataset.train.labels),
        "test": len(dataset.test.labels),
        "mean": [round(float(value) / unit, 4) for value in np.atleast_1d(images.mean(axes, dtype=np.float64))],
        "std": [round(float(value) / unit, 4) for value in np.atleast_1d(images.std(axes, dtype=np.float64))],
        "task": dataset.task,
        **(_targets(dataset) if dataset.task == "regression" else _classes(dataset)),
        "notes": list(dataset.notes),
        "measured": len(images),
    }


def _sample(split: Split) -> NDArray[Any]:
    """The images, or a sample of those that stay on disk."""
    if not isinstance(split.images, LazyImages):
        return split.images
    count = len(split.labels)
    return split.images.read(np.random.default_rng(0).choice(count, min(count, SAMPLED), replace=False))


def _classes(dataset: Dataset) -> Record:
    """The number of examples of each class in each split; of pixels for masks."""
    splits = (dataset.train, dataset.test)
    train, test = (np.bincount(split.labels.reshape(-1), minlength=256) for split in splits)
    return {
        "classes": [
            {"class": name, "train": int(train[at]), "test": int(test[at])} for at, name in enumerate(dataset.classes)
        ]
    }


def _targets(dataset: Dataset) -> Record:
    """The range of each target of a regression in the training split."""
    values = dataset.train.labels.astype(np.float64)
    std = values.std(0)
    statistics = {"mean": values.mean(0), "std": std, "least": values.min(0), "most": values.max(0)}
    return {
        "targets": [
            {"target": name, **{key: _rounded(each[at], std[at]) for key, each in statistics.items()}}
            for at, name in enumerate(dataset.classes)
        ]
    }


def _rounded(value: float, std: float) -> float:
    """To six digits, or as far as the std has six: large numbers may differ by little."""
    smallest = min((size for size in (abs(value), std) if size > 0), default=1.0)
    return round(float(value), 5 - math.floor(math.log10(smallest)))
