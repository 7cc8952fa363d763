"""Sets of sizes that repeat with a period hold what they are made of, however they are written."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.analysis.solving.size_set import SizeSet

TRIED = range(1, 200)
thorough = settings(max_examples=200, deadline=None, derandomize=True, database=None)


@st.composite
def size_sets(draw: st.DrawFn) -> SizeSet:
    every = draw(st.integers(1, 12))
    remainders = draw(st.sets(st.integers(0, every - 1), min_size=1))
    return SizeSet(draw(st.integers(1, 40)), every, tuple(sorted(remainders)))


def members(sizes: SizeSet) -> set[int]:
    return {size for size in TRIED if size in sizes}


@thorough
@given(size_sets())
def test_the_shortest_period_gives_the_same_sizes_and_none_shorter_does(sizes: SizeSet) -> None:
    short = sizes.with_shortest_period()
    assert members(short) == members(sizes) and sizes.every % short.every == 0
    pattern = [rest in short.remainders for rest in range(short.every)]
    for every in range(1, short.every):
        assert short.every % every or pattern != pattern[:every] * (short.every // every)


@thorough
@given(size_sets(), st.sets(st.integers(1, 39)), st.integers(1, 40))
def test_single_and_tried_sizes_replace_those_below(sizes: SizeSet, single: set[int], border: int) -> None:
    below = {size for size in single if size < sizes.least}
    joined = sizes.with_single(tuple(sorted(below)))
    assert members(joined) == below | {size for size in TRIED if size >= sizes.least and size in sizes}
    tried = {size for size in single if size < border}
    assert members(joined.corrected(tried, border)) == tried | {size for size in members(joined) if size >= border}


@thorough
@given(size_sets(), st.sets(st.integers(1, 39)))
def test_the_examples_are_the_smallest_sizes(sizes: SizeSet, single: set[int]) -> None:
    joined = sizes.with_single(tuple(sorted(size for size in single if size < sizes.least)))
    assert joined.examples(4) == sorted(members(joined))[:4]
