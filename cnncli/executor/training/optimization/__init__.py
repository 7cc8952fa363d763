"""The updates of the weights in a step: optimizers, learning-rate schedules and averages of the weights."""
