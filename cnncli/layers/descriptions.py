"""A line for each field of the layer types, for editors (``cnn schema``)."""

PER_AXIS = "one number, or one per axis"

# By field; ``type.field`` where a field of that name means something else in another layer type.
DESCRIPTIONS = {
    "filters": "Number of filters: the channels of the output.",
    "kernel": f"Size of the window: {PER_AXIS} (5x3).",
    "stride": f"Step of the window: {PER_AXIS}. Pools: the kernel, unless given.",
    "padding": "Padding per side: a number, one per axis, pairs [[top, bottom], [left, right]], or a name.",
    "dilation": f"Distance between the kernel's taps: {PER_AXIS}.",
    "groups": "Number of groups of channels that are processed separately.",
    "bias": "Whether there is a bias.",
    "padding_mode": "How the border is filled.",
    "rounding": "What becomes of a window that does not fit: floor drops it, ceil (pools) adds it, exact is an error.",
    "connections": "The input channels of each filter, counted from 0: one list per filter.",
    "multiplier": "Filters per input channel.",
    "output_padding": f"Rows and columns added at the end of the output: {PER_AXIS}.",
    "units": "Number of outputs.",
    "count_include_pad": "Whether padding counts in the average.",
    "output": f"Size of the output: {PER_AXIS}.",
    "slope": "Slope for negative values.",
    "init": "Initial value of the learned factors.",
    "per_channel": "Whether each channel has a slope of its own.",
    "alpha": "Scale of the negative part.",
    "lrn.alpha": "Factor of the sum of squares.",
    "approximate": "The tanh approximation, or none.",
    "beta": "Sharpness: larger is closer to ReLU.",
    "lrn.beta": "Exponent of the divisor.",
    "eps": "Small number added to the variance, against division by 0.",
    "affine": "Whether a weight and a bias per channel are learned.",
    "momentum": "Weight of the new value in the running statistics, as in PyTorch.",
    "axes": "Normalize over all values, or over the channels of each position.",
    "size": f"Size of the output: {PER_AXIS}.",
    "lrn.size": "Number of neighboring channels.",
    "k": "Constant in the divisor.",
    "rate": "Probability of being dropped, from 0 to 1.",
    "shape": "The wanted shape, e.g. 64x7x7.",
    "order": "The new order of the axes; the channels are 0: [0, 2, 1] swaps height and width.",
    "start": "First index, from 0.",
    "stop": "Index after the last; the end, unless given.",
    "axis": "The axis that is sliced.",
    "margins": "What to remove per side: a number, one per axis, or pairs [[top, bottom], [left, right]].",
    "factor": "Side of the block of pixels that channels become.",
    "mode": "How the border is filled.",
    "upsample.mode": "Interpolation.",
    "scale": f"Factor of the size: {PER_AXIS}.",
}


def description(kind: str, field: str) -> str:
    """The description of a field of a layer type. Raises KeyError for a field without one."""
    return DESCRIPTIONS.get(f"{kind}.{field}") or DESCRIPTIONS[field]
