"""What is written to a terminal drives none, and standard streams that are closed are no failure of cnn."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from program import ROOT, Run, run_process

from cnncli.commands import SUMMARIES
from cnncli.io import escaping
from cnncli.io.escaping import visible
from cnncli.io.writing import write_output, write_whole

HOSTILE = "\x1b]0;t\x07\x1b[31mred\u202e\x9b2J"
YAML_HOSTILE = r"\e]0;t\a\e[31mred\u202E\x9B2J"
NETWORK = f"""
input: 3x8x8
name: "{YAML_HOSTILE}"
source: "{YAML_HOSTILE}"
layers:
- conv: {{filters: 2, kernel: 3, name: c1}}
"""
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown", "latex"])
def test_names_of_a_file_reach_no_output_raw(cnn: Run, write: Callable[..., Path], form: str) -> None:
    ended = cnn("summarize", write(NETWORK), "--format", form)
    assert ended.code == 0
    assert ended.out == visible(ended.out)


def test_a_table_is_aligned_around_what_is_escaped(cnn: Run, tmp_path: Path) -> None:
    for number, name in enumerate(("a", "b\x1b[2J\ntwo lines")):
        run = tmp_path / f"run{number}{name}"
        run.mkdir()
        (run / "run.json").write_text("{}", encoding="utf-8")
    ended = cnn("runs", tmp_path)
    assert visible(ended.out) == ended.out
    lines = ended.out.splitlines()
    assert len(lines) == 3
    assert len({line.index("unreadable") for line in lines[1:]}) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("summarize", f"{HOSTILE}.yaml"),
        ("summarize", "lenet5", "--columns", HOSTILE),
        ("summarize", "lenet5", f"--{HOSTILE}"),
        ("summarize", "lenet5", "--batch", HOSTILE),
        (HOSTILE,),
        ("convolve", HOSTILE, "1"),
        ("data", HOSTILE),
        ("explain", "lenet5", HOSTILE),
        ("list", HOSTILE),
    ],
)
def test_errors_repeat_no_escape(cnn: Run, arguments: tuple[str, ...]) -> None:
    ended = cnn(*arguments)
    assert ended.code in (1, 2) and ended.err
    assert ended.err == visible(ended.err)


def test_names_that_are_not_utf8_are_printed(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/\xff\x1b[31m"
    Path(os.fsdecode(folder)).mkdir()
    ended = run_process("summarize", os.fsdecode(folder))
    assert ended.code == 2
    assert r"\udcff\u001b[31m: is a directory" in ended.err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-16"])
def test_any_encoding_takes_a_summary(encoding: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "cnncli", "summarize", "lenet5"],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert "61,706" in result.stdout.decode(encoding)
    assert result.stderr == b""


def on_terminal(*arguments: str) -> str:
    """What ``cnn ARGS`` writes to a terminal."""
    pty = pytest.importorskip("pty")
    pid, descriptor = pty.fork()
    if pid == 0:  # the child; coverage of this line is the terminal's own
        os.execve(sys.executable, [sys.executable, "-m", "cnncli", *arguments], {**os.environ, "TERM": "xterm"})
    output = b""
    while True:
        try:
            part = os.read(descriptor, 4096)
        except OSError:
            break
        if not part:
            break
        output += part
    os.waitpid(pid, 0)
    os.close(descriptor)
    return output.decode()


def test_on_a_terminal_cnn_s_own_colours_are_all_that_is_raw(write: Callable[..., Path]) -> None:
    shown = on_terminal("summarize", str(write(NETWORK)))
    assert COLOUR.search(shown), "no colour at all"
    bare = COLOUR.sub("", shown).replace("\r\n", "\n")
    assert bare == visible(bare)
    assert visible(HOSTILE) in bare


CLOSED = [
    ("list >&-", 2, "", "standard output is closed\n"),
    ("list 2>&- | head -1", 0, " name", ""),
    ("lisst 2>&-", 2, "", ""),
    ("list >&- 2>&-", 2, "", ""),
    ("summarize - <&-", 2, "", "<stdin>: the file is empty\n"),
    ("summarize - </dev/null", 2, "", "<stdin>: the file is empty\n"),
    ("quiz --interactive <&-", 0, "Quiz", ""),
    ("summarize lenet5 <&- 2>&-", 0, "LeNet-5", ""),
]


@pytest.mark.parametrize(("command", "code", "out", "err"), CLOSED, ids=[case[0] for case in CLOSED])
def test_closed_streams(command: str, code: int, out: str, err: str) -> None:
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{sys.executable} -m cnncli {command}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=60,
    )
    assert result.returncode == code
    assert result.stdout.startswith(out) and bool(result.stdout) == bool(out)
    assert result.stderr.startswith(err) and bool(result.stderr) == bool(err)


@pytest.mark.parametrize("name", SUMMARIES)
def test_no_command_has_a_traceback_with_all_streams_closed(name: str, tmp_path: Path) -> None:
    script = f"{sys.executable} -X faulthandler -m cnncli {name} <&- >&- 2>&-"
    assert subprocess.run(["bash", "-c", script], check=False, cwd=tmp_path, timeout=60).returncode == 2
    assert not [*tmp_path.iterdir()]


def test_a_file_that_is_written_is_given_no_standard_stream_s_number(tmp_path: Path) -> None:
    code = (
        "import sys; from cnncli.io.terminal import guarded\n"
        "with guarded():\n"
        f"    file = open({str(tmp_path / 'file')!r}, 'w'); sys.stdout.write(str(file.fileno() > 2))"
    )
    result = subprocess.run(
        ["bash", "-c", f"{sys.executable} -c '{code.replace(chr(39), chr(34))}' <&- 2>&-"],
        capture_output=True,
        check=True,
    )
    assert result.stdout == b"True"


STUDENT = r"<b>*x*_y_ $a$ [l](u) \input{x} & 50% `c` #1 ~~s~~"


@pytest.mark.parametrize(
    ("form", "title"),
    [
        ("markdown", f"# Quiz: {escaping.markdown(STUDENT)}\n"),
        ("html", f"<h1>Quiz: {escaping.html(STUDENT)}</h1>"),
        ("latex", f"\\section*{{Quiz: {escaping.latex(STUDENT)}}}\n"),
        ("yaml", "student: " + json.dumps(STUDENT) + "\n"),
        ("key", "student: " + json.dumps(STUDENT) + "\n"),
    ],
)
def test_a_student_s_name_is_a_text_in_every_paper(cnn: Run, form: str, title: str) -> None:
    ended = cnn("quiz", "--questions", 1, "--student", STUDENT, "--format", form)
    assert ended.code == 0 and title in ended.out
    assert "<b>" not in ended.out.replace(title, "")


def test_no_cell_of_a_csv_is_a_formula(cnn: Run, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    net = write("input: 1x8x8\nlayers: [flatten, linear: 10]\ntrain: {epochs: 1, device: cpu}\n")
    monkeypatch.chdir(net.parent)
    assert cnn("train", net, "--data", "digits", "--run-dir", "runs/run").code == 0
    Path("runs/run").rename("@SUM(1)")
    Image.new("L", (8, 8)).save("=1+1.png")
    predicted = [*csv.reader(cnn("predict", "@SUM(1)", "=1+1.png", "--format", "csv").out.splitlines())]
    assert {row[0] for row in predicted[1:]} == {"'=1+1.png"}
    listed = [*csv.DictReader(cnn("runs", "@SUM(1)", "--format", "csv").out.splitlines())]
    assert [row["run"] for row in listed] == ["'@SUM(1)"]


def test_what_is_written_to_replaces_no_device_and_no_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_output(pipe, b"whole")
    assert os.read(reader, 10) == b"whole"
    os.close(reader)
    assert pipe.is_fifo() and [*tmp_path.iterdir()] == [pipe]
    with pytest.raises(IsADirectoryError):
        write_output(tmp_path, b"")


@pytest.mark.parametrize("kind", ["link", "device", "loop", "fifo"])
def test_what_is_written_into_a_folder_replaces_whatever_has_its_name(tmp_path: Path, kind: str) -> None:
    folder, victim = tmp_path / "folder", tmp_path / "victim"
    folder.mkdir()
    victim.write_text("mine")
    for name in ("file", ".file.part"):
        if kind == "fifo":
            os.mkfifo(folder / name)
        else:
            (folder / name).symlink_to({"link": victim, "device": "/dev/null", "loop": "file"}[kind])
    write_whole(folder / "file", b"whole")
    assert victim.read_text() == "mine" and not (folder / "file").is_symlink()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"file": b"whole"}


def test_a_folder_is_not_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "file", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
