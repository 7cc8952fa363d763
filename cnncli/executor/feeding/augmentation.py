"""Augmentation of whole batches, on their device.

Every draw is a function of (seed, epoch or step, purpose), made on the CPU: every device, and a resumed run, gets the
same images. Draws are made for the whole batch, and each worker uses those of its shard. Nothing waits for the device:
no branch depends on a value on it.
"""

from __future__ import annotations

import math
import random
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from cnncli.executor.feeding.batches import Batch
from cnncli.executor.feeding.device_images import to_device
from cnncli.executor.feeding.preprocessing import channels_last, gray_weights
from cnncli.executor.feeding.seeded_draws import generator, mixed_seed
from cnncli.executor.runtime.distributed import shard
from cnncli.recipe import Recipe


def augments(recipe: Recipe) -> bool:
    """Whether the recipe augments images."""
    return recipe.flip != "none" or any((recipe.translate, recipe.cutout, recipe.rotation, recipe.jitter))


# Pixels, before they become the network's input -------------------------------------------------------------------


def flip_and_shift(pixels: Tensor, batch: Batch, count: int, recipe: Recipe, epoch: int, step: int) -> Tensor:
    """Flip and shift a batch (N, C, *sizes), or its masks, of a dataset of ``count`` images."""
    if recipe.flip == "none" and not recipe.translate:
        return pixels
    flips = _flips(batch, count, recipe, epoch, step)
    return shift_and_flip(pixels, flips, _shifts(batch.size, pixels.dim() - 2, recipe, step))


def color_jitter(pixels: Tensor, size: int, recipe: Recipe, step: int) -> Tensor:
    """Change the colors of pixels (N, C, *sizes), uint8 or float, of a batch of ``size``."""
    return _jittered(pixels, size, recipe.jitter, recipe.seed, step) if recipe.jitter else pixels


def _flips(batch: Batch, count: int, recipe: Recipe, epoch: int, step: int) -> Tensor | None:
    """Which images of a batch are flipped, (N,) of bool.

    Alternating: each image in every other epoch, so that no two successive epochs have the same version (Jordan 2024).
    """
    if recipe.flip == "none":
        return None
    if recipe.flip == "random":
        return shard(torch.rand(batch.size, generator=generator(recipe.seed, step, "flip"))) < 0.5
    return (_first_flips(count, recipe.seed)[batch.indices] + epoch) % 2 == 1


@lru_cache(maxsize=4)
def _first_flips(count: int, seed: int) -> Tensor:
    return torch.randint(2, (count,), generator=generator(seed, 0, "flip"))


def _shifts(size: int, axes: int, recipe: Recipe, step: int) -> Tensor | None:
    """By how many pixels each image is shifted along each axis, (N, axes)."""
    if not recipe.translate:
        return None
    limit = recipe.translate
    return shard(torch.randint(-limit, limit + 1, (size, axes), generator=generator(recipe.seed, step, "translate")))


def shift_and_flip(pixels: Tensor, flips: Tensor | None, shifts: Tensor | None) -> Tensor:
    """Images (N, C, *sizes) shifted by ``shifts`` (N, axes), with reflected borders, and flipped in the last axis.

    The source index of each pixel is computed for both at once, so that one gather is enough. Shifts must be smaller
    than the sizes; this is not checked.
    """
    device, sizes = pixels.device, pixels.shape[2:]
    index: list[Tensor] = [
        _along(torch.arange(n, device=device), at, len(sizes) + 2) for at, n in enumerate(pixels.shape[:2])
    ]
    flips, shifts = (None if each is None else to_device(each, device) for each in (flips, shifts))
    for axis, size in enumerate(sizes):
        places = torch.arange(size, device=device).expand(len(pixels), size)
        if shifts is not None:
            places = places + shifts[:, axis, None]
            places = (size - 1) - ((size - 1) - places.abs()).abs()
        if flips is not None and axis == len(sizes) - 1:
            places = torch.where(flips[:, None], size - 1 - places, places)
        index.append(places.reshape(len(pixels), *(1,) * (axis + 1), size, *(1,) * (len(sizes) - 1 - axis)))
    return pixels[tuple(index)]


