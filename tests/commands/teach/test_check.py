"""cnn check, as a student runs it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from program import Run, run_process

from cnncli.errors import INTERNAL_ERROR

SHEET = """\
student: s-1024
architecture:
  input: 1x28x28
  layers:
    - conv: {filters: 6, kernel: 5, padding: same, name: c1}
answers:
  c1.shape: 6x28x28
  c1.params: 150
  c1.macs: 117600
"""


def test_verdicts_have_the_mistake_and_the_derivation(cnn: Run, write: Callable[..., Path]) -> None:
    ended = cnn("check", write(SHEET, "sheet.yaml"))
    assert (ended.code, ended.out) == (
        1,
        """\
s-1024

correct         c1.shape: 6x28x28
wrong           c1.params: 150
    likely: forgot the biases
    correct answer: 156
      C_out * C_in * k * k + C_out
      = 6 * 1 * 5 * 5 + 6
      = 156
correct         c1.macs: 117600

2 of 3 correct
""",
    )


def test_hints_do_not_give_the_answer_away(cnn: Run, write: Callable[..., Path]) -> None:
    path = write(SHEET, "sheet.yaml")
    for form in ("table", "json"):
        out = cnn("check", path, "--hide-answers", "--format", form).out
        assert "156" not in out and ("biases" in out or "forgot_bias" in out)


def test_json_has_the_score_and_every_answer(cnn: Run, write: Callable[..., Path]) -> None:
    record = json.loads(cnn("check", write(SHEET, "sheet.yaml"), "--format", "json").out)
    assert (record["student"], record["score"], record["out_of"]) == ("s-1024", 2, 3)
    wrong = record["answers"][1]
    assert wrong["question"] == "c1.params" and wrong["expected"] == "156" and wrong["mistakes"] == ["forgot_bias"]
    assert wrong["derivation"] == ["C_out * C_in * k * k + C_out", "6 * 1 * 5 * 5 + 6", "156"]


def test_the_exit_status_is_0_if_all_answers_are_correct(cnn: Run, write: Callable[..., Path]) -> None:
    assert cnn("check", write(SHEET.replace("150", "(5*5*1 + 1) * 6"), "sheet.yaml")).code == 0


def test_gradescope_gets_a_test_for_each_answer(cnn: Run, write: Callable[..., Path], tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    ended = cnn("check", write(SHEET, "sheet.yaml"), "--gradescope", results, "--hide-answers")
    assert ended.code == 0
    record = json.loads(results.read_text())
    assert record["score"] == 2 == sum(test["score"] for test in record["tests"])
    assert [test["name"] for test in record["tests"]] == ["c1.shape", "c1.params", "c1.macs"]
    assert "biases" in record["tests"][1]["output"] and "156" not in results.read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("answers: [", "a value is missing here"),
        ("architecture: secret.txt\nanswers: {c1.params: 3}\n", "secret.txt:1:1: a network is a mapping"),
        ("architecture: lenet5\nanswers: {c9.params: 3}\n", "c9: the network has no such layer"),
    ],
)
def test_gradescope_gets_the_reason_why_a_sheet_cannot_be_read(
    cnn: Run, write: Callable[..., Path], tmp_path: Path, text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.txt").write_text("a secret\n")
    ended = cnn("check", write(text, "sheet.yaml"), "--gradescope", tmp_path / "results.json", "--hide-answers")
    record = json.loads((tmp_path / "results.json").read_text())
    assert (ended.code, record["score"], record["tests"]) == (0, 0, [])
    assert said in record["output"] and said in ended.err and "a secret" not in record["output"]


@pytest.mark.parametrize("others", ["c1.params: 156", "C1.params: 156", "c1.params: 151\n  C1.params: 156"])
def test_where_no_answer_of_a_sheet_counts_the_notes_and_the_results_say_why(
    cnn: Run, write: Callable[..., Path], tmp_path: Path, others: str
) -> None:
    path = write(f"architecture: lenet5\nanswers:\n  c1.params: 150\n  {others}\n", "sheet.yaml")
    told = "c1.params has two answers, 150 in line 3 and 15"
    ended = cnn("check", path)
    assert ended.code == 2 and told in " ".join(ended.out.split()) and "correct" not in ended.out
    record = json.loads(cnn("check", path, "--format", "json").out)
    assert (record["score"], record["out_of"]) == (0, 0) and told in str(record["notes"])
    assert cnn("check", path, "--gradescope", tmp_path / "results.json").code == 0
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["score"] == 0 and told in results["output"]


def test_no_hint_gives_an_answer_away(cnn: Run, write: Callable[..., Path], tmp_path: Path) -> None:
    for given in ("150", "abc", "4711", "", "'~'", "156.5", "1.5K"):
        path = write(SHEET.replace("c1.params: 150", f"c1.params: {given}"), "sheet.yaml")
        results = tmp_path / "results.json"
        shown = cnn("check", path, "--hide-answers").out
        cnn("check", path, "--hide-answers", "--gradescope", results)
        for text in (shown, results.read_text()):
            assert not re.search(r"\b156\b(?!\.5)", text), text


@pytest.mark.parametrize("named", ["-", "/dev/stdin", "/dev/zero", ".", "pipe", "pipe.yaml"])
def test_a_sheet_s_architecture_is_a_file_and_nothing_that_waits(tmp_path: Path, named: str) -> None:
    sheet = tmp_path / "sheet.yaml"
    for pipe in ("pipe", "pipe.yaml"):
        os.mkfifo(tmp_path / pipe)
    shown = str(tmp_path / named) if named.startswith("pipe") else named
    sheet.write_text(f"student: a\narchitecture: '{shown}'\nanswers: {{c1.params: 1}}\n", encoding="utf-8")
    ended = run_process("check", sheet, stdin="input: 1\nlayers: [linear: 1]\n", timeout=60)
    assert ended.code == 2 and f"{shown}: not a file" in ended.err and ":2:15:" in ended.err


@pytest.mark.parametrize("named", ["x" * 5000, r"a\0b", r"\e[31m", r"\ud800"])
def test_an_invalid_architecture_path_gives_a_short_error(cnn: Run, write: Callable[..., Path], named: str) -> None:
    ended = cnn("check", write(f'architecture: "{named}"\nanswers: {{c1.params: 1}}\n'))
    assert ended.code == 2 and len(ended.err) < 500 and "\x1b" not in ended.err and INTERNAL_ERROR not in ended.err


def test_of_several_sheets_each_heading_and_each_error_names_its_own(cnn: Run, tmp_path: Path) -> None:
    for name, network in (("ann", "lenet5"), ("bob", "lenet6")):
        text = f"student: {name.title()}\narchitecture: {network}\nanswers: {{c1.params: 156}}\n"
        (tmp_path / f"{name}.yaml").write_text(text)
    ann, bob = tmp_path / "ann.yaml", tmp_path / "bob.yaml"
    assert " ".join(cnn("check", ann, ann).out.split()).count(f"{ann}: Ann correct") == 2  # a long path is wrapped
    ended = cnn("check", ann, bob)
    assert ended.code == 2 and f"{bob}:2:15: lenet6: " in ended.err and "did you mean lenet5?" in ended.err
