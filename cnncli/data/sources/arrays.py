"""``npz:FILE``: arrays that NumPy saved, read without pickle."""

from __future__ import annotations

from cnncli.data.dataset import Dataset
from cnncli.data.formats.npz import Npz
from cnncli.data.registry import Request
from cnncli.data.sources.targets import checked_examples, held_out_dataset, split_dataset
from cnncli.errors import CnnError
from cnncli.io.files import given_path

SPLITS = (("train_x", "train_y", "test_x", "test_y"), ("x_train", "y_train", "x_test", "y_test"))
UNSPLIT = (("x", "y"), ("images", "labels"))


def load(request: Request) -> Dataset:
    """Arrays ``x`` and ``y`` (or ``x_train``, ``y_train``, ``x_test``, ``y_test``) as examples of the request's shape.

    x is (N, *shape), or without the channel where there is one, or with the channels last; uint8, or numbers that are
    used unchanged; without a shape it keeps its own. y is (N,) of classes, (N,) or (N, targets) of numbers for a
    regression, or (N, *sizes) of the class of each pixel for a segmentation. Raises CnnError.
    """
    path = given_path(request.argument)
    arrays = Npz(path)
    for names in SPLITS:
        if all(name in arrays for name in names):
            x_train, y_train, x_test, y_test = (arrays[name] for name in names)
            train = checked_examples(path, x_train, y_train, request.shape)
            return split_dataset(path, request, train, checked_examples(path, x_test, y_test, request.shape))
    for x, y in UNSPLIT:
        if x in arrays and y in arrays:
            return held_out_dataset(path, request, checked_examples(path, arrays[x], arrays[y], request.shape))
    raise CnnError(
        f"{path}: contains {', '.join(arrays.names) or 'nothing'}",
        "expected x and y, or x_train, y_train, x_test and y_test",
    )
