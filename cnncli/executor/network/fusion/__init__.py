"""Faster equivalents of layers that follow each other."""
