"""Python processes that this one starts: none may run what lies in the working folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def safe_path() -> Iterator[None]:
    """Processes started inside the ``with`` block import nothing from the folder that they are started in.

    ``python -m`` and ``python -c``, as which multiprocessing and torchrun start theirs, would import a ``random.py`` of
    the working folder in place of the standard library's.
    """
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before
