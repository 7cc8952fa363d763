"""Drawings: input regions, sample images of a dataset, and predicted masks, written as image files."""
