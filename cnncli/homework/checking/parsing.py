"""Parsing answers as people write them: ``27,000,100``, ``138M``, ``6@28x28``, ``16·(5²·3 + 1)``, ``does not fit``.

The pieces are in :mod:`cnncli.homework.reading`: one spelling, tokens, numerals, expressions, shapes, words. The
separator of 2.576 may have two meanings: :func:`readings` gives each, the more likely one first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from cnncli.homework.languages.messages import text as message
from cnncli.homework.reading.cardinals import with_cardinals
from cnncli.homework.reading.locales import POINT, decimal_separator
from cnncli.homework.reading.numerals import OTHER, decides
from cnncli.homework.reading.refusals import (
    beside_refusal,
    is_undecided,
    refuses,
    states_rounding,
    subject_of_refusal,
)
from cnncli.homework.reading.shapes import read_sizes
from cnncli.homework.reading.sides import (
    Side,
    agree,
    is_list,
    layout_of,
    read_side,
    split_sides,
)
from cnncli.homework.reading.spelling import LONGEST_ANSWER, uniform
from cnncli.homework.reading.statements import (
    after_derivation,
    has_two_questions,
    last_statement,
    names_several,
    with_shared_axes,
    without_explanation,
    without_layout,
    without_remarks,
    without_total,
)
from cnncli.homework.reading.tokens import NUMBER, WORD, AnswerToken, is_sign, tokenize
from cnncli.homework.reading.words import (
    AXES,
    BOUNDS,
    DENIALS,
    HEDGES,
    ROUNDED,
)

BLANKS = frozenset(("", "~", "null", "-", "?", "n/a"))
_SEPARATED = re.compile(r"\d[.,]\d")
SLIP = message("the sides of the equation differ")
SEVERAL = message("gives more than one answer")
BOUND = message("gives a bound, not a value")


class ParsedAnswer(NamedTuple):
    """An answer as a number, a shape (or both), or a refusal ("does not fit"); an unreadable one has its text alone.

    ``expression`` is the text of a number that is written as one: ``5*5*6``. ``product`` is that of sizes such as
    6x28x28, for a question that asks for a number. A shape whose axes are named is channels first (``labeled``);
    ``batch`` says that it was written with a batch axis that is not a number. ``units`` are the units that were
    written, with what each counts. ``quantum`` is the worth of the last digit of a number that may be rounded
    (100,000 of 1.4M). Beside a refusal, ``is_rounded`` says that the number is stated to be the rounded size, and
    ``is_subject`` that it is what does not fit (7 of "7 does not fit"). ``reading`` says how an ambiguous number was
    read, ``remark`` what a teacher may want to see, and ``problem`` why an answer could not be read.
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
    is_rounded: bool = False
    is_subject: bool = False
    reading: str = ""
    remark: str = ""
    problem: str = ""

    @property
    def values(self) -> tuple[Fraction | tuple[int, ...] | None, ...]:
        """What the answer may be: its number, its shape, and the product of its sizes."""
        return self.number, self.shape, self.product

    @property
    def is_blank(self) -> bool:
        """Whether the question was not answered."""
        return is_blank(self.text)


def is_blank(text: str) -> bool:
    """Whether an answer is empty, or says that there is none: ``-``, ``n/a``."""
    return text.strip().lower() in BLANKS


def parse(text: str, locale: str = "") -> ParsedAnswer:
    """The most likely reading of an answer; ``locale`` says which separator of numbers is the decimal one."""
    return readings(text, locale)[0]


def readings(text: str, locale: str = "") -> tuple[ParsedAnswer, ...]:
    """Every reading of an answer, the most likely one first: 2.576 is a decimal fraction, or 2576.

    ``reading`` names the number in those that differ from the first, and in all where the locale is not known.
    """
    return _readings(" ".join(text[: 2 * LONGEST_ANSWER].split()), decimal_separator(locale) or POINT)


def value_text(text: str) -> str:
    """The value of an answer as a text, the same for all ways to write it: 1516 for ``1,516``."""
    answer = parse(text)
    return str(answer.number if answer.number is not None else answer.shape or answer.text.lower())


