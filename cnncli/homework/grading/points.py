"""Points as text."""

from __future__ import annotations

from fractions import Fraction

from cnncli.homework.languages.messages import Message, plural, text


def points_text(points: Fraction) -> str:
    """``2``, ``1.5``."""
    return f"{float(points):g}"


def worth(points: Fraction) -> Message:
    """``1 point``, ``1.5 points``."""
    return plural("{number} point", "{number} points", 1 if points == 1 else 2, number=points_text(points))


def total_text(points: Fraction, out_of: Fraction, pending: Fraction) -> Message:
    """``7 of 17 points, pending 3 points``."""
    earned, most = points_text(points), points_text(out_of)
    if pending:
        return text("{earned} of {most} points, pending {pending}", earned=earned, most=most, pending=worth(pending))
    return text("{earned} of {most} points", earned=earned, most=most)
