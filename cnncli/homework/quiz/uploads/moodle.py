"""Moodle's XML.

What its importer reads (moodle/moodle, question/format/xml/format.php: import_headers, import_numerical,
import_multichoice, import_shortanswer, import_category): a question of type ``category`` before those of a pool, its
path from ``$course$/top``; the name; text and feedback as HTML; ``tolerance`` for each number. A star in an answer of
a shortanswer stands for any text, so that none has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from cnncli.homework.quiz.quiz import Quiz
from cnncli.homework.quiz.uploads.gift import category
from cnncli.homework.quiz.uploads.items import CHOICE, NUMBER, WORDS, Item, decimal, pools

TYPES = {NUMBER: "numerical", CHOICE: "multichoice", WORDS: "shortanswer"}


def child(parent: Xml.Element, tag: str, text: str = "", **attributes: str) -> Xml.Element:
    """A new element with its text."""
    element = Xml.SubElement(parent, tag, attributes)
    if text:
        element.text = text
    return element


def _text(parent: Xml.Element, tag: str, text: str, **attributes: str) -> Xml.Element:
    element = child(parent, tag, **attributes)
    child(element, "text", text)
    return element


def moodle_xml(quizzes: Sequence[Quiz]) -> str:
    """The questions in Moodle's XML; for several quizzes, pools with a variant from each."""
    root = Xml.Element("quiz")
    _category(root, category(quizzes[0].title))
    for pool in pools(quizzes):
        if len(quizzes) > 1:
            _category(root, f"{category(pool.quiz)}/{category(pool.title)}")
        for item in pool.items:
            _question(root, item)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _category(root: Xml.Element, path: str) -> None:
    _text(child(root, "question", type="category"), "category", f"$course$/top/{path}")


def _question(root: Xml.Element, item: Item) -> None:
    question = child(root, "question", type=TYPES[item.kind])
    _text(question, "name", item.name)
    _text(question, "questiontext", item.html, format="html")
    _text(question, "generalfeedback", item.solution, format="html")
    child(question, "defaultgrade", str(item.points))
    if item.kind == CHOICE:
        child(question, "single", "true")
        child(question, "shuffleanswers", "true")
    if item.kind == WORDS:
        child(question, "usecase", "0")
    for option in item.options:
        answer = _text(question, "answer", option.text, fraction="100" if option.is_correct else "0")
        _text(answer, "feedback", option.feedback, format="html")
        if item.kind == NUMBER:
            child(answer, "tolerance", decimal(item.tolerance) if option.is_correct else "0")
