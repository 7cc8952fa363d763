"""Analyses of an inferred network: explanations, memory, input regions, other tools' counts, solving."""
