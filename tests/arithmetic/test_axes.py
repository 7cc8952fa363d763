"""The names of the spatial axes."""

import pytest

from cnncli.arithmetic.axes import AXIS_NAMES, SPATIAL_AXES, lines_text


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ((0,), ""),
        ((1,), "1 column"),
        ((0, 2), "2 columns"),
        ((1, 2), "1 row and 2 columns"),
        ((2, 0, 1), "2 slices and 1 column"),
    ],
)
def test_rows_and_columns_are_named_and_those_of_zero_left_out(counts: tuple[int, ...], text: str) -> None:
    assert lines_text(counts) == text


def test_the_names_of_each_number_of_axes_are_different_and_all_are_listed() -> None:
    for rank, axes in SPATIAL_AXES.items():
        assert len(axes) == rank == len({axis.letter for axis in axes}) == len({axis.name for axis in axes})
    assert {axis.name for axes in SPATIAL_AXES.values() for axis in axes} == {*AXIS_NAMES}
