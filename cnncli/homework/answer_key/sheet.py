"""Answer sheets: the student, the network and the answers, as YAML."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

from cnncli.errors import CnnError, Place, shortened
from cnncli.homework.answer_key.conventions import DEFAULTS, Conventions
from cnncli.homework.languages.messages import localized, translated
from cnncli.io.files import exists, is_file
from cnncli.language.reading import is_nothing
from cnncli.language.source import Mapping, Scalar, Sequence, Source, Value
from cnncli.loading import FILE_ENDINGS, Loaded, load, load_source

KEYS = ("student", "architecture", "conventions", "locale", "answers", "name", "date")
EXAMPLE = "write architecture: lenet5 and answers: {c1.params: 156}"


class Question(NamedTuple):
    """A question with an answer: its name, the answer as written, and the fields of a solve or a convolve."""

    name: str
    given: str
    fields: dict[str, str]
    place: Place | None = None


class ReadingNote(NamedTuple):
    """What a student should know about how a sheet was read, and where: ``line 4``.

    ``is_lost`` is true where something that was written does not count, which the teacher should know, too.
    """

    text: str
    where: str = ""
    is_lost: bool = False

    def __str__(self) -> str:
        if not self.where:
            return str(localized(self.text))
        return translated("{place}: {note}", place=self.where, note=self.text)


class Sheet(NamedTuple):
    """An answer sheet. ``loaded`` is None if no question is about a network; the first of ``conventions`` applies.

    ``locale`` says how the answers write numbers: ``de`` for a decimal comma; empty where nothing says it.
    ``architecture`` is the network as the sheet names or describes it, which is not loaded where a key has another.
    """

    student: str
    loaded: Loaded | None
    questions: tuple[Question, ...]
    conventions: tuple[Conventions, ...] = (DEFAULTS,)
    locale: str = ""
    notes: tuple[ReadingNote, ...] = ()
    architecture: str = ""


def is_solve(question: Question) -> bool:
    """Whether a question is about one size."""
    return bool(question.fields) and question.name.lower().startswith("solve")


def is_convolve(question: Question) -> bool:
    """Whether a question is about an exact convolution or pooling."""
    return bool(question.fields) and question.name.lower().startswith("convolve")


def question_of(source: Source, name: str, value: Value) -> Question:
    """A question of a sheet: a value, or the fields of a solve or a convolve with the answer among them."""
    kind = next((kind for kind in ("solve", "convolve") if isinstance(value, Mapping) and kind in value.entries), "")
    if kind and isinstance(value, Mapping) and isinstance(value.entries[kind], Mapping):  # in the form of a key
        given = value.entries.get("answer")
        inner = question_of(source, f"{kind} {name}", value.entries[kind])
        return inner._replace(given=text_of(source, given)) if given is not None else inner
    if isinstance(value, Mapping):
        fields = {key: text_of(source, entry) for key, entry in value.entries.items()}
        if "kernel" in value.entries:
            fields["kernel"] = _kernels(value.entries["kernel"], fields["kernel"])
        if name.lower().startswith("convolve"):
            return Question(name, fields.pop("result", ""), fields)
        if not name.lower().startswith("solve"):
            raise source.error(value, f"{name}: an answer must be a value", "mappings are for solve and convolve")
        return Question(name, fields.pop(fields.get("find", "output"), ""), fields)
    return Question(name, text_of(source, value), {})


def _kernels(value: Value, text: str) -> str:
    """The kernel of a convolve as one text, also where it is a list of texts, one per filter."""
    items = value.items if isinstance(value, Sequence) else []
    texts = [item.text for item in items if isinstance(item, Scalar) and re.search(r"[\s;|&]", item.text.strip())]
    return " || ".join(texts) if texts and len(texts) == len(items) else text


def one_line(text: str, most: int = 500) -> str:
    """A student's text on one line of at most ``most`` characters, without characters that control a terminal."""
    line = "".join(char if char.isprintable() else "�" for char in " ".join(text.split()))
    return shortened(line, most)


def name_of(node: Value | None) -> str:
    """A title or a student's name; empty where the value is not a text."""
    return one_line(node.text) if isinstance(node, Scalar) else ""


def text_of(source: Source, value: Value) -> str:
    """An answer as written, also a list such as [6, 28, 28], or a matrix with its line breaks."""
    if is_nothing(value):
        return ""
    written = source.text[value.start : value.end].strip()
    if isinstance(value, Sequence) and _are_matrices(value):
        return " || ".join(text_of(source, item) for item in value.items)
    quoted = isinstance(value, Sequence) and any(isinstance(item, Scalar) and item.quoted for item in value.items)
    if isinstance(value, Sequence) and (quoted or written.startswith("-")):  # texts, or one item per line
        items = [text_of(source, item) for item in value.items]
        are_rows = any(re.search(r"[0-9]\s", item) for item in items)
        return f"[{('; ' if are_rows else ', ').join(items)}]"
    if not isinstance(value, Scalar):
        return written
    if "\n" not in written or "\n" in value.text:
        return value.text
    # YAML folds the lines of a text into one; those of a matrix are its rows
    if not value.quoted:
        return written
    return written[1:-1] if written[0] in "\"'" and "\\" not in written else value.text


def _are_matrices(value: Sequence) -> bool:
    """Whether each item of a list is the text of a matrix of several rows."""
    texts = [item.text.strip() if isinstance(item, Scalar) else "" for item in value.items]
    return bool(texts) and all(re.search(r"[;\n]|\\\\|\]\s*,?\s*\[", text) for text in texts)


def _path_of(source: Source, node: Scalar) -> str:
    """The architecture that a sheet names. Raises CnnError for standard input, a pipe or a device.

    A sheet is someone else's text: reading from these could block forever, or consume another reader's input.
    """
    named = node.text
    if named.endswith(FILE_ENDINGS) and is_file(Path(source.name).parent / named):
        return str(Path(source.name).parent / named)  # paths are relative to the sheet
    if named == "-" or (exists(named) and not is_file(named)):
        raise source.error(node, f"{named}: not a file", "name a bundled network or a YAML file")
    return named


def network_of(source: Source, root: Mapping, questions: tuple[Question, ...]) -> Loaded | None:
    """The network that ``architecture`` names or holds; None where no question is about one. Raises CnnError."""
    node = root.entries.get("architecture")
    if node is None or is_nothing(node):
        if all(is_solve(question) or is_convolve(question) for question in questions):
            return None
        raise source.error(root, "the sheet has no architecture", EXAMPLE)
    if isinstance(node, Scalar):
        path = _path_of(source, node)
        try:
            return load(path)
        except CnnError as error:  # an error without a place is one of the sheet
            raise CnnError.of(
                [p if p.place else p._replace(place=source.place(node)) for p in error.problems]
            ) from None
    if isinstance(node, Sequence):
        raise source.error(node, "an architecture must be a name, a path, or a network written inline")
    start = source.text.rfind("\n", 0, node.start) + 1
    inline = source.text[start if source.text[start : node.start].strip() == "" else node.start : node.end]
    return load_source(Source(f"{source.name} (architecture)", dedent(inline)), "network")
