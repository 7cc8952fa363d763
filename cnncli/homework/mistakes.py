"""Typical mistakes: what each would have given on the very question that was asked.

A mistake is found by computing, never by guessing: for every question each mistake's own formula is worked out, and an
answer is explained by those that come to it, alone or in pairs. Sources: published exercises, their wrong keys, and
students' answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import combinations
from math import prod
from typing import Any, NamedTuple

from cnncli.inference import Facts, Inferred
from cnncli.shape import Shape, elements
from cnncli.window import Window

DESCRIPTIONS = {
    "forgot_plus_one": "the + 1 of the size formula was forgotten",
    "plus_one_before_divide": "the 1 was added before dividing",
    "padding_counted_once": "padding counted on one side only",
    "padding_counted_twice": "padding counted twice on each side",
    "padding_ignored": "padding was left out",
    "stride_ignored": "the stride was left out",
    "ceil_for_floor": "rounded up instead of down",
    "does_not_fit_unreported": "the window does not fit exactly, and that was not said",
    "same_with_stride_unchanged": "same padding keeps the size only at stride 1",
    "dilation_ignored": "the dilation was left out",
    "dilation_times_kernel": "a dilated kernel spans d (k - 1) + 1, not d k",
    "kept_input_channels": "the channels of the input instead of the number of filters",
    "padded_channels": "padding was added to the channels as well",
    "pooled_channels": "a pool does not make channels fewer",
    "pool_stride_one": "a pool moves by its own size unless said otherwise",
    "pool_has_params": "a pool has no parameters",
    "has_no_params": "this layer has no parameters",
    "height_and_width_swapped": "height and width are swapped",
    "forgot_bias": "the biases were forgotten",
    "forgot_in_channels": "the channels of the input were forgotten",
    "one_bias_total": "there is one bias for each filter, not one in all",
    "bias_per_in_channel": "a bias for each input channel of each filter instead of one for each filter",
    "one_filter_only": "one filter only",
    "no_weight_sharing": "the weights of a filter are shared by all positions",
    "counted_outputs": "values of the output counted instead of weights",
    "groups_ignored": "the groups were ignored",
    "bn_count": "batchnorm trains two numbers for each channel; its running statistics are not trained",
    "rf_additive": "kernels were added without the strides below them",
    "rf_own_stride": "multiplied by the layer's own stride as well",
    "rf_reverse_order": "the strides above were used instead of those below",
    "rf_without_minus_one": "whole kernels were added instead of k - 1",
    "rf_is_kernel": "the kernel of this layer alone",
    "rf_pool_ignored": "the pools on the way were left out",
    "macs_vs_flops": "multiply-accumulates and operations were mixed up (a factor of 2)",
    "macs_input_size": "the size of the input instead of the output",
    "macs_include_bias": "the biases were counted as multiply-accumulates",
    "forgot_in_channels_macs": "the channels of the input were forgotten",
    "flip_missing": "the kernel was flipped, or should have been",
    "flip_one_axis": "the kernel was flipped in one axis only, or transposed",
    "channel_sum_missing": "the channels were not summed",
    "window_slip": "some windows are right, others are at the wrong place",
    "off_by_one": "off by one",
    "factor_ten": "a slip of a factor of ten",
}

Compute = Callable[[], Any]


def explanations(candidates: Mapping[str, Any], given: Any) -> list[str]:
    """The mistakes that give exactly this answer, single ones before pairs (``a+b``)."""
    found = [name for name, value in candidates.items() if value is not None and value == given]
    singles = [name for name in found if "+" not in name]
    return singles or found


def slips(truth: Any, given: Any) -> list[str]:
    """Slips of the pen, named only where no mistake of thought explains the answer."""
    if isinstance(truth, tuple) or not truth:
        return []
    if abs(Fraction(given) - truth) == 1:
        return ["off_by_one"]
    ratio = Fraction(given) / Fraction(truth)
    return ["factor_ten"] if ratio in (10, 100, 1000, Fraction(1, 10), Fraction(1, 100), Fraction(1, 1000)) else []


# Sizes ------------------------------------------------------------------------------------------------------------


class Slide(NamedTuple):
    """One axis of a window: what the size formula is worked out from."""

    size: int
    window: Window
    is_same: bool = False
    is_pool: bool = False


def _size(s: Slide, *, n: int | None = None, span: int | None = None, stride: int | None = None) -> int:
    w = s.window
    room = (s.size + w.before + w.after if n is None else n) - (w.span if span is None else span)
    return room // (w.stride if stride is None else stride) + 1


def _room(s: Slide) -> int:
    return s.size + s.window.before + s.window.after - s.window.span


SIZES: dict[str, Callable[[Slide], int | None]] = {
    "forgot_plus_one": lambda s: _size(s) - 1,
    "plus_one_before_divide": lambda s: (
        (s.size + s.window.before + s.window.after - s.window.span + 1) // s.window.stride
    ),
    "padding_counted_once": lambda s: _size(s, n=s.size + s.window.before),
    "padding_counted_twice": lambda s: _size(s, n=s.size + 2 * (s.window.before + s.window.after)),
    "padding_ignored": lambda s: _size(s, n=s.size),
    "stride_ignored": lambda s: _size(s, stride=1),
    "ceil_for_floor": lambda s: -(-_room(s) // s.window.stride) + 1,
    "same_with_stride_unchanged": lambda s: s.size if s.is_same else None,
    "dilation_ignored": lambda s: _size(s, span=s.window.kernel),
    "dilation_times_kernel": lambda s: _size(s, span=s.window.dilation * s.window.kernel),
    "pool_stride_one": lambda s: _size(s, stride=1) if s.is_pool else None,
}


def of_size(slide: Slide) -> dict[str, int | None]:
    """What each mistake makes of one axis."""
    return {name: wrong(slide) for name, wrong in SIZES.items()}


def of_shape(facts: Facts) -> dict[str, Shape | None]:
    """What each mistake makes of a layer's output shape: of its sizes, of its channels, and of both."""
    shape, layer = facts.figures.output_shape, facts.node.layer
    candidates: dict[str, Shape | None] = {}
    slides = _slides(facts)
    if slides:
        by_axis = [of_size(slide) for slide in slides]
        for name in SIZES:
            sizes = [axis[name] for axis in by_axis]
            if all(size is not None for size in sizes):
                candidates[name] = (shape[0], *(size for size in sizes if size is not None))
    channels = dict(_channels(facts))
    for name, count in channels.items():
        candidates[name] = (count, *shape[1:])
    if len(shape) == 3 and shape[1] != shape[2]:
        candidates["height_and_width_swapped"] = (shape[0], shape[2], shape[1])
    for (one, sizes_of), (two, count) in ((a, b) for a in list(candidates.items()) for b in channels.items()):
        if one not in channels and sizes_of is not None and layer.windows(facts.input_shapes):
            candidates[f"{one}+{two}"] = (count, *sizes_of[1:])
    return {name: value for name, value in candidates.items() if value != shape}


