"""Random draws that are a function of (seed, number, purpose) alone."""

from __future__ import annotations

import torch
from torch import Tensor

from cnncli.errors import CnnError, counted


def split_rows(total: int, fraction: float, seed: int) -> tuple[Tensor, Tensor]:
    """The sorted indices of both parts of :func:`random_split`. Raises CnnError if either is empty."""
    count = round(total * fraction)
    if not 0 < count < total:
        raise CnnError(
            f"validation: a fraction of {fraction:g} takes {count:,} of {counted(total, 'image')}",
            "use a fraction such as 0.1",
        )
    order = torch.randperm(total, generator=generator(seed, 0, "validation"))
    return order[count:].sort().values, order[:count].sort().values


def evenly_spaced(count: int, total: int) -> Tensor:
    """The indices of ``count`` images, evenly spaced from the first to the last of ``total``; at most ``total``."""
    count = min(count, total)
    return torch.arange(count) * (total - 1) // max(1, count - 1)


def generator(seed: int, number: int, purpose: str) -> torch.Generator:
    """A separate generator for each purpose and number, so that no draw depends on others."""
    return torch.Generator().manual_seed(mixed_seed(seed, number, purpose))


def mixed_seed(seed: int, number: int, purpose: str) -> int:
    """A 63-bit seed for (seed, number, purpose)."""
    from hashlib import blake2b

    digest = blake2b(f"{seed} {number} {purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
