"""The text of each mistake agrees with the computation that gives its value."""

from __future__ import annotations

import re
from math import prod
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from program import SHARED

from cnncli.homework.answer_key.asked_quantities import COUNTS
from cnncli.homework.answer_key.convolution_answers import convolve_answer
from cnncli.homework.answer_key.network_answers import network_answer
from cnncli.homework.answer_key.sheet import Question
from cnncli.homework.answer_key.size_answers import solve_answer
from cnncli.homework.checking.check import check
from cnncli.homework.exact_ops.exercise import ExerciseText, read_exercise
from cnncli.homework.mistakes import receptive_field_mistakes, size_mistakes
from cnncli.homework.mistakes.exact_op_mistakes import nested, of_exercise
from cnncli.homework.mistakes.matching import likely
from cnncli.homework.mistakes.table import COMMON, MISTAKES, OCCASIONAL, RARE, TOPICS
from cnncli.homework.mistakes.texts import described, detail, plain, template
from cnncli.homework.quiz.quiz import TOLD_APART
from cnncli.homework.submissions.reading import read_sheet
from cnncli.inference import Inferred
from cnncli.language.source import Source
from cnncli.loading import load, load_source

some = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def network(text: str) -> Inferred:
    return load_source(Source("n", text), "n").inferred


@st.composite
def chains(draw: st.DrawFn) -> list[tuple[int, int, bool]]:
    """(kernel, stride, whether it is a pool) of three layers, the second a pool."""
    return [(draw(st.integers(2, 5)), draw(st.integers(1, 3)), at == 1) for at in range(3)]


def of_chain(chain: list[tuple[int, int, bool]]) -> Inferred:
    layers = [
        f"maxpool: {{kernel: {k}, stride: {s}, name: l{at}}}"
        if pool
        else f"conv: {{filters: 2, kernel: {k}, stride: {s}, name: l{at}}}"
        for at, (k, s, pool) in enumerate(chain)
    ]
    return network(f"{{input: 1x400x420, layers: [{', '.join(layers)}]}}")


def texts(inferred: Inferred, layer: str, quantity: str) -> dict[str, object]:
    candidates = network_answer(inferred, layer, quantity).candidates
    return {described(name): value for name, value in candidates.items() if "+" not in name}


@some
@given(chains())
def test_the_own_stride_is_left_out_of_a_receptive_field_stride_and_multiplied_into_a_size(
    chain: list[tuple[int, int, bool]],
) -> None:
    *_, own = strides = [stride for _, stride, _ in chain]
    assume(own > 1)
    inferred = of_chain(chain)
    assert texts(inferred, "l2", "jump")["left out the layer's own stride"] == prod(strides[:-1])
    size = 1 + sum((k - 1) * prod(strides[: at + 1]) for at, (k, _, _) in enumerate(chain))
    assert texts(inferred, "l2", "receptive_field")["multiplied by each layer's own stride as well"] == size


@some
@given(chains())
def test_a_pool_is_ignored_with_its_stride_or_only_its_kernel(chain: list[tuple[int, int, bool]]) -> None:
    assume(chain[1][1] > 1)
    (k0, s0, _), (_, s1, _), (k2, _, _) = chain
    found = texts(of_chain(chain), "l2", "receptive_field")
    assert found["ignored the pools"] == k0 + (k2 - 1) * s0
    assert found["ignored the pools' kernels (but multiplied by their strides)"] == k0 + (k2 - 1) * s0 * s1


@pytest.mark.parametrize("counted", [True, False])
def test_the_padding_in_the_divisor_of_an_average_is_the_mistake_where_it_does_not_count(counted: bool) -> None:
    exercise = read_exercise(ExerciseText("4 8", ("2",), pool="avg", padding="1", count_include_pad=counted))
    text = "left padding zeros out of the divisor" if counted else "counted padding zeros in the divisor"
    found = {described(name): value for name, value in of_exercise(exercise).items()}
    assert found[text] == (((4, 8),),) if counted else (((2, 4),),)
    assert nested(exercise.result()) != found[text]


@pytest.mark.parametrize("bias", ["true", "false"])
@pytest.mark.parametrize("quantity", ["params", "trainable", "weights"])
def test_texts_about_linear_layers_use_units_and_features_and_texts_about_convolutions_filters_and_channels(
    quantity: str, bias: str
) -> None:
    layers = f"conv: {{filters: 5, kernel: 3, bias: {bias}}}, flatten, linear: {{units: 7, bias: {bias}}}"
    inferred = network(f"{{input: 3x12x13, layers: [{layers}]}}")
    for layer, words in (("linear1", r"filter|channel|kernel|position"), ("conv1", r"\bunits?\b|input feature")):
        candidates = network_answer(inferred, layer, quantity).candidates
        own = [described(name) for name in candidates if "flatten" not in name]
        assert len(own) > 5 and not [text for text in own if re.search(words, text)]


