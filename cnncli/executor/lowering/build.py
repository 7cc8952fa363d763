"""Layer -> PyTorch code -> module: the one place that knows the lowering of every layer type.

``cnn export`` writes the same code into a file, so that both compute the same by construction. As torch.fx does for its
graphs, the code is evaluated: it consists of numbers and of names that the lowerings choose, never of a user's text.
"""

from __future__ import annotations

from functools import lru_cache
from types import CodeType
from typing import Any, Self, TypeGuard, cast

from torch import Tensor, nn

from cnncli.executor.lowering import activation, conv, custom_modules, linear, merge, norm, pool, reshape
from cnncli.executor.lowering.code import Lowering, TorchCode
from cnncli.layers.base import Layer, Shapes

LOWERINGS: dict[type[Layer], Lowering] = {
    layer_type: lowering
    for family in (conv, linear, pool, activation, norm, reshape, merge)
    for layer_type, lowering in family.LOWERINGS.items()
}

FANS = "layer_fans"  # attribute of a layer's own module: (fan_in, fan_out), see ``Layer.fans``


def lower(layer: Layer, inputs: Shapes, own: str, variables: tuple[str, ...]) -> TorchCode:
    """The code of a layer for inputs of these shapes (without batch).

    ``own`` is what its module is called (``self.c1``), ``variables`` are what its inputs are called.
    """
    return LOWERINGS[type(layer)](layer, inputs, own, *variables)


def build(layer: Layer, inputs: Shapes) -> nn.Module:
    """The module of a layer for inputs of these shapes (without batch), with PyTorch's initial weights.

    Its parameters are named as in ``layer.weights``.
    """
    variables = _variables(inputs)
    code = lower(layer, inputs, "own", variables)
    own = cast("nn.Module | None", evaluated(code.module)) if code.module else None
    if own is not None:
        object.__setattr__(own, FANS, layer.fans(inputs))  # nn.Module declares tensors and modules alone
    if own is not None and code.forward == f"own({', '.join(variables)})":
        return own
    return Expression(layer, inputs, own, f"lambda self, own, {', '.join(variables)}: {code.forward}")


def fans_of(module: nn.Module) -> tuple[int, int] | None:
    """(fan_in, fan_out) of the layer that a module was built for; None if it has no weights to draw."""
    return cast("tuple[int, int] | None", vars(module).get(FANS))


def uncounted_macs(layer: Layer, inputs: Shapes) -> str:
    """Why PyTorch's FLOP counter does not confirm the layer's MACs; "" where it does."""
    return lower(layer, inputs, "own", _variables(inputs)).uncounted


def _variables(inputs: Shapes) -> tuple[str, ...]:
    return tuple(f"x{at}" for at in range(len(inputs)))


class Expression(nn.Module):
    """A layer without a module of its own, or whose output is more than a call of that module.

    It shares the dictionaries of parameters and buffers with its own module, and so has their names and values.
    ``layer`` and ``windows`` let the network recognize what it can fuse.
    """

    def __init__(self, layer: Layer, inputs: Shapes, own: nn.Module | None, function: str) -> None:
        super().__init__()
        self.layer, self.windows = layer, layer.windows(inputs)
        self.function = evaluated(function)
        self.hidden = (own,)  # a tuple, because a registered child would put its name before the parameters' names
        if own is not None:
            self._parameters, self._buffers = own._parameters, own._buffers

    def forward(self, *inputs: Tensor) -> Tensor:
        return cast(Tensor, self.function(self, self.hidden[0], *inputs))

    def train(self, mode: bool = True) -> Self:
        """Set training or evaluation mode, also for its own module, which is not a registered child."""
        for own in self.hidden:
            if own is not None:
                own.train(mode)
        return super().train(mode)


def weight_holder(module: nn.Module) -> nn.Module:
    """The module of PyTorch or of :mod:`custom_modules` whose type says what the parameters mean."""
    own = module.hidden[0] if isinstance(module, Expression) else None
    return own or module


def computes(module: nn.Module, layer_type: type[Layer]) -> TypeGuard[Expression]:
    """Whether a module is the expression of a layer of this type."""
    return isinstance(module, Expression) and isinstance(module.layer, layer_type)


def evaluated(code: str) -> Any:
    """The value of an expression, in the namespace that an exported file has: torch's, and the custom modules."""
    return eval(_compiled(code), vars(custom_modules))


@lru_cache(maxsize=1024)  # deep networks repeat their layers
def _compiled(code: str) -> CodeType:
    return compile(code, "<lowering>", "eval")
