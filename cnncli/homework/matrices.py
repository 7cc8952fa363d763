"""Matrices as they are written by hand: ``0 1 2; 3 4 5; 6 7 8``, with exact numbers; and from files and pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.language.source import Value

VALUES_LIMIT = 10_000_000
HINT = 'write rows with ; and numbers with spaces: "0 1 2; 3 4 5", channels with |'
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
Nested = Any  # a number, or a list of such


def read(text: str) -> Any:
    """A numpy array of exact numbers, (C, *spatial) as far as the text says: of a text, or of the file that it names.

    A single row is one-dimensional, (n,); rows are (h, w); channels, set apart by ``|``, (C, h, w). A picture is
    (C, h, w) of whole numbers from 0 to 255. Raises CnnError.
    """
    text = text.strip()
    if is_file(text):
        return _file(Path(text))
    if text.startswith("[["):
        return _array(_numbers(_yaml(text, "the matrix")), text)
    if "|" in text:
        return _array([_rows(channel) for channel in text.split("|")], text)
    rows = _rows(text)
    return _array(rows if ";" in text else rows[0], text)


def read_numbers(text: str) -> Any:
    """As :func:`read`, of what is calculated with: roots that are not whole belong in results. Raises CnnError."""
    array = read(text)
    if array.dtype == object:
        refuse_roots(array.reshape(-1))
    return array


def refuse_roots(values: Iterable[Any]) -> None:
    """Raises CnnError where one of the values is a root that stays a text."""
    if any(isinstance(value, str) for value in values):
        raise CnnError("a root that is not whole is not calculated with", "write it as a number, such as 1.41")


def _rows(text: str) -> list[list[Any]]:
    rows = [row.replace(",", " ").split() for row in text.strip().strip(";[]").split(";")]
    return [[number(word) for word in row] for row in rows]


def number(word: str) -> Any:
    """``3``, ``-1/9``, ``0.25`` or ``1e-3``, exactly; a root that is not whole stays ``sqrt(30)``. Raises CnnError."""
    root = re.fullmatch(r"sqrt\(([^()√]{1,60})\)|√([^()√]{1,60})", word)
    if root:
        value = number(root[1] or root[2])
        if value < 0:
            raise CnnError(f"{word!r} is the root of a negative number")
        return square_root(value)
    if not re.fullmatch(r"[+-]?\d{1,30}(/\d{1,30}|(\.\d{0,30})?([eE][+-]?\d{1,2})?)|[+-]?\.\d{1,30}", word):
        raise CnnError(f"{word[:40] or 'nothing'!r} is not a number", "write 3, -1/9 or 0.25")
    try:
        exact = Fraction(word)
    except ZeroDivisionError:
        raise CnnError(f"{word!r} divides by zero") from None
    return exact.numerator if exact.denominator == 1 else exact


def _array(nested: Nested, text: str) -> Any:
    import numpy as np

    shape = _shape(nested)
    if not shape or 0 in shape:
        raise CnnError(f"{text[:60]!r}: its rows are not equally long", HINT)
    return np.array(nested, dtype=object).reshape(shape)


def _shape(nested: Nested) -> tuple[int, ...] | None:
    """The shape of nested lists, None where they are ragged."""
    if not isinstance(nested, list):
        return ()
    inner = {_shape(item) for item in nested}
    if len(inner) > 1 or None in inner:
        return None
    return (len(nested), *(inner.pop() or ())) if inner else (0,)


def _file(path: Path) -> Any:
    try:
        if path.suffix.lower() in PICTURES:
            return _picture(path)
        if path.suffix.lower() == ".npy":
            return _npy(path)
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CnnError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise CnnError(f"{path}: cannot be read: {error}") from None
    if path.suffix.lower() == ".csv":
        lines = [line for line in text.splitlines() if line.strip()]
        return _array([[number(word.strip()) for word in re.split(r"[,;\t]", line)] for line in lines], str(path))
    return _array(_numbers(_yaml(text, str(path))), str(path))


def _yaml(text: str, name: str) -> Value | None:
    """Nested lists, by the parser that bounds depth and aliases."""
    from cnncli.language.source import Source, parse

    try:
        return parse(Source(name, text))
    except CnnError as error:
        raise CnnError(str(error).splitlines()[0], "write nested lists: [[0, 1], [2, 3]]") from None


def _numbers(value: Value | None) -> Nested:
    from cnncli.language.source import Scalar, Sequence

    if isinstance(value, Sequence):
        return [_numbers(item) for item in value.items]
    if isinstance(value, Scalar):
        return number(value.text)
    raise CnnError("a matrix in YAML is a list of lists of numbers", "write [[0, 1], [2, 3]]")


def _npy(path: Path) -> Any:
    import numpy as np

    with path.open("rb") as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
    if array.dtype.kind not in "biuf" or not 1 <= array.ndim <= 5 or not 0 < array.size <= VALUES_LIMIT:
        raise CnnError(f"{path}: holds {array.dtype} of shape {array.shape}", "1 to 5 axes of numbers are understood")
    return array if array.dtype.kind == "f" else array.astype(object)


def _picture(path: Path) -> Any:
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as opened:
            picture = np.asarray(opened if opened.mode in ("L", "RGB") else opened.convert("RGB"))
    except (UnidentifiedImageError, SyntaxError, Image.DecompressionBombError) as error:
        raise CnnError(f"{path}: is not an image that can be read: {error}") from None
    channels = picture[None] if picture.ndim == 2 else picture.transpose(2, 0, 1)
    return channels.astype(np.float64)


def is_file(text: str) -> bool:
    """Whether a text names a file of numbers, or a picture."""
    suffix = Path(text).suffix.lower() if len(text) < 4096 and ";" not in text else ""
    return suffix in (*PICTURES, ".yaml", ".yml", ".csv", ".npy")


def is_picture(text: str) -> bool:
    """Whether a text names a picture."""
    return len(text) < 4096 and ";" not in text and Path(text).suffix.lower() in PICTURES


def exactly(value: Any) -> Any:
    """A fraction that is whole as a whole number; numpy's integers as Python's."""
    if hasattr(value, "item"):
        return value.item()
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value


def square_root(value: Any) -> Any:
    """Exact where it is whole or a fraction; else ``sqrt(30)`` (a number for floats)."""
    if not isinstance(value, int | Fraction):
        return value**0.5
    exact = Fraction(value)
    above, below = isqrt(exact.numerator), isqrt(exact.denominator)
    if above * above == exact.numerator and below * below == exact.denominator:
        return exactly(Fraction(above, below))
    return f"sqrt({exactly(exact)})"


# Writing ----------------------------------------------------------------------------------------------------------


def shown(value: Any) -> str:
    """An exact number as it is written by hand, 13/4 as 3.25; others with up to six digits."""
    if isinstance(value, Fraction) and 10_000 % value.denominator == 0:
        return f"{float(value):.10g}"
    if isinstance(value, int | Fraction | str):
        return str(value)
    return f"{float(value):.6g}"


def lines(array: Any) -> list[str]:
    """Aligned rows; further axes one after the other, with an empty line between."""
    if array.ndim == 1:
        return ["  ".join(map(shown, array))]
    if array.ndim > 2:
        blocks = [lines(part) for part in array]
        return [line for at, block in enumerate(blocks) for line in ([""] if at else []) + block]
    texts = [[shown(value) for value in row] for row in array]
    width = max(len(text) for row in texts for text in row)
    return ["  ".join(text.rjust(width) for text in row) for row in texts]


def plain(value: Any) -> Any:
    """For JSON: nested lists of numbers, fractions as texts such as "1/9"."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    if getattr(value, "ndim", 0):
        return [plain(item) for item in value]
    if isinstance(value, bool | int | str):
        return value
    return str(value) if isinstance(value, Fraction) else float(value)
