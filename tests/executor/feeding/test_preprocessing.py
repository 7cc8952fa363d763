"""The network's input is the normalized pixels; gray is repeated, color weighed by BT.601, sizes are interpolated."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from cnncli.errors import CnnError
from cnncli.executor.feeding.preprocessing import conversion_notes, convert_channels, input_transform
from cnncli.runs.folder import Normalization

some = settings(max_examples=30, deadline=None, derandomize=True)
SIDES = st.sampled_from([3, 4, 7])


@some
@given(have=st.sampled_from([1, 3]), want=st.sampled_from([1, 3]), sizes=st.tuples(SIDES, SIDES, SIDES, SIDES))
def test_images_are_converted_normalized_and_resized(have: int, want: int, sizes: tuple[int, ...]) -> None:
    height, width, *size = sizes
    torch.manual_seed(0)
    pixels = torch.randint(256, (2, have, height, width), dtype=torch.uint8)
    normalization = Normalization((0.4, 0.5, 0.6)[:want], (0.2, 0.3, 0.1)[:want], 255.0)
    found = input_transform((want, *size), normalization, torch.device("cpu"))(pixels)
    plain = pixels.double() / 255
    if have > want:
        red, green, blue = plain.unbind(1)
        plain = (0.299 * red + 0.587 * green + 0.114 * blue)[:, None]
    plain = plain.repeat(1, want // plain.shape[1], 1, 1)
    mean, std = (
        torch.tensor(values, dtype=torch.float64).view(1, -1, 1, 1)
        for values in (normalization.mean, normalization.std)
    )
    wanted = functional.interpolate((plain - mean) / std, size=size, mode="bilinear", antialias=True)
    assert found.dtype == torch.float32 and torch.allclose(found.double(), wanted, atol=1e-4)
    assert found.is_contiguous(memory_format=torch.channels_last)


@some
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple), flat=st.booleans())
def test_examples_of_any_rank_are_normalized_by_channel(shape: tuple[int, ...], flat: bool) -> None:
    torch.manual_seed(0)
    values = torch.randn(3, *shape)
    mean, std = torch.randn(shape[0]), torch.rand(shape[0]) + 0.5
    normalization = Normalization(tuple(mean.tolist()), tuple(std.tolist()), 2.0)
    into = (values[0].numel(),) if flat else shape
    found = input_transform(into, normalization, torch.device("cpu"))(values)
    each = (-1, *(1,) * (len(shape) - 1))
    assert torch.allclose(found, ((values / 2 - mean.view(each)) / std.view(each)).reshape(3, *into), atol=1e-5)


@given(
    have=st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5)),
    want=st.one_of(st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5)), st.tuples(st.integers(1, 100))),
)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_every_conversion_is_noted_and_an_impossible_one_refused(have: tuple[int, ...], want: tuple[int, ...]) -> None:
    numbers = have[0] * have[1] * have[2]
    possible = have[0] in (1, want[0]) or (have[0], want[0]) == (3, 1) if len(want) == 3 else want == (numbers,)
    if not possible:
        with pytest.raises(CnnError, match="cannot be converted"):
            conversion_notes(want, "data", have)
        return
    notes = conversion_notes(want, "data", have)
    if have == want:
        assert notes == []
    elif len(want) == 1:
        assert notes == [f"data: images of {'x'.join(map(str, have))} are read as vectors of {numbers}"]
    else:
        (note,) = notes
        assert ("resized" in note) == (have[1:] != want[1:])
        assert ("gray repeated" in note) == (have[0] == 1 < want[0])
        assert ("converted to grayscale" in note) == ((have[0], want[0]) == (3, 1))


@pytest.mark.parametrize("sizes", [(5,), (4, 5), (3, 4, 5)])
@pytest.mark.parametrize("have", [1, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_gray_is_repeated_color_is_weighted_and_the_rest_is_kept(have: int, channels: int, sizes: Any) -> None:
    pixels = torch.randint(0, 255, (2, have, *sizes), dtype=torch.uint8)
    found = convert_channels(pixels, channels)
    expected = pixels.float()
    if len(sizes) == 2 and have < channels:
        expected = expected.repeat(1, 3, 1, 1)
    elif len(sizes) == 2 and have > channels:
        red, green, blue = expected.unbind(1)
        expected = (0.299 * red + 0.587 * green + 0.114 * blue)[:, None]
    torch.testing.assert_close(found, expected)
