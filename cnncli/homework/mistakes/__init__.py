"""Typical mistakes: what each would have given on the very question that was asked.

A mistake is found by computing, never by guessing: for every question each mistake's own formula is worked out, and an
answer is explained by those that come to it, alone or in pairs. Sources: published exercises, their wrong keys, and
students' answers. What each makes of sizes, of counts, of fields and of matrices stands in a file of its own.

A mistake's name may go on after ``#``: what tells several ways of making it apart, said to the student where it is a
sentence (``total_missing_or_double#without conv2``).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

DESCRIPTIONS = {
    "forgot_plus_one": "the + 1 of the size formula was forgotten",
    "plus_one_before_divide": "the 1 was added before dividing",
    "padding_counted_once": "padding counted on one side only",
    "padding_counted_twice": "padding counted twice on each side",
    "padding_ignored": "padding was left out",
    "stride_ignored": "the stride was left out",
    "ceil_for_floor": "rounded up instead of down",
    "floor_for_ceil": "rounded down where the size is rounded up",
    "does_not_fit_unreported": "the window does not fit exactly, and that was not said",
    "padding_in_total": "padding in total instead of per side",
    "same_as_valid": "the size without padding, where same padding was asked for",
    "same_with_stride_unchanged": "same padding keeps the size only at stride 1",
    "dilation_ignored": "the dilation was left out",
    "dilation_times_kernel": "a dilated kernel spans d (k - 1) + 1, not d k",
    "transposed_inverted": "a transposed convolution makes larger: (n - 1) s + k - 2 p + output padding",
    "kept_input_channels": "the channels of the input instead of the number of filters",
    "positions_as_channels": "the number of positions instead of the number of filters",
    "forgot_channels": "the channels are missing",
    "padded_channels": "padding was added to the channels as well",
    "pooled_channels": "a pool does not make channels fewer",
    "pool_stride_one": "the pool was moved by 1 instead of by its own size",
    "HWC_order": "channels first and channels last were mixed up",
    "height_and_width_swapped": "height and width are swapped",
    "wrong_flatten": "another map was flattened",
    "forgot_flatten": "the map was not flattened: the layer was laid over its last axis alone",
    "pool_has_params": "a pool has no parameters",
    "has_no_params": "this layer has no parameters",
    "forgot_bias": "the biases were forgotten",
    "counted_bias": "there are no biases here",
    "forgot_in_channels": "the channels of the input were forgotten",
    "forgot_in_channels_and_bias": "the channels of the input and the biases were forgotten",
    "one_bias_total": "there is one bias for each filter, not one in all",
    "bias_per_in_channel": "a bias for each input channel of each filter instead of one for each filter",
    "one_filter_only": "one filter only",
    "no_weight_sharing": "the weights of a filter are shared by all positions",
    "counted_outputs": "values of the output counted instead of weights",
    "counted_input_pixels": "a filter has weights for its kernel, not for the whole input",
    "groups_ignored": "the groups were ignored",
    "depthwise_as_full": "counted as a full convolution; a depthwise one sees one channel each",
    "separable_product": "the depthwise and the pointwise part were multiplied instead of added",
    "bn_count": "batchnorm trains two numbers for each channel; its running statistics are not trained",
    "total_missing_or_double": "a layer is missing in the sum, or stands in it twice",
    "rf_additive": "kernels were added without the strides below them",
    "rf_own_stride": "multiplied by the layer's own stride as well",
    "rf_reverse_order": "the strides above were used instead of those below",
    "rf_without_minus_one": "whole kernels were added instead of k - 1",
    "rf_is_kernel": "the kernel of this layer alone",
    "rf_pool_ignored": "the pools on the way were left out",
    "jump_is_own_stride": "the layer's own stride alone, not the product of all strides",
    "jump_added": "strides were added instead of multiplied",
    "macs_vs_flops": "multiply-accumulates and operations were mixed up (a factor of 2)",
    "macs_input_size": "the size of the input instead of the output",
    "macs_include_bias": "the biases were counted as multiply-accumulates",
    "macs_per_batch": "counted for a whole batch instead of one input",
    "flip_missing": "the kernel was flipped, or should have been",
    "flip_one_axis": "the kernel was flipped in one axis only, or transposed",
    "channel_sum_missing": "the channels were not summed",
    "avg_pads_in_divisor": "the zeros of the padding were counted, or should have been",
    "l2_pool_no_root": "the root was forgotten, or the mean of the squares was taken",
    "pool_kind": "another kind of pooling",
    "window_slip": "some cells are right: a window at the wrong place, or a slip in one",
    "off_by_one": "off by one",
    "factor_ten": "a slip of a factor of 10, 100 or 1000",
}

Candidates = dict[str, Any]  # what each mistake, or pair of them, gives; None where it cannot be made

JOINED = {
    frozenset(("forgot_in_channels", "forgot_bias")): "forgot_in_channels_and_bias",
}  # pairs that are made so often that they have a name


def pair(one: str, two: str) -> str:
    """The name of two mistakes made together."""
    return JOINED.get(frozenset((one, two)), f"{one}+{two}")


def explanations(candidates: Mapping[str, Any], given: Any) -> list[str]:
    """The mistakes that give exactly this answer: pairs only where no single one does."""
    found = [name for name, value in candidates.items() if value is not None and value == given]
    return [name for name in found if "+" not in name] or found


def slips(truth: Any, given: Any) -> list[str]:
    """Slips of the pen, named only where no mistake of thought explains the answer."""
    if isinstance(truth, tuple):
        apart = {abs(a - b) for a, b in zip(truth, given, strict=True) if a != b}
        return ["off_by_one"] if apart == {1} else []
    if not truth or isinstance(truth, str):
        return []
    if abs(Fraction(given) - truth) == 1:
        return ["off_by_one"]
    ratio = Fraction(given) / Fraction(truth)
    return ["factor_ten"] if ratio in (10, 100, 1000, Fraction(1, 10), Fraction(1, 100), Fraction(1, 1000)) else []


def plain(name: str) -> str:
    """A mistake's id without what tells its variants apart."""
    return "+".join(part.partition("#")[0] for part in name.split("+"))


def detail(name: str) -> str:
    """What is to be said of this way of making the mistake, or nothing."""
    text = name.partition("#")[2]
    return text if " " in text else ""


def described(name: str) -> str:
    """A mistake in words."""
    return "; and ".join(DESCRIPTIONS[part] for part in name.split("+"))
