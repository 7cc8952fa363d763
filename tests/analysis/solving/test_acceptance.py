"""What a network accepts, by arithmetic, is what trying every size finds."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, assume, given, settings
from networks import networks

from cnncli.analysis.solving.acceptance import acceptance, joint_conditions, symbolic_network
from cnncli.analysis.solving.output_sizes import inputs_for
from cnncli.analysis.solving.size_set import SizeSet
from cnncli.arithmetic.shape import format_input_shape
from cnncli.errors import CnnError
from cnncli.inference import Inferred
from cnncli.language import Source
from cnncli.loading import Loaded, load, load_source
from cnncli.views.solving.acceptance import acceptance_lines, as_record

SAME_PATHS = """\
input: 1x64x64
layers:
  - conv: {filters: 4, kernel: 3, padding: same, name: a}
  - maxpool: 2
  - conv: {filters: 4, kernel: 3, padding: same, name: b}
  - maxpool: 2
  - conv: {filters: 4, kernel: 3, padding: same}
  - upsample: 2
  - concat: [upsample1, b]
  - upsample: 2
  - concat: [upsample2, a]
"""
ONE_SIZE = """\
input: 1x32x32
layers:
  - conv: {filters: 4, kernel: 3, name: a}
  - upsample: {size: 30}
  - concat: [a, upsample1]
"""
EXACT = "input: 1x9x9\nlayers:\n  - conv: {filters: 2, kernel: 3, stride: 2, rounding: exact}\n  - maxpool: 3\n"
TRIED = range(1, 70)


def read(text: str, **inputs: str) -> Loaded:
    return load_source(Source("net.yaml", text), "net", inputs={"": inputs["input"]} if inputs else {})


UPSAMPLED = "input: 3x32x32\nlayers:\n  - upsample: 2\n  - conv: {filters: 4, kernel: 3, stride: 2}\n"
HANGING = "input: 3x32x32\nlayers:\n  - maxpool: {kernel: 2, stride: 3, rounding: ceil}\n"
STRETCHED = """\
input: 1x4x4
layers:
  - maxpool: {kernel: 1, stride: 2, rounding: ceil, name: half}
  - maxpool: {kernel: 1, stride: 4, rounding: ceil, name: quarter, from: input}
  - add: [half, quarter]
