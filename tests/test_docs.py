"""The documentation says what the program does: every example of the README is run and compared."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from program import ROOT, Run

from cnncli.commands import SUMMARIES
from cnncli.layers import KINDS
from cnncli.recipe import Recipe

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = README + "".join(
    (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("exercises", "teaching")
)
LANGUAGE = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")


def examples() -> list[tuple[str, str]]:
    """(command, expected output) of every ``$ cnn …`` in a console block; a line ``…`` stands for lines left out."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", PAGES, re.DOTALL):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = example.partition("\n")
            found.append((command, output))
    return found


def written_file(name: str) -> str:
    """The text of a file that the page shows in a yaml block beginning with ``# NAME``."""
    blocks = re.findall(r"```yaml\n(.*?)```", PAGES, re.DOTALL)
    return next(block for block in blocks if block.startswith(f"# {name}\n"))


@pytest.mark.parametrize(
    ("command", "expected"), examples(), ids=lambda text: text.splitlines()[0][:40] if text else ""
)
def test_every_example_of_the_readme_prints_what_the_readme_says(
    cnn: Run, command: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, *arguments = shlex.split(command)
    assert program == "cnn"
    monkeypatch.chdir(tmp_path)
    for name in arguments:
        if name.endswith(".yaml"):
            (tmp_path / name).write_text(written_file(name), encoding="utf-8")
    ended = cnn(*arguments)
    pattern = ".*\n".join(re.escape(part) for part in expected.split(" …\n"))
    assert re.fullmatch(pattern, ended.out + ended.err, re.DOTALL), ended.out + ended.err


def test_the_python_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(code, {})
    assert capsys.readouterr().out == "23528522 (64, 32, 32)\n"


def test_the_readme_has_examples() -> None:
    assert len(examples()) >= 5


@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_names_every_kind_with_all_its_fields(kind: str) -> None:
    rows = [line for line in LANGUAGE.splitlines() if line.startswith("|") and f"`{kind}`" in line.split("|")[1]]
    assert rows, f"docs/language.md has no row for {kind}"
    inherited = KINDS["conv"].schema if kind in ("depthwise_conv", "local") else {}
    for field in KINDS[kind].schema:
        assert f"`{field}`" in rows[0] or field in inherited, f"{kind}: {field}"


def test_the_reference_names_every_key_of_the_recipe() -> None:
    for key in Recipe.schema:
        assert f"`{key}`" in LANGUAGE


@pytest.mark.parametrize("command", SUMMARIES)
def test_the_readme_tells_of_every_command(command: str) -> None:
    assert f"cnn {command}" in README
