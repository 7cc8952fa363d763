"""One layer without a file."""
