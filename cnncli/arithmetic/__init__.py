"""What a size is and how it is calculated: shapes, windows, receptive fields, symbolic and traced numbers."""
