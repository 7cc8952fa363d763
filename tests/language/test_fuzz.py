"""Whatever is written: a graph, or an error that a reader can act on; never another exception."""

from __future__ import annotations

from typing import Any

import pytest
from fuzz.corpus import SMALL, TWO_INPUTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnncli.errors import CnnError
from cnncli.language import KEYS, Source
from cnncli.layers import KINDS
from cnncli.loading import load_source

SEEDS = (SMALL, TWO_INPUTS)

WORDS = (
    *KINDS, *KEYS, "residual", "parallel", "repeat", "when", "unit", "shortcut", "branches", "merge", "times", "index",
    "test", "otherwise", "parameters", "from", "filters", "kernel", "stride", "padding", "dilation", "groups", "scale",
    "size", "output", "same", "full", "conv1", "entry.relu1", "input", "1x9x9", "3x8", "0", "-1", "1e3", "1e999", "2.5",
    "99999999999", "2147483647", "true", "~", "$w", "$w * 2", "$i ** $i", "${w}", "__import__('os')", "", "ä", "a.b",
)  # fmt: skip

scalars = st.sampled_from(WORDS)
trees = st.recursive(
    scalars,
    lambda inside: st.one_of(
        st.lists(inside, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(scalars, inside, max_size=4).map(
            lambda entries: "{" + ", ".join(f"{key}: {value}" for key, value in entries.items()) + "}"
        ),
    ),
    max_leaves=25,
)


def survives(text: str, **options: Any) -> None:
    try:
        loaded = load_source(Source("net.yaml", text), "net", **options)
        assert list(loaded.inferred.layers) == [node.name for node in loaded.graph.nodes]
        assert all(name in loaded.inferred.layers or name in dict(loaded.graph.inputs) for name in loaded.graph.outputs)
    except CnnError as error:
        shown = str(error)
        assert "net.yaml" in shown or shown.startswith("--")
        assert len(shown) < 40_000


def mutated(seed: str, changes: list[tuple[int, int, str]]) -> str:
    for at, length, put in changes:
        at %= len(seed) + 1
        seed = seed[:at] + put + seed[at + length :]
    return seed


positions = st.integers(0, 2000)
puts = st.one_of(st.sampled_from(WORDS), st.text(max_size=4), st.sampled_from(list("[]{}:,-&*!|>'\"#%@`$\n\t \0?")))
changes = st.lists(st.tuples(positions, st.integers(0, 12), puts), min_size=1, max_size=6)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_seeds_are_networks(seed: str) -> None:
    assert load_source(Source("net.yaml", seed), "net").inferred.layers


@given(st.sampled_from(SEEDS), changes)
@settings(max_examples=300, deadline=None)
def test_a_network_with_some_characters_changed(seed: str, changes: list[tuple[int, int, str]]) -> None:
    survives(mutated(seed, changes))


def swapped(seed: str, swaps: list[tuple[int, str]]) -> str:
    """Values and words of a network in another place: still YAML, most often."""
    import re

    for position, word in swaps:
        found = list(re.finditer(r"[\w.$]+", seed))
        match = found[position % len(found)]
        seed = seed[: match.start()] + word + seed[match.end() :]
    return seed


@given(st.sampled_from(SEEDS), st.lists(st.tuples(positions, st.one_of(scalars, trees)), min_size=1, max_size=5))
@settings(max_examples=400, deadline=None)
def test_a_network_with_some_words_changed(seed: str, swaps: list[tuple[int, str]]) -> None:
    survives(swapped(seed, swaps))


@given(st.dictionaries(st.sampled_from([*KEYS]), trees, max_size=6), st.lists(trees, max_size=6))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_tree_of_the_languages_own_words(keys: dict[str, str], layers: list[str]) -> None:
    head = "".join(f"{key}: {value}\n" for key, value in {"input": "3x9x9", **keys}.items() if key != "layers")
    survives(head + "layers:\n" + "".join(f"  - {layer}\n" for layer in layers))


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: data.decode("utf-8", "surrogateescape")))
@settings(max_examples=200, deadline=None)
def test_any_text(text: str) -> None:
    survives(text)


@given(st.one_of(st.text(max_size=20), trees), st.one_of(st.text(max_size=20), st.sampled_from(["4x9x9", "3xHxW"])))
@settings(max_examples=150, deadline=None)
def test_any_override_and_any_input(value: str, shape: str) -> None:
    survives(SEEDS[0], overrides={"width": value}, inputs={"": shape})


@pytest.mark.slow
@given(st.sampled_from(SEEDS), st.lists(st.tuples(positions, st.one_of(scalars, trees)), min_size=1, max_size=12))
@settings(max_examples=10_000, deadline=None)
def test_a_network_with_many_words_changed(seed: str, swaps: list[tuple[int, str]]) -> None:
    survives(swapped(seed, swaps))
