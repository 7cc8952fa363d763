"""The table of layers, and the same in other formats."""
