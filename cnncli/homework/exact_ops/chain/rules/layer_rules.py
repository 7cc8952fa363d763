"""The layer types that are calculated by hand: one table."""

from __future__ import annotations

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.chain.calculation import LayerRule
from cnncli.homework.exact_ops.chain.rules.activations import ACTIVATIONS
from cnncli.homework.exact_ops.chain.rules.connections import CONNECTIONS
from cnncli.homework.exact_ops.chain.rules.convolutions import CONVOLUTIONS
from cnncli.homework.exact_ops.chain.rules.interpolation import INTERPOLATIONS
from cnncli.homework.exact_ops.chain.rules.linear import VECTOR_LAYERS
from cnncli.homework.exact_ops.chain.rules.local_response import LOCAL_RESPONSES
from cnncli.homework.exact_ops.chain.rules.moving import MERGES, MOVES
from cnncli.homework.exact_ops.chain.rules.norms import NORMS
from cnncli.homework.exact_ops.chain.rules.pools import POOLS
from cnncli.homework.exact_ops.chain.rules.softmax import SOFTMAXES
from cnncli.layers import ALL, Layer
from cnncli.layers.norm import LocalContrastNorm

RULES: dict[type[Layer], LayerRule] = {
    **CONVOLUTIONS,
    **VECTOR_LAYERS,
    **POOLS,
    **ACTIVATIONS,
    **SOFTMAXES,
    **NORMS,
    **LOCAL_RESPONSES,
    **INTERPOLATIONS,
    **CONNECTIONS,  # replaces the rule of a conv, which may have a table of connections
    **MOVES,
    **MERGES,
}
REASONS: dict[type[Layer], str] = {  # why a layer type has no rule
    LocalContrastNorm: "its windows are Gaussian",
}
UNSUPPORTED: tuple[type[Layer], ...] = tuple(layer for layer in ALL if layer not in RULES)


def rule_of(layer: Layer) -> LayerRule:
    """The rule of a layer. Raises CnnError for one that is not calculated by hand."""
    if type(layer) not in RULES:
        others = ", ".join(sorted(other.kind for other in UNSUPPORTED))
        raise CnnError(
            f"{layer.kind} cannot be calculated by hand ({REASONS[type(layer)]})",
            f"remove it; every layer type but {others} can be calculated",
        )
    return RULES[type(layer)]
