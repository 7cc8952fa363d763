"""Builds the optimizers of a recipe, with their parameter groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import nn

from cnncli.errors import CnnError
from cnncli.executor.network.network import Network
from cnncli.executor.training.optimization.muon import Muon
from cnncli.recipe import Recipe

Named = tuple[str, nn.Parameter]


def freeze(network: nn.Module, recipe: Recipe) -> list[str]:
    """Freeze the parameters that the recipe names; their names. Raises CnnError for a pattern without a match."""
    frozen = []
    for pattern in recipe.freeze:
        found = [(name, parameter) for name, parameter in network.named_parameters() if fnmatchcase(name, pattern)]
        if not found:
            raise _no_such(network, "freeze", pattern)
        for name, parameter in found:
            parameter.requires_grad_(False)
            frozen.append(name)
    return frozen


def _no_such(network: nn.Module, key: str, pattern: str) -> CnnError:
    known = [name for name, parameter in network.named_parameters() if parameter.requires_grad]
    return CnnError(
        f"{key}: no trainable parameter matches {pattern!r}", f"the parameters are {', '.join(known[:4])} …"
    )


def build_optimizers(network: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """The recipe's optimizers over all trainable parameters. Raises CnnError if there are none.

    With muon there are two: Muon for filters, and sgd with Nesterov momentum for everything else.
    """
    trained = [(name, parameter) for name, parameter in network.named_parameters() if parameter.requires_grad]
    if not trained:
        raise CnnError("the network has no trainable parameters", "add a conv or a linear layer, or freeze fewer")
    for key in ("lr_factors", "decay_factors", "freeze_after"):
        for pattern, _ in getattr(recipe, key):
            if not any(fnmatchcase(name, pattern) for name, _ in trained):
                raise _no_such(network, key, pattern)
    if recipe.optimizer == "muon":
        filters = [(name, parameter) for name, parameter in trained if parameter.dim() > 2]
        names = {name for name, _ in filters}
        rest = [(name, parameter) for name, parameter in trained if name not in names]
        found: list[torch.optim.Optimizer] = []
        if filters:
            found.append(Muon([*_groups(filters, recipe, recipe.muon_lr)], momentum=recipe.muon_momentum))
        if rest:
            found.append(_sgd([*_groups(rest, recipe, recipe.lr)], recipe, nesterov=recipe.momentum > 0))
        return found
    groups = [*_groups(trained, recipe, recipe.lr)]
    if recipe.optimizer == "sgd":
        if recipe.nesterov and recipe.momentum == 0:
            raise CnnError("nesterov needs momentum", "use --momentum 0.9, or leave nesterov out")
        return [_sgd(groups, recipe, nesterov=recipe.nesterov)]
    if recipe.optimizer == "rmsprop":
        return [torch.optim.RMSprop(groups, lr=recipe.lr, momentum=recipe.momentum, foreach=True)]
    adam = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return [adam(groups, lr=recipe.lr, fused=_fused(groups))]


def _sgd(groups: list[dict[str, Any]], recipe: Recipe, *, nesterov: bool) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=nesterov, fused=_fused(groups))


def _fused(groups: list[dict[str, Any]]) -> bool:
    return all(parameter.device.type in ("cpu", "cuda") for group in groups for parameter in group["params"])


def _groups(trained: list[Named], recipe: Recipe, rate: float) -> Iterator[dict[str, Any]]:
    """Groups of parameters with the same weight decay and learning rate.

    ``base`` is their full learning rate, ``epochs`` the number of epochs for which they are trained.
    """
    found: dict[tuple[float, float, float], list[nn.Parameter]] = {}
    for name, parameter in trained:
        decays = recipe.decay_bias_and_norm or parameter.dim() > 1
        decay = recipe.weight_decay * _factor(name, recipe.decay_factors) if decays else 0.0
        epochs = _factor(name, recipe.freeze_after, recipe.epochs)
        found.setdefault((_factor(name, recipe.lr_factors), decay, epochs), []).append(parameter)
    for (factor, decay, epochs), parameters in found.items():
        base = rate * factor
        yield {"params": parameters, "lr": base, "base": base, "weight_decay": decay, "epochs": epochs}


def _factor(name: str, factors: tuple[tuple[str, float], ...], default: float = 1.0) -> float:
    """The factor of the last pattern that matches a name."""
    return next((factor for pattern, factor in reversed(factors) if fnmatchcase(name, pattern)), default)


def state_specs(optimizer: torch.optim.Optimizer) -> Iterator[tuple[nn.Parameter, dict[str, torch.Tensor]]]:
    """Each parameter with the tensors that the optimizer keeps for it after a step, as shapes and types only.

    They are taken from a second optimizer of the same class that steps on the meta device, where nothing is computed.
    """
    plain = {"lr": 1.0, "fused": False, "foreach": False, "capturable": False}
    for group in optimizer.param_groups:
        own = [parameter.detach().to("meta").requires_grad_() for parameter in group["params"]]
        changed = {key: value for key, value in plain.items() if key in group}
        kind: Callable[[list[dict[str, Any]]], torch.optim.Optimizer] = type(optimizer)
        other = kind([{**group, **changed, "params": own}])
        for parameter in own:
            parameter.grad = torch.empty_like(parameter)
        other.step()
        for parameter, mine in zip(group["params"], own, strict=True):
            kept = other.state[mine].items()
            yield parameter, {key: value for key, value in kept if isinstance(value, torch.Tensor)}


def parameters_with_state(network: Network, found: list[torch.optim.Optimizer]) -> set[str]:
    """Names of the parameters with a gradient in every step and a learning rate above 0 in the first."""
    groups = [group for optimizer in found for group in optimizer.param_groups if group["base"] and group["epochs"]]
    moved = {id(parameter) for group in groups for parameter in group["params"]} & network.reached_parameters()
    return {name for name, parameter in network.named_parameters() if id(parameter) in moved}


def zero_grad(found: list[torch.optim.Optimizer]) -> None:
    """Like ``Optimizer.zero_grad``, but without its profiler hooks, which take time in a small network."""
    for optimizer in found:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = None
