"""Comparing given answers with the correct ones."""
