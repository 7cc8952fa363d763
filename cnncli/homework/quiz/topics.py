"""The topics: how a task of each is drawn. Bounds are such that figures can be worked out on paper."""

from __future__ import annotations

from collections.abc import Callable

from cnncli.homework.answer_key.sheet import Question
from cnncli.homework.quiz.draws import Draws
from cnncli.homework.quiz.task import Asked, Exercise, Listing, Matrix

LEVELS = ("easy", "medium", "hard")
EASY, MEDIUM, HARD = LEVELS


def sizes(draws: Draws, name: str, level: str) -> Exercise:
    """The size formula forward."""
    kernel, stride, padding, dilation = draws.pick((3, 5, 7)), 1, draws.pick((0, 1, 2)), 1
    if level != EASY:
        stride, padding = draws.pick((2, 3)), draws.pick((1, 2, 3))
    if level == HARD:
        dilation = 2
    padding = min(padding, kernel // 2 * dilation)
    size = draws.whole(2 * kernel * dilation, 32 if level == EASY else 64)
    if level != HARD:  # a size at which the window fits exactly
        size -= (size + 2 * padding - dilation * (kernel - 1) - 1) % stride
    down = " Round down." if level == HARD else ""
    spread = f", dilation {dilation}" if dilation > 1 else ""
    text = (
        f"An input of {size}x{size} goes through a {kernel}x{kernel} convolution with stride {stride}, "
        f"padding {padding} on each side{spread}. How large is the output on a side?{down}"
    )
    fields = _fields(input=size, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    if level == HARD:
        fields["rounding"] = "floor"
    return Exercise(name, "sizes", (text,), (Asked(name, "output size", Question(f"solve {name}", "", fields)),))


def _fields(**numbers: int) -> dict[str, str]:
    usual = {"stride": 1, "padding": 0, "dilation": 1}
    return {field: str(number) for field, number in numbers.items() if usual.get(field) != number}


def paddings(draws: Draws, name: str, level: str) -> Exercise:
    """The size formula solved for the padding."""
    kernel = draws.pick((3, 5, 7) if level == EASY else (5, 7, 9, 11))
    stride = 1 if level == EASY else draws.pick((2, 3))
    padding = (kernel - 1) // 2 if level == EASY else draws.whole(1, kernel // 2)
    output = draws.whole(8, 32)
    size = stride * (output - 1) + kernel - 2 * padding
    fields = _fields(input=size, output=output, kernel=kernel, stride=stride)
    fields["find"] = "padding"
    article = "An" if kernel in (8, 11, 18) else "A"
    text = (
        f"{article} {kernel}x{kernel} convolution with stride {stride} shall turn an input of {size}x{size} into "
        f"{output}x{output}, with nothing left over. Which padding, on each side, does it need?"
    )
    return Exercise(name, "padding", (text,), (Asked(name, "padding per side", Question(f"solve {name}", "", fields)),))


def parameters(draws: Draws, name: str, level: str) -> Exercise:
    """Parameters, and operations, of one convolution."""
    groups = 1 if level != HARD else draws.pick((2, 4))
    channels = draws.pick((3, 6, 8) if level == EASY else (16, 24, 32)) if groups == 1 else draws.pick((16, 24, 32))
    filters = draws.pick((4, 10, 12) if level == EASY else (20, 40, 48))
    kernel = draws.pick((3, 5))
    padding = kernel // 2
    size = draws.pick((14, 20, 28, 32))
    asks = "How many parameters has it?"
    if level != EASY:
        asks = "How many parameters has it, and how many multiply-accumulates does it take?"
    grouped = f", in {groups} groups" if groups > 1 else ""
    text = (
        f"A convolution with {filters} filters of {kernel}x{kernel}{grouped}, stride 1, padding {padding}, with "
        f"biases, reads a map of {channels}x{size}x{size} (channels x height x width). {asks}"
    )
    more = f", groups: {groups}" if groups > 1 else ""
    fields = f"from: {name}_input, name: {name}, filters: {filters}, kernel: {kernel}, padding: {padding}{more}"
    asked = [_of_layer(name, "params", "parameters")]
    if level != EASY:
        asked.append(_of_layer(name, "macs", "multiply-accumulates"))
    inputs = ((f"{name}_input", f"{channels}x{size}x{size}"),)
    return Exercise(name, "parameters", (text,), tuple(asked), inputs, (f"- conv: {{{fields}}}",))


def _of_layer(layer: str, figure: str, what: str) -> Asked:
    return Asked(f"{layer}.{figure}", what, Question(f"{layer}.{figure}", "", {}))


def fields_of_view(draws: Draws, name: str, level: str) -> Exercise:
    """The receptive field of the last of some layers."""
    lines, shown = [], []
    depth = {EASY: 2, MEDIUM: 3, HARD: 4}[level]
    for at in range(1, depth + 1):
        if at % 2 == 0 and level != EASY:
            size = draws.pick((2, 3))
            lines.append(f"- maxpool: {{kernel: {size}, stride: 2, name: pool{at}}}")
            shown.append(f"pool{at}: maximum over {size}x{size}, stride 2")
            continue
        kernel, stride = draws.pick((3, 5)), draws.pick((1, 2)) if level == EASY or at > 1 else 1
        dilation = 2 if level == HARD and at == depth - 1 else 1
        spread = f", dilation {dilation}" if dilation > 1 else ""
        also = f", dilation: {dilation}" if dilation > 1 else ""
        lines.append(f"- conv: {{filters: 4, kernel: {kernel}, stride: {stride}{also}, name: conv{at}}}")
        shown.append(f"conv{at}: convolution {kernel}x{kernel}, stride {stride}{spread}")
    last = lines[-1].rpartition("name: ")[2].rstrip("}")
    block = (f"{name}_net:", "  layers:", *(f"    {line}" for line in lines))
    text = f"Layers, in this order (no padding). How many pixels on a side does one value of {last} see of the input?"
    asked = Asked(
        f"{name}.{last}.receptive_field", "receptive field", Question(f"{name}.{last}.receptive_field", "", {})
    )
    inputs = ((f"{name}_input", "1x128x128"),)
    call = (f"- {name}_net: {{from: {name}_input, name: {name}}}",)
    return Exercise(name, "fields", (text, Listing(tuple(shown))), (asked,), inputs, call, block)


def by_hand(draws: Draws, name: str, level: str) -> Exercise:
    """A convolution of a small matrix, or a pool."""
    if level != EASY and draws.pick((True, False)):
        return _pool_by_hand(draws, name, level)
    size, channels = draws.pick((3, 4)), 2 if level == HARD else 1
    stride = 1 if level == EASY or size == 3 else 2
    matrices = [_matrix(draws, size, range(10)) for _ in range(channels)]
    kernels = [_matrix(draws, 2, (-2, -1, 0, 1, 2, 3)) for _ in range(channels)]
    flip = level == HARD
    fields = {"input": _written(matrices), "kernel": _written(kernels)}
    if stride > 1:
        fields["stride"] = str(stride)
    if flip:
        fields["flip"] = "true"
    what = (
        "true convolution (the kernel is flipped)" if flip else "convolution (as libraries do it: nothing is flipped)"
    )
    text = f"Work out the {what} of X with K, stride {stride}, no padding."
    parts = (text, _shown("X", matrices), _shown("K", kernels))
    return Exercise(name, "by_hand", parts, (Asked(name, "result", Question(f"convolve {name}", "", fields)),))


def _pool_by_hand(draws: Draws, name: str, level: str) -> Exercise:
    kind, stride = draws.pick(("max", "avg")), 2 if level == MEDIUM else 1
    size = 4 if level == MEDIUM else 3
    values = range(0, 20, 4) if kind == "avg" else range(20)
    matrix = _matrix(draws, size, values)
    fields = {"input": _written([matrix]), "pool": kind, "kernel": "2"}
    if stride == 1:
        fields["stride"] = "1"
    word = {"max": "maximum", "avg": "average"}[kind]
    text = f"Work out the {word} pooling of X over 2x2, stride {stride}."
    asked = Asked(name, "result", Question(f"convolve {name}", "", fields))
    return Exercise(name, "by_hand", (text, _shown("X", [matrix])), (asked,))


Rows = list[list[int]]


def _matrix(draws: Draws, size: int, values: range | tuple[int, ...]) -> Rows:
    return [[draws.pick(values) for _ in range(size)] for _ in range(size)]


def _written(channels: list[Rows]) -> str:
    return " | ".join("; ".join(" ".join(map(str, row)) for row in rows) for rows in channels)


def _shown(name: str, channels: list[Rows]) -> Matrix:
    return Matrix(name, tuple(tuple(tuple(map(str, row)) for row in rows) for rows in channels))


def networks(draws: Draws, name: str, level: str) -> Exercise:
    """A small network: shapes, parameters, the sum."""
    channels, size = draws.pick((1, 3)), draws.pick((28, 32, 36))
    first, second = draws.pick((6, 8, 10)), draws.pick((12, 16, 20))
    kernel = draws.pick((3, 5))
    units = draws.pick((10, 20, 30))
    size -= (size - kernel + 1) % 2
    rest = (size - kernel + 1) // 2
    lines = [
        f"- conv: {{filters: {first}, kernel: {kernel}, name: conv1}}",
        "- relu: {name: relu1}",
        "- maxpool: {kernel: 2, name: pool1}",
    ]
    shown = [
        f"conv1: {first} filters of {kernel}x{kernel}, stride 1, no padding, with biases",
        "relu1",
        "pool1: maximum over 2x2, stride 2",
    ]
    figures = [("conv1.shape", "the output of conv1"), ("conv1.params", "the parameters of conv1")]
    figures += [("pool1.shape", "the output of pool1")]
    if level != EASY:
        other = 3 if (rest - 3 + 1) % 2 == 0 or level != HARD else 4
        lines.append(f"- conv: {{filters: {second}, kernel: {other}, padding: 1, name: conv2}}")
        shown.append(f"conv2: {second} filters of {other}x{other}, stride 1, padding 1 on each side, with biases")
        figures += [("conv2.shape", "the output of conv2"), ("conv2.params", "the parameters of conv2")]
    lines += ["- flatten: {name: flatten1}", f"- linear: {{units: {units}, name: linear1}}"]
    shown += ["flatten1", f"linear1: fully connected, {units} units, with biases"]
    figures += [("linear1.params", "the parameters of linear1")]
    if level == HARD:
        figures += [
            ("params", "the parameters of the whole network"),
            ("conv2.macs", "the multiply-accumulates of conv2"),
        ]
    block = (f"{name}_net:", "  layers:", *(f"    {line}" for line in lines))
    text = (
        f"A network reads {channels}x{size}x{size} (channels x height x width). "
        "Write shapes as channels x height x width."
    )
    asked = tuple(Asked(f"{name}.{f}", what, Question(f"{name}.{f}", "", {})) for f, what in figures)
    inputs = ((f"{name}_input", f"{channels}x{size}x{size}"),)
    call = (f"- {name}_net: {{from: {name}_input, name: {name}}}",)
    return Exercise(name, "networks", (text, Listing(tuple(shown))), asked, inputs, call, block)


TOPICS: dict[str, Callable[[Draws, str, str], Exercise]] = {
    "sizes": sizes,
    "padding": paddings,
    "parameters": parameters,
    "fields": fields_of_view,
    "by_hand": by_hand,
    "networks": networks,
}
