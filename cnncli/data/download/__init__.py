"""Downloading the files of a published dataset, and finding those that are already on disk."""
