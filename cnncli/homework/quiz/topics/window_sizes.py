"""Sizes: the output, the input, or the padding of one window, and the output of a transposed convolution."""

from __future__ import annotations

from cnncli.arithmetic.window import Window, remainder
from cnncli.homework.languages.messages import Message
from cnncli.homework.languages.messages import text as message
from cnncli.homework.quiz.draws import Draws
from cnncli.homework.quiz.question import QuizQuestion
from cnncli.homework.quiz.topics.wording import (
    EASY,
    HARD,
    MEDIUM,
    Mistakes,
    article,
    convolve_prompt,
    drawn,
    fields,
    matrix,
    padded,
    solve_prompt,
    written,
)

OUTPUT_SIZE = message("What is the output size per side?")


def sizes(draws: Draws, name: str, level: str) -> QuizQuestion:
    """The size formula for the output; hard: with dilation and rounding, or for the input."""
    if level == HARD and draws.pick((True, False)):
        return _input_size(draws, name)
    kernel, stride, padding, dilation = draws.pick((3, 5, 7)), 1, draws.pick((0, 1, 2)), 1
    if level != EASY:
        stride, padding = draws.pick((2, 3, 4)), draws.pick((1, 2, 3))
    if level == HARD:
        dilation = draws.pick((2, 3))
    padding = min(padding, kernel // 2 * dilation)
    size = draws.integer(2 * kernel * dilation, 48 if level == EASY else 96)
    if level != HARD:  # a size at which the window fits exactly
        size -= remainder(size, Window(kernel, stride, padding, padding, dilation))
    text = message(
        "An input of {size}x{size} goes through {article} {kernel}x{kernel} convolution with {setting}.",
        size=size,
        article=article(kernel),
        kernel=kernel,
        setting=_setting(stride, padding, dilation),
    )
    known = fields(input=size, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    if level == HARD:
        known["rounding"] = "floor"
        text = message("{text} The size is rounded down.", text=text)
    return QuizQuestion(name, "sizes", (text,), (solve_prompt(name, message("output size"), OUTPUT_SIZE, known),))


def _setting(stride: int, padding: int, dilation: int = 1) -> Message:
    """``stride 2, padding 1 on each side, dilation 2``."""
    setting = message("stride {stride}, {padding}", stride=stride, padding=padded(padding))
    if dilation > 1:
        setting = message("{setting}, dilation {dilation}", setting=setting, dilation=dilation)
    return setting


def _input_size(draws: Draws, name: str) -> QuizQuestion:
    """The size formula for the input."""
    kernel, stride, output = draws.pick((3, 5, 7)), draws.pick((2, 3, 4)), draws.integer(7, 32)
    padding = draws.integer(1, kernel // 2)
    size = stride * (output - 1) + kernel - 2 * padding
    wrong: Mistakes = {
        message("forgot the + 1 in the size formula"): size + stride,
        message("ignored the padding"): size + 2 * padding,
        message("counted the padding on one side only"): size + padding,
        message("added the padding instead of subtracting it"): size + 4 * padding,
        message("ignored the kernel size"): stride * output,
    }
    text = message(
        "{article} {kernel}x{kernel} convolution with {setting}, gives an output of {output}x{output}. "
        "The window fits the padded input exactly.",
        article=article(kernel).capitalize(),
        kernel=kernel,
        setting=_setting(stride, padding),
        output=output,
    )
    known = fields(output=output, kernel=kernel, stride=stride, padding=padding) | {"find": "input"}
    asked = solve_prompt(name, message("input size"), message("What is the input size per side?"), known, wrong)
    return QuizQuestion(name, "sizes", (text,), (asked,))


def paddings(draws: Draws, name: str, level: str) -> QuizQuestion:
    """The size formula solved for the padding; hard: with dilation."""
    kernel = draws.pick((3, 5, 7, 9) if level == EASY else (3, 5, 7) if level == HARD else (5, 7, 9, 11))
    stride = 1 if level == EASY else draws.pick((2, 3, 4))
    dilation = draws.pick((2, 3)) if level == HARD else 1
    span = Window(kernel, dilation=dilation).effective_kernel
    padding = (kernel - 1) // 2 if level == EASY else draws.integer(1, span // 2)
    output = draws.integer(8, 64)
    size = stride * (output - 1) + span - 2 * padding
    known = fields(input=size, output=output, kernel=kernel, stride=stride, dilation=dilation) | {"find": "padding"}
    kind = {"article": article(kernel).capitalize(), "kernel": kernel, "stride": stride}
    text = message("{article} {kernel}x{kernel} convolution has stride {stride}.", **kind)
    if dilation > 1:
        text = message(
            "{article} {kernel}x{kernel} convolution has stride {stride} and dilation {dilation}.",
            **kind,
            dilation=dilation,
        )
    request = message(
        "Which padding per side maps {size}x{size} to {output}x{output} exactly?", size=size, output=output
    )
    missing = stride * output + span - size  # with n + 2p - k = s m, without the + 1
    wrong: Mistakes = {
        message("forgot the + 1 in the size formula"): missing // 2 if missing % 2 == 0 else None,
        message("ignored the stride"): (output - 1 + span - size) // 2
        if output + span > size + 1 and stride > 1
        else None,
        message("used k / 2 of the kernel size"): kernel // 2 if kernel // 2 != padding else None,
    }
    if dilation > 1:
        plain = stride * (output - 1) + kernel - size
        wrong[message("ignored the dilation")] = plain // 2 if plain >= 0 and plain % 2 == 0 else None
    return QuizQuestion(
        name, "padding", (text,), (solve_prompt(name, message("padding per side"), request, known, wrong),)
    )


def transposed(draws: Draws, name: str, level: str) -> QuizQuestion:
    """The size of a transposed convolution; medium: with output padding; hard: the values by hand."""
    if level == HARD:
        return _transposed_by_hand(draws, name)
    kernel, stride, size = draws.pick((2, 3, 4, 5)), draws.pick((2, 3)), draws.integer(4, 32)
    padding = draws.integer(0 if kernel == 2 else 1, max(1, kernel // 2))
    extra = draws.integer(1, stride - 1) if level == MEDIUM else 0
    known = fields(input=size, kernel=kernel, stride=stride, padding=padding) | {"transposed": "true"}
    known |= {"output_padding": str(extra)} if extra else {}
    setting = _setting(stride, padding)
    if extra:
        setting = message("{setting} and output padding {padding}", setting=setting, padding=extra)
    text = message(
        "An input of {size}x{size} goes through a transposed {kernel}x{kernel} convolution with {setting}.",
        size=size,
        kernel=kernel,
        setting=setting,
    )
    asked = solve_prompt(name, message("output size"), OUTPUT_SIZE, known)
    return QuizQuestion(name, "transposed", (text,), (asked,))


def _transposed_by_hand(draws: Draws, name: str) -> QuizQuestion:
    stride, size = draws.pick((1, 2)), draws.pick((2, 3))
    x, kernel = matrix(draws, 2, range(1, 7)), matrix(draws, size, (-1, 0, 1, 2, 3))
    known = {"input": written([x]), "kernel": written([kernel]), "transposed": "true"}
    known |= {"stride": str(stride)} if stride > 1 else {}
    text = message(
        "A transposed convolution has the input X, the kernel K, stride {stride} and no padding.", stride=stride
    )
    asked = convolve_prompt(name, message("output"), message("What is its output?"), known)
    parts = (text, drawn("X", [x]), drawn("K", [kernel]))
    return QuizQuestion(name, "transposed", parts, (asked,), points=2)
