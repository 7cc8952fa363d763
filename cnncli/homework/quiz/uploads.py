"""A quiz in the formats of learning platforms: Moodle's GIFT and XML, and QTI 1.2 for Canvas.

Numbers are numerical questions, shapes and matrices multiple-choice questions. Wrong options are typical mistakes, each
with its own feedback.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree as Xml

from cnncli.homework.mistakes.texts import described
from cnncli.homework.quiz.documents import HTML, MARKDOWN, derivation_line, heading, value_text, wrong_options
from cnncli.homework.quiz.draws import Draws
from cnncli.homework.quiz.question import QuizQuestion
from cnncli.homework.quiz.quiz import AnsweredPrompt, Quiz, answered
from cnncli.io.escaping import html as escape

CORRECT = "Correct."
FILE_TIME = (2000, 1, 1, 0, 0, 0)  # of the files in the archive: the same quiz gives the same bytes


class Option(NamedTuple):
    """A value, whether it is correct, and the feedback to whoever gives it."""

    text: str
    is_correct: bool
    feedback: str


class PlatformQuestion(NamedTuple):
    """One question of a platform, which is self-contained; its text as HTML and as Markdown."""

    name: str
    html: str
    markdown: str
    is_number: bool
    options: tuple[Option, ...]
    solution: str


def entries(quiz: Quiz) -> Iterator[PlatformQuestion]:
    """A question for each answer of the quiz."""
    for question, answers in zip(quiz.questions, answered(quiz), strict=True):
        for answer in answers:
            yield _entry(quiz, question, answer)


def _entry(quiz: Quiz, question: QuizQuestion, answer: AnsweredPrompt) -> PlatformQuestion:
    correct = value_text(answer.expected.value)
    options = [Option(correct, True, CORRECT)]
    options += [Option(text, False, described(name)) for name, text in wrong_options(answer)]
    label = answer.prompt.label
    html = "".join(map(HTML.part, question.parts)) + f"<p>{escape(label)}</p>"
    markdown = "\n".join([*map(MARKDOWN.part, question.parts), label])
    is_number = not isinstance(answer.expected.value, tuple)
    return PlatformQuestion(
        answer.prompt.name, html, markdown, is_number, _mixed(quiz, answer, options, is_number), derivation_line(answer)
    )


def _mixed(quiz: Quiz, answer: AnsweredPrompt, options: list[Option], is_number: bool) -> tuple[Option, ...]:
    """Options in random order; the correct number stays first."""
    if is_number:
        return tuple(options)
    draws, rest, mixed = Draws(f"{quiz.seed}/{quiz.student}/{answer.prompt.name}/order"), [*options], []
    while rest:
        mixed.append(rest.pop(draws.integer(0, len(rest) - 1)))
    return tuple(mixed)


# GIFT -------------------------------------------------------------------------------------------------------------


def _gift_text(text: str) -> str:
    for char in "\\~=#{}:":
        text = text.replace(char, f"\\{char}")
    return text.replace("\n", "\\n")


def gift(quiz: Quiz) -> str:
    """Moodle's GIFT."""
    return "\n".join(map(_gift, entries(quiz)))


def _gift(entry: PlatformQuestion) -> str:
    lines = []
    for option in entry.options:
        prefix = "=" if option.is_correct else "=%0%" if entry.is_number else "~"
        range_ = ":0" if entry.is_number else ""
        lines.append(f"  {prefix}{_gift_text(option.text)}{range_}#{_gift_text(option.feedback)}")
    start = "{#" if entry.is_number else "{"
    text = f"::{_gift_text(entry.name)}::[html]{_gift_text(entry.html)} {start}"
    return "\n".join([text, *lines, f"  ####{_gift_text(entry.solution)}", "}", ""])


# Moodle XML -------------------------------------------------------------------------------------------------------


def _child(parent: Xml.Element, tag: str, text: str = "", **attributes: str) -> Xml.Element:
    child = Xml.SubElement(parent, tag, attributes)
    if text:
        child.text = text
    return child


def _text(parent: Xml.Element, tag: str, text: str, **attributes: str) -> Xml.Element:
    child = _child(parent, tag, **attributes)
    _child(child, "text", text)
    return child


