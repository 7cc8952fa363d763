"""Values in messages are written as the user writes them."""

from __future__ import annotations

import pytest

from cnncli.layers.fields import shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"), (True, "true"), (3, "3"), (3.0, "3"), (-2.0, "-2"), (0.5, "0.5"), (1e14, "100000000000000"),
        (1e20, "1e+20"), ([1, [2.0, False]], "[1, [2, false]]"), ("same", "same"), ("5", "'5'"), ("", "''"),
    ],
)  # fmt: skip
def test_a_value_is_shown_as_it_is_written_in_a_file(value: object, text: str) -> None:
    assert shown(value) == text
