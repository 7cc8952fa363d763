"""The lock of a run folder: two processes never train in the same one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cnncli.errors import CnnError
from cnncli.io.writing import open_no_link

LOCK = ".lock"


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Lock a run for this process. Raises CnnError if another process trains in it."""
    try:
        import fcntl
    except ImportError:  # Windows has no flock
        yield
        return
    with _lock_file(folder, os.O_RDWR | os.O_CREAT) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CnnError(f"{folder}: another process is training in it", "wait for it, or stop it first") from None
        except OSError:  # some network file systems have no locks
            pass
        yield


def is_locked(folder: Path) -> bool:
    """Whether a process trains in a run. A run that is recorded as running and is not locked was killed."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        with _lock_file(folder, os.O_RDONLY) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    except OSError:  # without permission to ask
        return True


@contextmanager
def _lock_file(folder: Path, flags: int) -> Iterator[int]:
    """The descriptor of a run's lock. Raises OSError for a link; never waits for a pipe."""
    descriptor = open_no_link(os.fspath(folder / LOCK), flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
