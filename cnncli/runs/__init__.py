"""A training without torch: its task, its record, its run folder and its launcher's environment."""
