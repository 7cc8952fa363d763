"""The helpers of messages."""

from __future__ import annotations

import pytest

from cnncli.errors import counted


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (1, "image", "1 image"),
        (0, "image", "0 images"),
        (1200, "class", "1,200 classes"),
        (2, "axis", "2 axes"),
        (2, "bias", "2 biases"),
        (2, "batch", "2 batches"),
        (1.0, "epoch", "1 epoch"),
        (0.5, "epoch", "0.5 epochs"),
        (10.0, "epoch", "10 epochs"),
    ],
)
def test_a_count_agrees_with_its_noun(count: float, noun: str, text: str) -> None:
    assert counted(count, noun) == text