def _along(values: Tensor, axis: int, rank: int) -> Tensor:
    return values.view([-1 if at == axis else 1 for at in range(rank)])


def _jittered(pixels: Tensor, size: int, strength: float, seed: int, step: int) -> Tensor:
    """Brightness, contrast and (of three channels) saturation by factors from 1 - strength to 1 + strength.

    Bytes are clamped to 0 … 255; other numbers have no such bounds.
    """
    draws = shard(torch.rand(size, 3, generator=generator(seed, step, "jitter")))
    factors = to_device(1 + strength * (2 * draws - 1), pixels.device)
    brightness, contrast, saturation = (f.view(-1, *(1,) * (pixels.dim() - 1)) for f in factors.unbind(1))
    images: Tensor = pixels.float() * brightness
    mean = images.mean(dim=tuple(range(1, images.dim())), keepdim=True)
    images = mean + (images - mean) * contrast
    if images.shape[1] == 3:
        gray = (images * gray_weights(images)).sum(1, keepdim=True)
        images = gray + (images - gray) * saturation
    return images if pixels.is_floating_point() else images.clamp(0, 255)


# The network's input ----------------------------------------------------------------------------------------------


def rotate(images: Tensor, size: int, recipe: Recipe, step: int, mode: str = "bilinear") -> Tensor:
    """Rotate images (N, C, H, W) of a batch of ``size``, or, with ``mode`` nearest, their masks."""
    if images.dim() != 4 or not recipe.rotation:
        return images
    draws = shard(torch.rand(size, generator=generator(recipe.seed, step, "rotation")))
    angles = (2 * draws - 1) * math.radians(recipe.rotation)
    cos, sin, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
    ratio = images.shape[2] / images.shape[3]  # the grid is in fractions of the sides, the rotation in pixels
    rows = torch.stack((torch.stack((cos, -sin * ratio, zero), 1), torch.stack((sin / ratio, cos, zero), 1)), 1)
    rows = to_device(rows.to(images.dtype), images.device)
    grid = functional.affine_grid(rows, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, mode=mode, padding_mode="reflection", align_corners=False)


