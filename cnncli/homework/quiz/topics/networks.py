"""Small networks: their shapes and parameters, and tables of them with one mistake in it."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

from cnncli.arithmetic.shape import format_shape
from cnncli.homework.answer_key.sheet import Question
from cnncli.homework.languages.messages import text as message
from cnncli.homework.quiz.draws import Draws
from cnncli.homework.quiz.question import DrawnLayers, Prompt, QuizQuestion, Stated, Table, calculated
from cnncli.homework.quiz.topics.wording import EASY, HARD, MACS, MEDIUM, network_prompt
from cnncli.inference import LayerInfo

SHAPES = message("Write shapes as channels x height x width.")


class _Network(NamedTuple):
    """A small network: its input, its layers as YAML and as text, and the quantities that are asked, with layers."""

    shape: str
    layers: list[str]
    lines: list[str]
    prompts: list[tuple[str, str]]

    def add(self, layer: str, line: str, *quantities: str) -> None:
        """Add a layer, and a prompt for each of the quantities of it."""
        name = line.partition(":")[0]
        self.layers.append(layer)
        self.lines.append(line)
        self.prompts.extend((quantity, name) for quantity in quantities)

    def question(self, name: str, topic: str, text: str) -> QuizQuestion:
        """The network as a block of the quiz's network, without prompts."""
        block = (f"{name}_net:", "  layers:", *(f"    {layer}" for layer in self.layers))
        inputs = ((f"{name}_input", self.shape),)
        call = (f"- {name}_net: {{from: {name}_input, name: {name}}}",)
        return QuizQuestion(name, topic, (text, DrawnLayers(tuple(self.lines))), (), inputs, call, block)


def networks(draws: Draws, name: str, level: str) -> QuizQuestion:
    """The shapes and parameters of a small network, and their sum."""
    network = _small_network(draws, level)
    text = message(
        "A network takes a {shape} input (channels x height x width). {how}", shape=network.shape, how=SHAPES
    )
    prompts = tuple(
        network_prompt(".".join(filter(None, (name, layer, quantity))), *_asked(quantity, layer))
        for quantity, layer in network.prompts
    )
    return network.question(name, "networks", text)._replace(prompts=prompts)


def _asked(quantity: str, layer: str) -> tuple[str, str]:
    """The label and the request of a quantity of a layer, or of the network (an empty name)."""
    owner = layer or message("the network")
    if quantity == "shape":
        label = message("output shape of {layer}", layer=owner)
        return label, message("What is the output shape of {layer}?", layer=owner)
    if quantity == "macs":
        label = message("{macs} of {layer}", macs=MACS, layer=owner)
        return label, message("How many {macs} does {layer} take?", macs=MACS, layer=owner)
    return message("parameters of {layer}", layer=owner), message("How many parameters does {layer} have?", layer=owner)


def _small_network(draws: Draws, level: str) -> _Network:
    channels, size = draws.pick((1, 3)), draws.pick((28, 32, 36))
    first, second = draws.pick((4, 6, 8, 10)), draws.pick((12, 16, 20, 24))
    kernel, units = draws.pick((3, 5)), draws.pick((10, 20, 30, 40, 50, 100))
    size -= (size - kernel + 1) % 2
    pooled = (size - kernel + 1) // 2
    network = _Network(f"{channels}x{size}x{size}", [], [], [])
    network.add(
        f"- conv: {{filters: {first}, kernel: {kernel}, name: conv1}}",
        message("conv1: {filters} filters of {kernel}x{kernel}, stride 1, no padding, with biases",
                filters=first, kernel=kernel),
        "shape",
        "params",
    )  # fmt: skip
    network.add("- relu: {name: relu1}", "relu1")
    network.add("- maxpool: {kernel: 2, name: pool1}", message("pool1: 2x2 max pooling, stride 2"), "shape")
    if level != EASY:
        other = 3 if (pooled - 3 + 1) % 2 == 0 or level != HARD else 4
        network.add(
            f"- conv: {{filters: {second}, kernel: {other}, padding: 1, name: conv2}}",
            message("conv2: {filters} filters of {kernel}x{kernel}, stride 1, padding 1 on each side, with biases",
                    filters=second, kernel=other),
            "shape",
            "params",
        )  # fmt: skip
    network.add("- flatten: {name: flatten1}", "flatten1")
    network.add(
        f"- linear: {{units: {units}, name: linear1}}",
        message("linear1: fully connected, {units} units, with biases", units=units),
        "params",
    )
    if level == HARD:
        network.prompts.append(("params", ""))
        network.prompts.append(("macs", "conv2"))
    return network


