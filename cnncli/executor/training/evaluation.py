"""Evaluates a network on a set of examples, with the metrics of its task."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from cnncli.executor.feeding.augmentation import View, tta_views
from cnncli.executor.feeding.batches import evaluation_batches
from cnncli.executor.feeding.device_images import Examples
from cnncli.executor.feeding.preprocessing import InputTransform
from cnncli.executor.runtime import distributed
from cnncli.executor.training.objectives import Evaluation, Objective


@torch.inference_mode()
def evaluate(
    network: nn.Module, images: Examples, prepare: InputTransform, objective: Objective, tta: str = "none"
) -> Evaluation:
    """Evaluate on all images, in evaluation mode; with ``tta`` the outputs of several views are averaged."""
    network.eval()
    device = images.labels.device
    meter = objective.meter(device)
    total = torch.zeros((), device=device)
    for batch in evaluation_batches(images):
        output = _output(network, tta_views(prepare(batch.pixels), tta))
        total += objective.loss(output, batch.labels)
        meter.add(output, batch.labels)
    return meter.evaluation(float(distributed.all_reduce_sum(total)) / max(1, len(images)))


def _output(network: nn.Module, views: list[View]) -> Tensor:
    """The network's output, averaged over views; feature maps of transformed images are transformed back."""
    if len(views) == 1:
        return cast(Tensor, network(views[0].images))
    return torch.stack([view.transformed_back(network(view.images)) for view in views]).sum(0)
