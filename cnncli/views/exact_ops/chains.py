"""What a chain of layers gives, by hand: each layer's output, the loss and the gradients, as text or as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cnncli.arithmetic.shape import format_shape
from cnncli.errors import CnnError
from cnncli.views.listing import as_json

if TYPE_CHECKING:
    from cnncli.homework.exact_ops.chain.calculation import Calculation, WorkedStep
    from cnncli.homework.exact_ops.chain.chain_run import ChainResult, LayerResult
    from cnncli.homework.exact_ops.chain.losses import Loss

WIDTH = 80
STEPS_LIMIT = 10_000


def chain_text(result: ChainResult, *, steps: bool) -> str:
    """The text of a chain, at most 80 columns wide; ``steps`` adds the expression of each value."""
    blocks = [[*_layer(layer, steps=steps)] for layer in result.layers.values()]
    if result.loss is not None:
        blocks += _loss(result.loss, steps=steps)
    for found in result.gradients:
        head = f"gradient to {found.to}"
        blocks.append([*_block(head, found.gradient, steps=steps, has_batch=_has_batch(found.name))])
    for found in result.updates:
        blocks.append([*_block(f"{found.to} after the step", found.gradient, steps=steps, has_batch=False)])
    _check_length(blocks, steps=steps)
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def tie_notes(result: ChainResult) -> Iterator[str]:
    """A note on each layer that takes maxima, where its gradient depends on which of equal ones it takes."""
    from cnncli.homework.exact_ops.chain.rules.pools import tied_windows
    from cnncli.views.exact_ops.gradients import tie_text

    for name in dict.fromkeys(found.node for found in reversed(result.gradients)):
        if name in result.layers and (tied := tied_windows(result.layers[name].work)):
            yield f"{name}: {tie_text(tied)}"


def _has_batch(name: str) -> bool:
    return name not in ("weight", "bias")


def _check_length(blocks: list[list[str]], *, steps: bool) -> None:
    if sum(map(len, blocks)) > STEPS_LIMIT:
        what, hint = ("--steps", "") if steps else ("the result", ", or --format json")
        raise CnnError(f"{what}: more than {STEPS_LIMIT:,} lines (the limit)", f"use a smaller input{hint}")


def _layer(layer: LayerResult, *, steps: bool) -> Iterator[str]:
    node = layer.node
    before = " and ".join(format_shape(shape) for shape in layer.work.shapes)
    head = f"{node.name} ({node.layer.kind}): {before} -> {format_shape(layer.output.value.shape[1:])}"
    yield from _block(head, layer.output, steps=steps)


def _loss(loss: Loss, *, steps: bool) -> Iterator[list[str]]:
    from cnncli.homework.exact_ops.matrices import shown

    if loss.probabilities is not None:
        yield [*_block(f"{loss.of_scores} of the scores", loss.probabilities, steps=steps)]
    lines = [*_steps(loss.value)] if steps else []
    yield [*lines, f"{loss.name} {_sign(loss.value.value)} {shown(loss.value.value[0])}"]


def _block(head: str, found: Calculation, *, steps: bool, has_batch: bool = True) -> Iterator[str]:
    """A heading, the formula and the steps if asked for, and the matrices."""
    is_rounded = _sign(found.value) != "="
    yield from _wrapped(f"{head}{', rounded' if is_rounded else ''}")
    if steps:
        yield from _wrapped(f"  {found.formula}", "  ") if found.formula else ()
        yield from _steps(found)
    yield from _matrices(found.value, has_batch=has_batch)


def _steps(found: Calculation) -> Iterator[str]:
    for step in found.steps():
        yield from _wrapped(_step(step))


def _step(step: WorkedStep) -> str:
    from cnncli.homework.exact_ops.matrices import shown

    value = shown(step.value)
    equals = "" if step.expression == value else f" {_sign(step.value)} {value}"
    return f"{step.place}: {step.expression}{equals}"


def _sign(value: Any) -> str:
    """``≈`` for values that are rounded."""
    from cnncli.homework.exact_ops.chain.approximate import is_approximate

    return "≈" if is_approximate(value) else "="


def _matrices(value: Any, *, has_batch: bool) -> Iterator[str]:
    from cnncli.homework.exact_ops.matrices import lines

    if not has_batch or len(value) == 1 or value.ndim == 2:  # vectors are the rows of a matrix
        yield from lines(_squeezed(value[0] if has_batch and len(value) == 1 else value), WIDTH)
        return
    for number, example in enumerate(value):
        yield f"example {number}:"
        yield from lines(_squeezed(example), WIDTH)


def _squeezed(array: Any) -> Any:
    """The array without leading axes of size 1, so that a single channel is shown as a matrix."""
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    return array


def _wrapped(line: str, indent: str = "    ") -> list[str]:
    """A line in several of at most 80 columns; only spaces are broken."""
    if len(line) <= WIDTH:
        return [line]
    return textwrap.wrap(
        line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )


# JSON -------------------------------------------------------------------------------------------------------------


def chain_json(result: ChainResult, *, steps: bool) -> str:
    """A record of the layers, the loss and the gradients; ``exact`` is false for values that are rounded."""
    record: dict[str, Any] = {
        "layers": [
            {
                "name": layer.node.name,
                "type": layer.node.layer.kind,
                "shape": [*map(int, layer.output.value.shape[1:])],
                **_record("output", layer.output, steps=steps),
            }
            for layer in result.layers.values()
        ]
    }
    if result.loss is not None:
        probabilities = result.loss.probabilities
        found = result.loss.value
        record["loss"] = {
            "name": result.loss.name,
            **_record("value", found._replace(value=found.value[0]), steps=steps),
        }
        if probabilities is not None:
            record["probabilities"] = _record("value", probabilities, steps=steps)
    if result.gradients:
        record["gradients"] = [
            {
                "layer": found.node,
                "to": found.name,
                **_record("value", found.gradient, steps=steps, has_batch=_has_batch(found.name)),
            }
            for found in result.gradients
        ]
    if result.updates:
        record["updates"] = [
            {
                "layer": found.node,
                "weight": found.name,
                **_record("value", found.gradient, steps=steps, has_batch=False),
            }
            for found in result.updates
        ]
    return as_json(record, indent=None)


def _record(name: str, found: Calculation, *, steps: bool, has_batch: bool = True) -> dict[str, Any]:
    from cnncli.homework.exact_ops.matrices import plain

    value = found.value
    is_array = hasattr(value, "shape")
    single = value[0] if is_array and has_batch and len(value) == 1 else value
    record: dict[str, Any] = {name: plain(single), "exact": _sign(value) == "="}
    if steps:
        record["steps"] = [
            {"position": _position(step.place), "working": step.expression, "value": plain(step.value)}
            for step in found.steps()
        ]
    return record


def _position(place: str) -> str:
    """``0,1`` for ``(0,1)``, as of convolutions; other places are words."""
    return place[1:-1] if place.startswith("(") else place
