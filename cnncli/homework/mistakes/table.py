"""The table of mistakes: what each one is, in words, and how likely it is.

Of several mistakes that give an answer, the more likely are named first, and equally likely ones in the order of this
table. A RARE one is named only where no other mistake gives the answer. Every row has an exercise in
``tests/homework/mistakes/test_mistakes.py``.

A candidate is named ``ID``, or ``ID#VARIANT`` where one mistake has several computations. The text of a variant
replaces that of the mistake. The first word of a variant is its name and the rest fills in the braces of its text:
``total_missing_or_double#without conv2``. A number, alone or after a slash, tells apart computations that have one
text. ``ID+ID`` names two mistakes made together.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

COMMON, OCCASIONAL, RARE = range(3)  # how likely a mistake is, the most likely first


class Mistake(NamedTuple):
    """A mistake as a phrase in the past tense; ``variants`` are the phrases of other computations."""

    text: str
    variants: Mapping[str, str] = MappingProxyType({})
    likelihood: int = OCCASIONAL


def _common(text: str, **variants: str) -> Mistake:
    return Mistake(text, MappingProxyType(variants), COMMON)


def _occasional(text: str, **variants: str) -> Mistake:
    return Mistake(text, MappingProxyType(variants))


def _rare(text: str, **variants: str) -> Mistake:
    return Mistake(text, MappingProxyType(variants), RARE)


SIZES: dict[str, Mistake] = {
    "does_not_fit_unreported": _common(
        "missed that the window does not fit", fraction="gave a fraction (the window does not fit)"
    ),
    "same_as_valid": _common("computed `valid` (the padding is `same`)"),
    "padding_ignored": _common("ignored the padding"),
    "forgot_plus_one": _common("forgot the + 1 in the size formula"),
    "stride_ignored": _common("ignored the stride"),
    "pool_stride_one": _common("moved the pool by 1 instead of by its kernel size"),
    "dilation_ignored": _common("ignored the dilation"),
    "ceil_for_floor": _common("rounded up instead of down"),
    "floor_for_ceil": _common("rounded down instead of up"),
    "same_with_stride_unchanged": _common("kept the size (`same` padding does so only at stride 1)"),
    "padding_counted_once": _common("counted the padding on one side only"),
    "padding_in_total": _common("gave the total padding instead of the padding per side"),
    "transposed_inverted": _common(
        "used the size formula of a convolution (a transposed one computes (n - 1) * s + k - 2 * p)",
        convolved="computed a convolution instead of a transposed one",
        once="counted the padding on one side only",
        output_padding="ignored the output padding",
        added="added the padding (a transposed convolution removes it)",
        minus_one="used n * s instead of (n - 1) * s",
        full="gave n * s + k (the size is (n - 1) * s + k - 2 * p)",
        scaled="gave n * s (the size is (n - 1) * s + k - 2 * p)",
    ),
    "kept_input_size": _occasional("kept the input size"),
    "dilation_times_kernel": _occasional("used d * k as the effective kernel size (it is d * (k - 1) + 1)"),
    "dilation_as_stride": _occasional("used the dilation as the stride"),
    "plus_one_before_divide": _occasional("added the 1 before dividing"),
    "padding_counted_twice": _occasional("counted the padding twice on each side"),
    "padding_is_kernel": _occasional(
        "padded by the kernel size", find="gave the kernel size (`same` padding is (k - 1) / 2 per side)"
    ),
    "not_rounded": _occasional("gave a fraction (a size is a whole number)"),
    "gave_area": _occasional("gave the area instead of the side"),
}
SHAPES: dict[str, Mistake] = {
    "kept_input_channels": _common("kept the input channels (the output has one channel per filter)"),
    "HWC_order": _common("mixed up channels first and channels last"),
    "forgot_channels": _common("left out the channels"),
    "height_and_width_swapped": _common("swapped height and width"),
    "pooled_channels": _common(
        "divided the channels as well (pooling keeps them)", only="pooled the channels instead of height and width"
    ),
    "forgot_flatten": _common(
        "skipped the flatten and took the channels as the input features",
        width="skipped the flatten and took the width as the input features",
    ),
    "flatten_without_channels": _occasional("left the channels out of the flattened size"),
    "flatten_without_positions": _occasional("left height and width out of the flattened size"),
    "flatten_one_side": _occasional("multiplied the channels by one side only in the flattened size"),
    "wrong_flatten": _occasional("flattened another feature map", flattened="flattened {} instead"),
    "kept_input_shape": _occasional("gave the shape of the input"),
    "positions_as_channels": _occasional("used the number of positions as the number of channels"),
    "padded_channels": _occasional("added the padding to the channels as well"),
    "channels_multiplied": _occasional("multiplied the input channels by the filters"),
    "channels_added": _occasional("added the input channels to the filters"),
}
PARAMETERS: dict[str, Mistake] = {
    "pool_has_params": _common("counted parameters (a pool has none)"),
    "has_no_params": _common("counted parameters (this layer has none)"),
    "forgot_bias": _common("forgot the biases"),
    "forgot_in_channels": _common(
        "forgot the input channels", linear="left out the input size (each unit has one weight per input feature)"
    ),
    "forgot_in_channels_and_bias": _common(
        "forgot the input channels and the biases", linear="left out the input size and the biases"
    ),
    "depthwise_as_full": _common("counted a full convolution (a depthwise filter covers one channel)"),
    "groups_ignored": _common("ignored the groups"),
    "no_weight_sharing": _common("counted new weights at every position (they are shared)"),
    "one_bias_total": _common(
        "counted a single bias (there is one per filter)",
        linear="counted a single bias (there is one per unit)",
        weights="counted a bias as a weight",
    ),
    "kernel_not_squared": _common("counted one side of the kernel, not its area"),
    "one_filter_only": _common("counted one filter only", linear="counted one unit only"),
    "bn_count": _common("counted running statistics (they are buffers)"),
    "counted_bias": _occasional("counted biases that do not belong here"),
    "bias_per_input": _occasional(
        "counted a bias per input channel (there is one per filter)",
        linear="counted a bias per input feature (there is one per unit)",
    ),
    "bias_per_in_channel": _occasional(
        "counted a bias for each input channel of each filter", linear="counted a bias for each weight"
    ),
    "kernel_as_span": _occasional("counted the gaps of the dilated kernel (they have no weights)"),
    "kernel_with_padding": _occasional(
        "enlarged the kernel by the padding on both sides", once="enlarged the kernel by the padding on one side"
    ),
    "kernel_of_layer_above": _occasional("used the kernel size of an earlier layer", of="used the kernel size of {}"),
    "features_added": _occasional("added inputs and units (each unit has one weight per input)"),
    "counted_outputs": _occasional("counted output values instead of parameters"),
    "counted_input_pixels": _occasional("used the input size as the kernel size"),
    "separable_product": _occasional("multiplied the depthwise and the pointwise part instead of adding them"),
    "bytes_for_parameters": _occasional(
        "counted bytes instead of parameters", forgotten="counted parameters instead of bytes (each takes 4)"
    ),
    "total_missing_or_double": _occasional(
        "left a layer out of the sum, or counted it twice",
        without="left {} out of the sum",
        only="counted {} only",
        twice="counted {} twice",
    ),
}
RECEPTIVE_FIELDS: dict[str, Mistake] = {
    "rf_additive": _common("ignored the strides of earlier layers"),
    "rf_is_kernel": _common("gave the kernel size of this layer only"),
    "rf_pool_ignored": _common(
        "ignored the pools", kernel="ignored the pools' kernels (but multiplied by their strides)"
    ),
    "rf_own_stride": _occasional(
        "multiplied by each layer's own stride as well", omitted="left out the layer's own stride"
    ),
    "rf_reverse_order": _occasional("used the strides of later, not earlier, layers"),
    "rf_without_minus_one": _occasional("added k instead of k - 1 for each layer"),
    "jump_is_own_stride": _common("gave the layer's own stride, not the product of all strides"),
    "jump_added": _occasional("added the strides instead of multiplying them"),
}
OPERATIONS: dict[str, Mistake] = {
    "macs_vs_flops": _common("confused MACs with FLOPs (a factor of 2)"),
    "positions_left_out": _common("counted one position only (the weights are applied at every one)"),
    "macs_input_size": _common(
        "used the input size instead of the output size",
        transposed="used the output size (a transposed convolution multiplies every input value)",
    ),
    "macs_include_bias": _common("counted the biases as MACs"),
    "side_for_area": _occasional("multiplied by one side of the output, not by its area"),
    "macs_per_batch": _rare("counted a batch instead of one input", of="counted a batch of {} instead of one input"),
}
EXACT_OPS: dict[str, Mistake] = {
    "flip_missing": _common(
        "flipped the kernel (cross-correlation does not)", omitted="did not flip the kernel (true convolution does)"
    ),
    "flip_one_axis": _occasional(
        "flipped the kernel along its width only",
        height="flipped the kernel along its height only",
        transposed="transposed the kernel",
    ),
    "channel_sum_missing": _common("did not sum over the channels"),
    "sum_for_mean": _common("added without dividing (average pooling takes the mean)"),
    "mean_for_sum": _occasional("took the mean over the window (a convolution adds)"),
    "avg_pads_in_divisor": _common(
        "left padding zeros out of the divisor", counted="counted padding zeros in the divisor"
    ),
    "l2_pool_no_root": _common("forgot the root", mean="took the mean of the squares"),
    "pool_kind": _common("used another kind of pooling", of="used {} pooling"),
    "sign_reversed": _occasional("reversed the sign"),
    "result_transposed": _occasional("transposed the result (swapped its rows and columns)"),
    "border_filled": _occasional("filled the border another way", of="filled the border with {}"),
    "relu_applied": _occasional("applied a ReLU (negative values became 0)"),
    "window_slip": _rare("misplaced a window or slipped in a cell"),
}
SLIPS: dict[str, Mistake] = {
    "off_by_one": _rare("was off by one"),
    "factor_ten": _rare("was off by a factor of 10, 100 or 1000"),
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
