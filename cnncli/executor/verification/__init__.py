"""``cnn verify``: every calculated number against PyTorch, layer by layer."""
