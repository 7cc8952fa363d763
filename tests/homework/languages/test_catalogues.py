"""Catalogues are complete, and students read their language where the teacher reads English."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest
from messages import marked_messages
from program import Run

from cnncli.errors import CnnError
from cnncli.homework.answer_key.expected import is_remark
from cnncli.homework.answer_key.questions import empty_cache, expected_answer
from cnncli.homework.answer_key.sheet import Question, Sheet
from cnncli.homework.grading.grade import grade
from cnncli.homework.grading.key import read_key
from cnncli.homework.languages import catalogues, derivations
from cnncli.homework.languages.catalogues import ENGLISH, FORMS_OF_PLURAL, LANGUAGES, catalogue, parse_catalogue
from cnncli.homework.languages.messages import current_language, localized, plural, speaking, text
from cnncli.homework.quiz import sheets
from cnncli.homework.quiz.documents import HTML, write_document
from cnncli.homework.quiz.options import phrase, wrong_options
from cnncli.homework.quiz.question import DrawnLayers
from cnncli.homework.quiz.quiz import Course, answered, draw
from cnncli.homework.quiz.topics.registry import TOPICS
from cnncli.homework.quiz.topics.wording import LEVELS
from cnncli.homework.submissions.reading import read_sheet
from cnncli.loading import load

TRANSLATED = [language for language in LANGUAGES if language != ENGLISH]
KEY = "architecture: lenet5\nlanguage: de\nquestions: {c1.params: 2, c1.shape: 1}\n"
SHEET = "student: ann\narchitecture: lenet5\nanswers:\n  c1.params: 150\n  c1.shape: 28x28x6\n"


def placeholders(template: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(template) if name is not None)


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_has_every_message_of_the_code_and_no_other(language: str) -> None:
    assert {*catalogue(language)} == {*marked_messages()}


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_placeholders_of_its_message(language: str) -> None:
    plurals = marked_messages()
    for message, forms in catalogue(language).items():
        assert len(forms) == (FORMS_OF_PLURAL[language] if plurals[message] else 1), message
        for form in forms:
            assert form.strip(), message
            own = [name for name in placeholders(message) if name != "article"]  # of English alone
            assert [*dict.fromkeys(placeholders(form))] == [*dict.fromkeys(own)], message


@pytest.mark.parametrize("language", TRANSLATED)
def test_code_and_symbols_stay_as_they_are(language: str) -> None:
    for message, forms in catalogue(language).items():
        for piece in message.split("`")[1::2]:
            assert all(f"`{piece}`" in form for form in forms), message


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_is_read_as_the_format_says(language: str) -> None:
    """Quotes, escapes, comments, and texts over several lines, as in the manual of GNU gettext."""
    written = 'msgid ""\nmsgstr "Language: x\\n"\n\n#: a.py\nmsgid "a \\"b\\"\\n"\n"c"\nmsgstr "A"\n"B"\n'
    assert parse_catalogue(written) == {'a "b"\nc': ("AB",)}
    own = Path(catalogues.__file__).with_name(f"{language}.po").read_text("utf-8")
    assert own.startswith(f'msgid ""\nmsgstr ""\n"Language: {language}\\n"')
    with pytest.raises(ValueError, match="not a line"):
        parse_catalogue("msgid 'a'")


def test_the_number_chooses_the_form() -> None:
    told = [plural("{count} position", "{count} positions", count) for count in (0, 1, 2)]
    with speaking("de"):
        assert [localized(message) for message in told] == ["0 Positionen", "1 Position", "2 Positionen"]
    with speaking("ko"):
        assert [localized(message) for message in told] == ["위치 0개", "위치 1개", "위치 2개"]
    assert told == ["0 positions", "1 position", "2 positions"]


def test_a_message_is_its_english_text_and_a_block_ends_its_language() -> None:
    message = text("likely: {mistakes}", mistakes=text("forgot the biases"))
    assert message == "likely: forgot the biases"
    with pytest.raises(RuntimeError), speaking("de"):
        assert localized(message) == "wahrscheinlich: die Bias-Werte vergessen"
        raise RuntimeError
    assert current_language() == ENGLISH
    assert localized(message) == str(message)
    with pytest.raises(CnnError, match="unknown language 'klingon'"), speaking("klingon"):
        pass


def test_every_remark_of_a_derivation_is_translated() -> None:
    """Of all quantities of layers of several kinds: no remark in parentheses is English in another language."""
    seen = 0
    for name in ("lenet5", "googlenet", "unet"):
        sheet = Sheet("", load(name), ())
        assert sheet.loaded is not None
        for layer in [*sheet.loaded.inferred.layers][:24]:
            for quantity in ("shape", "params", "receptive_field", "rf_offset"):
                derivation = expected_answer(sheet, Question(f"{layer}.{quantity}", "", {}), empty_cache()).derivation
                for line in filter(is_remark, derivation):
                    with speaking("ko"):
                        assert derivations.localized_line(line) != line, line
                    seen += 1
    assert seen > 50


def test_a_student_reads_the_language_of_the_key_and_the_teacher_english(cnn: Run, tmp_path: Path) -> None:
    (tmp_path / "key.yaml").write_text(KEY)
    (tmp_path / "ann.yaml").write_text(SHEET)
    table = cnn("grade", f"{tmp_path}/key.yaml", f"{tmp_path}/ann.yaml", "-o", f"{tmp_path}/out")
    assert "forgot the biases" in table.out
    page = (tmp_path / "out/feedback/ann.html").read_text()
    assert '<html lang="de">' in page
    assert all(part in page for part in ("1 von 3 Punkten", "die Bias-Werte vergessen", "<caption>Ihre Antworten"))
    assert "richtige Antwort: 156" in (tmp_path / "out/feedback/ann.md").read_text()
    assert "falsch: 150" in (tmp_path / "out/gradescope/ann.json").read_text()
    cnn("grade", f"{tmp_path}/key.yaml", f"{tmp_path}/ann.yaml", "-o", f"{tmp_path}/out", "--lang", "pt")
    assert "esqueceu os vieses" in (tmp_path / "out/feedback/ann.md").read_text()


def test_check_speaks_the_language_that_is_asked(cnn: Run, tmp_path: Path) -> None:
    (tmp_path / "ann.yaml").write_text(SHEET)
    told = cnn("check", f"{tmp_path}/ann.yaml", "--lang", "ko").out
    assert "편향을 빠뜨림" in told
    assert "2개 중 1개 정답" in told
    assert "forgot the biases" in cnn("check", f"{tmp_path}/ann.yaml", "--lang", "en").out


def is_korean(line: str) -> bool:
    return any("가" <= char <= "힣" for char in line)


@pytest.mark.parametrize("level", LEVELS)
def test_no_sentence_of_a_quiz_stays_english(level: str) -> None:
    with speaking("ko"):
        quiz = draw(Course(5, 2 * len(TOPICS), level))
        for question, answers in zip(quiz.questions, answered(quiz), strict=True):
            for part in question.parts:
                lines = part.lines if isinstance(part, DrawnLayers) else (part,) if isinstance(part, str) else ()
                assert all(is_korean(line) for line in lines if " " in line), lines
            for answer in answers:
                told = [answer.prompt.request, answer.prompt.label, *map(phrase, dict(wrong_options(answer, most=20)))]
                assert all(map(is_korean, told)), told
        page = write_document(quiz, HTML, solutions=True)
    assert '<html lang="ko">' in page
    shown = re.sub("<[^>]*>", " ", page[page.index("<main") :])
    assert not re.findall(r"(?<![-\w.;\"])(?:not|channel|output|correct|padding)(?![-\w=])", shown)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_quiz_is_the_same_in_every_language_and_its_answers_earn_all_points(language: str, tmp_path: Path) -> None:
    course = Course(3, len(TOPICS), "medium")
    with speaking(language):
        quiz = draw(course, "ann")
        texts = {"key": sheets.key(quiz), "answers": sheets.sheet(quiz, filled=True)}
    for name, content in texts.items():
        (tmp_path / f"{name}.yaml").write_text(content, "utf-8")
    key = read_key(str(tmp_path / "key.yaml"))
    assert key.language == ("" if language == ENGLISH else language)
    graded = grade(key, "answers.yaml", read_sheet(str(tmp_path / "answers.yaml"), network=False), empty_cache())
    assert graded.points == key.out_of
    assert [q.prompts[0].name for q in quiz.questions] == [q.prompts[0].name for q in draw(course, "ann").questions]
