"""Uploads have the structure that the importers of Canvas and Moodle read (cited in the modules that write it)."""

from __future__ import annotations

import io
import re
import zipfile
from fractions import Fraction
from itertools import chain
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from cnncli.homework.quiz.quiz import AnsweredPrompt, Course, Quiz, answered, draw
from cnncli.homework.quiz.topics.registry import TOPICS
from cnncli.homework.quiz.topics.wording import LEVELS
from cnncli.homework.quiz.uploads.gift import gift
from cnncli.homework.quiz.uploads.items import decimal, spellings
from cnncli.homework.quiz.uploads.moodle import moodle_xml
from cnncli.homework.quiz.uploads.qti import NAMESPACE, qti
from cnncli.homework.quiz.values import value_text

NS = f"{{{NAMESPACE}}}"
COURSE = Course(3, len(TOPICS), "medium", title="Week 3/4")


def prompts(quiz: Quiz) -> list[AnsweredPrompt]:
    return [*chain.from_iterable(answered(quiz))]


def variants() -> list[Quiz]:
    return [draw(COURSE._replace(length=3), student) for student in ("a", "b")]


def files(data: bytes) -> dict[str, Xml.Element]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: Xml.fromstring(archive.read(name)) for name in archive.namelist()}


def assessment(quizzes: list[Quiz]) -> Xml.Element:
    """The assessment that the manifest names, as the importer finds it."""
    found = files(qti(quizzes))
    (resource,) = (node for node in found["imsmanifest.xml"].iter() if node.tag.endswith("}resource"))
    (file,) = (node.get("href") for node in resource)
    assert resource.get("type") == "imsqti_xmlv1p2" and {*found} == {"imsmanifest.xml", file}
    return found[str(file)]


def canvas_answers(item: Xml.Element) -> list[Any]:
    """The correct answers of an item, by the rules of Canvas's converters."""
    kind = metadata(item)["question_type"]
    options = {
        node.get("ident"): node.findtext(f"{NS}material/{NS}mattext") for node in item.iter(f"{NS}response_label")
    }
    found: list[Any] = []
    for condition in item.iter(f"{NS}respcondition"):
        variable = condition.find(f"{NS}conditionvar")
        assert variable is not None
        either = variable.find(f"{NS}or")
        if kind == "numerical_question" and either is not None:
            exact = Fraction(str(either.findtext(f"{NS}varequal")))
            between = either.find(f"{NS}and")
            assert between is not None
            low, high = (Fraction(str(between.findtext(NS + tag))) for tag in ("vargte", "varlte"))
            assert exact - low == high - exact >= 0
            found.append((exact, high - exact))
        elif kind != "numerical_question" and condition.find(f"{NS}setvar") is not None:
            texts = [str(node.text) for node in variable.iter(f"{NS}varequal")]
            found += [options[text] for text in texts] if kind == "multiple_choice_question" else texts
    return found


def metadata(item: Xml.Element) -> dict[str, str]:
    fields = item.iter(f"{NS}qtimetadatafield")
    return {str(node.findtext(f"{NS}fieldlabel")): str(node.findtext(f"{NS}fieldentry")) for node in fields}


@pytest.mark.parametrize("level", LEVELS)
def test_canvas_finds_the_correct_answer_of_every_item(level: str) -> None:
    quiz = draw(COURSE._replace(level=level), "ann")
    items = [*assessment([quiz]).iter(f"{NS}item")]
    points = [question.points for question in quiz.questions for _ in question.prompts]
    for item, answer, worth in zip(items, prompts(quiz), points, strict=True):
        found, value = canvas_answers(item), answer.expected.value
        if isinstance(value, int | Fraction):
            tolerance = answer.prompt.stated.tolerance if answer.prompt.stated else 0
            ((exact, margin),) = found
            assert abs(exact - value) < Fraction(1, 10**6) and margin == tolerance
        elif isinstance(value, str):
            assert found == [value]
        else:
            assert value_text(value) in found
        assert metadata(item)["points_possible"] == str(worth)


def test_canvas_shows_the_solution_and_the_feedback_of_each_wrong_choice() -> None:
    items = [*assessment([draw(COURSE, "ann")]).iter(f"{NS}item")]
    for item in items:
        texts = {node.get("ident"): "".join(node.itertext()) for node in item.iter(f"{NS}itemfeedback")}
        shown = {node.get("linkrefid") for node in item.iter(f"{NS}displayfeedback")}
        assert "<strong>" in texts["general_fb"] and {*texts} == shown
        assert not any(re.search("wrong|correct|solution", str(name)) for name in texts), "these have another meaning"


def test_identifiers_differ_between_quizzes_and_are_the_same_for_the_same_quiz() -> None:
    one, other = variants()
    idents = [node.get("ident") for quiz in (one, other) for node in assessment([quiz]).iter(f"{NS}item")]
    assert len({*idents}) == len(idents)
    assert qti([one]) == qti([one]) != qti([other])


