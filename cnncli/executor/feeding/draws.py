"""Random draws that are a function of (seed, number, purpose) alone."""

from __future__ import annotations

import torch
from torch import Tensor

from cnncli.errors import CnnError


def split_rows(total: int, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """The numbers of the images of :func:`random_split`, in order. Raises CnnError where either would be empty."""
    count = round(total * share)
    if not 0 < count < total:
        raise CnnError(f"validation: a share of {share:g} takes {count} of {total} images", "use a share such as 0.1")
    order = torch.randperm(total, generator=generator(seed, 0, "validation"))
    return order[count:].sort().values, order[:count].sort().values


def evenly_spaced(count: int, total: int) -> Tensor:
    """The numbers of ``count`` images, from the first to the last of ``total``; all where there are no more."""
    count = min(count, total)
    return torch.arange(count) * (total - 1) // max(1, count - 1)


def generator(seed: int, number: int, purpose: str) -> torch.Generator:
    """A generator of its own for each purpose and number, so that one draw never shifts another."""
    return torch.Generator().manual_seed(mixed_seed(seed, number, purpose))


def mixed_seed(seed: int, number: int, purpose: str) -> int:
    """A 63-bit seed for (seed, number, purpose)."""
    from hashlib import blake2b

    digest = blake2b(f"{seed} {number} {purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
