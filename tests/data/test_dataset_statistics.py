"""The statistics of regression targets: rounded, and right to six digits of the smaller of value and deviation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnncli.data import load_dataset
from cnncli.data.dataset_statistics import describe


@pytest.mark.parametrize(("offset", "scale"), [(0.0, 1.0), (1e6, 0.01), (-3.0, 1e5), (1 / 3, 1 / 7)])
def test_targets_are_rounded_to_six_digits_of_what_varies(tmp_path: Path, offset: float, scale: float) -> None:
    draws = np.random.default_rng(3)
    y = offset + scale * draws.standard_normal((50, 2))
    np.savez(tmp_path / "data.npz", x=draws.standard_normal((50, 4)), y=y)
    dataset = load_dataset(f"npz:{tmp_path / 'data.npz'}", (4,), task="regression", outputs=2)
    for at, record in enumerate(describe(dataset)["targets"]):
        column = dataset.train.labels[:, at].astype(np.float64)
        expected = {"mean": column.mean(), "std": column.std(), "least": column.min(), "most": column.max()}
        for name, value in expected.items():
            smallest = min(abs(value), column.std())
            assert abs(record[name] - value) <= 1e-5 * smallest, name
            digits = f"{record[name]:.15g}".lstrip("-").partition(".")[2]
            assert len(digits) <= max(0, 6 - int(np.floor(np.log10(smallest)))), (name, record[name])