def test_each_question_is_a_group_of_its_variants_in_canvas() -> None:
    quizzes = variants()
    root = assessment(quizzes)
    groups = [node for node in root.iter(f"{NS}section") if node.get("ident") != "root_section"]
    assert len(groups) == len(prompts(quizzes[0]))
    for group in groups:
        assert [node.text for node in group.iter(f"{NS}selection_number")] == ["1"]
        (each,) = (str(node.text) for node in group.iter(f"{NS}points_per_item"))
        assert [metadata(item)["points_possible"] for item in group.iter(f"{NS}item")] == [each] * len(quizzes)


def test_moodle_gets_pools_in_categories_with_distinct_names() -> None:
    quizzes = variants()
    questions = [*Xml.fromstring(moodle_xml(quizzes)).iter("question")]
    paths = [node.findtext("category/text") for node in questions if node.get("type") == "category"]
    asked = [node for node in questions if node.get("type") != "category"]
    assert paths[0] == "$course$/top/Week 3//4" and len(paths) == 1 + len(prompts(quizzes[0]))
    assert all(str(path).startswith("$course$/top/Week 3//4") for path in paths)
    names = [node.findtext("name/text") for node in asked]
    assert len({*names}) == len(names) == 2 * len(prompts(quizzes[0]))
    assert [node.get("type") for node in questions[1:5]] == ["category", "numerical", "numerical", "category"]


@pytest.mark.parametrize("level", LEVELS)
def test_moodle_finds_one_correct_answer_with_its_tolerance_and_the_points(level: str) -> None:
    quiz = draw(COURSE._replace(level=level), "ann")
    questions = [node for node in Xml.fromstring(moodle_xml([quiz])).iter("question") if node.get("type") != "category"]
    points = [str(question.points) for question in quiz.questions for _ in question.prompts]
    assert [node.findtext("defaultgrade") for node in questions] == points
    for question, answer in zip(questions, prompts(quiz), strict=True):
        right = [node for node in question.iter("answer") if node.get("fraction") == "100"]
        texts, value = [str(node.findtext("text")) for node in right], answer.expected.value
        assert question.findtext("generalfeedback/text") and not question.findtext("questiontext/text", "").isspace()
        if question.get("type") == "numerical":
            (text,) = texts
            tolerance = answer.prompt.stated.tolerance if answer.prompt.stated else 0
            assert abs(Fraction(text) - value) < Fraction(1, 10**6) and "/" not in text
            assert Fraction(str(right[0].findtext("tolerance"))) == tolerance
        elif question.get("type") == "shortanswer":
            assert value_text(value) in texts and not any("*" in text for text in texts)
        else:
            assert texts == [value_text(value) if isinstance(value, tuple) else value]
            assert question.findtext("single") == "true" and len([*question.iter("answer")]) >= 3


def gift_blocks(text: str) -> list[str]:
    """The questions, each up to an empty line, without escapes of control characters."""
    return [block for block in text.strip().split("\n\n") if not block.startswith("$CATEGORY")]


def test_gift_has_the_correct_value_and_mistakes_for_all_others() -> None:
    quiz = draw(COURSE, "ann")
    blocks = gift_blocks(gift([quiz]))
    for block, answer in zip(blocks, prompts(quiz), strict=True):
        body = block[re.search(r"(?<!\\)\{", block).start() + 1 :]  # type: ignore[union-attr]
        assert len(re.findall(r"(?<!\\)\}", block)) == 1 and block.endswith("}"), "one answer section"
        right = re.findall(r"^  =(?!%0%)(.*?)(?::[\d.]+)?#Correct\.$", body, re.MULTILINE)
        value = answer.expected.value
        wanted = value_text(value) if isinstance(value, tuple) else value if isinstance(value, str) else decimal(value)
        assert [text.replace("\\", "") for text in right] == [wanted]


def test_gift_has_a_category_for_each_pool() -> None:
    text = gift(variants())
    categories = re.findall(r"^\$CATEGORY: (.*)$", text, re.MULTILINE)
    assert len(categories) == len({*categories}) == len(gift_blocks(text)) / 2
    names = re.findall(r"^::(.*?)::", text, re.MULTILINE)
    assert len({*names}) == len(names) and all(name.startswith("Week 3/4 q") for name in names)


def test_numbers_have_decimals_and_shapes_their_usual_spellings() -> None:
    assert [decimal(value) for value in (5, Fraction(7, 4), Fraction(-1, 3), Fraction(20, 2))] == [
        "5", "1.75", "-0.333333", "10",
    ]  # fmt: skip
    assert {"6x28x28", "(6, 28, 28)", "6 × 28 × 28", "6,28,28"} <= {*spellings((6, 28, 28))}
    assert {"1 2; 3 4", "1 2;3 4", "1, 2; 3, 4", "[[1, 2], [3, 4]]"} <= {*spellings((((1, 2), (3, 4)),))}
