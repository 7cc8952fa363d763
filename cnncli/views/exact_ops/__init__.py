"""What ``cnn convolve`` prints."""
