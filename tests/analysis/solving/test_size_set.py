"""Sets of sizes that repeat with a period hold what they are made of, however they are written."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations

from cnncli.analysis.solving.size_set import SizeSet

TRIED = range(1, 30)


def subsets(sizes: range) -> Iterator[tuple[int, ...]]:
    return chain.from_iterable(combinations(sizes, count) for count in range(len(sizes) + 1))


def repeating(longest: int, least: int = 5) -> Iterator[SizeSet]:
    """All with a period up to ``longest``, among them those without any remainder."""
    for every in range(1, longest + 1):
        for remainders in subsets(range(every)):
            yield from (SizeSet(first, every, remainders) for first in range(1, least + 1))


def members(sizes: SizeSet) -> set[int]:
    return {size for size in TRIED if size in sizes}


def test_the_shortest_period_gives_the_same_sizes_and_none_shorter_does() -> None:
    for sizes in repeating(6, least=2):
        short = sizes.with_shortest_period()
        assert members(short) == members(sizes) and sizes.every % short.every == 0
        pattern = [rest in short.remainders for rest in range(short.every)]
        for every in range(1, short.every):
            assert short.every % every or pattern != pattern[:every] * (short.every // every)


def test_single_sizes_are_joined_and_continue_the_pattern_where_they_follow_it() -> None:
    for sizes in repeating(3):
        for single in subsets(range(1, sizes.least)):
            joined = sizes.with_single(single)
            assert members(joined) == {*single} | members(sizes)
            if sizes.remainders and single:
                assert {*joined.single} == {size for size in single if size < joined.least}
                before = joined.least - 1
                assert not joined.single or (before in joined) != (before % joined.every in joined.remainders)


def test_the_sizes_below_a_border_are_replaced_by_those_that_were_tried() -> None:
    for sizes in repeating(3, least=4):
        for single in subsets(range(1, sizes.least)):
            joined = sizes.with_single(single)
            for border in range(1, 7):
                for tried in (set(), {*range(1, border)}, {*range(1, border, 2)}):
                    corrected = joined.corrected(tried, border)
                    assert members(corrected) == tried | {size for size in members(joined) if size >= border}
                    assert [*corrected.single] == sorted(corrected.single)


def test_the_examples_are_the_smallest_sizes() -> None:
    for sizes in repeating(4):
        for single in subsets(range(1, sizes.least)):
            joined = sizes.with_single(single)
            for count in (1, 4):
                assert joined.examples(count) == sorted(members(joined))[:count]
            assert joined.examples() == sorted(members(joined))[:5]


def test_no_other_sizes_are_in_a_set_of_given_ones() -> None:
    for given in subsets(range(1, 7)):
        sizes = SizeSet.of(iter(given))
        assert members(sizes) == {*given} and sizes.least == max((0, *given)) + 1 and 0 not in sizes
    assert all(item not in SizeSet(1, 1, (0,)) for item in ("3", 2.0, None))
