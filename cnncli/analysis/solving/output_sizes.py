"""Which input sizes give a layer a wanted output size."""

from __future__ import annotations

from typing import Any, NamedTuple

from cnncli.analysis.solving.acceptance import PERIOD_LIMIT, SymbolicNetwork, acceptance
from cnncli.analysis.solving.size_set import EXAMPLES
from cnncli.arithmetic.shape import is_symbolic
from cnncli.arithmetic.symbolic import SymbolicSize, zeros
from cnncli.errors import NO, CnnError
from cnncli.inference import Inferred


class Inputs(NamedTuple):
    """The values of a letter that give a wanted output size, ``first`` to ``last``, and the first that drop nothing.

    ``sizes`` lists them all if some values between the first and the last do not give it; else it is empty.
    """

    first: int
    last: int
    exact: tuple[int, ...]
    sizes: tuple[int, ...] = ()


def inputs_for(found: SymbolicNetwork, layer: str, wanted: int) -> dict[str, Inputs | None]:
    """By letter, the values at which the feature map of ``layer`` has the size ``wanted``; None if none does."""
    shape = found.inferred.shape(layer)
    result: dict[str, Inputs | None] = {}
    for size in shape[1:]:
        form: Any = size
        if not isinstance(form, SymbolicSize) or len(form.letters) != 1:
            raise CnnError(f"{layer}: its size does not depend on one input size", "name another layer with --layer")
        (letter,) = form.letters
        sizes = acceptance(found, letter)
        within = tuple(n for n in zeros(form - wanted, letter)[:PERIOD_LIMIT] if n in sizes.accepted)
        exact = tuple(n for n in within if n in sizes.exact)[:EXAMPLES]
        gaps = within and len(within) < within[-1] - within[0] + 1
        result[letter] = Inputs(within[0], within[-1], exact, within if gaps else ()) if within else None
    return result


def last_feature_map(inferred: Inferred) -> str:
    """The last layer whose output is a feature map with a symbolic size: the one that an output size is asked of."""
    for name in reversed([*inferred.layers]):
        if any(map(is_symbolic, inferred.shape(name)[1:])):
            return name
    raise CnnError("no layer's size depends on the input", exit_code=NO)


def checked_layer(inferred: Inferred, layer: str | None) -> str:
    """The layer asked for (of a composite its output), or the last feature map.

    Raises CnnError for an unknown one, or a vector.
    """
    if layer is None:
        return last_feature_map(inferred)
    info = inferred.output_of(layer)
    if len(info.stats.output_shape) < 2:
        raise CnnError(f"--layer {layer}: its output is a vector", "name a layer before the flatten or the global pool")
    return info.node.name
