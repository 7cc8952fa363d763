"""Counts: parameters and MACs of a convolution, the memory of tensors, and designs within a budget."""

from __future__ import annotations

from math import isqrt

from cnncli.homework.languages.messages import plural
from cnncli.homework.languages.messages import text as message
from cnncli.homework.quiz.draws import Draws
from cnncli.homework.quiz.question import Prompt, QuizQuestion
from cnncli.homework.quiz.topics.wording import (
    EASY,
    HARD,
    MACS,
    MEDIUM,
    Mistakes,
    article,
    network_prompt,
    number_prompt,
    unlike,
)

PARAMETERS = message("How many parameters does it have?")
MULTIPLICATIONS = message("How many {macs} does it take?", macs=MACS)
FULL = message("counted a full convolution")
FLOAT = 4  # bytes of a float32 number


def parameters(draws: Draws, name: str, level: str) -> QuizQuestion:
    """The parameters, and the MACs, of one convolution; hard: in groups, or depthwise separable."""
    if level == HARD and draws.pick((True, False)):
        return _separable(draws, name)
    groups = 1 if level != HARD else draws.pick((2, 4))
    channels = draws.pick((3, 4, 6, 8, 10) if level == EASY else (12, 16, 24, 32, 48))
    filters = draws.pick((4, 5, 10, 12, 20) if level == EASY else (20, 40, 48, 60, 64))
    kernel, size = draws.pick((3, 5, 7) if level == EASY else (3, 5)), draws.pick((10, 14, 20, 28, 32))
    bias = level == EASY or draws.pick((True, True, False))
    kernels = message("{filters} filters of {kernel}x{kernel}", filters=filters, kernel=kernel)
    if groups > 1:
        kernels = message("{kernels} in {groups} groups", kernels=kernels, groups=groups)
    text = message(
        "A convolution with {kernels}, stride 1, padding {padding} on each side, {biases}, takes {article} {input} "
        "input (channels x height x width).",
        kernels=kernels,
        padding=kernel // 2,
        biases=message("with biases") if bias else message("without biases"),
        article=article(channels),
        input=f"{channels}x{size}x{size}",
    )
    more = (f", groups: {groups}" if groups > 1 else "") + ("" if bias else ", bias: false")
    layer = f"from: {name}_input, name: {name}, filters: {filters}, kernel: {kernel}, padding: {kernel // 2}{more}"
    prompts = [network_prompt(f"{name}.params", message("parameters"), PARAMETERS)]
    if level != EASY:
        prompts.append(network_prompt(f"{name}.macs", MACS, MULTIPLICATIONS))
    inputs = ((f"{name}_input", f"{channels}x{size}x{size}"),)
    return QuizQuestion(name, "parameters", (text,), tuple(prompts), inputs, (f"- conv: {{{layer}}}",))


def _separable(draws: Draws, name: str) -> QuizQuestion:
    """A depthwise convolution followed by a pointwise one."""
    channels, filters = draws.pick((8, 16, 24, 32)), draws.pick((20, 40, 48, 64))
    kernel, size = draws.pick((3, 5)), draws.pick((14, 20, 28, 32))
    text = message(
        "A depthwise {kernel}x{kernel} convolution (one filter per channel, stride 1, padding {padding} on each "
        "side) is followed by a pointwise 1x1 convolution with {filters} filters. Neither has biases. The input is "
        "{input} (channels x height x width).",
        kernel=kernel,
        padding=kernel // 2,
        filters=filters,
        input=f"{channels}x{size}x{size}",
    )
    block = (
        f"{name}_net:", "  layers:",
        f"    - conv: {{filters: {channels}, kernel: {kernel}, padding: {kernel // 2}, groups: {channels}, "
        "bias: false, name: depthwise}",
        f"    - conv: {{filters: {filters}, kernel: 1, bias: false, name: pointwise}}",
    )  # fmt: skip
    full = channels * filters * kernel * kernel
    asked = (
        message("How many parameters do both have together?"),
        message("How many {macs} do both take together?", macs=MACS),
    )
    prompts = (
        network_prompt(f"{name}.params", message("parameters"), asked[0], {FULL: full}),
        network_prompt(f"{name}.macs", MACS, asked[1], {FULL: full * size * size}),
    )
    inputs = ((f"{name}_input", f"{channels}x{size}x{size}"),)
    call = (f"- {name}_net: {{from: {name}_input, name: {name}}}",)
    return QuizQuestion(name, "parameters", (text,), prompts, inputs, call, block)


