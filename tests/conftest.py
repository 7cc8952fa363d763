"""Fixtures that all tests share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from program import Ended, Run

if "PYTEST_XDIST_WORKER" in os.environ:
    # torch's threads wait by spinning: two processes with a thread per core each are many times slower than in turn
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# No test depends on the speed of a machine: a loaded one would fail it.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

os.environ.pop("COLUMNS", None)  # set by the test runner; programs that a test starts would wrap their messages


@pytest.fixture
def cnn(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``cnn ARGS`` in this process: fast, for all that needs no process of its own."""
    from cnncli.__main__ import main

    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["cnn", *map(str, arguments)])
        with pytest.raises(SystemExit) as ending:
            main()
        captured = capsys.readouterr()
        code = ending.value.code
        return Ended(code if isinstance(code, int) else int(bool(code)), captured.out, captured.err)

    return run


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a network's text to a file."""

    def write_network(text: str, name: str = "net.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_network


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Compute on one thread: tensors of a few values take longer to share out than to work out."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
