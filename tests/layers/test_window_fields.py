"""Windows that do not fit: the hint names the largest or smallest value that does; and the notes of dropped rows."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from texts import loaded

from cnncli.arithmetic.axes import SPATIAL_AXES
from cnncli.arithmetic.symbolic import letter
from cnncli.arithmetic.window import Window, fits
from cnncli.layers import KINDS
from cnncli.layers.base import ShapeError
from cnncli.layers.window_fields import check_exact, dropped_notes

some = settings(
    max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
axes = st.integers(1, 3)
Pairs = tuple[tuple[int, int], ...]


def refused(kind: str, shape: tuple[int, ...], **fields: Any) -> ShapeError | None:
    """Why a layer does not take an input of this shape."""
    try:
        KINDS[kind](**fields).output_shape((shape,))
    except ShapeError as error:
        return error
    return None


def numbers(text: str, rank: int) -> tuple[int, ...]:
    """``2`` or ``2x1``, as a number for each axis."""
    found = tuple(map(int, text.split("x")))
    return found * rank if len(found) == 1 else found


def borders(text: str, rank: int) -> Pairs:
    """``2``, ``1x0`` or ``0+1x2``, as (before, after) of each axis."""
    found = [tuple(map(int, part.split("+"))) for part in text.split("x")]
    pairs = tuple((pair[0], pair[-1]) for pair in found)
    return pairs * rank if len(pairs) == 1 else pairs


def one_more(values: tuple[int, ...], at: int, by: int) -> tuple[int, ...]:
    return tuple(value + by * (axis == at) for axis, value in enumerate(values))


@some
@given(st.data(), axes)
def test_a_kernel_that_does_not_fit_is_answered_with_the_largest_kernel_and_the_least_padding(
    data: st.DataObject, rank: int
) -> None:
    def per_axis(least: int, most: int) -> tuple[int, ...]:
        return tuple(data.draw(st.lists(st.integers(least, most), min_size=rank, max_size=rank)))

    shape, kernel, dilation = per_axis(1, 6), per_axis(1, 9), per_axis(1, 2)
    padding = tuple(zip(per_axis(0, 2), per_axis(0, 2), strict=True))
    fields: dict[str, Any] = {"filters": 1, "kernel": kernel, "dilation": dilation, "padding": padding}
    error = refused("conv", (1, *shape), **fields)
    effective = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    fit = [k <= n + sum(p) for k, n, p in zip(effective, shape, padding, strict=True)]
    assert (error is None) == all(fit)
    if error is None:
        return
    found = re.fullmatch(
        r"a (?:kernel of )?(\S+)(?: kernel)?(?: \(effective size (\S+) with its dilation\))? does not fit "
        r"an? (?:input of )?(\S+)(?: input)? with padding (\S+)",
        str(error),
    )
    assert found is not None and error.field == "kernel"
    assert numbers(found[1], rank) == kernel and numbers(found[3], rank) == shape
    assert borders(found[4], rank) == padding
    assert (numbers(found[2], rank) == tuple(effective)) if found[2] else set(dilation) == {1}
    most = re.search(r"a kernel of at most ([\dx]+)", error.hint)
    least = re.fullmatch(r"use (?:a kernel of at most [\dx]+, or )?padding of at least ([\dx]+)", error.hint)
    assert least is not None
    pads, kernels = numbers(least[1], rank), numbers(most[1], rank) if most else (0,) * rank
    assert refused("conv", (1, *shape), **fields | {"padding": pads}) is None
    assert most is None or refused("conv", (1, *shape), **fields | {"kernel": kernels}) is None
    for axis in range(rank):
        if pads[axis]:
            assert refused("conv", (1, *shape), **fields | {"padding": one_more(pads, axis, -1)})
        if most:
            assert refused("conv", (1, *shape), **fields | {"kernel": one_more(kernels, axis, 1)})


@some
@given(st.sampled_from(["maxpool", "avgpool", "l2pool", "subsample"]), st.integers(1, 6), st.integers(1, 6))
def test_a_pool_may_be_padded_by_half_of_its_kernel(kind: str, kernel: int, padding: int) -> None:
    fields = {"kernel": kernel, "dilation": 1 + kernel % 3} if kind == "maxpool" else {"kernel": kernel}
    effective = fields.get("dilation", 1) * (kernel - 1) + 1
    for pads in (padding, ((0, padding),), ((padding, 0),)):
        error = refused(kind, (2, 30), padding=pads, **fields)
        assert (error is None) == (padding <= effective // 2)
        if error is not None:
            found = re.fullmatch(r"padding (\d+) is more than half of the effective kernel size (\d+): .*", str(error))
            assert found is not None and (int(found[1]), int(found[2])) == (padding, effective)
            assert (error.hint, error.field) == (f"use padding of at most {effective // 2}", "padding")


@some
@given(st.sampled_from(["reflect", "circular", "replicate", "zeros"]), st.integers(1, 4), st.integers(0, 6))
def test_a_border_that_a_mode_cannot_fill_is_answered_with_the_widest_that_it_can(
    mode: str, size: int, padding: int
) -> None:
    for kind, fields in (
        ("conv", {"filters": 1, "kernel": 1, "padding_mode": mode}),
        ("pad", {"mode": mode}),
    ):
        for pads in (padding, ((padding, 0),), ((0, padding),)):
            error = refused(kind, (1, size), padding=pads, **fields)
            if error is None:
                continue
            found = re.fullmatch(r"use a padding of at most (\d+), or zeros", error.hint)
            assert found is not None and error.field == "padding" and int(found[1]) < padding
            assert str(error) == f"{kind} cannot pad an axis of {size} by {padding} in {mode} mode"
            assert refused(kind, (1, size), **{**fields, "padding": int(found[1])}) is None
            assert refused(kind, (1, size), **{**fields, "padding": int(found[1]) + 1}) is not None


@some
@given(st.data())
def test_a_transposed_convolution_is_refused_where_torch_refuses_it(data: st.DataObject) -> None:
    size, kernel, stride, padding, extra, dilation = (data.draw(st.integers(least, 4)) for least in (1, 1, 1, 0, 0, 1))
    fields = {"kernel": kernel, "stride": stride, "output_padding": extra, "dilation": dilation}
    error = refused("conv_transpose", (1, size), filters=1, padding=padding, **fields)
    fields["kernel_size"] = fields.pop("kernel")
    try:
        torch.nn.ConvTranspose1d(1, 1, padding=padding, **fields)(torch.zeros(1, 1, size))
        accepted = True
    except RuntimeError:
        accepted = False
    assert (error is None) == accepted
    if error is not None and error.field == "padding":
        found = re.fullmatch(r"use padding of at most (\d+)", error.hint)
        assert found is not None
        fields["kernel"] = fields.pop("kernel_size")
        assert refused("conv_transpose", (1, size), filters=1, padding=int(found[1]), **fields) is None
        if size == 1 and not extra:
            assert refused("conv_transpose", (1, size), filters=1, padding=int(found[1]) + 1, **fields)


windows = st.builds(
    Window,
    kernel=st.integers(1, 5),
    stride=st.integers(1, 5),
    before=st.integers(0, 2),
    after=st.integers(0, 2),
    dilation=st.integers(1, 2),
    ceil=st.just(False),
    exact=st.just(False),
)


def rest(size: int, window: Window) -> int:
    """What remains after the last full step."""
    padded = size + window.before + window.after
    return next(left for left in range(padded) if (padded - left - window.effective_kernel) % window.stride == 0)


@settings(some, max_examples=60)
@given(st.integers(1, 14), windows)
def test_a_window_that_leaves_a_rest_is_answered_with_the_strides_and_the_paddings_that_leave_none(
    size: int, window: Window
) -> None:
    assume(fits(size, window))
    try:
        check_exact((1, size), (window,))
    except ShapeError as error:
        problem = error
    else:
        assert rest(size, window) == 0
        return
    assert rest(size, window) > 0 and problem.field == "stride"
    shown = re.search(r"with stride (\d+) does not fit .* exactly: (.*) = (\S+) positions$", str(problem))
    assert shown is not None and int(shown[1]) == window.stride
    assert eval(shown[2]) == pytest.approx(float(shown[3]), rel=1e-3)
    assert eval(shown[2]) == 1 + (size + window.before + window.after - window.effective_kernel) / window.stride
    assert not re.search(r"\b0 \+|\+ 0\b", shown[2])
    hint = re.fullmatch(
        r"use (?:stride ([\d or]+), or )?(?:padding (\d+)|(\d) more row(s?) of padding on one side), "
        r"or rounding: floor",
        problem.hint,
    )
    assert hint is not None
    for stride in map(int, hint[1].split(" or ")) if hint[1] else ():
        assert stride != window.stride and rest(size, window._replace(stride=stride)) == 0
    more = 2 * (int(hint[2]) - window.before) if hint[2] else int(hint[3])
    assert bool(hint[4]) == (hint[3] not in (None, "1"))
    assert more == next(more for more in range(1, 9) if rest(size + more, window) == 0)
    assert bool(hint[2]) == (window.before == window.after and more % 2 == 0)


@settings(some, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 14), windows), min_size=1, max_size=3))
def test_the_note_of_dropped_rows_counts_those_that_no_tap_reads(pairs: list[tuple[int, Window]]) -> None:
    assume(all(fits(*pair) for pair in pairs))
    ratios: dict[str, list[str]] = {}
    ends = []
    for (size, window), axis in zip(pairs, SPATIAL_AXES[len(pairs)], strict=True):
        starts = range(-window.before, size + window.after - window.effective_kernel + 1, window.stride)
        read = {start + tap * window.dilation for start in starts for tap in range(window.kernel)}
        met = {place % window.stride for place in read}
        if len(met) < window.stride and size >= window.stride and len(starts) > 1:
            ratio = f"{window.stride - len(met)} of every {window.stride}"
            ratios[ratio] = [*ratios.get(ratio, []), f"{axis.line}s"]
        else:
            count = len([place for place in range(size) if place > max(read)])
            ends += [f"{count} {axis.line}{'s' * (count > 1)}"] if count else []
    parts = [f"{ratio} {listed(lines)}" for ratio, lines in ratios.items()] + ([listed(ends)] if ends else [])
    note = dropped_notes((1, *(size for size, _ in pairs)), tuple(window for _, window in pairs))
    assert note == ((f"drops {' and '.join(parts)}",) if parts else ())
    assert dropped_notes((1, *(size for size, _ in pairs)), ()) == ()


def listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


@settings(some, max_examples=25)
@given(windows, windows)
def test_the_note_of_symbolic_sizes_says_at_which_of_them_nothing_is_dropped(one: Window, other: Window) -> None:
    ratio = r"\d+ of every \d+ (?:rows and columns|rows|columns)"
    note = "".join(dropped_notes((1, letter("H"), letter("W")), (one, other)))
    conditions = re.findall(r"([HW]) mod (\d+) = ([\d, or]+)", note)
    assert "unless" in note or not conditions
    for height, width in product(range(30, 36), range(40, 45)):
        there = "".join(dropped_notes((1, height, width), (one, other)))
        assert re.findall(ratio, there) == re.findall(ratio, note)
        fits_exactly = all(
            {"H": height, "W": width}[name] % int(divisor) in map(int, re.findall(r"\d+", rests))
            for name, divisor, rests in conditions
        )
        assert fits_exactly == (not re.search(r"\d", re.sub(ratio, "", there))), (note, there)


def test_a_condition_on_equal_axes_is_named_once() -> None:
    notes = loaded("input: 4xHxH\nlayers: [maxpool: 2]\n", symbolic_sizes=True).inferred.layers["maxpool1"].stats.notes
    assert notes == ("drops rows or columns unless H mod 2 = 0",)
