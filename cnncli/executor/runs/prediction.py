"""Uses a run's trained network: predictions for single examples, and an evaluation on a dataset."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from cnncli.data import Dataset
from cnncli.errors import CnnError
from cnncli.executor.feeding.preprocessing import InputTransform, conversion_notes, input_transform
from cnncli.executor.feeding.storage import on_device
from cnncli.executor.network.network import check_examples
from cnncli.executor.network.weights import load_network
from cnncli.executor.runs.setup import image_shape, scoring
from cnncli.executor.runtime.devices import choose_device
from cnncli.executor.training.evaluation import evaluate
from cnncli.executor.training.losses import Activation, probabilities_of
from cnncli.executor.training.objectives import Evaluation, objective_of
from cnncli.executor.training.objectives.regression import scaled
from cnncli.loading import Loaded
from cnncli.runs import folder as runs
from cnncli.runs.folder import Run, RunRecord

if TYPE_CHECKING:
    from numpy.typing import NDArray


BATCH = 1024  # examples that are computed together if the memory is large enough
TOO_LARGE = "the run's weights, its normalization in run.json or the numbers of an example are too large"


class Prediction(NamedTuple):
    """A class and its probability, from 0 to 1."""

    label: str
    probability: float


@dataclass(frozen=True)
class Predictor:
    """A run's network with its weights; which method applies depends on the run's task."""

    network: nn.Module
    prepare: InputTransform
    probabilities: Activation
    record: RunRecord
    device: torch.device
    at_once: int = BATCH

    def _outputs(self, examples: NDArray[Any]) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(examples)).to(self.device)
        parts = [cast(Tensor, self.network(self.prepare(part))) for part in torch.split(pixels, self.at_once)]
        return self._checked(torch.cat(parts))

    def _checked(self, outputs: Tensor) -> Tensor:
        if not outputs.isfinite().all():
            raise CnnError("the network's outputs are NaN or infinite", TOO_LARGE)
        return outputs

    @torch.inference_mode()
    def numbers(self, examples: NDArray[Any]) -> list[list[float]]:
        """The predicted values of a regression, in their unit, of uint8 or float32 examples in the input's shape."""
        scaling = self.record.targets
        outputs = self._outputs(examples).cpu().double()
        if scaling is not None:
            mean, std = (torch.tensor(values, dtype=torch.float64) for values in (scaling.mean, scaling.std))
            outputs = outputs * std + mean
        return cast("list[list[float]]", self._checked(outputs).tolist())

    @torch.inference_mode()
    def masks(self, examples: NDArray[Any]) -> NDArray[np.uint8]:
        """The class of each pixel, (N, H, W), of images (N, C, H, W), uint8 or float32."""
        found: NDArray[np.uint8] = self._outputs(examples).argmax(1).to(torch.uint8).cpu().numpy()
        return found

    @torch.inference_mode()
    def likeliest(self, examples: NDArray[Any], count: int) -> list[list[Prediction]]:
        """The ``count`` most likely classes of each example, the most likely first."""
        classes = self.record.classes
        found = self.probabilities(self._outputs(examples)).topk(min(count, len(classes)))
        return [
            [Prediction(classes[at], value) for value, at in zip(values, places, strict=True)]
            for values, places in zip(found.values.tolist(), found.indices.tolist(), strict=True)
        ]


def predictor(run: Run, loaded: Loaded, device_name: str) -> Predictor:
    """The predictor of a run; ``loaded`` is its architecture. Raises CnnError if its weights do not fit."""
    device = choose_device(device_name)
    network = load_network(loaded.inferred, run.weights_file)
    at_once = check_examples(loaded.inferred, BATCH)
    record, graph = run.record, loaded.graph
    prepare = input_transform(graph.inputs[0].shape, record.normalisation, device)
    return Predictor(network.to(device), prepare, probabilities_of(graph), record, device, at_once)


def evaluate_run(run: runs.Run, loaded: Loaded, dataset: Dataset, device_name: str) -> Evaluation:
    """Evaluate a run's weights on the test split of a dataset; ``loaded`` is the run's architecture.

    Raises CnnError if the loss is NaN or infinite: NaN has no largest score, so that accuracies would mean nothing.
    """
    device = choose_device(device_name)
    network = scoring(loaded, load_network(loaded.inferred, run.weights_file), run.record.task)
    network.to(device)
    shape = loaded.graph.inputs[0].shape
    conversion_notes(shape, dataset.name, image_shape(dataset))
    recipe = runs.recipe_of(run)
    targets = run.record.targets
    test = on_device(dataset.test if targets is None else scaled(dataset.test, targets), device, recipe.loaders)
    prepare = input_transform(shape, run.record.normalisation, device)
    objective = objective_of(loaded, dataset, recipe, device, targets=targets)
    evaluation = evaluate(network, test, prepare, objective, recipe.tta)
    if not math.isfinite(evaluation.loss):
        what = f"the loss on the test split is {evaluation.loss}: the network's outputs are NaN, infinite or too large"
        raise CnnError(what, TOO_LARGE)
    return evaluation
