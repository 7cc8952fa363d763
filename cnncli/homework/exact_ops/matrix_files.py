"""Matrices in files: text (parsed by :mod:`.matrix_text`), NumPy arrays, and images."""

from __future__ import annotations

import os
import re
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnncli.errors import CnnError, shortened
from cnncli.homework.exact_ops import matrix_text
from cnncli.homework.exact_ops.matrix_text import DEPTH_LIMIT, Entry
from cnncli.homework.exact_ops.numbers import number
from cnncli.io.files import IMAGE_FORMATS, TEXT_LIMIT, exists, named, open_regular, read_bytes

if TYPE_CHECKING:
    from cnncli.data.formats.npz import Header
    from cnncli.language.source import Value

VALUES_LIMIT = 10_000_000
CHUNK = 1 << 20  # bytes
TEXTS = (".yaml", ".yml", ".json", ".csv", ".tsv", ".txt", ".tex")
ARRAYS = (".npy",)
NOT_REAL = {"O": "Python objects", "c": "complex numbers", "S": "texts", "U": "texts", "M": "dates", "m": "durations"}
SAVE = "write it with numpy.save; name a text .txt or .csv"


def is_file(text: str) -> bool:
    """Whether a text is the name of a file of numbers, or of an image."""
    return _suffix(text) in (*IMAGE_FORMATS, *TEXTS, *ARRAYS)


def refuse_path(text: str) -> None:
    """Raises CnnError for standard input, and for a path of something that exists but is no file of numbers."""
    name = text.strip()
    is_path = "/" in name and len(name) < 4096 and not set(name) & set(" ;|\n") and not name[:1].isdigit()
    if name == "-" or (not is_file(text) and is_path and exists(name)):
        raise not_read_from(text)


def not_read_from(text: str) -> CnnError:
    """The error for a file, folder, pipe or device from which matrices are not read."""
    hint = "give the numbers, or a regular file: .txt, .csv, .json, .yaml, .npy or an image"
    return CnnError(f"{shortened(text.strip(), 40)}: matrices are not read from there", hint)


def names_a_file(text: str) -> bool:
    """Whether a text without spaces is the name of anything in the working folder."""
    name = text.strip()
    return 0 < len(name) < 256 and not set(name) & set(" ;|\n\0") and exists(name)


def is_image(text: str) -> bool:
    """Whether a text is the name of an image."""
    return _suffix(text) in IMAGE_FORMATS


def _suffix(text: str) -> str:
    name = text.strip()
    return Path(name).suffix.lower() if len(name) < 4096 and ";" not in name and "\n" not in name else ""


def read_file(path: Path, entry: Entry = number) -> Any:
    """The array in a file, (C, h, w) for an image. Raises CnnError for a file that is not regular, or cannot be read.

    At most 1 MiB of text and ``VALUES_LIMIT`` numbers or pixels are read; larger files are refused before memory is
    allocated. ``entry`` reads each word of a text.
    """
    with named(path):
        if path.suffix.lower() in IMAGE_FORMATS:
            return _image(path)
        if path.suffix.lower() in ARRAYS:
            return _array(path)
        return _text(path, entry)


def content_of(text: str) -> str:
    """The text of the text file that ``text`` names, nothing of another file, and else ``text``. Raises CnnError."""
    if not is_file(text):
        return text
    return _decoded(Path(text.strip())) if _suffix(text) in TEXTS else ""


def _decoded(path: Path) -> str:
    data = read_bytes(path, TEXT_LIMIT, "save the array with numpy.save, as .npy")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CnnError(f"{path}: not UTF-8 text", "save it as UTF-8, or as .npy with numpy.save") from None


def _text(path: Path, entry: Entry) -> Any:
    text = _decoded(path)
    try:
        if path.suffix.lower() in (".yaml", ".yml"):
            nested = _yaml(text, entry)
            matrix_text.check_equal_lengths(nested, text)
        else:
            nested = matrix_text.parse(_with_commas(text) if path.suffix.lower() == ".csv" else text, entry)
    except CnnError as error:
        raise CnnError(f"{path}: {error.problems[0].message}", error.problems[0].hint) from None
    return as_array(nested)


def _with_commas(text: str) -> str:
    """A CSV text with commas instead of the semicolons that some spreadsheets write."""
    if ";" in text and "," in text:
        raise CnnError(
            "has both commas and semicolons, which may be separators or decimal commas",
            "save it with one separator and with decimal points",
        )
    return text.replace(";", ",")


