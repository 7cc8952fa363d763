"""What images are normalised by."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from program import SHARED

from cnncli.data import load_dataset
from cnncli.executor.feeding.device_images import Images
from cnncli.executor.feeding.preprocessing import normalization_of


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 999),
    have=st.sampled_from([1, 3]),
    want=st.sampled_from([1, 3]),
    count=st.integers(2, 9),
    brightest=st.integers(1, 256),
)
def test_mean_and_deviation_are_those_of_the_network_s_channels(
    seed: int, have: int, want: int, count: int, brightest: int
) -> None:
    pixels = np.random.default_rng(seed).integers(0, brightest, (count, have, 5, 4), np.uint8)
    found = normalization_of(Images(torch.from_numpy(pixels), torch.zeros(count)), (want, 5, 4))
    values = pixels.astype(np.float64) / 255
    if have == 3 and want == 1:
        values = (values * np.array([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdims=True)
    values = np.broadcast_to(values, (count, want, 5, 4))
    std = values.std((0, 2, 3), ddof=1)
    assert np.allclose(found.mean, values.mean((0, 2, 3)), atol=2e-6)
    assert np.allclose(found.std, np.where(std > 1e-6, std, 1), atol=2e-6) and found.unit == 255


@pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="no shared data beside this checkout")
def test_mnist_has_the_mean_and_deviation_that_everybody_knows() -> None:
    images = load_dataset("mnist", (1, 28, 28), SHARED / "data").train.images
    assert isinstance(images, np.ndarray)
    found = normalization_of(Images(torch.from_numpy(images), torch.zeros(len(images))), (1, 28, 28))
    assert found.mean == (pytest.approx(0.1307, abs=5e-5),) and found.std == (pytest.approx(0.3081, abs=5e-5),)
