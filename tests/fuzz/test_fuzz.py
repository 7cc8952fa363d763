"""The fuzzer notices each kind of fault, makes the same cases again, and finds none in cnn."""

from __future__ import annotations

import mmap
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import click
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.language import Source
from cnncli.loading import load_source
from fuzz import corpus, harness, mutations, options
from fuzz.cases import TORCH, Case, Fifo, Link, Sparse
from fuzz.driver import AREAS, make

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the harness reads /proc")
SEEDS = sorted((Path(__file__).parent / "seeds").glob("*.json"))
CASE = Case(("list",), {"a.txt": b"1"})


def _raise() -> None:
    raise RuntimeError("planted")


def _work() -> None:
    while True:
        pass


def _wait() -> None:
    time.sleep(60)


def _grow() -> None:
    with mmap.mmap(-1, 2 * harness.MEMORY) as memory:  # malloc might take what other tests have freed
        memory.write(b"x" * len(memory))


def _say(text: str, file: str = "out") -> None:
    print(text, file=sys.stdout if file == "out" else sys.stderr)


FAULTS: dict[str, tuple[Callable[[], object], int, str]] = {
    "an exception": (_raise, 0, "RuntimeError"),
    "what cnn calls internal": (lambda: _say("cnn: a bug in cnn: x", "err"), 2, "a bug in cnn"),
    "another program": (lambda: subprocess.run(["true"], check=True), 0, "started true"),
    "endless work": (_work, 0, "CPU time"),
    "waiting for ever": (_wait, 0, "_WallLimitError"),
    "memory": (_grow, 0, "memory"),
    "an exit code of no meaning": (lambda: None, 7, "exit code 7"),
    "an error without a word": (lambda: None, 2, "exit code 2 without a word"),
    "a warning": (lambda: _say("a.py:3: UserWarning: odd", "err"), 0, "a warning"),
    "an escape": (lambda: _say("\x1b[2J"), 0, "control characters in stdout"),
    "a direction": (lambda: _say("a\u202eb", "err"), 1, "control characters in stderr"),
    "a new file beside the working folder": (lambda: Path("../new").write_text("x"), 0, "files outside"),
    "a file in the home folder": (lambda: (Path.home() / "x").write_text("x"), 0, "files outside"),
    "a changed file": (lambda: Path("../outside/target").write_text("x"), 0, "files outside"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_each_kind_of_fault_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    planted, code, expected = FAULTS[name]

    def main() -> None:
        planted()
        sys.exit(code)

    monkeypatch.setattr("cnncli.__main__.main", main)
    if planted in (_work, _wait):
        monkeypatch.setattr(harness, "CPU_SECONDS" if planted is _work else "WALL_SECONDS", 0.3)
    monkeypatch.setattr(harness, "MEMORY", 1 << 26)
    failure = harness.run(CASE)
    assert failure is not None and expected in failure.kind


@pytest.mark.parametrize("own_process", [False, True])
def test_a_command_that_does_its_work_is_no_failure(own_process: bool) -> None:
    for case in (CASE, Case(("summarize", "net.yaml"), {"net.yaml": corpus.SMALL.encode()}), Case(("no-such",))):
        assert harness.run(case, own_process=own_process) is None


def test_the_surroundings_are_as_they_were_after_a_case() -> None:
    def state() -> object:
        return Path.cwd(), sys.argv, sys.stdout, dict(harness.os.environ), harness.tempfile.gettempdir()

    before = state()
    harness.run(CASE)
    assert state() == before


@pytest.mark.parametrize("area", AREAS)
def test_a_case_depends_on_its_seed_and_number_alone_and_survives_being_saved(area: str) -> None:
    for number in range(30):
        case, own_process = make(5, number, (area,))
        assert (case, own_process) == make(5, number, (area,))
        assert Case.from_json(case.to_json()) == case
    assert len({make(5, number, (area,))[0].to_json() for number in range(30)}) > 20


@settings(deadline=None)
@given(st.binary() | st.builds(Link, st.text()) | st.just(Fifo()) | st.builds(Sparse, st.integers(0, 9)), st.binary())
def test_a_saved_case_keeps_every_byte(content: bytes | Link | Fifo | Sparse, stdin: bytes) -> None:
    case = Case(("a", "\u202e"), {"x": content}, stdin, "yaml", (0, 1), "why")
    assert Case.from_json(case.to_json()) == case


@pytest.mark.parametrize("name", ["small.yaml", "two_inputs.yaml", "tiny.yaml"])
def test_what_is_mutated_is_valid(name: str) -> None:
    assert load_source(Source(name, corpus.architectures()[name]), "net").inferred.layers


def _fuzz(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.fuzz", *map(str, arguments)]
    return subprocess.run(command, cwd=corpus.ROOT, capture_output=True, text=True, check=False)


def test_what_broke_something_once_breaks_nothing() -> None:
    assert SEEDS
    ended = _fuzz("--replay", *SEEDS)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("area", AREAS)
def test_a_few_cases_of_each_area_find_nothing(area: str, tmp_path: Path) -> None:
    ended = _fuzz("--cases", 60, "--seed", 12, "--only", area, "--save", tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "60 cases in " in ended.stdout


@pytest.mark.slow
def test_two_thousand_cases_find_nothing(tmp_path: Path) -> None:
    ended = _fuzz("--cases", 2000, "--seed", 13, "--jobs", 2, "--save", tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "2,000 cases in " in ended.stdout


def test_every_option_of_every_command_that_calculates_is_tried() -> None:
    tried: set[tuple[str, str]] = set()
    for number in range(3000):
        case, _ = make(1, number, ("options",))
        tried |= {(case.argv[0], part) for part in case.argv}
    wanted = {
        (name, option)
        for name, command in options.commands().items()
        if name not in TORCH
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.name not in options.LEFT_OUT
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert wanted <= tried, sorted(wanted - tried)


def test_a_tree_that_holds_itself_is_mutated() -> None:
    tree = yaml.safe_load("&a {b: *a, c: [1, *a]}")
    for seed in range(20):
        assert mutations.dump_yaml(Random(seed), mutations.mutate_tree(Random(seed), tree))
