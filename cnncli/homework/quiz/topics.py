"""The topics: how a question of each is drawn. All numbers can be calculated on paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cnncli.homework.answer_key.sheet import Question
from cnncli.homework.quiz.draws import Draws
from cnncli.homework.quiz.question import DrawnLayers, Matrix, Prompt, QuizQuestion

LEVELS = ("easy", "medium", "hard")
EASY, MEDIUM, HARD = LEVELS
MACS = "multiply-accumulates (MACs)"


def sizes(draws: Draws, name: str, level: str) -> QuizQuestion:
    """The size formula for the output."""
    kernel, stride, padding, dilation = draws.pick((3, 5, 7)), 1, draws.pick((0, 1, 2)), 1
    if level != EASY:
        stride, padding = draws.pick((2, 3)), draws.pick((1, 2, 3))
    if level == HARD:
        dilation = 2
    padding = min(padding, kernel // 2 * dilation)
    size = draws.integer(2 * kernel * dilation, 32 if level == EASY else 64)
    if level != HARD:  # a size at which the window fits exactly
        size -= (size + 2 * padding - dilation * (kernel - 1) - 1) % stride
    down = " Round down." if level == HARD else ""
    spread = f", dilation {dilation}" if dilation > 1 else ""
    text = (
        f"An input of {size}x{size} goes through a {kernel}x{kernel} convolution with stride {stride}, "
        f"padding {padding} on each side{spread}. What is the output size per side?{down}"
    )
    fields = _fields(input=size, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    if level == HARD:
        fields["rounding"] = "floor"
    return QuizQuestion(name, "sizes", (text,), (Prompt(name, "output size", Question(f"solve {name}", "", fields)),))


def _fields(**numbers: int) -> dict[str, str]:
    usual = {"stride": 1, "padding": 0, "dilation": 1}
    return {field: str(number) for field, number in numbers.items() if usual.get(field) != number}


def paddings(draws: Draws, name: str, level: str) -> QuizQuestion:
    """The size formula solved for the padding."""
    kernel = draws.pick((3, 5, 7) if level == EASY else (5, 7, 9, 11))
    stride = 1 if level == EASY else draws.pick((2, 3))
    padding = (kernel - 1) // 2 if level == EASY else draws.integer(1, kernel // 2)
    output = draws.integer(8, 32)
    size = stride * (output - 1) + kernel - 2 * padding
    fields = _fields(input=size, output=output, kernel=kernel, stride=stride)
    fields["find"] = "padding"
    article = "an" if kernel in (8, 11, 18) else "a"
    text = (
        f"What padding per side makes {article} {kernel}x{kernel} convolution with stride {stride} map {size}x{size} "
        f"to {output}x{output} exactly?"
    )
    return QuizQuestion(
        name, "padding", (text,), (Prompt(name, "padding per side", Question(f"solve {name}", "", fields)),)
    )


def parameters(draws: Draws, name: str, level: str) -> QuizQuestion:
    """The parameters, and the MACs, of one convolution."""
    groups = 1 if level != HARD else draws.pick((2, 4))
    channels = draws.pick((3, 6, 8) if level == EASY else (16, 24, 32)) if groups == 1 else draws.pick((16, 24, 32))
    filters = draws.pick((4, 10, 12) if level == EASY else (20, 40, 48))
    kernel = draws.pick((3, 5))
    padding = kernel // 2
    size = draws.pick((14, 20, 28, 32))
    request = "How many parameters does it have?"
    if level != EASY:
        request = f"How many parameters does it have, and how many {MACS} does it take?"
    grouped = f", in {groups} groups" if groups > 1 else ""
    text = (
        f"A convolution with {filters} filters of {kernel}x{kernel}{grouped}, stride 1, padding {padding}, with "
        f"biases, takes a {channels}x{size}x{size} input (channels x height x width). {request}"
    )
    more = f", groups: {groups}" if groups > 1 else ""
    fields = f"from: {name}_input, name: {name}, filters: {filters}, kernel: {kernel}, padding: {padding}{more}"
    prompts = [_prompt(f"{name}.params", "parameters")]
    if level != EASY:
        prompts.append(_prompt(f"{name}.macs", MACS))
    inputs = ((f"{name}_input", f"{channels}x{size}x{size}"),)
    return QuizQuestion(name, "parameters", (text,), tuple(prompts), inputs, (f"- conv: {{{fields}}}",))


def _prompt(name: str, label: str) -> Prompt:
    """A prompt about a quantity of the quiz's network."""
    return Prompt(name, label, Question(name, "", {}))


def receptive_fields(draws: Draws, name: str, level: str) -> QuizQuestion:
    """The receptive field of the last of some layers."""
    lines, shown = [], []
    depth = {EASY: 2, MEDIUM: 3, HARD: 4}[level]
    for at in range(1, depth + 1):
        if at % 2 == 0 and level != EASY:
            size = draws.pick((2, 3))
            lines.append(f"- maxpool: {{kernel: {size}, stride: 2, name: pool{at}}}")
            shown.append(f"pool{at}: {size}x{size} max pooling, stride 2")
            continue
        kernel, stride = draws.pick((3, 5)), draws.pick((1, 2)) if level == EASY or at > 1 else 1
        dilation = 2 if level == HARD and at == depth - 1 else 1
        spread = f", dilation {dilation}" if dilation > 1 else ""
        also = f", dilation: {dilation}" if dilation > 1 else ""
        lines.append(f"- conv: {{filters: 4, kernel: {kernel}, stride: {stride}{also}, name: conv{at}}}")
        shown.append(f"conv{at}: {kernel}x{kernel} convolution, stride {stride}{spread}")
    last = lines[-1].rpartition("name: ")[2].rstrip("}")
    block = (f"{name}_net:", "  layers:", *(f"    {line}" for line in lines))
    text = f"Layers, in this order (no padding). What is the receptive field (per side) of {last} on the input?"
    prompt = _prompt(f"{name}.{last}.receptive_field", "receptive field")
    inputs = ((f"{name}_input", "1x128x128"),)
    call = (f"- {name}_net: {{from: {name}_input, name: {name}}}",)
    return QuizQuestion(name, "fields", (text, DrawnLayers(tuple(shown))), (prompt,), inputs, call, block)


