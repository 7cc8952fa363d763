"""Which answer of a sheet belongs to which question of the key, however the student wrote the question's name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePath
from typing import NamedTuple

from cnncli.arithmetic.numerals import is_digits
from cnncli.errors import closest
from cnncli.homework.answer_key.asked_quantities import canonical_name
from cnncli.homework.answer_key.conventions import CHOICES, DEFAULTS, Conventions
from cnncli.homework.answer_key.sheet import Question, ReadingNote, Sheet, is_solve, one_line
from cnncli.homework.languages.messages import text as message
from cnncli.homework.submissions.drafts import Asked, two_answers
from cnncli.homework.submissions.fields import FIELDS

_KIND = re.compile(r"^(?:solve|convolve) +(?=\S)")
_NUMBERED = re.compile(
    r"(?:q|question|exercise|problem|task|item|no|nr|aufgabe|frage|questão|pregunta|문제|题)?0*(\d{1,3})([a-z]?)"
)
_RESPONSE = re.compile(r"response [1-9]\d*", re.IGNORECASE)  # a column of Moodle's: the questions in their order
_SHOWN = 60
DEFAULT_NUMBERS = {"stride": "1", "padding": "0", "dilation": "1"}  # of a size that does not name them
Form = Callable[[str], str]


class MatchedAnswers(NamedTuple):
    """The answer to each question of the key, None where there is none; the names of the other answers, and notes."""

    found: tuple[Question | None, ...]
    extra: tuple[str, ...]
    notes: tuple[ReadingNote, ...]


def match_answers(asked: Sequence[tuple[str, ...]], written: Sequence[Question]) -> MatchedAnswers:
    """The answers by question, each of which is asked under any of its names.

    A name counts as written, else in any case and punctuation (``Question 6`` is ``q6``), else where it contains the
    name of one question. Of several different answers to one question none counts, and a note says so.
    """
    found: list[list[Question]] = [[] for _ in asked]
    extra: list[str] = []
    notes: list[ReadingNote] = []
    lookups = _lookups(asked, written)
    for question in written:
        places = next((places for places in (lookup(question.name) for lookup in lookups) if len(places) == 1), set())
        if places:
            found[places.pop()].append(question)
        else:
            extra.append(one_line(question.name))
            notes.append(_not_asked(question, asked))
    return MatchedAnswers(tuple(_only(answers, notes) for answers in found), tuple(dict.fromkeys(extra)), tuple(notes))


def asked_names(asked: Sequence[tuple[str, ...]]) -> Asked:
    """What a key asks, for those who read its sheets: a slip in a name means the question, too."""
    lookups = _lookups(asked, ())
    names = [name for each in asked for name in each]

    def means(name: str) -> bool:
        is_numbered = name[:1].isalpha() and _NUMBERED.fullmatch(_loose(name)) is not None
        near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.75) if len(name) > 3 else []
        return is_numbered or bool(near) or any(lookup(name) for lookup in lookups)

    return Asked(frozenset(names), means)


def _lookups(asked: Sequence[tuple[str, ...]], written: Sequence[Question]) -> tuple[_Lookup, ...]:
    if written and len(written) == len(asked) and all(_RESPONSE.fullmatch(question.name) for question in written):
        return (_Lookup([(f"response {at}",) for at in range(1, len(asked) + 1)], str.lower),)
    return (_Lookup(asked, canonical_name), _Lookup(asked, _loose), _Contained(asked))


class _Lookup:
    """Finds questions by a form of their names."""

    def __init__(self, asked: Sequence[tuple[str, ...]], form: Form) -> None:
        self.form = form
        self.places: dict[str, set[int]] = {}
        for at, names in enumerate(asked):
            for name in names:
                self.places.setdefault(form(name), set()).add(at)

    def __call__(self, name: str) -> set[int]:
        return {*self.places.get(self.form(name), ())}


class _Contained(_Lookup):
    """Finds questions whose name is a word of a longer text, as in the headings of a form."""

    def __init__(self, asked: Sequence[tuple[str, ...]]) -> None:
        super().__init__(asked, str.lower)
        words = sorted((name for name in self.places if not name.isdigit()), key=len, reverse=True)
        self.words = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, words))})(?![\w]|\.\w)") if words else None

    def __call__(self, name: str) -> set[int]:
        if self.words is None:
            return set()
        return {place for word in self.words.findall(name.lower()[:1000]) for place in self.places[word]}


def _loose(name: str) -> str:
    """A name without its case, its punctuation and the word for a question: ``Question 6`` and ``6.`` as ``q6``."""
    plain = re.sub(r"[\W_]", "", canonical_name(_KIND.sub("", name.lower().strip())))
    numbered = _NUMBERED.fullmatch(plain)
    return f"q{numbered[1]}{numbered[2]}" if numbered else plain


def _not_asked(question: Question, asked: Sequence[tuple[str, ...]]) -> ReadingNote:
    near = closest(question.name, [name for names in asked for name in names])
    where = message("line {number}", number=question.place.line) if question.place else ""
    told = message("{question} is not asked, so it does not count", question=one_line(question.name, _SHOWN))
    return ReadingNote(_with_advice(told, near), where)


def _with_advice(told: str, near: str | None) -> str:
    return message("{note}; did you mean {name}?", note=told, name=near) if near else told


def _only(answers: list[Question], notes: list[ReadingNote]) -> Question | None:
    """The answer to a question, None where there are several; adds a note on what is lost."""
    given = {" ".join(question.given.split()): question for question in answers if question.given.strip()}
    if len(given) > 1:
        notes.append(two_answers(answers[0].name, tuple(given.values())))
        return None
    if not given and answers:
        for name in answers[0].fields:
            if name not in FIELDS:
                near = closest(name, FIELDS)
                told = message("{question} has an unknown field '{field}'",
                               question=one_line(answers[0].name, _SHOWN), field=name[:_SHOWN])  # fmt: skip
                notes.append(ReadingNote(_with_advice(told, near), is_lost=True))
    return next(iter(given.values())) if given else None


# What a sheet states beside its answers ------------------------------------------------------------------------------


def other_numbers(asked: Question, written: Question) -> Iterator[ReadingNote]:
    """Notes on the numbers of a size that the sheet writes and the question has otherwise, as ``input: 36`` for 32."""
    if not is_solve(asked):
        return
    for name, text in written.fields.items():
        number = asked.fields.get(name, DEFAULT_NUMBERS.get(name, ""))
        if name == asked.fields.get("find") or not (is_digits(text.strip()) and is_digits(number.strip())):
            continue
        if text.strip().lstrip("0") != number.strip().lstrip("0"):
            told = message(
                "{question}: the sheet has {field} {written}, the question {field} {number}, which counts",
                question=one_line(written.name, _SHOWN), field=name,
                written=one_line(text, _SHOWN), number=number.strip(),
            )  # fmt: skip
            where = message("line {number}", number=written.place.line) if written.place else ""
            yield ReadingNote(told, where, is_lost=True)


def other_settings(sheet: Sheet, asked: Sheet) -> Iterator[ReadingNote]:
    """Notes on a network and conventions of a sheet that are not those of the key (``asked``), which count."""
    written, loaded = " ".join(sheet.architecture.split()), asked.loaded
    if written and loaded is not None:
        is_inline = loaded.source.name.endswith("(architecture)")
        same = (" ".join(loaded.source.text.split()), *(() if is_inline else (loaded.slug,)))
        is_name = re.fullmatch(r"[\w./\\-]+", written) is not None
        if not (is_name and is_inline) and (PurePath(written).stem if is_name else written) not in same:
            told = message("the network `{network}` of the sheet does not count: the answers are about that of the key",
                           network=one_line(written, _SHOWN))  # fmt: skip
            yield ReadingNote(told, is_lost=True)
    if not sheet.conventions or not {*map(_explicit, sheet.conventions)} <= {
        *map(_explicit, (*asked.conventions, DEFAULTS))
    }:
        yield ReadingNote(message("the conventions of the sheet do not count: those of the key do"), is_lost=True)


def _explicit(conventions: Conventions) -> Conventions:
    """The conventions with PyTorch's choice in place of an empty one; the rounding depends on the question."""
    chosen = {name: choices[0] for name, choices in CHOICES.items() if name != "rounding"}
    return Conventions(**{name: choice or chosen.get(name, "") for name, choice in conventions._asdict().items()})
