"""Other ways to compute a convolution: as a product of matrices, separably, and what each method costs."""
