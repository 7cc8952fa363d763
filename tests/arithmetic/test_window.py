"""The size formula, against counting by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.nn.functional import pad

from cnncli.arithmetic.window import (
    Window,
    adaptive_end,
    adaptive_pattern,
    adaptive_start,
    adaptive_total,
    dropped,
    fits,
    fitting_strides,
    largest_border,
    largest_kernel,
    least_padding,
    lost,
    named_padding,
    output_size,
    overhang,
    remainder,
    same_padding,
    scaled_size,
    skipped_per_stride,
    taps_inside,
    transposed_size,
    transposed_taps,
)

sizes = st.integers(1, 40)
windows = st.builds(
    Window,
    kernel=st.integers(1, 8),
    stride=st.integers(1, 7),
    before=st.integers(0, 6),
    after=st.integers(0, 6),
    dilation=st.integers(1, 4),
    ceil=st.just(False),
    exact=st.just(False),
)


def starts(size: int, window: Window) -> list[int]:
    """Where the window can lie in the padded axis, each of its taps inside: by trying all places."""
    padded = size + window.before + window.after
    return [at for at in range(0, padded, window.stride) if at + window.dilation * (window.kernel - 1) < padded]


@given(sizes, windows)
def test_the_output_has_one_value_for_each_place_of_the_window(size: int, window: Window) -> None:
    places = starts(size, window)
    assert fits(size, window) == bool(places)
    if places:
        assert output_size(size, window) == len(places)


@given(sizes, windows)
def test_what_is_dropped_is_what_no_place_covers(size: int, window: Window) -> None:
    places = starts(size, window)
    assume(places)
    padded = size + window.before + window.after
    assert dropped(size, window) == padded - (places[-1] + window.effective_kernel)
    assert (remainder(size, window) == 0) == ((padded - window.effective_kernel) / window.stride).is_integer()


@given(sizes, windows, st.booleans())
def test_what_is_lost_lies_after_the_last_place_and_what_is_skipped_between_the_taps(
    size: int, window: Window, ceil: bool
) -> None:
    window = window._replace(ceil=ceil and max(window.before, window.after) <= window.effective_kernel // 2)
    assume(fits(size, window))
    begins = [at * window.stride - window.before for at in range(output_size(size, window))]
    end = begins[-1] + window.effective_kernel
    assert lost(size, window) == len([place for place in range(size) if place >= end])
    taps = {(begin + tap * window.dilation) % window.stride for begin in begins for tap in range(window.kernel)}
    assert skipped_per_stride(window) == window.stride - len(taps)


@given(sizes, windows)
def test_a_window_that_fits_exactly_has_the_same_size_without_the_floor(size: int, window: Window) -> None:
    assume(fits(size, window) and remainder(size, window) == 0)
    assert output_size(size, window._replace(exact=True)) == output_size(size, window)


@given(sizes, windows)
def test_ceil_counts_a_window_over_the_end_unless_it_starts_in_the_padding_there(size: int, window: Window) -> None:
    assume(fits(size, window))
    assume(max(window.before, window.after) <= window.effective_kernel // 2)  # pooling's rule
    places = starts(size, window)
    after_the_last = places[-1] + window.stride
    hangs_over = remainder(size, window) > 0 and after_the_last < size + window.before
    assert output_size(size, window._replace(ceil=True)) == len(places) + hangs_over


@pytest.mark.parametrize(
    ("size", "window", "expected"),
    [
        # torch.nn.MaxPool1d(kernel, stride, padding, ceil_mode=True) of PyTorch 2.6
        (5, Window(2, 2, ceil=True), 3),
        (6, Window(3, 2, ceil=True), 3),
        (4, Window(1, 3, ceil=True), 2),
        (3, Window(2, 2, 1, 1, ceil=True), 2),
        (4, Window(2, 2, 1, 1, ceil=True), 3),
        (5, Window(3, 4, 1, 1, ceil=True), 2),
        (1, Window(2, 3, 1, 1, ceil=True), 1),
    ],
)
def test_ceil_as_pytorch(size: int, window: Window, expected: int) -> None:
    assert output_size(size, window) == expected


@given(sizes, windows)
def test_the_largest_kernel_and_the_least_padding_fit_and_one_more_or_less_does_not(size: int, window: Window) -> None:
    kernel = largest_kernel(size, window)
    assert fits(size, window._replace(kernel=kernel))
    assert not fits(size, window._replace(kernel=kernel + 1))
    padding = least_padding(size, window)
    assert fits(size, window._replace(before=padding, after=padding))
    assert not padding or not fits(size, window._replace(before=padding - 1, after=padding - 1))


@given(sizes, windows)
def test_fitting_strides_leave_nothing_over(size: int, window: Window) -> None:
    assume(fits(size, window))
    expected = [s for s in range(1, window.kernel + 1) if remainder(size, window._replace(stride=s)) == 0]
    assert fitting_strides(size, window) == expected
    assert 1 in expected


@given(sizes, st.integers(1, 8), st.integers(1, 7), st.integers(1, 4))
def test_same_padding_is_the_least_that_keeps_the_size_over_the_stride(
    size: int, kernel: int, stride: int, dilation: int
) -> None:
    total = same_padding(size, kernel, stride, dilation)
    wanted = -(-size // stride)
    window = Window(kernel, stride, 0, total, dilation)
    assert output_size(size, window) == wanted
    if total:
        less = window._replace(after=total - 1)
        assert not fits(size, less) or output_size(size, less) < wanted


@given(sizes, sizes)
def test_adaptive_windows_cover_the_axis_and_repeat(size: int, output: int) -> None:
    bounds = [(adaptive_start(size, output, i), adaptive_end(size, output, i)) for i in range(output)]
    assert {index for first, last in bounds for index in range(first, last + 1)} == set(range(size))
    assert sum(last - first + 1 for first, last in bounds) == adaptive_total(size, output)
    period, advance = adaptive_pattern(size, output)
    for i, (first, last) in enumerate(bounds[period:]):
        assert (first, last) == (bounds[i][0] + advance, bounds[i][1] + advance)


@given(sizes, st.integers(1, 9), st.integers(1, 9))
def test_scaled_size_is_the_floor(size: int, numerator: int, denominator: int) -> None:
    scaled = scaled_size(size, numerator, denominator)
    assert scaled * denominator <= size * numerator < (scaled + 1) * denominator


@given(sizes, st.integers(1, 8), st.integers(1, 7), st.integers(1, 4))
def test_named_padding_gives_the_sizes_that_its_name_promises(
    size: int, kernel: int, stride: int, dilation: int
) -> None:
    before, after = named_padding("same", size, kernel, stride, dilation)
    assert named_padding("same_lower", size, kernel, stride, dilation) == (after, before)
    assert 0 <= after - before <= 1
    assert output_size(size, Window(kernel, stride, before, after, dilation)) == -(-size // stride)
    full = Window(kernel, 1, *named_padding("full", size, kernel, stride, dilation), dilation)
    assert output_size(size, full) == size + full.effective_kernel - 1


@given(sizes, windows)
def test_the_transposed_size_is_the_smallest_input_that_gives_the_size(positions: int, window: Window) -> None:
    size = transposed_size(positions, window, 0)
    assume(size > 0)
    assert output_size(size, window) == positions and remainder(size, window) == 0
    assert not fits(size - 1, window) or output_size(size - 1, window) == positions - 1


@given(sizes, windows)
def test_transposed_taps_are_the_inputs_whose_windows_contain_the_output(unit: int, window: Window) -> None:
    taps = range(window.kernel)
    found = {i for i in range(200) for tap in taps if i * window.stride + tap * window.dilation - window.before == unit}
    assert {i for i in transposed_taps(unit, window) if i >= 0} == found


@given(sizes, windows, st.booleans())
def test_the_overhang_is_the_distance_from_the_end_to_the_last_tap(size: int, window: Window, ceil: bool) -> None:
    window = window._replace(ceil=ceil)
    assume(fits(size, window))
    last_tap = (output_size(size, window) - 1) * window.stride - window.before + window.effective_kernel - 1
    assert overhang(size, window) == last_tap - (size - 1)


@pytest.mark.parametrize("mode", ["constant", "replicate", "reflect", "circular"])
@given(size=st.integers(1, 6))
def test_the_largest_border_is_the_largest_that_torch_pads(mode: str, size: int) -> None:
    most = largest_border(size, mode)
    assert (most is None) == (mode in ("constant", "replicate"))
    if most is not None:
        line = torch.zeros(1, 1, size)
        assert pad(line, (most, most), mode).shape[2] == size + 2 * most
        with pytest.raises(RuntimeError):
            pad(line, (most + 1, 0), mode)


@given(sizes, windows)
def test_the_taps_inside_are_from_the_first_to_the_last_that_meet_a_value(size: int, window: Window) -> None:
    assume(fits(size, window))
    begins = [at * window.stride - window.before for at in range(output_size(size, window))]
    met = {tap for tap in range(window.kernel) for begin in begins if 0 <= begin + tap * window.dilation < size}
    assume(met)
    assert {*taps_inside(size, window)} >= met
    if window.stride == 1:
        assert taps_inside(size, window) == range(min(met), max(met) + 1)


@given(sizes, st.integers(1, 8))
def test_a_window_of_which_only_the_kernel_is_given_moves_by_one_over_the_axis_itself(size: int, kernel: int) -> None:
    window = Window(kernel)
    assume(kernel <= size)
    assert fits(size, window) and output_size(size, window) == size - kernel + 1
    assert (remainder(size, window), skipped_per_stride(window), overhang(size, window)) == (0, 0, 0)
    assert window.effective_kernel == kernel and not window.ceil and not window.exact
