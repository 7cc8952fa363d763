"""What a network accepts, by arithmetic, is what trying every size finds."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from networks import networks

from cnncli.errors import CnnError
from cnncli.language import Source
from cnncli.loading import Loaded, load, load_source
from cnncli.shape import format_input_shape
from cnncli.solving.acceptance import Acceptance, Sizes, acceptance, acceptance_lines, as_record, formulas, inputs_for

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


def tried(loaded: Loaded, letter: int, other: int) -> tuple[set[int], set[int], set[int]]:
    """By working each size out: those that are accepted, drop nothing, drop nothing but padding."""
    accepted, exact, padding = set(), set(), set()
    channels = loaded.graph.inputs[0].shape[0]
    for size in TRIED:
        sizes = (size, other) if letter == 0 else (other, size)
        try:
            inferred = read(loaded.source.text, input=format_input_shape((channels, *sizes))).inferred
        except CnnError:
            continue
        accepted.add(size)
        lost = [
            (facts.figures.dropped[letter], facts.figures.windows[letter].after)
            for facts in inferred.facts.values()
            if facts.figures.windows and not facts.node.layer.transposed and not facts.figures.windows[letter].ceil
        ]
        if all(count == 0 for count, _ in lost):
            exact.add(size)
        if all(count <= after for count, after in lost):
            padding.add(size)
    return accepted, exact, padding


@pytest.mark.parametrize(
    "text",
    [SAME_PATHS, ONE_SIZE, EXACT, *(load(name).source.text for name in ("lenet5", "allconv", "network3", "resnet18"))],
    ids=["same paths", "one size", "exact", "lenet5", "allconv", "network3", "resnet18"],
)
def test_what_is_accepted_is_what_trying_every_size_finds(text: str) -> None:
    loaded = read(text)
    found = formulas(loaded)
    sizes: Acceptance = acceptance(found, "H")
    # the other size is one that works, at which nothing hides what this one does
    other = sizes.exact.examples(1)[0] if sizes.exact.remainders else sizes.accepted.examples(1)[0]
    for letter in range(2):
        accepted, exact, padding = tried(loaded, letter, other)
        sizes = acceptance(found, "HW"[letter])
        assert {n for n in TRIED if n in sizes.accepted} == accepted
        assert {n for n in TRIED if n in sizes.exact} == exact
        assert {n for n in TRIED if n in sizes.padding_alone} == padding


@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(networks())
def test_random_networks_work_at_the_sizes_said_to_be_accepted_and_at_none_below(text: str) -> None:
    try:
        loaded = load_source(Source("random.yaml", text), "random")
        found = formulas(loaded)
        sizes = {letter: acceptance(found, letter) for letter in found.letters}
    except CnnError:
        assume(False)
        return
    assume(all(answer.accepted.remainders for answer in sizes.values()))
    channels = loaded.graph.inputs[0].shape[0]
    names = [entry.name for entry in loaded.graph.inputs]

    def works(values: dict[str, int]) -> bool:
        shape = format_input_shape((channels, *(values[letter] for letter in found.letters)))
        inputs = dict.fromkeys(names, shape)
        try:
            load_source(Source("random.yaml", text), "random", inputs=inputs)
        except CnnError:
            return False
        return True

    # far from the border everything has settled: accepted as said
    large = {letter: answer.accepted.examples(60)[-1] for letter, answer in sizes.items()}
    assert works(large)
    for letter, answer in sizes.items():
        assert works({**large, letter: answer.accepted.examples(1)[0]})


@pytest.mark.parametrize(
    ("name", "wanted", "first", "last", "exact"),
    [("resnet50", 7, 193, 224, 193), ("lenet5", 5, 28, 31, 28), ("vgg16", 7, 224, 255, 224)],
)
def test_a_wanted_output_has_a_range_of_inputs_that_give_it(
    name: str, wanted: int, first: int, last: int, exact: int
) -> None:
    loaded = load(name)
    found = formulas(loaded)
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
    assert acceptance(formulas(load("resnet50")), "H").exact == Sizes(1, 32, (1,))
    assert Sizes(3, 4, (0, 2)).examples(3) == [4, 6, 8]


def test_the_answer_in_words() -> None:
    assert acceptance_lines(load("lenet5"), 5) == [
        "H and W: every size from 12",
        "  nothing is dropped: multiples of 4: 12, 16, 20, 24, 28, …",
        "the weights of linear1 depend on the size: once trained, they fit one size alone",
        "maxpool2 of 5: H and W = 28 to 31; nothing is dropped at 28",
    ]
    assert acceptance_lines(read(ONE_SIZE))[0] == "H and W: 32 alone"


def test_the_answer_for_programs() -> None:
    record = as_record(load("lenet5"), 5)
    assert record["accepts"]["H"]["exact"] == {"least": 12, "every": 4, "remainders": (0,)}
    assert record["output"]["inputs"]["W"] == {"first": 28, "last": 31, "exact": (28,)}


def test_a_vector_has_one_size_only() -> None:
    with pytest.raises(CnnError, match="it has one size only"):
        formulas(read("input: 9\nlayers: [linear: 3]\n"))
