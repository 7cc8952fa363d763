"""Chains of layers by hand: forward, loss and backward on exact numbers, each value with its expression.

``chain_text`` finds what is written in a file or in options, ``chain_reading`` takes the network and the numbers from
it, and ``chain_run`` calculates. ``rules`` has the forward and the backward calculation of each layer type.
"""
