"""A quiz, and its solutions, as documents to print: Markdown, LaTeX and HTML."""

from __future__ import annotations

from collections.abc import Callable
from string import ascii_lowercase
from typing import NamedTuple

from cnncli.homework.answer_key.expected import equations
from cnncli.homework.languages.derivations import localized_answer, localized_line
from cnncli.homework.languages.messages import current_language, localized, plural, translated
from cnncli.homework.pages.derivation import derivation_html
from cnncli.homework.pages.html_page import page, words
from cnncli.homework.pages.window_strip import window_strip
from cnncli.homework.quiz.options import phrase, wrong_options
from cnncli.homework.quiz.question import DrawnLayers, Matrix, Part, QuizQuestion, Table
from cnncli.homework.quiz.quiz import AnsweredPrompt, Quiz, answered
from cnncli.io.escaping import html as escape
from cnncli.io.escaping import latex as tex
from cnncli.io.escaping import markdown

PITFALLS = 3  # typical mistakes that a solution names


class DocumentFormat(NamedTuple):
    """The writers of a part of a question, a blank for an answer, a solution, the document, and a question."""

    part: Callable[[Part], str]
    blank: Callable[[AnsweredPrompt], str]
    solution: Callable[[AnsweredPrompt], str]
    document: Callable[[Quiz, list[str]], str]
    question: Callable[[QuizQuestion, str], str]


def write_document(quiz: Quiz, form: DocumentFormat, *, solutions: bool = False) -> str:
    """The document with blanks for the answers, or with the solutions."""
    written = []
    for question, answers in zip(quiz.questions, answered(quiz), strict=True):
        parts = "\n".join(map(form.part, question.parts))
        lines = "\n".join(map(form.solution if solutions else form.blank, answers))
        written.append(form.question(question, f"{parts}\n{lines}"))
    return form.document(quiz, written)


def heading(quiz: Quiz) -> str:
    """The title, and the student."""
    return f"{quiz.title}: {quiz.student}" if quiz.student else quiz.title


def derivation_line(answer: AnsweredPrompt) -> str:
    """The derivation of the expected answer on one line."""
    return "; ".join(map(localized_line, equations(answer.expected.derivation)))


def pitfalls(answer: AnsweredPrompt) -> list[str]:
    """The answers that typical mistakes give: ``11: ignored the dilation``."""
    return [f"{value}: {phrase(name)}" for name, value in wrong_options(answer)[:PITFALLS]]


def _not(lines: list[str]) -> list[str]:
    return [translated("not {answer}", answer=line) for line in lines]


def choices(answer: AnsweredPrompt) -> list[str]:
    """The options of a prompt that has some: ``a) conv1``."""
    stated = answer.prompt.stated
    return [
        f"{letter}) {text}" for letter, text in zip(ascii_lowercase, stated.choices if stated else (), strict=False)
    ]


def points_text(question: QuizQuestion) -> str:
    """The points of a question: ``2 points``."""
    points = question.points * len(question.prompts)
    return str(localized(plural("{number} point", "{number} points", points, number=points)))


# Markdown ---------------------------------------------------------------------------------------------------------


def _md_part(part: Part) -> str:
    if isinstance(part, str):
        return f"{part}\n"
    if isinstance(part, DrawnLayers):
        return "".join(f"- {line}\n" for line in part.lines)
    if isinstance(part, Table):
        lines = [part.headings, tuple("---" for _ in part.headings), *part.rows]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return "```\n" + "\n".join(_rows(part)) + "\n```\n"


def _rows(matrix: Matrix) -> list[str]:
    """Aligned rows, with the name before the first."""
    width = max(len(cell) for channel in matrix.channels for row in channel for cell in row)
    lines = []
    for at, channel in enumerate(matrix.channels, 1):
        name = f"{_channel(matrix, at)} = "
        for number, row in enumerate(channel):
            start = name if number == 0 else " " * len(name)
            lines.append(start + "  ".join(cell.rjust(width) for cell in row))
    return lines


def _channel(matrix: Matrix, number: int) -> str:
    """The name of a channel of a matrix."""
    if len(matrix.channels) == 1:
        return matrix.name
    return translated("{matrix} (channel {number})", matrix=matrix.name, number=number)


def _md_request(answer: AnsweredPrompt, given: str) -> str:
    options = "".join(f"- {option}\n" for option in choices(answer))
    return f"{answer.prompt.request} {given}\n" + (f"\n{options}" if options else "")


def _md_solution(answer: AnsweredPrompt) -> str:
    lines = [
        _md_request(answer, f"**{localized_answer(answer.expected.text)}**"),
        *(f"    {localized_line(line)}" for line in equations(answer.expected.derivation)),
        "",
    ]
    return "\n".join([*lines, *(f"- {line}" for line in _not(pitfalls(answer))), ""])


MARKDOWN = DocumentFormat(
    _md_part,
    lambda answer: _md_request(answer, "____________"),
    _md_solution,
    lambda quiz, questions: f"# {markdown(heading(quiz))}\n\n" + "\n".join(questions),
    lambda question, text: f"## {question.name} ({points_text(question)})\n\n{text}",
)


