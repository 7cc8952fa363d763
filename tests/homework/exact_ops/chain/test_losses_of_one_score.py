"""The losses of one score by hand, compared with PyTorch's: the binary cross-entropy and the hinge loss."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.chain.chain_reading import read_chain
from cnncli.homework.exact_ops.chain.chain_run import ChainResult, run_chain
from cnncli.homework.exact_ops.chain.chain_text import chain_of_layers
from tests.homework.exact_ops.chain.test_against_torch import evaluate_steps

LINEAR = "linear: {weight: '1/2 -1', bias: 1/4}"
few = settings(deadline=None, max_examples=15, derandomize=True, database=None)
batches = st.lists(
    st.tuples(st.integers(-40, 40), st.integers(-40, 40), st.sampled_from([0, 1])), min_size=1, max_size=3
)


def run(values: str, *layers: str, target: str, loss: str = "") -> ChainResult:
    return run_chain(read_chain(chain_of_layers(values, layers)._replace(target=target, loss=loss)))


def value_of(result: ChainResult) -> float:
    assert result.loss is not None
    return float(result.loss.value.value[0])


def to_weight(result: ChainResult) -> Any:
    return next(found.gradient.value for found in result.gradients if found.name == "weight").astype(float)


def torch_score(rows: list[tuple[int, int, int]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The weight, the scores (N, 1) of :data:`LINEAR`, and the targets (N, 1)."""
    weight = torch.tensor([[0.5, -1.0]], dtype=torch.float64, requires_grad=True)
    x = torch.tensor([row[:2] for row in rows], dtype=torch.float64)
    return weight, x @ weight.T + 0.25, torch.tensor([[row[2]] for row in rows], dtype=torch.float64)


@few
@given(batches)
def test_the_binary_cross_entropy_of_one_score_is_that_of_torch_with_a_sigmoid_or_without(
    rows: list[tuple[int, int, int]],
) -> None:
    weight, scores, targets = torch_score(rows)
    expected = functional.binary_cross_entropy_with_logits(scores, targets)
    (gradient,) = torch.autograd.grad(expected, weight)
    values, target = " || ".join(f"{a} {b}" for a, b, _ in rows), " ".join(str(t) for *_, t in rows)
    for last, losses in (("sigmoid", ("", "bce", "cross_entropy")), ("identity", ("binary_cross_entropy", "bce"))):
        for loss in losses:
            found = run(values, LINEAR, last, target=target, loss=loss)
            assert value_of(found) == pytest.approx(expected.item(), rel=1e-9), (last, loss)
            assert np.allclose(to_weight(found), gradient.numpy(), atol=1e-12)
            assert found.loss is not None and found.loss.name == "binary_cross_entropy"


@few
@given(batches, st.booleans())
def test_the_hinge_loss_of_one_score_is_that_of_torch(rows: list[tuple[int, int, int]], is_signed: bool) -> None:
    weight, scores, targets = torch_score(rows)
    expected = (1 - (2 * targets - 1) * scores).clamp(min=0).mean()
    (gradient,) = torch.autograd.grad(expected, weight)
    values = " || ".join(f"{a} {b}" for a, b, _ in rows)
    target = " ".join(str(t or (-1 if is_signed else 0)) for *_, t in rows)
    found = run(values, LINEAR, target=target, loss="hinge")
    assert value_of(found) == pytest.approx(expected.item())
    if not (scores * (2 * targets - 1) == 1).any():  # at a margin of 0, PyTorch has another subgradient
        assert np.allclose(to_weight(found), gradient.numpy())


@pytest.mark.parametrize("last", ["sigmoid", "identity"])
def test_several_binary_labels_have_the_mean_of_their_cross_entropies(last: str) -> None:
    scores = torch.tensor([[1.0, -2.0, 3.0], [0.0, 0.5, 4.0]], dtype=torch.float64, requires_grad=True)
    expected = functional.binary_cross_entropy_with_logits(scores, torch.tensor([[1, 0, 1], [0, 0.5, 1]]).double())
    (gradient,) = torch.autograd.grad(expected, scores)
    found = run("1 -2 3 || 0 1/2 4", last, target="1 0 1 || 0 1/2 1", loss="bce")
    assert value_of(found) == pytest.approx(expected.item())
    assert np.allclose(found.gradients[0].gradient.value.astype(float), gradient.numpy())
    evaluate_steps(found)


@pytest.mark.parametrize(("last", "loss", "target"), [("sigmoid", "", "1 0"), ("identity", "hinge", "1 -1")])
def test_the_steps_of_losses_of_one_score_give_their_values(last: str, loss: str, target: str) -> None:
    found = run("1 2 || 3 1", LINEAR, last, target=target, loss=loss)
    evaluate_steps(found)
    assert found.loss is not None and len([*found.loss.value.steps()]) == 3


# values, layer, target, loss, what is said
REFUSED = [
    ("2", "softmax", "0", "", "the softmax of one score is always 1"),
    ("2", "log_softmax", "1", "bce", "use sigmoid instead, with the target 0 or 1"),
    ("2", "identity", "1", "", "choose the loss binary_cross_entropy, hinge or mse"),
    ("2", "identity", "2", "cross_entropy", "write 1, or 0 for the negatives"),
    ("2", "identity", "-1", "bce", "write 1, or 0 for the negatives"),
    ("2", "identity", "2", "hinge", "write 1, or -1 for the negatives"),
    ("2 || 3 || 4", "identity", "1 0 -1", "hinge", "write 1, or -1 for the negatives"),
    ("2 3", "softmax", "1 0", "bce", "use sigmoid instead, or the loss cross_entropy"),
    ("2", "hardsigmoid", "1", "bce", "use sigmoid instead"),
    ("2 3", "sigmoid", "1 0", "", "choose the loss binary_cross_entropy or mse"),
    ("2 3", "sigmoid", "1", "bce", 'write it like "0 0"'),
    ("2 || 3", "identity", "1", "mse", 'give one per example: "0 || 0"'),
]


@pytest.mark.parametrize(("values", "layer", "target", "loss", "said"), REFUSED)
def test_a_loss_that_one_score_cannot_have_is_refused(
    values: str, layer: str, target: str, loss: str, said: str
) -> None:
    with pytest.raises(CnnError, match=re.escape(said)):
        run(values, layer, target=target, loss=loss)


def test_a_row_of_targets_has_one_number_per_example_of_a_regression() -> None:
    for target in ("1 0", "1 || 0", "1; 0"):
        assert value_of(run("1 2 || 3 1", LINEAR, target=target, loss="mse")) == (2.25**2 + 0.75**2) / 2


@pytest.mark.parametrize(
    ("values", "layer", "said"),
    [
        ("1 2 | 3 4", "batchnorm: {gamma: 2}", ("gamma has shape 1, but must be 2", '"1 1"')),
        ("1 2", "dropout: {mask: 1 1 1}", ("mask has shape 3, but must be 2", '"1 1"')),
        ("1 2", "linear: {units: 1, weight: 1 2, b: 1 1}", ("b has shape 2, but must be 1", '"0"')),
    ],
)
def test_a_shape_that_does_not_fit_names_the_field_and_a_template_that_keeps_the_values(
    values: str, layer: str, said: tuple[str, str]
) -> None:
    with pytest.raises(CnnError) as caught:
        read_chain(chain_of_layers(values, (layer,)))
    assert all(part in str(caught.value) for part in said)
