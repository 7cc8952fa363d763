"""Faster equivalents of consecutive layers."""
