"""``cnn grade``: a class's answer sheets to marks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnncli.commands import options
from cnncli.errors import NO, CnnError

if TYPE_CHECKING:
    from cnncli.homework.grade import Key, Paper, Result


@click.command()
@click.argument("key_file", metavar="KEY")
@click.argument("submissions", metavar="SUBMISSION…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--out", "folder", type=click.Path(path_type=Path), help="Write marks.csv and feedback/ there.")
@options.format_option("table", "json", "csv")
def command(key_file: str, submissions: tuple[Path, ...], folder: Path | None, form: str) -> None:
    """Mark a class's answer sheets by a key.

    SUBMISSIONs are sheets, or folders of them. The KEY names the network, the points of each question, and what else is
    accepted; its own answers are checked first. A sheet that cannot be read gets an error line and no marks.
    """
    from cnncli.homework.check import Known
    from cnncli.homework.grade import key_problems, read_key, results

    key = read_key(key_file)
    known: Known = {}
    problems = key_problems(key, known)
    if problems:
        raise CnnError(
            f"{key_file}: the key is wrong\n  " + "\n  ".join(problems), "mend it, or leave answer out", exit_code=NO
        )
    files = [file for path in submissions for file in _sheets(path)]
    if not files:
        raise CnnError("there are no sheets", "a sheet is a YAML file; give files, or folders of them")
    papers = list(_marked(key, files, known))
    if folder is not None:
        _write(folder, key, papers)
    found = results(key, papers)
    for paper in papers:
        if paper.problem:
            click.echo(f"{paper.file}: no marks: {paper.problem}", err=True)
    if form == "json":
        import json

        click.echo(json.dumps(_record(key, papers, found), indent=1, ensure_ascii=False))
    elif form == "csv":
        click.echo(_csv(key, papers), nl=False)
    else:
        click.echo("\n".join(_lines(key, papers, found)))


def _sheets(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(entry for entry in path.rglob("*") if entry.suffix in (".yaml", ".yml") and entry.is_file())
    return [path]


def _marked(key: Key, files: list[Path], known: Any) -> Iterator[Paper]:
    from cnncli.homework.grade import Paper, mark
    from cnncli.homework.sheet import read_sheet
    from cnncli.progress import progress

    with progress("marking", len(files), "sheets") as advance:
        for file in files:
            try:
                paper = mark(key, str(file), read_sheet(str(file), network=False), known)
            except CnnError as error:
                paper = Paper(str(file), file.stem, problem=str(error).splitlines()[0])
            except RecursionError:
                paper = Paper(str(file), file.stem, problem="is nested too deeply")
            advance(1)
            yield paper


def _number(points: Any) -> str:
    return f"{float(points):g}"


def _lines(key: Key, papers: list[Paper], found: list[Result]) -> list[str]:
    """The class's table: every question, then the mean."""
    from cnncli.views.listing import as_table

    marked = [paper for paper in papers if not paper.problem]
    rows = [
        {
            "question": result.question,
            "points": _number(result.out_of),
            "mean": f"{result.mean:.2f}",
            "right": result.right,
            "blank": result.blank,
            "commonest wrong": f"{result.common_wrong} ({result.common_count})" if result.common_count else "",
            "commonest mistake": result.common_mistake,
        }
        for result in found
    ]
    total = sum(float(item.points) for item in key.items)
    mean = sum(float(paper.points) for paper in marked) / max(1, len(marked))
    lines = [key.title, ""] if key.title else []
    lines += [
        as_table(rows).rstrip("\n"),
        "",
        f"{len(marked)} papers, {mean:.2f} of {_number(total)} points on average",
    ]
    hardest = min(found, key=lambda result: result.mean / max(float(result.out_of), 1e-9))
    lines.append(f"hardest: {hardest.question}")
    lines += [
        f"suspect: {result.common_count} of {len(marked)} answer {result.question} with {result.common_wrong}: "
        "look at the key and at the wording"
        for result in found
        if result.suspect
    ]
    return lines


def _csv(key: Key, papers: list[Paper]) -> str:
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["student", *(item.name for item in key.items), "total", "out_of", "file", "problem"])
    out_of = _number(sum(item.points for item in key.items))
    for paper in papers:
        points = [_number(mark.points) for mark in paper.marks] or [""] * len(key.items)
        total = "" if paper.problem else _number(paper.points)
        writer.writerow([_cell(paper.student), *points, total, out_of, paper.file, paper.problem])
    return text.getvalue()


def _cell(text: str) -> str:
    """A student's text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text


def _record(key: Key, papers: list[Paper], found: list[Result]) -> dict[str, Any]:
    return {
        "title": key.title,
        "out_of": float(sum(item.points for item in key.items)),
        "students": [
            {
                "student": paper.student,
                "file": paper.file,
                **({"problem": paper.problem} if paper.problem else {"points": float(paper.points)}),
                "marks": [
                    {"question": mark.answer.question, "points": float(mark.points), "out_of": float(mark.out_of)}
                    for mark in paper.marks
                ],
            }
            for paper in papers
        ],
        "questions": [{**result._asdict(), "out_of": float(result.out_of)} for result in found],
    }


def _write(folder: Path, key: Key, papers: list[Paper]) -> None:
    """marks.csv, and a page of feedback for each student."""
    from cnncli.runs import write_whole

    try:
        (folder / "feedback").mkdir(parents=True, exist_ok=True)
        write_whole(folder / "marks.csv", _csv(key, papers).encode())
        for number, paper in enumerate(papers, 1):
            name = "".join(char if char.isalnum() or char in "-_" else "_" for char in paper.student)[:60]
            write_whole(folder / "feedback" / f"{number:04d}-{name}.md", _feedback(key, paper).encode())
    except OSError as error:
        raise CnnError(f"{error.filename or folder}: cannot be written: {error.strerror or error}") from None


def _feedback(key: Key, paper: Paper) -> str:
    from cnncli.homework.mistakes import described

    lines = [f"# {key.title or 'Homework'}: {paper.student}", ""]
    if paper.problem:
        return "\n".join([*lines, f"No marks: {paper.problem}", ""])
    out_of = _number(sum(item.points for item in key.items))
    lines += [f"{_number(paper.points)} of {out_of} points", ""]
    for mark in paper.marks:
        answer = mark.answer
        lines.append(
            f"- **{answer.question}**: `{answer.given or 'nothing'}`, {_number(mark.points)} of {_number(mark.out_of)}"
        )
        lines += [f"  - {remark}" for remark in answer.remarks]
        if not answer.correct:
            if answer.mistakes:
                lines.append(f"  - likely: {' or '.join(map(described, answer.mistakes))}")
            between = "; " if any(" = " in line for line in answer.derivation) else " = "
            lines.append(f"  - it is {answer.expected}: `{between.join(answer.derivation)}`")
    return "\n".join([*lines, ""])
