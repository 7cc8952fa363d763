"""Inverse problems: which windows, sizes, depths and widths give a wanted quantity."""

QUANTITIES = ("params", "macs", "flops", "activations")  # that may have a budget, beside memory
