"""Whitening initialization: the first convolution's filters are the principal components of the image patches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cnncli.errors import CnnError, counted

IMAGES = 5000  # enough for the statistics of patches
EPS = 5e-4


@torch.no_grad()
def whiten(convolution: nn.Module, images: Tensor) -> None:
    """Fill the weight (filters, C, k, k) with the eigenvectors of the covariance of patches, divided by
    sqrt(eigenvalue + eps), and their negatives, and freeze it (Page 2018; Jordan 2024).

    ``images`` are the network's input, (N, C, H, W). Raises CnnError unless there are 2 C k k filters.
    """
    weight = convolution.get_parameter("weight")
    filters, channels, *kernel = weight.shape
    size = channels * kernel[0] * kernel[-1]
    if weight.dim() != 4 or filters != 2 * size:
        raise CnnError(
            f"whiten: the first convolution has {counted(filters, 'filter')}", f"use 2 C k k = {2 * size} filters"
        )
    images = images.cpu() if images.device.type == "mps" else images  # which has no float64
    patches = images[:IMAGES].float().unfold(2, kernel[0], 1).unfold(3, kernel[1], 1)
    rows = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, size).double()
    covariance = rows.T @ rows / len(rows)
    values, vectors = torch.linalg.eigh(covariance.cpu(), UPLO="U")
    scaled = (vectors / (values.clamp_min(0) + EPS).sqrt()).T.flip(0).reshape(size, channels, *kernel)
    weight.copy_(torch.cat((scaled, -scaled)).to(weight))
    weight.requires_grad_(False)
