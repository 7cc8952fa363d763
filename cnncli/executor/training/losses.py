"""Cross-entropy of logits or probabilities, with label smoothing, class weights and mixed images."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from cnncli.errors import CnnError, counted
from cnncli.executor.feeding.augmentation import Mixed
from cnncli.graph import Graph
from cnncli.layers import Layer
from cnncli.layers.activation import Softmax
from cnncli.layers.linear import RBF
from cnncli.recipe import Recipe

Loss = Callable[[Tensor, Tensor], Tensor]
Activation = Callable[[Tensor], Tensor]


def loss_of(graph: Graph) -> Loss:
    """Cross-entropy, summed over a batch. Networks that end with softmax output probabilities, others logits."""
    return _loss_of_probabilities if ends_in_probabilities(graph) else _loss_of_logits


def probabilities_of(graph: Graph) -> Activation:
    """Turns outputs (N, classes) into probabilities; of distances to classes the smallest gets the highest."""
    if ends_in_probabilities(graph):
        return lambda output: output.float()
    sign = -1 if ends_in_distances(graph) else 1
    return lambda output: (sign * output.float()).softmax(1)


def ends_in_probabilities(graph: Graph) -> bool:
    """Whether the network outputs probabilities."""
    return type(_last_layer(graph)) is Softmax


def ends_in_distances(graph: Graph) -> bool:
    """Whether the smallest output is the prediction, as with the RBF units of LeNet-5."""
    return isinstance(_last_layer(graph), RBF)


def _last_layer(graph: Graph) -> Layer:
    return next(node.layer for node in graph.nodes if node.name == graph.outputs[0])


def _loss_of_logits(output: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy(output.float(), labels, reduction="sum")


def _loss_of_probabilities(output: Tensor, labels: Tensor) -> Tensor:
    return functional.nll_loss(output.float().clamp_min(1e-12).log(), labels, reduction="sum")


def training_loss(graph: Graph, recipe: Recipe, labels: Tensor, classes: int) -> Loss:
    """The loss of the recipe, summed over a batch; ``labels`` are those of the whole training set."""
    weights = class_weights(recipe, torch.bincount(labels, minlength=classes))
    if weights is None and not recipe.label_smoothing:
        return loss_of(graph)
    probabilities = ends_in_probabilities(graph)

    def loss(output: Tensor, wanted: Tensor) -> Tensor:
        logits = output.float().clamp_min(1e-12).log() if probabilities else output.float()
        return functional.cross_entropy(
            logits, wanted, weight=weights, label_smoothing=recipe.label_smoothing, reduction="sum"
        )

    return loss


def class_weights(recipe: Recipe, counts: Tensor) -> Tensor | None:
    """The weight of each class, with a mean of 1 over the ``counts`` images, or pixels, of each class.

    None if all are equal. Raises CnnError for a wrong number of weights.
    """
    if recipe.class_weights == "none":
        return None
    device, classes, counts = counts.device, len(counts), counts.cpu().double()  # not every device has float64
    if recipe.class_weights == "balanced":
        weights = 1 / counts.clamp_min(1)
    elif len(recipe.class_weights) != classes:
        raise CnnError(
            f"class_weights has {counted(len(recipe.class_weights), 'weight')} for {counted(classes, 'class')}"
        )
    else:
        weights = torch.tensor(recipe.class_weights, dtype=torch.float64)
    return (weights * counts.sum() / (weights * counts).sum()).float().to(device)


def mixed_loss(loss: Loss, output: Tensor, mixed: Mixed) -> Tensor:
    """The loss of images that are mixed from two each."""
    first = loss(output, mixed.first)
    return first if mixed.weight == 1 else first * mixed.weight + loss(output, mixed.second) * (1 - mixed.weight)
