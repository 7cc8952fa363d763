"""How each quantity of a layer is derived: the formula, the formula with its numbers, the result.

A layer's own methods are called with sizes and fields that record their derivation (:mod:`cnncli.arithmetic.tracing`),
so a formula is the very computation that gave the result.
"""

from cnncli.analysis.explanation.initialization import INITIALIZATION as INITIALIZATION
from cnncli.analysis.explanation.layer import explain as explain
from cnncli.analysis.explanation.network import Reference as Reference
from cnncli.analysis.explanation.network import explain_total as explain_total
from cnncli.analysis.explanation.network import references as references
from cnncli.analysis.explanation.network import totals as totals
from cnncli.analysis.explanation.steps import DerivationStep as DerivationStep
from cnncli.analysis.explanation.steps import Explanation as Explanation
from cnncli.analysis.explanation.steps import symbols_of as symbols_of
from cnncli.analysis.explanation.symbols import traced_window as traced_window
