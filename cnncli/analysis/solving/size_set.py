"""Sets of sizes that repeat with a period, and single sizes below."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

EXAMPLES = 5


class SizeSet(NamedTuple):
    """The sizes n >= ``least`` with n mod ``every`` in ``remainders``, and the ``single`` ones below ``least``."""

    least: int
    every: int
    remainders: tuple[int, ...]
    single: tuple[int, ...] = ()

    @classmethod
    def of(cls, sizes: Iterable[int]) -> SizeSet:
        """These sizes and no others."""
        found = tuple(sizes)
        return cls(max(found, default=0) + 1, 1, (), found)

    def examples(self, count: int = EXAMPLES) -> list[int]:
        """The smallest of them."""
        found = [*self.single[:count]]
        start = self.least - self.least % self.every
        while self.remainders and len(found) < count:
            found += [start + rest for rest in self.remainders if start + rest >= self.least]
            start += self.every
        return found[:count]

    def __contains__(self, size: object) -> bool:
        if not isinstance(size, int) or size < self.least:
            return size in self.single
        return size % self.every in self.remainders

    def with_single(self, single: tuple[int, ...]) -> SizeSet:
        """The set with other single sizes; ``least`` becomes as low as those follow the pattern."""
        kept, least = {*single}, self.least
        if kept and not self.remainders:
            return SizeSet.of(single)
        while kept and ((least - 1) in kept) == ((least - 1) % self.every in self.remainders):
            least -= 1
            kept.discard(least)
        return self._replace(least=least, single=tuple(sorted(kept)))

    def corrected(self, tried: set[int], border: int) -> SizeSet:
        """The set with the sizes below ``border`` replaced by those that were ``tried``."""
        start = max(border, self.least)
        single = {size for size in range(border, start) if size in self} | tried
        if not self.remainders:
            return SizeSet.of(sorted(single | {size for size in self.single if size >= border}))
        return self._replace(least=start, single=()).with_single(tuple(sorted(single)))

    def with_shortest_period(self) -> SizeSet:
        """The same sizes with the shortest period that gives them; without single sizes."""
        kept = {*self.remainders}
        for every in range(1, self.every + 1):
            if self.every % every == 0:
                first = {rest for rest in kept if rest < every}
                if kept == {rest for rest in range(self.every) if rest % every in first}:
                    return SizeSet(self.least, every, tuple(sorted(first)))
        return self
