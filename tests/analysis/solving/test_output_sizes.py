"""The input sizes that give a layer a wanted output size are those that trying every size finds."""

from __future__ import annotations

import pytest
from texts import loaded

from cnncli.analysis.solving.acceptance import symbolic_network
from cnncli.analysis.solving.output_sizes import Inputs, checked_layer, inputs_for, last_feature_map
from cnncli.errors import CnnError
from cnncli.inference import Inferred

STRIDED = "input: 1x30x30\nlayers:\n  - conv: {filters: 1, kernel: 3, stride: 2}\n  - maxpool: 2\n"
CEILED = "input: 1x30x30\nlayers:\n  - maxpool: {kernel: 2, stride: 3, rounding: ceil, padding: 1}\n"
GROWING = "input: 1x30x30\nlayers:\n  - upsample: 3\n  - conv: {filters: 1, kernel: 2, stride: 2}\n"
GAPS = """\
input: 1x30x30
layers:
  - conv: {filters: 1, kernel: 2, stride: 3, rounding: exact}
  - maxpool: 2
  - global_avgpool
  - linear: 3
"""
TRIED = range(1, 61)


def at(text: str, size: int) -> Inferred | None:
    try:
        return loaded(text, inputs={"": f"1x{size}x30"} if "exact" not in text else {"": f"1x{size}x29"}).inferred
    except CnnError:
        return None


def drops_nothing(inferred: Inferred) -> bool:
    return all(info.stats.dropped[0] == 0 for info in inferred.layers.values() if info.stats.windows)


@pytest.mark.parametrize("text", [STRIDED, CEILED, GROWING, GAPS])
def test_the_inputs_of_an_output_size_are_those_that_give_it(text: str) -> None:
    found = symbolic_network(loaded(text.replace("30x30", "29x29") if "exact" in text else text))
    tried = {size: inferred for size in TRIED if (inferred := at(text, size)) is not None}
    assert len(tried) > 10
    for layer in [name for name in found.inferred.layers if len(found.inferred.shape(name)) > 2][:2]:
        if not found.inferred.shape(layer)[1:] or "global" in layer:
            continue
        for wanted in range(1, 9):
            giving = [size for size, inferred in tried.items() if inferred.shape(layer)[1] == wanted]
            answer = inputs_for(found, layer, wanted)["H"]
            if giving and giving[-1] == max(tried):
                continue  # there may be larger ones
            if not giving:
                assert answer is None or answer.first > max(TRIED)
                continue
            exact = tuple(size for size in giving if drops_nothing(tried[size]))
            every = (*range(giving[0], giving[-1] + 1),)
            assert answer == Inputs(giving[0], giving[-1], exact[:5], () if every == (*giving,) else (*giving,))


def test_at_most_five_sizes_that_drop_nothing_are_listed() -> None:
    found = symbolic_network(
        loaded("input: 1x9x9\nlayers: [maxpool: {kernel: 9, rounding: ceil}, upsample: {size: 3}]\n")
    )
    assert inputs_for(found, "maxpool1", 2) == dict.fromkeys("HW", Inputs(10, 18, (10, 11, 12, 13, 14)))
    with pytest.raises(CnnError, match="upsample1: its size does not depend on one input size"):
        inputs_for(found, "upsample1", 3)


def test_the_layer_asked_of_is_the_last_feature_map_unless_another_one_is_named() -> None:
    net = loaded(
        "input: 1x30x30\nlayers:\n  - conv: {filters: 2, kernel: 3}\n  - maxpool: 2\n"
        "  - repeat: {times: 2, layers: [relu]}\n  - flatten\n  - linear: 3\n"
    )
    inferred = symbolic_network(net).inferred
    assert checked_layer(inferred, None) == last_feature_map(inferred) == [*inferred.layers][3]
    assert checked_layer(inferred, "conv1") == "conv1" and checked_layer(inferred, "repeat1") == [*inferred.layers][3]
    with pytest.raises(CnnError, match="--layer linear1: its output is a vector"):
        checked_layer(inferred, "linear1")
    sequence = symbolic_network(loaded("input: 4x30\nlayers: [conv: {filters: 2, kernel: 3}, global_avgpool]\n"))
    assert last_feature_map(sequence.inferred) == "conv1"
    with pytest.raises(CnnError, match="no layer's size depends on the input") as refused:
        last_feature_map(loaded("input: 1x9x9\nlayers: [relu]\n").inferred)
    assert refused.value.exit_code == 1
