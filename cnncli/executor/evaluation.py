"""What a network is worth on images: loss, accuracy, confusion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from cnncli.executor import workers
from cnncli.executor.augmentation import View, views
from cnncli.executor.batches import Images, Preparation, evaluation_batches
from cnncli.executor.losses import Loss


@dataclass(frozen=True)
class Evaluation:
    """``confusion[i][j]`` counts the images of class i that were taken for class j."""

    loss: float
    confusion: tuple[tuple[int, ...], ...]

    @property
    def examples(self) -> int:
        """How many images were looked at."""
        return sum(map(sum, self.confusion))

    @property
    def accuracy(self) -> float:
        """The share on the diagonal."""
        return sum(row[i] for i, row in enumerate(self.confusion)) / max(1, self.examples)


@torch.inference_mode()
def evaluate(
    network: nn.Module, images: Images, prepare: Preparation, loss: Loss, classes: int, tta: str = "none"
) -> Evaluation:
    """Run the network over all images, in evaluation mode; with ``tta`` the outputs of several views are averaged."""
    network.eval()
    device = images.labels.device
    confusion = torch.zeros(classes * classes, dtype=torch.int64, device=device)
    total = torch.zeros((), device=device)
    for batch in evaluation_batches(images):
        output = _output(network, views(prepare(batch.pixels), tta))
        total += loss(output, batch.labels)
        confusion += torch.bincount(batch.labels * classes + output.argmax(1), minlength=classes * classes)
    rows = workers.summed(confusion).view(classes, classes).tolist()
    return Evaluation(float(workers.summed(total)) / max(1, len(images)), tuple(map(tuple, rows)))


def _output(network: nn.Module, seen: list[View]) -> Tensor:
    """The network's output, averaged over views."""
    if len(seen) == 1:
        return cast(Tensor, network(seen[0][0]))
    return torch.stack([network(view) * weight for view, weight in seen]).sum(0)
