"""Networks side by side: ``cnn diff``."""
