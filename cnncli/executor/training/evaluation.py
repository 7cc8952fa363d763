"""What a network is worth on images, in the figures of its task."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from cnncli.executor.feeding.augmentation import View, views
from cnncli.executor.feeding.batches import evaluation_batches
from cnncli.executor.feeding.images import Examples
from cnncli.executor.feeding.preprocessing import InputTransform
from cnncli.executor.runtime import distributed
from cnncli.executor.training.objectives import Evaluation, Objective


@torch.inference_mode()
def evaluate(
    network: nn.Module, images: Examples, prepare: InputTransform, objective: Objective, tta: str = "none"
) -> Evaluation:
    """Run the network over all images, in evaluation mode; with ``tta`` the outputs of several views are averaged."""
    network.eval()
    device = images.labels.device
    meter = objective.meter(device)
    total = torch.zeros((), device=device)
    for batch in evaluation_batches(images):
        output = _output(network, views(prepare(batch.pixels), tta))
        total += objective.loss(output, batch.labels)
        meter.add(output, batch.labels)
    return meter.evaluation(float(distributed.all_reduce_sum(total)) / max(1, len(images)))


def _output(network: nn.Module, seen: list[View]) -> Tensor:
    """The network's output, averaged over views; a map of a changed image is changed back."""
    if len(seen) == 1:
        return cast(Tensor, network(seen[0].images))
    return torch.stack([view.put_back(network(view.images)) for view in seen]).sum(0)
