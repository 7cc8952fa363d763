"""Calculate, explain and train convolutional networks described by one YAML file.

``load("lenet5")`` reads a network and works out its figures; ``infer(graph)`` does so for a graph at hand.
"""

from cnncli.graph import Graph
from cnncli.inference import Facts, infer
from cnncli.loading import load

__version__ = "0.1.0"
__all__ = ["Facts", "Graph", "__version__", "infer", "load"]
