"""A training from the command to the run folder, and predictions from such a folder."""
