"""Convolution and pooling on exact numbers, window by window.

Arrays are (C, *spatial), kernels (filters, C, *kernel). Numbers are integers or fractions and stay exact; images are
floats. A "convolution" is a cross-correlation, as in all libraries, unless the kernel is flipped.
"""
