"""At least a row per layer kind: its fields, its inputs, what they come to. A kind without a row fails a test."""

from __future__ import annotations

from typing import Any, NamedTuple

from cnncli.layers import KINDS, Layer

Shape = tuple[int, ...]


class Case(NamedTuple):
    """A layer on inputs of given shapes, with its output shape and its parameters worked out by hand."""

    kind: str
    fields: dict[str, Any]
    inputs: tuple[Shape, ...]
    output: Shape
    params: int
    macs: int = 0

    @property
    def layer(self) -> Layer:
        return KINDS[self.kind](**self.fields)

    @property
    def label(self) -> str:
        shapes = "+".join("x".join(map(str, shape)) for shape in self.inputs)
        fields = ",".join(f"{name}={value}" for name, value in self.fields.items())
        return f"{self.kind}({fields})[{shapes}]"


IMAGE = (4, 9, 8)
SIGNAL = (4, 12)
VOLUME = (4, 5, 6, 7)

CASES = (
    Case("conv", {"filters": 6, "kernel": 3}, (IMAGE,), (6, 7, 6), 6 * 4 * 9 + 6, 6 * 7 * 6 * 36),
    Case(
        "conv",
        {"filters": 6, "kernel": 3, "bias": False, "padding": "same", "stride": 2},
        (IMAGE,),
        (6, 5, 4),
        216,
        4320,
    ),
    Case("conv", {"filters": 6, "kernel": (3, 5), "padding": ((2, 0), (1, 3))}, (IMAGE,), (6, 9, 8), 366, 25920),
    Case("conv", {"filters": 6, "kernel": 3, "padding": "full", "dilation": 2}, (IMAGE,), (6, 13, 12), 222, 33696),
    Case("conv", {"filters": 6, "kernel": 4, "padding": "same_lower", "groups": 2}, (IMAGE,), (6, 9, 8), 198, 13824),
    Case("conv", {"filters": 2, "kernel": 3, "padding": 1, "padding_mode": "reflect"}, (IMAGE,), (2, 9, 8), 74, 5184),
    Case("conv", {"filters": 2, "kernel": 3, "padding": 1, "padding_mode": "replicate"}, (IMAGE,), (2, 9, 8), 74, 5184),
    Case("conv", {"filters": 2, "kernel": 3, "padding": 1, "padding_mode": "circular"}, (IMAGE,), (2, 9, 8), 74, 5184),
    Case("conv", {"filters": 5, "kernel": 3, "stride": 2}, (SIGNAL,), (5, 5), 65, 300),
    Case("conv", {"filters": 5, "kernel": 3}, (VOLUME,), (5, 3, 4, 5), 545, 32400),
    Case("depthwise_conv", {"kernel": 3}, (IMAGE,), (4, 7, 6), 40, 1512),
    Case("depthwise_conv", {"kernel": 3, "multiplier": 2, "padding": 1}, (SIGNAL,), (8, 12), 32, 288),
    Case("conv", {"filters": 2, "kernel": 3, "padding": 1, "padding_mode": "partial"}, (IMAGE,), (2, 9, 8), 74, 5184),
    Case(
        "conv", {"filters": 2, "kernel": 3, "padding": "full", "padding_mode": "partial"}, (SIGNAL,), (2, 14), 26, 336
    ),
    Case("conv", {"filters": 3, "kernel": 3, "connections": ((0, 1), (3,), (1, 2, 3))}, (IMAGE,), (3, 7, 6), 57, 2268),
    Case(
        "conv",
        {"filters": 2, "kernel": 2, "connections": ((0,), (1,)), "bias": False, "padding": "same", "stride": 2},
        (SIGNAL,),
        (2, 6),
        4,
        24,
    ),
    Case("local", {"filters": 2, "kernel": 3}, (IMAGE,), (2, 7, 6), 84 * 37, 84 * 36),
    Case("local", {"filters": 4, "kernel": 3, "groups": 2, "bias": False, "stride": 2}, (SIGNAL,), (4, 5), 120, 120),
    Case("local", {"filters": 2, "kernel": 2, "padding": "same", "dilation": 2}, (VOLUME,), (2, 5, 6, 7), 13860, 13440),
    Case("local", {"filters": 1, "kernel": 3, "padding": 1, "padding_mode": "partial"}, (SIGNAL,), (1, 12), 156, 144),
    Case("conv_transpose", {"filters": 16, "kernel": 2, "stride": 2}, ((8, 16, 16),), (16, 32, 32), 528, 131072),
    Case(
        "conv_transpose",
        {"filters": 6, "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1, "groups": 2, "bias": False},
        (IMAGE,),
        (6, 18, 16),
        108,
        7776,
    ),
    Case("conv_transpose", {"filters": 2, "kernel": 3, "padding": "same", "stride": 2}, (SIGNAL,), (2, 24), 26, 288),
    Case("conv_transpose", {"filters": 2, "kernel": 4, "padding": "same_lower"}, (SIGNAL,), (2, 12), 34, 384),
    Case("conv_transpose", {"filters": 2, "kernel": 3, "dilation": 2, "stride": 3}, (SIGNAL,), (2, 38), 26, 288),
    Case("conv_transpose", {"filters": 2, "kernel": 2, "padding": ((0, 1), 0, 0)}, (VOLUME,), (2, 5, 7, 8), 66, 13440),
    Case("linear", {"units": 7}, ((11,),), (7,), 84, 77),
    Case("rbf", {"units": 10}, ((84,),), (10,), 840, 840),
    Case("linear", {"units": 7, "bias": False}, ((11,),), (7,), 77, 77),
    Case("maxpool", {"kernel": 2}, (IMAGE,), (4, 4, 4), 0),
    Case("maxpool", {"kernel": 3, "stride": 2, "padding": 1, "rounding": "ceil"}, (IMAGE,), (4, 5, 5), 0),
    Case("maxpool", {"kernel": 3, "stride": 1, "padding": "same", "dilation": 2}, (IMAGE,), (4, 9, 8), 0),
    Case("maxpool", {"kernel": 2, "padding": ((1, 0), (0, 1))}, (IMAGE,), (4, 5, 4), 0),
    Case("maxpool", {"kernel": 2}, (SIGNAL,), (4, 6), 0),
    Case("maxpool", {"kernel": 2}, (VOLUME,), (4, 2, 3, 3), 0),
    Case("avgpool", {"kernel": 2}, (IMAGE,), (4, 4, 4), 0),
    Case("avgpool", {"kernel": 3, "stride": 2, "padding": 1, "rounding": "ceil"}, (IMAGE,), (4, 5, 5), 0),
    Case("avgpool", {"kernel": 2, "padding": ((1, 0), (0, 1)), "count_include_pad": False}, (IMAGE,), (4, 5, 4), 0),
    Case("avgpool", {"kernel": 2, "padding": ((1, 0), (0, 1))}, (IMAGE,), (4, 5, 4), 0),
    Case("avgpool", {"kernel": 3, "stride": 2}, (SIGNAL,), (4, 5), 0),
    Case("avgpool", {"kernel": 2}, (VOLUME,), (4, 2, 3, 3), 0),
    Case("l2pool", {"kernel": 2}, (IMAGE,), (4, 4, 4), 0),
    Case("l2pool", {"kernel": 3, "stride": 2, "padding": 1, "rounding": "ceil"}, (SIGNAL,), (4, 7), 0),
    Case("subsample", {"kernel": 2}, (IMAGE,), (4, 4, 4), 8),
    Case("subsample", {"kernel": 3, "stride": 2, "padding": 1}, (VOLUME,), (4, 3, 3, 4), 8),
    Case("adaptive_avgpool", {"output": 6}, (IMAGE,), (4, 6, 6), 0),
    Case("adaptive_avgpool", {"output": 1}, (SIGNAL,), (4, 1), 0),
    Case("adaptive_avgpool", {"output": (1, 3)}, (IMAGE,), (4, 1, 3), 0),
    Case("adaptive_maxpool", {"output": (4, 3)}, (IMAGE,), (4, 4, 3), 0),
    Case("global_avgpool", {}, (IMAGE,), (4,), 0),
    Case("global_avgpool", {}, (VOLUME,), (4,), 0),
    Case("global_maxpool", {}, (SIGNAL,), (4,), 0),
    Case("relu", {}, (IMAGE,), IMAGE, 0),
    Case("relu6", {}, ((5,),), (5,), 0),
    Case("leaky_relu", {"slope": 0.2}, (IMAGE,), IMAGE, 0),
    Case("prelu", {}, (IMAGE,), IMAGE, 1),
    Case("prelu", {"per_channel": True}, (IMAGE,), IMAGE, 4),
    Case("elu", {"alpha": 0.5}, (SIGNAL,), SIGNAL, 0),
    Case("gelu", {"approximate": "tanh"}, (IMAGE,), IMAGE, 0),
    Case("silu", {}, (IMAGE,), IMAGE, 0),
    Case("hardswish", {}, (IMAGE,), IMAGE, 0),
    Case("hardsigmoid", {}, (IMAGE,), IMAGE, 0),
    Case("sigmoid", {}, (IMAGE,), IMAGE, 0),
    Case("tanh", {}, (IMAGE,), IMAGE, 0),
    Case("scaled_tanh", {}, (IMAGE,), IMAGE, 0),
    Case("softplus", {"beta": 2.0}, (IMAGE,), IMAGE, 0),
    Case("softmax", {}, (IMAGE,), IMAGE, 0),
    Case("log_softmax", {}, ((5,),), (5,), 0),
    Case("batchnorm", {}, (IMAGE,), IMAGE, 8),
    Case("batchnorm", {"affine": False}, ((5,),), (5,), 0),
    Case("batchnorm", {"momentum": 0.01, "eps": 1e-3}, (VOLUME,), VOLUME, 8),
    Case("layernorm", {}, (IMAGE,), IMAGE, 2 * 4 * 9 * 8),
    Case("layernorm", {"axes": "channels"}, (IMAGE,), IMAGE, 8),
    Case("groupnorm", {"groups": 2}, (IMAGE,), IMAGE, 8),
    Case("instancenorm", {}, (IMAGE,), IMAGE, 8),
    Case("instancenorm", {"affine": False}, (SIGNAL,), SIGNAL, 0),
    Case("scale", {"init": 0.5}, (IMAGE,), IMAGE, 4),
    Case("lrn", {"size": 3}, (IMAGE,), IMAGE, 0),
    Case("lcn", {"kernel": 5}, (IMAGE,), IMAGE, 0),
    Case("lcn", {"kernel": (3,)}, (SIGNAL,), SIGNAL, 0),
    Case("spatial_dropout", {"rate": 0.3}, (IMAGE,), IMAGE, 0),
    Case("drop_path", {"rate": 0.3}, ((5,),), (5,), 0),
    Case("dropout", {"rate": 0.3}, (IMAGE,), IMAGE, 0),
    Case("flatten", {}, (IMAGE,), (288,), 0),
    Case("reshape", {"shape": (8, 6, 6)}, (IMAGE,), (8, 6, 6), 0),
    Case("reshape", {"shape": (3, 4)}, ((12,),), (3, 4), 0),
    Case("permute", {"order": (0, 2, 1)}, (IMAGE,), (4, 8, 9), 0),
    Case("permute", {"order": (1, 0)}, (SIGNAL,), (12, 4), 0),
    Case("slice", {"start": 1, "stop": 3}, (IMAGE,), (2, 9, 8), 0),
    Case("slice", {"start": 2, "axis": "width"}, (IMAGE,), (4, 9, 6), 0),
    Case("crop", {"margins": ((1, 2), 3)}, (IMAGE,), (4, 6, 2), 0),
    Case("pixel_shuffle", {"factor": 2}, (IMAGE,), (1, 18, 16), 0),
    Case("pixel_shuffle", {"factor": 2}, (SIGNAL,), (2, 24), 0),
    Case("channel_shuffle", {"groups": 2}, (IMAGE,), IMAGE, 0),
    Case("pad", {"padding": ((1, 2), 3)}, (IMAGE,), (4, 12, 14), 0),
    Case("pad", {"padding": 2, "mode": "reflect"}, (IMAGE,), (4, 13, 12), 0),
    Case("upsample", {"scale": 2}, (IMAGE,), (4, 18, 16), 0),
    Case("upsample", {"size": (5, 20), "mode": "linear"}, (IMAGE,), (4, 5, 20), 0),
    Case("upsample", {"scale": 1.5, "mode": "cubic"}, (IMAGE,), (4, 13, 12), 0),
    Case("upsample", {"scale": 3, "mode": "linear"}, (SIGNAL,), (4, 36), 0),
    Case("add", {}, (IMAGE, IMAGE), IMAGE, 0),
    Case("add", {}, (IMAGE, (4, 1, 1), IMAGE), IMAGE, 0),
    Case("multiply", {}, (IMAGE, (4, 1, 1)), IMAGE, 0),
    Case("maximum", {}, (IMAGE, IMAGE), IMAGE, 0),
    Case("average", {}, (IMAGE, (4, 1, 1), IMAGE), IMAGE, 0),
    Case("concat", {}, (IMAGE, (3, 9, 8)), (7, 9, 8), 0),
    Case("identity", {}, (IMAGE,), IMAGE, 0),
)
