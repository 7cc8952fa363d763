"""Shapes: tuples of sizes, channels first and without the batch, as a reader writes them (``3x224x224``).

A size is a whole number, or stays open (``3xHxW``): then it is a ``cnncli.symbolic.Form``, which takes part in the
same arithmetic. To type checkers it is an int. What numbers have as functions (max, min, gcd) stands here for both.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd

Size = int
Shape = tuple[Size, ...]

SIZE_LIMIT = 2**31


class Undecided(Exception):
    """A question about open sizes that is answered differently for different sizes, however large they are."""


class Unreadable(ValueError):
    """A value that cannot be read: what is wrong with it (``str(error)``), and what to write instead (``hint``)."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def read_shape(value: object) -> Shape:
    """Read ``"3x224x224"``, ``[3, 224, 224]`` or ``784`` (a vector).

    >>> read_shape("1x28x28"), read_shape([3, 32, 32]), read_shape(784), read_shape("3xHxW")
    ((1, 28, 28), (3, 32, 32), (784,), (3, H, W))

    Raises Unreadable for anything else, and for sizes that are not between 1 and 2^31 - 1.
    """
    parts = value if isinstance(value, list) else str(value).replace("×", "x").replace("X", "x").split("x")
    if not parts or len(parts) > 4:
        raise Unreadable(f"{_shown(value)} is not a shape", HINT)
    return tuple(_read_size(part, value, at) for at, part in enumerate(parts))


HINT = "write channels x height x width, as 3x224x224 (CxL in one dimension, CxDxHxW in three)"


def _read_size(part: object, whole: object, at: int) -> Size:
    text = str(part).strip()
    if len(text) == 1 and text.isalpha() and text.isascii() and text != str(whole):
        return _open_size(text.upper(), whole, at)
    if text.lower() == str(whole).lower() and not text.isdigit():
        raise Unreadable(f"{_shown(whole)} is not a shape", HINT)
    if isinstance(part, bool) or not (text.isascii() and text.isdigit()):
        raise Unreadable(f"{text or 'nothing'!r} in {_shown(whole)} is not a whole number", HINT)
    if len(text) > 10 or not 1 <= int(text) < SIZE_LIMIT:
        raise Unreadable(f"{text[:20]} in {_shown(whole)} is not a size", "sizes go from 1 to 2147483647 (2^31 - 1)")
    return int(text)


def _open_size(name: str, whole: object, at: int) -> Size:
    from cnncli.symbolic import letter  # for those who leave a size open

    if at == 0:
        raise Unreadable(f"the channels in {_shown(whole)} must be a number", "only spatial sizes stay open: 3xHxW")
    size: Size = letter(name)
    return size


def _shown(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= 40 else text[:39] + "…")


def format_shape(shape: Shape) -> str:
    """``6x28x28``; a form with more than a letter in brackets: ``6x(H - 4)x(W - 4)``."""
    return "x".join(map(_bracketed, shape))


def _bracketed(size: Size) -> str:
    text = str(size)
    return text if " " not in text else f"({text})"


def is_open(size: object) -> bool:
    """Whether a size has no value yet."""
    return not isinstance(size, int)


def larger(one: Size, other: Size) -> Size:
    """max(one, other), also where it depends on open sizes."""
    if isinstance(one, int) and isinstance(other, int):
        return one if one >= other else other
    from cnncli import symbolic

    found: Size = symbolic.larger(one, other)
    return found


def smaller(one: Size, other: Size) -> Size:
    """min(one, other), also where it depends on open sizes."""
    if isinstance(one, int) and isinstance(other, int):
        return one if one <= other else other
    from cnncli import symbolic

    found: Size = symbolic.smaller(one, other)
    return found


def common_divisor(one: Size, other: Size) -> Size:
    """gcd(one, other), also of an open size and a number."""
    if isinstance(one, int) and isinstance(other, int):
        return gcd(one, other)
    from cnncli import symbolic

    found: Size = symbolic.common_divisor(one, other)
    return found


def same_size(one: Size, other: Size) -> bool:
    """Whether two sizes are equal, whatever the open ones are."""
    if isinstance(one, int) and isinstance(other, int):
        return one == other
    from cnncli import symbolic

    return symbolic.same(one, other)


def add_up(values: Iterable[Size]) -> Size:
    """The sum."""
    total = 0
    still_open: list[Size] = []
    for value in values:
        if isinstance(value, int):
            total += value
        else:
            still_open.append(value)
    if not still_open:
        return total
    from cnncli import symbolic

    found: Size = symbolic.add_up([total, *still_open])
    return found


def too_large(shape: Shape) -> bool:
    """Whether a size passes the limit; open ones do not."""
    return any(isinstance(size, int) and size >= SIZE_LIMIT for size in shape)


def elements(shape: Shape) -> int:
    """The number of values that a shape holds."""
    total = 1
    for size in shape:
        total *= size
    return total
