"""Images that stay on disk: the same batches as from memory, whoever reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cnncli.errors import CnnError
from cnncli.executor import streaming
from cnncli.executor.batches import Images, evaluation_batches, split_off, training_batches
from cnncli.executor.streaming import FILES_AT_ONCE, Streamed, streamed


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
            assert torch.equal(a.indices, b.indices) and (a.size, a.counts) == (b.size, b.counts)
    for part, same in zip(split_off(one, 0.2, 1), split_off(other, 0.2, 1), strict=True):
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
        assert len(set(file_of[places[0] : places[-1] + 1])) <= FILES_AT_ONCE


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
    assert on_disk(200).sample(5)[:, 0, 0, 0].tolist() == [0, 50, 100, 149, 199]
    assert len(on_disk(200).sample(10_000)) == 200
