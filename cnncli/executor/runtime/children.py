"""Python processes that this one starts must not import from the working folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def safe_path() -> Iterator[None]:
    """Processes started inside the ``with`` block import nothing from the working folder.

    multiprocessing and torchrun use ``python -c`` and ``python -m``, which would import a ``random.py`` in the working
    folder instead of the standard library's.
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
