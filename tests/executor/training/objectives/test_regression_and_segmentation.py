"""Regression and segmentation: losses and figures against their definitions, and both as a user trains them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from program import Run
from torch.nn import functional

from cnncli import load
from cnncli.data import Dataset, Split
from cnncli.executor.feeding.augmentation import Mixed, mix
from cnncli.executor.feeding.batches import Batch
from cnncli.executor.feeding.device_images import Images
from cnncli.executor.feeding.preprocessing import normalization_of
from cnncli.executor.network.network import Network
from cnncli.executor.runs.provenance import fingerprint, is_same
from cnncli.executor.runs.setup import scoring
from cnncli.executor.training.loop import TrainingSetup, augmented_batch
from cnncli.executor.training.objectives.regression import Regression, scaled, scaling_of
from cnncli.executor.training.objectives.segmentation import VOID, Segmentation
from cnncli.recipe import Recipe
from cnncli.runs import folder as runs
from cnncli.runs.folder import Normalization, open_run

CPU = torch.device("cpu")


def regression(targets: torch.Tensor, loss: str = "mse") -> Regression:
    return Regression.of(Recipe(loss=loss), scaling_of(targets), CPU)


def as_learnt(targets: torch.Tensor, scaling: Normalization | None = None) -> torch.Tensor:
    """Targets as the network is to give them, scaled by their own mean and deviation unless others are given."""
    split = Split(np.zeros((len(targets), 1), np.uint8), targets.double().numpy())
    return torch.from_numpy(scaled(split, scaling or scaling_of(targets)).labels)


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# Regression -------------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 999),
    count=st.integers(2, 40),
    width=st.integers(1, 4),
    batch=st.integers(1, 50),
    mean=st.sampled_from([0.0, 500.0, -1.7e9, 1e12]),
)
def test_the_figures_of_a_regression_are_their_definitions(
    seed: int, count: int, width: int, batch: int, mean: float
) -> None:
    """Also where the mean is so large that float32 holds nothing of what the targets differ by."""
    targets = drawn(seed, count, width).double() * 30 + mean
    outputs = drawn(seed + 1, count, width)
    objective, scaling, wanted = regression(targets), scaling_of(targets), as_learnt(targets)
    meter = objective.meter(CPU)
    for part, of in zip(outputs.split(batch), wanted.split(batch), strict=True):
        meter.add(part, of)
    found = meter.evaluation(0.0)
    said = outputs.double().numpy() * np.array(scaling.std) + np.array(scaling.mean)
    error = said - targets.numpy()
    spread = ((targets - targets.mean(0)) ** 2).sum(0).numpy()
    assert found.examples == count
    assert np.allclose(found.absolute, np.abs(error).mean(0), rtol=1e-4)
    assert np.allclose(found.root_square, np.sqrt((error**2).mean(0)), rtol=1e-4)
    assert np.allclose(found.explained, 1 - (error**2).sum(0) / spread, rtol=1e-3, atol=1e-3)
    assert np.isclose(found.metrics()["mae"], float(objective.score(outputs, wanted)) / count, rtol=1e-3)


def test_who_always_says_the_mean_explains_nothing() -> None:
    targets = drawn(3, 50, 2) * 7 - 1000
    meter = regression(targets).meter(CPU)
    meter.add(torch.zeros(50, 2), as_learnt(targets))
    assert np.allclose(meter.evaluation(0.0).explained, 0, atol=1e-5)


def test_targets_that_are_all_the_same_leave_nothing_to_explain() -> None:
    targets = torch.full((30, 1), 0.1)
    for of in (targets, drawn(2, 30, 1) * 5):
        meter = regression(of).meter(CPU)
        meter.add(drawn(1, 30, 1), as_learnt(targets, scaling_of(of)))
        assert meter.evaluation(0.0).explained == (0.0,)


@pytest.mark.parametrize("unit", [1e-20, 1e-13, 1.0, 1e9])
def test_examples_and_targets_of_any_unit_are_scaled_to_deviation_1(unit: float) -> None:
    values = drawn(3, 200, 2) * unit
    found = normalization_of(Images(values, values), (2,))
    for scaling in (scaling_of(values), found):
        assert np.allclose(np.array(scaling.std) / unit, values.div(unit).std(0), rtol=1e-4)
        assert np.allclose(np.array(scaling.mean) / unit, values.div(unit).mean(0), atol=1e-4)
    same = torch.full((200, 2), 0.1 * unit)
    assert scaling_of(same).std == normalization_of(Images(same, same), (2,)).std == (1.0, 1.0)


@pytest.mark.parametrize("loss", ["mse", "l1", "huber"])
def test_the_unit_of_the_targets_does_not_change_the_loss(loss: str) -> None:
    targets, outputs = drawn(0, 20, 3), drawn(1, 20, 3)
    losses = [
        regression(t, loss).training_loss(outputs, as_learnt(t)) for t in (targets, 1000 * targets.double() + 5e9)
    ]
    assert torch.isclose(losses[0], losses[1], rtol=1e-4)
    of = {"mse": functional.mse_loss, "l1": functional.l1_loss, "huber": functional.smooth_l1_loss}[loss]
    wanted = of(outputs, (targets - targets.mean(0)) / targets.std(0))
    assert torch.isclose(losses[0] / 20, wanted, rtol=1e-4)


# Segmentation -----------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 999), classes=st.integers(2, 5), sizes=st.lists(st.integers(2, 6), min_size=1, max_size=3))
def test_iou_is_intersection_over_union_and_void_pixels_count_for_nothing(
    seed: int, classes: int, sizes: list[int]
) -> None:
    draws = torch.Generator().manual_seed(seed)
    wanted = torch.randint(classes, (7, *sizes), generator=draws).to(torch.uint8)
    wanted[torch.rand(wanted.shape, generator=draws) < 0.2] = VOID
    outputs = torch.randn(7, classes, *sizes, generator=draws)
    objective = Segmentation(classes, tuple(sizes), None, 0.0, probabilities=False)
    meter = objective.meter(CPU)
    for at in range(0, 7, 3):
        meter.add(outputs[at : at + 3], wanted[at : at + 3])
    found = meter.evaluation(0.0)
    said, counts = outputs.argmax(1), wanted != VOID
    for number in range(classes):
        both = ((said == number) & (wanted == number) & counts).sum().item()
        either = (((said == number) | (wanted == number)) & counts).sum().item()
        assert found.iou(number) == (both / either if either else None)
    right = ((said == wanted) & counts).sum().item()
    assert found.metrics()["accuracy"] == pytest.approx(right / max(1, counts.sum().item()))
    assert found.examples == 7


def test_the_loss_of_a_segmentation_is_the_mean_over_pixels_of_each_image() -> None:
    outputs, wanted = drawn(0, 4, 3, 5, 6), torch.randint(3, (4, 5, 6)).to(torch.uint8)
    wanted[1, :2] = VOID
    objective = Segmentation(3, (5, 6), None, 0.0, probabilities=False)
    each = [
        functional.cross_entropy(output[None], mask[None].long(), ignore_index=VOID)
        for output, mask in zip(outputs, wanted, strict=True)
    ]
    assert torch.isclose(objective.loss(outputs, wanted), torch.stack(each).sum())
    as_probabilities = Segmentation(3, (5, 6), None, 0.0, probabilities=True)
    assert torch.isclose(as_probabilities.loss(outputs.softmax(1), wanted), torch.stack(each).sum())


def test_a_smaller_output_is_compared_with_the_middle_of_the_mask() -> None:
    mask = torch.zeros(1, 6, 8, dtype=torch.uint8)
    mask[:, 1:5, 1:7] = 1
    assert torch.equal(Segmentation(2, (4, 6), None, 0.0, probabilities=False).center(mask), torch.ones(1, 4, 6))


MOVED = {"flip": "random", "translate": 2, "rotation": 25.0}


@settings(max_examples=30, deadline=None)
@given(step=st.integers(0, 10**6), epoch=st.integers(1, 9), keys=st.sets(st.sampled_from(sorted(MOVED)), min_size=1))
def test_masks_are_moved_as_their_images_are(step: int, epoch: int, keys: set[str]) -> None:
    """An image of its mask's classes stays that, but for where a rotation interpolates (least at a corner)."""
    masks = torch.zeros(6, 16, 16, dtype=torch.uint8)
    masks[:, 3:9, 2:12] = 100
    recipe = Recipe(**{key: MOVED[key] for key in keys})
    train = Images(masks[:, None], masks)
    objective = Segmentation(101, (16, 16), None, 0.0, probabilities=False)
    task = TrainingSetup(torch.nn.Identity(), abs, train, train, lambda x: x.float(), objective, recipe, "fp32")  # type: ignore[arg-type]
    shown = augmented_batch(task, Batch(train, torch.arange(6), 6, counted=True), epoch, step)
    differ = (shown.images[:, 0] - shown.first.float()).abs()
    assert shown.first.dtype == torch.uint8 and set(shown.first.unique().tolist()) <= {0, 100}
    assert (differ > 75.01).sum() == 0 if "rotation" in keys else differ.max() == 0


