"""The value that each mistake gives for a receptive field along a chain of windows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, islice
from math import prod
from operator import mul
from typing import Any, NamedTuple

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
    "rf_pool_ignored#kernel": lambda chain: _size(
        (0 if link.is_pool else link.window.effective_kernel - 1 for link in chain), _strides(chain)
    ),
    "dilation_ignored": lambda chain: _size((link.window.kernel - 1 for link in chain), _strides(chain)),
    "dilation_times_kernel": lambda chain: _size(
        (link.window.dilation * link.window.kernel - 1 for link in chain), _strides(chain)
    ),
}

# Receptive field stride: the product of all strides.
STRIDES: dict[str, Callable[[Sequence[int]], int]] = {
    "jump_is_own_stride": lambda strides: strides[-1],
    "jump_added": sum,
    "rf_own_stride#omitted": lambda strides: prod(strides[:-1]),
}


def of_receptive_field(inferred: Inferred, info: LayerInfo) -> dict[str, Any]:
    """The wrong values of the receptive field size: one number, or one per axis where they differ.

    None for a layer without windows before it. The area, where there are several axes, is that of the correct field.
    """
    chains = _chains(inferred, info)
    right = [_size(_increments(chain), _strides(chain)) for chain in chains]
    found = _wrong(SIZES, chains, right)
    return {**found, "gave_area": prod(right)} if len(right) > 1 else found


def of_receptive_field_stride(inferred: Inferred, info: LayerInfo) -> dict[str, Any]:
    """The wrong values of the receptive field stride, as :func:`of_receptive_field` gives those of its size."""
    strides = [[link.window.stride for link in chain] for chain in _chains(inferred, info)]
    return _wrong(STRIDES, strides, [*map(prod, strides)])


def _wrong(formulas: Mapping[str, Callable[[Any], int]], axes: Sequence[Any], right: list[int]) -> dict[str, Any]:
    """The values of the formulas that differ from the right ones."""
    if not axes or not axes[0]:
        return {}
    found = {name: tuple(map(wrong, axes)) for name, wrong in formulas.items()}
    return {name: _joined(sizes) for name, sizes in found.items() if sizes != tuple(right)}


def _joined(sizes: tuple[int, ...]) -> Any:
    """One number where all axes have the same, else one number per axis."""
    return sizes[0] if len({*sizes}) == 1 else sizes


def _chains(inferred: Inferred, info: LayerInfo) -> list[Chain]:
    """The chain of each axis; that of the first alone where the layers have different numbers of axes."""
    layers = [*_windowed(inferred, info)][::-1]
    ranks = {len(layer.stats.windows) for layer in layers}
    axes = range(ranks.pop() if len(ranks) == 1 else 1)
    return [[Link(layer.stats.windows[axis], layer.node.layer.is_pool) for layer in layers] for axis in axes]


def as_sum(inferred: Inferred, info: LayerInfo, size: int) -> Iterator[str]:
    """The receptive field from the input on, as a remark: ``(1 + 4*1 + 1*1 + 4*2 = 14)``.

    Nothing where paths merge, and nothing for more than MOST_TERMS windows.
    """
    chain = _chains(inferred, info)[0]
    if not 1 < len(chain) <= MOST_TERMS:
        return
    terms = [*zip(_increments(chain), _strides(chain), strict=False)]
    if 1 + sum(a * b for a, b in terms) == size:
        yield f"(from the input on: 1 + {' + '.join(f'{a}*{b}' for a, b in terms)} = {size})"


def _windowed(inferred: Inferred, info: LayerInfo) -> Iterator[LayerInfo]:
    """A layer and those before it along first inputs, where they have windows."""
    layer: LayerInfo | None = info
    while layer is not None:
        if layer.stats.windows:
            yield layer
        layer = inferred.layers.get(layer.node.inputs[0])