# HTML -------------------------------------------------------------------------------------------------------------


def _html_part(part: Part) -> str:
    if isinstance(part, str):
        return f"<p>{escape(part)}</p>"
    if isinstance(part, DrawnLayers):
        return "<ol>" + "".join(f"<li>{escape(line)}</li>" for line in part.lines) + "</ol>"
    if isinstance(part, Table):
        return _html_table(part)
    tables = []
    for at, channel in enumerate(part.channels, 1):
        name = _channel(part, at)
        rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in channel)
        tables.append(f'<p>{escape(name)} =</p><table class="matrix">{rows}</table>')
    return "".join(tables)


def _html_table(table: Table) -> str:
    style = 'style="padding: .1rem 1.5rem .1rem 0; text-align: left"'  # platforms have no style sheet of ours
    head = "".join(f'<th scope="col" {style}>{escape(text)}</th>' for text in table.headings)
    cells = ("".join(f"<td {style}>{escape(cell)}</td>" for cell in row) for row in table.rows)
    rows = "".join(f"<tr>{row}</tr>" for row in cells)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _html_request(answer: AnsweredPrompt, given: str) -> str:
    options = "".join(f"<li>{escape(option)}</li>" for option in choices(answer))
    listed = f'<ul style="list-style: none">{options}</ul>' if options else ""
    return f"<p>{escape(answer.prompt.request)} {given}</p>{listed}"


def _html_solution(answer: AnsweredPrompt) -> str:
    wrong = "".join(f"<li>{words(line)}</li>" for line in _not(pitfalls(answer)))
    listed = f"<ul>{wrong}</ul>" if wrong else ""
    request = _html_request(answer, f"<strong>{escape(localized_answer(answer.expected.text))}</strong>")
    pictures = "".join(window_strip(size, window) for size, window in answer.expected.windows)
    worked = f"{derivation_html(answer.expected.derivation)}{pictures}"
    return f'{request}<div class="derivation">{worked}</div>{listed}'


HTML = DocumentFormat(
    _html_part,
    lambda answer: _html_request(answer, '<span class="answer">&nbsp;</span>'),
    _html_solution,
    lambda quiz, questions: page(heading(quiz), "\n".join(questions)),
    lambda question, text: (
        f'<div class="question"><h2>{escape(question.name)} ({points_text(question)})</h2>\n{text}</div>'
    ),
)


# LaTeX ------------------------------------------------------------------------------------------------------------


def _tex_part(part: Part) -> str:
    if isinstance(part, str):
        return f"{tex(part)}\n"
    if isinstance(part, DrawnLayers):
        items = "\n".join(f"\\item {tex(line)}" for line in part.lines)
        return f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}"
    if isinstance(part, Table):
        rows = "".join(" & ".join(map(tex, row)) + " \\\\\n" for row in (part.headings, *part.rows))
        return f"\n\\begin{{tabular}}{{{'l' * len(part.headings)}}}\n{rows}\\end{{tabular}}\n"
    shown = []
    for at, channel in enumerate(part.channels, 1):
        name = f"{part.name}_{{{at}}}" if len(part.channels) > 1 else part.name
        rows = r" \\ ".join(" & ".join(row) for row in channel)
        shown.append(f"{name} = \\begin{{pmatrix}} {rows} \\end{{pmatrix}}")
    return "\\[ " + r" \quad ".join(shown) + " \\]"


def _tex_request(answer: AnsweredPrompt, given: str) -> str:
    options = "".join(f"\\item[{tex(option[:2])}] {tex(option[3:])}\n" for option in choices(answer))
    listed = f"\\begin{{itemize}}\n{options}\\end{{itemize}}\n" if options else ""
    return f"\\noindent {tex(answer.prompt.request)} {given}\n{listed}"


def _tex_solution(answer: AnsweredPrompt) -> str:
    wrong = "".join(f"\\item {tex(line)}\n" for line in _not(pitfalls(answer)))
    listed = f"\\begin{{itemize}}\n{wrong}\\end{{itemize}}" if wrong else ""
    request = _tex_request(answer, f"\\textbf{{{tex(localized_answer(answer.expected.text))}}}")
    lines = map(localized_line, equations(answer.expected.derivation))
    derived = "\n\n".join(f"\\noindent\\texttt{{{tex(line)}}}" for line in lines)
    return f"{request}\n\n{derived}\n{listed}"


def _tex_document(quiz: Quiz, questions: list[str]) -> str:
    start = "\\documentclass[a4paper]{article}\n\\usepackage[T1]{fontenc}\n\\usepackage{amsmath}\n\\raggedright\n"
    hangul = "\\usepackage{kotex}\n" if current_language() == "ko" else ""
    return (
        f"{start}{hangul}\\begin{{document}}\n\\section*{{{tex(heading(quiz))}}}\n"
        + "\n".join(questions)
        + "\n\\end{document}\n"
    )


LATEX = DocumentFormat(
    _tex_part,
    lambda answer: _tex_request(answer, "\\underline{\\hspace{4cm}}"),
    _tex_solution,
    _tex_document,
    lambda question, text: f"\\subsection*{{{tex(question.name)} ({points_text(question)})}}\n{text}\n",
)
