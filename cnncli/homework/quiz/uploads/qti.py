"""QTI 1.2 as Canvas imports it.

Canvas converts QTI 1.2 to 2.1 (instructure/QTIMigrationTool, lib/imsqtiv1.py) and reads that
(instructure/canvas-lms, gems/plugins/qti_exporter/lib/qti/). What this file relies on:

- numeric_interaction.rb: the answer of a ``numerical_question`` is an ``<or>`` with a ``<varequal>`` and an ``<and>``
  of ``<vargte>`` and ``<varlte>``. A ``<varequal>`` alone gives none, and every condition with an ``<or>`` is a correct
  answer: wrong numbers cannot have feedback of their own, and are listed in the general feedback.
- assessment_item_converter.rb: feedback whose ident begins with ``general_`` is the question's; ``points_possible``.
- choice_interaction.rb: a condition that sets the SCORE makes a choice correct; others carry its feedback.
- extended_text_interaction.rb: each ``<varequal>`` is an accepted text of a ``short_answer_question``.
- assessment_test_converter.rb: a section with a selection is a group from which each student gets some questions.
- Idents become migration ids: a later import replaces the questions of an earlier one with the same. They are therefore
  made from the content.

Canvas writes the same (lib/cc/qti/qti_items.rb).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from hashlib import blake2b
from xml.etree import ElementTree as Xml

from cnncli.homework.quiz.documents import heading
from cnncli.homework.quiz.quiz import Quiz
from cnncli.homework.quiz.uploads.items import CHOICE, NUMBER, WORDS, Item, Pool, decimal, pools
from cnncli.homework.quiz.uploads.moodle import child
from cnncli.io.writing import zip_archive

NAMESPACE = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
TYPES = {NUMBER: "numerical_question", CHOICE: "multiple_choice_question", WORDS: "short_answer_question"}
RESPONSE = "response1"


def qti(quizzes: Sequence[Quiz]) -> bytes:
    """A zip archive with QTI 1.2; for several quizzes, groups with a variant from each."""
    found = pools(quizzes)
    idents = "".join(item.ident for pool in found for item in pool.items)
    ident = "a" + blake2b(idents.encode(), digest_size=8).hexdigest()
    files = {f"{ident}/{ident}.xml": _assessment(ident, quizzes, found), "imsmanifest.xml": _manifest(ident)}
    return zip_archive({name: text.encode() for name, text in files.items()})


def _assessment(ident: str, quizzes: Sequence[Quiz], found: list[Pool]) -> str:
    root = Xml.Element("questestinterop", {"xmlns": NAMESPACE})
    title = heading(quizzes[0]) if len(quizzes) == 1 else quizzes[0].title
    assessment = child(root, "assessment", ident=ident, title=title)
    section = child(assessment, "section", ident="root_section")
    for at, pool in enumerate(found, 1):
        group = _group(section, f"{ident}g{at}", pool) if len(quizzes) > 1 else section
        for item in pool.items:
            _item(group, item)
    return _document(root)


def _document(root: Xml.Element) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode")


def _group(section: Xml.Element, ident: str, pool: Pool) -> Xml.Element:
    """A group of questions, of which each student gets one."""
    group = child(section, "section", ident=ident, title=pool.title)
    selection = child(child(group, "selection_ordering"), "selection")
    child(selection, "selection_number", "1")
    child(child(selection, "selection_extension"), "points_per_item", str(pool.items[0].points))
    return group


def _item(section: Xml.Element, item: Item) -> None:
    element = child(section, "item", ident=item.ident, title=item.name)
    metadata = child(child(element, "itemmetadata"), "qtimetadata")
    for name, value in (("question_type", TYPES[item.kind]), ("points_possible", str(item.points))):
        field = child(metadata, "qtimetadatafield")
        child(field, "fieldlabel", name)
        child(field, "fieldentry", value)
    _presentation(element, item)
    _processing(element, item)
    _feedback(element, "general_fb", item.solution, "text/html")
    if item.kind == CHOICE:
        for at, option in enumerate(item.options):
            if option.feedback:
                _feedback(element, f"option{at}_fb", option.feedback, "text/plain")


def _presentation(element: Xml.Element, item: Item) -> None:
    presentation = child(element, "presentation")
    child(child(presentation, "material"), "mattext", item.html, texttype="text/html")
    if item.kind != CHOICE:
        response = child(presentation, "response_str", ident=RESPONSE, rcardinality="Single")
        kind = {"fibtype": "Decimal"} if item.kind == NUMBER else {}
        child(child(response, "render_fib", **kind), "response_label", ident="answer1")
        return
    response = child(presentation, "response_lid", ident=RESPONSE, rcardinality="Single")
    choices = child(response, "render_choice")
    for at, option in enumerate(item.options):
        label = child(choices, "response_label", ident=f"option{at}")
        child(child(label, "material"), "mattext", option.text, texttype="text/plain")


def _processing(element: Xml.Element, item: Item) -> None:
    processing = child(element, "resprocessing")
    child(child(processing, "outcomes"), "decvar", maxvalue="100", minvalue="0", varname="SCORE", vartype="Decimal")
    general = _condition(processing, "Yes", "general_fb")
    child(general, "other")
    if item.kind == CHOICE:
        for at, option in enumerate(item.options):
            if option.feedback:
                child(_condition(processing, "Yes", f"option{at}_fb"), "varequal", f"option{at}", respident=RESPONSE)
    correct = _condition(processing, "No")
    if item.kind == NUMBER:
        _numbers(correct, item)
    for at, option in enumerate(item.options):
        if option.is_correct and item.kind != NUMBER:
            child(correct, "varequal", f"option{at}" if item.kind == CHOICE else option.text, respident=RESPONSE)


def _condition(processing: Xml.Element, goes_on: str, feedback: str = "") -> Xml.Element:
    """A condition that shows feedback, or without any, one that makes the answer correct."""
    condition = child(processing, "respcondition", **{"continue": goes_on})
    variable = child(condition, "conditionvar")
    if feedback:
        child(condition, "displayfeedback", feedbacktype="Response", linkrefid=feedback)
    else:
        child(condition, "setvar", "100", action="Set", varname="SCORE")
    return variable


def _numbers(variable: Xml.Element, item: Item) -> None:
    """The correct number with the range around it."""
    either = child(variable, "or")
    child(either, "varequal", item.correct, respident=RESPONSE)
    between, value = child(either, "and"), Fraction(item.correct)
    child(between, "vargte", decimal(value - item.tolerance), respident=RESPONSE)
    child(between, "varlte", decimal(value + item.tolerance), respident=RESPONSE)


def _feedback(element: Xml.Element, ident: str, text: str, kind: str) -> None:
    material = child(child(child(element, "itemfeedback", ident=ident), "flow_mat"), "material")
    child(material, "mattext", text, texttype=kind)


def _manifest(ident: str) -> str:
    namespace = "http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1"
    root = Xml.Element("manifest", {"identifier": f"m{ident}", "xmlns": namespace})
    metadata = child(root, "metadata")
    child(metadata, "schema", "IMS Content")
    child(metadata, "schemaversion", "1.1.3")
    child(root, "organizations")
    resources = child(root, "resources")
    resource = child(resources, "resource", identifier=ident, type="imsqti_xmlv1p2")
    child(resource, "file", href=f"{ident}/{ident}.xml")
    return _document(root)
