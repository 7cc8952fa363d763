"""The derivation of an answer as HTML: each equation on its lines, typeset as MathML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cnncli.arithmetic.mathml import NotFormulaError, equation
from cnncli.homework.answer_key.expected import is_remark
from cnncli.homework.languages.derivations import localized_label, localized_line, localized_remark
from cnncli.io.escaping import html

LABEL = re.compile(r"([a-z][a-z ,]*): (.*)")  # output height: floor(…) = 28


def derivation_html(lines: Sequence[str]) -> str:
    """The lines of a derivation: equations as MathML, remarks as text, what is no formula as it is written.

    Lines without an equal sign are the sides of one equation, in their order: formula, numbers, result.
    """
    return "".join(f"<div>{part}</div>" for part in _parts(lines))


def _parts(lines: Sequence[str]) -> Iterator[str]:
    sides: list[str] = []
    for line in map(_without_parentheses, lines):
        if not (is_remark(line) or " = " in line or LABEL.fullmatch(line)):
            sides.append(line)
            continue
        if sides:
            yield _equation(sides)
        sides = []
        labelled = LABEL.fullmatch(line)
        if labelled:
            label = f'<span class="quantity">{html(localized_label(labelled[1]))}</span>'
            yield f"{label} {_equation(labelled[2].split(' = '))}"
        else:
            yield html(localized_line(line)[1:-1]) if is_remark(line) else _equation(line.split(" = "))
    if sides:
        yield _equation(sides)


def _without_parentheses(line: str) -> str:
    """A remark that is an equation with its label, ``(from the input on: 1 + 4 = 5)``, as such a line."""
    return line[1:-1] if is_remark(line) and LABEL.fullmatch(line[1:-1]) and " = " in line else line


def _equation(sides: Sequence[str]) -> str:
    try:
        return equation(sides)
    except NotFormulaError:
        text = " = ".join(sides)
        has_arithmetic = any(char in text for char in "=*/")
        return f"<code>{html(text)}</code>" if has_arithmetic else html(localized_remark(text))