def _yaml(text: str, entry: Entry) -> Any:
    """Nested lists, by the parser that limits depth and aliases; texts in them are parsed as matrices."""
    from cnncli.language.source import Source, parse

    try:
        root = parse(Source("", text))
    except CnnError as error:
        raise CnnError(error.problems[0].message, "write nested lists: [[0, 1], [2, 3]]") from None
    return from_tree(root, entry)


def from_tree(root: Value | None, entry: Entry = number) -> list[Any]:
    """Nested lists of exact numbers, or what ``entry`` reads, from the tree of a YAML list. Raises CnnError."""
    from cnncli.language.source import Scalar, Sequence

    def nested(value: Value | None) -> Any:
        if isinstance(value, Sequence) and value.items:
            return [nested(item) for item in value.items]
        if isinstance(value, Scalar):
            found = matrix_text.parse(value.text, entry)
            return found[0] if len(found) == 1 and not isinstance(found[0], list) else found
        raise CnnError("a matrix in YAML must be a list of lists of numbers", "write [[0, 1], [2, 3]]")

    if root is not None and (root.weight > VALUES_LIMIT or root.height > DEPTH_LIMIT + 1):
        raise CnnError(f"more than {DEPTH_LIMIT} axes, or {VALUES_LIMIT:,} numbers", "use a smaller array")
    found = nested(root)
    return found if isinstance(found, list) else [found]


def as_array(nested: list[Any]) -> Any:
    """Nested lists of equal lengths as an array of exact numbers. Raises CnnError for too many axes."""
    import numpy as np

    shape = matrix_text.shape_of(nested)
    if len(shape) > DEPTH_LIMIT:
        raise CnnError(f"an array of {len(shape)} axes", f"at most {DEPTH_LIMIT} are supported")
    array = np.empty(shape, dtype=object)
    array[...] = nested
    return array


# NumPy ------------------------------------------------------------------------------------------------------------


def _array(path: Path) -> Any:
    """An array that ``numpy.save`` wrote. Its header is checked against the limits before the numbers are read."""
    import numpy as np

    from cnncli.data.formats.npz import DtypeError, read_array

    with open_regular(path) as file:
        chunks, size = iter(partial(file.read, CHUNK), b""), os.fstat(file.fileno()).st_size
        if not size:
            raise CnnError(f"{path}: the file is empty", SAVE)
        try:
            array = read_array(path.name, chunks, size, partial(_check_header, path))
        except DtypeError as error:
            raise _not_real(path, error.dtype.lstrip("<>|=")[:1]) from None
        except (ValueError, EOFError) as error:
            reason = str(error).replace("an array in it", "it") or "it ends too early"
            raise CnnError(f"{path}: not an array saved by NumPy: {reason}", SAVE) from None
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise CnnError(f"{path}: contains NaN or infinite values", "replace them by numbers")
        return array.astype(np.float64)
    return (array.astype(np.uint8) if array.dtype.kind == "b" else array).astype(object)


def _not_real(path: Path, code: str) -> CnnError:
    """The error for an array of something else than real numbers, by the first letter of its type in the header."""
    hint = "numpy.save(FILE, array.real)" if code == "c" else "numpy.save(FILE, array.astype(float))"
    return CnnError(f"{path}: contains {NOT_REAL.get(code, 'records')}, not real numbers", f"save numbers: {hint}")


def _check_header(path: Path, header: Header) -> None:
    shape, kind = header.shape, header.dtype.kind
    if kind not in "biuf":
        raise _not_real(path, kind)
    if not shape:
        raise CnnError(f"{path}: contains a single number without axes", "save a list: numpy.save(FILE, [array])")
    if len(shape) > DEPTH_LIMIT or not min(shape) or prod(shape) > VALUES_LIMIT:
        raise CnnError(
            f"{path}: contains {header.dtype} of shape {header.shown_shape}",
            f"1 to {DEPTH_LIMIT} axes of at most {VALUES_LIMIT:,} numbers are supported",
        )


def _image(path: Path) -> Any:
    """Integers from 0 to 255 as floats, (1, h, w) for a grayscale image and (3, h, w) for a color image."""
    import numpy as np

    from cnncli.data.formats.pixels import in_mode, open_image

    with open_image(path) as image:
        if image.width * image.height > VALUES_LIMIT:
            raise CnnError(f"{path}: has more than {VALUES_LIMIT:,} pixels (the limit)", "use a smaller image")
        is_grayscale = re.match(r"1$|L|I", image.mode) is not None
        pixels = np.asarray(in_mode(image, "L" if is_grayscale else "RGB"))
    channels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return channels.astype(np.float64)
