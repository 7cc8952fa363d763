"""The forward and the backward pass of a chain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, NamedTuple

from cnncli.errors import CnnError, Problem, counted
from cnncli.graph import Node
from cnncli.homework.exact_ops.chain.calculation import (
    Calculation,
    LayerWork,
    WorkedStep,
    for_each,
    place_text,
    places,
    sum_text,
)
from cnncli.homework.exact_ops.chain.chain_reading import Chain
from cnncli.homework.exact_ops.chain.fitting import batch, template
from cnncli.homework.exact_ops.chain.loss_names import LOSS_NAMES
from cnncli.homework.exact_ops.chain.losses import Loss, Outputs, loss_of
from cnncli.homework.exact_ops.chain.rules.layer_rules import rule_of
from cnncli.homework.exact_ops.chain.weight_sizes import Parts
from cnncli.layers.activation import Sigmoid

BITS_LIMIT = 4_000  # of a numerator or denominator: about 1,200 digits


class LayerResult(NamedTuple):
    """A node, its numbers, and its output, (N, *shape)."""

    node: Node
    work: LayerWork
    output: Calculation


class GradientResult(NamedTuple):
    """The gradient to something: ``conv1.weight``, ``the input of relu1``."""

    to: str
    node: str
    name: str
    gradient: Calculation


class ChainResult(NamedTuple):
    """The outputs of all layers; the loss, if there is a target; and the gradients in the order of calculation.

    ``updates`` are the weights after a step of gradient descent, if one was asked for.
    """

    layers: dict[str, LayerResult]
    loss: Loss | None = None
    gradients: tuple[GradientResult, ...] = ()
    updates: tuple[GradientResult, ...] = ()


def run_chain(chain: Chain, upstream: Parts | None = None) -> ChainResult:
    """Forward, and backward from the loss of the target, or from an upstream gradient. Raises CnnError."""
    layers = forward(chain)
    last = layers[chain.output]
    if upstream is not None:
        shape = last.output.value.shape[1:]
        given = batch(upstream, shape, "the upstream gradient")
        if len(given) != len(last.output.value):
            raise CnnError(
                f"{counted(len(given), 'upstream gradient')} for {counted(len(last.output.value), 'example')}",
                "give one per example",
            )
        return ChainResult(layers, None, (*_Backward(chain, layers).run(chain.output, given),))
    if chain.target is None:
        return ChainResult(layers)
    with _at_layer(last.node):
        loss = _loss(chain, last, chain.target)
    to = f"the input of {last.node.name}" if loss.through else f"the output of {last.node.name}"
    first = GradientResult(to, last.node.name, "input" if loss.through else "output", loss.gradient)
    start = last.node.inputs[0] if loss.through else last.node.name
    return ChainResult(layers, loss, (first, *_Backward(chain, layers).run(start, loss.gradient.value)))


@contextmanager
def _at_layer(node: Node) -> Iterator[None]:
    """Adds the layer and its place to errors."""
    place = node.origin("") if node.origin else None
    try:
        yield
    except CnnError as error:
        raise CnnError.of(
            [p._replace(place=p.place or place, layer=p.layer or node.name) for p in error.problems]
        ) from None
    except ArithmeticError:
        message = "a division by 0, the log of 0, or a number that is too large"
        raise CnnError.of([Problem(message, "use other numbers", place, node.name)]) from None


def forward(chain: Chain) -> dict[str, LayerResult]:
    """The output of every layer. Raises CnnError."""
    arrays = dict(chain.values)
    layers: dict[str, LayerResult] = {}
    for name, info in chain.inferred.layers.items():
        node = info.node
        work = LayerWork(node.layer, tuple(arrays[source] for source in node.inputs), chain.weights[name])
        with _at_layer(node):
            output = rule_of(node.layer).forward(work)
            _check_digits(output.value)
        arrays[name] = output.value
        layers[name] = LayerResult(node, work._replace(output=output.value), output)
    return layers


def _check_digits(array: Any) -> None:
    for value in array.reshape(-1):
        if (
            isinstance(value, int | Fraction)
            and max(value.numerator.bit_length(), value.denominator.bit_length()) > BITS_LIMIT
        ):
            raise CnnError("a number has more than 1,200 digits", "use numbers with fewer digits")


def _loss(chain: Chain, last: LayerResult, target: Parts) -> Loss:
    outputs = Outputs(last.output.value, None, type(last.node.layer), last.work.x)
    classes = _classes(target, outputs.value, chain.loss)
    wanted = _target_values(target, outputs.value) if classes is None else _one_hot(classes, outputs.value)
    outputs = outputs._replace(target=wanted)
    name = chain.loss or ("cross_entropy" if classes is not None else _usual_loss(outputs))
    if not name:
        kind = "binary_cross_entropy" if outputs.is_one_score or outputs.by is Sigmoid else "cross_entropy"
        more = ", hinge or mse" if outputs.is_one_score else " or mse"
        raise CnnError("which loss is meant for this target is not clear", f"choose the loss {kind}{more}")
    return loss_of(name, outputs)


def _usual_loss(outputs: Outputs) -> str:
    """The loss that goes with probabilities: of a softmax, or of one sigmoid whose target is 0 or 1; else ""."""
    is_binary = outputs.by is Sigmoid and outputs.is_one_score and {*outputs.target.reshape(-1)} <= {0, 1}
    return "cross_entropy" if outputs.is_normalized else "binary_cross_entropy" if is_binary else ""


def _target_values(target: Parts, y: Any) -> Any:
    """A target of the shape of the outputs y, (N, *shape). Of one number per example, a row has those of all."""
    shape, count = y.shape[1:], len(y)
    if shape == (1,) and count > 1 and len(target) == 1 and target[0].shape == (count,):
        return target[0].reshape(count, 1)
    wanted = batch(target, shape, "the target")
    if len(wanted) != count:
        several = f": {template(shape, count=count)}" if count > 1 else ""
        raise CnnError(
            f"{counted(len(wanted), 'target')} for {counted(count, 'example')}", f"give one per example{several}"
        )
    return wanted


def _classes(target: Parts, y: Any, loss: str) -> list[int] | None:
    """The classes of a target that is one integer per example, unless the loss is for numbers."""
    takes_numbers = LOSS_NAMES.get(loss) in ("mse", "binary_cross_entropy") or y.ndim != 2 or y.shape[1] == 1
    if takes_numbers or len(target) != 1 or target[0].shape != (len(y),):
        return None
    values = [*target[0]]
    count = y.shape[1]
    for value in values:
        if not isinstance(value, int) or not 0 <= value < count:
            raise CnnError(
                f"target {value}: there is no such class", f"the {count} classes are numbered from 0 to {count - 1}"
            )
    return values


def _one_hot(classes: list[int], like: Any) -> Any:
    found = for_each(lambda value: 0, like)
    for number, at in enumerate(classes):
        found[number, at] = 1
    return found


# Backward ---------------------------------------------------------------------------------------------------------


class _Backward:
    """Goes through the layers in reverse order, and adds the gradients where an output is read more than once."""

    def __init__(self, chain: Chain, layers: dict[str, LayerResult]) -> None:
        self.chain = chain
        self.layers = layers
        self.arrived: dict[str, list[Any]] = {}

    def run(self, start: str, gradient: Any) -> Iterator[GradientResult]:
        """The gradients to the weights and the inputs of all layers on which ``start`` depends."""
        self.arrived[start] = [gradient]
        for name in reversed(self.layers):
            if name in self.arrived:
                yield from self._sum(name, f"the output of {name}")
                yield from self._layer(name, self.arrived[name][0])
        for entry in self.chain.inferred.graph.inputs:
            if entry.name in self.arrived:
                yield from self._sum(entry.name, entry.name)

    def _sum(self, name: str, what: str) -> Iterator[GradientResult]:
        """The sum of the gradients from several layers, if there are several."""
        parts = self.arrived[name]
        if len(parts) == 1:
            return
        total = for_each(lambda *values: sum(values), *parts)

        def steps() -> Iterator[WorkedStep]:
            for index in places(total.shape):
                yield WorkedStep(place_text(index, total.shape), sum_text(part[index] for part in parts), total[index])

        self.arrived[name] = [total]
        formula = f"the sum of the gradients from its {len(parts)} readers"
        yield GradientResult(what, name, "output", Calculation(total, formula, steps))

    def _layer(self, name: str, upstream: Any) -> Iterator[GradientResult]:
        result = self.layers[name]
        with _at_layer(result.node):
            found = rule_of(result.node.layer).backward(result.work, upstream)
            for calculation in (*found.weights.values(), *found.inputs):
                _check_digits(calculation.value)
        for weight, gradient in found.weights.items():
            yield GradientResult(f"{name}.{weight}", name, weight, gradient)
        several = len(found.inputs) > 1
        for source, gradient in zip(result.node.inputs, found.inputs, strict=True):
            to = f"the input of {name}" if not several else f"the input {source} of {name}"
            yield GradientResult(to, name, source if several else "input", gradient)
            self.arrived.setdefault(source, []).append(gradient.value)
