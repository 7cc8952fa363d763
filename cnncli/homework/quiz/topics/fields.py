"""Receptive fields: of a chain of layers, of what comes before a layer, and of branches that meet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cnncli.homework.languages.messages import text as message
from cnncli.homework.quiz.draws import Draws
from cnncli.homework.quiz.question import DrawnLayers, QuizQuestion
from cnncli.homework.quiz.topics.wording import EASY, HARD, MEDIUM, network_prompt

INPUT = 256  # per side: larger than every receptive field that is drawn
LARGEST = 127  # receptive fields of this size and below can be calculated by hand


class _Layer(NamedTuple):
    name: str
    kernel: int
    stride: int
    dilation: int = 1
    is_pool: bool = False

    @property
    def yaml(self) -> str:
        """The layer in the network of the quiz."""
        if self.is_pool:
            return f"- maxpool: {{kernel: {self.kernel}, stride: {self.stride}, name: {self.name}}}"
        dilation = f", dilation: {self.dilation}" if self.dilation > 1 else ""
        return f"- conv: {{filters: 4, kernel: {self.kernel}, stride: {self.stride}{dilation}, name: {self.name}}}"

    @property
    def line(self) -> str:
        """The layer in the text of the question."""
        known = {"name": self.name, "kernel": self.kernel, "stride": self.stride, "dilation": self.dilation}
        if self.is_pool:
            return message("{name}: {kernel}x{kernel} max pooling, stride {stride}", **known)
        if self.dilation > 1:
            return message("{name}: {kernel}x{kernel} convolution, stride {stride}, dilation {dilation}", **known)
        return message("{name}: {kernel}x{kernel} convolution, stride {stride}", **known)


def receptive_fields(draws: Draws, name: str, level: str) -> QuizQuestion:
    """The receptive field of the last of some layers; hard: with dilation, and its stride as well."""
    layers = [*_layers(draws, level)]
    while _size(layers) > LARGEST:
        layers = [*_layers(draws, level)]
    block = (f"{name}_net:", "  layers:", *(f"    {layer.yaml}" for layer in layers))
    text = message("A network has these layers, in this order, without padding.")
    parts = (text, DrawnLayers(tuple(layer.line for layer in layers)))
    request = message("What is the receptive field (per side) of the last layer on the input?")
    prompts = [network_prompt(f"{name}.last.receptive_field", message("receptive field"), request)]
    if level == HARD:
        request = message(
            "How many input pixels apart are the receptive fields of two neighboring units of the last layer?"
        )
        prompts.append(network_prompt(f"{name}.last.rf_stride", message("receptive field stride"), request))
    inputs = ((f"{name}_input", f"1x{INPUT}x{INPUT}"),)
    call = (f"- {name}_net: {{from: {name}_input, name: {name}}}",)
    return QuizQuestion(name, "fields", parts, tuple(prompts), inputs, call, block)


def _layers(draws: Draws, level: str) -> Iterator[_Layer]:
    depth = {EASY: draws.pick((2, 3)), MEDIUM: draws.pick((3, 4)), HARD: draws.pick((4, 5))}[level]
    dilated = draws.pick((1, depth)) if level == HARD else 0
    for at in range(1, depth + 1):
        name = f"layer{at}" if at < depth else "last"  # the same for every student, whatever the layers are
        if at % 2 == 0 and level != EASY and at != dilated:
            yield _Layer(name, draws.pick((2, 3)), draws.pick((2, 3) if level == MEDIUM else (2,)), is_pool=True)
            continue
        stride = draws.pick((1, 2) if level != EASY else (1, 2, 3))
        yield _Layer(name, draws.pick((3, 5, 7)), stride, draws.pick((2, 3)) if at == dilated else 1)


def _size(layers: list[_Layer]) -> int:
    """A bound of the receptive field, and of the smallest input: 1 + the sum of d (k - 1) times earlier strides."""
    size, stride = 1, 1
    for layer in layers:
        size += layer.dilation * (layer.kernel - 1) * stride
        stride *= layer.stride
    return size
