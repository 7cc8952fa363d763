"""The size formula, solved: what is listed is what trying every window finds, in the order that is documented."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.analysis.solving.windows import (
    Converted,
    Solution,
    Wanted,
    inputs_for,
    outputs_of,
    solutions,
    transposed_conversions,
    transposed_solutions,
)
from cnncli.arithmetic.window import PADDING_NAMES, Window

GRID = [*product(range(1, 10), range(1, 10))]
few = settings(max_examples=100, deadline=None, derandomize=True, database=None)


def positions(size: int, kernel: int, stride: int, total: int, dilation: int) -> tuple[int, int]:
    """The windows that start inside, counted, and the rows after the last one; none where the window does not fit."""
    reach = dilation * (kernel - 1)
    starts = range(0, size + total - reach, stride)
    return len(starts), size + total - reach - 1 - starts[-1] if starts else 0


def total_padding(padding: int | str, size: int, kernel: int, stride: int, dilation: int) -> int:
    if isinstance(padding, int):
        return 2 * padding
    if padding in ("valid", "full"):
        return 0 if padding == "valid" else 2 * dilation * (kernel - 1)
    return max(0, (-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size)


def tried(wanted: Wanted, kernel: int, stride: int) -> set[Solution]:
    """The solutions with a kernel and a stride, by trying each padding."""
    dilation = wanted.dilation or 1
    usual = range((dilation * (kernel - 1) + 1) // 2 + 1)
    found = set()
    for padding in usual if wanted.padding is None else [wanted.padding]:
        each = [positions(n, kernel, stride, total_padding(padding, n, kernel, stride, dilation), dilation)
                for n in wanted.inputs]  # fmt: skip
        if [count for count, _ in each] == [*wanted.outputs]:
            found.add(Solution(kernel, stride, padding, dilation, max(rest for _, rest in each)))
    return found


def tried_all(wanted: Wanted) -> set[Solution]:
    """Within the bounds, by trying each kernel and stride."""
    kernels = range(1, wanted.max_kernel + 1) if wanted.kernel is None else [wanted.kernel]
    return {
        found
        for kernel in kernels
        for stride in (range(1, kernel + 1) if wanted.stride is None else [wanted.stride])
        for found in tried(wanted, kernel, stride)
    }


def place(found: Solution) -> tuple[object, ...]:
    """The documented order of solutions."""
    half = found.dilation * (found.kernel - 1) // 2
    odd = [
        found.kernel % 2 == 0 and found.kernel != found.stride,
        found.padding not in (0, half, "valid", "same"),
        found.stride > found.kernel,
        found.kernel == 1 and found.stride > 1,
    ]
    amount = 0 if isinstance(found.padding, str) else found.padding
    return found.dropped > 0, sum(odd), found.kernel, found.stride, amount


def is_ordered(found: list[Solution]) -> bool:
    places = [(one.output_padding > 0, *place(one)) for one in found]
    return places == sorted(places) and len({*found}) == len(found)


def skipping(found: list[Solution]) -> bool:
    return any(one.stride > one.kernel for one in found)


@pytest.mark.parametrize("dilation", [None, 2])
def test_the_windows_listed_are_those_that_trying_all_finds(dilation: int | None) -> None:
    for size, output in GRID:
        wanted = Wanted((size,), (output,), dilation=dilation, max_kernel=5)
        found = solutions(wanted)
        assert {*found} == tried_all(wanted), wanted
        assert is_ordered(found), wanted


def test_paddings_of_two_digits_are_ordered_by_their_values() -> None:
    found = solutions(Wanted((30,), (2,), kernel=24, stride=20))
    assert [one.padding for one in found if one.dropped] == [11, 8, 9, 10, 12] and is_ordered(found)


def test_kernels_up_to_eleven_are_tried() -> None:
    assert {found.kernel for found in solutions(Wanted((20,), (20,)))} == {1, 3, 5, 7, 9, 11}


axes = st.integers(1, 2).flatmap(
    lambda count: st.tuples(*(st.lists(st.integers(1, 14), min_size=count, max_size=count) for _ in range(2)))
)
small = st.none() | st.integers(1, 5)
paddings = st.none() | st.integers(0, 6) | st.sampled_from(PADDING_NAMES)


@few
@given(axes, small, small, paddings, st.none() | st.integers(1, 3))
def test_given_quantities_are_kept_on_every_axis(
    sizes: tuple[list[int], list[int]], kernel: int | None, stride: int | None, padding: int | str | None, dilation: int
) -> None:
    wanted = Wanted((*sizes[0],), (*sizes[1],), kernel, stride, padding, dilation, max_kernel=6)
    found, inside = solutions(wanted), tried_all(wanted)
    assert is_ordered(found)
    if inside or kernel is None or stride is not None:
        assert {*found} == inside
    else:  # only then are strides above the kernel listed
        beyond = {one for stride in range(kernel + 1, 80) for one in tried(wanted, kernel, stride)}
        assert {*found} <= beyond and bool(found) == bool(beyond)
        assert min(found, default=None) == min(beyond, default=None)


def test_strides_above_a_given_kernel_are_the_first_ones_and_the_last_for_each_padding() -> None:
    for size, output, kernel in product((3, 12, 70, 71), (1, 2, 3, 4), (1, 2, 5)):
        wanted = Wanted((size,), (output,), kernel)
        found = solutions(wanted)
        if not tried_all(wanted):
            strides: set[int] = set()
            for padding in range(kernel // 2 + 1):
                fixed = wanted._replace(padding=padding)
                giving = [s for s in range(kernel + 1, 90) if tried(fixed, kernel, s)]
                strides |= {*giving[:1]} if output == 1 else {*giving[:17], *giving[-1:]}
            assert {*found} == {one for stride in strides for one in tried(wanted, kernel, stride)}, wanted
            assert is_ordered(found)
    assert skipping(solutions(Wanted((70,), (2,), 1)))


def test_the_inputs_of_an_output_are_those_that_give_it() -> None:
    for output, kernel, stride, padding, dilation in product((1, 2, 5), (1, 2, 3, 5), (1, 2, 4), range(4), (1, 2)):
        counted = {n: positions(n, kernel, stride, 2 * padding, dilation) for n in range(1, 40)}
        giving = [n for n, (count, _) in counted.items() if count == output]
        found = inputs_for(output, Window(kernel, stride, padding, padding, dilation))
        assert found == ((giving[0], giving[-1]) if giving else None)
        if giving and giving[0] > 1:
            assert counted[giving[0]] == (output, 0)


def test_the_output_of_each_input_is_that_of_the_window() -> None:
    for kernel, stride, padding, dilation in product((None, 1, 3), (None, 2), (None, 1, "same"), (None, 2)):
        wanted = Wanted((5, 8, 9), (), kernel, stride, padding, dilation)
        given = (kernel or 1, stride or 1, padding or 0, dilation or 1)
        for each, size in zip(outputs_of(wanted), wanted.inputs, strict=True):
            total = total_padding(given[2], size, given[0], given[1], given[3])
            assert (each.output, each.dropped) == positions(size, given[0], given[1], total, given[3])
            window = each.window
            assert (window.kernel, window.stride, window.dilation) == (given[0], given[1], given[3])
            assert (each.input, window.before + window.after, window.after - window.before) == (size, total, total % 2)


# Transposed windows ---------------------------------------------------------------------------------------------------


def outputs_written(size: int, kernel: int, stride: int, padding: int, dilation: int, extra: int) -> int:
    """Output size, from the last place that the last input is added to."""
    return (size - 1) * stride + dilation * (kernel - 1) + 1 - 2 * padding + extra


def transposed_tried(wanted: Wanted, kernel: int, stride: int) -> set[Solution]:
    dilation = wanted.dilation or 1
    usual = range((dilation * (kernel - 1) + 1) // 2 + 1)
    return {
        Solution(kernel, stride, padding, dilation, 0, extra)
        for padding in (usual if wanted.padding is None else [wanted.padding])
        for extra in range(max(stride, dilation))
        if all(
            outputs_written(n, kernel, stride, int(padding), dilation, extra) == m
            for n, m in zip(wanted.inputs, wanted.outputs, strict=True)
        )
    }


def transposed_inside(wanted: Wanted) -> set[Solution]:
    return {
        found
        for kernel in (range(1, wanted.max_kernel + 1) if wanted.kernel is None else [wanted.kernel])
        for stride in (range(1, kernel + 1) if wanted.stride is None else [wanted.stride])
        for found in transposed_tried(wanted, kernel, stride)
    }


@pytest.mark.parametrize("dilation", [None, 2, 3])
def test_the_transposed_windows_listed_are_those_that_trying_all_finds(dilation: int | None) -> None:
    for size, output in GRID:
        wanted = Wanted((size,), (output,), dilation=dilation, max_kernel=4)
        found = transposed_solutions(wanted)
        assert {*found} == transposed_inside(wanted), wanted
        assert is_ordered(found), wanted


@few
@given(axes, small, small, st.none() | st.integers(0, 5), st.none() | st.integers(1, 3))
def test_given_quantities_of_a_transposed_window_are_kept_on_every_axis(
    sizes: tuple[list[int], list[int]], kernel: int | None, stride: int | None, padding: int | None, dilation: int
) -> None:
    wanted = Wanted((*sizes[0],), (*sizes[1],), kernel, stride, padding, dilation, max_kernel=5)
    found, inside = transposed_solutions(wanted), transposed_inside(wanted)
    assert is_ordered(found)
    if inside or kernel is None or stride is not None:
        assert {*found} == inside
    else:
        beyond = {one for stride in range(kernel + 1, 40) for one in transposed_tried(wanted, kernel, stride)}
        assert {*found} <= beyond and (bool(found) == bool(beyond) or (dilation or 1) > 1)


def test_a_given_transposed_kernel_has_a_stride_above_it_where_one_gives_the_output() -> None:
    for size, kernel, stride in product(range(1, 5), range(1, 4), range(4, 7)):
        for extra in range(stride):
            output = outputs_written(size, kernel, stride, 0, 1, extra)
            found = transposed_solutions(Wanted((size,), (output,), kernel))
            assert found and is_ordered(found)
            if skipping(found) and size > 1:
                assert Solution(kernel, stride, 0, 1, 0, extra) in found


def test_transposed_sizes_are_those_of_the_formula_in_both_directions() -> None:
    for kernel, stride, padding, dilation in product((None, 2, 3), (None, 2, 3), (None, 1), (None, 2)):
        wanted = Wanted((1, 4), (), kernel, stride, padding, dilation)
        given = (kernel or 1, stride or 1, padding or 0, dilation or 1)
        forward = transposed_conversions(wanted)
        assert [(each.input, each.output) for each in forward] == [
            (n, outputs_written(n, *given, 0)) for n in wanted.inputs
        ]
        for output in range(1, 12):
            (found,) = transposed_conversions(wanted._replace(inputs=(), outputs=(output,)))
            window = Window(given[0], given[1], given[2], given[2], given[3])
            sources = [
                (n, extra)
                for n in range(1, 20)
                for extra in range(given[1])
                if outputs_written(n, *given, extra) == output
            ]
            size, extra = sources[0] if sources else (0, 0)
            assert found == Converted(size, window, output, 0, extra)
