"""The type of a size: an integer, or symbolic (:mod:`cnncli.arithmetic.symbolic`)."""

Size = int  # to type checkers a symbolic size is an int as well

SIZE_LIMIT = 2**31


class Undecided(Exception):
    """A question about symbolic sizes has different answers at different sizes, however large they are."""
