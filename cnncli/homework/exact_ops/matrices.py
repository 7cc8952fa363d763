"""Reading and writing matrices of exact numbers: ``0 1 2; 3 4 5; 6 7 8``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from pathlib import Path
from textwrap import wrap
from typing import Any

from cnncli.errors import CnnError
from cnncli.homework.exact_ops import matrix_text
from cnncli.homework.exact_ops.letters import LetterSum, entry
from cnncli.homework.exact_ops.matrix_files import (
    as_array,
    content_of,
    is_file,
    names_a_file,
    not_read_from,
    read_file,
    refuse_path,
)
from cnncli.homework.exact_ops.numbers import number, refuse_roots

WIDTH = 80  # of printed sums
GAP = "  "  # between columns


def read(text: str, *, letters: bool = False) -> Any:
    """A numpy array of exact numbers from a text, or from the file that it names.

    A single row is one-dimensional, (n,); rows are (h, w); channels, which ``|`` separates, (C, h, w). An image is
    (C, h, w) of integers from 0 to 255. With ``letters``, entries of texts and text files may be polynomials.
    Raises CnnError.
    """
    refuse_path(text)
    if is_file(text):
        return read_file(Path(text.strip()), entry if letters else number)
    try:
        return read_text(text, letters=letters)
    except CnnError:
        if names_a_file(text):  # not asked before: a file may be called like a number or a letter
            raise not_read_from(text) from None
        raise


def read_text(text: str, *, letters: bool = False) -> Any:
    """As :func:`read`, for a text that does not name a file. Raises CnnError."""
    return as_array(matrix_text.parse(text, entry if letters else number))


def read_numbers(text: str, *, letters: bool = False) -> Any:
    """As :func:`read`, without irrational roots, which results alone may have. Raises CnnError."""
    array = read(text, letters=letters)
    if array.dtype == object:
        refuse_roots(array.reshape(-1))
    return array


def has_row_channels(text: str, array: Any) -> bool:
    """Whether the channels of the ``array`` (C, 1, w) that was read from a text or a file are written as rows.

    ``1 2 3 | 4 5 6`` has one axis of space, ``[[1, 2, 3]] | [[4, 5, 6]]`` two.
    """
    return array.ndim == 3 and array.shape[1] == 1 and matrix_text.has_row_channels(content_of(text))


Maps = tuple[tuple[tuple[Any, ...], ...], ...]  # feature maps of exact numbers, each as its rows


def maps_of(array: Any) -> Maps:
    """The matrices of an array (..., rows, columns), in the order of its leading axes; (n,) is one row."""
    matrices = array.reshape(-1, *array.shape[-2:]) if array.ndim > 1 else array[None, None]
    return tuple(tuple(map(tuple, matrix)) for matrix in matrices)


def read_maps(text: str) -> Maps:
    """The feature maps of a result, which ``|`` or ``||`` separates, one per filter.

    Raises CnnError where the text cannot be read, or the feature maps differ in size.
    """
    arrays = [read_text(part) for part in matrix_text.split_filters(text)]
    if len({array.shape for array in arrays}) > 1:
        raise CnnError("the feature maps of a result have different sizes", "write matrices of one size")
    return tuple(matrix for array in arrays for matrix in maps_of(array))


# Writing ----------------------------------------------------------------------------------------------------------


def shown(value: Any) -> str:
    """An exact number as people write it, 13/4 as 3.25; floats with up to six digits."""
    if isinstance(value, Fraction) and 10_000 % value.denominator == 0:
        return f"{float(value):.10g}"
    if isinstance(value, int | Fraction | str | LetterSum):
        return str(value)
    return f"{value:.6g}"


def maps_text(maps: Maps) -> str:
    """Feature maps in the form of :func:`read_maps`: ``19 25; 37 43 | 4 6; 10 12``."""
    return " | ".join("; ".join(" ".join(map(shown, row)) for row in matrix) for matrix in maps)


def lines(array: Any, width: int | None = None) -> list[str]:
    """Aligned rows; matrices are separated by an empty line. Sums that would be too wide are listed by position.

    Rows of numbers that are wider than ``width`` are split into blocks of columns, which are counted from 0.
    """
    if array.ndim > 2:
        blocks = [lines(part, width) for part in array]
        return [line for at, block in enumerate(blocks) for line in ([""] if at else []) + block]
    texts = [[shown(value) for value in row] for row in (array if array.ndim == 2 else array[None])]
    widest = max(len(text) for row in texts for text in row) if array.ndim == 2 else 0
    cells = [[text.rjust(widest) for text in row] for row in texts]
    aligned = [*map(GAP.join, cells)]
    if len(aligned[0]) > WIDTH and any(isinstance(value, str | LetterSum) for value in array.reshape(-1)):
        return _listed(texts, array.ndim)
    if width is None or len(aligned[0]) <= width:
        return aligned
    return [*_blocks(cells, width)]


def _blocks(cells: list[list[str]], width: int) -> Iterator[str]:
    """Blocks of as many columns as fit, at least one."""
    begin, widths = 0, [*map(len, cells[0])]
    while begin < len(widths):
        end, used = begin + 1, widths[begin]
        while end < len(widths) and (used := used + len(GAP) + widths[end]) <= width:
            end += 1
        yield from [""] if begin else []
        yield f"columns {begin} to {end - 1}:" if end - begin > 1 else f"column {begin}:"
        yield from (GAP.join(row[begin:end]) for row in cells)
        begin = end


def _listed(texts: list[list[str]], ndim: int) -> list[str]:
    """The entries, each with its position; long ones on several lines."""
    found = []
    for position in product(range(len(texts)), range(len(texts[0]))):
        where = ",".join(map(str, position[-ndim:]))
        text = f"({where}): {texts[position[0]][position[1]]}"
        found += wrap(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return found


def plain(value: Any) -> Any:
    """A value for JSON: nested lists of numbers, fractions as texts such as "1/9"."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    if getattr(value, "ndim", 0):
        return [plain(item) for item in value]
    if isinstance(value, bool | int | str):
        return value
    return str(value) if isinstance(value, Fraction | LetterSum) else float(value)


def factor_text(value: Any) -> str:
    """A value as a factor: in parentheses where it is negative, a fraction, or more than one letter."""
    text = shown(value)
    if isinstance(value, LetterSum):
        return text if value.is_letter else f"({text})"
    return f"({text})" if text.startswith("-") or "/" in text else text
