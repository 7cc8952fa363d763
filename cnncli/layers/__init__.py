"""All layer types: the classes with a ``kind`` in the modules of the families, in the order of the modules."""

from types import ModuleType

from cnncli.layers import activation, conv, linear, merge, norm, pool, reshape
from cnncli.layers.base import Layer, LocalReceptiveField, ShapeError, Shapes

FAMILIES = (conv, linear, pool, activation, norm, reshape, merge)


def _defined_in(family: ModuleType) -> list[type[Layer]]:
    """The layer types of a module: a base class has no kind, and an imported class belongs to another module."""
    return [
        entry
        for entry in vars(family).values()
        if isinstance(entry, type) and issubclass(entry, Layer) and entry.__module__ == family.__name__
        if entry.kind
    ]


ALL: tuple[type[Layer], ...] = tuple(layer for family in FAMILIES for layer in _defined_in(family))
KINDS: dict[str, type[Layer]] = {layer.kind: layer for layer in ALL}

__all__ = ["ALL", "KINDS", "Layer", "LocalReceptiveField", "ShapeError", "Shapes"]
