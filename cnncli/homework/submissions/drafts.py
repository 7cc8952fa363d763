"""What is read of a sheet before its network is loaded, and the names that a sheet's own entries may have."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from cnncli.homework.answer_key.asked_quantities import canonical_name
from cnncli.homework.answer_key.sheet import KEYS, Question, ReadingNote, one_line
from cnncli.homework.languages.messages import text as message
from cnncli.language.source import Mapping, Source

# Other names of a sheet's entries, in lower case.
ALIASES = {
    **dict.fromkeys(("student id", "student number", "student name", "studentin", "matrikelnummer"), "student"),
    **dict.fromkeys(("학생", "학번", "学生", "学号", "aluno", "estudiante", "étudiant"), "student"),
    **dict.fromkeys(("이름", "성명", "姓名", "nome", "nombre", "nom"), "name"),
    **dict.fromkeys(("answer", "solutions", "antworten", "respostas", "respuestas", "réponses"), "answers"),
    **dict.fromkeys(("답", "답안", "答案"), "answers"),
    **dict.fromkeys(("network", "model", "architektur"), "architecture"),
}  # fmt: skip
_BY_HAND = {"result", "filter", "pool", "upstream", "flip", "padding_mode"}  # fields of a convolve alone
BULLET = re.compile(r"^[-*•–]\s+")
SHOWN = 60  # characters of a line in a note


class Asked(NamedTuple):
    """What the key of a sheet asks: the names of its questions, and whether a name in a sheet may mean one of them."""

    names: frozenset[str]
    means: Callable[[str], bool]


class SheetDraft(NamedTuple):
    """A sheet without its network: ``root`` holds the entries of the network and the conventions, where ``source`` is
    the text that they refer to.
    """

    student: str
    questions: tuple[Question, ...]
    notes: tuple[ReadingNote, ...]
    root: Mapping | None
    source: Source


def section_of(key: str) -> str:
    """The entry of a sheet that a key names in any case or language, or with a slip; "" for a question."""
    plain = " ".join(key.lower().replace("_", " ").split())
    if plain in KEYS or plain in ALIASES:
        return ALIASES.get(plain, plain)
    if re.search(r"[\d.]", plain) or len(plain) < 5:
        return ""
    near = difflib.get_close_matches(plain, [key for key in KEYS if len(key) > 5], n=1, cutoff=0.8)
    return near[0] if near else ""


def section_note(key: str, section: str) -> str:
    """The note on a key that is not the entry's own name; "" where only its case differs."""
    plain = key.lower().strip()
    return (
        ""
        if plain == section or plain in ALIASES
        else message("`{key}` was read as {section}", key=shown(key), section=section)
    )


def shown(text: str) -> str:
    """A part of a sheet as it is shown in a note."""
    return one_line(text, SHOWN)


def question_with(name: str, fields: dict[str, str], before: str, lost: Callable[[str], None]) -> Question:
    """A question with its fields, the answer taken out of them; ``before`` is what precedes the first one.

    ``lost`` is called with a note where both are answers: the field counts.
    """
    kind = next((kind for kind in ("solve", "convolve") if name.lower().startswith(kind)), "")
    if not kind and "input" in fields:
        kind = "convolve" if _BY_HAND & {*fields} or " " in fields["input"].strip() else "solve"
        name = f"{kind} {name}"
    if kind == "convolve":
        places = ("result", "answer", "output")
    else:
        places = (fields.get("find", "").strip().lower() or "output", "answer", "result")
    place = next((place for place in places if place in fields), "")
    if not place and not before and not kind and len(fields) == 1:
        (place,) = fields  # an answer to a question of the key: q6: {padding: 1}
    given = fields.pop(place, "")
    if before and given:
        lost(message("`{line}` has no name, and was not read", line=shown(before)))
    return Question(name, given or before, fields if kind else {})


def without_duplicates(questions: Iterable[Question]) -> tuple[tuple[Question, ...], tuple[ReadingNote, ...]]:
    """The questions without those that are answered twice in two ways: neither answer counts, and a note says so.

    The names of layers differ in case where those of the network do; other names do not.
    """
    by_name: dict[str, list[Question]] = {}
    for question in questions:
        name = question.name.lower() if question.fields else canonical_name(question.name)
        by_name.setdefault(name, []).append(question)
    kept, notes = [], []
    for found in by_name.values():
        given = {" ".join(question.given.split()): question for question in found if question.given.strip()}
        if len(given) > 1:
            notes.append(two_answers(found[0].name, tuple(given.values())))
        else:
            kept.append(next(iter(given.values()), found[0]))
    return tuple(kept), tuple(notes)


def two_answers(name: str, found: tuple[Question, ...]) -> ReadingNote:
    """The note on a question with several answers."""
    first, *others = (
        message("{answer} in line {line}", answer=shown(question.given), line=question.place.line)
        if question.place
        else shown(question.given)
        for question in found
    )
    for other in others:
        first = message("{one} and {other}", one=first, other=other)
    told = message("{question} has two answers, {answers}: neither counts; keep one",
                   question=one_line(name, SHOWN), answers=first)  # fmt: skip
    return ReadingNote(told, is_lost=True)
