"""What augmentation draws covers all that the recipe allows, evenly; views at evaluation are the named ones."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from cnncli.executor.feeding import augmentation
from cnncli.executor.feeding.augmentation import View, color_jitter, cutout, mix, rotate, tta_views
from cnncli.executor.feeding.batches import Batch
from cnncli.executor.feeding.device_images import Images
from cnncli.recipe import Recipe

some = settings(max_examples=15, deadline=None, derandomize=True)
MANY = 3000


def batch_of(count: int) -> Batch:
    return Batch(Images(torch.zeros(count, 1), torch.zeros(count)), torch.arange(count), count, True)


@some
@given(most=st.integers(1, 6), axes=st.integers(1, 3), seed=st.integers(0, 10**6), step=st.integers(0, 10**6))
def test_shifts_cover_every_distance_up_to_the_most_and_are_0_on_average(
    most: int, axes: int, seed: int, step: int
) -> None:
    shifts = augmentation._shifts(MANY, axes, Recipe(translate=most, seed=seed), step)
    assert shifts is not None and shifts.shape == (MANY, axes)
    for axis in shifts.unbind(1):
        counts = torch.bincount(axis + most)
        assert len(counts) == 2 * most + 1
        expected = MANY / (2 * most + 1)
        assert (counts - expected).abs().max() < 6 * math.sqrt(expected)
        assert abs(float(axis.float().mean())) < 6 * most / math.sqrt(MANY)
    assert axes == 1 or not torch.equal(shifts[:, 0], shifts[:, 1])


def angles_of(images: Tensor, size: int, recipe: Recipe, step: int) -> Tensor:
    """The angle in degrees by which each image was turned, from where a far point of a horizontal ramp comes from."""
    side = images.shape[-1]
    ramps = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")) - (side - 1) / 2
    found = rotate(ramps.double().expand(size, 2, side, side), size, recipe, step)
    middle, beside = (side - 1) // 2, (side - 1) // 2 + 1
    down, right = (found[:, axis, middle, beside] - found[:, axis, middle, middle] for axis in (0, 1))
    return torch.rad2deg(torch.atan2(down, right))


@some
@given(most=st.sampled_from([5.0, 15.0, 30.0]), seed=st.integers(0, 10**6))
def test_angles_cover_all_up_to_the_most_and_are_0_on_average(most: float, seed: int) -> None:
    angles = angles_of(torch.zeros(1, 1, 9, 9), MANY, Recipe(rotation=most, seed=seed), 3)
    assert float(angles.abs().max()) <= most + 1e-6
    assert float(angles.max()) > 0.98 * most and float(angles.min()) < -0.98 * most
    assert abs(float(angles.mean())) < 0.06 * most
    assert float(angles.std()) == pytest.approx(2 * most / math.sqrt(12), rel=0.06)  # of an even spread


def test_a_turned_image_that_is_not_square_is_turned_by_pixels() -> None:
    """A bar across the middle of a wide image is as long and as thick after a quarter turn."""
    image = torch.zeros(1, 1, 21, 41)
    image[..., 10, 14:27] = 1
    recipe = Recipe(rotation=90.0)
    for step in range(60):
        found = rotate(image, 1, recipe, step)[0, 0, :, 13:28]  # beside it the border is reflected
        assert float(found.sum()) == pytest.approx(13, rel=0.12)
        assert float(found[10, 7]) > 0.9


@some
@given(strength=st.sampled_from([0.1, 0.4]), seed=st.integers(0, 10**6))
def test_brightness_covers_its_factors_evenly(strength: float, seed: int) -> None:
    """On an image of one grey value contrast and saturation change nothing."""
    grey = torch.ones(MANY, 1, 2, 2)
    factors = color_jitter(grey, MANY, Recipe(jitter=strength, seed=seed), 0)[:, 0, 0, 0]
    assert 1 - strength <= float(factors.min()) < 1 - 0.98 * strength
    assert 1 + 0.98 * strength < float(factors.max()) <= 1 + strength + 1e-6
    assert float(factors.mean()) == pytest.approx(1, abs=0.06 * strength)


def test_contrast_keeps_the_mean_and_saturation_the_grey_value() -> None:
    torch.manual_seed(0)
    grey, colour = torch.rand(400, 1, 4, 4), torch.rand(400, 3, 4, 4)
    recipe = Recipe(jitter=0.3)
    found = color_jitter(grey, 400, recipe, 1)
    spread = found.std((1, 2, 3)) / found.mean((1, 2, 3)) * grey.mean((1, 2, 3)) / grey.std((1, 2, 3))
    assert float(spread.min()) == pytest.approx(0.7, abs=0.02) and float(spread.max()) == pytest.approx(1.3, abs=0.02)
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    found = color_jitter(colour, 400, recipe, 1)
    chroma, before = ((x - (x * weights).sum(1, keepdim=True)).abs().mean((1, 2, 3)) for x in (found, colour))
    means = (found * weights).sum(1).mean((1, 2)) / (colour * weights).sum(1).mean((1, 2))
    factors = chroma / before / means  # of contrast and saturation together
    assert 0.49 <= float(factors.min()) < 0.6 and 1.5 < float(factors.max()) <= 1.69


def test_random_flips_mirror_half_of_the_images_and_others_in_each_step() -> None:
    recipe = Recipe(flip="random")
    draws = [augmentation._flips(batch_of(MANY), MANY, recipe, 1, step) for step in (0, 1)]
    for flips in draws:
        assert flips is not None and abs(float(flips.float().mean()) - 0.5) < 0.05
    assert draws[0] is not None and draws[1] is not None and not torch.equal(draws[0], draws[1])


@pytest.mark.parametrize("side", [1, 2, 5])
def test_cutout_is_a_square_around_places_drawn_all_over_the_image(side: int) -> None:
    height, width = 12, 9
    blank = cutout(torch.ones(MANY, 1, height, width), MANY, Recipe(cutout=side), 0)[:, 0] == 0
    rows, columns = blank.any(2), blank.any(1)
    assert torch.equal(blank, rows[:, :, None] & columns[:, None, :])
    for marks, size in ((rows, height), (columns, width)):
        lengths = marks.sum(1)
        assert int(lengths.max()) == side and int(lengths.min()) == (side + 1) // 2
        first = marks.int().argmax(1)
        assert torch.equal(marks.int().flip(1).argmax(1), size - first - lengths)  # without a gap
        # where a square lies whole, it starts at its place less half of it; all places occur
        whole = lengths == side
        assert {*first[whole].tolist()} == {*range(size - side + 1)}
        ends = (first + lengths)[lengths < side]
        assert all(end in (size, *range(side)) for end in ends.tolist())


@pytest.mark.parametrize(("mixup", "cutmix"), [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_weights_of_mixed_images_cover_0_to_1_evenly_with_an_alpha_of_1(mixup: float, cutmix: float) -> None:
    images = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 1, 20, 20)
    labels, recipe = torch.arange(4), Recipe(mixup=mixup, cutmix=cutmix)
    found = [mix(images, labels, recipe, step) for step in range(400)]
    found = [each for each in found if (each.first != each.second).any()]  # some images are mixed with themselves
    weights = torch.tensor([each.weight for each in found])
    assert float(weights.min()) < 0.05 and float(weights.max()) > 0.95
    assert float(weights.mean()) == pytest.approx(0.5, abs=0.06)
    pasted = [each for each in found if not each.images.frac().any()]
    whole = len(pasted) / len(found)
    assert whole == 0 if not cutmix else whole == 1 if not mixup else 0.4 < whole < 0.6
    for each in pasted:  # the rectangle is as high as it is wide, and anywhere
        other = each.images[each.first != each.second]
        if len(other):
            changed = other[0, 0] != each.first[each.first != each.second][0]
            assert changed.any(1).sum() == changed.any(0).sum()
            assert int(changed.sum()) == int(changed.any(1).sum()) ** 2
    places = torch.cat([(each.images != images).any(0)[0].nonzero() for each in pasted] or [torch.zeros(0, 2)])
    assert not cutmix or {*places.flatten().tolist()} == {*range(20)}


def test_masks_are_pasted_with_their_images() -> None:
    images = torch.rand(3, 2, 8, 8)
    masks = (10 * images[:, 0]).long()
    for step in range(20):
        found = mix(images, masks, Recipe(cutmix=1.0), step)
        assert torch.equal(found.first, (10 * found.images[:, 0]).long()) and found.weight == 1.0


def named_views(x: Tensor, kind: str) -> list[Tensor]:
    """What Jordan 2024 averages: the image and its mirror image, each also moved by a pixel to two corners."""
    if kind == "none":
        return [x]
    found = [x, x.flip(-1)]
    if kind == "six":
        for image in (x, x.flip(-1)):
            padded = torch.nn.functional.pad(image, (1, 1, 1, 1), "reflect")
            found += [padded[..., :-2, :-2], padded[..., 2:, 2:]]
    return found


@pytest.mark.parametrize(("kind", "weights"), [("none", [1]), ("mirror", [0.5] * 2), ("six", [0.25] * 2 + [0.125] * 4)])
def test_the_views_of_evaluation_are_the_named_ones(kind: str, weights: list[float]) -> None:
    x = torch.rand(2, 3, 6, 7)
    found: list[View] = tta_views(x, kind)
    assert [view.weight for view in found] == weights
    for view, wanted in zip(found, named_views(x, kind), strict=True):
        assert torch.equal(view.images, wanted)


def test_a_vector_has_one_view() -> None:
    x = torch.rand(2, 5)
    (view,) = tta_views(x, "six")
    assert torch.equal(view.images, x) and view.weight == 1.0
