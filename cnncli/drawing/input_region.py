"""Draws the input region of a unit, as text and on an image."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from cnncli.analysis.input_region import Rectangle
from cnncli.arithmetic.shape import Shape, format_input_shape
from cnncli.errors import CnnError
from cnncli.io.writing import write_output, writing

MAX_COLUMNS, MAX_ROWS = 48, 20  # of a sketch
MIN_SIDE = 480  # pixels of the longer side of a drawing
OUTLINE, DIMMED = (255, 64, 32), 0.4


def sketch(rectangle: Rectangle | None, shape: Shape) -> list[str]:
    """The input with ``#`` inside the rectangle and ``.`` outside; a character may stand for several pixels."""
    sizes = shape[1:]
    if len(sizes) not in (1, 2):
        return []
    height, width = (1, sizes[0]) if len(sizes) == 1 else (sizes[0], sizes[1])
    down = max(1, -(-height // MAX_ROWS), -(-width // MAX_COLUMNS))
    across = down
    box = [(0, 0), *rectangle] if rectangle is not None and len(rectangle) == 1 else list(rectangle or [])
    lines = []
    for top in range(0, height, down):
        line = "".join(
            "#" if box and _meet((top, top + down - 1), box[0]) and _meet((left, left + across - 1), box[1]) else "."
            for left in range(0, width, across)
        )
        lines.append(f"  {line}")
    return lines if down == 1 else [*lines, f"  (each character stands for {down}x{across} pixels)"]


def _meet(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def draw(rectangle: Rectangle | None, shape: Shape, image: Path, output: Path) -> str:
    """Write ``image`` with the rectangle outlined and the rest dimmed; returns a line that describes the file.

    The image is resized to the input's size, then enlarged until single pixels are distinguishable.
    Raises CnnError for a file that is not an image, an input without two axes, and a file that cannot be written.
    """
    if len(shape) != 3:
        raise CnnError(
            f"an input of {format_input_shape(shape)} is not an image",
            "draw on an input with two spatial axes",
        )
    from PIL import Image, ImageDraw

    from cnncli.data.formats.pixels import open_image

    height, width = shape[1:]
    with open_image(image) as opened:
        drawn = opened.convert("RGB")
    resized = drawn.size != (width, height)
    drawn = drawn.resize((width, height), Image.Resampling.BILINEAR)
    scale = max(1, -(-MIN_SIDE // max(width, height)))
    drawn = drawn.resize((width * scale, height * scale), Image.Resampling.NEAREST)
    dimmed = drawn.point(lambda value: int(value * DIMMED))
    if rectangle is not None:
        (top, bottom), (left, right) = rectangle
        box = (left * scale, top * scale, (right + 1) * scale, (bottom + 1) * scale)
        dimmed.paste(drawn.crop(box), box[:2])
        outline = (box[0], box[1], box[2] - 1, box[3] - 1)
        ImageDraw.Draw(dimmed).rectangle(outline, outline=OUTLINE, width=max(1, min(3, scale)))
    data = BytesIO()
    dimmed.save(data, "PNG")
    with writing(output):
        write_output(output, data.getvalue())
    return f"{output}: drawn on {image}" + (f", resized to {height}x{width}" if resized else "")
