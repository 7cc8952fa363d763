"""What each mistake makes of a receptive field along a chain of windows (its first axis)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice
from math import prod
from operator import mul

from cnncli.arithmetic.window import Window
from cnncli.inference import Inferred, LayerInfo

TERMS = 40  # a sum of more is not written out


def of_receptive_field(inferred: Inferred, facts: LayerInfo) -> dict[str, int | None]:
    """Of its size, r = 1 + sum of (span - 1) times the strides below."""
    chain = list(_chain(inferred, facts))
    if not chain:
        return {}
    windows = [window for window, _ in chain]
    not_pools = [window for window, is_pool in chain if not is_pool]
    spans = [window.effective_kernel - 1 for window in windows]
    truth = 1 + _weighted(spans, _jumps(windows))
    unpooled = [0 if is_pool else window.effective_kernel - 1 for window, is_pool in chain]
    found: dict[str, int | None] = {
        "rf_additive": 1 + sum(spans),
        "rf_own_stride": 1 + _weighted(spans, islice(_jumps(windows), 1, None)),
        "rf_reverse_order": 1 + _weighted(reversed(spans), _jumps(windows[::-1])),
        "rf_without_minus_one": 1 + _weighted((window.effective_kernel for window in windows), _jumps(windows)),
        "rf_is_kernel": windows[-1].kernel,
        "rf_pool_ignored": 1 + _weighted((window.effective_kernel - 1 for window in not_pools), _jumps(not_pools)),
        "rf_pool_ignored#its kernel": 1 + _weighted(unpooled, _jumps(windows)),
        "dilation_ignored": 1 + _weighted((window.kernel - 1 for window in windows), _jumps(windows)),
    }
    return {name: value for name, value in found.items() if value != truth}


def _jumps(windows: Sequence[Window]) -> Iterator[int]:
    """The product of the strides below each window, and last that of all.

    One after the other: of a thousand windows of stride 2 they would be long numbers in a list.
    """
    return accumulate((window.stride for window in windows), mul, initial=1)


def _weighted(values: Iterable[int], jumps: Iterator[int]) -> int:
    """The sum of values, each times its jump."""
    return sum(map(mul, values, jumps))


def as_sum(inferred: Inferred, facts: LayerInfo, size: int) -> Iterator[str]:
    """The field from the input on, as a remark: ``(1 + 4*1 + 1*1 + 4*2 = 14)``.

    Nothing where paths join, and of more than TERMS windows.
    """
    windows = [window for window, _ in _chain(inferred, facts)]
    if not 1 < len(windows) <= TERMS:
        return
    terms = [(window.effective_kernel - 1, jump) for window, jump in zip(windows, _jumps(windows), strict=False)]
    if 1 + sum(a * b for a, b in terms) == size:
        yield f"(from the input on: 1 + {' + '.join(f'{a}*{b}' for a, b in terms)} = {size})"


def of_jump(inferred: Inferred, facts: LayerInfo) -> dict[str, int | None]:
    """Of its stride on the input, the product of all strides."""
    strides = [w.stride for w, _ in _chain(inferred, facts)]
    if not strides:
        return {}
    found: dict[str, int | None] = {
        "jump_is_own_stride": strides[-1],
        "jump_added": sum(strides),
        "rf_own_stride": prod(strides[:-1]),
    }
    return {name: value for name, value in found.items() if value != prod(strides)}


def _chain(inferred: Inferred, facts: LayerInfo) -> Iterator[tuple[Window, bool]]:
    """The windows from the input to a layer along first inputs, and whether each is a pool's."""
    found: list[tuple[Window, bool]] = []
    here: LayerInfo | None = facts
    while here is not None:
        if here.figures.windows:
            found.append((here.figures.windows[0], here.node.layer.is_pool))
        here = inferred.facts.get(here.node.inputs[0])
    yield from reversed(found)
