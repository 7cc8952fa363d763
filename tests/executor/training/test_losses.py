"""Losses against torch's: of scores or of probabilities, smoothed, with weights of classes, of mixed images."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import loaded, network
from torch.nn import functional

from cnncli.executor.feeding.augmentation import Mixed
from cnncli.executor.training.losses import loss_of, mixed_loss, probabilities_of, training_loss
from cnncli.executor.training.objectives.segmentation import Segmentation
from cnncli.recipe import Recipe

some = settings(max_examples=30, deadline=None, derandomize=True)
GRAPHS = {
    last: loaded(network(*last.split("+"), input="4")).graph for last in ("linear: 5", "linear: 5+softmax", "rbf: 5")
}


@some
@given(
    last=st.sampled_from(sorted(GRAPHS)),
    smoothing=st.sampled_from([0.0, 0.1, 0.5]),
    weights=st.sampled_from(["none", "balanced", (1.0, 2.0, 0.5, 3.0, 1.0)]),
    seed=st.integers(0, 99),
)
def test_the_loss_is_torch_s_cross_entropy(
    last: str, smoothing: float, weights: str | tuple[float, ...], seed: int
) -> None:
    torch.manual_seed(seed)
    scores, labels = torch.randn(7, 5, dtype=torch.float64), torch.randint(5, (7,))
    train = torch.cat([torch.arange(5), torch.randint(5, (40,))])
    shares = torch.bincount(train).double()
    named = {"none": torch.ones(5, dtype=torch.float64), "balanced": 1 / shares}
    each = named[weights] if isinstance(weights, str) else torch.tensor(weights, dtype=torch.float64)
    each = each * len(train) / (each * shares).sum()
    graph = GRAPHS[last]
    output = scores.softmax(1) if "softmax" in last else scores
    recipe = Recipe(label_smoothing=smoothing, class_weights=weights)
    found = training_loss(graph, recipe, train, 5)(output, labels)
    wanted = functional.cross_entropy(scores, labels, weight=each, label_smoothing=smoothing, reduction="sum")
    assert torch.isclose(found.double(), wanted, rtol=1e-4)
    plain = functional.cross_entropy(scores, labels, reduction="sum")
    assert torch.isclose(loss_of(graph)(output, labels).double(), plain, rtol=1e-4)
    likely = scores.softmax(1) if "rbf" not in last else (-scores).softmax(1)
    assert torch.allclose(probabilities_of(graph)(output).double(), likely, atol=1e-5)


@pytest.mark.parametrize("probability", [0.0, 1e-13, 1e-12, 1.5e-12, 1e-6, 1.0])
def test_a_probability_of_0_has_a_finite_loss(probability: float) -> None:
    output, label = torch.tensor([[probability, 1 - probability, 0.0, 0.0, 0.0]]), torch.tensor([0])
    graph, wanted = GRAPHS["linear: 5+softmax"], -math.log(max(probability, 1e-12))
    smoothed = 0.5 * wanted + 0.1 * (wanted - math.log(max(1 - probability, 1e-12)) - 3 * math.log(1e-12))
    assert float(loss_of(graph)(output, label)) == pytest.approx(wanted, abs=1e-5)
    train = torch.arange(5)
    found = training_loss(graph, Recipe(label_smoothing=0.5), train, 5)(output, label)
    assert float(found) == pytest.approx(smoothed, abs=1e-4)
    pixels = Segmentation(5, (1,), None, 0.0, True)
    assert float(pixels.loss(output[..., None], label[:, None].byte())) == pytest.approx(wanted, abs=1e-5)


@some
@given(weight=st.floats(0, 1), seed=st.integers(0, 99))
def test_the_loss_of_mixed_images_is_that_of_both_targets_in_their_shares(weight: float, seed: int) -> None:
    torch.manual_seed(seed)
    output, first, second = torch.randn(6, 5), torch.randint(5, (6,)), torch.randint(5, (6,))
    found = mixed_loss(loss_of(GRAPHS["linear: 5"]), output, Mixed(output, first, second, weight))
    shares = weight * functional.one_hot(first, 5) + (1 - weight) * functional.one_hot(second, 5)
    assert torch.isclose(found, functional.cross_entropy(output, shares, reduction="sum"), rtol=1e-4)
