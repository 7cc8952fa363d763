"""The table of what autograd saves; tests/analysis/test_memory.py compares its figures with torch's."""

from cnncli.analysis.saved_for_backward import RULES
from cnncli.layers import ALL


def test_every_layer_type_has_a_rule_and_nothing_else_has_one() -> None:
    assert set(RULES) == set(ALL)
