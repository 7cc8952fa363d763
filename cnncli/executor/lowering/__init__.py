"""From a layer to its torch call."""
