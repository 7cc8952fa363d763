"""What a student writes is read as written, or told: sheets in every form, encoding and with every defect."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import process_time
from xml.sax.saxutils import escape

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cnncli.errors import CnnError
from cnncli.homework.answer_key.sheet import Sheet
from cnncli.homework.grading.question_matching import asked_names
from cnncli.homework.submissions.drafts import without_duplicates
from cnncli.homework.submissions.encodings import decoded
from cnncli.homework.submissions.files import document_of
from cnncli.homework.submissions.reading import NOTES_LIMIT, read_sheet, sheet_in

GENERATE = (Phase.generate,)  # a failing example is small enough
some = settings(max_examples=30, deadline=None, derandomize=True, database=None, phases=GENERATE)
Answers = dict[str, str]
NAMESPACES = 'xmlns:w="w" xmlns:m="m"'


def read(data: bytes | str, name: str = "sheet.yaml") -> Sheet:
    return sheet_in(document_of(name, data.encode() if isinstance(data, str) else data), network=False)


def answers_of(sheet: Sheet) -> Answers:
    return {question.name: question.given for question in sheet.questions}


def word(paragraphs: list[str], more: str = "") -> bytes:
    body = "".join(f"<w:p><w:r><w:t>{escape(text)}</w:t></w:r></w:p>" for text in paragraphs)
    return docx(f"<w:body>{body}{more}</w:body>")


def docx(body: str, prolog: str = "") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "word/document.xml", f'<?xml version="1.0"?>{prolog}<w:document {NAMESPACES}>{body}</w:document>'
        )
    return file.getvalue()


def notebook(*cells: tuple[str, str, list[str]]) -> bytes:
    made = [{"cell_type": kind, "source": text.splitlines(keepends=True), "metadata": {"tags": tags}, "outputs": []}
            for kind, text, tags in cells]  # fmt: skip
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made}).encode()


def lines(answers: Answers, separator: str = ": ", before: str = "") -> list[str]:
    return [f"{before}{name}{separator}{value}" for name, value in answers.items()]


def sheet_text(answers: Answers, separator: str = ": ", before: str = "  ") -> str:
    return "\n".join(["student: Ann", "answers:", *lines(answers, separator, before)]) + "\n"


ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "cp949", "gbk", "cp1252")
FORMS: dict[str, Callable[[Answers], tuple[str, bytes]]] = {
    "yaml": lambda answers: ("s.yaml", sheet_text(answers).encode()),
    "braces": lambda answers: ("s.yaml", f"student: Ann\nanswers: {{{', '.join(lines(answers))}}}\n".encode()),
    "list": lambda answers: ("s.yaml", sheet_text(answers, before="  - ").encode()),
    "without a space": lambda answers: ("s.yaml", sheet_text(answers, ":").encode()),
    "no-break spaces": lambda answers: ("s.yaml", sheet_text(answers, ":\u00a0", "\u00a0\u00a0").encode()),
    "tabs": lambda answers: ("s.yaml", sheet_text(answers, ":\t", "\t").encode()),
    "uneven": lambda answers: ("s.yaml", sheet_text(answers).replace("  b.", "   b.").encode()),
    "full width": lambda answers: ("s.yaml", sheet_text(answers, "：").encode()),
    "Windows": lambda answers: ("s.yaml", sheet_text(answers).replace("\n", "\r\n").encode()),
    "old Macintosh": lambda answers: ("s.yaml", sheet_text(answers).replace("\n", "\r").encode()),
    "case": lambda answers: ("s.yaml", sheet_text(answers).replace("answ", "Answ").replace("stu", "Stu").encode()),
    "a slip in the heading": lambda answers: ("s.yaml", sheet_text(answers).replace("answers", "anwsers").encode()),
    "text": lambda answers: ("s.txt", "\n".join(["Name: Ann", *lines(answers, " = ")]).encode()),
    "bullets": lambda answers: ("s.txt", "\n".join(["Student: Ann", *lines(answers, before="• ")]).encode()),
    "Word": lambda answers: ("s.docx", word(["Student: Ann", *lines(answers)])),
    "Word table": lambda answers: ("s.docx", word(["Student: Ann"], table(answers))),
    "tagged cell": lambda answers: ("s.ipynb", notebook(("raw", sheet_text(answers), ["answers"]))),
    "Python cell": lambda answers: ("s.ipynb", notebook(("code", python(answers), ["Answers"]))),
    "cell by cell": lambda answers: ("s.ipynb", notebook(
        ("raw", "student: Ann", ["answers"]), *(("raw", text, [f"answer:{name}"]) for name, text in answers.items()))),
    "fenced block": lambda answers: ("s.ipynb", notebook(
        ("code", "print('c1.params: 7')", []), ("markdown", f"Text\n```answers\n{sheet_text(answers)}```\nc: 1", []))),
    "web page": lambda answers: ("s.html", ("<p>student: Ann</p>" + "<br>".join(map(escape, lines(answers)))).encode()),
    **{encoding: lambda answers, encoding=encoding: ("s.yaml", sheet_text(answers).encode(encoding))  # type: ignore[misc]
       for encoding in ENCODINGS},
}  # fmt: skip


def table(answers: Answers) -> str:
    rows = "".join(
        f"<w:tr><w:tc><w:p><w:r><w:t>{name}</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>{escape(value)}</w:t></w:r></w:p></w:tc></w:tr>"
        for name, value in answers.items()
    )
    return f"<w:tbl>{rows}</w:tbl>"


def python(answers: Answers) -> str:
    return (
        "student = 'Ann'\nanswers = {\n"
        + "".join(f'    "{name}": "{value}",\n' for name, value in answers.items())
        + "}"
    )


names = st.builds("{}.{}".format, st.sampled_from("ab") | st.sampled_from(["conv1", "c1", "stage2.conv"]),
                  st.sampled_from(["params", "shape", "macs", "receptive field"]))  # fmt: skip
values = st.one_of(
    st.integers(0, 10**7).map(str),
    st.lists(st.integers(1, 512).map(str), min_size=2, max_size=4).map("x".join),
    st.lists(st.integers(1, 512).map(str), min_size=2, max_size=3).map(lambda sizes: f"({', '.join(sizes)})"),
    st.lists(st.builds("{} {}".format, st.integers(-9, 40), st.integers(0, 9)), min_size=2, max_size=3).map("; ".join),
    st.sampled_from(["does not fit", "5*5*3+1", "(28-5)/1+1", "2,416", "61.7K", "1 million", "5×5×3"]),
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=5, deadline=None, derandomize=True, database=None, phases=GENERATE)
@given(answers=st.dictionaries(names, values, min_size=1, max_size=6))
def test_answers_are_read_as_written_in_every_form(form: str, answers: Answers) -> None:
    name, data = FORMS[form](answers)
    sheet = read(data, name)
    assert answers_of(sheet) == answers
    assert sheet.student == "Ann" and not any(note.is_lost for note in sheet.notes)


DEFECTS = [
    *("dunno", "c9.params 5", "? what", "- ", "x: 'open", 'y: "open', "{", "}", "z:1", "\tw: 2", "---", "a: b: c"),
    *(
        "@",
        "*x",
        "&x",
        "%",
        "x: [1",
        "=",
        "::",
        "#",
        "-",
        "1) 5",
        "v: {1, 2}",
        "u: |",
        "  s: >",
        "!t",
        "| |",
        "\x01\x02",
    ),
    *("😀", "m: *k"),
]


@some
@given(
    st.dictionaries(names, values, min_size=1, max_size=5), st.lists(st.sampled_from(DEFECTS), max_size=3), st.data()
)
def test_defects_void_no_other_line_and_are_answers_or_notes(
    answers: Answers, defects: list[str], data: st.DataObject
) -> None:
    written = lines(answers, before="  ")
    for defect in defects:
        written.insert(data.draw(st.integers(0, len(written))), defect)
    sheet = read("\n".join(["answers:", *written]))
    found = answers_of(sheet)
    told = " ".join(map(str, sheet.notes))
    for name, value in answers.items():
        at = next(at for at, line in enumerate(written) if line.startswith(f"  {name}: "))
        continued = "\n".join(written[at + 1 :])
        assert (
            found.get(name) == value
            or name in told
            or (found[name].startswith(value) and found[name][len(value) :].strip() in continued)
        )
    everything = told + " ".join(f"{name} {value}" for name, value in found.items())
    for defect in defects:
        assert all(part in everything for part in defect.split() if part.isalnum()), (defect, sheet)


@pytest.mark.parametrize("result", ["30, 10; 7, 16", "1, 1; 1, 1", "[1, 2], [3, 4]", "30", " 30"])
@pytest.mark.parametrize("space", ["", " "])
def test_braces_do_not_cut_an_answer(result: str, space: str) -> None:
    fields = f"input: 0 1 2, 3 4 5, kernel:{space}'1 1', result:{space}{result}"
    (question,) = read(f"answers:\n  convolve q1: {{{fields}}}\n").questions
    assert (question.name, question.given) == ("convolve q1", result.strip())
    assert question.fields == {"input": "0 1 2, 3 4 5", "kernel": "1 1"}
    (question,) = read(f"answers:\n  q1: {{{result}}}\n").questions
    assert (question.given, question.fields) == (result.strip(), {})


@pytest.mark.parametrize(
    ("text", "name", "given", "fields"),
    [
        ("q6: {output: 2}", "q6", "2", {}),
        ("q6: {padding: 1}", "q6", "1", {}),
        ("q6: {Output: 2, Input: 7, Kernel: 3}", "solve q6", "2", {"input": "7", "kernel": "3"}),
        ("solve q: {input: 9, output: 9, find: padding, padding:1}", "solve q", "1",
         {"input": "9", "output": "9", "find": "padding"}),
        ("c1: {params: 156}", "c1.params", "156", {}),
        ("q: {ouput: 2}", "q.ouput", "2", {}),
        ("q:\n    19 25\n    37 44", "q", "19 25\n    37 44", {}),
        ("q: &156", "q", "&156", {}),
        ("q: '19 25; 37 44", "q", "19 25; 37 44", {}),
        ("q: {{1,2},{3,4}}", "q", "{{1,2},{3,4}}", {}),
        ("q: @6x28x28", "q", "@6x28x28", {}),
        ("q: 5: 3", "q", "5: 3", {}),
        ("q:\n19 25\n37 44", "q", "19 25\n37 44", {}),
        ("q: [1 2\n  3 4]", "q", "[1 2\n  3 4]", {}),
        ("name: ReLU", "name", "ReLU", {}),
        ("why: |\n    Because: it is\n    so", "why", "Because: it is\nso\n", {}),
    ],
)  # fmt: skip
def test_what_yaml_would_refuse_or_cut_is_read_whole(text: str, name: str, given: str, fields: Answers) -> None:
    (question,) = read(f"answers:\n  {text}\n").questions
    assert (question.name, question.given, question.fields) == (name, given, fields)


def test_a_question_may_have_the_name_of_an_entry_and_a_text_a_colon() -> None:
    for text in ("student: Ann\nanswers:\n  name: ReLU\n  c1.params:156\n  why: |\n    Because: it is\n    so\n",
                 "student: Ann\nname: ReLU\nc1.params: 156\nwhy: |\n  Because: it is\n  so\n"):  # fmt: skip
        sheet = read(text)
        assert sheet.student == "Ann" and [*answers_of(sheet)] == ["name", "c1.params", "why"]
        assert answers_of(sheet)["why"].strip() == "Because: it is\nso" and answers_of(sheet)["name"] == "ReLU"


ASKED = [("c1.shape",), ("layer",), ("why",), ("total.params",), ("name",), ("q6", "solve q6")]


@pytest.mark.parametrize("line", ["C=6, H=28, W=28", "b) convolution", "dL/db = sum", "Y = [[19, 25], [37, 43]]",
                                  "4/6 = 2/3", "x) and z)", "C: 6", "P=117600"])  # fmt: skip
def test_a_line_below_a_question_is_its_answer_unless_it_is_a_question(line: str) -> None:
    def under_key(text: str) -> Answers:
        return answers_of(sheet_in(document_of("a.txt", text.encode()), network=False, asked=asked_names(ASKED)))

    for heading in ("answers:\n", ""):
        found = under_key(f"{heading}why:\n{line}\nc1.shape:\ntotal.parms: 5\nlayer:\nQuestion 6: 2\n")
        assert found == {"why": line, "c1.shape": "", "total.parms": "5", "layer": "", "Question 6": "2"}
    found = under_key(f"why:\nfirst\n{line}\nlast\n\nlayer: 1\ntotal.params:\nAnswer: 61706\n")
    assert found == {"why": f"first\n{line}\nlast", "layer": "1", "total.params": "61706"}


@pytest.mark.parametrize("text", ["**why**: 156", "**why:** 156", "* __why__: 156", "`why`: 156", "> why: 156",
                                  "- why: 156", "**why**\n156", "## why\n\n156",
                                  "| question | answer |\n|---|---|\n| why | 156 |",
                                  "| Frage | Antwort |\n| `why` | 156"])  # fmt: skip
def test_markdown_is_read_as_a_sheet(text: str) -> None:
    sheet = sheet_in(document_of("a.md", f"student: s1\n{text}\n".encode()), network=False, asked=asked_names(ASKED))
    assert (sheet.student, answers_of(sheet), sheet.notes) == ("s1", {"why": "156"}, ())


@pytest.mark.parametrize("line", ["C=6, H=28, W=28", "4/6 = 2/3", "Answer: 28"])
def test_without_a_key_what_cannot_be_a_question_is_the_answer_above_it(line: str) -> None:
    found = answers_of(read(f"c1.shape:\n{line}\nc1.params: 156\n", "a.txt"))
    assert found == {"c1.shape": line.removeprefix("Answer: "), "c1.params": "156"}


def test_a_name_below_the_answers_is_a_question_and_above_them_the_student() -> None:
    for ending in ("yaml", "txt"):
        sheet = read("student: s1\nAnswers:\nNAME: ReLU\nc1.params: 156\n", f"a.{ending}")
        assert (sheet.student, answers_of(sheet)) == ("s1", {"NAME": "ReLU", "c1.params": "156"})
        sheet = read("name: Ann\nc1.params: 156\nNAME: ReLU\n", f"a.{ending}")
        assert (sheet.student, answers_of(sheet)) == ("Ann", {"NAME": "ReLU", "c1.params": "156"})
    sheet = read("student: s1\nname: Ann\nanswers:\n  c1.params: 156\n")
    assert (sheet.student, answers_of(sheet)) == ("s1", {"c1.params": "156"})


@pytest.mark.parametrize("answers", ['"q8":28,"q8":30,"Q8":32', '"q8": 28, "q8": 30, "c1.shape": [6, 28, 28]'])
@pytest.mark.parametrize(
    "text", ['{{"student":"Eve","answers":{{{}}}}}', '{{"student": "Eve",\n "answers": {{{}}}}}', "answers: {{{}}}"]
)
def test_a_slip_in_braces_costs_no_other_answer(text: str, answers: str) -> None:
    sheet = read(text.format(answers))
    given = [(question.name, question.given) for question in sheet.questions]
    assert given[:2] == [("q8", "28"), ("q8", "30")]
    assert given[2:] == [("Q8", "32") if "Q8" in answers else ("c1.shape", "[6, 28, 28]")]
    assert sheet.student == ("Eve" if "Eve" in text else "")


def test_a_slip_in_braces_leaves_the_network() -> None:
    text = '{"student": "Miller, Eve", "architecture": "lenet5", '
    text += '"conventions": {"bias": "not counted"}, "answers": {"a": 1, "a": 2, "b": 3}}'
    sheet = sheet_in(document_of("sheet.txt", text.encode()))
    assert sheet.student == "Miller, Eve" and len(sheet.questions) == 3
    lines = '{\n "architecture": "lenet5",\n "answers": {\n  "a.params": 1,\n  "a.params": 2\n }\n}'
    in_lines = sheet_in(document_of("sheet.yaml", lines.encode()))
    assert in_lines.loaded is not None and [question.given for question in in_lines.questions] == ["1", "2"]
    assert sheet.loaded is not None and sheet.loaded.slug == "lenet5" and sheet.conventions[0].bias == "not counted"


def test_each_line_that_does_not_count_is_told_with_its_line() -> None:
    sheet = read(
        "student: Ann\nanswers:\n  a.params: 5\n  nonsense here\n  b.params: #156\n  a.params: 6\n  c.params:7\n"
    )
    counting, duplicates = without_duplicates(sheet.questions)
    assert {question.name: question.given for question in counting} == {"b.params": "", "c.params": "7"}
    assert [str(note) for note in (*sheet.notes, *duplicates) if note.is_lost] == [
        "line 4: not read: `nonsense here`; write question: answer",
        "line 5: b.params has no answer: `#156` is a comment; remove the #",
        "a.params has two answers, 5 in line 3 and 6 in line 6: neither counts; keep one",
    ]
    assert "is a comment" in read("answers:\n  b.params: #156\n").notes[0].text
    many = read("answers:\n  a: 1\n" + "lost\n" * 500)
    assert len(many.notes) == NOTES_LIMIT + 1 and many.notes[-1].is_lost
    with pytest.raises(CnnError, match="no answers"):
        read("student: Ann\nanswers:\n")


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp949", "학생: 김철수"), ("cp949", "student: 박지성"), ("gbk", "学生: 李明"), ("gbk", "姓名: 王伟"),
        ("cp1252", "student: Jürgen Müller"), ("cp1252", "João Gonçalves"), ("cp1252", "5×5²·3"),
        ("latin-1", "Zoë Núñez"),
        ("cp932", "学生：たなか"), ("utf-16-le", "학생: 김철수, q: 1"), ("utf-16-be", "q: 1"),
        ("utf-8", "학생: 李明 Müller"),
    ],
)  # fmt: skip
def test_names_are_read_in_their_encoding(encoding: str, text: str) -> None:
    assert decoded(text.encode(encoding)).text == text


def test_rows_of_a_matrix_in_a_cell_of_word_stay_rows_and_empty_cells_are_blank() -> None:
    def paragraphs(*texts: str) -> str:
        return "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in texts)

    def table(*rows: tuple[str, ...]) -> str:
        cells = ("".join(f"<w:tc>{cell}</w:tc>" for cell in row) for row in rows)
        return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"

    broken = "<w:p><w:r><w:t>1 2</w:t><w:br/><w:t>3 4</w:t></w:r></w:p>"
    nested = table((paragraphs("1"), paragraphs("2")), (paragraphs("3"), paragraphs("4"))) + paragraphs("")
    for matrix in (paragraphs("1 2", "3 4"), broken, nested):
        rows = [("Question", "Answer"), ("q7", ""), ("why", ""), ("a.b", "x: y"), ("c1.shape", "1")]
        cells = [(paragraphs(one), paragraphs(*other.split(": "))) for one, other in rows]
        cells[1] = (paragraphs("q7"), matrix)
        document = document_of("a.docx", docx(f"<w:body>{table(*cells)}</w:body>"))
        sheet = sheet_in(document, network=False, asked=asked_names([*ASKED, ("q7",)]))
        assert answers_of(sheet) == {"q7": "1 2\n3 4", "why": "", "a.b": "x y", "c1.shape": "1"} and not sheet.notes


def test_powers_and_fractions_of_word_are_not_joined_to_other_numbers() -> None:
    raised = '<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:t>2</w:t></w:r>'
    power = f"<w:p><w:r><w:t>q: 5</w:t></w:r>{raised}</w:p>"
    over = "<m:num><m:r><m:t>7</m:t></m:r></m:num><m:den><m:r><m:t>3</m:t></m:r></m:den>"
    fraction = f"<w:p><w:r><w:t>r: </w:t></w:r><m:oMath><m:f>{over}</m:f></m:oMath></w:p>"
    deleted = "<w:p><w:r><w:t>s: 1</w:t></w:r><w:del><w:r><w:delText>2</w:delText></w:r></w:del></w:p>"
    picture = "<w:p><w:r><w:drawing/></w:r></w:p>"
    sheet = read(docx(f"<w:body>{power}{fraction}{deleted}{picture}</w:body>"), "s.docx")
    assert answers_of(sheet) == {"q": "5^(2)", "r": "(7)/(3)", "s": "1"}
    assert [note.text for note in sheet.notes if note.is_lost] == ["a picture in the document was not read"]


BOMB = "<!DOCTYPE b [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;'>]>"


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(17 << 20))
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (docx("<w:body><w:p><w:t>&b;</w:t></w:p></w:body>", BOMB), "s.docx", "document type"),
        (bomb(), "s.docx", "larger than 16 MiB"),
        (word(["q: 1"])[:90], "s.docx", "damaged"),
        (b"PK\x03\x04", "s.zip", "damaged"),
        (b'{"nbformat": 4, "cells": ' + b"[" * 100_000, "s.ipynb", "damaged Jupyter notebook"),
        (b'{"nbformat": 4, "cells": 5}', "s.ipynb", "not a Jupyter notebook"),
        (notebook(("code", "answers: 5", [])), "s.ipynb", "no cell with answers"),
        (b"%PDF-1.7", "s.pdf", "a PDF document"),
        (b"\xd0\xcf\x11\xe0 old", "s.doc", "old version of Word"),
        (bytes(range(256)) * 9, "s.yaml", "not a text"),
        (b"", "s.yaml", "the sheet is empty"),
        (b"\xef\xbb\xbf \n", "s.txt", "the sheet is empty"),
        (b"a" * (1 << 20) + b"\n", "s.yaml", "larger than 1 MiB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # the bytes of an archive contain the time
)  # fmt: skip
def test_what_cannot_be_a_sheet_is_refused_with_the_reason(data: bytes, name: str, said: str) -> None:
    with pytest.raises(CnnError, match=said):
        read(data, name)


@pytest.mark.parametrize("text", ["q: (\n", "a", "{", "a:\n", "- ", "\n a.b", "[ ", "q: '", "\n\ta.b ", "\t"])
def test_the_time_for_a_hostile_text_grows_with_its_length_alone(text: str) -> None:
    before = process_time()
    with suppress(CnnError):
        read(f"answers:\n{text * (60_000 // len(text))}")
    assert process_time() - before < 2  # seconds; a quadratic reader takes minutes


@pytest.mark.parametrize("head", ["locale: de", "architecture: lenet5", "student: Ann", "conventions: {bias: counted}"])
def test_answers_in_a_list_are_read_below_any_entry_of_the_sheet(tmp_path: Path, head: str) -> None:
    path = tmp_path / "sheet.md"
    path.write_text(f"student: Ann\n{head}\n\n- c1.shape: 6x28x28\n- c1.params: 156\n")
    sheet = read_sheet(str(path), network=False)
    assert [(question.name, question.given) for question in sheet.questions] == [
        ("c1.shape", "6x28x28"), ("c1.params", "156"),
    ]  # fmt: skip
