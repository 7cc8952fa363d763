"""Images and tables without targets, for ``cnn predict``."""
