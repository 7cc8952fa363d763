"""The table of mistakes: what each one is, in words. Other modules compute the value that each one gives.

A candidate is named ``ID``, or ``ID#VARIANT`` where one mistake has several computations. A variant of the table
replaces the text (``rf_own_stride#omitted``). Any other variant that is a phrase adds a detail to it
(``total_missing_or_double#without conv2``). ``ID+ID`` names two mistakes made together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

Candidates = dict[str, Any]  # the value that each mistake, or pair of mistakes, gives; None where it cannot be made


class Mistake(NamedTuple):
    """A mistake as a phrase in the past tense; ``variants`` are the phrases of other computations."""

    text: str
    variants: Mapping[str, str] = MappingProxyType({})


SIZES: dict[str, Mistake] = {
    "forgot_plus_one": Mistake("forgot the + 1 in the size formula"),
    "plus_one_before_divide": Mistake("added the 1 before dividing"),
    "padding_counted_once": Mistake("counted the padding on one side only"),
    "padding_counted_twice": Mistake("counted the padding twice on each side"),
    "padding_ignored": Mistake("ignored the padding"),
    "stride_ignored": Mistake("ignored the stride"),
    "ceil_for_floor": Mistake("rounded up instead of down"),
    "floor_for_ceil": Mistake("rounded down instead of up"),
    "does_not_fit_unreported": Mistake("missed that the window does not fit"),
    "padding_in_total": Mistake("gave the total padding instead of the padding per side"),
    "same_as_valid": Mistake("computed `valid`; the padding is `same`"),
    "same_with_stride_unchanged": Mistake("kept the size; `same` padding does so only at stride 1"),
    "dilation_ignored": Mistake("ignored the dilation"),
    "dilation_times_kernel": Mistake("used d * k as the effective kernel size; it is d * (k - 1) + 1"),
    "pool_stride_one": Mistake("moved the pool by 1 instead of by its kernel size"),
    "transposed_inverted": Mistake("misapplied (n - 1) * s + k - 2 * p + output padding"),
}
SHAPES: dict[str, Mistake] = {
    "kept_input_channels": Mistake("kept the input channels; the output has one channel per filter"),
    "positions_as_channels": Mistake("used the number of positions as the number of channels"),
    "forgot_channels": Mistake("left out the channels"),
    "padded_channels": Mistake("added the padding to the channels as well"),
    "pooled_channels": Mistake("changed the channels; pooling keeps them"),
    "HWC_order": Mistake("mixed up channels first and channels last"),
    "height_and_width_swapped": Mistake("swapped height and width"),
    "wrong_flatten": Mistake("flattened another feature map"),
    "forgot_flatten": Mistake(
        "skipped the flatten and took the channels as the input features",
        {"width": "skipped the flatten and took the width as the input features"},
    ),
}
PARAMETERS: dict[str, Mistake] = {
    "pool_has_params": Mistake("counted parameters; a pool has none"),
    "has_no_params": Mistake("counted parameters; this layer has none"),
    "forgot_bias": Mistake("forgot the biases"),
    "counted_bias": Mistake("counted biases that do not belong here"),
    "forgot_in_channels": Mistake("forgot the input channels", {"linear": "forgot the input features"}),
    "forgot_in_channels_and_bias": Mistake(
        "forgot the input channels and the biases", {"linear": "forgot the input features and the biases"}
    ),
    "one_bias_total": Mistake(
        "counted a single bias; there is one per filter",
        {"linear": "counted a single bias; there is one per unit", "weights": "counted a bias as a weight"},
    ),
    "bias_per_in_channel": Mistake(
        "counted a bias for each input channel of each filter", {"linear": "counted a bias for each weight"}
    ),
    "one_filter_only": Mistake("counted one filter only", {"linear": "counted one unit only"}),
    "no_weight_sharing": Mistake("counted new weights at every position; they are shared"),
    "counted_outputs": Mistake("counted output values instead of parameters"),
    "counted_input_pixels": Mistake("used the input size as the kernel size"),
    "groups_ignored": Mistake("ignored the groups"),
    "depthwise_as_full": Mistake("counted a full convolution; a depthwise filter covers one channel"),
    "separable_product": Mistake("multiplied the depthwise and the pointwise part instead of adding them"),
    "bn_count": Mistake("counted running statistics; they are buffers"),
    "total_missing_or_double": Mistake("left a layer out of the sum, or counted it twice"),
}
RECEPTIVE_FIELDS: dict[str, Mistake] = {
    "rf_additive": Mistake("ignored the strides of earlier layers"),
    "rf_own_stride": Mistake(
        "multiplied by each layer's own stride as well", {"omitted": "left out the layer's own stride"}
    ),
    "rf_reverse_order": Mistake("used the strides of later, not earlier, layers"),
    "rf_without_minus_one": Mistake("added k instead of k - 1 for each layer"),
    "rf_is_kernel": Mistake("gave the kernel size of this layer only"),
    "rf_pool_ignored": Mistake("ignored the pools"),
    "jump_is_own_stride": Mistake("gave the layer's own stride, not the product of all strides"),
    "jump_added": Mistake("added the strides instead of multiplying them"),
}
OPERATIONS: dict[str, Mistake] = {
    "macs_vs_flops": Mistake("confused MACs with FLOPs (a factor of 2)"),
    "macs_input_size": Mistake("used the input size instead of the output size"),
    "macs_include_bias": Mistake("counted the biases as MACs"),
    "macs_per_batch": Mistake("counted a batch instead of one input"),
}
EXACT_OPS: dict[str, Mistake] = {
    "flip_missing": Mistake(
        "flipped the kernel; cross-correlation does not",
        {"omitted": "did not flip the kernel; true convolution does"},
    ),
    "flip_one_axis": Mistake(
        "flipped the kernel along its width only",
        {"height": "flipped the kernel along its height only", "transposed": "transposed the kernel"},
    ),
    "channel_sum_missing": Mistake("did not sum over the channels"),
    "avg_pads_in_divisor": Mistake(
        "left padding zeros out of the divisor", {"counted": "counted padding zeros in the divisor"}
    ),
    "l2_pool_no_root": Mistake("forgot the root", {"mean": "took the mean of the squares"}),
    "pool_kind": Mistake("used another kind of pooling"),
    "window_slip": Mistake("misplaced a window or slipped in a cell"),
}
SLIPS: dict[str, Mistake] = {
    "off_by_one": Mistake("was off by one"),
    "factor_ten": Mistake("was off by a factor of 10, 100 or 1000"),
}
TOPICS = {
    "sizes": SIZES,
    "shapes": SHAPES,
    "parameters": PARAMETERS,
    "receptive fields": RECEPTIVE_FIELDS,
    "operations": OPERATIONS,
    "exact operations": EXACT_OPS,
    "slips": SLIPS,
}
MISTAKES: dict[str, Mistake] = {name: mistake for topic in TOPICS.values() for name, mistake in topic.items()}

# Pairs that are made so often that they have a name.
_NAMED_PAIRS = {frozenset(("forgot_in_channels", "forgot_bias")): "forgot_in_channels_and_bias"}


def pair(one: str, two: str) -> str:
    """The name of two mistakes made together."""
    named = _NAMED_PAIRS.get(frozenset((plain(one), plain(two))))
    if named is None:
        return f"{one}+{two}"
    variants = {name.partition("#")[2] for name in (one, two)} & {*MISTAKES[named].variants}
    return "#".join((named, *variants))


def plain(name: str) -> str:
    """The public id of a mistake, or of two (``ID+ID``): its name without variants."""
    return "+".join(part.partition("#")[0] for part in name.split("+"))


def plain_ids(names: Iterable[str]) -> tuple[str, ...]:
    """The public ids of several mistakes, each once."""
    return tuple(dict.fromkeys(map(plain, names)))


def detail(name: str) -> str:
    """The text that a variant adds to its mistake: the variant itself if it is a phrase without a text, else ""."""
    mistake, _, variant = name.partition("#")
    return variant if " " in variant and variant not in MISTAKES[mistake].variants else ""


def described(name: str) -> str:
    """A mistake, or two made together, in words: ``forgot the biases``."""
    return ", and ".join(map(_described, name.split("+")))


def _described(name: str) -> str:
    mistake, _, variant = name.partition("#")
    text = MISTAKES[mistake].variants.get(variant, MISTAKES[mistake].text)
    return f"{text} ({detail(name)})" if detail(name) else text
