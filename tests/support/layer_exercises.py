"""Exercises for mistakes about layers and sizes, in addition to those of :mod:`mistake_exercises`."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from mistake_exercises import Conv, Draw, Made, mistake, of_channels, of_params, of_sizes, solved

# A variant of a mistake, by a name that tests use; the mistake is the part before the slash.
of_sizes("kept_input_size", lambda v, n: n, s=2)
of_sizes("dilation_as_stride", lambda v, n: (n + 2 * v.p - v.k) // v.d + 1, d=2)
of_sizes("padding_is_kernel", lambda v, n: (n + 2 * v.k - v.span) // v.s + 1)
of_channels("channels_multiplied", lambda v: (v.c * v.f, *v.sizes))
of_channels("channels_added", lambda v: (v.c + v.f, *v.sizes))


of_channels("kept_input_shape", lambda v: (v.c, v.h, v.w))


@mistake("kept_input_channels/channels last")
def kept_last(draw: Draw) -> Made:
    conv = Conv(draw)
    return conv.network, "conv1.shape", (*conv.sizes, conv.c)


@mistake("padding_ignored/without channels")
def bare(draw: Draw) -> Made:
    conv = Conv(draw, s=1)  # at which padding makes a difference
    return conv.network, "conv1.shape", tuple((n - conv.span) // conv.s + 1 for n in (conv.h, conv.w))


@mistake("HWC_order/and another")
def ordered(draw: Draw) -> Made:
    conv = Conv(draw, d=1)
    sizes = tuple((n - conv.span) // conv.s + 1 for n in (conv.h, conv.w))
    return f"{conv.network}\nconventions: {{order: CxHxW}}", "conv1.shape", (*sizes, conv.f)


@mistake("pooled_channels/only")
def pooled_only(draw: Draw) -> Made:
    c, k, h, w = 6 * draw.number(3, 6), draw.number(2, 3), 6 * draw.number(4, 6), 6 * draw.number(7, 9)
    answer = draw.one_of((c // k, h, w), (h, w, c // k))
    return f"{{input: {c}x{h}x{w}, layers: [maxpool: {k}]}}", "maxpool1.shape", answer


def flattened(name: str, count: Callable[[int, int, int], int], *, linear: bool = True) -> None:
    @mistake(name)
    def made(draw: Draw) -> Made:
        c, h, w, u = draw.number(3, 9), draw.number(4, 7), draw.number(8, 12), draw.number(13, 19)
        network = f"{{input: {c}x{h}x{w}, layers: [flatten, linear: {u}]}}"
        features = count(c, h, w)
        answers = [
            ("flatten1.shape", (features,)),
            ("linear1.params", u * features + u),
            ("linear1.macs", u * features),
        ]
        return (network, *draw.one_of(*answers[: 3 if linear else 1]))


flattened("flatten_without_channels", lambda c, h, w: h * w)
flattened("flatten_without_positions", lambda c, h, w: c, linear=False)
flattened("flatten_one_side", lambda c, h, w: c * w)


@mistake("not_rounded")
def fraction(draw: Draw) -> Made:
    k, s, positions = draw.number(2, 5), draw.number(2, 4), draw.number(2, 6)
    rest = draw.number(1, s - 1)
    return solved(
        f"input: {k + s * (positions - 1) + rest}, kernel: {k}, stride: {s}, rounding: floor",
        round(positions + rest / s, draw.number(2, 3)),
    )


@mistake("gave_area")
def area(draw: Draw) -> Made:
    n, k = draw.number(12, 30), draw.number(2, 5)
    layers = f"[conv: {{filters: 2, kernel: {k}}}, conv: {{filters: 2, kernel: {k + 1}}}]"
    field = (2 * k) * (2 * k)
    return draw.one_of(
        solved(f"input: {n}, kernel: {k}", (n - k + 1) ** 2),
        (f"{{input: 1x30x30, layers: {layers}}}", "conv2.receptive_field", field),
    )


@mistake("padding_is_kernel/find")
def found_kernel(draw: Draw) -> Made:
    k = 2 * draw.number(1, 4) + 1
    n = draw.number(k, 30)
    return solved(f"input: {n}, output: {n}, kernel: {k}, find: padding", k)


def transposed(name: str, size: Callable[[int, int, int, int], int], question: str = "shape") -> None:
    """A transposed convolution without output padding: the size from n, k, s and p."""

    @mistake(f"transposed_inverted/{name}")
    def made(draw: Draw) -> Made:
        h, w, k, s = draw.number(7, 9), draw.number(10, 12), draw.number(4, 5), draw.number(2, 3)
        fields = f"filters: 3, kernel: {k}, stride: {s}, padding: 1"
        network = f"{{input: 2x{h}x{w}, layers: [conv_transpose: {{{fields}}}]}}"
        solve = solved(f"input: {h}, kernel: {k}, stride: {s}, padding: 1, transposed: true", size(h, k, s, 1))
        return draw.one_of((network, "conv_transpose1.shape", (3, size(h, k, s, 1), size(w, k, s, 1))), solve)


transposed("n * s + k", lambda n, k, s, p: n * s + k)
transposed("n * s + k - 2 * p", lambda n, k, s, p: n * s + k - 2 * p)
transposed("n * s", lambda n, k, s, p: n * s)
transposed("padding added", lambda n, k, s, p: (n - 1) * s + k + 2 * p)


def of_transposed(name: str, question: str, value: Callable[[dict[str, int]], int]) -> None:
    """A transposed convolution in groups, with biases."""

    @mistake(name)
    def made(draw: Draw) -> Made:
        v = {"c": 12, "f": 18, "g": draw.number(2, 3), "k": draw.number(2, 4), "h": draw.number(5, 7), "w": 11}
        fields = f"filters: {v['f']}, kernel: {v['k']}, stride: 2, groups: {v['g']}"
        network = f"{{input: 12x{v['h']}x11, layers: [conv_transpose: {{{fields}}}]}}"
        return network, f"conv_transpose1.{question}", value(v)


of_transposed("groups_ignored/transposed", "params", lambda v: v["c"] * v["f"] * v["k"] ** 2 + v["f"])
of_transposed("groups_ignored/transposed macs", "macs", lambda v: v["c"] * v["f"] * v["k"] ** 2 * v["h"] * v["w"])
of_transposed("forgot_bias/transposed", "params", lambda v: v["c"] * v["f"] // v["g"] * v["k"] ** 2)
of_transposed(
    "macs_input_size/transposed",
    "macs",
    lambda v: v["c"] * v["f"] // v["g"] * v["k"] ** 2 * (2 * v["h"] + v["k"] - 2) * (2 * v["w"] + v["k"] - 2),
)

of_params("kernel_not_squared", lambda v: v.f * v.c * v.k + v.f)
of_params("bias_per_input", lambda v: v.weights + v.c)
of_params("kernel_with_padding", lambda v: v.f * v.c * (v.k + 2 * v.p) ** 2 + v.f)
of_params("kernel_with_padding/once", lambda v: v.f * v.c * (v.k + v.p) ** 2 + v.f)
of_params("bytes_for_parameters", lambda v: 4 * v.params)


@mistake("kernel_as_span")
def spanned(draw: Draw) -> Made:
    conv = Conv(draw, d=draw.number(2, 3))
    weights = conv.f * conv.c * conv.span**2
    return conv.network, *draw.one_of(("conv1.params", weights + conv.f), ("conv1.macs", weights * prod(conv.sizes)))


@mistake("bytes_for_parameters/forgotten")
def not_bytes(draw: Draw) -> Made:
    conv = Conv(draw)
    return conv.network, "conv1.parameter_bytes", conv.params


@mistake("bytes_for_parameters/total")
def total_bytes(draw: Draw) -> Made:
    conv = Conv(draw)
    return conv.network, "total.params", 4 * conv.params


@mistake("kernel_of_layer_above")
def above(draw: Draw) -> Made:
    k, other, f = draw.number(2, 3), draw.number(4, 5), draw.number(3, 9)
    layers = f"[conv: {{filters: {f}, kernel: {other}}}, relu, conv: {{filters: 7, kernel: {k}}}]"
    return f"{{input: 2x20x24, layers: {layers}}}", "conv2.params", 7 * f * other**2 + 7


def of_linear(name: str, question: str, value: Callable[[int, int], int]) -> None:
    @mistake(name)
    def made(draw: Draw) -> Made:
        n, u = draw.number(20, 60), draw.number(5, 19)
        return f"{{input: {n}, layers: [linear: {u}]}}", f"linear1.{question}", value(n, u)


of_linear("features_added", "params", lambda n, u: n + u + u)
of_linear("features_added/weights", "weights", lambda n, u: n + u)
of_linear("forgot_in_channels/linear", "macs", lambda n, u: u)
of_linear("one_filter_only/linear", "macs", lambda n, u: n)
of_linear("bias_per_input/linear", "params", lambda n, u: n * u + n)


def of_macs(name: str, value: Callable[[Conv], int], **fixed: Any) -> None:
    @mistake(name)
    def made(draw: Draw) -> Made:
        conv = Conv(draw, **fixed)
        return conv.network, "conv1.macs", value(conv)


of_macs("positions_left_out", lambda v: v.weights)
of_macs("side_for_area", lambda v: v.weights * v.sizes[1])
of_macs("kernel_not_squared/macs", lambda v: v.f * v.c * v.k * prod(v.sizes))
of_macs("forgot_in_channels/macs", lambda v: v.f * v.k**2 * prod(v.sizes))
of_macs("padding_ignored/macs", lambda v: v.weights * prod((n - v.span) // v.s + 1 for n in (v.h, v.w)), padding=2)


@mistake("depthwise_as_full/macs")
def full_macs(draw: Draw) -> Made:
    c, k, h, w = draw.one_of(4, 8, 16, 32), draw.number(2, 4), draw.number(9, 11), draw.number(12, 15)
    network = f"{{input: {c}x{h}x{w}, layers: [depthwise_conv: {{kernel: {k}}}]}}"
    return network, "depthwise_conv1.macs", c * c * k * k * (h - k + 1) * (w - k + 1)


@mistake("depthwise_as_full/total")
def full_total(draw: Draw) -> Made:
    c, f, k = draw.number(3, 8), draw.number(9, 16), draw.number(2, 4)
    layers = f"depthwise_conv: {{kernel: {k}, bias: false}}, conv: {{filters: {f}, kernel: 1, bias: false}}"
    return f"{{input: {c}x10x12, layers: [{layers}]}}", "total.params", c * k * k * c + c * f


@mistake("dilation_times_kernel/receptive field")
def dilated_field(draw: Draw) -> Made:
    k, d, s = draw.number(2, 4), draw.number(2, 3), draw.number(2, 3)
    layers = f"[conv: {{filters: 2, kernel: 3, stride: {s}}}, conv: {{filters: 2, kernel: {k}, dilation: {d}}}]"
    return f"{{input: 1x60x80, layers: {layers}}}", "conv2.receptive_field", 3 + (d * k - 1) * s


@mistake("rf_additive/per axis")
def additive(draw: Draw) -> Made:
    """Kernels that are not square: the answer is one number per axis."""
    k, s = draw.number(2, 4), draw.number(2, 3)
    layers = f"[conv: {{filters: 2, kernel: 3, stride: {s}}}, conv: {{filters: 2, kernel: {k}x{k + 2}}}]"
    return f"{{input: 1x60x80, layers: {layers}}}", "conv2.receptive_field", (3 + k - 1, 3 + k + 1)
