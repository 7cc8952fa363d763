"""The inverse: which windows, sizes, depths and widths give a wanted figure."""

FIGURES = ("params", "macs", "flops", "activations")  # of a network, that may have a budget; beside memory
