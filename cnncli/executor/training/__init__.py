"""The training loop and what it needs: state, optimizers, losses, evaluation."""
