"""Formulas as MathML Core, which browsers typeset without a library.

The plain notation of formulas (:data:`cnncli.arithmetic.tracing.PLAIN_FORMULA`, and the products of sliding windows)
is a subset of Python's expressions, so that Python's own parser reads it. A quotient becomes a fraction, ``floor`` and
``ceil`` become bars, and ``C_out`` a letter with an index.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from html import escape

LONGEST = 4_000  # characters: longer formulas stay text
ON_ONE_LINE = 56  # characters of an equation that is not broken at its equal signs
NAMESPACE = 'xmlns="http://www.w3.org/1998/Math/MathML"'

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4  # how tightly an expression binds
SIGNS = {ast.Add: "+", ast.Sub: "−", ast.Mult: "·", ast.Mod: "mod"}
BARS = {"floor": ("⌊", "⌋"), "ceil": ("⌈", "⌉"), "abs": ("|", "|")}
RESULT_IN_WORDS = re.compile(r"(-?[\d.,]+) (\D.*)")  # 2.333 is not whole


class NotFormulaError(ValueError):
    """Raised for a text that is no formula in plain notation."""


def mathml(formula: str) -> str:
    """The content of a ``<math>`` element for a formula such as ``floor((H + 2 * p - k) / s) + 1``.

    Raises NotFormulaError.
    """
    if len(formula) > LONGEST:
        raise NotFormulaError(formula[:40])
    try:
        return _written(ast.parse(formula.strip(), mode="eval").body)[0]
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotFormulaError(formula[:40]) from error


def equation(sides: Sequence[str]) -> str:
    """A ``<math>`` element for ``sides[0] = sides[1] = …``: on one line where it is short, else a line for each side.

    The last side may end in words (``2.333 is not whole``). Raises NotFormulaError.
    """
    written = [_side(side) for side in sides]
    if sum(map(len, sides)) + 3 * len(sides) <= ON_ONE_LINE:
        return f'<math {NAMESPACE} displaystyle="true">{_row(_operator("=").join(written))}</math>'
    rows = "".join(
        f"<mtr><mtd>{_operator('=') if at else ''}</mtd><mtd>{side}</mtd></mtr>" for at, side in enumerate(written)
    )
    return f'<math {NAMESPACE} display="block"><mtable displaystyle="true">{rows}</mtable></math>'


def _side(side: str) -> str:
    in_words = RESULT_IN_WORDS.fullmatch(side.strip())
    if in_words and in_words[2][0].isalpha():
        return f"<mrow>{mathml(in_words[1])}<mtext>&#160;{escape(in_words[2])}</mtext></mrow>"
    return mathml(side)


def _operator(sign: str) -> str:
    return f"<mo>{sign}</mo>"


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def _written(node: ast.expr) -> tuple[str, int]:
    """The elements of an expression, and how tightly it binds."""
    writers: dict[type[ast.expr], Callable[..., tuple[str, int]]] = {
        ast.BinOp: _of_operation, ast.UnaryOp: _of_sign, ast.Call: _of_call, ast.Name: _of_name,
        ast.Constant: _of_number,
    }  # fmt: skip
    if type(node) not in writers:
        raise ValueError("not part of the plain notation")
    return writers[type(node)](node)


def _of_number(node: ast.Constant) -> tuple[str, int]:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise ValueError("not a number")
    return f"<mn>{node.value}</mn>", ATOM


def _of_name(node: ast.Name) -> tuple[str, int]:
    letter, _, index = node.id.partition("_")
    if not index:
        return f"<mi>{escape(node.id)}</mi>", ATOM
    return f"<msub><mi>{escape(letter)}</mi><mtext>{escape(index)}</mtext></msub>", ATOM


def _of_sign(node: ast.UnaryOp) -> tuple[str, int]:
    if not isinstance(node.op, ast.USub):
        raise ValueError("not a sign of the plain notation")
    return _row(_operator("−"), _inside(node.operand, PRODUCT)), SUM


def _of_operation(node: ast.BinOp) -> tuple[str, int]:
    if isinstance(node.op, ast.Div):
        return f"<mfrac>{_written(node.left)[0]}{_written(node.right)[0]}</mfrac>", ATOM
    if isinstance(node.op, ast.Pow):
        return f"<msup>{_inside(node.left, ATOM)}{_written(node.right)[0]}</msup>", POWER
    if type(node.op) not in SIGNS:
        raise ValueError("not an operator of the plain notation")
    binds = _binds(node.op)
    # A sum of many terms is nested to the left: it is unfolded here, so that its length needs no recursion.
    parts: list[str] = []
    first: ast.expr = node
    while isinstance(first, ast.BinOp) and type(first.op) in SIGNS and _binds(first.op) == binds:
        parts += [_inside(first.right, binds + 1), _operator(SIGNS[type(first.op)])]
        first = first.left
    return _row(_inside(first, binds), *reversed(parts)), binds


def _binds(operator: ast.operator) -> int:
    """How tightly an operator of SIGNS binds."""
    return SUM if isinstance(operator, ast.Add | ast.Sub) else PRODUCT


def _of_call(node: ast.Call) -> tuple[str, int]:
    if not isinstance(node.func, ast.Name) or node.keywords:
        raise ValueError("not a function of the plain notation")
    name, arguments = node.func.id, [_written(argument)[0] for argument in node.args]
    if name == "sqrt" and len(arguments) == 1:
        return f"<msqrt>{arguments[0]}</msqrt>", ATOM
    if name in BARS and len(arguments) == 1:
        left, right = BARS[name]
        return _row(_operator(left), arguments[0], _operator(right)), ATOM
    listed = _operator(",").join(arguments)
    return _row(f"<mi>{escape(name)}</mi>", _operator("("), listed, _operator(")")), ATOM


def _inside(node: ast.expr, least: int) -> str:
    text, binds = _written(node)
    return text if binds >= least else _row(_operator("("), text, _operator(")"))
