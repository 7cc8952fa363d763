"""The schema accepts what cnn reads, and refuses what cnn refuses wherever a schema can tell."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest
from cases import CASES
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from networks import networks

from cnncli.arithmetic.shape import SHAPE_SCHEMA, InvalidValue, read_input_shape
from cnncli.bundled import bundled
from cnncli.errors import CnnError
from cnncli.homework.exact_ops.chain.chain_reading import read_chain
from cnncli.homework.exact_ops.chain.chain_text import ChainText
from cnncli.homework.exact_ops.chain.numbers_in_files import has_numbers
from cnncli.language import Source
from cnncli.language.source import Mapping, parse, plain_tree
from cnncli.layers import KINDS
from cnncli.layers.descriptions import DESCRIPTIONS, description
from cnncli.loading import load_source
from cnncli.recipe import Recipe
from cnncli.recipe.serialization import as_dict
from cnncli.schema import Reader
from cnncli.views.json_schema import architecture_schema

SCHEMA = architecture_schema()
VALIDATOR = Draft7Validator(SCHEMA)
START = "input: 1x8x8\n"


def accepts(text: str) -> bool:
    return bool(VALIDATOR.is_valid(plain_tree(parse(Source("net.yaml", text)))))


def is_read(text: str) -> bool:
    """Whether cnn reads the file; a shape that does not fit is not a fault of the file."""
    try:
        load_source(Source("net.yaml", text), "net", symbolic_sizes=True)
    except CnnError as error:
        return error.exit_code == 1
    return True


def test_it_is_a_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)


def test_every_bundled_file_is_accepted() -> None:
    for path in {*bundled().values()}:
        assert accepts(path.read_text(encoding="utf-8")), path


ACCEPTED = {
    "bare types and values": "layers: [relu, {conv: {filters: 2, kernel: 3}}, flatten, linear: 10]",
    "types without a value": "layers: [{relu: }, {maxpool: 2}, {dropout: 0.5}, {dropout: }]",
    "texts and numbers as names": "name: 1e3\nlayers: [{relu: {name: 12}}, {relu: {from: 12}}, {relu: {name: yes}}]",
    "an empty text": "name:\ndescription: ~\nlayers: [relu]",
    "residual": "layers: [residual: [relu], residual: {layers: [relu], shortcut: , name: a}]",
    "residual with a shortcut": "layers: [residual: {layers: [relu], shortcut: [relu], from: input}]",
    "parallel": "layers: [parallel: {branches: [[relu], []], merge: add}, parallel: {branches: {a: [relu], b: }}]",
    "repeat": "layers: [repeat: {times: 2, index: i, layers: [dropout: $i / 4]}, repeat: {times: 0, layers: []}]",
    "when": "variables: {a: 1}\nlayers: [relu, when: {test: $a > 0, layers: [relu], otherwise: [tanh]}]",
    "nothing chosen": "layers: [relu, when: {test: true, layers: , otherwise: }]",
    "composites in composites": "layers: [repeat: {times: 2, layers: [residual: [parallel: {branches: [[relu]]}]]}]",
    "blocks": "blocks: {b: {parameters: {w: , s: 1}, layers: [conv: {filters: $w, kernel: 1, stride: $s}]}}\n"
    "layers: [b: 2, b: {w: 3, name: x}, b: {w: 4, from: x}, repeat: {times: 2, layers: [b: 2]}]",
    "blocks without values": "blocks: {b: {layers: [relu], description: a}, c: {parameters: [w], layers: [b]}}\n"
    "layers: [b, c: 1, residual: [b]]",
    "nothing in the sections": "variables:\ndefaults:\nblocks:\nvariants:\noutputs:\ntrain:\nlayers: [relu]",
    "defaults for required fields": "defaults: {conv: {kernel: 3}}\nlayers: [conv: 4, residual: [conv: {filters: 4}]]",
    "defaults for a bare type": "defaults: {maxpool: {kernel: 2}}\nlayers: [maxpool, residual: [maxpool]]",
    "blocks and defaults": "blocks: {b: {parameters: [w], layers: [conv: $w]}}\n"
    "defaults: {conv: {kernel: 1}, b: {w: 2}}\nlayers: [b, b: 3]",
    "variants": "variables: {w: 2}\nvariants: {a: {}, b: {w: 3, name: B}}\nlayers: [conv: {filters: $w, kernel: 1}]",
    "expressions": "variables: {w: 2, k: [3, 1], act: relu}\nlayers: [$act, {$act: }, conv: {filters: $w * 2, "
    "kernel: $k, padding: [$w, [$w, 1]], stride: [$w - 1, 1], bias: $w > 1}]",
    "sizes in all forms": "layers: [maxpool: {kernel: 3x3, stride: [1, 2], padding: [[1, 0], [0, 1]]}, avgpool: 2×1]",
    "padding by name": "layers: [conv: {filters: 1, kernel: 3, padding: same}]",
    "switches": "layers: [conv: {filters: 1, kernel: 3, bias: no}, conv: {filters: 1, kernel: 3, bias: OFF}]",
    "layers that merge": "layers: [relu: {name: a}, add: [a, input], concat: a, concat: {from: [a, input], name: c}]",
    "shared weights": "layers: [conv: {filters: 1, kernel: 1, name: a}, conv: {filters: 1, kernel: 1, share: a}]",
    "outputs": "layers: [relu: {name: a}, relu]\noutputs: [a, relu2]",
    "one output": "layers: [relu: {name: a}, relu]\noutputs: a",
    "anchors": "layers: [{conv: &c {filters: 1, kernel: 1}}, {conv: {<<: *c, bias: false}}, {conv: *c}]",
    "a recipe": "layers: [relu]\ntrain: {dataset: mnist, epochs: 9.5, milestones: [3, 6], freeze: conv1.*, "
    "lr_factors: [conv1.*=0.1], class_weights: [1, 2], compile: off, lr: 1e-3, sizes: '24,28'}",
}


@pytest.mark.parametrize("form", ACCEPTED)
def test_every_form_of_the_language_is_accepted(form: str) -> None:
    text = START + ACCEPTED[form] + "\n"
    assert is_read(text) and accepts(text)


@pytest.mark.parametrize(
    "shape",
    ["1x28x28", "[1, 28, 28]", "784", "3xHxW", "3×8×8", "6@28x28", "[32, [32, 3]]", "'784'", "[$n, 4, 4]", "1 x 8 x 8"],
)  # fmt: skip
def test_every_form_of_a_shape_is_accepted(shape: str) -> None:
    for text in (f"input: {shape}", f"inputs: {{a: {shape}}}"):
        whole = f"variables: {{n: 2}}\n{text}\nlayers: [relu]\n"
        assert is_read(whole) and accepts(whole)


REFUSED = {
    "an unknown key": "inputt: 1\nlayers: [relu]",
    "no layers": "name: a",
    "an empty list of layers": "layers: []",
    "both inputs": "inputs: {a: 1x8x8}\nlayers: [relu]",
    "an unknown type": "layers: [relo]",
    "an unknown type with a value": "layers: [cnv: 3]",
    "an unknown type inside": "layers: [residual: [repeat: {times: 2, layers: [relo]}]]",
    "an unknown type in a file with defaults": "defaults: {conv: {kernel: 3}}\nlayers: [conw: 3]",
    "an unknown type among defaults": "defaults: {conw: {kernel: 3}}\nlayers: [relu]",
    "an unknown default": "defaults: {conv: {kernal: 3}}\nlayers: [relu]",
    "a name among defaults": "defaults: {conv: {name: a}}\nlayers: [relu]",
    "an unknown field": "layers: [conv: {filters: 1, kernel: 3, strde: 2}]",
    "an unknown field in a block": "blocks: {b: {layers: [conv: {filters: 1, kernal: 3}]}}\nlayers: [b]",
    "an unknown field beside blocks": "blocks: {b: {layers: [relu]}}\nlayers: [relu: {slope: 3}]",
    "a missing field": "layers: [conv: {filters: 1}]",
    "a bare type with a required field": "layers: [maxpool]",
    "a bare type with a required field beside blocks": "blocks: {b: {layers: [relu]}}\nlayers: [maxpool]",
    "a bare value for two required fields": "layers: [conv: 3]",
    "a value for a type without fields": "layers: [relu: 3]",
    "a text for a number": "layers: [conv: {filters: many, kernel: 3}]",
    "a number in quotes": "layers: [linear: '3']",
    "half a filter": "layers: [conv: {filters: 1.5, kernel: 3}]",
    "no filters": "layers: [conv: {filters: 0, kernel: 3}]",
    "a number for a switch": "layers: [conv: {filters: 1, kernel: 3, bias: 2}]",
    "an unknown word": "layers: [conv: {filters: 1, kernel: 3, padding: SAME}]",
    "four axes": "layers: [maxpool: [2, 2, 2, 2]]",
    "a mapping for a number": "layers: [maxpool: {kernel: {size: 2}}]",
    "two types in one item": "layers: [{relu: , tanh: }]",
    "an empty item": "layers: [relu, {}]",
    "one input to merge": "layers: [relu: {name: a}, add: [a]]",
    "nothing to merge": "layers: [add]",
    "two inputs of a convolution": "layers: [relu: {name: a}, relu: {name: b}, linear: {units: 1, from: [a, b]}]",
    "not a name": "layers: [relu: {name: a-b}]",
    "repeat without times": "layers: [repeat: {layers: [relu]}]",
    "a negative repeat": "layers: [repeat: {times: -1, layers: [relu]}]",
    "an unknown key of a composite": "layers: [residual: {layers: [relu], skip: [relu]}]",
    "a name for when": "layers: [when: {test: true, layers: [relu], name: a}]",
    "a number as a test": "layers: [when: {test: 1, layers: [relu]}]",
    "an unknown merge": "layers: [parallel: {branches: [[relu]], merge: sum}]",
    "no branches": "layers: [parallel: {branches: []}]",
    "a block called like a type": "blocks: {conv: {layers: [relu]}}\nlayers: [relu]",
    "a block without layers": "blocks: {b: {parameters: {w: 1}}}\nlayers: [b]",
    "an unknown key of a block": "blocks: {b: {layer: [relu]}}\nlayers: [b]",
    "an unknown recipe key": "layers: [relu]\ntrain: {learning_rate: 0.1}",
    "an unknown optimizer": "layers: [relu]\ntrain: {optimizer: adamm}",
    "a negative rate": "layers: [relu]\ntrain: {lr: -1}",
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_what_cnn_refuses_is_refused(mistake: str) -> None:
    text = START + REFUSED[mistake] + "\n"
    assert not is_read(text) and not accepts(text)


@pytest.mark.parametrize("shape", ["[]", "1x2x3x4x5", "axb", "-3", "1.5", "{a: 1}", "1x28.5"])
def test_what_is_not_a_shape_is_refused(shape: str) -> None:
    text = f"input: {shape}\nlayers: [relu]\n"
    assert not is_read(text) and not accepts(text)


@settings(max_examples=15, deadline=None)
@given(networks(), st.integers(0, 2**32))
def test_random_networks_are_accepted_until_a_word_is_misspelled(text: str, seed: int) -> None:
    assert accepts(text)
    # every field, key and type: their names are the words before a colon; names of branches and blocks are the file's
    chosen = Random(seed).choice([*re.finditer(r"[a-z_]+(?=:)", text)])
    misspelled = f"{text[: chosen.start()]}{chosen[0]}_{text[chosen.end() :]}"
    free = re.compile(r"^(unit|left|right|width|kernel|a|b)$") if "blocks:" in text else re.compile("^(left|right)$")
    if not free.match(chosen[0]) and not ("blocks:" in text and chosen[0] in KINDS):
        assert not accepts(misspelled), misspelled


def plain(value: Any) -> Any:
    return [plain(item) for item in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_description_and_is_checked(kind: str) -> None:
    case = next(case for case in CASES if case.kind == kind)
    inputs = {"from": ["a", "b"]} if KINDS[kind].merges else {}
    given_fields = {name: plain(value) for name, value in case.fields.items()} | inputs

    def of(fields: Any) -> dict[str, Any]:
        return {"input": "1x8x8", "layers": [{kind: fields}]}

    assert VALIDATOR.is_valid(of(given_fields))
    for name in KINDS[kind].schema:
        assert description(kind, name)
        assert not VALIDATOR.is_valid(of({**given_fields, name: {"a": 1}}))
        assert not VALIDATOR.is_valid(of({**given_fields, f"{name}_": given_fields.get(name, 1)}))


def test_every_description_is_of_a_field() -> None:
    fields = {name for layer in KINDS.values() for name in layer.schema}
    for name in DESCRIPTIONS:
        kind, dot, field = name.partition(".")
        assert field in KINDS[kind].schema if dot else kind in fields


def test_every_default_of_the_recipe_is_accepted_and_every_key_is_checked() -> None:
    def of(recipe: dict[str, Any]) -> dict[str, Any]:
        return {"input": "1x8x8", "layers": ["relu"], "train": recipe}

    assert VALIDATOR.is_valid(of(as_dict(Recipe())))
    for key in Recipe.schema:
        assert not VALIDATOR.is_valid(of({key: {"a": 1}})), key


READERS = {f"{kind}.{name}": field.read for kind, layer in KINDS.items() for name, field in layer.schema.items()} | {
    f"train.{name}": field.read for name, field in Recipe.schema.items()
}
READERS["input"] = Reader(read_input_shape, SHAPE_SCHEMA)
WORDS = st.sampled_from(
    [
        *("same", "valid", "yes", "Off", "zeros", "sgd", "a=1", "1,2", "7", "50%", "50 %", "784"),
        *("5x3", "5 x 3", "5×3", "5*3", "(5, 3)", "(5,3)", "5x3x2"),
        *("3x8x8", "3 x 8 x 8", "3*8*8", "(3, 8, 8)", "(3,8,8)", "[3, 8, 8]", "3x8", "3x8x8x8", "(784,)", "28*28*1"),
        *("6@14x14", "6 @ 14 x 14", "3xHxW", "3XhXw"),
    ]
)
NUMBERS = st.one_of(st.integers(-2, 9), st.sampled_from([0.5, 2.0, 1e-3, 2**31, -0.5]))
SCALARS = st.one_of(WORDS, NUMBERS, st.booleans(), st.none())
VALUES = st.one_of(SCALARS, st.lists(st.one_of(SCALARS, st.lists(NUMBERS, max_size=3)), max_size=4))


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_a_value_that_a_reader_accepts_is_accepted(value: Any) -> None:
    for name, read in READERS.items():
        assert isinstance(read, Reader)
        try:
            read(value)
        except InvalidValue:
            continue
        assert Draft7Validator(read.accepts).is_valid(value), name


CHAINS = {
    "values": 'values: "1 2; 3 4"\nlayers: [relu]',
    "nested lists": "values: [[1, 2], [3, 4]]\nlayers: [conv: {weight: [[1, 0], [0, 1]], bias: [1]}]\n"
    "target: [[2]]\nloss: mse",
    "sizes that follow from the weight": 'values: "1 2; 3 4"\nlayers: [conv: {weight: "1 0; 0 1", bias: 1}, flatten, '
    'linear: {W: "1; 2", b: "0 1"}]\ntarget: 1',
    "an input": 'input: 1x2x2\nvalues: "1 2; 3 4"\nlayers: [batchnorm: {gamma: 2, beta: 1, mean: 0, var: 1}]',
    "a mask": 'values: "1 2"\nlayers: [dropout: {rate: 0.5, mask: "1 0"}]',
    "several inputs": 'inputs: {a: 2, b: 2}\nvalues: {a: "1 2", b: "3 4"}\nlayers: [add: [a, b]]',
}


@pytest.mark.parametrize("text", CHAINS.values(), ids=CHAINS)
def test_a_file_with_numbers_is_accepted(text: str) -> None:
    source = Source("chain.yaml", text)
    root = parse(source)
    assert isinstance(root, Mapping) and has_numbers(root)
    assert accepts(text)
    read_chain(ChainText(source, root))


@pytest.mark.parametrize(
    "text",
    [
        'layers: [conv: {weight: "1 0; 0 1"}]',
        'values: "1 2; 3 4"\nlayers: [relu: {weight: 1}]',
        'values: "1 2; 3 4"\nlayers: [conv: {weigth: "1 0; 0 1"}]',
        'values: "1 2; 3 4"\nlayers: [relu]\nloss: L2',
        'values: "1 2; 3 4"\nlayers: [conv: {filters: 1, kernel: 1, weight: "1", mean: 3}]',
        'values: "1 2; 3 4"\nlayers: [conv: {filters: 1, kernel: 1, weight: "1", mask: 1}]',
    ],
)
def test_a_mistake_in_a_file_with_numbers_is_refused(text: str) -> None:
    source = Source("chain.yaml", text)
    root = parse(source)
    assert isinstance(root, Mapping) and not accepts(text)
    with pytest.raises(CnnError):
        read_chain(ChainText(source, root))
