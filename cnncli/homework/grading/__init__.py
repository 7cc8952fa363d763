"""Answer keys, grades and feedback for a class."""
