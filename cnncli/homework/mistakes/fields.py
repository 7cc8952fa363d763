"""What each mistake makes of a receptive field along a chain of windows (its first axis)."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from cnncli.inference import Facts, Inferred
from cnncli.window import Window


def of_receptive_field(inferred: Inferred, facts: Facts) -> dict[str, int | None]:
    """Of its size, r = 1 + sum of (span - 1) times the strides below."""
    chain = list(_chain(inferred, facts))
    if not chain:
        return {}
    spans, strides = [w.span for w, _ in chain], [w.stride for w, _ in chain]
    below = [prod(strides[:at]) for at in range(len(chain))]
    truth = 1 + sum((span - 1) * jump for span, jump in zip(spans, below, strict=True))
    no_pools = [w for w, is_pool in chain if not is_pool]
    unpooled = [prod(w.stride for w in no_pools[:at]) for at in range(len(no_pools))]
    own = [jump * stride for jump, stride in zip(below, strides, strict=True)]
    found: dict[str, int | None] = {
        "rf_additive": 1 + sum(span - 1 for span in spans),
        "rf_own_stride": 1 + sum((span - 1) * jump for span, jump in zip(spans, own, strict=True)),
        "rf_reverse_order": 1 + sum((span - 1) * prod(strides[at + 1 :]) for at, span in enumerate(spans)),
        "rf_without_minus_one": 1 + sum(span * jump for span, jump in zip(spans, below, strict=True)),
        "rf_is_kernel": chain[-1][0].kernel,
        "rf_pool_ignored": 1 + sum((w.span - 1) * jump for w, jump in zip(no_pools, unpooled, strict=True)),
        "rf_pool_ignored#its kernel": 1
        + sum((w.span - 1) * jump for (w, is_pool), jump in zip(chain, below, strict=True) if not is_pool),
        "dilation_ignored": 1 + sum((w.kernel - 1) * jump for (w, _), jump in zip(chain, below, strict=True)),
    }
    return {name: value for name, value in found.items() if value != truth}


def as_sum(inferred: Inferred, facts: Facts, size: int) -> Iterator[str]:
    """The field from the input on, as a remark: ``(1 + 4*1 + 1*1 + 4*2 = 14)``; nothing where paths join."""
    chain = list(_chain(inferred, facts))
    terms = [(window.span - 1, prod(w.stride for w, _ in chain[:at])) for at, (window, _) in enumerate(chain)]
    if len(terms) > 1 and 1 + sum(a * b for a, b in terms) == size:
        yield f"(from the input on: 1 + {' + '.join(f'{a}*{b}' for a, b in terms)} = {size})"


def of_jump(inferred: Inferred, facts: Facts) -> dict[str, int | None]:
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


def _chain(inferred: Inferred, facts: Facts) -> Iterator[tuple[Window, bool]]:
    """The windows from the input to a layer along first inputs, and whether each is a pool's."""
    found: list[tuple[Window, bool]] = []
    here: Facts | None = facts
    while here is not None:
        if here.figures.windows:
            found.append((here.figures.windows[0], here.node.layer.kind.endswith("pool")))
        here = inferred.facts.get(here.node.inputs[0])
    yield from reversed(found)
