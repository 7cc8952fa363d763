"""The only home of torch: builds, checks, trains and evaluates what the graph describes."""
