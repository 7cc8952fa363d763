"""Calculate, explain and train convolutional networks described by one YAML file.

``load("lenet5")`` reads a network and works out its figures; ``infer(graph)`` does so for a graph at hand. Both are
imported when first asked for: the command line pays for what it uses, and ``cnn --help`` uses neither.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnncli.api import load
    from cnncli.graph import Graph
    from cnncli.inference import Facts, infer

__version__ = "0.2.0"
__all__ = ["Facts", "Graph", "__version__", "infer", "load"]

_HOMES = {"Facts": "inference", "Graph": "graph", "infer": "inference", "load": "api"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"cnncli.{_HOMES[name]}"), name)
