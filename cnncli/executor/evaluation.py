"""What a network is worth on images: loss, accuracy, confusion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from cnncli.executor import workers
from cnncli.executor.augmentation import View, views
from cnncli.executor.batches import Images, Preparation, evaluation_batches
from cnncli.executor.losses import Loss


class Scores(NamedTuple):
    """Of what was taken for the class the share that is of it; of what is of it the share that was taken for it; and
    their harmonic mean."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Evaluation:
    """``confusion[i][j]`` counts the images of class i that were taken for class j.

    ``in_top_5`` counts those whose class is among the five likeliest.
    """

    loss: float
    confusion: tuple[tuple[int, ...], ...]
    in_top_5: int = 0

    @property
    def examples(self) -> int:
        """How many images were looked at."""
        return sum(map(sum, self.confusion))

    @property
    def accuracy(self) -> float:
        """The share on the diagonal."""
        return sum(row[i] for i, row in enumerate(self.confusion)) / max(1, self.examples)

    @property
    def top_5(self) -> float:
        """The share of images whose class is among the five likeliest."""
        return self.in_top_5 / max(1, self.examples)

    def of_class(self, number: int) -> Scores:
        """Precision, recall and F1 of a class; 0 where there is nothing to divide by."""
        right = self.confusion[number][number]
        taken, there = sum(row[number] for row in self.confusion), sum(self.confusion[number])
        return Scores(right / max(1, taken), right / max(1, there), 2 * right / max(1, taken + there))


@torch.inference_mode()
def evaluate(
    network: nn.Module, images: Images, prepare: Preparation, loss: Loss, classes: int, tta: str = "none"
) -> Evaluation:
    """Run the network over all images, in evaluation mode; with ``tta`` the outputs of several views are averaged."""
    network.eval()
    device = images.labels.device
    confusion = torch.zeros(classes * classes, dtype=torch.int64, device=device)
    total = torch.zeros((), device=device)
    likely = torch.zeros((), dtype=torch.int64, device=device)
    for batch in evaluation_batches(images):
        output = _output(network, views(prepare(batch.pixels), tta))
        total += loss(output, batch.labels)
        likely += (output.topk(min(5, classes)).indices == batch.labels[:, None]).sum()
        confusion += torch.bincount(batch.labels * classes + output.argmax(1), minlength=classes * classes)
    rows = workers.summed(confusion).view(classes, classes).tolist()
    loss_of_all = float(workers.summed(total)) / max(1, len(images))
    return Evaluation(loss_of_all, tuple(map(tuple, rows)), int(workers.summed(likely)))


def _output(network: nn.Module, seen: list[View]) -> Tensor:
    """The network's output, averaged over views."""
    if len(seen) == 1:
        return cast(Tensor, network(seen[0][0]))
    return torch.stack([network(view) * weight for view, weight in seen]).sum(0)
