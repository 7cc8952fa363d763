"""Reads the environment variables that torchrun sets for its processes."""

from __future__ import annotations

import os
from typing import NamedTuple

from cnncli.arithmetic.numerals import is_digits
from cnncli.errors import CnnError, shortened

MAX_DIGITS = 9  # of a number: no cluster has 10^9 processes


class LaunchedProcess(NamedTuple):
    """The rank of this process, from 0, and the number of processes, in total and on this machine; and of restarts."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    local_world_size: int = 1
    restarts: int = 0


def place() -> LaunchedProcess:
    """This process's place. Without WORLD_SIZE torchrun did not start it, and the other variables are ignored.

    Raises CnnError for a variable that is not a whole number, and for a rank that is not below the number of processes.
    """
    if "WORLD_SIZE" not in os.environ:
        return LaunchedProcess()
    world_size = _number("WORLD_SIZE", 1)
    if world_size > 1 and "RANK" not in os.environ:
        raise CnnError(f"WORLD_SIZE is {world_size}, and RANK is not set", _HINT)
    found = LaunchedProcess(
        _number("RANK", 0),
        world_size,
        _number("LOCAL_RANK", 0),
        _number("LOCAL_WORLD_SIZE", 1),
        _number("TORCHELASTIC_RESTART_COUNT", 0),
    )
    _check_below("RANK", found.rank, "WORLD_SIZE", world_size)
    if "LOCAL_WORLD_SIZE" in os.environ:
        _check_below("LOCAL_RANK", found.local_rank, "LOCAL_WORLD_SIZE", found.local_world_size)
    return found


_HINT = "torchrun sets both, as --nproc does; otherwise unset WORLD_SIZE"


def _number(variable: str, least: int) -> int:
    """The whole number in a variable; ``least`` if it is not set."""
    text = os.environ.get(variable, str(least))
    if not is_digits(text) or len(text) > MAX_DIGITS or int(text) < least:
        raise CnnError(
            f"the environment variable {variable} must be a whole number, not {shortened(repr(text))}", _HINT
        )
    return int(text)


def _check_below(variable: str, number: int, of: str, count: int) -> None:
    if number >= count:
        raise CnnError(f"{variable} is {number}, and {of} is {count}: ranks count from 0", _HINT)