def _slides(facts: Facts) -> list[Slide]:
    windows = facts.figures.windows if not facts.node.layer.transposed else ()
    same = facts.node.layer.__dict__.get("padding") in ("same", "same_lower")
    pool = facts.node.layer.kind.endswith("pool")
    return [Slide(n, w, same, pool) for n, w in zip(facts.input_shapes[0][1:], windows, strict=bool(windows))]


def _channels(facts: Facts) -> Iterator[tuple[str, int]]:
    channels, slides = facts.input_shapes[0][0], _slides(facts)
    if not slides:
        return
    if facts.node.layer.kind.endswith("pool"):
        yield "pooled_channels", channels // slides[0].window.kernel
        return
    yield "kept_input_channels", channels
    yield "padded_channels", facts.figures.output_shape[0] + 2 * slides[0].window.before


# Parameters and operations ----------------------------------------------------------------------------------------


class Dot(NamedTuple):
    """What the parameters of a convolution or a linear layer are worked out from; mistakes change one part each."""

    filters: int
    channels: int
    groups: int
    area: int
    bias: str  # per filter, none, one, per input channel
    positions: int = 1

    def total(self) -> int:
        """The parameters that come of it."""
        channels = self.channels // self.groups
        weights = self.filters * channels * self.area
        biases = {"none": 0, "one": 1, "per input channel": self.filters * channels}.get(self.bias, self.filters)
        return (weights + biases) * self.positions


