"""A quiz as a paper to print, and its solutions: Markdown, LaTeX, HTML."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cnncli.homework.answer_key.expected import is_remark
from cnncli.homework.html_page import page
from cnncli.homework.mistakes import Candidates, described, plain
from cnncli.homework.quiz import Quiz, Solved, solved
from cnncli.homework.quiz.task import Exercise, Listing, Matrix, Part
from cnncli.io.escaping import html as escape
from cnncli.io.escaping import latex as tex
from cnncli.io.escaping import markdown

PITFALLS = 3  # typical mistakes that a solution names


class Form(NamedTuple):
    """How a paper is written: a part of a task, a line to answer on, a solution, and the whole."""

    part: Callable[[Part], str]
    blank: Callable[[Solved], str]
    solution: Callable[[Solved], str]
    whole: Callable[[Quiz, list[str]], str]
    task: Callable[[Exercise, str], str]


def write_paper(quiz: Quiz, form: Form, *, solutions: bool = False) -> str:
    """The paper to fill in, or with its solutions worked."""
    written = []
    for task, answers in zip(quiz.tasks, solved(quiz), strict=True):
        parts = "\n".join(map(form.part, task.parts))
        lines = "\n".join(map(form.solution if solutions else form.blank, answers))
        written.append(form.task(task, f"{parts}\n{lines}"))
    return form.whole(quiz, written)


def heading(quiz: Quiz) -> str:
    """The title, and whose paper it is."""
    return f"{quiz.title}: {quiz.student}" if quiz.student else quiz.title


def working(answer: Solved) -> str:
    """How the right answer comes about, in one line."""
    lines = [line for line in answer.truth.derivation if not is_remark(line)]
    return ("; " if any(" = " in line for line in lines) else " = ").join(lines)


def pitfalls(answer: Solved) -> list[str]:
    """What typical mistakes would have given: ``11: the dilation was left out``."""
    return [f"{value}: {described(plain(name))}" for name, value in wrong_options(answer)[:PITFALLS]]


def wrong_options(answer: Solved, most: int = 4) -> list[tuple[str, str]]:
    """Single typical mistakes with what they give, each value once, all other than the right one."""
    found: dict[str, str] = {}
    for name, value in _singles(answer.truth.candidates):
        text = value_text(value)
        if text != value_text(answer.truth.value):
            found.setdefault(text, name)
    return [(name, text) for text, name in found.items()][:most]


def _singles(candidates: Candidates) -> list[tuple[str, object]]:
    return [(name, value) for name, value in candidates.items() if "+" not in name and value is not None]


def value_text(value: object) -> str:
    """A number, a shape or a matrix as a student would write it."""
    from cnncli.homework.exact_ops.matrices import maps_text, shown

    if isinstance(value, tuple):
        if value and isinstance(value[0], tuple):
            return maps_text(value)
        return "x".join(map(str, value))
    return shown(value)


def _label(answer: Solved) -> str:
    return answer.asked.what[0].upper() + answer.asked.what[1:].rstrip("?:")


# Markdown ---------------------------------------------------------------------------------------------------------


def _md_part(part: Part) -> str:
    if isinstance(part, str):
        return f"{part}\n"
    if isinstance(part, Listing):
        return "".join(f"- {line}\n" for line in part.lines)
    return "```\n" + "\n".join(_rows(part)) + "\n```\n"


def _rows(matrix: Matrix) -> list[str]:
    """Aligned rows, the name before the first."""
    width = max(len(cell) for channel in matrix.channels for row in channel for cell in row)
    lines = []
    for at, channel in enumerate(matrix.channels, 1):
        name = f"{matrix.name} (channel {at}) = " if len(matrix.channels) > 1 else f"{matrix.name} = "
        for number, row in enumerate(channel):
            start = name if number == 0 else " " * len(name)
            lines.append(start + "  ".join(cell.rjust(width) for cell in row))
    return lines


def _md_solution(answer: Solved) -> str:
    lines = [f"{_label(answer)}: **{answer.truth.text}**", "", f"    {working(answer)}", ""]
    return "\n".join([*lines, *(f"- not {line}" for line in pitfalls(answer)), ""])


MARKDOWN = Form(
    _md_part,
    lambda answer: f"{_label(answer)}: ____________\n",
    _md_solution,
    lambda quiz, tasks: f"# {markdown(heading(quiz))}\n\n" + "\n".join(tasks),
    lambda task, text: f"## {task.name}\n\n{text}",
)


# HTML -------------------------------------------------------------------------------------------------------------


def _html_part(part: Part) -> str:
    if isinstance(part, str):
        return f"<p>{escape(part)}</p>"
    if isinstance(part, Listing):
        return "<ol>" + "".join(f"<li>{escape(line)}</li>" for line in part.lines) + "</ol>"
    tables = []
    for at, channel in enumerate(part.channels, 1):
        name = f"{part.name} (channel {at})" if len(part.channels) > 1 else part.name
        rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in channel)
        tables.append(f'<p>{escape(name)} =</p><table class="matrix">{rows}</table>')
    return "".join(tables)


def _html_solution(answer: Solved) -> str:
    wrong = "".join(f"<li>not {escape(line)}</li>" for line in pitfalls(answer))
    said = f"<p>{escape(_label(answer))}: <strong>{escape(answer.truth.text)}</strong></p>"
    return f"{said}<p><code>{escape(working(answer))}</code></p><ul>{wrong}</ul>"


HTML = Form(
    _html_part,
    lambda answer: f'<p>{escape(_label(answer))}: <span class="answer">&nbsp;</span></p>',
    _html_solution,
    lambda quiz, tasks: page(heading(quiz), "\n".join(tasks)),
    lambda task, text: f'<div class="task"><h2>{escape(task.name)}</h2>\n{text}</div>',
)


# LaTeX ------------------------------------------------------------------------------------------------------------


def _tex_part(part: Part) -> str:
    if isinstance(part, str):
        return f"{tex(part)}\n"
    if isinstance(part, Listing):
        items = "\n".join(f"\\item {tex(line)}" for line in part.lines)
        return f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}"
    shown = []
    for at, channel in enumerate(part.channels, 1):
        name = f"{part.name}_{{{at}}}" if len(part.channels) > 1 else part.name
        rows = r" \\ ".join(" & ".join(row) for row in channel)
        shown.append(f"{name} = \\begin{{pmatrix}} {rows} \\end{{pmatrix}}")
    return "\\[ " + r" \quad ".join(shown) + " \\]"


def _tex_solution(answer: Solved) -> str:
    wrong = "".join(f"\\item not {tex(line)}\n" for line in pitfalls(answer))
    listed = f"\\begin{{itemize}}\n{wrong}\\end{{itemize}}" if wrong else ""
    return (
        f"{tex(_label(answer))}: \\textbf{{{tex(answer.truth.text)}}}\n\n\\texttt{{{tex(working(answer))}}}\n{listed}"
    )


def _tex_whole(quiz: Quiz, tasks: list[str]) -> str:
    start = "\\documentclass[a4paper]{article}\n\\usepackage[T1]{fontenc}\n\\usepackage{amsmath}\n\\raggedright\n"
    return (
        f"{start}\\begin{{document}}\n\\section*{{{tex(heading(quiz))}}}\n" + "\n".join(tasks) + "\n\\end{document}\n"
    )


LATEX = Form(
    _tex_part,
    lambda answer: f"\\noindent {tex(_label(answer))}: \\underline{{\\hspace{{4cm}}}}\n",
    _tex_solution,
    _tex_whole,
    lambda task, text: f"\\subsection*{{{tex(task.name)}}}\n{text}\n",
)
