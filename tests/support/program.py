"""Running the program as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"  # published figures and real data, where they are there


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


def run_process(*arguments: object, stdin: str | None = None, timeout: float = 120, **environment: str) -> Ended:
    """Run ``cnn ARGS`` in a new process, its output on pipes."""
    result = subprocess.run(
        [sys.executable, "-m", "cnncli", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={key: value for key, value in os.environ.items() if key != "COLUMNS"} | environment,
        check=False,
    )
    return Ended(result.returncode, result.stdout, result.stderr)