def _dot(facts: Facts) -> Dot | None:
    layer, figures = facts.node.layer, facts.figures
    if layer.kind not in ("conv", "depthwise_conv", "linear") or layer.__dict__.get("connections"):
        return None
    weight = figures.weight_shapes.get("weight")
    if weight is None:
        return None
    channels = facts.input_shapes[0][0]
    bias = "per filter" if "bias" in figures.weight_shapes else "none"
    return Dot(weight[0], channels, channels // weight[1], prod(weight[2:]), bias)


def _dot_mistakes(facts: Facts, dot: Dot) -> dict[str, Dot]:
    positions = elements(facts.figures.output_shape[1:])
    found: dict[str, Dot] = {
        "forgot_in_channels": dot._replace(channels=dot.groups),
        "one_filter_only": dot._replace(filters=1),
        "groups_ignored": dot._replace(groups=1),
        "no_weight_sharing": dot._replace(positions=positions),
    }
    if dot.bias == "per filter":
        found["forgot_bias"] = dot._replace(bias="none")
        found["one_bias_total"] = dot._replace(bias="one")
        found["bias_per_in_channel"] = dot._replace(bias="per input channel")
    return {name: wrong for name, wrong in found.items() if wrong != dot}


def of_params(facts: Facts) -> dict[str, int | None]:
    """What each mistake, and each pair, makes of a layer's parameters."""
    figures, kind = facts.figures, facts.node.layer.kind
    dot = _dot(facts)
    if dot is None:
        return _params_of_others(facts)
    single = _dot_mistakes(facts, dot)
    candidates: dict[str, int | None] = {name: wrong.total() for name, wrong in single.items()}
    for (one, first), (two, second) in combinations(single.items(), 2):
        changed = {f: v for f, v in second._asdict().items() if v != getattr(dot, f)}
        candidates[f"{one}+{two}"] = first._replace(**changed).total()
    if kind != "linear":
        candidates["counted_outputs"] = figures.activations
    return {name: value for name, value in candidates.items() if value != figures.params}


def _params_of_others(facts: Facts) -> dict[str, int | None]:
    figures, kind = facts.figures, facts.node.layer.kind
    channels = facts.input_shapes[0][0]
    if kind == "batchnorm":
        return {"bn_count": 4 * channels, "forgot_bias": channels}
    if figures.params:
        return {}
    if kind.endswith("pool") and figures.windows:
        area = prod(window.kernel for window in figures.windows)
        values = {area, area + 1, area * channels, (area + 1) * channels}
        return {f"pool_has_params#{value}": value for value in values}
    return {f"has_no_params#{value}": value for value in {channels, figures.activations, 2 * channels}}


def of_macs(facts: Facts) -> dict[str, int | None]:
    """What each mistake makes of a layer's multiply-accumulates."""
    figures = facts.figures
    if not figures.macs:
        return {}
    found: dict[str, int | None] = {
        "macs_vs_flops": 2 * figures.macs,
        "macs_include_bias": figures.connections,
    }
    if figures.windows:
        inside, outside = elements(facts.input_shapes[0][1:]), elements(figures.output_shape[1:])
        found["macs_input_size"] = figures.macs // outside * inside
        found["forgot_in_channels"] = figures.macs // facts.input_shapes[0][0]
    return {name: value for name, value in found.items() if value != figures.macs}


def of_flops(facts: Facts) -> dict[str, int | None]:
    """What each mistake makes of a layer's operations."""
    figures = facts.figures
    return {"macs_vs_flops": figures.macs, "forgot_bias": 2 * figures.macs - elements(figures.output_shape)}


# Receptive fields -------------------------------------------------------------------------------------------------


def of_receptive_field(inferred: Inferred, facts: Facts) -> dict[str, int | None]:
    """What each mistake makes of the field of a chain of windows (its first axis)."""
    chain = list(_chain(inferred, facts))
    if not chain:
        return {}
    spans, strides = [w.span for w, _ in chain], [w.stride for w, _ in chain]
    below = [prod(strides[:at]) for at in range(len(chain))]
    truth = 1 + sum((span - 1) * jump for span, jump in zip(spans, below, strict=True))
    no_pools = [(w, pool) for w, pool in chain if not pool]
    found: dict[str, int | None] = {
        "rf_additive": 1 + sum(span - 1 for span in spans),
        "rf_own_stride": 1 + sum((span - 1) * jump * s for span, jump, s in zip(spans, below, strides, strict=True)),
        "rf_reverse_order": 1 + sum((span - 1) * prod(strides[at + 1 :]) for at, span in enumerate(spans)),
        "rf_without_minus_one": 1 + sum(span * jump for span, jump in zip(spans, below, strict=True)),
        "rf_is_kernel": chain[-1][0].kernel,
        "rf_pool_ignored": 1 + sum(w.span - 1 for w, _ in no_pools),
        "dilation_ignored": 1 + sum((w.kernel - 1) * jump for (w, _), jump in zip(chain, below, strict=True)),
    }
    return {name: value for name, value in found.items() if value != truth}


def _chain(inferred: Inferred, facts: Facts) -> Iterator[tuple[Window, bool]]:
    """The windows from the input to a layer along first inputs, and whether each is a pool's."""
    found: list[tuple[Window, bool]] = []
    here: Facts | None = facts
    while here is not None:
        if here.figures.windows:
            found.append((here.figures.windows[0], here.node.layer.kind.endswith("pool")))
        here = inferred.facts.get(here.node.inputs[0])
    yield from reversed(found)


def plain(name: str) -> str:
    """A mistake's id without what tells its variants apart."""
    return "+".join(part.partition("#")[0] for part in name.split("+"))


def described(name: str) -> str:
    """A mistake in words."""
    return "; and ".join(DESCRIPTIONS[part] for part in name.split("+"))
