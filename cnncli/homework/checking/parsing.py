"""Parsing answers as people write them: ``27,000,100``, ``138M``, ``6@28x28``, ``16·(5²·3 + 1)``, ``does not fit``.

The pieces are in :mod:`cnncli.homework.reading`: one spelling, tokens, numerals, expressions, shapes, words. The
separator of 2.576 may have two meanings: :func:`readings` gives each, the more likely one first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from cnncli.homework.reading.expression import FUNCTIONS, NotAnExpression, evaluate
from cnncli.homework.reading.locales import POINT, decimal_separator
from cnncli.homework.reading.numerals import OTHER, decides
from cnncli.homework.reading.refusals import beside_refusal, refuses
from cnncli.homework.reading.shapes import closing, read_sizes
from cnncli.homework.reading.sides import (
    Side,
    agree,
    is_list,
    layout_of,
    read_side,
    split_sides,
)
from cnncli.homework.reading.spelling import LONGEST_ANSWER, uniform
from cnncli.homework.reading.tokens import NUMBER, SIGN, WORD, AnswerToken, is_sign, tokenize
from cnncli.homework.reading.words import (
    AXES,
    BATCH,
    BOUNDS,
    DENIALS,
    EXPLAINS,
    HEDGES,
    NUMBER_WORDS,
    RESULTS,
    WRAPPERS,
)

BLANKS = frozenset(("", "~", "null", "-", "?", "n/a"))
_SEPARATED = re.compile(r"\d[.,]\d")
SLIP = "the sides of the equation differ"
SEVERAL = "gives more than one answer"
BOUND = "gives a bound, not a value"


class ParsedAnswer(NamedTuple):
    """An answer as a number, a shape (or both), or a refusal ("does not fit"); an unreadable one has its text alone.

    ``expression`` is the text of a number that is written as one: ``5*5*6``. ``product`` is that of sizes such as
    6x28x28, for a question that asks for a number. A shape whose axes are named is channels first (``labeled``);
    ``batch`` says that it was written with a batch axis that is not a number. ``units`` are the units that were
    written, with what each counts. ``quantum`` is the worth of the last digit of a number that may be rounded
    (100,000 of 1.4M). ``reading`` says how an ambiguous number was read, ``remark`` what a teacher may want to see,
    and ``problem`` why an answer could not be read.
    """

    text: str
    number: Fraction | None = None
    shape: tuple[int, ...] | None = None
    refuses: bool = False
    expression: str = ""
    product: Fraction | None = None
    labeled: bool = False
    batch: bool = False
    units: tuple[tuple[str, str], ...] = ()
    quantum: Fraction = Fraction(0)
    reading: str = ""
    remark: str = ""
    problem: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether the question was not answered."""
        return self.text.strip().lower() in BLANKS


def parse(text: str, locale: str = "") -> ParsedAnswer:
    """The most likely reading of an answer; ``locale`` says which separator of numbers is the decimal one."""
    return readings(text, locale)[0]


def readings(text: str, locale: str = "") -> tuple[ParsedAnswer, ...]:
    """Every reading of an answer, the most likely one first: 2.576 is a decimal fraction, or 2576.

    ``reading`` names the number in those that differ from the first, and in all where the locale is not known.
    """
    text = " ".join(text[: 2 * LONGEST_ANSWER].split())
    tokens = tokenize(uniform(text))
    first = decimal_separator(locale) or POINT
    found: list[ParsedAnswer] = []
    for variant in _variants(tokens):
        for convention in (first, OTHER[first]):
            answer = _read(text, variant, convention)
            if all((answer.number, answer.shape) != (other.number, other.shape) for other in found):
                found.append(answer)
    if len(found) == 1:
        return (found[0],)
    return tuple(answer._replace(reading=_reading(text, answer)) for answer in found)


def decimal_separator_of(texts: Iterable[str]) -> str:
    """The separator of decimals that the numbers of several answers show: ``comma`` for 0,5 and 1.234.567.

    Empty where they show none, or both.
    """
    numerals = (token.text for text in texts if _SEPARATED.search(text) for token in tokenize(uniform(text)))
    found = {decides(text) for text in numerals if text[:1].isdigit()} - {""}
    return found.pop() if len(found) == 1 else ""


def _reading(text: str, answer: ParsedAnswer) -> str:
    value = answer.number if answer.number is not None else answer.product
    if value is None:
        return ""
    decimal = value.numerator if value.denominator == 1 else float(value)
    return f"{text} read as {decimal}"


