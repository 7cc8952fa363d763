"""The data sets by name: what they are, and whether they are here."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from cnncli.data.sources import cifar, mnist, svhn


class Listed(NamedTuple):
    """A data set: ``here`` is whether it can be used without a download."""

    name: str
    shape: str
    classes: str
    train: str
    test: str
    here: bool
    about: str


def listed(data_dir: Path | None) -> list[Listed]:
    """All that have a name, and the forms that files may have."""
    return [
        Listed("digits", "1x8x8", "10", "1,437", "360", True, "handwritten digits; comes with cnn"),
        Listed("mnist", "1x28x28", "10", "60,000", "10,000", mnist.is_local("mnist", data_dir), "handwritten digits"),
        Listed(
            "fashion_mnist", "1x28x28", "10", "60,000", "10,000", mnist.is_local("fashion_mnist", data_dir), "clothes"
        ),
        Listed(
            "cifar10", "3x32x32", "10", "50,000", "10,000", cifar.is_local("cifar10", data_dir), "small photographs"
        ),
        Listed(
            "cifar100", "3x32x32", "100", "50,000", "10,000", cifar.is_local("cifar100", data_dir), "small photographs"
        ),
        Listed("svhn", "3x32x32", "10", "73,257", "26,032", svhn.is_local(data_dir), "house numbers, digit by digit"),
        Listed("images:PATH", "any", "any", "", "", True, "a folder or an archive, a folder of images per class"),
        Listed("npz:FILE", "any", "any", "", "", True, "arrays x and y, or x_train, y_train, x_test, y_test"),
        Listed("csv:FILE", "any", "any", "", "", True, "a row per example, its class in the last column"),
        Listed("hf:NAME", "any", "any", "", "", False, "of Hugging Face's hub, or a folder of its Parquet files"),
        Listed("wds:PATH", "any", "any", "", "", True, "WebDataset shards, which may be larger than the memory"),
    ]
