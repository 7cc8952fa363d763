"""This program as a wheel, made from its own files, wherever it is installed.

The format is that of the binary distribution format 1.0 (PyPA specifications): the files of the package, and a folder
``*.dist-info`` with METADATA, WHEEL and a RECORD of their hashes. ``pip install --no-deps`` of it needs no network.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

import cnncli
from cnncli import __version__
from cnncli.bundled import folder as architectures_folder
from cnncli.io.writing import zip_archive

WHEEL_NAME = f"cnn_calculator-{__version__}-py3-none-any.whl"
_INFO = f"cnn_calculator-{__version__}.dist-info"
_SKIPPED = ("__pycache__", "executor")  # what PyTorch is needed for is not for grading


def program_wheel() -> bytes:
    """The wheel of this program, without the parts that need PyTorch."""
    files = _files(Path(cnncli.__file__).parent, "cnncli") | _files(architectures_folder(), "cnncli/architectures")
    texts = {
        f"{_INFO}/METADATA": f"Metadata-Version: 2.1\nName: cnn-calculator\nVersion: {__version__}\n",
        f"{_INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: cnn\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{_INFO}/entry_points.txt": "[console_scripts]\ncnn = cnncli.__main__:main\n",
    }
    files |= {name: text.encode() for name, text in texts.items()}
    record = "".join(f"{name},sha256={_hash(data)},{len(data)}\n" for name, data in files.items())
    return zip_archive(files | {f"{_INFO}/RECORD": (record + f"{_INFO}/RECORD,,\n").encode()})


def _files(folder: Path, prefix: str) -> dict[str, bytes]:
    found = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not any(part in _SKIPPED for part in inside.parts) and path.suffix != ".pyc":
            found[f"{prefix}/{inside.as_posix()}"] = path.read_bytes()
    return found


def _hash(data: bytes) -> str:
    return urlsafe_b64encode(sha256(data).digest()).rstrip(b"=").decode()
