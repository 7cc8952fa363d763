"""Predicted masks as image files."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from cnncli.errors import CnnError
from cnncli.io.writing import write_whole, writing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def write_masks(folder: Path, stems: list[str], masks: NDArray[np.uint8], written: set[Path]) -> None:
    """Write grayscale PNG files whose values are class numbers; ``written`` collects their paths.

    Raises CnnError for two images of the same name, and for a file that cannot be written.
    """
    from PIL import Image

    for stem, mask in zip(stems, masks, strict=True):
        target = folder / f"{stem}.png"
        if target in written:
            raise CnnError(f"{target}: two images have the name {stem}", "predict their folders one at a time")
        written.add(target)
        with writing(target):
            folder.mkdir(parents=True, exist_ok=True)
            data = BytesIO()
            Image.fromarray(mask).save(data, "PNG")
            write_whole(target, data.getvalue(), synced=False)
