"""The error messages of layers for inputs that they cannot take."""

from __future__ import annotations

import pytest
from texts import refusal

CASES = [
    ("conv: {filters: 2, kernel: 3, connections: [[0, 5], [1]]}", "3x8x8",
     "filter 0 reads input channel 5, but the input has 3", "channels are numbered from 0 to 2"),
    ("conv: {filters: 2, kernel: 3, connections: [[0], [1], [2]]}", "3x8x8",
     "connections has 3 lists for 2 filters", "give a list of input channels for each filter"),
    ("conv: {filters: 2, kernel: 3, groups: 2, connections: [[0], [1]]}", "4x8x8",
     "connections and groups both define the input channels of a filter", "keep one of them"),
    ("conv: {filters: 1, kernel: 3, connections: [[0, 0]]}", "3x8x8",
     "connections lists an input channel twice for one filter", "list each channel once"),
    ("conv_transpose: {filters: 2, kernel: 2, stride: 2, output_padding: 2}", "3x8x8",
     "output_padding 2 must be less than the stride 2",
     "output_padding restores the rows that the stride of the inverted convolution drops"),
    ("conv_transpose: {filters: 2, kernel: 1, stride: 2, padding: same}", "3x8x8",
     "padding same needs an effective kernel size of at least the stride 2", "use a larger kernel, or padding 0"),
    ("conv_transpose: {filters: 2, kernel: 3, padding: 9}", "3x8x8",
     "padding 9 removes the entire output", "use padding of at most 1"),
    ("reshape: 3x9x9", "3x8x8", "a shape of 3x9x9 has 243 values, but the input 3x8x8 has 192",
     "use a shape with the same number of values"),
    ("permute: [1, 0]", "3x8x8", "order lists 2 axes, but the input 3x8x8 has 3",
     "list every axis, including the channels (0)"),
    ("slice: {start: 2, stop: 9}", "3x8x8", "start 2 and stop 9 do not fit an axis of 3 (channels)",
     "use start < stop <= size"),
    ("slice: {axis: depth}", "3x8x8", "the input 3x8x8 has no depth", "its axes are channels, height, width"),
    ("crop: 4", "3x8x8", "the margins remove the entire input 3x8x8", "use smaller margins"),
    ("pixel_shuffle: 2", "3x8x8", "3 channels are not a multiple of 2^2 = 4",
     "use a multiple of 4 channels"),
    ("channel_shuffle: 2", "3x8x8", "2 groups do not divide 3 channels", "groups must divide the channels"),
    ("rbf: 10", "3x8x8", "rbf needs a vector, but its input is a feature map of 3x8x8",
     "put flatten (or global_avgpool) before it"),
    ("lcn: 4", "3x8x8", "a kernel of 4 has no center", "use an odd kernel, e.g. 9"),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "shape", "message", "hint"), CASES, ids=lambda text: str(text)[:40])
def test_a_shape_error_names_the_fault_and_a_fix(layer: str, shape: str, message: str, hint: str) -> None:
    (problem,) = refusal(f"input: {shape}\nlayers: [{layer}]\n").problems
    assert (problem.message, problem.hint) == (message, hint)
