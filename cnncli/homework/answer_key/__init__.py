"""Questions and their correct answers."""