def cutout(images: Tensor, size: int, recipe: Recipe, step: int) -> Tensor:
    """Blank a square in each normalized image (N, C, H, W), whose mean is 0, of a batch of ``size``.

    Its center is drawn from all pixels, so that it may extend beyond the border.
    """
    if images.dim() != 4 or not recipe.cutout:
        return images
    side, (height, width) = recipe.cutout, images.shape[2:]
    draws = to_device(shard(torch.rand(size, 2, generator=generator(recipe.seed, step, "cutout"))), images.device)
    inside = [
        ((torch.arange(n, device=images.device) - (draw * n).floor()[:, None] + side // 2) // side) == 0
        for draw, n in zip(draws.unbind(1), (height, width), strict=True)
    ]
    hidden = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return images.masked_fill(hidden, 0)


class Mixed(NamedTuple):
    """Images mixed from two each; the losses of both targets are weighted ``weight`` and ``1 - weight``."""

    images: Tensor
    first: Tensor
    second: Tensor
    weight: float


def mix(images: Tensor, labels: Tensor, recipe: Recipe, step: int) -> Mixed:
    """Apply mixup or CutMix, one of them at random if the recipe has both; else return the images unchanged."""
    if recipe.mixup == 0 and recipe.cutmix == 0:
        return Mixed(images, labels, labels, 1.0)
    draws = random.Random(mixed_seed(recipe.seed, step, "mix"))
    cuts = recipe.cutmix > 0 and (recipe.mixup == 0 or draws.random() < 0.5)
    alpha = recipe.cutmix if cuts else recipe.mixup
    weight = draws.betavariate(alpha, alpha)
    order = to_device(torch.randperm(len(images), generator=generator(recipe.seed, step, "mix")), images.device)
    if not cuts or images.dim() != 4:
        return Mixed(torch.lerp(images[order], images, weight), labels, labels[order], weight)
    height, width = images.shape[2:]
    tall, wide = round(height * math.sqrt(1 - weight)), round(width * math.sqrt(1 - weight))
    top, left = int(draws.random() * (height - tall + 1)), int(draws.random() * (width - wide + 1))
    pasted = _pasted(images, order, (top, tall, left, wide))
    if labels.dim() > 2:  # masks are pasted with their images
        masks = _pasted(labels[:, None], order, (top, tall, left, wide))[:, 0]
        return Mixed(pasted, masks, masks, 1.0)
    return Mixed(pasted, labels, labels[order], 1 - tall * wide / (height * width))


def _pasted(images: Tensor, order: Tensor, where: tuple[int, int, int, int]) -> Tensor:
    """Images (N, C, H, W) with a rectangle (top, height, left, width) of others."""
    top, tall, left, wide = where
    pasted = images.clone()
    pasted[:, :, top : top + tall, left : left + wide] = images[order, :, top : top + tall, left : left + wide]
    return pasted


def size_at(recipe: Recipe, epoch: int) -> int:
    """The side of the images in an epoch (from 1) with progressive resizing; else 0."""
    if not recipe.sizes:
        return 0
    last = len(recipe.sizes) - 1  # the range test may go beyond the recipe's epochs
    return recipe.sizes[min(last, int((epoch - 1) * len(recipe.sizes) / recipe.epochs))]


def resize(images: Tensor, side: int) -> Tensor:
    """Resize images (N, C, H, W) to ``side`` x ``side``; 0 leaves them unchanged."""
    if not side or images.dim() != 4 or images.shape[2:] == (side, side):
        return images
    small = functional.interpolate(images, size=(side, side), mode="bilinear", antialias=True)
    return channels_last(small)


# Evaluation -------------------------------------------------------------------------------------------------------


class View(NamedTuple):
    """Transformed images, and the weight of their outputs in the average over several views.

    ``mirrored``: whether they were mirrored; ``moved``: pixels by which they were then shifted down and to the right.
    """

    images: Tensor
    weight: float
    mirrored: bool
    moved: int = 0

    def transformed_back(self, output: Tensor) -> Tensor:
        """The weighted output; feature maps (N, C, H, W) are moved and mirrored back, with replicated borders."""
        if output.dim() != 4:
            return output * self.weight
        if self.moved:
            height, width = output.shape[2:]
            start = 1 + self.moved
            around = functional.pad(output, (1, 1, 1, 1), mode="replicate")
            output = around[:, :, start : start + height, start : start + width]
        return self.weight * (output.flip(-1) if self.mirrored else output)


def tta_views(images: Tensor, kind: str) -> list[View]:
    """The views of images (N, C, H, W) for test-time augmentation.

    ``mirror``: unchanged and mirrored. ``six``: both, and both moved by a pixel to two opposite corners (Jordan 2024).
    """
    if kind == "none" or images.dim() != 4:
        return [View(images, 1.0, mirrored=False)]
    weight = 0.5 if kind == "mirror" else 0.25
    both = [View(images, weight, mirrored=False), View(images.flip(-1), weight, mirrored=True)]
    if kind == "mirror":
        return both
    height, width = images.shape[2:]
    corners = []
    for view in both:
        padded = functional.pad(view.images, (1, 1, 1, 1), mode="reflect")
        for start in (0, 2):
            part = padded[:, :, start : start + height, start : start + width]
            corners.append(View(part, 0.125, view.mirrored, 1 - start))
    return [*both, *corners]
