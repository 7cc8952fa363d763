"""Marks and feedback for a class."""
