"""File formats: archives, arrays, images."""
