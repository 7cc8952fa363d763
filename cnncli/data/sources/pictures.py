"""Image files that stand alone, without classes: the pictures that a trained network is asked about."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import chain, islice
from math import isqrt, prod
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnncli.arithmetic.shape import Shape, format_shape
from cnncli.data.formats.decoding import image_shape
from cnncli.data.formats.pixels import MANY_BYTES, NotDecoded, decode, one_large, strict
from cnncli.errors import CnnError
from cnncli.io.files import IMAGE_FORMATS, read_bytes

BATCH, BATCH_BYTES = 64, 1 << 28  # pictures held in memory at a time, and what their pixels take at the most


class Picture(NamedTuple):
    """A file, and its pixels, uint8 (C, H, W), or None where it cannot be read; ``problem`` then says why."""

    path: Path
    pixels: NDArray[np.uint8] | None
    problem: str = ""


def picture_shape(shape: Shape, channels: int) -> tuple[int, int, int]:
    """The (C, H, W) to which a picture is decoded for a network's input of ``shape``.

    A vector is read as a square image of ``channels``. Raises CnnError where no image can become the input.
    """
    if len(shape) != 1:
        return image_shape(shape)
    side = isqrt(shape[0] // channels)
    if channels * side * side != shape[0]:
        raise CnnError(
            f"the network's input is a vector of {format_shape(shape)}, which is no square image",
            "train a network whose input is 1xHxW or 3xHxW",
        )
    return channels, side, side


def pictures(paths: Iterable[Path], shape: tuple[int, int, int]) -> Iterator[list[Picture]]:
    """The decoded files, and those in folders, in batches of at most ``BATCH``, in the order given."""
    files = chain.from_iterable(map(_files_of, paths))
    with ThreadPoolExecutor(os.cpu_count()) as pool, strict():
        while batch := list(islice(files, max(1, min(BATCH, BATCH_BYTES // prod(shape))))):
            yield [*pool.map(lambda file: _decoded(file, shape), batch)]


def _files_of(path: Path) -> Sequence[Picture]:
    """The file itself, or the images in a folder and below, in the order of their names; not yet decoded."""
    if not path.is_dir():
        return [Picture(path, None)]
    inside: list[Picture] = []

    def unreadable(error: OSError) -> None:
        inside.append(Picture(Path(error.filename), None, f"cannot be read ({error.strerror})"))

    for folder, folders, names in os.walk(path, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        images = sorted(
            name for name in names if Path(name).suffix.lower() in IMAGE_FORMATS and not name.startswith(".")
        )
        inside += [Picture(Path(folder, name), None) for name in images]
    return inside or [Picture(path, None, "there are no images in this folder")]


def _decoded(file: Picture, shape: tuple[int, int, int]) -> Picture:
    if file.problem:
        return file
    try:
        with one_large if file.path.stat().st_size > MANY_BYTES else nullcontext():
            return file._replace(pixels=decode(read_bytes(file.path), *shape).pixels)
    except (OSError, ValueError) as error:  # a ValueError: a path with a NUL
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return file._replace(problem=f"cannot be read ({reason})")
    except CnnError as error:
        return file._replace(problem=error.problems[0].message.removeprefix(f"{file.path}: "))
    except NotDecoded as error:
        return file._replace(problem=f"cannot be read as an image: {error}")
