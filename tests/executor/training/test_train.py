"""``cnn train`` and ``cnn evaluate`` as a user runs them, on the bundled digits and on small data made here."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from program import SHARED, Run, run_process
from safetensors.numpy import load_file, save_file

from cnncli.executor.training import loop

TINY = """
name: Tiny
input: 1x8x8
variables: {width: 4}
layers:
  - conv: {filters: $width, kernel: 3, padding: 1, name: c1}   # the only convolution
  - batchnorm
  - relu
  - maxpool: 2
  - flatten
  - dropout: 0.1
  - linear: 10
train: {dataset: digits, epochs: 2, lr: 0.01, batch_size: 64}
"""


@pytest.fixture
def tiny(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(TINY, "tiny.yaml")


def metrics(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_a_run_holds_all_that_it_is_made_of(cnn: Run, tiny: Path) -> None:
    ended = cnn("train", tiny, "--set", "width=6", "--lr", "0.02")
    assert ended.code == 0
    run = Path("runs/tiny-001")
    assert ended.out.startswith("test accuracy ") and ended.out.endswith(f", run {run}\n")
    assert {path.name for path in run.iterdir()} == {
        "architecture.yaml",
        "recipe.yaml",
        "run.json",
        "metrics.jsonl",
        "weights.safetensors",
        "best.safetensors",
        "checkpoint.safetensors",
        "checkpoint-previous.safetensors",
        ".lock",
    }
    assert (run / "architecture.yaml").read_text() == TINY.replace("width: 4", "width: 6")
    recipe = yaml.safe_load((run / "recipe.yaml").read_text())
    assert (recipe["dataset"], recipe["epochs"], recipe["lr"], recipe["optimizer"]) == ("digits", 2, 0.02, "adam")
    assert [line["epoch"] for line in metrics(run)] == [1, 2]
    record = json.loads((run / "run.json").read_text())
    assert (record["status"], record["epochs_done"]) == ("finished", 2)
    weights = load_file(run / "weights.safetensors")
    assert weights["c1.weight"].shape == (6, 1, 3, 3)
    assert set(weights) >= {"c1.bias", "batchnorm1.running_mean", "linear1.weight"}


def test_runs_are_numbered_and_never_overwritten(cnn: Run, tiny: Path) -> None:
    for number in ("001", "002"):
        assert cnn("train", tiny, "--epochs", "1").out.endswith(f"run runs/tiny-{number}\n")
    ended = cnn("train", tiny, "--run-dir", "runs/tiny-001")
    assert ended.code == 2
    assert ended.err.splitlines()[-2:] == [
        "runs/tiny-001: is not empty",
        "  give --run-dir a new folder; a run never overwrites another",
    ]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(cnn: Run, tiny: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert cnn("train", tiny, "--epochs", "1", "--seed", seed, "--run-dir", name).code == 0
    a, b, c = (Path(name, "weights.safetensors").read_bytes() for name in "abc")
    assert a == b != c


def test_evaluate_finds_the_accuracy_that_the_training_ended_with(cnn: Run, tiny: Path) -> None:
    cnn("train", tiny, "--run-dir", "run")
    result = json.loads(cnn("evaluate", "run", "--format", "json").out)
    assert result["accuracy"] == metrics(Path("run"))[-1]["test_accuracy"]
    assert result["examples"] == 360 == sum(map(sum, result["confusion"]))
    assert sum(row[i] for i, row in enumerate(result["confusion"])) == round(result["accuracy"] * 360)
    table = cnn("evaluate", "run").out.splitlines()
    assert table[0] == f"accuracy {result['accuracy']:.2%}, loss {result['loss']:.4f} on 360 test images"
    assert len(table) == 2 + 1 + 10


def test_training_learns_the_digits(cnn: Run, tiny: Path) -> None:
    cnn("train", tiny, "--epochs", "8", "--run-dir", "run")
    history = metrics(Path("run"))
    assert history[-1]["train_loss"] < history[0]["train_loss"] / 3
    assert history[-1]["test_accuracy"] > 0.85


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("schedule", ["constant", "step", "cosine", "one-cycle"])
def test_every_optimizer_trains_with_every_schedule(cnn: Run, tiny: Path, optimizer: str, schedule: str) -> None:
    nesterov = ("--nesterov",) if optimizer == "sgd" else ()
    ended = cnn("train", tiny, "--optimizer", optimizer, "--schedule", schedule, "--warmup", "0.5", *nesterov)
    assert ended.code == 0, ended.err


@pytest.mark.parametrize("init", ["kaiming", "xavier", "lecun", "normal"])
def test_every_initialisation_trains(cnn: Run, tiny: Path, init: str) -> None:
    assert cnn("train", tiny, "--epochs", "1", "--init", init).code == 0


def test_a_validation_share_is_held_out_and_the_test_images_are_used_once(cnn: Run, tiny: Path) -> None:
    ended = cnn("train", tiny, "--validation", "0.2", "--run-dir", "run")
    assert "validation" in ended.err and f"{1437 - round(0.2 * 1437):,} images" in ended.err
    assert set(metrics(Path("run"))[0]) >= {"validation_accuracy", "validation_loss"}
    assert "test accuracy" in ended.out


def test_images_are_converted_to_the_input_with_a_note(cnn: Run, tiny: Path) -> None:
    ended = cnn("train", tiny, "--input", "3x12x12", "--epochs", "1")
    assert ended.code == 0
    assert "digits: images resized from 8x8 to 12x12 and gray repeated in each channel" in ended.err


def test_a_vector_network_reads_images_as_vectors(cnn: Run, write: Callable[..., Path], tmp_path: Path) -> None:
    path = write("input: 64\nlayers: [linear: 32, relu, linear: 10, softmax]\n")
    ended = cnn("train", path, "--data", "digits", "--epochs", "3", "--lr", "0.01", "--run-dir", tmp_path / "run")
    assert ended.code == 0
    assert "images of 1x8x8 are read as vectors of 64" in ended.err
    assert metrics(tmp_path / "run")[-1]["test_accuracy"] > 0.7


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two classes that differ in brightness, as PNG files under train/ and test/."""
    random = np.random.default_rng(0)
    for split, count in (("train", 24), ("test", 8)):
        for name, level in (("bright", 200), ("dark", 40)):
            folder = tmp_path / "pictures" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = np.clip(random.normal(level, 20, (10, 10, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "pictures"


def test_a_folder_of_images_is_learnt(cnn: Run, write: Callable[..., Path], pictures: Path, tmp_path: Path) -> None:
    path = write("input: 3x8x8\nlayers: [conv: {filters: 4, kernel: 3}, relu, global_avgpool, linear: 2]\n")
    ended = cnn(
        "train", path, "--data", f"images:{pictures}", "--epochs", "15", "--lr", "0.02", "--batch-size", "8",
        "--run-dir", tmp_path / "run",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert ended.out.startswith("test accuracy 100.00%")
    assert "bright" in cnn("evaluate", tmp_path / "run").out


def test_a_run_is_evaluated_from_any_folder(
    cnn: Run, tiny: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = ["--set", "width=2", "--input", "1x8x8"]
    Path("two.yaml").write_text(TINY.replace("linear: 10", "linear: 2"))
    assert cnn("train", "two.yaml", *network, "--data", "images:pictures", "--run-dir", "run").code == 0
    monkeypatch.chdir(pictures)
    assert cnn("evaluate", "../run").code == 0


def errors() -> list[tuple[str, list[str], str]]:
    return [
        ("no data", ["lenet5"], "no dataset to train on"),
        ("classes", ["vgg11", "--data", "digits"], "make its last layer linear: 10"),
        ("unknown data", ["lenet5", "--data", "mnst"], "did you mean mnist?"),
        ("epochs", ["digits_cnn", "--epochs", "0"], "--epochs: must be a number of epochs, e.g. 10 or 9.5, not 0"),
        (
            "optimizer",
            ["digits_cnn", "--optimizer", "adm"],
            "must be sgd, adam, adamw, rmsprop or muon, not adm",
        ),
        ("validation", ["digits_cnn", "--validation", "0.9999"], "a fraction of 0.9999 takes 1,437 of 1,437 images"),
        ("device", ["digits_cnn", "--device", "cuda:99"], "the device 'cuda:99' cannot be used"),
        ("nesterov", ["digits_cnn", "--optimizer", "sgd", "--momentum", "0", "--nesterov"], "nesterov needs momentum"),
        ("epoch of nothing", ["holes.yaml"], "milestones must be a list of whole numbers, e.g. 30, 60, not [nothing]"),
        ("translate", ["digits_cnn", "--translate", "8"], "images of 8x8 cannot be shifted by 8 pixels"),
        ("cutout", ["digits_cnn", "--cutout", "9"], "a square of 9 pixels covers images of 8x8"),
        ("no images", ["digits_cnn", "--data", "images:/no/such/folder"], "/no/such/folder"),
    ]


@pytest.mark.parametrize(("arguments", "message"), [e[1:] for e in errors()], ids=[e[0] for e in errors()])
def test_each_mistake_is_one_clear_error(
    cnn: Run, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CNN_DATA", str(tmp_path))
    if arguments == ["lenet5"]:
        Path("net.yaml").write_text("input: 1x8x8\nlayers: [flatten, linear: 10]\n")
        arguments = ["net.yaml"]
    Path("holes.yaml").write_text("input: 1x8x8\nlayers: [flatten]\ntrain: {milestones: [null]}\n")
    ended = cnn("train", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert "Traceback" not in ended.err


def test_a_loss_that_is_not_a_number_stops_the_training_and_keeps_good_weights(cnn: Run, tiny: Path) -> None:
    ended = cnn("train", tiny, "--optimizer", "sgd", "--lr", "1e30", "--epochs", "3", "--run-dir", "run")
    assert ended.code == 1
    assert "training diverged in epoch 1: loss is " in ended.err and "--lr" in ended.err
    assert json.loads(Path("run/run.json").read_text())["status"] == "failed"
    saved = Path("run/weights.safetensors")
    assert not saved.exists() or all(np.isfinite(tensor).all() for tensor in load_file(saved).values())


def test_ctrl_c_saves_the_run_and_ends_with_130(tiny: Path) -> None:
    command = [sys.executable, "-m", "cnncli", "train", str(tiny), "--epochs", "100000", "--run-dir", "run"]
    # a shell's background job ignores Ctrl-C, and hands that on: these tests may run in one
    heeding = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **heeding)  # type: ignore
    deadline = time.monotonic() + 60
    while not Path("run/metrics.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("interrupted after ") and err.splitlines()[-1].endswith("saved in run")
    assert json.loads(Path("run/run.json").read_text())["status"] == "interrupted"
    assert run_process("evaluate", "run").code == 0


def test_a_damaged_run_is_one_clear_error(cnn: Run, tiny: Path) -> None:
    cnn("train", tiny, "--epochs", "1", "--run-dir", "run")
    Path("run/weights.safetensors").write_bytes(b"no weights")
    assert "not the network's weights: the file cannot be read" in cnn("evaluate", "run").err
    Path("run/run.json").write_text("{")
    assert "run/run.json: cannot be read" in cnn("evaluate", "run").err
    assert not Path("runs").exists()
    ended = cnn("evaluate", "elsewhere")
    assert ended.err.startswith("elsewhere: is not a run folder (it has no run.json)\n")


def test_a_folder_that_cannot_be_written_is_one_clear_error(cnn: Run, tiny: Path) -> None:
    Path("file").write_text("")
    ended = cnn("train", tiny, "--run-dir", "file/run")
    assert ended.code == 2
    assert "cannot write the run" in ended.err and "--run-dir" in ended.err


def test_a_last_batch_of_one_image_does_not_stop_batch_normalisation(cnn: Run, tiny: Path) -> None:
    assert cnn("train", tiny, "--epochs", "1", "--batch-size", "1436").code == 0  # 1437 = 1436 + 1


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "data" / "mnist").is_dir(), reason="MNIST is not here")
def test_lenet5_passes_99_percent_on_mnist_within_five_epochs(
    cnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNN_DATA", str(SHARED / "data"))
    ended = cnn("train", "lenet5", "--data", "mnist", "--epochs", "5", "--run-dir", tmp_path / "run")
    assert ended.code == 0
    assert metrics(tmp_path / "run")[-1]["test_accuracy"] >= 0.99


OPTIONS = [
    ("--flip", "random", "--translate", "1"),
    ("--cutout", "3", "--rotation", "10", "--jitter", "0.2"),
    ("--mixup", "0.2", "--cutmix", "1"),
    ("--ema", "0.9", "--tta", "mirror"),
    ("--lookahead", "5", "--tta", "six"),
    ("--optimizer", "muon", "--lr", "0.05", "--muon-lr", "0.02"),
    ("--optimizer", "rmsprop", "--schedule", "plateau", "--patience", "1"),
    ("--schedule", "multistep", "--milestones", "1,2"),
    ("--label-smoothing", "0.1", "--class-weights", "balanced", "--clip-norm", "1"),
    ("--accumulate", "4", "--no-decay-bias-and-norm", "--weight-decay", "0.01"),
    ("--precision", "bf16"),
    ("--precision", "fp32", "--deterministic"),
    ("--lr-factors", "linear*=0.5", "--freeze", "c1.*"),
]


@pytest.mark.parametrize("more", OPTIONS, ids=lambda options: " ".join(options))
def test_every_part_of_the_recipe_trains_and_is_evaluated_as_it_was(
    cnn: Run, tiny: Path, more: tuple[str, ...]
) -> None:
    ended = cnn("train", tiny, "--epochs", "3", *more, "--run-dir", "run")
    assert ended.code == 0, ended.err
    history = metrics(Path("run"))
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    result = json.loads(cnn("evaluate", "run", "--format", "json").out)
    assert result["accuracy"] == json.loads(Path("run/run.json").read_text())["result"]["test_accuracy"]
    assert result["accuracy"] == history[-1]["test_accuracy"] or "--tta" in more


def test_a_batch_computed_in_parts_is_the_same_step(cnn: Run, write: Callable[..., Path], tmp_path: Path) -> None:
    path = write(TINY.replace("  - batchnorm\n", "").replace("  - dropout: 0.1\n", ""), "plain.yaml")
    for parts in ("1", "3"):
        options = ("--precision", "fp32", "--accumulate", parts, "--epochs", "1", "--optimizer", "sgd")
        assert cnn("train", path, *options, "--run-dir", tmp_path / parts).code == 0
    one, other = (load_file(tmp_path / parts / "weights.safetensors") for parts in ("1", "3"))
    assert all(np.allclose(one[name], other[name], atol=1e-5) for name in one)


FLAT = "input: 1x8x8\nlayers: [flatten, linear: 8, batchnorm, linear: 10]\ntrain: {dataset: digits, epochs: 0.01}\n"


def test_no_part_of_a_batch_is_a_single_image(cnn: Run, write: Callable[..., Path], tmp_path: Path) -> None:
    net = write(FLAT, "flat.yaml")
    ended = cnn("train", net, "--batch-size", "5", "--accumulate", "4", "--run-dir", tmp_path / "run")
    assert ended.code == 0, ended.err


def test_batch_normalisation_of_one_image_is_one_clear_error(
    cnn: Run, write: Callable[..., Path], tmp_path: Path
) -> None:
    ended = cnn("train", write(FLAT, "flat.yaml"), "--batch-size", "1", "--run-dir", tmp_path / "run")
    assert ended.code == 2 and "batch normalization cannot train on a single image" in ended.err


def test_what_has_no_deterministic_way_is_one_clear_error(
    cnn: Run, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: object) -> None:
        raise RuntimeError("max_pool3d_backward does not have a deterministic implementation, but you set 'torch.…'")

    monkeypatch.setattr(loop, "train_step", refused)
    ended = cnn("train", tiny)
    assert ended.code == 2 and "--deterministic: max_pool3d_backward does not have a deterministic" in ended.err


def test_early_stopping_ends_and_keeps_the_best_weights(cnn: Run, tiny: Path) -> None:
    options = ("--epochs", "60", "--lr", "0.05", "--schedule", "constant", "--early-stopping", "3")
    ended = cnn("train", tiny, *options, "--run-dir", "run")
    assert ended.code == 0 and "early stopping: no lower held-out loss since epoch" in ended.err
    history = metrics(Path("run"))
    losses = [line["test_loss"] for line in history]
    best = losses.index(min(losses))
    assert len(losses) == best + 1 + 3 < 60
    record = json.loads(Path("run/run.json").read_text())
    assert record["best"] == {"epoch": best + 1, "loss": losses[best]}
    assert Path("run/best.safetensors").read_bytes() != Path("run/weights.safetensors").read_bytes()


def test_a_training_starts_from_another_run_and_says_what_did_not_match(cnn: Run, tiny: Path) -> None:
    assert cnn("train", tiny, "--epochs", "2", "--run-dir", "first").code == 0
    ended = cnn("train", tiny, "--epochs", "1", "--lr", "1e-9", "--init", "first", "--run-dir", "second")
    assert ended.code == 0 and "9 of 9 tensors from first" in ended.err
    first, second = (load_file(Path(name, "weights.safetensors")) for name in ("first", "second"))
    assert np.allclose(first["c1.weight"], second["c1.weight"], atol=1e-5)
    Path("other.yaml").write_text(TINY.replace("filters: $width", "filters: 6"))
    differing = "c1.weight (4x1x3x3 in the file, 6x1x3x3 in the network)"
    other = ("train", "other.yaml", "--epochs", "1", "--init", "first/weights.safetensors", "--run-dir", "third")
    ended = cnn(*other)
    assert ended.code == 2 and differing in ended.err and "--partial" in ended.err and not Path("third").exists()
    ended = cnn(*other, "--partial")
    assert ended.code == 0 and f"not matched, newly initialized: {differing}" in ended.err
    assert cnn("train", "--from", "third", "--run-dir", "fourth").code == 0  # the recipe has it
    assert "use it with --init" in cnn("train", tiny, "--partial").err
    for start, said in (("nowhere", "no such file or run"), ("other.yaml", "the file cannot be read")):
        ended = cnn("train", tiny, "--init", start)
        assert ended.code == 2 and said in ended.err


def test_whitening_freezes_the_first_convolution(cnn: Run, write: Callable[..., Path], tmp_path: Path) -> None:
    path = write(TINY.replace("filters: $width, kernel: 3", "filters: 18, kernel: 3"), "white.yaml")
    assert cnn("train", path, "--whiten", "--epochs", "2", "--run-dir", tmp_path / "run").code == 0
    weight = load_file(tmp_path / "run" / "weights.safetensors")["c1.weight"]
    assert np.array_equal(weight[9:], -weight[:9])
    ended = cnn("train", write(TINY, "tiny.yaml"), "--whiten")
    assert ended.code == 2 and "use 2 C k k = 18 filters" in ended.err


def test_progressive_sizes_train_networks_that_take_any(cnn: Run, tiny: Path, write: Callable[..., Path]) -> None:
    any_size = "input: 1x8x8\nlayers: [conv: {filters: 8, kernel: 3, padding: 1}, relu, global_avgpool, linear: 10]\n"
    path = write(any_size, "any.yaml")
    ended = cnn("train", path, "--data", "digits", "--sizes", "4,6,8", "--epochs", "3", "--run-dir", "sized")
    assert ended.code == 0, ended.err
    ended = cnn("train", tiny, "--sizes", "4,8")
    assert ended.code == 2 and "sizes" in ended.err and "Traceback" not in ended.err


def test_a_dry_run_says_what_it_will_take_and_writes_nothing(cnn: Run, tiny: Path) -> None:
    ended = cnn("train", tiny, "--dry-run")
    assert ended.code == 0 and not Path("runs").exists()
    for line in ("step of 64 images:", "estimated duration of 2 epochs: 0:0", "KiB calculated", "nothing was written"):
        assert line in ended.out


@pytest.mark.parametrize("trial", ["--dry-run", "--find-lr"])
def test_what_is_only_tried_is_tried_in_one_process_and_leaves_nothing(cnn: Run, tiny: Path, trial: str) -> None:
    ended = cnn("train", tiny, trial, "--nproc", "2")
    assert ended.code == 2 and f"--nproc has no effect with {trial}" in ended.err and not Path("runs").exists()


def test_a_learning_rate_is_found_that_trains(cnn: Run, tiny: Path) -> None:
    ended = cnn("train", tiny, "--find-lr", "--optimizer", "sgd")
    assert ended.code == 0 and not Path("runs").exists()
    rate = float(ended.out.rpartition("try --lr ")[2].split(",")[0])
    assert 1e-4 < rate < 1
    assert cnn("train", tiny, "--optimizer", "sgd", "--lr", rate, "--epochs", "5", "--run-dir", "run").code == 0
    assert metrics(Path("run"))[-1]["test_accuracy"] > 0.6


def test_weights_that_give_no_numbers_have_no_learning_rate(cnn: Run, tiny: Path) -> None:
    cnn("train", tiny, "--run-dir", "run")
    kept = load_file("run/weights.safetensors")
    spoiled = {name: np.full_like(value, 3e38) if name.endswith("weight") else value for name, value in kept.items()}
    save_file(spoiled, "large.safetensors")
    ended = cnn("train", tiny, "--find-lr", "--init", "large.safetensors")
    assert ended.code == 2 and "the loss is NaN or infinite at the lowest learning rate" in ended.err


def test_scores_of_classes_are_those_of_the_confusion(cnn: Run, tiny: Path) -> None:
    assert cnn("train", tiny, "--run-dir", "run").code == 0
    result = json.loads(cnn("evaluate", "run", "--format", "json").out)
    confusion = np.array(result["confusion"])
    right = confusion.diagonal()
    precision, recall = right / np.maximum(1, confusion.sum(0)), right / np.maximum(1, confusion.sum(1))
    for number, scores in enumerate(result["classes"]):
        assert scores["class"] == str(number)
        assert scores["precision"] == pytest.approx(precision[number])
        assert scores["recall"] == pytest.approx(recall[number])
        mean = 2 * precision[number] * recall[number] / max(1e-9, precision[number] + recall[number])
        assert scores["f1"] == pytest.approx(mean)
    assert result["accuracy"] < result["top_5"] <= 1


def test_tensorboard_gets_every_epoch(cnn: Run, tiny: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert cnn("train", tiny, "--tensorboard", "--run-dir", "run").code == 0
    events = accumulator.EventAccumulator("run/events").Reload()
    assert [event.step for event in events.Scalars("train_loss")] == [1, 2]


def test_without_tensorboard_it_says_how_to_get_it(cnn: Run, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    ended = cnn("train", tiny, "--tensorboard")
    assert ended.code == 2 and "pip install tensorboard" in ended.err


def test_numbers_next_to_zero_are_zero_while_it_trains_and_no_longer(
    cnn: Run, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CPU needs up to a hundred times as long for them, and dead weights leave them in the optimizer."""
    import torch

    from cnncli.executor.runs import running

    smallest = torch.tensor([1e-40])
    real, seen = running.train, []

    def train(*arguments: object) -> None:
        seen.append(float(smallest * 1))
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(running, "train", train)
    assert cnn("train", tiny, "--run-dir", "run", "--device", "cpu").code == 0
    assert seen == [0.0] and float(smallest * 1) > 0