"""
BORDER = "input: 1x9x9\nlayers:\n  - conv: {filters: 1, kernel: 9, stride: 5, padding: same, padding_mode: reflect}\n"
STEPS = "input: 1x14x14\nlayers:\n  - maxpool: 4\n  - upsample: {size: 3}\n  - concat: [maxpool1, upsample1]\n"


def worked_out(loaded: Loaded, shape: tuple[int, ...]) -> Inferred | None:
    """The network at an input shape, or None where it does not work."""
    inputs = {entry.name: format_input_shape(shape) for entry in loaded.graph.inputs}
    try:
        return load_source(loaded.source, "net", inputs=inputs).inferred
    except CnnError:
        return None


def tried(loaded: Loaded, along: int, others: tuple[int, ...]) -> tuple[set[int], set[int], set[int]]:
    """By working each size of an axis out: those that are accepted, drop nothing, drop nothing but padding.

    A layer's axis counts where its size changes with the input's axis, or with none.
    """
    channels = loaded.graph.inputs[0].shape[0]

    def shape(axis: int, size: int) -> tuple[int, ...]:
        return (channels, *(size if at == axis else other for at, other in enumerate(others)))

    moving: dict[int, set[tuple[str, int]]] = {}
    for axis in range(len(others)):
        here = worked_out(loaded, shape(axis, others[axis]))
        there = worked_out(loaded, shape(axis, others[axis] + 48))
        moving[axis] = set()
        for name in here.layers if here and there else ():
            assert here is not None and there is not None
            sizes = here.layers[name].input_shapes[0][1:], there.layers[name].input_shapes[0][1:]
            moving[axis] |= {(name, at) for at, pair in enumerate(zip(*sizes, strict=True)) if pair[0] != pair[1]}
    elsewhere = set().union(*(moving[axis] for axis in moving if axis != along))
    accepted, exact, padding = set(), set(), set()
    for size in TRIED:
        inferred = worked_out(loaded, shape(along, size))
        if inferred is None:
            continue
        accepted.add(size)
        lost = [
            (count, window.after)
            for name, info in inferred.layers.items()
            if info.stats.windows and not info.node.layer.transposed
            for at, (count, window) in enumerate(zip(info.stats.dropped, info.stats.windows, strict=True))
            if (name, at) not in elsewhere
        ]
        if all(count == 0 for count, _ in lost):
            exact.add(size)
        if all(count <= after for count, after in lost):
            padding.add(size)
    return accepted, exact, padding


def compared(loaded: Loaded) -> bool:
    """Compares what is said of every axis with trying every size; False where no answer could be tried."""
    found = symbolic_network(loaded)
    answers = [acceptance(found, letter) for letter in found.letters]
    if not all(answer.accepted.examples(1) for answer in answers) or joint_conditions(found):
        return False
    for axis, answer in enumerate(answers):
        # the other sizes are large ones that work, at which nothing hides what this one does
        others = tuple((other.exact.examples(20) or other.accepted.examples(20))[-1] for other in answers)
        accepted, exact, padding = tried(loaded, axis, others)
        assert {n for n in TRIED if n in answer.accepted} == accepted
        assert {n for n in TRIED if n in answer.exact} == exact
        assert {n for n in TRIED if n in answer.padding_alone} == padding
    return True


@pytest.mark.parametrize(
    "text",
    [
        *(SAME_PATHS, ONE_SIZE, EXACT, UPSAMPLED, HANGING, STRETCHED, BORDER, STEPS),
        *(load(name).source.text for name in ("lenet5", "allconv", "network3", "resnet18")),
    ],
    ids=[
        *("same paths", "one size", "exact", "upsampled", "hanging", "stretched", "border", "steps"),
        *("lenet5", "allconv", "network3", "resnet18"),
    ],
)
def test_what_is_accepted_is_what_trying_every_size_finds(text: str) -> None:
    assert compared(read(text))


def test_random_networks_accept_and_drop_what_trying_every_size_finds() -> None:
    outcomes: Counter[bool] = Counter()

    @settings(max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(networks())
    def compare(text: str) -> None:
        try:
            loaded = load_source(Source("random.yaml", text), "random")
            symbolic_network(loaded)
        except CnnError:
            assume(False)
            return
        assume(len(loaded.graph.inputs[0].shape) < 4)
        outcomes[compared(loaded)] += 1

    compare()
    assert outcomes[True] > 4


@pytest.mark.parametrize(
    ("name", "wanted", "first", "last", "exact"),
    [("resnet50", 7, 193, 224, 193), ("lenet5", 5, 28, 31, 28), ("vgg16", 7, 224, 255, 224)],
)
def test_a_wanted_output_has_a_range_of_inputs_that_give_it(
    name: str, wanted: int, first: int, last: int, exact: int
) -> None:
    loaded = load(name)
    found = symbolic_network(loaded)
    layer = {"resnet50": "stage4.more.1.bottleneck1.sum", "lenet5": "maxpool2", "vgg16": "maxpool5"}[name]
    answers = inputs_for(found, layer, wanted)
    for answer in answers.values():
        assert answer is not None and (answer.first, answer.last, answer.exact[0]) == (first, last, exact)
    channels = loaded.graph.inputs[0].shape[0]
    for size, inside in ((first, True), (last, True), (first - 1, False), (last + 1, False)):
        shape = (
            read(loaded.source.text, input=f"{channels}x{size}x{size}")
            if name == "lenet5"
            else load(name, inputs={"": f"{channels}x{size}x{size}"})
        )
        assert (shape.inferred.shape(layer)[1:] == (wanted, wanted)) == inside


def test_the_shortest_period_is_told() -> None:
    assert acceptance(symbolic_network(load("resnet50")), "H").exact == SizeSet(1, 32, (1,))
    assert SizeSet(3, 4, (0, 2)).examples(3) == [4, 6, 8]


def test_the_answer_in_words() -> None:
    assert acceptance_lines(symbolic_network(load("lenet5")), 5) == [
        "H and W: every size from 12",
        "  nothing is dropped: multiples of 4: 12, 16, 20, 24, 28, …",
        "the weights of linear1 depend on the input size: a trained network accepts one only",
        "maxpool2: output size 5 at H and W = 28 to 31; nothing is dropped at 28",
    ]
    assert acceptance_lines(symbolic_network(read(ONE_SIZE)))[0] == "H and W: only 32"


def test_the_answer_for_programs() -> None:
    record = as_record(symbolic_network(load("lenet5")), 5)
    assert record["accepts"]["H"]["exact"] == {"least": 12, "every": 4, "remainders": (0,), "single": ()}
    assert record["output"]["inputs"]["W"] == {"first": 28, "last": 31, "exact": (28,), "sizes": ()}


def test_a_vector_has_one_size_only() -> None:
    with pytest.raises(CnnError, match="it has one size only"):
        symbolic_network(read("input: 9\nlayers: [linear: 3]\n"))


@pytest.mark.parametrize("kernel", [1000, 2_000_000])  # with the first size that works below and above 2^20 steps
def test_the_first_size_that_works_is_found_however_large_it_is(kernel: int) -> None:
    text = f"input: 1x%s\nlayers: [{{maxpool: {{kernel: {kernel}, stride: 1}}}}, {{maxpool: 16}}, {{maxpool: 4}}]\n"
    sizes = acceptance(symbolic_network(read(text % "5000000x5000000")), "H")
    least = sizes.accepted.least
    assert least == 16 * 4 + kernel - 1 and sizes.accepted == SizeSet(least, 1, (0,))
    with pytest.raises(CnnError):
        read(text % f"{least - 1}x{least}")
    exact = sizes.exact.examples(1)[0]
    for size in (exact, least + 1):
        dropped = {
            drop for info in read(text % f"{size}x{size}").inferred.layers.values() for drop in info.stats.dropped
        }
        assert (dropped == {0}) == (size == exact)


def test_a_period_with_too_many_formulas_to_go_through_is_refused() -> None:
    windows = ", ".join(f"[{{conv: {{filters: 1, kernel: {n}, stride: 64}}}}, global_avgpool]" for n in range(1, 41))
    text = f"input: 1x90000x90000\nlayers: [{{maxpool: 1000}}, {{parallel: {{branches: [{windows}]}}}}]\n"
    with pytest.raises(CnnError, match=r"period 64,000, and 41 formulas .* \(limit 1,048,576 values\)"):
        acceptance(symbolic_network(read(text)), "H")
