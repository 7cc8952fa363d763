"""The backward pass on exact numbers: the gradients of the loss, from the upstream gradient at an output."""