def memory(draws: Draws, name: str, level: str) -> QuizQuestion:
    """The bytes of parameters; medium: of a batch of outputs; hard: of what a training step keeps per parameter."""
    channels, filters = draws.pick((3, 4, 6, 8, 12, 16)), draws.pick((8, 10, 12, 16, 20, 24, 32))
    kernel, size = draws.pick((3, 5, 7)), draws.pick((10, 16, 20, 28, 32))
    count = filters * (channels * kernel * kernel + 1)
    known = {"filters": filters, "kernel": kernel, "padding": kernel // 2}
    if level == MEDIUM:
        text = message(
            "A convolution with {filters} filters of {kernel}x{kernel}, stride 1, padding {padding} on each side, "
            "with biases, takes {article} {input} input (channels x height x width). All numbers are float32.",
            **known,
            article=article(channels),
            input=f"{channels}x{size}x{size}",
        )
    else:
        text = message(
            "A convolution with {filters} filters of {kernel}x{kernel}, stride 1, padding {padding} on each side, "
            "with biases, takes {channels} input channels. All numbers are float32.",
            **known,
            channels=channels,
        )
    if level == MEDIUM:
        return QuizQuestion(name, "memory", (text,), (_output_bytes(draws, name, filters, channels, size),))
    if level == HARD:
        return QuizQuestion(name, "memory", (text,), (_training_bytes(draws, name, count),))
    wrong: Mistakes = {
        message("gave the number of parameters"): count,
        message("counted bits"): 8 * FLOAT * count,
        message("counted 8 bytes per number"): 8 * count,
        message("forgot the biases"): FLOAT * (count - filters),
        message("forgot the input channels"): FLOAT * filters * (kernel * kernel + 1),
    }
    lines = (f"{FLOAT} * {filters} * ({channels} * {kernel} * {kernel} + 1)", str(FLOAT * count))
    asked = number_prompt(
        name, message("bytes"), message("How many bytes do its parameters take?"), FLOAT * count, lines, wrong
    )
    return QuizQuestion(name, "memory", (text,), (asked,))


def _output_bytes(draws: Draws, name: str, filters: int, channels: int, size: int) -> Prompt:
    batch = draws.pick((4, 8, 16, 32))
    values = batch * filters * size * size
    wrong: Mistakes = {
        message("gave the number of values"): values,
        message("counted one input, not the batch"): FLOAT * values // batch,
        message("counted the input of the convolution"): FLOAT * batch * channels * size * size
        if channels != filters
        else None,
        message("left out the channels"): FLOAT * batch * size * size,
        message("counted bits"): 8 * FLOAT * values,
    }
    lines = (f"{FLOAT} * {batch} * {filters} * {size} * {size}", str(FLOAT * values))
    request = message("How many bytes does its output take for a batch of {batch} inputs?", batch=batch)
    return number_prompt(name, message("bytes"), request, FLOAT * values, lines, wrong)


def _training_bytes(draws: Draws, name: str, count: int) -> Prompt:
    """Parameter, gradient, and what the optimizer keeps: nothing for SGD, one number with momentum, two for Adam."""
    optimizer, kept = draws.pick(((message("SGD with momentum"), 1), ("Adam", 2)))
    value = FLOAT * count * (2 + kept)
    wrong: Mistakes = {
        message("counted the parameters only"): FLOAT * count,
        message("counted the parameters and their gradients only"): 2 * FLOAT * count,
        message("left out the gradients"): FLOAT * count * (1 + kept),
        message("gave the number of values"): count * (2 + kept),
        message("counted bits"): 8 * value,
    }
    wrong = {phrase: number for phrase, number in wrong.items() if number != value}
    factors = message("{bytes} * (1 parameter + 1 gradient + {kept} of the optimizer) * {count}",
                      bytes=FLOAT, kept=kept, count=count)  # fmt: skip
    lines = (factors, str(value))
    request = message(
        "How many bytes do its parameters, their gradients and the state of the optimizer ({optimizer}) take "
        "during training?",
        optimizer=optimizer,
    )
    return number_prompt(name, message("bytes"), request, value, lines, wrong)


def budget(draws: Draws, name: str, level: str) -> QuizQuestion:
    """A design within a budget: of one layer, of layers for a receptive field, or of two layers of the same width."""
    return {EASY: _most_filters, MEDIUM: _fewest_layers, HARD: _most_width}[level](draws, name)


def _most_filters(draws: Draws, name: str) -> QuizQuestion:
    channels, kernel, most = draws.pick((3, 4, 6, 8, 16)), draws.pick((3, 5)), draws.integer(20, 120) * 100
    each = channels * kernel * kernel + 1
    wrong: Mistakes = {
        message("forgot the biases"): most // (each - 1),
        message("rounded up"): most // each + 1,
        message("forgot the input channels"): most // (kernel * kernel + 1),
        message("took the side of the kernel for its area"): most // (channels * kernel + 1),
    }
    text = message(
        "A {kernel}x{kernel} convolution with biases takes {channels} input channels.", kernel=kernel, channels=channels
    )
    request = message(
        "What is the largest number of filters for which it has at most {most} parameters?", most=f"{most:,}"
    )
    lines = (f"floor({most} / ({channels} * {kernel} * {kernel} + 1))", str(most // each))
    asked = number_prompt(name, message("filters"), request, most // each, lines, unlike(wrong, most // each))
    return QuizQuestion(name, "budget", (text,), (asked,))


def _fewest_layers(draws: Draws, name: str) -> QuizQuestion:
    kernel, least = draws.pick((3, 5, 7)), draws.integer(15, 120)
    count = -(-(least - 1) // (kernel - 1))
    wrong: Mistakes = {
        message("rounded down"): (least - 1) // (kernel - 1),
        message("added k instead of k - 1 for each layer"): -(-least // kernel),
        message("forgot the 1 that the receptive field starts with"): -(-least // (kernel - 1)),
    }
    text = message(
        "A network is a chain of {kernel}x{kernel} convolutions with stride 1. "
        "Its receptive field must be at least {least}x{least}.",
        kernel=kernel,
        least=least,
    )
    lines = (f"ceil(({least} - 1) / ({kernel} - 1))", str(count))
    request = message("What is the smallest number of layers?")
    asked = number_prompt(name, message("layers"), request, count, lines, unlike(wrong, count))
    return QuizQuestion(name, "budget", (text,), (asked,))


def _most_width(draws: Draws, name: str) -> QuizQuestion:
    """Two 3x3 convolutions of width w: (9 c + 1) w + (9 w + 1) w <= the budget."""
    channels, most = draws.pick((1, 3, 4)), draws.integer(20, 200) * 100
    width = _width(9, 9 * channels + 2, most)
    wrong: Mistakes = {
        message("forgot the biases"): _width(9, 9 * channels, most),
        message("left out the first layer"): _width(9, 1, most),
        message("took the input channels for those of the second layer"): most // (18 * channels + 2),
        message("rounded up"): width + 1,
    }
    text = plural(
        "A 3x3 convolution takes {count} input channel, and a second 3x3 convolution takes its output. Both have the "
        "same number of filters, with biases.",
        "A 3x3 convolution takes {count} input channels, and a second 3x3 convolution takes its output. Both have the "
        "same number of filters, with biases.",
        channels,
    )
    request = message(
        "What is the largest number of filters (of each) for at most {most} parameters in total?", most=f"{most:,}"
    )
    total = width * (9 * width + 9 * channels + 2)
    lines = (
        f"(9 * {channels} + 1) * {width} + (9 * {width} + 1) * {width} = {total}",
        message("(at most {limit})", limit=most),
    )
    asked = number_prompt(name, message("filters"), request, width, lines, unlike(wrong, width))
    return QuizQuestion(name, "budget", (text,), (asked,))


def _width(square: int, linear: int, most: int) -> int:
    """The largest w with square w^2 + linear w <= most."""
    return (isqrt(linear * linear + 4 * square * most) - linear) // (2 * square)
