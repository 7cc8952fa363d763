"""What changes the weights in a step: optimizers, learning-rate schedules and averages of the weights."""
