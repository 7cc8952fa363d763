"""Who handed something in, as the platform says: by its names of files, or by Gradescope's metadata.

Names of files in the archives of all submissions: Canvas ``millerann_LATE_123_456_sheet.yaml`` (numbers of the user and
the file), Moodle ``Ann Miller_123_assignsubmission_file_/sheet.yaml`` (number of the participant). Gradescope describes
its folders ``submission_123`` in ``submission_metadata.yml`` beside them, and a submission to its autograder in
``submission_metadata.json`` (https://gradescope-autograders.readthedocs.io/en/latest/submission_metadata/).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from cnncli.errors import CnnError
from cnncli.homework.answer_key.sheet import one_line
from cnncli.homework.submissions.encodings import decoded
from cnncli.io.files import TEXT_LIMIT, is_file, named, read_bytes

EXPORT, AUTOGRADER = "submission_metadata.yml", "submission_metadata.json"
_CANVAS = re.compile(r"(?P<name>[^_]+)(?:_LATE)?_(?P<id>\d+)_(?:(?P<file>\d+)_.+|text\.html?)", re.DOTALL)
_MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_[a-z]+_?.*", re.DOTALL)
_FOLDER = re.compile(r"([^\s:#][^:]*):\s*$")
_FIELD = re.compile(r"  (?:- |  ):(name|email|sid): *(.*)$")


class Submitter(NamedTuple):
    """A student by name, e-mail address and student number, each empty where the platform does not say it.

    ``others`` are the platform's own numbers of the student.
    """

    name: str
    email: str = ""
    number: str = ""
    others: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The student as reports name them."""
        return one_line(self.name or self.email or self.number)

    @property
    def known_as(self) -> tuple[str, ...]:
        """All that identifies the student, numbers first."""
        return tuple(filter(None, (self.number, self.email, *self.others, self.name)))

    def contradicts(self, student: str) -> bool:
        """Whether a sheet names someone else.

        A number that the platform does not know may be anyone's, and a name with a common word, a short form.
        """
        wanted = student.strip().lower()
        if not wanted or wanted in (known.lower() for known in self.known_as):
            return False
        if "@" in wanted:
            return bool(self.email)
        if any(char.isdigit() for char in wanted):
            return bool(self.number)
        return bool(self.name) and not same_name(self.name, student) and not _has_common_word(self.name, wanted)


def name_words(name: str) -> list[str]:
    """The words of a name in lower case."""
    return re.findall(r"[^\W\d_]+", name.lower())


def same_name(one: str, other: str) -> bool:
    """Whether two names have the same words in any order: ``Miller, Ann``, ``Ann Miller`` and ``millerann``."""
    words, others = name_words(one), name_words(other)
    if sorted(words) == sorted(others):
        return True
    joined, rest = "".join(words), sorted(others, key=len, reverse=True)
    if len(words) > 1 and len(others) == 1:
        joined, rest = others[0], sorted(words, key=len, reverse=True)
    for word in rest:
        if word not in joined:
            return False
        joined = joined.replace(word, "", 1)
    return not joined


Described = dict[tuple[str, ...], tuple[Submitter, ...]]


def is_canvas(names: Iterable[str]) -> bool:
    """Whether Canvas may have given these names: it numbers every file anew, unlike ``hw_3_2024_ann.yaml``."""
    found = [match["file"] for match in map(_CANVAS.fullmatch, names) if match and match["file"]]
    return len({*found}) == len(found)


def _has_common_word(one: str, other: str) -> bool:
    """Whether two names have words that begin alike: ``Ann`` and ``Annie``."""
    words, others = name_words(one), name_words(other)
    return any(a.startswith(b[:3]) or b.startswith(a[:3]) for a in words for b in others)


def submitters_of(path: tuple[str, ...], described: Described, *, canvas: bool) -> tuple[Submitter, ...]:
    """The students who handed in the file of this path; empty where nothing tells."""
    for depth in range(1, len(path) + 1):
        if path[:depth] in described:
            return described[path[:depth]]
    for part in path:
        match = _MOODLE.fullmatch(part)
        if match:
            return (Submitter(one_line(match["name"]), others=(f"Participant {match['id']}",)),)
    match = _CANVAS.fullmatch(path[-1]) if canvas else None
    return (Submitter(one_line(match["name"]), others=(match["id"],)),) if match else ()


def described_folders(data: bytes) -> dict[str, tuple[Submitter, ...]]:
    """The students of each folder, of the ``submission_metadata.yml`` in Gradescope's export of submissions.

    Only these lines are read: the rest, the results of all attempts, can be large.
    """
    found: dict[str, list[dict[str, str]]] = {}
    people: list[dict[str, str]] = []
    in_submitters = False
    for line in decoded(data).text.splitlines():
        folder = _FOLDER.fullmatch(line)
        if folder:
            people = found.setdefault(_plain(folder[1]), [])
        elif re.match(r"  :\w+:", line):
            in_submitters = line.strip() == ":submitters:"
        elif in_submitters:
            field = _FIELD.match(line)
            if field and (line.startswith("  - ") or not people):
                people.append({})
            if field:
                people[-1][field[1]] = _plain(field[2])
    return {folder: tuple(map(_submitter, fields)) for folder, fields in found.items() if fields}


def _submitter(fields: dict[str, str]) -> Submitter:
    return Submitter(one_line(fields.get("name", "")), fields.get("email", ""), fields.get("sid", ""))


def _plain(text: str) -> str:
    """A YAML scalar without its quotation marks."""
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def autograder_submitters(results: Path) -> tuple[Submitter, ...]:
    """The students of the submission whose ``results/results.json`` is written; empty outside Gradescope's autograder.

    The metadata is beside the folder of the results, where no student can write. Raises CnnError for a damaged file.
    """
    path = results.absolute().parent.parent / AUTOGRADER
    if not is_file(path):
        return ()
    with named(path):
        data = read_bytes(path, 16 * TEXT_LIMIT, "Gradescope writes it")
    try:
        content: Any = json.loads(decoded(data).text)
        users = content.get("users", []) if isinstance(content, dict) else []
        people = [user for user in users if isinstance(user, dict)] if isinstance(users, list) else []
    except (ValueError, RecursionError):
        raise CnnError(f"{path}: is not the metadata of a submission", "remove it, or restore it") from None
    return tuple(
        Submitter(one_line(str(user.get("name") or "")), str(user.get("email") or ""), str(user.get("sid") or ""))
        for user in people
    )
