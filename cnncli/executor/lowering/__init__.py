"""From a layer to PyTorch code and a module: one lowering per layer type, one file per family."""
