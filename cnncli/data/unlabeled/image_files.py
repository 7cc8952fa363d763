"""Image files without classes, for ``cnn predict``."""

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

BATCH, BATCH_BYTES = 64, 1 << 28  # images held in memory at a time, and the limit for their pixels


class UnlabeledImage(NamedTuple):
    """A file, and its pixels, uint8 (C, H, W), or None if it cannot be read; ``problem`` is then the reason."""

    path: Path
    pixels: NDArray[np.uint8] | None
    problem: str = ""


def image_input_shape(shape: Shape, channels: int) -> tuple[int, int, int]:
    """The (C, H, W) to which an image is decoded for a network's input of ``shape``.

    A vector is read as a square image of ``channels``. Raises CnnError if no image can become the input.
    """
    if len(shape) != 1:
        return image_shape(shape)
    side = isqrt(shape[0] // channels)
    if channels * side * side != shape[0]:
        raise CnnError(
            f"the network's input is a vector of {format_shape(shape)}, which is not a square image",
            "train a network whose input is 1xHxW or 3xHxW",
        )
    return channels, side, side


def image_batches(paths: Iterable[Path], shape: tuple[int, int, int]) -> Iterator[list[UnlabeledImage]]:
    """The decoded files, and those in folders, in batches of at most ``BATCH``, in the order given."""
    files = chain.from_iterable(map(_files_of, paths))
    with ThreadPoolExecutor(os.cpu_count()) as pool, strict():
        while batch := list(islice(files, max(1, min(BATCH, BATCH_BYTES // prod(shape))))):
            yield [*pool.map(lambda file: _decoded(file, shape), batch)]


def _files_of(path: Path) -> Sequence[UnlabeledImage]:
    """The file itself, or the images in a folder and below, in the order of their names; not yet decoded."""
    if not path.is_dir():
        return [UnlabeledImage(path, None)]
    inside: list[UnlabeledImage] = []

    def unreadable(error: OSError) -> None:
        inside.append(UnlabeledImage(Path(error.filename), None, f"cannot be read ({error.strerror})"))

    for folder, folders, names in os.walk(path, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        images = sorted(
            name for name in names if Path(name).suffix.lower() in IMAGE_FORMATS and not name.startswith(".")
        )
        inside += [UnlabeledImage(Path(folder, name), None) for name in images]
    return inside or [UnlabeledImage(path, None, "no images in this folder")]


def _decoded(file: UnlabeledImage, shape: tuple[int, int, int]) -> UnlabeledImage:
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
