"""Reading the questions of these types from a key."""

from __future__ import annotations

import re
from fractions import Fraction
from string import ascii_lowercase
from typing import Protocol

from cnncli.errors import CnnError, shortened
from cnncli.homework.answer_key.sheet import text_of
from cnncli.homework.checking import parsing
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.question_types.choice import EACH_ANSWER, NET_CORRECT, RULES, ChoiceQuestion
from cnncli.homework.question_types.handed_in import HandedInQuestion
from cnncli.homework.question_types.numeric import NumericQuestion
from cnncli.homework.question_types.pattern import BadPattern, Pattern, compile_pattern
from cnncli.homework.question_types.text import TextQuestion, normal_text
from cnncli.homework.question_types.tolerance import tolerance_entry
from cnncli.homework.question_types.units import WrongCase, conversion, split_unit
from cnncli.language.reading import is_nothing
from cnncli.language.source import Mapping, Scalar, Sequence, Source, Value

# The types, each with what to write, and with the entries that it has beside its own, points and question.
EXAMPLES = {
    "numeric": "numeric: 3.3, tolerance: 5%, unit: ms",
    "choice": "choice: [stride, padding], answer: padding",
    "text": "text: [ReLU, rectified linear unit]",
    "pattern": 'pattern: "re-?lu"',
    "manual": "manual: {formula: 2, result: 1}",
    "upload": "upload: {drawing: 2, formula: 1}",
}
ENTRIES = {
    "numeric": ("tolerance", "unit", "accept"),
    "choice": ("answer", "partial_credit", "accept"),
    "text": ("pattern", "accept"),
    "pattern": ("text", "accept"),
    "manual": ("answer",),
    "upload": ("answer",),
}
MOST_OPTIONS = len(ascii_lowercase)


class FreeQuestion(Protocol):
    """A question that judges its answers itself. ``kind`` is its type, and the verdict's."""

    @property
    def kind(self) -> str: ...

    def judge(self, name: str, given: str, locale: str = "") -> Verdict: ...

    def is_same(self, given: str, accepted: str, locale: str = "") -> bool: ...


def type_of(entries: Mapping) -> str:
    """The type that the entries of a question name; empty for a computed one."""
    return next((name for name in EXAMPLES if name in entries.entries), "")


def read_free_question(source: Source, name: str, entries: Mapping) -> FreeQuestion:
    """The question of the type that its entries name. Raises CnnError for invalid entries, with the place."""
    kind = type_of(entries)
    if kind == "numeric":
        return _numeric(source, name, entries)
    if kind == "choice":
        return _choice(source, name, entries)
    if kind in ("text", "pattern"):
        return _text(source, name, entries)
    return _handed_in(source, name, entries, kind)


def _error(source: Source, name: str, kind: str, at: Value, message: str) -> CnnError:
    return source.error(at, f"{name}: {message}", f"write {EXAMPLES[kind]}")


def _text_at(source: Source, entries: Mapping, entry: str) -> str:
    """The text of an entry; empty where it is not given."""
    value = entries.entries.get(entry)
    return "" if value is None else " ".join(text_of(source, value).split())


def _numeric(source: Source, name: str, entries: Mapping) -> NumericQuestion:
    value = entries.entries["numeric"]
    text, unit = split_unit(_text_at(source, entries, "numeric")) if isinstance(value, Scalar) else ("", "")
    asked = _text_at(source, entries, "unit")
    if "unit" in entries.entries and not re.fullmatch(r"(?=.*[^\W\d_]|%)[^\[{]{1,40}", asked):
        raise _error(source, name, "numeric", entries.entries["unit"], "unit must be a unit such as ms")
    own = _in_its_case(asked or unit)
    if own != (asked or unit) and (asked or parsing.parse(f"{text} {unit}").number is None):
        at = entries.entries["unit"] if asked else value
        raise source.error(at, f"{name}: {asked or unit} is not a unit, but {own} is", f"write {own}")
    if unit and asked and (_in_its_case(unit) != unit or conversion(unit, asked) != 1):
        raise _error(source, name, "numeric", value, f"numeric is in {unit}, but the unit is {asked}")
    if unit and not asked and parsing.parse(f"{text} {unit}").number is not None:
        text, unit = f"{text} {unit}", ""  # 138M
    number = parsing.parse(text).number
    if number is None:
        raise _error(source, name, "numeric", value, "numeric must be a number")
    tolerance = tolerance_entry(source, name, entries.entries.get("tolerance"))
    if tolerance is None and not _has_last_decimal(number):
        message = f"{text} has no last decimal, so that only a fraction would be correct"
        raise source.error(value, f"{name}: {message}", "write tolerance: 1% (or tolerance: 0 for the fraction alone)")
    return NumericQuestion(number, text, tolerance, asked or unit)


def _in_its_case(unit: str) -> str:
    """A unit in the upper or lower case that it has in the table of units: MB for mb; another text as it is."""
    try:
        conversion(unit, "")
    except WrongCase as error:
        return str(error)
    return unit


