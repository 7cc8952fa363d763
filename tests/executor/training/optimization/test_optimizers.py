"""Each optimizer of a recipe takes the steps that torch's takes with the same settings; muon's follow its formula."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cnncli.errors import CnnError
from cnncli.executor.training.optimization.muon import Muon, orthogonalize
from cnncli.executor.training.optimization.optimizers import build_optimizers
from cnncli.executor.training.optimization.schedules import set_learning_rates
from cnncli.recipe import OPTIMIZERS, Recipe

some = settings(max_examples=30, deadline=None, derandomize=True)
Parameters = list[nn.Parameter]


def network() -> nn.Module:
    """Without a norm: a bias above one has no gradient, and Adam makes steps of its rounding."""
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(2, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(16, 3))


def trained(made: nn.Module, found: list[torch.optim.Optimizer], steps: int) -> list[torch.Tensor]:
    torch.manual_seed(4)
    for _ in range(steps):
        for optimizer in found:
            optimizer.zero_grad()
        made(torch.randn(5, 2, 4, 4)).square().sum().backward()
        for optimizer in found:
            optimizer.step()
    return [parameter.detach() for parameter in made.parameters()]


THEIRS: dict[str, Callable[[Parameters, Recipe], torch.optim.Optimizer]] = {
    "sgd": lambda p, r: torch.optim.SGD(
        p, lr=r.lr, momentum=r.momentum, nesterov=r.nesterov, weight_decay=r.weight_decay
    ),
    "adam": lambda p, r: torch.optim.Adam(p, lr=r.lr, weight_decay=r.weight_decay),
    "adamw": lambda p, r: torch.optim.AdamW(p, lr=r.lr, weight_decay=r.weight_decay),
    "rmsprop": lambda p, r: torch.optim.RMSprop(p, lr=r.lr, momentum=r.momentum, weight_decay=r.weight_decay),
}


@some
@given(
    name=st.sampled_from(sorted(THEIRS)),
    lr=st.sampled_from([0.1, 0.01]),
    momentum=st.sampled_from([0.0, 0.5, 0.9]),
    nesterov=st.booleans(),
    decay=st.sampled_from([0.0, 0.1]),
)
def test_the_steps_are_those_of_torch_s_optimizer_of_that_name(
    name: str, lr: float, momentum: float, nesterov: bool, decay: float
) -> None:
    recipe = Recipe(
        optimizer=name,
        lr=lr,
        momentum=momentum,
        nesterov=nesterov and momentum > 0,
        weight_decay=decay,
        schedule="constant",
    )
    ours, theirs = network(), network()
    found = build_optimizers(ours, recipe)
    set_learning_rates(found, recipe, 0, 10)
    wanted = trained(theirs, [THEIRS[name]([*theirs.parameters()], recipe)], 4)
    for one, other in zip(trained(ours, found, 4), wanted, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-6), name


def test_all_optimizers_are_compared() -> None:
    assert {*THEIRS, "muon"} == {*OPTIMIZERS}


@some
@given(
    lr=st.sampled_from([0.02, 0.1]),
    momentum=st.sampled_from([0.0, 0.6, 0.95]),
    decay=st.sampled_from([0.0, 0.3]),
    steps=st.integers(1, 3),
    seed=st.integers(0, 10**6),
)
def test_muon_s_step_is_its_formula(lr: float, momentum: float, decay: float, steps: int, seed: int) -> None:
    torch.manual_seed(seed)
    weight = nn.Parameter(torch.randn(4, 3, 2, 2))
    expected, buffer = weight.detach().clone(), torch.zeros(4, 12)
    optimizer = Muon([{"params": [weight], "weight_decay": decay}], lr=lr, momentum=momentum)
    for _ in range(steps):
        weight.grad = torch.randn(4, 3, 2, 2)
        gradient = weight.grad.view(4, 12)
        buffer = momentum * buffer + gradient
        update = orthogonalize(gradient + momentum * buffer).view_as(expected)
        expected = expected * 4**0.5 / expected.norm()  # the norm is sqrt(out) before the step
        expected = (1 - lr * decay) * expected - lr * update
        optimizer.step()
    assert torch.allclose(weight, expected, atol=1e-4)


@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_muon_s_recipe_has_its_own_rate_for_filters_and_sgd_for_the_rest(momentum: float) -> None:
    recipe = Recipe(optimizer="muon", lr=0.3, muon_lr=0.04, momentum=momentum, muon_momentum=0.7, weight_decay=0.1)
    muon, sgd = build_optimizers(network(), recipe)
    assert isinstance(muon, Muon) and isinstance(sgd, torch.optim.SGD)
    for optimizer, base, share in ((muon, 0.04, 0.7), (sgd, 0.3, momentum)):
        assert {(group["base"], group["momentum"], group["weight_decay"]) for group in optimizer.param_groups} == {
            (base, share, 0.1)
        }
    assert sgd.param_groups[0]["nesterov"] == (momentum > 0)


def test_nesterov_needs_momentum() -> None:
    with pytest.raises(CnnError, match="nesterov needs momentum"):
        build_optimizers(network(), Recipe(optimizer="sgd", nesterov=True, momentum=0.0))


def test_the_last_pattern_that_a_name_matches_sets_its_factors() -> None:
    recipe = Recipe(
        optimizer="sgd", lr=1.0, weight_decay=0.5, lr_factors=(("*", 0.5), ("0.*", 0.1)), decay_factors=(("3.*", 0.2),)
    )
    made = network()
    (optimizer,) = build_optimizers(made, recipe)
    names = {id(parameter): name for name, parameter in made.named_parameters()}
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            name = names[id(parameter)]
            assert group["base"] == (0.1 if name.startswith("0.") else 0.5)
            assert group["weight_decay"] == pytest.approx(0.1 if name.startswith("3.") else 0.5)
