"""What a network is worth on images: loss, accuracy, confusion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from cnncli.executor.batches import Images, Preparation, evaluation_batches
from cnncli.graph import Graph

Loss = Callable[[Tensor, Tensor], Tensor]


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


def loss_of(graph: Graph) -> Loss:
    """Cross-entropy, summed over a batch. A network that ends with softmax gives probabilities, others logits."""
    if _last_kind(graph) == "softmax":
        return _loss_of_probabilities
    return _loss_of_logits


def ends_in_distances(graph: Graph) -> bool:
    """Whether the smallest output is the answer, as with LeNet-5's rbf."""
    return _last_kind(graph) == "rbf"


def _last_kind(graph: Graph) -> str:
    return next(node.layer.kind for node in graph.nodes if node.name == graph.outputs[0])


def _loss_of_logits(output: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy(output.float(), labels, reduction="sum")


def _loss_of_probabilities(output: Tensor, labels: Tensor) -> Tensor:
    return functional.nll_loss(output.float().clamp_min(1e-12).log(), labels, reduction="sum")


@torch.inference_mode()
def evaluate(network: nn.Module, images: Images, prepare: Preparation, loss: Loss, classes: int) -> Evaluation:
    """Run the network over all images, in evaluation mode."""
    network.eval()
    device = images.labels.device
    confusion = torch.zeros(classes * classes, dtype=torch.int64, device=device)
    total = torch.zeros((), device=device)
    for batch in evaluation_batches(images):
        output = network(prepare(batch.pixels))
        total += loss(output, batch.labels)
        confusion += torch.bincount(batch.labels * classes + output.argmax(1), minlength=classes * classes)
    rows = confusion.view(classes, classes).tolist()
    return Evaluation(float(total) / max(1, len(images)), tuple(map(tuple, rows)))
