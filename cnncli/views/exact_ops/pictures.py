"""The result of a filter as an image."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from cnncli.errors import CnnError


def picture(result: Any, suffix: str, *, absolute: bool, rescale: bool) -> tuple[bytes, str]:
    """The content of an image file with the result (C, h, w), and a text about its size and values.

    Values are rounded, and limited to 0..255 or, with ``rescale``, stretched from their least and greatest to it;
    equal values are not stretched. ``absolute`` takes absolute values before. Raises CnnError for other than 1 or 3
    channels.
    """
    import numpy as np
    from PIL import Image

    channels, height, width = result.shape
    if channels not in (1, 3):
        raise CnnError(f"an image has 1 or 3 channels, but the result has {channels}", "give 1 or 3 kernels")
    values = result.astype(float)
    values = np.abs(values) if absolute else values
    least, greatest = float(values.min()), float(values.max())
    if rescale and greatest > least:
        values = (values - least) * (255 / (greatest - least))
    pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    image = Image.fromarray(pixels[0] if channels == 1 else pixels.transpose(1, 2, 0))
    data = BytesIO()
    image.save(data, Image.registered_extensions().get(suffix, "PNG"))
    return data.getvalue(), f"{height}x{width}, {_values_text(least, greatest, absolute=absolute, rescale=rescale)}"


def _values_text(least: float, greatest: float, *, absolute: bool, rescale: bool) -> str:
    kind = "absolute values" if absolute else "values"
    if rescale and greatest == least:
        return f"all {kind} are {least:.6g}, so that nothing is stretched"
    if rescale:
        return f"{kind} from {least:.6g} (black) to {greatest:.6g} (white)"
    return f"{kind} above 255 are white" if absolute else f"{kind} below 0 are black, above 255 white"
