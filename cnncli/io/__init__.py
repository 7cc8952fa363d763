"""Reading files and writing to terminals: limits, escaping, progress."""
