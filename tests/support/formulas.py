"""Formulas as cnn writes them, evaluated in Python: text with exact division, and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor, sqrt


def evaluated(text: str, symbols: Mapping[str, int] | None = None) -> Fraction:
    """The value of written arithmetic, divisions exact."""
    exact = re.sub(r"(?<![\w.])(\d+)", r"Fraction(\1)", text)
    names = {symbol: Fraction(value) for symbol, value in (symbols or {}).items()}
    return Fraction(eval(exact, {"Fraction": Fraction, "floor": floor, "ceil": ceil, "sqrt": sqrt, **names}))


def from_latex(text: str) -> str:
    """LaTeX arithmetic in numbers as Python."""
    text = text.replace(r"\left\lfloor ", "floor(").replace(r"\left\lceil ", "ceil(")
    text = text.replace(r"\max", "max").replace(r" \right\rfloor", ")").replace(r" \right\rceil", ")")
    text = text.replace(r"\left(", "(").replace(r"\right)", ")").replace(r" \cdot ", " * ").replace(r" \bmod ", " % ")
    while r"\frac" in text:
        start = text.index(r"\frac")
        middle = _closing(text, start + len(r"\frac"))
        end = _closing(text, middle)
        one, other = text[start + len(r"\frac") + 1 : middle - 1], text[middle + 1 : end - 1]
        text = f"{text[:start]}(({one}) / ({other})){text[end:]}"
    return text


def _closing(text: str, at: int) -> int:
    """The place after the brace that closes the one at ``at``."""
    depth = 0
    for place in range(at, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return place + 1
    raise AssertionError(text)
