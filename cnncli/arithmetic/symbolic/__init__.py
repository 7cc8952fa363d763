"""Symbolic sizes: exact integer functions of letters such as H, e.g. ``floor((H - 27) / 16) + 1``.

A :class:`SymbolicSize` takes the place of a size and takes part in the same arithmetic, so that no formula is written
twice. :mod:`polynomial` has the terms and their arithmetic, :mod:`growth` slopes and periods, :mod:`comparison` the
comparisons and what they assume, :mod:`solving` the sizes that meet conditions, and :mod:`size` the number type.
"""

from cnncli.arithmetic.symbolic.growth import is_linear as is_linear
from cnncli.arithmetic.symbolic.growth import is_monotone as is_monotone
from cnncli.arithmetic.symbolic.growth import period as period
from cnncli.arithmetic.symbolic.growth import slope as slope
from cnncli.arithmetic.symbolic.polynomial import value_of as value_of
from cnncli.arithmetic.symbolic.size_comparison import assumptions as assumptions
from cnncli.arithmetic.symbolic.size_comparison import demands as demands
from cnncli.arithmetic.symbolic.solving import condition_for_equality as condition_for_equality
from cnncli.arithmetic.symbolic.solving import remainders_text as remainders_text
from cnncli.arithmetic.symbolic.solving import same as same
from cnncli.arithmetic.symbolic.solving import settled as settled
from cnncli.arithmetic.symbolic.solving import smallest as smallest
from cnncli.arithmetic.symbolic.solving import zeros as zeros
from cnncli.arithmetic.symbolic.symbolic_size import SymbolicSize as SymbolicSize
from cnncli.arithmetic.symbolic.symbolic_size import add_up as add_up
from cnncli.arithmetic.symbolic.symbolic_size import common_divisor as common_divisor
from cnncli.arithmetic.symbolic.symbolic_size import larger as larger
from cnncli.arithmetic.symbolic.symbolic_size import letter as letter
from cnncli.arithmetic.symbolic.symbolic_size import letters_of as letters_of
from cnncli.arithmetic.symbolic.symbolic_size import smaller as smaller
from cnncli.arithmetic.symbolic.symbolic_size import symbolic_shape as symbolic_shape