# A table with a mistake in it ------------------------------------------------------------------------------------


class _Row(NamedTuple):
    """A layer in the table: its name, its output shape and its parameters."""

    layer: str
    shape: tuple[int, ...]
    params: int


class _Slip(NamedTuple):
    """A mistake: the layer that it is made in, its row with it, and what was done wrong."""

    row: _Row
    reason: str


REASONS = (
    message("the biases are missing"),
    message("the input channels are missing"),
    message("the + 1 in the size formula is missing"),
    message("the padding is ignored"),
    message("the input channels are kept as output channels"),
)
NO_BIASES, NO_CHANNELS, NO_PLUS_ONE, NO_PADDING, KEPT_CHANNELS = REASONS


def table(draws: Draws, name: str, level: str) -> QuizQuestion:
    """The layer with the mistake, and the mistake; medium: also in shapes; hard: carried on to later layers.

    Neither the names of the prompts nor the options give the layer away.
    """
    network = _small_network(draws, HARD if level == HARD else MEDIUM)
    text = message(
        "This table of a network with a {shape} input (channels x height x width) has a mistake in it.",
        shape=network.shape,
    )
    if level == HARD:
        text = message("{text} What follows from it in later layers is calculated from the wrong value.", text=text)
    question = network.question(name, "table", text)
    infos = {info.node.name.rpartition(".")[2]: info for info in calculated(question).layers.values()}
    slip = draws.pick([*_slips(infos, level)])
    cells = tuple((row.layer, format_shape(row.shape), str(row.params)) for row in _with_slip(infos, slip, level))
    shown = Table((message("layer"), message("output shape"), message("parameters")), cells)
    layers, right = tuple(infos), infos[slip.row.layer].stats
    line = message("correct: {layer}, {shape}, {params} parameters",
                   layer=slip.row.layer, shape=format_shape(right.output_shape), params=right.params)  # fmt: skip
    prompts = (
        _choice(f"{name}a", message("layer"), message("In which layer is the mistake?"), slip.row.layer, layers, line),
        _choice(f"{name}b", message("mistake"), message("What is the mistake?"), slip.reason, REASONS, line),
    )
    return question._replace(parts=(*question.parts, shown), prompts=prompts, inputs=(), layers=(), blocks=())


def _choice(name: str, label: str, request: str, value: str, choices: tuple[str, ...], line: str) -> Prompt:
    return Prompt(name, label, request, Question(name, "", {}), Stated(value, (line,), choices))


def _slips(infos: dict[str, LayerInfo], level: str) -> Iterator[_Slip]:
    """Mistakes in parameters; except for easy tables, in shapes as well; for hard ones, in shapes alone."""
    for layer, info in infos.items():
        stats, inputs = info.stats, info.input_shapes[0][0]
        row = _Row(layer, stats.output_shape, stats.params)
        if stats.params and level != HARD:
            weights = stats.params - stats.biases
            yield _Slip(row._replace(params=weights), NO_BIASES)
            if layer == "conv2":
                yield _Slip(row._replace(params=weights // inputs + stats.biases), NO_CHANNELS)
        if level != EASY and layer.startswith("conv"):
            filters, *sizes = stats.output_shape
            yield _Slip(row._replace(shape=(filters, *(n - 1 for n in sizes))), NO_PLUS_ONE)
            yield _Slip(row._replace(shape=(inputs, *sizes)), KEPT_CHANNELS)
            if padding := stats.windows[0].before:
                yield _Slip(row._replace(shape=(filters, *(n - 2 * padding for n in sizes))), NO_PADDING)


def _with_slip(infos: dict[str, LayerInfo], slip: _Slip, level: str) -> list[_Row]:
    """The rows of the table with the mistake, and for hard ones with what follows from it."""
    found: list[_Row] = []
    is_later = False
    for layer, info in infos.items():
        if layer == slip.row.layer:
            found.append(slip.row)
            is_later = level == HARD
        elif is_later:
            found.append(_carried(layer, info, found[-1].shape))
        else:
            found.append(_Row(layer, info.stats.output_shape, info.stats.params))
    return found


def _carried(layer: str, info: LayerInfo, shape: tuple[int, ...]) -> _Row:
    """A layer's row for another shape of its input."""
    kind = info.node.layer
    return _Row(layer, kind.output_shape((shape,)), sum(prod(weight) for weight in kind.weights((shape,)).values()))