def test_texts_about_linear_layers_agree_with_the_values() -> None:
    n, m = 6, 5
    found = texts(network(f"{{input: {n}, layers: [linear: {m}]}}"), "linear1", "params")
    assert found["left out the input size (each unit has one weight per input feature)"] == 2 * m
    assert found["counted one unit only"] == n + 1
    assert found["counted a single bias (there is one per unit)"] == n * m + 1
    assert found["counted a bias per input feature (there is one per unit)"] == n * m + n
    assert found["counted a bias for each weight"] == 2 * n * m
    assert found["forgot the biases"] == n * m
    both = network_answer(network(f"{{input: {n}, layers: [linear: {m}]}}"), "linear1", "params").candidates
    assert {described(name) for name, value in both.items() if value == m} >= {"left out the input size and the biases"}


def test_one_bias_counted_among_the_weights_is_called_a_weight() -> None:
    found = texts(network("{input: 3x8x8, layers: [conv: {filters: 4, kernel: 3}]}"), "conv1", "weights")
    assert found["counted a bias as a weight"] == 4 * 3 * 9 + 1
    assert not any("single bias" in text for text in found)


MATRICES = {"input": "1 2 4; 3 5 9; 8 7 6", "kernel": "1 2; 3 5"}


def of_convolution(**fields: str) -> dict[str, object]:
    candidates = convolve_answer(Question("convolve", "", {**MATRICES, **fields})).candidates
    return {described(name): value for name, value in candidates.items()}


@pytest.mark.parametrize("flip", ["true", "false"])
def test_texts_say_whether_the_kernel_was_wrongly_flipped_or_wrongly_not_flipped(flip: str) -> None:
    found = of_convolution(flip=flip)
    other = convolve_answer(Question("convolve", "", {**MATRICES, "flip": "false" if flip == "true" else "true"}))
    said, unsaid = "flipped the kernel (cross-correlation does not)", "did not flip the kernel (true convolution does)"
    if flip == "true":
        said, unsaid = unsaid, said
    assert found[said] == other.value and unsaid not in found


def test_texts_name_the_axis_of_a_half_flipped_kernel_or_its_transposition() -> None:
    found = of_convolution()
    for text, kernel in (
        ("flipped the kernel along its width only", "2 1; 5 3"),
        ("flipped the kernel along its height only", "3 5; 1 2"),
        ("transposed the kernel", "1 3; 2 5"),
    ):
        assert found[text] == convolve_answer(Question("convolve", "", {**MATRICES, "kernel": kernel})).value
    row = convolve_answer(Question("convolve", "", {"input": "1 2 4", "kernel": "1 2"})).candidates
    assert not [name for name in row if plain(name) == "flip_one_axis"], "a row has one axis"


def test_a_forgotten_root_and_a_mean_of_squares_have_different_texts() -> None:
    expected = convolve_answer(Question("convolve", "", {"input": "2 4", "pool": "l2", "kernel": "2"}))
    found = {described(name): value for name, value in expected.candidates.items()}
    assert found["forgot the root"] == (((20,),),) and found["took the mean of the squares"] == (((10,),),)


def test_texts_about_a_skipped_flatten_name_the_axis() -> None:
    inferred = network("{input: 3x4x5, layers: [flatten, linear: 2]}")
    found = texts(inferred, "linear1", "params")
    assert found["skipped the flatten and took the channels as the input features"] == 3 * 2 + 2
    assert found["skipped the flatten and took the width as the input features"] == 5 * 2 + 2


SAMPLES = (
    "{input: 3x12x14, layers: [conv: {filters: 5, kernel: 3, stride: 2, padding: 1}, maxpool: 2, flatten, linear: 7]}",
    "{input: 6x9x11, layers: [conv: {filters: 4, kernel: 3, groups: 2, bias: false}, batchnorm, relu, avgpool: 3]}",
    "{input: 6x9x11, layers: [conv_transpose: {filters: 4, kernel: 3, stride: 2, padding: 1, output_padding: 1}, "
    "conv: {filters: 3, kernel: 5}]}",
)
SOLVED: tuple[dict[str, str], ...] = (
    {"input": "7", "kernel": "3", "stride": "3"},
    {"input": "7", "kernel": "3", "stride": "3", "rounding": "floor"},
    {"output": "7", "kernel": "3", "input": "7", "find": "padding"},
    {"output": "7", "kernel": "3", "stride": "2", "find": "input"},
)