def moodle_xml(quiz: Quiz) -> str:
    """Moodle's XML."""
    root = Xml.Element("quiz")
    for entry in entries(quiz):
        kind = "numerical" if entry.is_number else "multichoice"
        question = _child(root, "question", type=kind)
        _text(question, "name", entry.name)
        _text(question, "questiontext", entry.html, format="html")
        _text(question, "generalfeedback", f"<p><code>{escape(entry.solution)}</code></p>", format="html")
        _child(question, "defaultgrade", "1")
        if not entry.is_number:
            _child(question, "single", "true")
            _child(question, "shuffleanswers", "1")
        for option in entry.options:
            answer = _text(question, "answer", option.text, fraction="100" if option.is_correct else "0")
            _text(answer, "feedback", option.feedback, format="html")
            if entry.is_number:
                _child(answer, "tolerance", "0")
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


# QTI 1.2 ----------------------------------------------------------------------------------------------------------

_QTI = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"


def qti(quiz: Quiz) -> bytes:
    """A zip archive with QTI 1.2, as Canvas imports and exports it."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("quiz/quiz.xml", _assessment(quiz)), ("imsmanifest.xml", _manifest())):
            archive.writestr(zipfile.ZipInfo(name, FILE_TIME), text)
    return data.getvalue()


def _assessment(quiz: Quiz) -> str:
    root = Xml.Element("questestinterop", {"xmlns": _QTI})
    assessment = _child(root, "assessment", ident="quiz", title=heading(quiz))
    section = _child(assessment, "section", ident="root_section")
    for entry in entries(quiz):
        _item(section, entry)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode")


def _item(section: Xml.Element, entry: PlatformQuestion) -> None:
    item = _child(section, "item", ident=entry.name, title=entry.name)
    kind = "numerical_question" if entry.is_number else "multiple_choice_question"
    metadata = _child(_child(item, "itemmetadata"), "qtimetadata")
    for name, value in (("question_type", kind), ("points_possible", "1")):
        field = _child(metadata, "qtimetadatafield")
        _child(field, "fieldlabel", name)
        _child(field, "fieldentry", value)
    presentation = _child(item, "presentation")
    _child(_child(presentation, "material"), "mattext", entry.html, texttype="text/html")
    processing = _child(item, "resprocessing")
    _child(_child(processing, "outcomes"), "decvar", maxvalue="100", minvalue="0", varname="SCORE", vartype="Decimal")
    if entry.is_number:
        response = _child(presentation, "response_str", ident="response1", rcardinality="Single")
        _child(_child(response, "render_fib", fibtype="Decimal"), "response_label", ident="answer1")
    else:
        response = _child(presentation, "response_lid", ident="response1", rcardinality="Single")
        choices = _child(response, "render_choice")
        for at, option in enumerate(entry.options):
            label = _child(choices, "response_label", ident=f"option{at}")
            _child(_child(label, "material"), "mattext", option.text, texttype="text/plain")
    for at, option in enumerate(entry.options):
        condition = _child(processing, "respcondition", **{"continue": "No" if option.is_correct else "Yes"})
        value = option.text if entry.is_number else f"option{at}"
        _child(_child(condition, "conditionvar"), "varequal", value, respident="response1")
        if option.is_correct:
            _child(condition, "setvar", "100", action="Set", varname="SCORE")
        _child(condition, "displayfeedback", feedbacktype="Response", linkrefid=f"feedback{at}")
    for at, option in enumerate(entry.options):
        feedback = _child(_child(item, "itemfeedback", ident=f"feedback{at}"), "flow_mat")
        _child(_child(feedback, "material"), "mattext", option.feedback, texttype="text/plain")


def _manifest() -> str:
    root = Xml.Element("manifest", {"identifier": "cnn", "xmlns": "http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1"})
    metadata = _child(root, "metadata")
    _child(metadata, "schema", "IMS Content")
    _child(metadata, "schemaversion", "1.1.3")
    _child(root, "organizations")
    resources = _child(root, "resources")
    resource = _child(resources, "resource", identifier="quiz", type="imsqti_xmlv1p2")
    _child(resource, "file", href="quiz/quiz.xml")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode")