def _has_last_decimal(number: Fraction) -> bool:
    """Whether a number is a decimal fraction: its denominator has the prime factors 2 and 5 alone."""
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def _choice(source: Source, name: str, entries: Mapping) -> ChoiceQuestion:
    value, answer = entries.entries["choice"], entries.entries.get("answer")
    options = _options(source, name, value)
    if answer is None or is_nothing(answer):
        raise _error(source, name, "choice", value, "choice needs the right option as its answer")
    several = isinstance(answer, Sequence)
    choice = ChoiceQuestion(options, frozenset(), several=several)
    items = [text_of(source, item) for item in answer.items] if isinstance(answer, Sequence) else []
    right: set[str] = set()
    for text in items or [text_of(source, answer)]:
        chosen = choice._replace(several=False).chosen(text)
        if len(chosen) != 1:
            hint = f"write one of {shortened(choice.described(frozenset(options)), 200)}; several as a list: [a, b]"
            raise source.error(answer, f"{name}: {shortened(text)!r} is not one of the options", hint)
        right |= chosen
    rule = _rule(source, name, entries, several=several)
    return choice._replace(right=frozenset(right), rule=rule)


def _options(source: Source, name: str, value: Value) -> dict[str, str]:
    """The options by label: their own labels in a mapping, letters in a list."""
    if isinstance(value, Mapping):
        options = {" ".join(label.split()): text_of(source, entry) for label, entry in value.entries.items()}
    else:
        texts = [text_of(source, item) for item in value.items] if isinstance(value, Sequence) else []
        if len(texts) > MOST_OPTIONS:
            message = f"{len(texts)} options, but there are {MOST_OPTIONS} letters"
            raise source.error(value, f"{name}: {message}", "name them: choice: {1: stride, 2: padding}")
        options = dict(zip(ascii_lowercase, texts, strict=False))
    options = {label: " ".join(text.split()) for label, text in options.items()}
    if len(options) < 2 or not all(options.values()):
        raise _error(source, name, "choice", value, "choice must be a list of at least two options")
    names = [normal_text(text) for text in options.values()]
    repeated = next((text for at, text in enumerate(options.values()) if names[at] in names[:at]), None)
    if repeated is not None:
        raise source.error(value, f"{name}: the option {shortened(repeated)!r} occurs twice", "keep one of them")
    return options


def _rule(source: Source, name: str, entries: Mapping, *, several: bool) -> str:
    """The rule of partial credit; empty for none."""
    value = entries.entries.get("partial_credit")
    if value is None:
        return ""
    if not several:
        hint = "write the right options as a list: answer: [a, c], or remove it"
        raise source.error(value, f"{name}: partial_credit is for several right options", hint)
    text = text_of(source, value).lower()
    known = {"true": NET_CORRECT, "yes": NET_CORRECT, "false": "", "no": "", **{rule: rule for rule in RULES}}
    if text not in known:
        hint = f"write {NET_CORRECT} (right minus wrong) or {EACH_ANSWER} (every option)"
        raise source.error(value, f"{name}: unknown rule {shortened(text)!r}", hint)
    return known[text]


def _text(source: Source, name: str, entries: Mapping) -> TextQuestion:
    value = entries.entries.get("text")
    texts: tuple[str, ...] = ()
    if value is not None:
        items = value.items if isinstance(value, Sequence) else [value]
        texts = tuple(" ".join(text_of(source, item).split()) if isinstance(item, Scalar) else "" for item in items)
        if not texts or not all(map(normal_text, texts)):
            raise _error(source, name, "text", value, "text must be an accepted answer, or a list of them")
    return TextQuestion(texts, _pattern(source, name, entries))


def _pattern(source: Source, name: str, entries: Mapping) -> Pattern | None:
    value = entries.entries.get("pattern")
    if value is None:
        return None
    if not isinstance(value, Scalar) or not value.text.strip():
        raise _error(source, name, "pattern", value, "pattern must be a regular expression")
    try:
        return compile_pattern(value.text)
    except BadPattern as error:
        raise source.error(value, f"{name}: the pattern {shortened(value.text)!r} {error}") from None


def _handed_in(source: Source, name: str, entries: Mapping, kind: str) -> HandedInQuestion:
    value = entries.entries[kind]
    if not isinstance(value, Mapping) and not (isinstance(value, Scalar) and value.text in ("", "~", "true", "yes")):
        message = f"{kind} must be a rubric with the points of each criterion, or true"
        raise _error(source, name, kind, value, message)
    rubric: dict[str, Fraction] = {}
    for criterion, entry in value.entries.items() if isinstance(value, Mapping) else ():
        points = parsing.parse(text_of(source, entry)).number if isinstance(entry, Scalar) else None
        if points is None or points < 0 or not criterion.strip():
            message = f"the points of {shortened(criterion)!r} must be a number of at least 0"
            raise _error(source, name, kind, entry, message)
        rubric[criterion] = points
    return HandedInQuestion(rubric, kind == "upload", _text_at(source, entries, "answer"))
