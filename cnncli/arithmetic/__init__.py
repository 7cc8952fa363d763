"""The arithmetic of sizes: shapes, windows, receptive fields, symbolic and traced numbers."""
