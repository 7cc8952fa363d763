"""Checking that data fits in memory before it is allocated."""

from __future__ import annotations

import os

from cnncli.errors import CnnError


def fits(needed: int) -> bool:
    """Whether ``needed`` bytes are at most half of the machine's memory; the rest is for training."""
    available = machine_bytes()
    return available is None or needed <= available // 2


def check_fits(needed: int, what: str, hint: str) -> None:
    """Raise a CnnError when ``needed`` bytes do not fit."""
    if not fits(needed):
        available = gib(machine_bytes() or 0)
        raise CnnError(f"{what} would need {gib(needed)}, more than half of this machine's {available}", hint)


def machine_bytes() -> int | None:
    """Bytes of physical memory, or None where the system does not report it (Windows)."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def gib(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB"
