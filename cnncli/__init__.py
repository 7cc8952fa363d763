"""Calculate, explain and train convolutional networks described by one YAML file.

``load("lenet5")`` reads a network and calculates its quantities; ``infer(graph)`` does so for an existing graph. Both
are imported on first use, because ``cnn --help`` needs neither and should start fast.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnncli.api import load
    from cnncli.graph import Graph
    from cnncli.inference import LayerInfo, infer

    Facts = LayerInfo

__version__ = "0.2.0"
__all__ = ["Facts", "Graph", "LayerInfo", "__version__", "infer", "load"]

_MODULES = {"Graph": "graph", "LayerInfo": "inference", "infer": "inference", "load": "api"}
_ALIASES = {"Facts": "LayerInfo"}  # earlier public names


def __getattr__(name: str) -> Any:
    current = _ALIASES.get(name, name)
    if current not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"cnncli.{_MODULES[current]}"), current)
