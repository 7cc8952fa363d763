"""The figures of an evaluation are their definitions, on random outputs."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.data.dataset import VOID
from cnncli.executor.training.objectives.classification import TOP_K, Classification
from cnncli.executor.training.objectives.segmentation import Segmentation
from cnncli.graph import Graph
from cnncli.loading import load
from cnncli.recipe import Recipe

some = settings(max_examples=40, deadline=None, derandomize=True)


def fraction(count: int, of: int) -> float:
    return count / of if of else 0.0


@some
@given(classes=st.integers(2, 13), count=st.integers(1, 30), batch=st.integers(1, 9), seed=st.integers(0, 10**6))
def test_the_figures_of_a_classification_are_their_definitions(classes: int, count: int, batch: int, seed: int) -> None:
    torch.manual_seed(seed)
    graph: Graph = load("lenet5").graph
    objective = Classification.of(graph, Recipe(), None, classes)
    output, wanted = torch.randn(count, classes), torch.randint(classes, (count,))
    meter = objective.meter(torch.device("cpu"))
    for part in range(0, count, batch):
        meter.add(output[part : part + batch], wanted[part : part + batch])
    found = meter.evaluation(0.5)
    taken = output.argmax(1)
    ranks = (output > output.gather(1, wanted[:, None])).sum(1)
    assert found.examples == count and found.loss == 0.5
    right = int((taken == wanted).sum())
    assert found.accuracy == right / count and int(objective.score(output, wanted)) == right
    assert found.top_5 == pytest.approx(float((ranks < 5).float().mean()))
    assert ("top_5" in found.metrics()) == (classes > 2 * TOP_K)
    detail = found.detail(tuple(map(str, range(classes))))
    for number, scores in enumerate(detail["classes"]):
        of, at, right = (
            int(each.sum()) for each in (wanted == number, taken == number, (wanted == number) & (taken == number))
        )
        precision, recall = fraction(right, at), fraction(right, of)
        assert (scores["precision"], scores["recall"]) == pytest.approx((precision, recall))
        assert scores["f1"] == pytest.approx(fraction(2 * precision * recall, precision + recall) if right else 0.0)
        assert found.confusion[number] == tuple(
            int(((wanted == number) & (taken == other)).sum()) for other in range(classes)
        )


@some
@given(
    classes=st.integers(2, 5),
    count=st.integers(1, 6),
    cut=st.integers(0, 3),
    void=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 10**6),
)
def test_the_figures_of_a_segmentation_are_their_definitions(
    classes: int, count: int, cut: int, void: float, seed: int
) -> None:
    torch.manual_seed(seed)
    size = (4, 5)
    masks = torch.randint(classes, (count, size[0] + cut, size[1] + 2 * cut), dtype=torch.uint8)
    masks[torch.rand(masks.shape) < void] = VOID
    output = torch.randn(count, classes, *size)
    objective = Segmentation(classes, size, None, 0.0, False)
    meter = objective.meter(torch.device("cpu"))
    meter.add(output[:1], masks[:1])
    meter.add(output[1:], masks[1:])
    found = meter.evaluation(0.25)
    seen = masks[:, cut // 2 : cut // 2 + size[0], cut : cut + size[1]]  # the middle
    taken, there = output.argmax(1), seen != VOID
    ious = []
    for number in range(classes):
        of, at = (seen == number), (taken == number) & there
        both, either = int((of & at).sum()), int((of | at).sum())
        assert found.iou(number) == (pytest.approx(both / either) if either else None)
        ious += [both / either] if either else []
    assert found.metrics()["mean_iou"] == pytest.approx(sum(ious) / len(ious) if ious else 0.0)
    right = (taken == seen) & there
    assert found.metrics()["accuracy"] == pytest.approx(fraction(int(right.sum()), int(there.sum())))
    assert found.examples == count
    each = [fraction(int(right[at].sum()), int(there[at].sum())) for at in range(count)]
    assert float(objective.score(output, masks)) == pytest.approx(sum(each), abs=1e-5)
    losses = torch.nn.functional.cross_entropy(output, seen.long().clamp_max(classes - 1), reduction="none")
    means = [fraction(1, int(there[at].sum())) * float(losses[at][there[at]].sum()) for at in range(count)]
    assert float(objective.loss(output, masks)) == pytest.approx(sum(means), rel=1e-4, abs=1e-5)
