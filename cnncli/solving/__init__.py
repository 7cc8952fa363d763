"""The inverse: which windows, sizes, depths and widths give a wanted figure."""
