"""``cnncli.load`` takes what a program has, as the command line takes its text, and speaks of no option."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli import load, loading
from cnncli.errors import CnnError

NET = """
variables: {w: 4, bias: true, rate: 0.5}
input: 3x16x16
layers: [conv: {filters: $w, kernel: 3, bias: $bias}, dropout: $rate, global_avgpool, linear: 2]
"""


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("api") / "net.yaml"
    path.write_text(NET)
    return path


@given(
    width=st.integers(1, 99), bias=st.booleans(), rate=st.floats(0, 0.99), sizes=st.tuples(*[st.integers(5, 99)] * 2)
)
def test_values_of_python_mean_what_their_text_means(
    net: Path, width: int, bias: bool, rate: float, sizes: tuple[int, int]
) -> None:
    shape = (3, *sizes)
    text = "x".join(map(str, shape))
    wanted = loading.load(
        str(net), overrides={"w": str(width), "bias": str(bias).lower(), "rate": repr(rate)}, inputs={"": text}
    ).graph
    apart = (shape[0], shape[1:])
    iterables = np.array(shape), iter(shape), (3, np.array(sizes))
    for given_shape in (shape, [*shape], text, apart, [3, [*sizes]], *iterables):
        found = load(net, overrides={"w": width, "bias": bias, "rate": rate}, inputs={"": given_shape}).graph
        assert [node[:3] for node in found.nodes] == [node[:3] for node in wanted.nodes]
        assert found.inputs == wanted.inputs
    assert load(str(net), overrides={"w": np.int64(width)}, inputs={"input": text}).graph.inputs == wanted.inputs


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"overrides": {"w": [8]}}, "overrides['w'] must be an int, float, bool or str, not list"),
        ({"overrides": {"w": None}}, "not NoneType"),
        ({"overrides": "w=8"}, "overrides must be a mapping from names to values, not str"),
        ({"overrides": {3: 8}}, "the names in overrides must be str, not int"),
        ({"inputs": (3, 64, 64)}, "inputs must be a mapping from names to values, not tuple"),
        ({"inputs": {"": (3, 64.0, 64)}}, "it holds a float"),
        ({"inputs": {"": (3, True, 64)}}, "it holds a bool"),
        ({"inputs": {"": {3, 64}}}, "it holds a set"),
        ({"inputs": {"": None}}, "it holds a NoneType"),
    ],
)
def test_values_of_other_types_are_type_errors(net: Path, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError) as refusal:
        load(str(net), **arguments)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"overrides": {"v": 8}}, "overrides['v']: the architecture has no such variable"),
        ({"inputs": {"rgb": (3, 64, 64)}}, "inputs['rgb']: the network has no such input"),
        ({"inputs": {"": (32, 32, 3)}}, "write inputs={'': '3x32x32'}, or inputs={'': '32@32x3'} for"),
        ({"inputs": {"": ()}}, "inputs['']: "),
        ({"inputs": {"": (3, 0, 8)}}, "inputs['']: "),
        ({"inputs": {"": (3, "H", "W")}}, "inputs={'': '3x224x224'}"),
        ({"overrides": {"w": 0}}, "filters must be"),
        ({"overrides": {"w": "[1"}}, "overrides['w']"),
        ({"overrides": {"w": -1.5}}, "filters must be"),
    ],
)
def test_messages_speak_of_arguments_and_never_of_options(net: Path, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(CnnError) as refusal:
        load(str(net), **arguments)
    assert said in str(refusal.value) and "--" not in str(refusal.value), str(refusal.value)


TEXTS = st.text(st.sampled_from("ab-=1x \"'{"), max_size=6) | st.sampled_from(
    ["left-eye", "a --set b", "--input 3x8x8"]
)


@given(name=TEXTS.filter(bool), value=TEXTS)
def test_names_and_values_are_quoted_as_they_are(net: Path, name: str, value: str) -> None:
    with pytest.raises(CnnError) as refusal:
        load(net, inputs={name: "3x16x16"})
    assert refusal.value.problems[0].message == f"inputs[{name!r}]: the network has no such input"
    with pytest.raises(CnnError) as refusal:
        load(net, overrides={f"v{name}": value})
    assert refusal.value.problems[0].message == f"overrides[{'v' + name!r}]: the architecture has no such variable"


@given(name=TEXTS)
def test_a_path_is_quoted_as_it_is(name: str) -> None:
    path = f"none/{name}.yaml"
    with pytest.raises(CnnError) as refusal:
        load(path)
    assert path in str(refusal.value)


def test_each_of_several_inputs_is_named_in_what_to_write(tmp_path: Path) -> None:
    path = tmp_path / "--set x=1.yaml"
    path.write_text("inputs: {left: 3x8x8, right: 3x8x8}\nlayers: [add: [left, right]]\n")
    for shape, said in (("28x28", "write inputs={'left': '1x28x28'}"), ("3xHxW", "e.g. inputs={'left': '3x224x224'}")):
        with pytest.raises(CnnError) as refusal:
            load(path, inputs={"left": shape})
        assert said in str(refusal.value)
    with pytest.raises(CnnError, match=r"--set x=1.yaml: the input 3xHxW"):
        load(path, inputs={"left": "3xHxW"})


def test_the_names_of_version_0_2_still_work() -> None:
    inferred = load("allconv", inputs={"": "3xHxW"}, open_sizes=True).inferred
    assert inferred.facts == inferred.layers
    assert [info.figures for info in inferred.facts.values()] == [info.stats for info in inferred.layers.values()]
