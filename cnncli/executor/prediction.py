"""What a trained network says about single images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import nn

from cnncli.errors import CnnError
from cnncli.executor.batches import Preparation, preparation
from cnncli.executor.devices import choose_device
from cnncli.executor.losses import Activation, probabilities_of
from cnncli.executor.network import Network
from cnncli.executor.weights import load_weights
from cnncli.loading import Loaded
from cnncli.runs import WEIGHTS, Run
from cnncli.shape import format_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Guess(NamedTuple):
    """A class and how likely it is, from 0 to 1."""

    label: str
    probability: float


@dataclass(frozen=True)
class Predictor:
    """A run's network with its weights, ready for images."""

    network: nn.Module
    prepare: Preparation
    probabilities: Activation
    classes: tuple[str, ...]
    device: torch.device

    @torch.inference_mode()
    def likeliest(self, images: list[NDArray[np.uint8]], count: int) -> list[list[Guess]]:
        """The ``count`` likeliest classes of each image, uint8 (C, H, W), the likeliest first."""
        pixels = torch.from_numpy(np.stack(images)).to(self.device)
        found = self.probabilities(self.network(self.prepare(pixels))).topk(min(count, len(self.classes)))
        return [
            [Guess(self.classes[at], value) for value, at in zip(values, places, strict=True)]
            for values, places in zip(found.values.tolist(), found.indices.tolist(), strict=True)
        ]


def predictor(run: Run, loaded: Loaded, device_name: str) -> Predictor:
    """The predictor of a run; ``loaded`` is its architecture. Raises CnnError for what does not go together."""
    device = choose_device(device_name)
    network = Network(loaded.inferred).eval()
    load_weights(network, run.folder / WEIGHTS)
    record, graph = run.record, loaded.graph
    scores = loaded.inferred.shape(graph.outputs[0])
    if scores != (len(record.classes),):
        raise CnnError(
            f"{run.folder}: run.json has {len(record.classes)} classes, and the network gives {format_shape(scores)}",
            "was it changed by hand?",
        )
    prepare = preparation(graph.inputs[0].shape, record.normalisation, device)
    return Predictor(network.to(device), prepare, probabilities_of(graph), record.classes, device)