def _variants(tokens: list[AnswerToken]) -> Iterator[list[AnswerToken]]:
    """The tokens, and where B may be bytes, or KB 1024 bytes, the tokens with that meaning."""
    yield tokens
    binary = {f"{name}b": f"{name}ib" for name in "kmgt"}
    changed = [
        token._replace(text="bytes" if token.text == "b" else binary.get(token.text, token.text))
        if token.kind == WORD and at and tokens[at - 1].kind == NUMBER
        else token
        for at, token in enumerate(tokens)
    ]
    if changed != tokens:
        yield changed


def _read(text: str, tokens: list[AnswerToken], convention: str) -> ParsedAnswer:
    if not refuses(tokens):
        return _value(text, tokens, convention)
    beside = beside_refusal(tokens)
    found = _value(text, beside, convention) if beside else ParsedAnswer(text)
    return found._replace(refuses=True, expression="", problem="")


def _value(text: str, tokens: list[AnswerToken], convention: str) -> ParsedAnswer:
    """The number or the shape that tokens write."""
    if len(tokens) > 2 and is_sign(tokens[0], "<") and is_sign(tokens[-1], ">"):
        tokens = tokens[1:-1]
    layout = layout_of([tokens])
    tokens, remarks = _without_remarks(_without_layout(tokens))
    tokens = _without_explanation(tokens)
    words = {token.text for token in tokens if token.kind == WORD}
    if any(token.text in BOUNDS for token in tokens):
        return ParsedAnswer(text, problem=BOUND)
    if words & DENIALS:
        return ParsedAnswer(text, problem=BOUND)
    if words & HEDGES or any(remark and remark[0].text in HEDGES for remark in remarks):
        return ParsedAnswer(text, problem=SEVERAL)
    tokens = _last_statement(_after_derivation(_with_shared_axes(tokens)))
    parts = split_sides(tokens)
    layout = layout or layout_of([*parts, *remarks])
    is_sum = any(is_sign(token, "+", "-", "/") for token in tokens)
    if len(parts) > 1 and not is_sum and sum(token.text in AXES for token in tokens) > 1:
        sizes = read_sizes(tokens, layout)
        if sizes is not None and sizes.labeled:
            return ParsedAnswer(text, shape=sizes.sizes, labeled=True)
    sides = [read_side(part, convention, layout) for part in parts]
    for remark in remarks:
        if is_sign(remark[0], "=", "≈"):
            sides.append(read_side(remark[1:], convention, layout))
    return _combined(text, sides)


def _combined(text: str, sides: Sequence[Side]) -> ParsedAnswer:
    """The answer that the last side gives, or the last but names; nothing where the sides contradict each other."""
    if not sides or not all(side.is_read or side.is_name for side in sides):
        return ParsedAnswer(text)
    read = [side for side in sides if side.is_read]
    if not read:
        return ParsedAnswer(text)
    slips = [pair for pair in pairwise(read) if not _goes_on(*pair)]
    if any(_is_plain(one) and _is_plain(other) for one, other in slips):
        return ParsedAnswer(text, problem=SEVERAL)
    units = tuple((name, unit.counts) for side in sides for name, unit in side.units)
    return _answer(text, read)._replace(units=units, remark=SLIP if slips else "")


def _goes_on(one: Side, other: Side) -> bool:
    """Whether a side follows from the one before: the same value, or a shape that has it as one of its sizes."""
    if agree(one, other):
        return True
    if one.value is None or other.sizes is None or (one.sizes is not None and len(one.sizes.sizes) > 1):
        return False
    return len(other.sizes.sizes) > 1 and one.value.number in other.sizes.sizes


def _is_plain(side: Side) -> bool:
    """Whether a side is a number or a shape as it is, not an expression."""
    return side.value is None or not side.value.operators or is_list(side)


def _answer(text: str, read: Sequence[Side]) -> ParsedAnswer:
    last = read[-1]
    if len(read) > 1 and last.value is not None and last.value.quantum and read[-2].value not in (None, last.value):
        last = read[-2]  # 61,706 ≈ 61.7K
    answer = ParsedAnswer(text)
    if last.value is not None:
        is_product = is_list(last)
        answer = answer._replace(
            number=None if is_product else last.value.number,
            product=last.value.number if is_product else None,
            quantum=last.value.quantum,
        )
        source = next((side for side in read if side.value is not None and side.value.operators), None)
        if source is not None and source.value is not None and source.value.number == last.value.number:
            answer = answer._replace(expression="" if is_product and source is last else source.text)
    shapes = [side.sizes for side in read if side.sizes is not None and len(side.sizes.sizes) > 1]
    sizes = last.sizes
    if shapes and len(read) > 1 and not is_list(last) and agree(read[-2], last):
        sizes = shapes[0]  # 6x28x28 = 4704
    if sizes is not None:
        answer = answer._replace(shape=sizes.sizes, labeled=sizes.labeled, batch=sizes.batch)
    return answer


