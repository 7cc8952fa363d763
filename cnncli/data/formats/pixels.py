"""Decoding one image file to the size and channels of a network's input."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from threading import RLock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from cnncli.errors import CnnError
from cnncli.io.files import IMAGE_FORMATS, named, read_bytes

MODES = {1: "L", 3: "RGB"}  # Pillow's mode for each number of channels
NAMES = {"L": "grayscale", "1": "black and white", "P": "palette", "I;16": "16-bit grayscale", "I": "16-bit grayscale"}

FORMATS = tuple(dict.fromkeys(IMAGE_FORMATS.values()))

# Images with more pixels, or more bytes if threads read them, are decoded one at a time, whatever the number of
# threads: at Pillow's limit of 89 million pixels one takes 0.4 GB, and its conversion as much again.
MANY_PIXELS, MANY_BYTES = 1 << 24, 1 << 24
one_large = RLock()


class Decoded(NamedTuple):
    """Pixels, uint8 (C, H, W), and the file's Pillow mode, height and width."""

    pixels: NDArray[np.uint8]
    mode: str
    height: int
    width: int


class NotDecoded(Exception):
    """The bytes cannot be decoded as an image; the message explains why."""


def decode(content: bytes, channels: int, height: int, width: int) -> Decoded:
    """Decode an image file to (channels, height, width), resized with Pillow's antialiased bilinear filter."""
    with opened(content) as image:
        shown = in_mode(image, MODES[channels])
        if image.size != (width, height):
            shown = shown.resize((width, height), Image.Resampling.BILINEAR)
        pixels = np.asarray(shown).reshape(height, width, channels).transpose(2, 0, 1)
        return Decoded(pixels, image.mode, image.height, image.width)


@contextmanager
def open_image(path: Path) -> Iterator[Image.Image]:
    """The image in a file, which is decoded inside the ``with`` block; Pillow's warnings are suppressed.

    Raises CnnError, with the path, for what is not a regular file of at most 256 MiB, not an image of one of FORMATS,
    beyond Pillow's limit of pixels, or damaged; what fails while the block decodes the image is such an error, too.
    """
    with named(path):
        content = read_bytes(path)
    try:
        with strict(), opened(content) as image:
            yield image
    except NotDecoded as error:
        raise CnnError(f"{path}: cannot be read as an image: {error}", "use another image") from None


@contextmanager
def opened(content: bytes) -> Iterator[Image.Image]:
    """The image in the bytes of a file, which is decoded inside the ``with`` block.

    Every failure to decode it, also inside the block, raises NotDecoded. Must run inside ``strict()``.
    """
    with ExitStack() as stack:
        try:
            image = stack.enter_context(Image.open(io.BytesIO(content), formats=FORMATS))
            if image.format == "TIFF":
                _silence_libtiff()
            pixels = image.width * image.height
            if pixels > (Image.MAX_IMAGE_PIXELS or pixels):
                raise Image.DecompressionBombError  # Pillow itself only warns up to twice its limit
            if pixels > MANY_PIXELS:
                stack.enter_context(one_large)
            yield image
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            raise NotDecoded(f"it has more than Pillow's limit of {Image.MAX_IMAGE_PIXELS:,} pixels") from None
        except UnidentifiedImageError:
            raise NotDecoded(f"it is not a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file") from None
        except (NotDecoded, CnnError):
            raise
        except Exception as error:  # a damaged file makes Pillow's readers raise almost anything
            raise NotDecoded(str(error) or type(error).__name__) from None


@contextmanager
def strict() -> Iterator[None]:
    """Turn Pillow's warning about its limit of pixels into an error, and hide its other warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


@cache
def _silence_libtiff() -> None:
    """Remove libtiff's error handler, which prints to standard error: Pillow raises the errors anyway.

    Pillow has no API for this. If libtiff is linked statically, its function is not found and the handler stays.
    """
    import ctypes  # TIFF files alone need it

    from PIL import _imaging

    try:
        set_handler = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    except (AttributeError, OSError):
        return
    set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
    set_handler(None)


def mode_name(mode: str) -> str:
    return NAMES.get(mode, mode)


def in_mode(image: Image.Image, mode: str) -> Image.Image:
    """The image in ``mode``; without a copy if it has that mode."""
    if image.mode == mode:
        return image
    if image.mode == "F":
        raise NotDecoded("its pixels are floats of unknown range")
    if image.mode.startswith("I"):  # Pillow would clip these at 255 instead of scaling them
        gray = np.asarray(image).astype(np.int64) // 257
        image = Image.fromarray(gray.clip(0, 255).astype(np.uint8))
    return image.convert(mode)
