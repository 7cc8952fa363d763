"""From a graph to a torch module: construction, initialization, weights, fusion."""
