"""Which columns of a table contain the examples, and which one the class: by type first, then by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cnncli.errors import CnnError

IMAGES = ("image", "img", "picture", "jpg", "jpeg", "png", "webp")
ARRAYS = ("pixels", "pixel_values", "x", "data", "features", "values", "signal")
LABELS = ("label", "labels", "class", "cls", "fine_label", "target", "y")

Features = Mapping[str, Any]  # the library's type of each column


@dataclass(frozen=True)
class Columns:
    """The column ``image``, or the columns ``numbers``, one of arrays where ``nested``; and the column ``label``.

    ``classes`` are the names in the label's type, empty if its values are the classes; ``bytes`` is whether
    all numbers are uint8.
    """

    image: str | None
    numbers: tuple[str, ...]
    nested: bool
    bytes: bool
    label: str
    classes: tuple[str, ...]

    def note(self) -> str:
        many = f"{len(self.numbers)} columns of numbers"
        inputs = self.image or (many if len(self.numbers) > 1 else self.numbers[0])
        return f"input: {inputs}; class: {self.label}"


def choose_columns(name: str, features: Features) -> Columns:
    """Find the columns by the types in ``features``. Raises CnnError with the available columns."""
    have = f"it has the columns {', '.join(features)}"
    label = _label(features)
    if label is None:
        raise CnnError(f"{name}: no column contains the classes", f"{have}; call it {' or '.join(LABELS[:3])}")
    classes = tuple(getattr(features[label], "names", None) or ())
    others = {column: kind for column, kind in features.items() if column != label}
    image = _preferred([column for column, kind in others.items() if _is_image(kind)], IMAGES)
    if image:
        return Columns(image, (), False, False, label, classes)
    nested = _preferred([column for column, kind in others.items() if _is_array(kind)], ARRAYS)
    numbers = (nested,) if nested else tuple(column for column, kind in others.items() if _is_number(kind))
    if not numbers:
        raise CnnError(f"{name}: no column contains images or numbers", have)
    small = all(_number_type(others[column]) == "uint8" for column in numbers)
    return Columns(None, numbers, nested is not None, small, label, classes)


def _label(features: Features) -> str | None:
    """A column with a class type, by the most usual name; else one with such a name and integers, booleans or text."""
    typed = [column for column, kind in features.items() if hasattr(kind, "names")]
    named = [
        column
        for column, kind in features.items()
        if column in LABELS
        and str(getattr(kind, "dtype", "")).startswith(("int", "uint", "bool", "string", "large_string"))
    ]
    return _preferred(typed, LABELS) or _preferred(named, LABELS)


def _preferred(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """The column with the earliest of ``names``, else the first."""
    return next((name for name in names if name in columns), columns[0] if columns else None)


def _is_image(kind: Any) -> bool:
    """Whether it is the library's image type, or bytes with a path, as written by other programs."""
    if isinstance(kind, dict):
        return "bytes" in kind and _value_type(kind["bytes"]) in ("binary", "large_binary")
    return type(kind).__name__ == "Image" or _value_type(kind) in ("binary", "large_binary")


def _is_number(kind: Any) -> bool:
    return _value_type(kind).startswith(("int", "uint", "float", "bool"))


def _is_array(kind: Any) -> bool:
    return type(kind).__name__ in ("Array2D", "Array3D", "Array4D", "List", "LargeList", "Sequence") and bool(
        _number_type(kind)
    )


def _number_type(kind: Any) -> str:
    """The type of the numbers in a column, nested or not; empty if it has none."""
    inner = getattr(kind, "feature", None)
    if inner is not None:
        return _number_type(inner)
    found = str(getattr(kind, "dtype", ""))
    return found if found.startswith(("int", "uint", "float", "bool")) else ""


def _value_type(kind: Any) -> str:
    return str(kind.dtype) if type(kind).__name__ == "Value" else ""
