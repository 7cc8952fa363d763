"""The value that each mistake gives for a receptive field along a chain of windows (its first axis)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, islice
from math import prod
from operator import mul
from typing import NamedTuple

from cnncli.arithmetic.window import Window
from cnncli.inference import Inferred, LayerInfo

MOST_TERMS = 40  # a longer sum is not written out


class Link(NamedTuple):
    """A layer of the chain: its window, and whether it is a pool."""

    window: Window
    is_pool: bool


Chain = Sequence[Link]


def _strides(chain: Chain) -> Iterator[int]:
    """The product of the strides before each layer, and last that of all.

    An iterator, because the products for a thousand windows of stride 2 would be long numbers in a list.
    """
    return accumulate((link.window.stride for link in chain), mul, initial=1)


def _size(increments: Iterable[int], strides: Iterator[int]) -> int:
    """1 + the sum of the increments, each times its stride."""
    return 1 + sum(a * b for a, b in zip(increments, strides, strict=False))


def _increments(chain: Iterable[Link]) -> Iterator[int]:
    return (link.window.effective_kernel - 1 for link in chain)


def _without_pools(chain: Chain) -> int:
    convolutions = [link for link in chain if not link.is_pool]
    return _size(_increments(convolutions), _strides(convolutions))


# Receptive field size: 1 + sum of (effective kernel size - 1) times the strides of earlier layers.
SIZES: dict[str, Callable[[Chain], int]] = {
    "rf_additive": lambda chain: 1 + sum(_increments(chain)),
    "rf_own_stride": lambda chain: _size(_increments(chain), islice(_strides(chain), 1, None)),
    "rf_reverse_order": lambda chain: _size(_increments(reversed(chain)), _strides(chain[::-1])),
    "rf_without_minus_one": lambda chain: _size((link.window.effective_kernel for link in chain), _strides(chain)),
    "rf_is_kernel": lambda chain: chain[-1].window.kernel,
    "rf_pool_ignored": _without_pools,
    "rf_pool_ignored#kernel only; its stride was counted": lambda chain: _size(
        (0 if link.is_pool else link.window.effective_kernel - 1 for link in chain), _strides(chain)
    ),
    "dilation_ignored": lambda chain: _size((link.window.kernel - 1 for link in chain), _strides(chain)),
}

# Receptive field stride: the product of all strides.
STRIDES: dict[str, Callable[[Sequence[int]], int]] = {
    "jump_is_own_stride": lambda strides: strides[-1],
    "jump_added": sum,
    "rf_own_stride#omitted": lambda strides: prod(strides[:-1]),
}


def of_receptive_field(inferred: Inferred, info: LayerInfo) -> dict[str, int]:
    """The wrong values of the receptive field size; none for a layer without windows before it."""
    chain = chain_to(inferred, info)
    if not chain:
        return {}
    expected = _size(_increments(chain), _strides(chain))
    return {name: value for name, wrong in SIZES.items() if (value := wrong(chain)) != expected}


def of_receptive_field_stride(inferred: Inferred, info: LayerInfo) -> dict[str, int]:
    """The wrong values of the receptive field stride; none for a layer without windows before it."""
    strides = [link.window.stride for link in chain_to(inferred, info)]
    if not strides:
        return {}
    return {name: value for name, wrong in STRIDES.items() if (value := wrong(strides)) != prod(strides)}


def as_sum(inferred: Inferred, info: LayerInfo, size: int) -> Iterator[str]:
    """The receptive field from the input on, as a remark: ``(1 + 4*1 + 1*1 + 4*2 = 14)``.

    Nothing where paths merge, and nothing for more than MOST_TERMS windows.
    """
    chain = chain_to(inferred, info)
    if not 1 < len(chain) <= MOST_TERMS:
        return
    terms = [*zip(_increments(chain), _strides(chain), strict=False)]
    if 1 + sum(a * b for a, b in terms) == size:
        yield f"(from the input on: 1 + {' + '.join(f'{a}*{b}' for a, b in terms)} = {size})"


def chain_to(inferred: Inferred, info: LayerInfo) -> Chain:
    """The windows from the input to a layer, along first inputs."""
    found: list[Link] = []
    layer: LayerInfo | None = info
    while layer is not None:
        if layer.stats.windows:
            found.append(Link(layer.stats.windows[0], layer.node.layer.is_pool))
        layer = inferred.layers.get(layer.node.inputs[0])
    return found[::-1]
