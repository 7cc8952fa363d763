"""Small networks: their shapes and parameters, and tables of them with one mistake in it."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

from cnncli.arithmetic.shape import format_shape
from cnncli.homework.answer_key.sheet import Question
from cnncli.homework.quiz.draws import Draws
from cnncli.homework.quiz.question import DrawnLayers, Prompt, QuizQuestion, Stated, Table, calculated
from cnncli.homework.quiz.topics.wording import EASY, HARD, MACS, MEDIUM, network_prompt
from cnncli.inference import LayerInfo

SHAPES = "Write shapes as channels x height x width."


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

    def question(self, name: str, topic: str, text: str) -> QuizQuestion:
        """The network as a block of the quiz's network, without prompts."""
        block = (f"{name}_net:", "  layers:", *(f"    {layer}" for layer in self.layers))
        inputs = ((f"{name}_input", self.shape),)
        call = (f"- {name}_net: {{from: {name}_input, name: {name}}}",)
        return QuizQuestion(name, topic, (text, DrawnLayers(tuple(self.lines))), (), inputs, call, block)


def networks(draws: Draws, name: str, level: str) -> QuizQuestion:
    """The shapes and parameters of a small network, and their sum."""
    network = _small_network(draws, level)
    text = f"A network takes a {network.shape} input (channels x height x width). {SHAPES}"
    prompts = tuple(
        network_prompt(f"{name}.{quantity}", label, _request(quantity, label)) for quantity, label in network.prompts
    )
    return network.question(name, "networks", text)._replace(prompts=prompts)


def _request(quantity: str, label: str) -> str:
    owner = label.rpartition(" of ")[2]
    if quantity.endswith("shape"):
        return f"What is the output shape of {owner}?"
    if quantity.endswith("macs"):
        return f"How many {MACS} does {owner} take?"
    return f"How many parameters does {owner} have?"


def _small_network(draws: Draws, level: str) -> _Network:
    channels, size = draws.pick((1, 3)), draws.pick((28, 32, 36))
    first, second = draws.pick((4, 6, 8, 10)), draws.pick((12, 16, 20, 24))
    kernel, units = draws.pick((3, 5)), draws.pick((10, 20, 30, 40, 50, 100))
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
    "the biases are missing",
    "the input channels are missing",
    "the + 1 in the size formula is missing",
    "the padding is ignored",
    "the input channels are kept as output channels",
)
NO_BIASES, NO_CHANNELS, NO_PLUS_ONE, NO_PADDING, KEPT_CHANNELS = REASONS


def table(draws: Draws, name: str, level: str) -> QuizQuestion:
    """The layer with the mistake, and the mistake; medium: also in shapes; hard: carried on to later layers.

    Neither the names of the prompts nor the options give the layer away.
    """
    network = _small_network(draws, HARD if level == HARD else MEDIUM)
    text = f"This table of a network with a {network.shape} input (channels x height x width) has a mistake in it."
    text += " What follows from it in later layers is calculated from the wrong value." if level == HARD else ""
    question = network.question(name, "table", text)
    infos = {info.node.name.rpartition(".")[2]: info for info in calculated(question).layers.values()}
    slip = draws.pick([*_slips(infos, level)])
    cells = tuple((row.layer, format_shape(row.shape), str(row.params)) for row in _with_slip(infos, slip, level))
    shown = Table(("layer", "output shape", "parameters"), cells)
    layers, right = tuple(infos), infos[slip.row.layer].stats
    line = f"correct: {slip.row.layer}, {format_shape(right.output_shape)}, {right.params} parameters"
    prompts = (
        _choice(f"{name}a", "layer", "In which layer is the mistake?", slip.row.layer, layers, line),
        _choice(f"{name}b", "mistake", "What is the mistake?", slip.reason, REASONS, line),
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
