"""Augmentation: laws of what may happen to an image, and that every draw depends on (seed, step) alone."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from cnncli.executor.feeding import augmentation
from cnncli.executor.feeding.augmentation import (
    color_jitter,
    cutout,
    flip_and_shift,
    mix,
    rotate,
    shift_and_flip,
    size_at,
    tta_views,
)
from cnncli.executor.feeding.batches import Batch
from cnncli.executor.feeding.device_images import Images
from cnncli.recipe import Recipe

SHAPES = [(5, 3, 8, 10), (4, 1, 7), (3, 2, 4, 5, 6)]


def pixels(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def of(x: Tensor, indices: Tensor) -> Batch:
    return Batch(Images(x, torch.zeros(len(x), dtype=torch.long)), indices, len(x), True)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_move_and_no_flip_is_the_identity(shape: tuple[int, ...]) -> None:
    x = pixels(shape)
    assert torch.equal(
        shift_and_flip(x, torch.zeros(len(x), dtype=torch.bool), torch.zeros(len(x), len(shape) - 2, dtype=torch.long)),
        x,
    )
    assert torch.equal(shift_and_flip(x, None, None), x)


@pytest.mark.parametrize("shape", SHAPES)
def test_flipping_twice_is_the_identity_and_once_is_torch_s_flip(shape: tuple[int, ...]) -> None:
    x, every = pixels(shape), torch.ones(shape[0], dtype=torch.bool)
    assert torch.equal(shift_and_flip(shift_and_flip(x, every, None), every, None), x)
    assert torch.equal(shift_and_flip(x, every, None), x.flip(-1))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), most=st.integers(1, 4))
def test_a_move_is_a_crop_of_the_image_padded_by_reflection(seed: int, most: int) -> None:
    x = pixels((6, 2, 9, 8), seed)
    shifts = torch.randint(-most, most + 1, (6, 2), generator=torch.Generator().manual_seed(seed))
    padded = torch.nn.functional.pad(x.float(), (most,) * 4, mode="reflect")
    for image, big, (down, right) in zip(shift_and_flip(x, None, shifts), padded, shifts.tolist(), strict=True):
        top, left = most + down, most + right
        assert torch.equal(image.float(), big[:, top : top + 9, left : left + 8])


def test_alternating_flips_mirror_each_image_in_every_other_epoch() -> None:
    recipe, indices = Recipe(flip="alternating", seed=3), torch.randperm(50)
    batch = of(torch.zeros(50, 1, 2, 2), indices)
    flips = [augmentation._flips(batch, 50, recipe, epoch, step) for epoch, step in ((1, 9), (2, 40), (3, 2))]
    assert torch.equal(flips[0], ~flips[1]) and torch.equal(flips[0], flips[2])
    assert 5 < int(flips[0].sum()) < 45


ALL = Recipe(flip="random", translate=2, cutout=4, rotation=15, jitter=0.3, mixup=0.4, cutmix=1.0, seed=5)


def augmented(step: int) -> Tensor:
    x = pixels((8, 3, 12, 12))
    x = color_jitter(flip_and_shift(x, of(x, torch.arange(8)), 8, ALL, 1, step), 8, ALL, step)
    return mix(cutout(rotate(x.float(), 8, ALL, step), 8, ALL, step), torch.arange(8), ALL, step).images


def test_a_step_draws_the_same_whatever_was_drawn_before() -> None:
    once = augmented(7)
    torch.manual_seed(99)
    augmented(3)
    assert torch.equal(augmented(7), once) and not torch.equal(augmented(8), once)


def test_rotation_by_nothing_and_jitter_of_nothing_change_nothing() -> None:
    x = torch.rand(4, 3, 9, 7)
    assert torch.allclose(augmentation.rotate(x, 4, Recipe(rotation=1e-9), 0), x, atol=1e-4)
    assert torch.allclose(augmentation._jittered(255 * x, 4, 0.0, 0, 0), 255 * x, atol=1e-3)


def test_rotation_keeps_what_is_round() -> None:
    y, x = torch.meshgrid(torch.arange(21) - 10.0, torch.arange(21) - 10.0, indexing="ij")
    disc = (x**2 + y**2 < 40).float()[None, None].expand(6, 1, 21, 21)
    assert (augmentation.rotate(disc, 6, Recipe(rotation=90, seed=1), 1) - disc).abs().mean() < 0.05


def test_cutout_blanks_at_most_a_square() -> None:
    x = torch.ones(64, 2, 16, 16)
    blank = (augmentation.cutout(x, 64, Recipe(cutout=5), 0) == 0).sum((2, 3))
    assert int(blank.max()) == 25 and int(blank.min()) > 0 and torch.equal(blank[:, 0], blank[:, 1])


@settings(max_examples=40, deadline=None)
@given(step=st.integers(0, 10**6), alphas=st.sampled_from([(0.4, 0.0), (0.0, 1.0), (0.2, 1.0)]))
def test_mixed_images_are_made_of_two_in_the_shares_that_are_said(step: int, alphas: tuple[float, float]) -> None:
    recipe = Recipe(mixup=alphas[0], cutmix=alphas[1])
    x = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 1, 10, 12)
    shown = mix(x, torch.arange(6), recipe, step)
    assert 0 <= shown.weight <= 1
    means = shown.weight * shown.first + (1 - shown.weight) * shown.second
    assert torch.allclose(shown.images.mean((1, 2, 3)), means.float(), atol=1e-4)


def test_the_views_of_evaluation_are_weighed_to_one() -> None:
    x = torch.rand(2, 3, 8, 8)
    for kind, count in (("none", 1), ("mirror", 2), ("six", 6)):
        found = tta_views(x, kind)
        assert len(found) == count and sum(view.weight for view in found) == 1
        assert all(view.images.shape == x.shape for view in found) and torch.equal(found[0].images, x)


def test_a_map_of_a_changed_view_is_changed_back() -> None:
    x = torch.rand(2, 3, 8, 6, dtype=torch.float64)
    for view in tta_views(x, "six"):
        back = view.transformed_back(view.images[:, :, 1:-1, 1:-1])  # of a network that returns the center
        assert torch.allclose(back[:, :, 1:-1, 1:-1], view.weight * x[:, :, 2:-2, 2:-2])
        vector = view.images.mean((2, 3))
        assert torch.equal(view.transformed_back(vector), vector * view.weight)


def test_jitter_keeps_bytes_in_their_range_and_leaves_numbers_their_sign() -> None:
    recipe = Recipe(jitter=0.5)
    numbers = torch.linspace(-3, 3, 2 * 64).reshape(2, 1, 8, 8)
    assert (color_jitter(numbers, 2, recipe, 0) < -1).any()
    pixels = torch.full((2, 1, 8, 8), 250, dtype=torch.uint8)
    assert all(0 <= color_jitter(pixels, 2, recipe, step).max() <= 255 for step in range(9))


def test_sizes_go_from_the_first_epochs_to_the_last() -> None:
    recipe = Recipe(sizes=(16, 20, 24), epochs=7)
    assert [size_at(recipe, epoch) for epoch in range(1, 9)] == [16, 16, 16, 20, 20, 24, 24, 24]
