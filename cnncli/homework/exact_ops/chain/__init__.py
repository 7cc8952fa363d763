"""Chains of layers by hand: forward, loss and backward on exact numbers, each value with its expression.

``chain_reading`` takes the numbers from a file in the language; ``chain_run`` calculates. ``rules`` has the
forward and the backward calculation of each layer type.
"""
