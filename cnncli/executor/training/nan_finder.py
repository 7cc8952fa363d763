"""Finds the layer in which a training that diverged first has a value that is NaN or infinite."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from cnncli.executor.feeding.batches import training_batches
from cnncli.executor.network.network import Network, own_tensors
from cnncli.executor.runtime import distributed
from cnncli.executor.training.loop import TrainingSetup, augmented_batch, seed_draws, train_step
from cnncli.executor.training.state import EpochMetrics, TrainState


def find_nonfinite_step(setup: TrainingSetup, state: TrainState, until: int) -> str:
    """Repeat the steps from a good state on, and name the step and layer in which a value is first NaN or infinite.

    Changes the state. Empty if all values are finite up to step ``until``. All workers call it together.
    """
    compute = setup.compute if distributed.world_size() > 1 else setup.network
    while state.step < until:
        epoch, done = state.step // setup.steps_per_epoch + 1, state.step % setup.steps_per_epoch
        if done == 0:
            state.sums = EpochMetrics(setup.train.labels.device)
        setup.network.train()
        for batch in training_batches(setup.train, setup.recipe.batch_size, setup.recipe.seed, epoch, first=done):
            images = augmented_batch(setup, batch, epoch, state.step).images
            seed_draws(setup, state.step)
            found = distributed.gather_text(first_nonfinite_layer(setup.network, images))
            if found:
                return f"; step {state.step + 1}: {found}"
            train_step(setup, state, compute, batch, epoch)
            if distributed.all_reduce_max(int(not math.isfinite(float(state.sums.loss)))):
                return f"; step {state.step}: the outputs of all layers are finite, but not the loss"
            if state.step >= until:
                return ""
    return ""


@torch.no_grad()
def first_nonfinite_layer(network: Network, images: Tensor) -> str:
    """The first layer, in the order of computation, with a value that is NaN or infinite; empty if there is none.

    Leaves the network as it was: the batchnorm statistics are restored afterwards.
    """
    kept = {name: tensor.clone() for name, tensor in own_tensors(network).items()}
    names = {id(step.module): step.name for step in network.steps}
    found: list[str] = []

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if found or bool(output.isfinite().all()):
            return
        weights = network.layers[names[id(module)]].parameters()  # a rewritten step has no weights of its own
        if not all(bool(weight.isfinite().all()) for weight in weights):
            found.append(f"{names[id(module)]} has NaN or infinite weights")
        else:
            value = "NaN" if bool(output.isnan().any()) else "infinite values"
            found.append(f"{names[id(module)]} has {value} in its output")

    handles = [step.module.register_forward_hook(hook) for step in network.steps]
    try:
        network(images)
    finally:
        for handle in handles:
            handle.remove()
        for name, tensor in own_tensors(network).items():
            tensor.copy_(kept[name])
    return found[0] if found else ""
