"""The right answers to questions that stand by themselves: one size, one convolution by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnncli.errors import CnnError
from cnncli.homework import mistakes
from cnncli.homework.sheet import Question
from cnncli.window import fits, left_over, output_size

if TYPE_CHECKING:
    from cnncli.homework.check import Truth

NO_FIT = "does not fit"


def _whole(question: Question, key: str, default: int | None) -> int:
    text = question.fields.get(key, "")
    if not text and default is not None:
        return default
    if not text.isdigit() or len(text) > 9:
        raise CnnError(f"{question.name}: {key} must be a whole number, not {text or 'nothing'}")
    return int(text)


def solve_truth(question: Question) -> Truth:
    """One size: ``{input: 7, kernel: 3, stride: 3, output: does not fit}``. With rounding: floor a rest is dropped."""
    from cnncli.homework.check import Truth
    from cnncli.solving.windows import window_for

    size, kernel = _whole(question, "input", None), _whole(question, "kernel", None)
    stride, dilation = _whole(question, "stride", 1), _whole(question, "dilation", 1)
    text = question.fields.get("padding", "0")
    padding: int | str = text if text in ("valid", "same", "full") else _whole(question, "padding", 0)
    if kernel < 1 or stride < 1 or dilation < 1 or size < 1:
        raise CnnError(f"{question.name}: sizes, strides and dilations are at least 1")
    window = window_for(size, kernel, stride, padding, dilation)
    room = size + window.before + window.after - window.span
    slide = mistakes.Slide(size, window, padding == "same")
    working = f"({size} + {window.before + window.after} - {window.span}) / {stride} + 1"
    if not fits(size, window):
        return Truth(NO_FIT, NO_FIT, (working, f"the kernel spans {window.span}"), {})
    output = output_size(size, window)
    candidates: dict[str, Any] = {
        name: value for name, value in mistakes.of_size(slide).items() if value not in (None, output)
    }
    if left_over(size, window) and question.fields.get("rounding", "exact") != "floor":
        candidates = {"does_not_fit_unreported": output, **candidates}
        return Truth(NO_FIT, NO_FIT, (working, f"{room / stride + 1:.4g} is not whole"), candidates)
    return Truth(output, str(output), (working, str(output)), candidates)


def convolve_truth(question: Question) -> Truth:
    """A convolution by hand: ``{input: "0 1 2; …", kernel: "0 1; 2 3", result: "19 25; 37 43"}``."""
    from cnncli.homework import by_hand, matrices
    from cnncli.homework.check import Truth

    x, kernel = (matrices.read(question.fields.get(key, "")) for key in ("input", "kernel"))
    while x.ndim < max(3, kernel.ndim):
        x = x[None]
    while kernel.ndim < x.ndim:
        kernel = kernel[None]
    stride, text = _whole(question, "stride", 1), question.fields.get("padding", "0")
    padding: int | str = text if text in ("valid", "same", "full") else _whole(question, "padding", 0)
    flip = question.fields.get("flip", "false").lower() in ("true", "yes")
    rank = x.ndim - 1

    def result(weights: Any, pad: int | str = padding, step: int = stride) -> Any:
        how = by_hand.sliding(x.shape[1:], weights.shape[2:], (step,) * rank, pad, (1,) * rank)
        return _nested(by_hand.simplest(by_hand.convolve(x, weights, [0] * len(weights), how)))

    weights = kernel[None]
    turned = by_hand.flipped(weights)
    truth = result(turned if flip else weights)
    candidates: dict[str, Any] = {
        "flip_missing": result(weights if flip else turned),
        "padding_ignored": result(weights, 0) if padding else None,
        "stride_ignored": result(weights, padding, 1) if stride > 1 else None,
    }
    candidates |= {f"flip_one_axis#{at}": result(one) for at, one in enumerate(_half_flipped(weights))}
    shown = "; ".join(" ".join(map(matrices.shown, row)) for row in truth)
    how = by_hand.sliding(x.shape[1:], kernel.shape[1:], (stride,) * rank, padding, (1,) * rank)
    steps = by_hand.convolution_steps(x, turned if flip else weights, [0], how)
    working = tuple(f"{step.working} = {matrices.shown(step.value)}" for step, _ in zip(steps, range(4), strict=False))
    wrong = {name: value for name, value in candidates.items() if value is not None and value != truth}
    return Truth(truth, shown, working, wrong)


def _half_flipped(weights: Any) -> list[Any]:
    swapped = [weights[..., ::-1]]
    if weights.ndim > 3:
        swapped.append(weights[..., ::-1, :])
        if weights.shape[-1] == weights.shape[-2]:
            swapped.append(weights.swapaxes(-1, -2))
    return swapped


def _nested(array: Any) -> tuple[tuple[Any, ...], ...]:
    """Rows of values; all maps below one another."""
    flat = array.reshape(-1, array.shape[-1])
    return tuple(tuple(row) for row in flat)