def _with_shared_axes(tokens: list[AnswerToken]) -> list[AnswerToken]:
    """``H = W = 28`` as ``H = 28, W = 28``, where other axes follow."""
    texts = [token.text for token in tokens]
    for at in range(len(tokens) - 5):
        is_shared = texts[at + 1] == texts[at + 3] == "=" and tokens[at + 4].kind == NUMBER
        if is_shared and AXES.get(texts[at]) == "H" and AXES.get(texts[at + 2]) == "W":
            size, comma = tokens[at + 4], AnswerToken(SIGN, ",")
            return [*tokens[: at + 2], size, comma, *tokens[at + 2 :]]
    return tokens


def _after_derivation(tokens: list[AnswerToken]) -> list[AnswerToken]:
    """The tokens after the last ``so``, if there is a number among them: ``26 per filter, so 156``."""
    at = max((at for at, token in enumerate(tokens) if token.kind == WORD and token.text in RESULTS), default=-1)
    has_result = any(token.kind == NUMBER for token in tokens[at + 1 :])
    return tokens[at + 1 :] if has_result else tokens


def _last_statement(tokens: list[AnswerToken]) -> list[AnswerToken]:
    """The last of several equations, where it uses the result of an earlier one, or names the total.

    ``5*5*6 = 150, 150 + 6 = 156``; ``weights: 150, biases: 6, total: 156``.
    """
    bounds = [at for at, token in enumerate(tokens) if is_sign(token, ",", ";") and at + 1 < len(tokens)]
    if not bounds or sum(is_sign(token, "=", ":", "→") for token in tokens) < 2:
        return tokens
    begin = bounds[-1] + 1
    before, last = tokens[:begin], tokens[begin:]
    if not all(any(is_sign(token, "=", ":", "→") for token in part) for part in (before, last)):
        return tokens
    results = {token.text for token in before if token.kind == NUMBER}
    uses = any(token.kind == NUMBER and token.text in results for token in last[:-1])
    return (
        last if uses or last[0].text in ("total", "sum", "altogether", "answer", "result", "summe", "soma") else tokens
    )


def _without_layout(tokens: list[AnswerToken]) -> list[AnswerToken]:
    """The tokens without ``channels last`` or ``channels first``."""
    at = next((at for at, token in enumerate(tokens) if at and token.text in ("first", "last")), 0)
    return [*tokens[: at - 1], *tokens[at + 1 :]] if at and tokens[at - 1].text.startswith("channel") else tokens


def _without_explanation(tokens: list[AnswerToken]) -> list[AnswerToken]:
    """The tokens before ``because`` and the like."""
    at = next((at for at, token in enumerate(tokens) if at and token.kind == WORD and token.text in EXPLAINS), None)
    return tokens if at is None else tokens[:at]


def _without_remarks(tokens: list[AnswerToken]) -> tuple[list[AnswerToken], list[list[AnswerToken]]]:
    """The tokens without remarks in parentheses, ``156 (weights and biases)``, and the content of these."""
    kept: list[AnswerToken] = []
    remarks: list[list[AnswerToken]] = []
    at = 0
    while at < len(tokens):
        end = _end_of_remark(tokens, at) if is_sign(tokens[at], "(", "[") and kept else -1
        if end > at:
            remarks.append(tokens[at + 1 : end])
            at = end + 1
        else:
            kept.append(tokens[at])
            at += 1
    has_number = any(token.kind == NUMBER for token in kept)
    return (kept, remarks) if has_number else (tokens, [])


def _end_of_remark(tokens: Sequence[AnswerToken], at: int) -> int:
    """The position of the parenthesis that ends a remark in words; -1 where it is a part of the answer."""
    end = closing(tokens, at)
    before, inner = tokens[at - 1], tokens[at + 1 : end]
    if end < 0 or not inner or (before.kind == WORD and before.text in (*FUNCTIONS, *WRAPPERS)):
        return -1
    if is_sign(inner[0], "=", "≈") or _restates(tokens[:at], inner):
        return end
    words = [token.text for token in inner if token.kind == WORD]
    is_shape = any(token.kind == NUMBER for token in inner) and any(word in AXES for word in words)
    is_value = inner[0].text in BATCH or is_shape or all(word in (*FUNCTIONS, *NUMBER_WORDS, "x") for word in words)
    return -1 if is_value or before.text in ("*", "x", "×", "+", "-", "/", "^") else end


def _restates(before: Sequence[AnswerToken], inner: Sequence[AnswerToken]) -> bool:
    """Whether parentheses have the value of what precedes them: 156 (150 + 6)."""
    try:
        return evaluate(before, POINT).number == evaluate(inner, POINT).number
    except NotAnExpression:
        return False