@lru_cache(maxsize=4096)  # the students of a class give the same answers
def _readings(text: str, first: str) -> tuple[ParsedAnswer, ...]:
    """The readings of a text on one line, those by the convention ``first`` before those by the other."""
    tokens = with_cardinals(tokenize(uniform(text)))
    found: list[ParsedAnswer] = []
    for variant in _variants(tokens):
        for convention in (first, OTHER[first]):
            answer = _read(text, variant, convention)
            if all(answer.values != other.values for other in found):
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
    return message("{given} read as {number}", given=text, number=decimal)


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
    if has_two_questions(tokens):
        return ParsedAnswer(text, problem=SEVERAL)
    if not refuses(tokens):
        return _value(text, tokens, convention)
    if is_undecided(tokens):
        offers = any(token.kind == NUMBER or token.text in HEDGES for token in tokens)
        return ParsedAnswer(text, problem=SEVERAL if offers else "")
    beside = beside_refusal(tokens)
    found = _value(text, beside, convention) if beside else ParsedAnswer(text)
    is_subject = subject_of_refusal(tokens) in beside and len(beside) == 1
    return found._replace(
        refuses=True, expression="", problem="", is_rounded=states_rounding(tokens), is_subject=is_subject
    )


def _value(text: str, tokens: list[AnswerToken], convention: str) -> ParsedAnswer:
    """The number or the shape that tokens write."""
    if len(tokens) > 2 and is_sign(tokens[0], "<") and is_sign(tokens[-1], ">"):
        tokens = tokens[1:-1]
    layout, whole = layout_of([tokens]), tokens
    tokens, remarks = without_remarks(without_layout(tokens))
    tokens = without_explanation(tokens)
    words = {token.text for token in tokens if token.kind == WORD}
    if any(token.text in BOUNDS for token in tokens):
        return ParsedAnswer(text, problem=BOUND)
    if words & DENIALS:
        return ParsedAnswer(text, problem=BOUND)
    if words & HEDGES or any(remark and remark[0].text in HEDGES for remark in remarks):
        return ParsedAnswer(text, problem=SEVERAL)
    tokens = without_total(tokens)
    tokens = last_statement(after_derivation(with_shared_axes(tokens)))
    parts = split_sides(tokens)
    layout = layout or layout_of([*parts, *remarks])
    is_sum = any(is_sign(token, "+", "-", "/") for token in tokens)
    if len(parts) > 1 and not is_sum and sum(token.text in AXES for token in tokens) > 1:
        sizes = read_sizes(tokens, layout)
        if sizes is not None and sizes.labeled:
            return ParsedAnswer(text, shape=sizes.sizes, labeled=True)
    sides = [read_side(part, convention, layout) for part in parts]
    if sides and names_several(parts, sides[-1].value.number if sides[-1].value else None, whole):
        return ParsedAnswer(text, problem=SEVERAL)
    for remark in remarks:
        is_side = is_sign(remark[0], "=", "≈") or (remark[0].text in ROUNDED and remark[-1].kind == NUMBER)
        sides += [read_side(part, convention, layout) for part in split_sides(remark)[-1:] if is_side]
    return _combined(text, sides)


def _combined(text: str, sides: Sequence[Side]) -> ParsedAnswer:
    """The answer that the last side gives, or the last but names; nothing where the sides contradict each other."""
    if not sides or not all(side.is_read or side.is_name for side in sides):
        return ParsedAnswer(text)
    read = [side for side in sides if side.is_read]
    if not read:
        return ParsedAnswer(text)
    slips = [pair for pair in pairwise(read) if not _goes_on(*pair)]
    if any(_is_plain(one) and _is_plain(other) and not one.units for one, other in slips):
        return ParsedAnswer(text, problem=SEVERAL)
    named = [side for side in sides if side.units and (side is read[-1] or side.is_name)]
    units = tuple((name, unit.counts) for side in named[-1:] for name, unit in side.units)
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
