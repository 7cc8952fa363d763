"""The expected value of an answer as text."""

from __future__ import annotations

from cnncli.homework.exact_ops.matrices import maps_text, shown


def value_text(value: object) -> str:
    """A number, a shape or a matrix as a student would write it."""
    if isinstance(value, tuple):
        if value and isinstance(value[0], tuple):
            return maps_text(value)
        return "x".join(map(str, value))
    return shown(value)
