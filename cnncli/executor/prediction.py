"""What a trained network says about single images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from cnncli.errors import CnnError
from cnncli.executor.batches import Preparation, preparation
from cnncli.executor.devices import choose_device
from cnncli.executor.losses import Activation, probabilities_of
from cnncli.executor.network import Network
from cnncli.executor.weights import load_weights
from cnncli.loading import Loaded
from cnncli.runs import Run, RunRecord
from cnncli.shape import format_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Guess(NamedTuple):
    """A class and how likely it is, from 0 to 1."""

    label: str
    probability: float


@dataclass(frozen=True)
class Predictor:
    """A run's network with its weights, ready for images; which of its methods makes sense the run's task says."""

    network: nn.Module
    prepare: Preparation
    probabilities: Activation
    record: RunRecord
    device: torch.device

    def _outputs(self, images: list[NDArray[np.uint8]]) -> Tensor:
        pixels = torch.from_numpy(np.stack(images)).to(self.device)
        return cast(Tensor, self.network(self.prepare(pixels)))

    @torch.inference_mode()
    def numbers(self, images: list[NDArray[np.uint8]]) -> list[list[float]]:
        """A regression's targets of each image, uint8 (C, H, W), in their own unit."""
        scaling = self.record.targets
        outputs = self._outputs(images).double().cpu()
        if scaling is not None:
            outputs = outputs * torch.tensor(scaling.std).double() + torch.tensor(scaling.mean).double()
        return cast("list[list[float]]", outputs.tolist())

    @torch.inference_mode()
    def masks(self, images: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """The class of each pixel, (N, H, W), of images, uint8 (C, H, W)."""
        found: NDArray[np.uint8] = self._outputs(images).argmax(1).to(torch.uint8).cpu().numpy()
        return found

    @torch.inference_mode()
    def likeliest(self, images: list[NDArray[np.uint8]], count: int) -> list[list[Guess]]:
        """The ``count`` likeliest classes of each image, uint8 (C, H, W), the likeliest first."""
        classes = self.record.classes
        found = self.probabilities(self._outputs(images)).topk(min(count, len(classes)))
        return [
            [Guess(classes[at], value) for value, at in zip(values, places, strict=True)]
            for values, places in zip(found.values.tolist(), found.indices.tolist(), strict=True)
        ]


def predictor(run: Run, loaded: Loaded, device_name: str) -> Predictor:
    """The predictor of a run; ``loaded`` is its architecture. Raises CnnError for what does not go together."""
    device = choose_device(device_name)
    network = Network(loaded.inferred).eval()
    load_weights(network, run.weights_file)
    record, graph = run.record, loaded.graph
    scores = loaded.inferred.shape(graph.outputs[0])
    if scores[0] != len(record.classes):
        raise CnnError(
            f"{run.folder}: run.json has {len(record.classes)} classes, and the network gives {format_shape(scores)}",
            "was it changed by hand?",
        )
    prepare = preparation(graph.inputs[0].shape, record.normalisation, device)
    return Predictor(network.to(device), prepare, probabilities_of(graph), record, device)
