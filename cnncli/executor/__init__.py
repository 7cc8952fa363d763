"""Everything that imports torch: builds, checks, trains and evaluates the network that a graph describes."""
