"""One image file's bytes to pixels of the size and channels that a network wants."""

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

MODES = {1: "L", 3: "RGB"}  # Pillow's name for the pixels of so many channels
NAMES = {"L": "grey", "1": "black and white", "P": "palette", "I;16": "16-bit grey", "I": "16-bit grey"}

FORMATS = tuple(dict.fromkeys(IMAGE_FORMATS.values()))

# Images with more pixels, or more bytes where threads read them, are decoded one at a time, whatever the number of
# threads: at Pillow's limit of 89 million pixels one takes 0.4 GB, and its conversion as much again.
MANY_PIXELS, MANY_BYTES = 1 << 24, 1 << 24
one_large = RLock()


class Decoded(NamedTuple):
    """Pixels, uint8 (C, H, W), and what the file held: Pillow's mode, its height and its width."""

    pixels: NDArray[np.uint8]
    mode: str
    height: int
    width: int


class NotDecoded(Exception):
    """The bytes are no image that can be read; the text says why."""


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
    """The image in a file, which is decoded inside the ``with`` block; warnings of the reader are not printed.

    Raises CnnError, with the path, for what is not a regular file of at most 256 MiB, not an image of one of FORMATS,
    beyond Pillow's limit of pixels, or damaged; what fails while the block decodes the image is such an error, too.
    """
    with named(path):
        content = read_bytes(path)
    try:
        with strict(), opened(content) as image:
            yield image
    except NotDecoded as error:
        raise CnnError(f"{path}: is not an image that can be read: {error}", "give another image") from None


@contextmanager
def opened(content: bytes) -> Iterator[Image.Image]:
    """The image in the bytes of a file, which is decoded inside the ``with`` block.

    Every way in which the opening or the block can fail to decode it is a NotDecoded. Used within ``strict()``.
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
    """Make Pillow refuse images past its limit, where it warns, and keep its other warnings from the user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


@cache
def _silence_libtiff() -> None:
    """Take away libtiff's error handler, which prints to the process's standard error: Pillow raises the errors anyway.

    Pillow offers no way to do so. Where libtiff is linked statically its function is not found, and stays as it is.
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
    """The image in ``mode``, or itself when it already is: a conversion copies."""
    if image.mode == mode:
        return image
    if image.mode == "F":
        raise NotDecoded("its pixels are floats, whose range nothing tells")
    if image.mode.startswith("I"):  # Pillow cuts these off at 255 instead of scaling them
        grey = np.asarray(image).astype(np.int64) // 257
        image = Image.fromarray(grey.clip(0, 255).astype(np.uint8))
    return image.convert(mode)
