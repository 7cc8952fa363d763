"""One size: a whole number, or one that stays open, of which :mod:`cnncli.arithmetic.symbolic` has the arithmetic."""

Size = int  # to type checkers an open size is a number as well

SIZE_LIMIT = 2**31


class Undecided(Exception):
    """A question about open sizes that is answered differently for different sizes, however large they are."""
