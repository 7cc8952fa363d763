"""The range test: rates of a geometric series, losses averaged without a bias, an end where they diverge."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.errors import CnnError
from cnncli.executor.training import lr_finder
from cnncli.recipe import Recipe

LOSSES = st.sampled_from([0.5, 1.0, 2.0, 2.5, 9.0, 40.0, 400.0, math.nan, math.inf])


@dataclass(frozen=True)
class Setup:
    recipe: Recipe


def result_of(losses: list[float]) -> tuple[lr_finder.RangeTest, list[float]]:
    """The result of a test whose steps have these losses, and the rates of all its steps."""
    rates: list[float] = []

    def loss(setup: Any, state: Any, batch: Any, epoch: int, rate: float) -> float:
        assert (setup.recipe.schedule, setup.recipe.warmup) == ("constant", 0.0)
        rates.append(rate)
        return losses[len(rates) - 1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lr_finder, "_loss_of_step", loss)
        patch.setattr(lr_finder, "_endless_batches", lambda setup: repeat((1, None)))
        return lr_finder.range_test(Setup(Recipe(schedule="cosine", warmup=1.0)), None), rates  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(LOSSES, min_size=1, max_size=40), st.sampled_from([0.5, 1.0]))
def test_a_range_test_smooths_losses_and_ends_where_they_diverge(losses: list[float], rest: float) -> None:
    losses = [*losses, *[rest] * (100 - len(losses))]
    if not math.isfinite(losses[0]):
        with pytest.raises(CnnError, match="at the lowest learning rate"):
            result_of(losses)
        return
    found, rates = result_of(losses)
    wanted: list[float] = []
    for step in range(100):
        ages = 0.9 ** np.arange(step, -1, -1)
        smooth = float(ages @ losses[: step + 1] / ages.sum())
        if not math.isfinite(losses[step]) or (wanted and smooth > 4 * min(wanted)):
            break
        wanted.append(smooth)
    assert found.losses == pytest.approx(wanted)
    assert found.rates == pytest.approx(np.geomspace(1e-7, 10, 100)[: len(wanted)].tolist())
    assert rates[: len(wanted)] == [*found.rates] and len(rates) == min(100, len(wanted) + 1)
    lowest = found.rates[int(np.argmin(found.losses))]
    assert found.lowest == lowest and found.suggested == pytest.approx(lowest / 10, rel=0.05)
    assert len(f"{found.suggested:e}".partition("e")[0].rstrip("0").replace(".", "")) <= 2
