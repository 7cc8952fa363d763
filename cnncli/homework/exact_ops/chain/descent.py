"""A step of gradient descent by hand."""

from __future__ import annotations

from typing import Any

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.chain.calculation import Calculation, Index, for_each, product_text, steps_for
from cnncli.homework.exact_ops.chain.chain_reading import Chain
from cnncli.homework.exact_ops.chain.chain_run import ChainResult, GradientResult
from cnncli.homework.exact_ops.matrices import shown
from cnncli.homework.exact_ops.numbers import number


def learning_rate(text: str) -> Any:
    """A learning rate as it is written, above 0. Raises CnnError."""
    rate = number(text.strip())
    if isinstance(rate, str) or not rate > 0:
        raise CnnError(f"--lr {text[:40]}: the learning rate is not a number above 0", "write --lr 0.1")
    return rate


def descended(chain: Chain, result: ChainResult, rate: Any) -> ChainResult:
    """The result with the weights after a step, w - rate * gradient. Raises CnnError where nothing is trained."""
    if not result.gradients:
        raise CnnError("--lr requires gradients", "add --target 1 (a class, counted from 0), or --backward")
    trained = [each for each in result.gradients if each.name in chain.weights.get(each.node, ())]
    if not trained:
        raise CnnError("--lr has no effect: no layer has trained weights", "leave it out")
    return result._replace(updates=tuple(_step(chain.weights[each.node][each.name], each, rate) for each in trained))


def _step(weight: Any, of: GradientResult, rate: Any) -> GradientResult:
    gradient = of.gradient.value

    def expression(at: Index) -> str:
        return f"{shown(weight[at])} - {product_text(rate, gradient[at])}"

    value = for_each(lambda w, g: w - rate * g, weight, gradient)
    steps = steps_for(value, expression, has_batch=False)
    return of._replace(gradient=Calculation(value, "weight - learning rate * gradient", steps))
