"""The arithmetic of ``$name`` expressions: parsed and evaluated here, never run as Python.

Grammar, loosest first: ``a if c else b``, ``or``, ``and``, ``not``, comparisons (which chain), ``+ -``, ``* / // %``,
unary ``-``, ``**``, and numbers, texts in quotes, ``true``/``false``, ``$name``, ``(…)`` and
``min max round ceil floor``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from cnncli.arithmetic.numerals import read_number, rewritten
from cnncli.errors import closest
from cnncli.language.tokens import BadExpression, Token, tokenize

POWER_LIMIT = 64
VALUE_LIMIT = 10**18
NESTING_LIMIT = 30

Env = Mapping[str, Any]
Evaluate = Callable[[Env], Any]


UNKNOWN = object()  # the value of a variable whose own mistake has been reported


class Unknown(Exception):
    """An expression uses a variable that is UNKNOWN."""


def evaluate(text: str, env: Env) -> Any:
    """The value of an expression. Raises BadExpression.

    >>> evaluate("$width * 4 if $wide else $width", {"width": 64, "wide": True})
    256
    """
    try:
        return _compiled(text)(env)
    except ZeroDivisionError:
        raise BadExpression("divides by zero") from None
    except OverflowError:
        raise BadExpression("gives a number that is too large") from None


_cache: dict[str, Evaluate] = {}


def _compiled(text: str) -> Evaluate:
    found = _cache.get(text)
    if found is None:
        found = _cache[text] = _Parser(text).parse()
    return found


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "round": round,
    "ceil": math.ceil,
    "floor": math.floor,
}
_WORDS = ("if", "else", "or", "and", "not")
_CONSTANTS = {"true": True, "false": False, "True": True, "False": False}


class _Parser:
    """Recursive descent into closures; the nesting is bounded, so recursion is too."""

    def __init__(self, text: str) -> None:
        self.tokens = tokenize(text)
        self.position = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def parse(self) -> Evaluate:
        result = self.choice()
        if self.token.kind != "end":
            self.unexpected()
        return result

    def take(self, *texts: str) -> str:
        kind, text, _ = self.token
        if kind in ("symbol", "word") and text in texts:
            self.position += 1
            return text
        return ""

    def need(self, text: str) -> None:
        if not self.take(text):
            raise BadExpression(f"needs {text!r} here", self.token.at)

    def unexpected(self) -> NoReturn:
        kind, text, at = self.token
        if kind == "end":
            raise BadExpression("is incomplete", at)
        hint = "put a text in quotes" if kind == "word" else ""
        raise BadExpression(f"has an unexpected {text!r}", at, hint)

    def choice(self) -> Evaluate:
        self.depth += 1
        if self.depth > NESTING_LIMIT:
            raise BadExpression(f"is nested deeper than {NESTING_LIMIT} levels (the limit)", self.token.at)
        value = self.any_of()
        if self.take("if"):
            test = self.any_of()
            self.need("else")
            other = self.choice()
            value = _choose(test, value, other)
        self.depth -= 1
        return value

    def any_of(self) -> Evaluate:
        parts = [self.all_of()]
        while self.take("or"):
            parts.append(self.all_of())
        return parts[0] if len(parts) == 1 else lambda env: any(_truth(part(env)) for part in parts)

    def all_of(self) -> Evaluate:
        parts = [self.negation()]
        while self.take("and"):
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else lambda env: all(_truth(part(env)) for part in parts)

    def negation(self) -> Evaluate:
        times = 0
        while self.take("not"):
            times += 1
        value = self.comparison()
        if not times:
            return value
        return lambda env: _truth(value(env)) is (times % 2 == 0)

    def comparison(self) -> Evaluate:
        operands, signs = [self.sum()], []
        while sign := self.take(*_COMPARE):
            signs.append(sign)
            operands.append(self.sum())
        return _compare(operands, signs) if signs else operands[0]

    def sum(self) -> Evaluate:
        value = self.product()
        while sign := self.take("+", "-"):
            value = _arithmetic(sign, value, self.product())
        return value

    def product(self) -> Evaluate:
        value = self.signed()
        while sign := self.take("*", "/", "//", "%"):
            value = _arithmetic(sign, value, self.signed())
        return value

    def signed(self) -> Evaluate:
        negative = False
        while sign := self.take("-", "+"):
            negative ^= sign == "-"
        value = self.power()
        return (lambda env: -_number(value(env))) if negative else value

    def power(self) -> Evaluate:
        base = self.atom()
        if not self.take("**"):
            return base
        self.depth += 1  # a chain of ** recurses to the right
        if self.depth > NESTING_LIMIT:
            raise BadExpression(f"is nested deeper than {NESTING_LIMIT} levels (the limit)", self.token.at)
        exponent = self.signed()
        self.depth -= 1
        return _arithmetic("**", base, exponent)

    def atom(self) -> Evaluate:
        kind, text, at = self.token
        if kind == "number":
            self.position += 1
            return _constant(_read_number(text, at))
        if kind == "text":
            self.position += 1
            return _constant(text[1:-1])
        if kind == "name":
            self.position += 1
            return lambda env: _look_up(env, text[1:], at)
        if kind == "word" and text in _CONSTANTS:
            self.position += 1
            return _constant(_CONSTANTS[text])
        if kind == "word" and self.tokens[self.position + 1].text == "(":
            return self.call(text, at)
        if not self.take("("):
            self.unexpected()
        value = self.choice()
        self.need(")")
        return value

    def call(self, name: str, at: int) -> Evaluate:
        if name not in _FUNCTIONS:
            raise BadExpression(
                f"calls {name}, which does not exist", at, "the functions are min, max, round, ceil and floor"
            )
        self.position += 2
        arguments = [self.choice()]
        while self.take(","):
            arguments.append(self.choice())
        self.need(")")
        if name in ("round", "ceil", "floor") and len(arguments) != 1:
            raise BadExpression(f"passes {name} {len(arguments)} values; it takes one", at)
        function = _FUNCTIONS[name]
        if len(arguments) == 1:
            only = arguments[0]
            if name in ("min", "max"):
                return lambda env: _number(only(env))
            return lambda env: function(_number(only(env)))
        return lambda env: function(*(_number(argument(env)) for argument in arguments))


def _constant(value: Any) -> Evaluate:
    return lambda env: value


def _choose(test: Evaluate, value: Evaluate, other: Evaluate) -> Evaluate:
    return lambda env: value(env) if _truth(test(env)) else other(env)


def _look_up(env: Env, name: str, at: int) -> Any:
    if name in env:
        if env[name] is UNKNOWN:
            raise Unknown
        return env[name]
    near = closest(name, list(env))
    known = ", ".join(f"${known}" for known in env) or "none"
    raise BadExpression(
        f"uses ${name}, which is not defined", at, f"did you mean ${near}?" if near else f"defined here: {known}"
    )


def _read_number(text: str, at: int) -> int | float:
    number = read_number(text)
    if number is None or abs(number) > VALUE_LIMIT:
        raise BadExpression(f"has {text[:40]!r}, which is not a number up to 10^18", at, rewritten(text))
    return number


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadExpression(f"calculates with {_shown(value)}, which is not a number")
    return value


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise BadExpression(f"uses {_shown(value)} as true or false", 0, "compare it: $n > 0, $mode == 'same'")


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else repr(value)[:40]


def _compare(operands: list[Evaluate], signs: list[str]) -> Evaluate:
    def evaluate_chain(env: Env) -> bool:
        values = [operand(env) for operand in operands]
        for left, sign, right in zip(values, signs, values[1:], strict=False):
            if sign not in ("==", "!="):
                _number(left), _number(right)
            if not _COMPARE[sign](left, right):
                return False
        return True

    return evaluate_chain


def _arithmetic(sign: str, left: Evaluate, right: Evaluate) -> Evaluate:
    operation = _OPERATIONS[sign]

    def evaluate_both(env: Env) -> int | float:
        result: int | float = operation(_number(left(env)), _number(right(env)))
        if not abs(result) <= VALUE_LIMIT:
            raise BadExpression("gives a number above 10^18 (the limit)")
        return result

    return evaluate_both


def _power(base: float, exponent: float) -> float:
    if abs(exponent) > POWER_LIMIT:
        raise BadExpression(f"has a power of {exponent:g}; the limit is {POWER_LIMIT}")
    if isinstance(base, int) and abs(base) > 1 and base.bit_length() * exponent > 128:
        raise BadExpression("gives a number above 10^18 (the limit)")
    result = base**exponent
    if isinstance(result, complex):
        raise BadExpression("takes a root of a negative number")
    return float(result) if isinstance(result, float) else int(result)


def _quotient(left: float, right: float) -> float:
    """A whole number where the division comes out even: ``$width / 2`` is a number of filters."""
    if isinstance(left, int) and isinstance(right, int) and right and left % right == 0:
        return left // right
    return left / right


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _quotient,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": _power,
}
