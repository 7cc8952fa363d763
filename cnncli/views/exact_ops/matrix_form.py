"""A convolution as a product of matrices, as text, JSON, CSV and NPY."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO
from pathlib import Path
from textwrap import wrap
from typing import Any

from cnncli.errors import CnnError
from cnncli.homework.exact_ops import matrices
from cnncli.homework.exact_ops.exercise import Exercise
from cnncli.homework.exact_ops.letters import has_letters
from cnncli.homework.exact_ops.methods.matrix_form import im2col, kernel_rows, toeplitz

FORMS = ("toeplitz", "im2col")


def matrix_record(exercise: Exercise, form: str) -> dict[str, Any]:
    """For JSON: ``matrix``, ``input``, ``output``, or ``kernels``, ``patches``, ``output``; and any ``bias``."""
    plain, result = matrices.plain, exercise.result()
    bias = {"bias": plain(exercise.bias)} if any(exercise.bias) else {}
    if form == "toeplitz":
        vectors = {"input": plain(exercise.x.reshape(-1)), **bias, "output": plain(result.reshape(-1))}
        return {"matrix": plain(toeplitz(exercise)), **vectors}
    rows = {"kernels": plain(kernel_rows(exercise)), "patches": plain(im2col(exercise))}
    return {**rows, **bias, "output": plain(result.reshape(len(result), -1))}


def matrix_lines(exercise: Exercise, form: str) -> list[str]:
    """The product of matrices as text. Raises CnnError for a matrix that is too wide to print."""
    result = exercise.result()
    values = ", ".join(map(matrices.shown, exercise.bias))
    bias = f" + {values if len(exercise.bias) == 1 else f'b, b = ({values}),'}" if any(exercise.bias) else ""
    if form == "toeplitz":
        kind = "one row per output value, one column per input value"
        return [
            *_block(f"T, {{}}: {kind}", toeplitz(exercise)),
            *_block("x, {}: the input, row by row", exercise.x.reshape(-1, 1)),
            *_block(f"T x{bias}, {{}}: the output, row by row", result.reshape(-1, 1))[:-1],
        ]
    flipped = ", flipped" if exercise.flip else ""
    return [
        *_block(f"W, {{}}: the kernels{flipped}, one per row", kernel_rows(exercise)),
        *_block("X, {}: the patches under the kernel, one per column", im2col(exercise)),
        *_block(f"W X{bias}, {{}}: the output, one filter per row", result.reshape(len(result), -1))[:-1],
    ]


def _block(title: str, array: Any) -> list[str]:
    size = "x".join(map(str, array.shape))
    texts = [f"({', '.join(map(matrices.shown, array[:, 0]))})^T"] if array.shape[1] == 1 else matrices.lines(array)
    if max(map(len, texts)) > matrices.WIDTH and array.shape[1] > 1:
        raise CnnError(
            f"a matrix of {size} is too wide for {matrices.WIDTH} columns",
            "write it with -o matrix.csv or matrix.npy, or print it with --format json",
        )
    return [title.format(size), *_wrapped(texts), ""]


def _wrapped(texts: list[str]) -> list[str]:
    return [line for text in texts for line in ([text] if len(text) <= matrices.WIDTH else wrap(text, matrices.WIDTH))]


def matrix_file(exercise: Exercise, form: str, path: Path) -> tuple[bytes, tuple[int, ...]]:
    """The content of a CSV or NPY file with the Toeplitz matrix or the patches, and its shape.

    CSV has exact numbers; NPY has integers where all are, else floats. Raises CnnError for letters in NPY.
    """
    import numpy as np

    array = toeplitz(exercise) if form == "toeplitz" else im2col(exercise)
    if path.suffix.lower() == ".csv":
        text = StringIO()
        csv.writer(text, lineterminator="\n").writerows(array.tolist())
        return text.getvalue().encode(), array.shape
    if has_letters(array):
        raise CnnError(f"{path}: NumPy's arrays have no letters", "write it as .csv")
    whole = all(isinstance(value, int) and abs(value) < 2**63 for value in array.reshape(-1))
    data = BytesIO()
    np.save(data, array.astype(np.int64 if whole else np.float64))
    return data.getvalue(), array.shape
