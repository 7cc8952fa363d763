from __future__ import annotations

import numpy as np

from cnncli.data import load_dataset


def test_the_digits_are_there_without_a_download() -> None:
    digits = load_dataset("digits", (1, 28, 28))
    assert digits.name == "digits"
    assert digits.train.images.shape == (1437, 1, 8, 8)
    assert digits.test.images.shape == (360, 1, 8, 8)
    assert digits.classes == tuple("0123456789")
    assert digits.notes == ()
    for split in (digits.train, digits.test):
        assert (split.images.dtype, split.labels.dtype) == (np.uint8, np.int64)
        assert set(split.labels.tolist()) == set(range(10))


def test_pixels_of_0_to_16_become_0_to_255() -> None:
    images = load_dataset("digits", (1, 8, 8)).train.images
    assert images[0, 0, 0].tolist() == [0, 0, 80, 207, 143, 16, 0, 0]  # the file's 0,0,5,13,9,1,0,0
    assert set(np.unique(images).tolist()) == {round(value * 255 / 16) for value in range(17)}


def test_every_image_is_used_once() -> None:
    digits = load_dataset("digits", (1, 8, 8))
    counts = np.bincount(np.concatenate((digits.train.labels, digits.test.labels)))
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # as UCI states them
