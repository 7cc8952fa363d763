"""Convolution and pooling on exact numbers."""
