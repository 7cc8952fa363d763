"""Writing small images and tar files, for the tests of what stays on disk."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from PIL import Image


def png(value: int, size: tuple[int, int] = (4, 4)) -> bytes:
    """An RGB image whose pixels are all ``value``; ``size`` is (width, height)."""
    content = io.BytesIO()
    Image.new("RGB", size, (value, value, value)).save(content, "PNG")
    return content.getvalue()


def write_tar(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path
