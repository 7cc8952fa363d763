"""One image file's bytes to pixels of the size and channels that a network wants."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

MODES = {1: "L", 3: "RGB"}  # Pillow's name for the pixels of so many channels
NAMES = {"L": "grey", "1": "black and white", "P": "palette", "I;16": "16-bit grey", "I": "16-bit grey"}

# What ENDINGS in classes.py stand for. Others stay closed: Pillow would start Ghostscript for an EPS named x.jpg.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")


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
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > (Image.MAX_IMAGE_PIXELS or image.width * image.height):
                raise Image.DecompressionBombError  # another thread may have undone strict()
            shown = _converted(image, MODES[channels])
            if image.size != (width, height):
                shown = shown.resize((width, height), Image.Resampling.BILINEAR)
            pixels = np.asarray(shown).reshape(height, width, channels).transpose(2, 0, 1)
            return Decoded(pixels, image.mode, image.height, image.width)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise NotDecoded(f"it has more than Pillow's limit of {Image.MAX_IMAGE_PIXELS:,} pixels") from None
    except UnidentifiedImageError:
        raise NotDecoded(f"it is no {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file") from None
    except NotDecoded:
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


def mode_name(mode: str) -> str:
    return NAMES.get(mode, mode)


def _converted(image: Image.Image, mode: str) -> Image.Image:
    """The image in ``mode``, or itself when it already is: a conversion copies."""
    if image.mode == mode:
        return image
    if image.mode == "F":
        raise NotDecoded("its pixels are floats, whose range nothing tells")
    if image.mode.startswith("I"):  # Pillow cuts these off at 255 instead of scaling them
        grey = np.asarray(image).astype(np.int64) // 257
        image = Image.fromarray(grey.clip(0, 255).astype(np.uint8))
    return image.convert(mode)
