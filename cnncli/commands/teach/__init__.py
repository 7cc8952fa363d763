"""Commands for homework."""
