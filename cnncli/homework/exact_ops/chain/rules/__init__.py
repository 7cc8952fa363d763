"""The forward and the backward calculation of each layer type, one file per family; ``layer_rules`` has all."""
