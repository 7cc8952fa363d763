"""Images that stay on disk: the same batches as from memory, whoever reads them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from program import Run
from stopped import check_stopped_is_never_stopped

from cnncli.data import load_dataset
from cnncli.errors import CnnError
from cnncli.executor.feeding import streaming
from cnncli.executor.feeding.batches import evaluation_batches, training_batches
from cnncli.executor.feeding.device_images import Images, random_split
from cnncli.executor.feeding.seeded_draws import evenly_spaced
from cnncli.executor.feeding.streaming import SHUFFLED_FILES, Streamed, streamed


@dataclass(frozen=True)
class Numbered:
    """Images whose pixels are their number; one of them may be damaged."""

    count: int
    pieces: tuple[int, ...] = ()
    damaged: int = -1

    @property
    def shape(self) -> tuple[int, ...]:
        return self.count, 1, 2, 3

    def read(self, indices: Sequence[int]) -> NDArray[np.uint8]:
        if self.damaged in indices:
            raise CnnError("image 7 cannot be read", "replace or remove it")
        return np.tile(np.array(indices, np.uint8)[:, None, None, None], (1, 1, 2, 3))

    def identity(self) -> str:
        return str(self)


def on_disk(count: int, loaders: int = 0, pieces: tuple[int, ...] = (), damaged: int = -1) -> Streamed:
    return streamed(Numbered(count, pieces, damaged), torch.arange(count) % 7, loaders)


def in_memory(count: int) -> Images:
    return Images(torch.from_numpy(Numbered(count).read(range(count))), torch.arange(count) % 7)


@pytest.mark.parametrize("loaders", [0, 1, 2])
@pytest.mark.parametrize("shared", [True, False])
def test_batches_are_those_of_memory(loaders: int, shared: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_is_memory_shared", lambda: shared)
    one, other = in_memory(100), on_disk(100, loaders)
    for first in (0, 3):
        pairs = zip(training_batches(one, 16, 5, 2, first), training_batches(other, 16, 5, 2, first), strict=True)
        for a, b in pairs:
            assert torch.equal(a.images.pixels, b.images.pixels) and torch.equal(a.images.labels, b.images.labels)
            assert torch.equal(a.indices, b.indices) and (a.size, a.counted) == (b.size, b.counted)
    for part, same in zip(random_split(one, 0.2, 1), random_split(other, 0.2, 1), strict=True):
        for c, d in zip(evaluation_batches(part), evaluation_batches(same), strict=True):
            assert torch.equal(c.pixels, d.pixels) and torch.equal(c.labels, d.labels)


@settings(max_examples=50, deadline=None)
@given(pieces=st.lists(st.integers(1, 9), min_size=2, max_size=60), seed=st.integers(0, 99), epoch=st.integers(1, 9))
def test_an_epoch_has_every_image_once_and_some_files_at_a_time(pieces: list[int], seed: int, epoch: int) -> None:
    images = on_disk(sum(pieces), pieces=tuple(pieces))
    order = images.order(seed, epoch)
    assert torch.equal(order, images.order(seed, epoch))
    assert sorted(order.tolist()) == [*range(sum(pieces))]
    file_of = np.repeat(np.arange(len(pieces)), pieces)[order.numpy()]
    for number in range(len(pieces)):  # between the first and the last image of a file there are those of few others
        (places,) = np.nonzero(file_of == number)
        assert len(set(file_of[places[0] : places[-1] + 1])) <= SHUFFLED_FILES


def test_epochs_differ() -> None:
    images = on_disk(60, pieces=(20, 20, 20))
    assert not torch.equal(images.order(0, 1), images.order(0, 2))
    assert not torch.equal(images.order(0, 1), images.order(1, 1))


@pytest.mark.parametrize("loaders", [0, 2])
def test_what_cannot_be_read_is_one_error_without_a_traceback(loaders: int) -> None:
    with pytest.raises(CnnError) as caught:
        [*training_batches(on_disk(50, loaders, damaged=7), 8, 0, 1)]
    assert str(caught.value) == "image 7 cannot be read\n  replace or remove it"


def test_a_sample_is_from_all_over() -> None:
    pixels = torch.arange(200, dtype=torch.uint8).view(-1, 1, 1, 1)
    for images in (on_disk(200), Images(pixels, torch.zeros(200, dtype=torch.int64))):
        assert images.sample(5)[:, 0, 0, 0].tolist() == [0, 49, 99, 149, 199]
        assert images.sample(10_000)[:, 0, 0, 0].tolist() == list(range(200))
    assert evenly_spaced(2, 3_000_000_000).tolist() == [0, 2_999_999_999]


# From the command line --------------------------------------------------------------------------------------------

NET = """
input: 1x8x8
layers: [conv: {filters: 4, kernel: 3}, batchnorm, relu, flatten, dropout: 0.2, linear: 10]
train: {epochs: 3, batch_size: 10, flip: random, translate: 1}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Digits as files, a folder for each class."""
    monkeypatch.chdir(tmp_path)
    digits = load_dataset("digits", (1, 8, 8)).train
    assert isinstance(digits.images, np.ndarray)
    for number in range(300):
        place = tmp_path / "digits" / str(digits.labels[number])
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits.images[number, 0]).save(place / f"{number:03d}.png")
    return tmp_path / "digits"


def test_images_that_stay_on_disk_train_the_very_same_weights(
    cnn: Run, write: Callable[..., Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from memory; and stopped three times, in the middle of epochs, and resumed."""
    net = write(NET)
    assert cnn("train", net, "--data", f"images:{folder}", "--run-dir", "memory").code == 0
    check_stopped_is_never_stopped(cnn, monkeypatch, net, "--data", f"images:{folder}", "--stream")
    for run in ("whole", "run"):
        assert Path(run, "best.safetensors").is_file()
        assert Path(run, "weights.safetensors").read_bytes() == Path("memory/weights.safetensors").read_bytes()
    assert cnn("evaluate", "run").out == cnn("evaluate", "memory").out