def sampled_names() -> set[str]:
    """The names of all candidates of some questions of every kind."""
    found: set[str] = set()
    for inferred in map(network, SAMPLES):
        for layer in (*inferred.layers, "total"):
            for quantity in ("shape", "receptive_field", "jump", *COUNTS):
                if layer != "total" or quantity in COUNTS:
                    found |= {*network_answer(inferred, layer, quantity).candidates}
    for fields in SOLVED:
        found |= {*solve_answer(Question("solve", "", fields)).candidates}
    average = {"pool": "avg", "kernel": "2", "padding": "1"}
    excluding = {**average, "count_include_pad": "false"}
    for fields in (
        {},
        {"flip": "true"},
        {"pool": "l2", "kernel": "2"},
        average,
        excluding,
        {"padding": "1"},
        {"transposed": "true"},
    ):
        found |= {*convolve_answer(Question("convolve", "", {**MATRICES, **fields})).candidates}
    return {part for name in found for part in name.split("+")}


def test_no_mistake_gives_the_correct_answer() -> None:
    """Also of layers that see the whole input, whatever a chain of windows gives."""
    for inferred in (*map(network, SAMPLES), load("lenet5").inferred):
        for layer in inferred.layers:
            for quantity in ("shape", "receptive_field", "jump", *COUNTS):
                expected = network_answer(inferred, layer, quantity)
                assert expected.value not in expected.candidates.values(), (layer, quantity)


def key_of(name: str) -> str:
    """The mistake and the name of its variant: ``total_missing_or_double#without``."""
    return re.split("[ /]", name)[0]


def test_every_candidate_has_a_text_and_every_text_of_a_variant_a_computation() -> None:
    names = sampled_names()
    assert {plain(name) for name in names} <= {*MISTAKES}
    written = {f"{name}#{variant}" for name, mistake in MISTAKES.items() for variant in mistake.variants}
    assert written <= {*map(key_of, names)} | {"forgot_in_channels_and_bias#linear"}  # a pair, which has its own test


def test_a_text_has_braces_where_the_candidate_has_a_phrase_to_fill_in() -> None:
    for name in sampled_names():
        assert ("{}" in template(name)) == bool(detail(name)), name
        assert "{" not in described(name)


def test_the_tables_of_computations_name_mistakes_of_the_table() -> None:
    shared = {"dilation_ignored", "dilation_times_kernel"}
    assert {plain(name) for name in receptive_field_mistakes.SIZES} - shared <= {*TOPICS["receptive fields"]}
    assert {plain(name) for name in receptive_field_mistakes.STRIDES} <= {*TOPICS["receptive fields"]}
    assert {*size_mistakes.SIZES} <= {*TOPICS["sizes"]}
    assert {*TOLD_APART} <= {*MISTAKES}


def test_every_mistake_belongs_to_one_topic_and_is_a_phrase() -> None:
    assert sum(map(len, TOPICS.values())) == len(MISTAKES)
    for name, mistake in MISTAKES.items():
        assert mistake.likelihood in (COMMON, OCCASIONAL, RARE)
        for text in (mistake.text, *mistake.variants.values()):
            assert text == text.strip() and text[0].islower() and not text.endswith("."), name
            is_alone = mistake.likelihood == RARE or name == "total_missing_or_double"
            assert ";" not in text and (is_alone or " or " not in text), "or joins the mistakes that explain an answer"
        assert "{" not in mistake.text


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("pool_has_params#4", "pool_has_params#5"), "counted parameters (a pool has none)"),
        (("macs_per_batch#of 32",), "counted a batch of 32 instead of one input"),
        (
            ("total_missing_or_double#only c1", "total_missing_or_double#twice c2"),
            "either counted c1 only, or counted c2 twice",
        ),
    ],
)
def test_likely_mistakes_are_listed_once_each(names: tuple[str, ...], text: str) -> None:
    assert likely(names) == text


def test_check_prints_what_a_mistake_was_about(tmp_path: Path) -> None:
    path = tmp_path / "sheet.yaml"
    path.write_text("architecture: lenet5\nanswers: {total.params: 61550}\n")
    (answer,) = check(read_sheet(str(path)))
    assert answer.mistakes == ("total_missing_or_double",) and answer.details == ("without c1",)
    assert likely(answer.diagnoses) == "left c1 out of the sum"


REFERENCE = SHARED / "reference" / "mistakes.md"


@pytest.mark.skipif(not REFERENCE.exists(), reason="the list of typical mistakes is not part of the repository")
def test_every_row_of_the_list_of_typical_mistakes_is_in_the_table() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) > 40 and {*rows} <= {*MISTAKES}