def by_hand(draws: Draws, name: str, level: str) -> QuizQuestion:
    """Convolution or pooling of a small matrix."""
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
    operation = (
        "true convolution (with the kernel flipped)" if flip else "convolution (cross-correlation, as in libraries)"
    )
    text = f"Compute the {operation} of X with K, stride {stride}, no padding."
    parts = (text, _shown("X", matrices), _shown("K", kernels))
    return QuizQuestion(name, "by_hand", parts, (Prompt(name, "result", Question(f"convolve {name}", "", fields)),))


def _pool_by_hand(draws: Draws, name: str, level: str) -> QuizQuestion:
    kind, stride = draws.pick(("max", "avg")), 2 if level == MEDIUM else 1
    size = 4 if level == MEDIUM else 3
    values = range(0, 20, 4) if kind == "avg" else range(20)
    matrix = _matrix(draws, size, values)
    fields = {"input": _written([matrix]), "pool": kind, "kernel": "2"}
    if stride == 1:
        fields["stride"] = "1"
    word = {"max": "max", "avg": "average"}[kind]
    text = f"Compute the 2x2 {word} pooling of X, stride {stride}."
    prompt = Prompt(name, "result", Question(f"convolve {name}", "", fields))
    return QuizQuestion(name, "by_hand", (text, _shown("X", [matrix])), (prompt,))


Rows = list[list[int]]


def _matrix(draws: Draws, size: int, values: range | tuple[int, ...]) -> Rows:
    return [[draws.pick(values) for _ in range(size)] for _ in range(size)]


def _written(channels: list[Rows]) -> str:
    return " | ".join("; ".join(" ".join(map(str, row)) for row in rows) for rows in channels)


def _shown(name: str, channels: list[Rows]) -> Matrix:
    return Matrix(name, tuple(tuple(tuple(map(str, row)) for row in rows) for rows in channels))


class _Network(NamedTuple):
    """A small network: its input, its layers as YAML and as text, and what is asked about them, with labels."""

    shape: str
    layers: list[str]
    lines: list[str]
    prompts: list[tuple[str, str]]

    def add(self, layer: str, line: str, **prompts: str) -> None:
        """Add a layer, and a prompt for each quantity with its label."""
        name = line.partition(":")[0]
        self.layers.append(layer)
        self.lines.append(line)
        self.prompts.extend((f"{name}.{quantity}", label) for quantity, label in prompts.items())


def networks(draws: Draws, name: str, level: str) -> QuizQuestion:
    """The shapes and parameters of a small network, and their sum."""
    network = _small_network(draws, level)
    block = (f"{name}_net:", "  layers:", *(f"    {layer}" for layer in network.layers))
    text = (
        f"A network takes a {network.shape} input (channels x height x width). "
        "Write shapes as channels x height x width."
    )
    prompts = tuple(_prompt(f"{name}.{quantity}", label) for quantity, label in network.prompts)
    inputs = ((f"{name}_input", network.shape),)
    call = (f"- {name}_net: {{from: {name}_input, name: {name}}}",)
    return QuizQuestion(name, "networks", (text, DrawnLayers(tuple(network.lines))), prompts, inputs, call, block)


def _small_network(draws: Draws, level: str) -> _Network:
    channels, size = draws.pick((1, 3)), draws.pick((28, 32, 36))
    first, second = draws.pick((6, 8, 10)), draws.pick((12, 16, 20))
    kernel = draws.pick((3, 5))
    units = draws.pick((10, 20, 30))
    size -= (size - kernel + 1) % 2
    pooled = (size - kernel + 1) // 2
    network = _Network(f"{channels}x{size}x{size}", [], [], [])
    network.add(
        f"- conv: {{filters: {first}, kernel: {kernel}, name: conv1}}",
        f"conv1: {first} filters of {kernel}x{kernel}, stride 1, no padding, with biases",
        shape="output shape of conv1",
        params="parameters of conv1",
    )
    network.add("- relu: {name: relu1}", "relu1")
    network.add(
        "- maxpool: {kernel: 2, name: pool1}", "pool1: 2x2 max pooling, stride 2", shape="output shape of pool1"
    )
    if level != EASY:
        other = 3 if (pooled - 3 + 1) % 2 == 0 or level != HARD else 4
        network.add(
            f"- conv: {{filters: {second}, kernel: {other}, padding: 1, name: conv2}}",
            f"conv2: {second} filters of {other}x{other}, stride 1, padding 1 on each side, with biases",
            shape="output shape of conv2",
            params="parameters of conv2",
        )
    network.add("- flatten: {name: flatten1}", "flatten1")
    network.add(
        f"- linear: {{units: {units}, name: linear1}}",
        f"linear1: fully connected, {units} units, with biases",
        params="parameters of linear1",
    )
    if level == HARD:
        network.prompts.append(("params", "parameters of the network"))
        network.prompts.append(("conv2.macs", f"{MACS} of conv2"))
    return network


TOPICS: dict[str, Callable[[Draws, str, str], QuizQuestion]] = {
    "sizes": sizes,
    "padding": paddings,
    "parameters": parameters,
    "fields": receptive_fields,
    "by_hand": by_hand,
    "networks": networks,
}