def test_shards_are_trained_from_and_resumed(
    cnn: Run, write: Callable[..., Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = sorted(folder.glob("*/*.png"), key=lambda path: path.name)
    for shard in range(5):
        with tarfile.open(folder.parent / f"train-{shard}.tar", "w") as tar:
            for path in files[shard::5]:
                tar.add(path, f"{path.stem}.png")
                member = tarfile.TarInfo(f"{path.stem}.cls")
                member.size = 1
                tar.addfile(member, io.BytesIO(path.parent.name.encode()))
    data = f"wds:{folder.parent}/train-{{0..4}}.tar"
    check_stopped_is_never_stopped(cnn, monkeypatch, write(NET), "--data", data)
    assert json.loads(cnn("evaluate", "run", "--format", "json").out)["examples"] > 40


def test_a_file_that_breaks_while_training_is_told_and_the_run_can_go_on(
    cnn: Run, write: Callable[..., Path], folder: Path
) -> None:
    broken = next(folder.glob("3/*.png"))
    good = broken.read_bytes()
    broken.write_bytes(good[: len(good) // 2])
    ended = cnn("train", write(NET), "--data", f"images:{folder}", "--stream", "--run-dir", "run")
    assert ended.code == 2 and f"3/{broken.name} cannot be read" in ended.err and "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--data", "digits", "--stream"), "digits is always read into memory"),
        (("--data", "images:digits", "--stream", "--task", "segmentation"), "segmentation needs a feature map"),
    ],
)
def test_what_cannot_be_streamed_is_said(
    cnn: Run, write: Callable[..., Path], folder: Path, options: tuple[str, ...], said: str
) -> None:
    ended = cnn("train", write(NET), *options)
    assert ended.code == 2 and said in ended.err
