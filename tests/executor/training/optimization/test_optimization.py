"""Optimizers, schedules and averages against plain code, and laws of what they promise."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from cnncli.errors import CnnError
from cnncli.executor.network.whitening import whiten
from cnncli.executor.runtime.precision import choose_precision
from cnncli.executor.training.losses import class_weights, training_loss
from cnncli.executor.training.optimization.averaging import WeightAverage
from cnncli.executor.training.optimization.muon import Muon, orthogonalize
from cnncli.executor.training.optimization.optimizers import build_optimizers, freeze
from cnncli.executor.training.optimization.schedules import lr_factor, set_learning_rates
from cnncli.loading import load
from cnncli.recipe import SCHEDULES, Recipe


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 3))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_stays_within_its_rate_and_ends_no_higher(schedule: str) -> None:
    recipe = Recipe(schedule=schedule, epochs=6, step_epochs=2, milestones=(2, 4), warmup=1.0)
    factors = [lr_factor(recipe, step, 10) for step in range(60)]
    assert all(0 < factor <= 1 for factor in factors) and factors[0] < factors[9] <= 1
    assert factors[-1] <= factors[30]


def test_multistep_falls_at_its_milestones() -> None:
    recipe = Recipe(schedule="multistep", epochs=6, milestones=(2, 4), gamma=0.5)
    assert [lr_factor(recipe, 10 * epoch, 10) for epoch in range(6)] == [1, 1, 0.5, 0.5, 0.25, 0.25]


def test_polynomial_of_power_1_is_linear() -> None:
    linear, power = (Recipe(schedule=name, epochs=3) for name in ("linear", "polynomial"))
    assert [lr_factor(linear, s, 7) for s in range(21)] == [lr_factor(power, s, 7) for s in range(21)]


@pytest.mark.parametrize("schedule", ["cosine", "linear", "one-cycle", "constant"])
def test_what_is_frozen_after_some_epochs_follows_the_schedule_of_a_training_of_so_many(schedule: str) -> None:
    recipe = Recipe(optimizer="sgd", lr=1.0, epochs=8, schedule=schedule, freeze_after=(("0.bias", 2.5),))
    (optimizer,) = build_optimizers(net(), recipe)
    short = Recipe(schedule=schedule, epochs=2.5)
    rates = []
    for step in range(80):
        set_learning_rates([optimizer], recipe, step, 10)
        rates.append([group["lr"] for group in optimizer.param_groups if group["epochs"] == 2.5])
    assert [rate for (rate,) in rates] == [lr_factor(short, step, 10) for step in range(25)] + [0.0] * 55


def test_groups_have_the_rates_and_decays_that_were_asked_for() -> None:
    network = net()
    recipe = Recipe(optimizer="sgd", lr=0.5, weight_decay=0.1, decay_bias_and_norm=False, lr_factors=(("3.*", 0.1),))
    (optimizer,) = build_optimizers(network, recipe)
    set_learning_rates([optimizer], recipe, 0, 10, 0.5)
    found = {
        name: (round(group["lr"], 6), group["weight_decay"])
        for group in optimizer.param_groups
        for parameter in group["params"]
        for name, known in network.named_parameters()
        if known is parameter
    }
    assert found == {
        "0.weight": (0.25, 0.1), "0.bias": (0.25, 0.0), "1.weight": (0.25, 0.0), "1.bias": (0.25, 0.0),
        "3.weight": (0.025, 0.1), "3.bias": (0.025, 0.0),
    }  # fmt: skip


def test_muon_takes_the_filters_and_sgd_the_rest() -> None:
    muon, sgd = build_optimizers(net(), Recipe(optimizer="muon"))
    assert isinstance(muon, Muon) and isinstance(sgd, torch.optim.SGD)
    assert [tuple(p.shape) for g in muon.param_groups for p in g["params"]] == [(4, 1, 3, 3)]


def test_what_is_frozen_is_not_trained_and_a_pattern_of_nothing_is_an_error() -> None:
    network = net()
    assert freeze(network, Recipe(freeze=("0.*",))) == ["0.weight", "0.bias"]
    (optimizer,) = build_optimizers(network, Recipe())
    assert sum(p.numel() for g in optimizer.param_groups for p in g["params"]) == 8 + 51
    with pytest.raises(CnnError, match="no trainable parameter matches 'conv9"):
        freeze(network, Recipe(freeze=("conv9.*",)))
    with pytest.raises(CnnError, match="no trainable parameters"):
        freeze(network, Recipe(freeze=("*",)))
        build_optimizers(network, Recipe())


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (8, 8), (3, 5, 7)])
def test_newton_and_schulz_bring_singular_values_near_1(shape: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    matrix = torch.randn(shape)
    found = orthogonalize(matrix, iterations=6)
    assert found.shape == matrix.shape
    values = torch.linalg.svdvals(found)
    assert float(values.min()) > 0.6 and float(values.max()) < 1.3
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    assert torch.nn.functional.cosine_similarity((u @ v).flatten(), found.flatten(), dim=0) > 0.97


def test_muon_leaves_a_filter_whose_rate_is_gone_as_it_is() -> None:
    weight = nn.Parameter(drawn_filter := torch.randn(4, 3, 3, 3))
    before = drawn_filter.clone()
    weight.grad = torch.randn(4, 3, 3, 3)
    Muon([{"params": [weight]}], lr=0.0).step()
    assert torch.equal(weight, before)


def test_muon_sets_the_norm_of_a_filter_and_lowers_a_loss() -> None:
    network = net()
    filters = [network[0].weight]
    optimizer = Muon([{"params": filters, "lr": 0.1}])
    images, labels = torch.randn(32, 1, 4, 4), torch.randint(3, (32,))
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert losses[-1] < losses[0] and 1.5 < float(network[0].weight.norm()) < 2.6


def test_a_running_average_is_the_plain_one() -> None:
    network = net()
    average = WeightAverage(network, 0.9, 0)
    plain = {name: value.clone() for name, value in network.state_dict().items() if value.is_floating_point()}
    for step in range(1, 30):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter))
        average.update(step)
        share = 1 - min(0.9, step / (step + 9))
        plain = {name: value + share * (network.state_dict()[name] - value) for name, value in plain.items()}
    assert all(torch.allclose(average.tensors[name], plain[name], atol=1e-5) for name in plain)
    kept = copy.deepcopy(network.state_dict())
    with average.in_place():
        assert torch.equal(network[0].weight, average.tensors["0.weight"])
    assert all(torch.equal(kept[name], value) for name, value in network.state_dict().items())


def test_looking_ahead_goes_half_way_every_k_steps() -> None:
    network = net()
    average = WeightAverage(network, 0.0, 3)
    start = network[0].weight.detach().clone()
    for step in (1, 2, 3):
        with torch.no_grad():
            network[0].weight.add_(1)
        average.update(step)
    assert torch.allclose(network[0].weight, start + 1.5)


def test_whitened_patches_have_the_identity_as_covariance() -> None:
    torch.manual_seed(0)
    mixing = torch.randn(3, 3)
    images = torch.einsum("cd,ndhw->nchw", mixing, torch.randn(200, 3, 10, 10))
    convolution = nn.Conv2d(3, 24, 2, bias=False)
    whiten(convolution, images)
    out = convolution(images)[:, :12].permute(0, 2, 3, 1).reshape(-1, 12)
    covariance = out.T @ out / len(out)
    assert torch.allclose(covariance, torch.eye(12), atol=0.05)
    assert torch.equal(convolution.weight[12:], -convolution.weight[:12]) and not convolution.weight.requires_grad
    with pytest.raises(CnnError, match="2 C k k = 24"):
        whiten(nn.Conv2d(3, 10, 2), images)


def test_class_weights_are_one_on_average_over_the_images() -> None:
    labels = torch.tensor([0] * 80 + [1] * 15 + [2] * 5)
    counts = torch.bincount(labels)
    for given in ("balanced", (1.0, 2.0, 5.0)):
        weights = class_weights(Recipe(class_weights=given), counts)
        assert weights is not None and torch.isclose(weights[labels].mean(), torch.tensor(1.0))
    with pytest.raises(CnnError, match="2 weights for 3 classes"):
        class_weights(Recipe(class_weights=(1.0, 2.0)), counts)


def test_smoothed_loss_is_torch_s() -> None:
    graph, labels = load("lenet5").graph, torch.randint(10, (6,))
    output = torch.randn(6, 10)
    found = training_loss(graph, Recipe(label_smoothing=0.2), labels, 10)(output, labels)
    wanted = nn.functional.cross_entropy(output, labels, label_smoothing=0.2, reduction="sum")
    assert torch.isclose(found, wanted)


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "rmsprop", "muon"])
def test_a_step_is_the_optimizer_s_own_step(name: str) -> None:
    """To the bit: it only leaves the hooks and the profiler's notes out."""
    from cnncli.executor.runtime.precision import Precision
    from cnncli.executor.training.optimization.optimizers import zero_grad

    results = []
    for ours in (False, True):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Flatten(), nn.Linear(16, 3))
        found = build_optimizers(network, Recipe(optimizer=name, momentum=0.9, nesterov=True, weight_decay=0.01))
        for _ in range(3):
            zero_grad(found)
            assert all(parameter.grad is None for parameter in network.parameters())
            network(torch.randn(5, 2, 4, 4)).square().sum().backward()
            if ours:
                Precision("fp32", torch.device("cpu")).step(found, 0.0)
            else:
                for optimizer in found:
                    optimizer.step()
        results.append([*network.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


def test_auto_precision_is_a_function_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    found = {}
    for amx in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda amx=amx: amx)
        for name in ("lenet5", "mobilenet_v2", "vgg11"):
            found[name, amx] = choose_precision("auto", cpu, load(name).inferred.totals, 128)
    assert [found[name, True] for name in ("lenet5", "mobilenet_v2", "vgg11")] == ["bf16", "fp32", "bf16"]
    assert all(found[name, False] == "fp32" for name in ("lenet5", "mobilenet_v2", "vgg11"))
    assert choose_precision("fp16", cpu, {}, 1) == "fp16"