def test_cutmix_pastes_masks_with_their_images() -> None:
    masks = torch.arange(6, dtype=torch.uint8).view(6, 1, 1).expand(6, 8, 8).contiguous()
    for step in range(20):
        shown: Mixed = mix(masks[:, None].float(), masks, Recipe(cutmix=1.0), step)
        assert shown.weight == 1 and torch.equal(shown.images[:, 0], shown.first.float())


# From the command line --------------------------------------------------------------------------------------------

LINE = (
    "input: 6\nlayers: [linear: 16, relu, linear: 2]\ntrain: {epochs: 8, lr: 0.02, batch_size: 20, precision: fp32}\n"
)
SEGMENT = """
input: 1x12x12
layers: [conv: {filters: 8, kernel: 3, padding: same}, relu, conv: {filters: 2, kernel: 1}]
train: {epochs: 6, lr: 0.03, batch_size: 8, precision: fp32}
"""


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    x = drawn(0, 300, 6)
    y = x @ drawn(1, 6, 2) * 40 + 1000
    np.savez("line.npz", x=x.numpy(), y=y.double().numpy())
    return "npz:line.npz"


@pytest.fixture
def squares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Bright squares on dark noise."""
    monkeypatch.chdir(tmp_path)
    draws = np.random.default_rng(0)
    for number in range(60):
        image, mask = draws.integers(0, 80, (12, 12), np.uint8), np.zeros((12, 12), np.uint8)
        top, left = draws.integers(0, 6, 2)
        image[top : top + 5, left : left + 5] += 120
        mask[top : top + 5, left : left + 5] = 255
        for kind, pixels in (("images", image), ("masks", mask)):
            folder = tmp_path / "squares" / ("test" if number > 49 else "train") / kind
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return "images:squares"


def test_a_regression_is_trained_evaluated_and_exported(cnn: Run, write: Callable[..., Path], line: str) -> None:
    ended = cnn("train", write(LINE), "--data", line, "--run-dir", "run")
    assert ended.code == 0 and ended.out.startswith("test MAE "), ended.err
    record = open_run(Path("run")).record
    assert record.task == "regression" and record.targets is not None and record.classes == ("y0", "y1")
    last = json.loads(Path("run/metrics.jsonl").read_text().splitlines()[-1])
    detail = json.loads(cnn("evaluate", "run", "--format", "json").out)
    assert detail["mae"] == pytest.approx(last["test_mae"]) and detail["r2"] > 0.9
    assert [row["target"] for row in detail["targets"]] == ["y0", "y1"]
    assert "R²" in cnn("evaluate", "run").out
    assert cnn("export", "run", "--to", "pytorch", "--output", "net.py").code == 0
    scope: dict[str, object] = {"__name__": "net", "__file__": str(Path("net.py").resolve())}
    exec(compile(Path("net.py").read_text(), "net.py", "exec"), scope)
    assert scope["TARGETS"] == ("y0", "y1") and scope["TARGET_MEAN"] == record.targets.mean
    assert "mae" in cnn("runs", ".").out


@pytest.mark.parametrize(("task", "sign"), [("classification", -1), ("regression", 1)])
def test_distances_are_turned_into_scores_of_classes_alone(write: Callable[..., Path], task: str, sign: int) -> None:
    loaded = load(str(write("input: 4\nlayers: [linear: 3, rbf: 2]\n")))
    plain = Network(loaded.inferred)
    x = drawn(0, 5, 4)
    expected = plain(x)
    assert isinstance(expected, torch.Tensor) and torch.equal(scoring(loaded, plain, task)(x), sign * expected)


def test_a_regression_on_images_says_numbers(cnn: Run, write: Callable[..., Path], squares: str) -> None:
    paths = sorted(Path("squares").glob("*/images/*.png"))
    pixels = np.stack([np.asarray(Image.open(path)) for path in paths])
    np.savez("sums.npz", x=pixels, y=pixels.mean((1, 2)) * 3)
    net = write("input: 1x12x12\nlayers: [flatten, linear: 1]\ntrain: {epochs: 20, lr: 0.01, batch_size: 10}\n")
    assert cnn("train", net, "--data", "npz:sums.npz", "--run-dir", "run").code == 0
    rows = json.loads(cnn("predict", "run", *paths[:9], "--format", "json").out)
    wanted = pixels[:9].mean((1, 2)) * 3
    mae = json.loads(cnn("evaluate", "run", "--format", "json").out)["mae"]
    assert [row["target"] for row in rows] == ["y0"] * 9
    assert np.abs([row["value"] for row in rows] - wanted).mean() < 2 * mae + 1


def test_a_segmentation_is_trained_evaluated_and_predicted(cnn: Run, write: Callable[..., Path], squares: str) -> None:
    options = ("--flip", "random", "--translate", "2", "--rotation", "5", "--tta", "mirror")
    ended = cnn("train", write(SEGMENT), "--data", squares, *options, "--run-dir", "run")
    assert ended.code == 0 and ended.out.startswith("test mean IoU "), ended.err
    detail = json.loads(cnn("evaluate", "run", "--format", "json").out)
    assert detail["mean_iou"] > 0.8 and len(detail["classes"]) == 2
    assert "IoU" in cnn("evaluate", "run").out
    rows = json.loads(cnn("predict", "run", "squares/test/images", "--masks", "found", "--format", "json").out)
    for path in Path("squares/test/images").iterdir():
        mask = np.asarray(Image.open(f"found/{path.name}"))
        assert mask.shape == (12, 12) and mask.max() <= 1
        mine = {row["class"]: row["pixels"] for row in rows if row["file"] == str(path)}
        assert mine == {str(n): int((mask == n).sum()) for n in (0, 1) if (mask == n).any()}
    twice = cnn("predict", "run", "squares/test/images", "squares/test/masks", "--masks", "found")
    assert twice.code == 2 and "two images have the name" in twice.err


@pytest.mark.slow
def test_two_workers_train_a_segmentation_as_one_does(
    cnn: Run, write: Callable[..., Path], squares: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from program import run_process
    from safetensors.numpy import load_file

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    net = write(SEGMENT)
    options = ("--data", squares, "--optimizer", "sgd", "--lr", "0.2", "--flip", "alternating", "--class-weights")
    assert cnn("train", net, *options, "balanced", "--run-dir", "one").code == 0
    ended = run_process("train", net, *options, "balanced", "--nproc", 2, "--run-dir", "two")
    assert ended.code == 0, ended.err
    one, two = (load_file(f"{run}/weights.safetensors") for run in ("one", "two"))
    assert all(np.allclose(one[name], two[name], atol=1e-4) for name in one)
    a, b = (json.loads(cnn("evaluate", run, "--format", "json").out) for run in ("one", "two"))
    assert a["confusion"] == b["confusion"]


DIGITS = "input: 1x8x8\nlayers: [flatten, linear: 10]\ntrain: {dataset: digits}\n"


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        (SEGMENT, ("--data", "digits"), "digits has a class for each image"),
        (SEGMENT, ("--data", "images:squares", "--task", "classification"), "classification needs a vector"),
        (LINE, ("--data", "images:squares", "--task", "segmentation"), "segmentation needs a feature map"),
        (SEGMENT.replace("filters: 2", "filters: 3"), ("--data", "images:squares"), ""),
        (SEGMENT.replace("filters: 2", "filters: 1"), ("--data", "images:squares"), "has 1 channel"),
        (SEGMENT.replace("relu,", "relu, maxpool: 2,"), ("--data", "images:squares"), "to give each pixel a class"),
        (SEGMENT.replace("padding: same", "padding: 0"), ("--data", "images:squares"), ""),
        (DIGITS, ("--task", "regression"), "digits is data for classification, not for regression"),
        (LINE, ("--data", "npz:line.npz", "--class-weights", "balanced"), "a regression has no classes"),
        (LINE.replace("linear: 2", "linear: 3"), ("--data", "npz:line.npz"), "has 2 targets"),
    ],
)
def test_network_and_data_that_do_not_go_together_are_told_why(
    cnn: Run, write: Callable[..., Path], squares: str, line: str, text: str, options: tuple[str, ...], said: str
) -> None:
    ended = cnn("train", write(text), *options, "--epochs", "1")
    assert (ended.code == 0) == (not said) and said in ended.err


def test_runs_of_before_there_were_tasks_are_classifications(cnn: Run, write: Callable[..., Path], line: str) -> None:
    net = write("input: 1x8x8\nlayers: [flatten, linear: 10]\ntrain: {dataset: digits, epochs: 1}\n")
    assert cnn("train", net, "--run-dir", "run").code == 0
    record = json.loads(Path("run", runs.RUN).read_text())
    del record["task"], record["targets"]
    Path("run", runs.RUN).write_text(json.dumps(record))
    assert cnn("evaluate", "run").out.startswith("accuracy")


@pytest.mark.parametrize("mean", [0.0, 5.4e6, 1.7e9])
def test_a_prediction_has_the_digits_that_the_deviation_of_the_targets_leaves(
    cnn: Run, write: Callable[..., Path], mean: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In JSON and CSV it is the float64 number itself; a table rounds it to a small part of the deviation."""
    monkeypatch.chdir(tmp_path)
    x = drawn(0, 100, 2).double().numpy()
    y = mean + 10 * x[:, 0]
    rows = [f"{a!r},{b!r},{target!r}" for (a, b), target in zip(x.tolist(), y.tolist(), strict=True)]
    Path("sums.csv").write_text("a,b,target\n" + "\n".join(rows) + "\n")
    net = write("input: 2\nlayers: [linear: 1]\ntrain: {epochs: 60, lr: 0.1, batch_size: 20}\n", "sum.yaml")
    assert cnn("train", net, "--data", "csv:sums.csv", "--run-dir", "run").code == 0
    assert json.loads(cnn("evaluate", "run", "--format", "json").out)["mae"] < 0.5
    values = [row["value"] for row in json.loads(cnn("predict", "run", "sums.csv", "--format", "json").out)]
    assert np.allclose(values, y, rtol=0, atol=1)
    written = [line.rpartition(",")[2] for line in cnn("predict", "run", "sums.csv", "--format", "csv").out.split()]
    assert [*map(float, written[1:])] == values
    shown = [line.split()[-1] for line in cnn("predict", "run", "sums.csv").out.splitlines()[1:]]
    assert np.allclose([*map(float, shown)], values, rtol=0, atol=1e-3)


def test_runs_that_hold_their_targets_in_float32_know_their_data() -> None:
    x, y = np.zeros((5, 2), np.float32), np.random.default_rng(0).normal(size=(5, 1))
    new = Dataset("data", Split(x, y), Split(x, y + 1), ("y0",))
    old = Dataset("data", *(Split(x, part.astype(np.float32)) for part in (y, y + 1)), ("y0",))
    other = Dataset("data", Split(x, y), Split(x, y + 1.1), ("y0",))
    assert all(is_same(new, fingerprint(each)) for each in (new, old))
    assert not is_same(other, fingerprint(new)) and not is_same(other, fingerprint(old))
