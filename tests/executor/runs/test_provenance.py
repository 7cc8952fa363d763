"""What a run is made of, against git itself; and that git is never started."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cnncli.executor.runs.provenance import git_commit

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(*arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder is a repository with two commits."""
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git("init", "-q", ".")
    for message in ("one", "two"):
        git("commit", "-q", "--allow-empty", "-m", message)
    return folder


LAYOUTS = {
    "a branch": [],
    "a branch in a folder": [("checkout", "-q", "-b", "part/of/a-name")],
    "no branch": [("checkout", "-q", "--detach", "HEAD~")],
    "packed": [("pack-refs", "--all")],
    "packed, then moved on": [("pack-refs", "--all"), ("commit", "-q", "--allow-empty", "-m", "three")],
    "a worktree": [("worktree", "add", "-q", "-b", "other", "other", "HEAD~")],
    "a worktree, packed": [("worktree", "add", "-q", "-b", "other", "other", "HEAD~"), ("pack-refs", "--all")],
    "a worktree without a branch": [("worktree", "add", "-q", "--detach", "other", "HEAD~")],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_commit_is_the_one_that_git_tells(repository: Path, monkeypatch: pytest.MonkeyPatch, layout: str) -> None:
    for arguments in LAYOUTS[layout]:
        git(*arguments)
    if "worktree" in layout:
        monkeypatch.chdir("other")
    wanted = git("rev-parse", "HEAD")
    assert git_commit() == wanted != ""
    Path("below/it").mkdir(parents=True)
    monkeypatch.chdir("below/it")
    assert git_commit() == wanted


def test_there_is_no_commit_outside_of_a_repository_and_before_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert git_commit() == ""
    git("init", "-q", ".")
    assert git_commit() == ""


def test_no_program_of_the_repository_is_run(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = repository / "program"
    program.write_text(f"#!/bin/sh\ntouch {repository / 'was-run'}\n")
    program.chmod(0o755)
    wanted = git("rev-parse", "HEAD")
    git("config", "core.fsmonitor", str(program))
    monkeypatch.setattr(os, "posix_spawn", None)
    monkeypatch.setattr(subprocess, "Popen", None)
    assert git_commit() == wanted
    assert not (repository / "was-run").exists()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HEAD", "ref: refs/heads/../../../secret"),
        ("HEAD", "ref: /etc/passwd"),
        ("HEAD", "ref: HEAD"),
        ("HEAD", "ref: refs/heads/a\0b"),
        ("HEAD", "not a commit"),
        ("HEAD", "a" * 10_000_000),
        ("refs/heads/main", "ref: refs/heads/main"),
        ("commondir", "\0"),
        ("packed-refs", "main\n\n \xff"),
    ],
)
def test_a_damaged_repository_has_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text("a" * 40)
    for file, content in {"HEAD": "ref: refs/heads/main", name: text}.items():
        path = tmp_path / ".git" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("latin-1"))
    assert git_commit() == ""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
@pytest.mark.parametrize("name", ["", "HEAD"])
def test_a_fifo_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / ".git" / name
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    assert git_commit() == ""
