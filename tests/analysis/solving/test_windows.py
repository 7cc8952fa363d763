"""The size formula, solved: each solution does it, none is missing, those that drop nothing come first."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.analysis.solving.windows import (
    Solution,
    Wanted,
    inputs_for,
    solutions,
    transposed_solutions,
    window_for,
)
from cnncli.arithmetic.window import Window, dropped, fits, output_size, transposed_size

sizes = st.integers(1, 40)


@given(sizes, sizes, st.integers(1, 2))
def test_every_solution_does_it_and_says_what_it_drops(size: int, output: int, dilation: int) -> None:
    for found in solutions(Wanted((size,), (output,), dilation=dilation)):
        window = window_for(size, found.kernel, found.stride, found.padding, found.dilation)
        assert fits(size, window) and output_size(size, window) == output
        assert found.dropped == dropped(size, window)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 16), st.integers(1, 16), st.integers(1, 2))
def test_no_window_within_the_bounds_is_missing(size: int, output: int, dilation: int) -> None:
    tried = set()
    for kernel in range(1, 8):
        for stride in range(1, kernel + 1):
            for padding in range((dilation * (kernel - 1) + 1) // 2 + 1):
                window = Window(kernel, stride, padding, padding, dilation)
                if fits(size, window) and output_size(size, window) == output:
                    tried.add((kernel, stride, padding))
    found = solutions(Wanted((size,), (output,), dilation=dilation, max_kernel=7))
    assert {(s.kernel, s.stride, s.padding) for s in found} == tried and len(found) == len(tried)


@given(sizes, sizes)
def test_what_drops_nothing_comes_first(size: int, output: int) -> None:
    drops = [found.dropped > 0 for found in solutions(Wanted((size,), (output,)))]
    assert drops == sorted(drops)


@given(st.integers(1, 30), st.integers(1, 7), st.integers(1, 4), st.integers(0, 3), st.integers(1, 2))
def test_the_inputs_of_an_output_are_those_that_give_it(
    output: int, kernel: int, stride: int, padding: int, dilation: int
) -> None:
    window = Window(kernel, stride, padding, padding, dilation)
    giving = [n for n in range(1, 200) if fits(n, window) and output_size(n, window) == output]
    found = inputs_for(output, window)
    assert (giving == []) == (found is None)
    if found is not None:
        assert (giving[0], giving[-1]) == found
        if found.first > 1:
            assert dropped(found.first, window) == 0


@given(st.integers(1, 20), st.integers(1, 40))
def test_transposed_solutions_give_the_output(size: int, output: int) -> None:
    for found in transposed_solutions(Wanted((size,), (output,), max_kernel=6)):
        assert isinstance(found.padding, int)
        window = Window(found.kernel, found.stride, found.padding, found.padding, found.dilation)
        assert transposed_size(size, window, found.output_padding) == output


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.integers(1, 3), st.integers(1, 6), st.data())
def test_the_transposed_window_that_gave_a_size_is_among_the_solutions(
    size: int, kernel: int, stride: int, data: st.DataObject
) -> None:
    extra = data.draw(st.integers(0, stride - 1))
    output = transposed_size(size, Window(kernel, stride), extra)
    free = transposed_solutions(Wanted((size,), (output,), kernel=kernel))
    assert free
    fixed = transposed_solutions(Wanted((size,), (output,), kernel=kernel, stride=stride))
    assert Solution(kernel, stride, 0, 1, 0, extra) in (free if stride <= kernel else fixed)


def test_fixed_quantities_stay_fixed() -> None:
    found = solutions(Wanted((28,), (28,), kernel=5))
    assert found == [Solution(5, 1, 2, 1, 0)]
    assert [s.kernel for s in solutions(Wanted((28,), (28,), padding=1))] == [3]


def test_the_lectures_size_is_kept_by_half_of_the_kernel() -> None:
    for kernel, padding in ((3, 1), (5, 2), (7, 3)):
        assert solutions(Wanted((32,), (32,), kernel=kernel)) == [Solution(kernel, 1, padding, 1, 0)]


def test_the_usual_windows_are_the_first() -> None:
    assert solutions(Wanted((7,), (3,)))[0] == Solution(3, 2, 0, 1, 0)
    assert solutions(Wanted((32,), (16,)))[0] == Solution(2, 2, 0, 1, 0)
    assert solutions(Wanted((32,), (28,)))[0] == Solution(5, 1, 0, 1, 0)
    assert solutions(Wanted((28,), (28,)))[1] == Solution(3, 1, 1, 1, 0)


@given(st.integers(1, 60), st.integers(1, 30), st.integers(1, 5))
def test_a_given_kernel_has_a_solution_wherever_one_of_its_strides_gives_the_output(
    n: int, m: int, kernel: int
) -> None:
    windows = [Window(kernel, s, p, p) for s in range(1, n + kernel + 1) for p in range(kernel // 2 + 1)]
    possible = any(fits(n, window) and output_size(n, window) == m for window in windows)
    found = solutions(Wanted((n,), (m,), kernel=kernel))
    assert bool(found) == possible
    for solution in found:
        assert isinstance(solution.padding, int)
        assert output_size(n, Window(kernel, solution.stride, solution.padding, solution.padding)) == m
