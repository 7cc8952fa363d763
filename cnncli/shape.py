"""Shapes: tuples of sizes, channels first and without the batch, as a reader writes them (``3x224x224``)."""

from __future__ import annotations

Size = int  # one axis; a symbolic size will join here
Shape = tuple[Size, ...]

SIZE_LIMIT = 2**31


class Unreadable(ValueError):
    """A value that cannot be read: what is wrong with it (``str(error)``), and what to write instead (``hint``)."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def read_shape(value: object) -> Shape:
    """Read ``"3x224x224"``, ``[3, 224, 224]`` or ``784`` (a vector).

    >>> read_shape("1x28x28"), read_shape([3, 32, 32]), read_shape(784)
    ((1, 28, 28), (3, 32, 32), (784,))

    Raises Unreadable for anything else, and for sizes that are not between 1 and 2^31 - 1.
    """
    parts = value if isinstance(value, list) else str(value).lower().replace("×", "x").split("x")
    if not parts or len(parts) > 4:
        raise Unreadable(f"{_shown(value)} is not a shape", HINT)
    return tuple(_read_size(part, value) for part in parts)


HINT = "write channels x height x width, as 3x224x224 (CxL in one dimension, CxDxHxW in three)"


def _read_size(part: object, whole: object) -> Size:
    text = str(part).strip()
    if len(text) == 1 and text.isalpha() and text.isascii():
        raise Unreadable(
            f"the size {text.upper()} in {_shown(whole)} stays open", "give it a number, as with --input 3x224x224"
        )
    if text.lower() == str(whole).lower() and not text.isdigit():
        raise Unreadable(f"{_shown(whole)} is not a shape", HINT)
    if isinstance(part, bool) or not (text.isascii() and text.isdigit()):
        raise Unreadable(f"{text or 'nothing'!r} in {_shown(whole)} is not a whole number", HINT)
    if len(text) > 10 or not 1 <= int(text) < SIZE_LIMIT:
        raise Unreadable(f"{text[:20]} in {_shown(whole)} is not a size", "sizes go from 1 to 2147483647 (2^31 - 1)")
    return int(text)


def _shown(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= 40 else text[:39] + "…")


def format_shape(shape: Shape) -> str:
    """``6x28x28``."""
    return "x".join(map(str, shape))


def elements(shape: Shape) -> int:
    """The number of values that a shape holds."""
    total = 1
    for size in shape:
        total *= size
    return total
