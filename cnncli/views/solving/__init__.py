"""The answers of ``cnn solve``: each as a record for JSON and as lines of text."""
