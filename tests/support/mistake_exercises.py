"""Exercises for every mistake: a random network or question, and the wrong answer, computed independently of cnn."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, prod
from typing import Any

from hypothesis import strategies as st

Made = tuple[str, str, Any]  # the network (or nothing), the question, the wrong answer


class Draw:
    """Random numbers of an exercise, by name, each drawn once."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data

    def number(self, least: int, most: int, *, but: int | None = None) -> int:
        return int(self.data.draw(st.integers(least, most).filter(lambda value: value != but)))

    def one_of(self, *values: Any) -> Any:
        return self.data.draw(st.sampled_from(values))


class Conv:
    """A convolution of C x H x W, not square, with its numbers."""

    def __init__(self, draw: Draw, *, padding: int | None = None, bias: bool = True, **fixed: int) -> None:
        self.c, self.f = draw.number(2, 5), draw.number(6, 9)
        self.h = draw.number(12, 24)
        self.w = draw.number(12, 24, but=self.h)
        self.k, self.s, self.d = (
            fixed.get(name) or draw.number(least, 3) for name, least in (("k", 2), ("s", 1), ("d", 1))
        )
        self.p = draw.number(1, 2) if padding is None else padding
        self.bias, self.fields = bias, ""

    @property
    def network(self) -> str:
        fields = f"filters: {self.f}, kernel: {self.k}, stride: {self.s}, padding: {self.p}, dilation: {self.d}"
        bias = str(self.bias).lower()
        return f"{{input: {self.c}x{self.h}x{self.w}, layers: [conv: {{{fields}, bias: {bias}{self.fields}}}]}}"

    @property
    def span(self) -> int:
        return self.d * (self.k - 1) + 1

    @property
    def sizes(self) -> tuple[int, int]:
        return tuple((n + 2 * self.p - self.span) // self.s + 1 for n in (self.h, self.w))  # type: ignore[return-value]

    @property
    def outputs(self) -> int:
        return self.f * prod(self.sizes)

    @property
    def weights(self) -> int:
        return self.f * self.c * self.k**2

    @property
    def params(self) -> int:
        return self.weights + self.f

    @property
    def macs(self) -> int:
        return self.weights * prod(self.sizes)


MISTAKES: dict[str, Callable[[Draw], Made]] = {}


def mistake(name: str) -> Callable[[Callable[[Draw], Made]], Callable[[Draw], Made]]:
    def register(made: Callable[[Draw], Made]) -> Callable[[Draw], Made]:
        MISTAKES[name] = made
        return made

    return register


def of_sizes(name: str, size: Callable[[Conv, int], int], **fixed: int) -> None:
    @mistake(name)
    def made(draw: Draw) -> Made:
        conv = Conv(draw, **fixed)
        return conv.network, "conv1.shape", (conv.f, size(conv, conv.h), size(conv, conv.w))


of_sizes("forgot_plus_one", lambda v, n: (n + 2 * v.p - v.span) // v.s)
of_sizes("plus_one_before_divide", lambda v, n: (n + 2 * v.p - v.span + 1) // v.s, s=2)
of_sizes("padding_counted_once", lambda v, n: (n + v.p - v.span) // v.s + 1)
of_sizes("padding_counted_twice", lambda v, n: (n + 4 * v.p - v.span) // v.s + 1)
of_sizes("padding_ignored", lambda v, n: (n - v.span) // v.s + 1)
of_sizes("stride_ignored", lambda v, n: n + 2 * v.p - v.span + 1, s=2)
of_sizes("ceil_for_floor", lambda v, n: ceil((n + 2 * v.p - v.span) / v.s) + 1, s=3)


@mistake("floor_for_ceil")
def rounded_down(draw: Draw) -> Made:
    """A pool that rounds up, with padding or without."""
    k, s = draw.number(2, 4), draw.number(2, 4)
    p, h, w = draw.number(0, k // 2), draw.number(12, 24), draw.number(12, 24)
    fields = f"kernel: {k}, stride: {s}, padding: {p}, rounding: ceil"
    network = f"{{input: 2x{h}x{w}, layers: [maxpool: {{{fields}}}]}}"
    return network, "maxpool1.shape", (2, *((n + 2 * p - k) // s + 1 for n in (h, w)))


of_sizes("dilation_ignored", lambda v, n: (n + 2 * v.p - v.k) // v.s + 1, d=3)
of_sizes("dilation_times_kernel", lambda v, n: (n + 2 * v.p - v.d * v.k) // v.s + 1, d=3)


def of_channels(name: str, shape: Callable[[Conv], tuple[int, ...]]) -> None:
    @mistake(name)
    def made(draw: Draw) -> Made:
        conv = Conv(draw)
        return conv.network, "conv1.shape", shape(conv)


of_channels("kept_input_channels", lambda v: (v.c, *v.sizes))
of_channels("positions_as_channels", lambda v: (prod(v.sizes), *v.sizes))
of_channels("padded_channels", lambda v: (v.f + 2 * v.p, *v.sizes))
of_channels("height_and_width_swapped", lambda v: (v.f, *v.sizes[::-1]))
of_channels("forgot_channels", lambda v: v.sizes)


@mistake("HWC_order")
def order(draw: Draw) -> Made:
    conv = Conv(draw)
    sizes = draw.one_of(conv.sizes, conv.sizes[::-1])
    return f"{conv.network}\nconventions: {{order: CxHxW}}", "conv1.shape", (*sizes, conv.f)


@mistake("same_as_valid")
def same_as_valid(draw: Draw) -> Made:
    h, w, k, s = draw.number(9, 16), draw.number(17, 24), draw.number(3, 5), draw.number(1, 2)
    network = f"{{input: 2x{h}x{w}, layers: [conv: {{filters: 3, kernel: {k}, stride: {s}, padding: same}}]}}"
    return network, "conv1.shape", (3, *((n - k) // s + 1 for n in (h, w)))


@mistake("same_with_stride_unchanged")
def same_unchanged(draw: Draw) -> Made:
    h, w, s = draw.number(9, 16), draw.number(17, 24), draw.number(2, 3)
    network = f"{{input: 2x{h}x{w}, layers: [conv: {{filters: 3, kernel: 3, stride: {s}, padding: same}}]}}"
    return network, "conv1.shape", (3, h, w)


def pooled(draw: Draw) -> tuple[str, int, int, int, int]:
    c, k, h, w = 4 * draw.number(2, 4), draw.number(2, 3), draw.number(8, 13), draw.number(14, 20)
    return (
        f"{{input: {c}x{h}x{w}, layers: [{draw.one_of('maxpool', 'avgpool')}: {{name: pool, kernel: {k}}}]}}",
        c,
        k,
        h,
        w,
    )


@mistake("pooled_channels")
def pooled_channels(draw: Draw) -> Made:
    network, c, k, h, w = pooled(draw)
    return network, "pool.shape", (c // k, h // k, w // k)


@mistake("pool_stride_one")
def pool_stride_one(draw: Draw) -> Made:
    network, c, k, h, w = pooled(draw)
    return network, "pool.shape", (c, h - k + 1, w - k + 1)


@mistake("pool_has_params")
def pool_has_params(draw: Draw) -> Made:
    network, c, k, _, _ = pooled(draw)
    return network, "pool.params", draw.one_of(k * k, k * k + 1, k * k * c, (k * k + 1) * c)


@mistake("has_no_params")
def has_no_params(draw: Draw) -> Made:
    c, h, w = draw.number(2, 6), draw.number(7, 9), draw.number(10, 12)
    layer = draw.one_of("relu", "flatten", "global_avgpool")
    values = {"relu": c * h * w, "flatten": c * h * w, "global_avgpool": c}[layer]
    return f"{{input: {c}x{h}x{w}, layers: [{layer}: {{name: it}}]}}", "it.params", draw.one_of(values, c, 2 * c)


@mistake("transposed_inverted")
def inverted(draw: Draw) -> Made:
    h, w, k, s = draw.number(7, 9), draw.number(10, 12), draw.number(3, 4), draw.number(2, 3)
    p, extra = 1, 1
    network = (
        f"{{input: 2x{h}x{w}, layers: [conv_transpose: {{filters: 3, kernel: {k}, stride: {s}, padding: {p}, "
        f"output_padding: {extra}}}]}}"
    )
    whole = [(n - 1) * s + k for n in (h, w)]
    sizes = draw.one_of(
        [(n + 2 * p - k) // s + 1 for n in (h, w)], [n - p + extra for n in whole], [n - 2 * p for n in whole]
    )
    return network, "conv_transpose1.shape", (3, *sizes)


def of_params(
    name: str, value: Callable[[Conv], int], *, bias: bool = True, fields: Callable[[Conv], str] = lambda _: ""
) -> None:
    @mistake(name)
    def made(draw: Draw) -> Made:
        conv = Conv(draw, bias=bias)
        conv.fields = fields(conv)
        return conv.network, "conv1.params", value(conv)


of_params("forgot_bias", lambda v: v.weights)
of_params("counted_bias", lambda v: v.params, bias=False)
of_params("forgot_in_channels", lambda v: v.f * v.k**2 + v.f)
of_params("forgot_in_channels_and_bias", lambda v: v.f * v.k**2)
of_params("one_bias_total", lambda v: v.weights + 1)
of_params("bias_per_in_channel", lambda v: v.weights + v.f * v.c)
of_params("one_filter_only", lambda v: v.c * v.k**2 + 1)
of_params("no_weight_sharing", lambda v: v.params * prod(v.sizes))
of_params("counted_outputs", lambda v: v.outputs)
of_params("counted_input_pixels", lambda v: v.f * v.c * v.h * v.w + v.f)


@mistake("groups_ignored")
def groups_ignored(draw: Draw) -> Made:
    conv = Conv(draw)
    conv.c, conv.f, conv.fields = 6, 12, f", groups: {draw.number(2, 3)}"
    return conv.network, "conv1.params", conv.params


@mistake("depthwise_as_full")
def as_full(draw: Draw) -> Made:
    c, k, times = draw.number(3, 8), draw.number(2, 4), draw.number(1, 2)
    network = f"{{input: {c}x10x12, layers: [depthwise_conv: {{kernel: {k}, multiplier: {times}, bias: false}}]}}"
    return network, "depthwise_conv1.params", c * c * times * k * k


@mistake("separable_product")
def separable(draw: Draw) -> Made:
    c, f, k = draw.number(3, 8), draw.number(9, 16), draw.number(2, 4)
    layers = f"depthwise_conv: {{kernel: {k}, bias: false}}, conv: {{filters: {f}, kernel: 1, bias: false}}"
    return f"{{input: {c}x10x12, layers: [{layers}]}}", "total.params", c * k * k * c * f


@mistake("bn_count")
def statistics(draw: Draw) -> Made:
    c = draw.number(3, 60)
    return f"{{input: {c}x10x12, layers: [batchnorm]}}", draw.one_of("batchnorm1", "total") + ".params", 4 * c


def classifier(draw: Draw) -> tuple[str, int, int, int, int, int, int]:
    c, h, w, f, u = draw.number(2, 3), draw.number(14, 18), draw.number(19, 24), draw.number(5, 8), draw.number(11, 19)
    layers = f"conv: {{filters: {f}, kernel: 3}}, maxpool: 2, flatten, dropout, linear: {u}"
    return f"{{input: {c}x{h}x{w}, layers: [{layers}]}}", c, f, u, h - 2, w - 2, f * c * 9 + f


@mistake("wrong_flatten")
def wrong_flatten(draw: Draw) -> Made:
    network, c, f, u, h, w, _ = classifier(draw)
    values = draw.one_of(f * h * w, c * (h + 2) * (w + 2))
    return draw.one_of((network, "flatten1.shape", (values,)), (network, "linear1.params", u * values + u))


@mistake("forgot_flatten")
def forgot_flatten(draw: Draw) -> Made:
    network, _, f, u, _, w, _ = classifier(draw)
    return network, "linear1.params", draw.one_of(f, w // 2) * u + u


@mistake("total_missing_or_double")
def missing(draw: Draw) -> Made:
    network, _, f, u, h, w, conv = classifier(draw)
    linear = f * (h // 2) * (w // 2) * u + u
    return network, "total.params", draw.one_of(conv, linear, 2 * conv + linear, conv + 2 * linear)


def of_fields(name: str, figure: str, value: Callable[[list[tuple[int, int, bool]]], int]) -> None:
    """Of a chain of (kernel, stride, whether it is a pool) with a pool amid its convolutions."""

    @mistake(name)
    def made(draw: Draw) -> Made:
        chain = [(draw.number(2, 5), draw.number(1, 3), at == 1) for at in range(4)]
        chain[1] = (draw.number(2, 3), draw.number(2, 3), True)
        chain[3] = (chain[3][0], draw.number(2, 3), False)
        layers = [
            f"maxpool: {{kernel: {k}, stride: {s}, name: l{at}}}"
            if pool
            else f"conv: {{filters: 2, kernel: {k}, stride: {s}, name: l{at}}}"
            for at, (k, s, pool) in enumerate(chain)
        ]
        return f"{{input: 1x400x420, layers: [{', '.join(layers)}]}}", f"l3.{figure}", value(chain)


Chain = list[tuple[int, int, bool]]


def jumps(chain: Chain) -> list[int]:
    return [prod(s for _, s, _ in chain[:at]) for at in range(len(chain))]


of_fields("rf_additive", "receptive_field", lambda chain: 1 + sum(k - 1 for k, _, _ in chain))
of_fields(
    "rf_own_stride",
    "receptive_field",
    lambda chain: 1 + sum((k - 1) * j * s for (k, s, _), j in zip(chain, jumps(chain), strict=True)),
)
of_fields(
    "rf_reverse_order",
    "receptive_field",
    lambda chain: 1 + sum((k - 1) * prod(s for _, s, _ in chain[at + 1 :]) for at, (k, _, _) in enumerate(chain)),
)
of_fields(
    "rf_without_minus_one",
    "receptive_field",
    lambda chain: 1 + sum(k * j for (k, _, _), j in zip(chain, jumps(chain), strict=True)),
)
of_fields("rf_is_kernel", "receptive_field", lambda chain: chain[-1][0])
of_fields(
    "rf_pool_ignored",
    "receptive_field",
    lambda chain: 1 + sum((k - 1) * j for (k, _, pool), j in zip(chain, jumps(chain), strict=True) if not pool),
)
of_fields("jump_is_own_stride", "jump", lambda chain: chain[-1][1])
of_fields("jump_added", "jump", lambda chain: sum(s for _, s, _ in chain))


def of_operations(name: str, figure: str, value: Callable[[Conv, Draw], int]) -> None:
    @mistake(name)
    def made(draw: Draw) -> Made:
        conv = Conv(draw, padding=0)
        return (
            conv.network,
            f"{draw.one_of('conv1', 'total') if figure == 'total' else 'conv1'}.{figure}",
            value(conv, draw),
        )


of_operations("macs_vs_flops", "macs", lambda v, _: 2 * v.macs)
of_operations("macs_input_size", "macs", lambda v, _: v.weights * v.h * v.w)
of_operations("macs_include_bias", "macs", lambda v, _: v.macs + v.outputs)
of_operations("macs_per_batch", "macs", lambda v, draw: v.macs * draw.one_of(4, 8, 16, 32, 64, 128, 256, 512, 1024))
of_operations("off_by_one", "macs", lambda v, draw: v.macs + draw.one_of(-1, 1))
of_operations("factor_ten", "macs", lambda v, draw: v.macs * draw.one_of(10, 100, 1000))


def solved(fields: str, answer: object) -> Made:
    return "", f"solve: {{{fields}}}", answer


@mistake("does_not_fit_unreported")
def unreported(draw: Draw) -> Made:
    k, s, positions = draw.number(2, 5), draw.number(2, 4), draw.number(2, 6)
    rest = draw.number(1, s - 1)
    answer = draw.one_of(positions, round(positions + rest / s, 2))
    return solved(f"input: {k + s * (positions - 1) + rest}, kernel: {k}, stride: {s}", answer)


@mistake("padding_in_total")
def in_total(draw: Draw) -> Made:
    k = 2 * draw.number(1, 4) + 1
    n = draw.number(k, 30)
    return solved(f"input: {n}, output: {n}, kernel: {k}, find: padding", k - 1)


def rows(values: list[list[Any]]) -> str:
    return "; ".join(" ".join(map(str, row)) for row in values)


def matrix(draw: Draw, height: int, width: int) -> list[list[int]]:
    return [[draw.number(-4, 9) for _ in range(width)] for _ in range(height)]


def slid(x: list[list[int]], kernel: list[list[int]]) -> list[list[int]]:
    """The cross-correlation of two matrices."""
    h, w = len(kernel), len(kernel[0])
    return [
        [sum(x[i + a][j + b] * kernel[a][b] for a in range(h) for b in range(w)) for j in range(len(x[0]) - w + 1)]
        for i in range(len(x) - h + 1)
    ]


def convolved(x: str, kernel: str, answer: list[list[Any]]) -> Made:
    return "", f'convolve: {{input: "{x}", kernel: "{kernel}"}}', rows(answer)


@mistake("flip_missing")
def flipped(draw: Draw) -> Made:
    x, kernel = matrix(draw, 3, 4), matrix(draw, 2, 2)
    return convolved(rows(x), rows(kernel), slid(x, [row[::-1] for row in kernel[::-1]]))


@mistake("flip_one_axis")
def half_flipped(draw: Draw) -> Made:
    x, kernel = matrix(draw, 3, 4), matrix(draw, 2, 2)
    half = draw.one_of([row[::-1] for row in kernel], kernel[::-1], [list(row) for row in zip(*kernel, strict=True)])
    return convolved(rows(x), rows(kernel), slid(x, half))


@mistake("channel_sum_missing")
def unsummed(draw: Draw) -> Made:
    x, kernel = ([matrix(draw, 3, 4) for _ in range(2)], [matrix(draw, 2, 2) for _ in range(2)])
    answer = " | ".join(rows(slid(one, other)) for one, other in zip(x, kernel, strict=True))
    fields = f'input: "{" | ".join(map(rows, x))}", kernel: "{" | ".join(map(rows, kernel))}"'
    return "", f"convolve: {{{fields}}}", answer


@mistake("window_slip")
def slipped(draw: Draw) -> Made:
    x, kernel = matrix(draw, 3, 4), matrix(draw, 2, 2)
    answer = slid(x, kernel)
    answer[draw.number(0, 1)][draw.number(0, 2)] += draw.number(50, 90)
    return convolved(rows(x), rows(kernel), answer)


def windows(x: list[list[int]], value: Callable[[list[int]], Any]) -> list[list[Any]]:
    """A pool of 2x2."""
    return [
        [value([x[i][j], x[i][j + 1], x[i + 1][j], x[i + 1][j + 1]]) for j in range(0, len(x[0]) - 1, 2)]
        for i in range(0, len(x) - 1, 2)
    ]


def quarter(values: list[int]) -> str:
    return f"{sum(values)}/4"


@mistake("pool_kind")
def other_pool(draw: Draw) -> Made:
    x = matrix(draw, 4, 6)
    kinds: dict[str, Callable[[list[int]], Any]] = {"max": max, "avg": quarter}
    asked = draw.one_of("max", "avg")
    answer = windows(x, kinds["avg" if asked == "max" else "max"])
    return "", f'convolve: {{input: "{rows(x)}", pool: {asked}, kernel: 2}}', rows(answer)


@mistake("l2_pool_no_root")
def no_root(draw: Draw) -> Made:
    x = matrix(draw, 4, 6)
    squares = draw.one_of(lambda v: sum(n * n for n in v), lambda v: quarter([n * n for n in v]))
    return "", f'convolve: {{input: "{rows(x)}", pool: l2, kernel: 2}}', rows(windows(x, squares))


@mistake("avg_pads_in_divisor")
def divisor(draw: Draw) -> Made:
    """Windows of 2x2 at stride 2 with padding 1, on 2x4: one value in a corner, two at an edge."""
    x = matrix(draw, 2, 4)
    answer = [[row[0], f"{row[1] + row[2]}/2", row[3]] for row in x]
    return "", f'convolve: {{input: "{rows(x)}", pool: avg, kernel: 2, padding: 1}}', rows(answer)
