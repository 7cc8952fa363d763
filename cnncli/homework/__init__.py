"""Homework: convolution and pooling worked by hand."""
