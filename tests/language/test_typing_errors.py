"""What people type by habit: each text is understood, or answered with what is wrong, where, and what to write."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program import Run
from texts import loaded, network, refusal

from cnncli.errors import CnnError
from cnncli.language import Source, decode, read
from cnncli.language.hints.foreign_files import foreign_text
from cnncli.language.hints.typed_layers import TORCH_ARGUMENTS, rewritten_line
from cnncli.language.hints.typing_errors import line_faults
from cnncli.layers import KINDS

LAYERS = {  # a list item, and (line, column, message, hint) of its problems
    "conv: {filters:4, kernel:3}": [
        (3, 12, "a space is missing after the colon", "write filters: 4"),
        (3, 23, "a space is missing after the colon", "write kernel: 3"),
    ],
    "conv: {filters=4, kernel 3}": [
        (3, 12, "a colon is missing after filters", "write filters: 4"),
        (3, 23, "a colon is missing after kernel", "write kernel: 3"),
    ],
    "conv: filters=6, kernel=5": [(3, 11, "a colon is missing after filters", "write - conv: {filters: 6, kernel: 5}")],
    "conv: filters:6": [(3, 11, "a space is missing after the colon", "write - conv: {filters: 6, kernel: …}")],
    "conv: {filters：6， kernel：5}": [
        (3, 12, "'：' is a full-width colon", "write - conv: {filters: 6, kernel: 5}")
    ],
    "conv: {filters: 6, kernel: 5,5}": [(3, 34, "a comma ends the value of kernel", "write kernel: [5, 5]")],
    "dropout: {rate: 0,5}": [(3, 23, "a comma ends the value of rate", "write rate: 0.5")],
    "linear: {units: 1,000}": [(3, 23, "a comma ends the value of units", "write units: 1000")],
    "conv: [6, 5]": [
        (3, 11, "filters must be a whole number, not [6, 5]", "write - conv: {filters: 6, kernel: 5}")
    ],
    "conv:6": [(3, 5, "a space is missing after the colon", "write - conv: {filters: 6, kernel: …}")],
    "conv:{filters: 6, kernel: 5}": [
        (3, 5, "a space is missing after the colon", "write - conv: {filters: 6, kernel: 5}")
    ],
    "conv {filters: 6}": [(3, 5, "a colon is missing after conv", "write - conv: {filters: 6, kernel: …}")],
    "conv {filters: 6, kernel: 3}": [(3, 5, "a colon is missing after conv", "write - conv: {filters: 6, kernel: 3}")],
    "conv 6": [(3, 5, "a colon is missing after conv", "write - conv: {filters: 6, kernel: …}")],
    "maxpool 2": [(3, 5, "a colon is missing after maxpool", "write - maxpool: 2")],
    "conv(6, 3)": [(3, 5, "a layer is not written as a call", "write - conv: {filters: 6, kernel: 3}")],
    "Conv2d(3, 6, kernel_size=5)": [
        (3, 5, "a layer is not written as a call", "write - conv: {filters: 6, kernel: 5}")
    ],
    "Conv2D(6, (3, 3), padding='SAME', activation='relu')": [
        (3, 5, "a layer is not written as a call",
         "write - conv: {filters: 6, kernel: 3, padding: same}, then - relu")
    ],
    "nn.Linear(120, 84)": [(3, 5, "a layer is not written as a call", "write - linear: 84")],
    "nn.ReLU(inplace=True)": [(3, 5, "a layer is not written as a call", "write - relu")],
    "nn.BatchNorm2d(32)": [(3, 5, "a layer is not written as a call", "write - batchnorm")],
    "self.conv1 = nn.Conv2d(3, 6, 5)": [
        (3, 5, "a layer is not written as a call", "write - conv: {filters: 6, kernel: 5}")
    ],
    "conv3-64": [(3, 5, "unknown layer type 'conv3-64'", "write - conv: {filters: 64, kernel: 3}")],
    "conv3x3: 64": [(3, 5, "unknown layer type 'conv3x3: 64'", "write - conv: {filters: 64, kernel: 3}")],
    "3x3 conv, 64": [(3, 5, "unknown layer type '3x3 conv, 64'", "write - conv: {filters: 64, kernel: 3}")],
    "conv 3x3, 64": [(3, 5, "a colon is missing after conv", "write - conv: {filters: 64, kernel: 3}")],
    "conv: 6@5x5": [
        (3, 11, "filters must be a whole number, not '6@5x5'", "write - conv: {filters: 6, kernel: 5}")
    ],
    "linear: {units: 2}, relu": [
        (3, 5, "a second layer after the first one", "give relu a line or a --layer of its own")
    ],
    "relu,": [(3, 5, "',' after the layer", "write - relu")],
    "conv: {filters: 6, kernel: 5},": [(3, 5, "',' after the layer", "write - conv: {filters: 6, kernel: 5}")],
    "conv: filters: 6, kernel: 5": [
        (3, 5, "the fields of conv are not in braces", "write - conv: {filters: 6, kernel: 5}")
    ],
    "conv: {filters: 6; kernel: 5}": [
        (3, 5, "a comma is missing between the fields", "write - conv: {filters: 6, kernel: 5}")
    ],
    "conv: {filters: 6 kernel: 5}": [
        (3, 5, "a comma is missing between the fields", "write - conv: {filters: 6, kernel: 5}")
    ],
    "conv: {filters: 6, kernel: 5}}": [
        (3, 5, "a closing brace has no opening one", "write - conv: {filters: 6, kernel: 5}")
    ],
    "conv: {filters: 6, kernel: 5": [
        (3, 11, "the brace opened here is not closed, or a comma is missing after it",
         "write - conv: {filters: 6, kernel: 5}")
    ],
    "maxpool: 3, 2": [
        (3, 14, "'3, 2' may be kernel 3 and stride 2, or a kernel of 3x2",
         "write {kernel: 3, stride: 2}, or [3, 2] for a kernel of 3x2")
    ],
    "pool: 2": [(3, 5, "unknown layer type 'pool'", "use maxpool or avgpool")],
    "max: 2": [(3, 5, "unknown layer type 'max'", "use maxpool")],
    "output: 10": [(3, 5, "unknown layer type 'output'", "write - linear: 10")],
    "dense: 10": [(3, 5, "unknown layer type 'dense'", "write - linear: 10")],
    "conv2d: 5x5": [(3, 5, "unknown layer type 'conv2d'", "write - conv: {filters: …, kernel: 5x5}")],
    "Conv2D: {filters: 6, kernel_size: 3, activation: relu}": [
        (3, 5, "unknown layer type 'Conv2D'", "write - conv: {filters: 6, kernel: 3}, then - relu")
    ],
    "Conv2D: {filters: 6, other: 3}": [(3, 5, "unknown layer type 'Conv2D'", "use conv")],
    "Concatenate: [input, input]": [(3, 5, "unknown layer type 'Concatenate'", "write - concat: [input, input]")],
    'linear: {units: 2, bias: "0 0"}': [
        (3, 30, "bias must be true or false, not '0 0'",
         "write true or false, or use cnn convolve, which calculates with numbers")
    ],
    "conv3-64 x2": [
        (3, 5, "unknown layer type 'conv3-64 x2'",
         "write - repeat: {times: 2, layers: [conv: {filters: 64, kernel: 3}]}")
    ],
    "conv3x3(3, 64)": [(3, 5, "unknown layer type 'conv3x3(3, 64)'", "write - conv: {filters: 64, kernel: 3}")],
    "conv5x3-6": [(3, 5, "unknown layer type 'conv5x3-6'", "write - conv: {filters: 6, kernel: 5x3}")],
    "conv: 3->16, 3x3": [
        (3, 11, "filters must be a whole number, not '3->16, 3x3'", "write - conv: {filters: 16, kernel: 3}")
    ],
    "conv: {filters: 6@5x5}": [
        (3, 21, "filters must be a whole number, not '6@5x5'", "write filters: 6, kernel: 5")
    ],
    "conv: {filters: 6@28x28, kernel: 5}": [
        (3, 21, "filters must be a whole number, not '6@28x28'", "write filters: 6")
    ],
    'conv: {filters: "6@5x5"}': [
        (3, 21, "filters must be a whole number, not '6@5x5'", "write filters: 6, kernel: 5")
    ],
    "Linear:\n      units: 2": [(3, 5, "unknown layer type 'Linear'", "use linear")],
    "avgpool: global": [(3, 14, "kernel must be a whole number, not global", "use global_avgpool")],
    "conv: {filters: 6, kernel: 3, stride: 0}": [
        (3, 43, "stride must be at least 1, not 0", "leave it out, or write stride: 1")
    ],
    "NORM1": [(3, 5, "unknown layer type 'NORM1'", "use batchnorm, layernorm, groupnorm or lrn")],
    "foobarbaz": [(3, 5, "unknown layer type 'foobarbaz'", "cnn layer lists the layer types")],
    "activation: relu": [(3, 5, "unknown layer type 'activation'", "write - relu")],
    "relu: true": [(3, 11, "relu takes no value", "write - relu")],
    "relu: false": [(3, 11, "relu takes no value", "remove the layer")],
    "maxpool: {size: 2}": [(3, 15, "maxpool has no field 'size'", "use kernel")],
    "\u0441onv: {filters: 6, kernel: 5}": [
        (3, 5, "unknown layer type '\u0441onv'", "type it again: '\u0441' is U+0441, CYRILLIC SMALL LETTER ES")
    ],
    "relu: {name: café}": [
        (3, 18, "'café' is not a name", "use letters from a to z, digits and underscores, e.g. cafe")
    ],
    "relu: {name: cafe\u0301}": [
        (3, 18, "'cafe\u0301' is not a name", "use letters from a to z, digits and underscores, e.g. cafe")
    ],
}  # fmt: skip


def problems(text: str) -> list[tuple[int, int, str, str]]:
    found = refusal(text).problems
    return [(*problem.place[1:3], problem.message, problem.hint) for problem in found if problem.place is not None]


@pytest.mark.parametrize("typed", LAYERS)
def test_a_layer_in_another_notation_is_answered_with_what_to_write(typed: str) -> None:
    assert problems(network(typed)) == LAYERS[typed]


GIVEN_WITH_A_SIGN = {  # a field with = and without braces, in cnn's or another notation, and what to write
    "dropout: p=0.5": "- dropout: 0.5",
    "dropout: rate = 0.5": "- dropout: 0.5",
    "linear: out_features=120": "- linear: 120",
    "maxpool: k=2": "- maxpool: 2",
    "maxpool: k=2, s=1": "- maxpool: {kernel: 2, stride: 1}",
    "leaky_relu: alpha=0.2": "- leaky_relu: 0.2",
    "batchnorm: eps=1e-3": "- batchnorm: 1e-3",
    "groupnorm: num_groups=3": "- groupnorm: 3",
    "upsample: scale_factor=2": "- upsample: 2",
    "adaptive_avgpool: output_size=1": "- adaptive_avgpool: 1",
    "conv_transpose: f=8": "- conv_transpose: {filters: 8, kernel: …}",
    "conv: n=6, f=5": "- conv: {filters: 6, kernel: 5}",
    "conv: K=6, F=5, S=1, P=2": "- conv: {filters: 6, kernel: 5, stride: 1, padding: 2}",
    "lrn: n=5": "- lrn: 5",
}


@pytest.mark.parametrize("typed", GIVEN_WITH_A_SIGN)
def test_fields_with_an_equal_sign_are_answered_with_the_line_to_write(typed: str) -> None:
    (problem,) = refusal(network(typed)).problems
    assert problem.hint == f"write {GIVEN_WITH_A_SIGN[typed]}"


OTHER_NOTATIONS = {  # and the hint, whose lines the reader accepts
    "fully connected: 10": "write - linear: 10",
    "max pool: 2": "write - maxpool: 2",
    "max pool 2x2": "write - maxpool: 2",
    "Average Pooling": "write - avgpool: {kernel: …}",
    "batch normalization": "write - batchnorm",
    "POOL2": "use maxpool or avgpool",
    "pool2: 2": "use maxpool or avgpool",
    "2x2 pool": "use maxpool or avgpool, e.g. - maxpool: 2",
    "SeparableConv2D(32, 3)": "write - depthwise_conv: {kernel: 3, bias: false}, then - conv: {filters: 32, kernel: 1}",
    "ReflectionPad2d(1)": "write - pad: {padding: 1, mode: reflect}",
    "BatchNormalization(momentum=0.99, epsilon=0.001)": "write - batchnorm: {momentum: 0.01, eps: 0.001}",
    "Reshape((7, 7, 64))": "write - reshape: 64x7x7",
    "Softmax(dim=1)": "write - softmax",
    "x.view(-1, 400)": "write - flatten",
    "MaxPool2d(3, 2, ceil_mode=True)": "write - maxpool: {kernel: 3, stride: 2, rounding: ceil}",
    'Upsample(scale_factor=2, mode="bilinear")': "write - upsample: {scale: 2, mode: linear}",
    "Conv2d(3, 6, 5).relu()": "write - conv: {filters: 6, kernel: 5}, then - relu",
    "model.add(Dense(10))": "write - linear: 10",
    "FC-4096": "write - linear: 4096",
    "FC120": "write - linear: 120",
    'Activation("relu")': "write - relu",
    "3x3 conv, 64, /2": "write - conv: {filters: 64, kernel: 3, stride: 2}",
    "7x7 conv, 64, stride 2": "write - conv: {filters: 64, kernel: 7, stride: 2}",
    "C1: 6@28x28": "C is a convolution in LeNet's figure: write - conv: {name: C1, filters: 6, kernel: …}",
    "S2": "S is subsampling in LeNet's figure: write - avgpool: {name: S2, kernel: 2} or - subsample: {name: S2} "
    "(LeNet-5's, with weights)",
    "F6: 84": "F is fully connected in LeNet's figure: write - linear: {name: F6, units: 84}",
    "C1: conv 6@5x5": "write - conv: {name: C1, filters: 6, kernel: 5}",
    "conv1_1: conv3-64": "write - conv: {name: conv1_1, filters: 64, kernel: 3}",
    "conv1: 64": "write - conv: {name: conv1, filters: 64, kernel: …}",
    "fc6: linear: 4096": "write - linear: {name: fc6, units: 4096}",
    "conv: 5x5x6": "write - conv: {filters: 6, kernel: 5} for 6 filters, "
    "or {filters: …, kernel: 5} if 6 is their depth",
    "conv: 5x5x3x6": "write - conv: {filters: 6, kernel: 5}",
    "maxpool: 2x2/2": "write - maxpool: {kernel: 2, stride: 2}",
    "maxpool: 2x2, stride 2": "write - maxpool: {kernel: 2, stride: 2}",
    "upsample: x2": "write - upsample: 2",
    "2x2 max pool": "write - maxpool: 2",
    "3x3 max pool, /2": "write - maxpool: {kernel: 3, stride: 2}",
    "pool, /2": "use maxpool or avgpool, e.g. - maxpool: {kernel: …, stride: 2}",
    "96 11x11 filters at stride 4, pad 0": "write - conv: {filters: 96, kernel: 11, stride: 4, padding: 0}",
    "3x3 conv, 64 + BN + ReLU": "write - conv: {filters: 64, kernel: 3}, then - batchnorm, then - relu",
    "3x3 conv, 64, pad 1, x3": "write - repeat: {times: 3, layers: [conv: {filters: 64, kernel: 3, padding: 1}]}",
    "MAX POOL1: 3x3 filters at stride 2": "write - maxpool: {kernel: 3, stride: 2}",
    "POOL2: 2x2, stride 2": "use maxpool or avgpool, e.g. - maxpool: {kernel: 2, stride: 2}",
    "Global Average Pooling": "write - global_avgpool",
    "Dense: 120 sigmoid": "write - linear: 120, then - sigmoid",
    "linear: 400 -> 120": "write - linear: 120",
    "conv: 6 filters of size 5": "write - conv: {filters: 6, kernel: 5}",
    "conv2d(6, 5, 2)": "write - conv: {filters: 5, kernel: 2}",
    "F.max_pool2d(x, 2)": "write - maxpool: 2",
    "inner_product_param { num_output: 4096 }": "write - linear: 4096",
    "residual block": "write - residual: [ … ]",
    "inception (3a)": "use parallel",
    "skip connection": "use residual",
    "norm1: lrn": "write - lrn: {name: norm1}",
    "C(64, 3)": "write - conv: {filters: 64, kernel: 3}",
    "Layer 1: conv 3x3, 64": "write - conv: {filters: 64, kernel: 3}",
    "MaxPool 3x3+2(S)": "write - maxpool: {kernel: 3, stride: 2, padding: same}",
    "1000-way softmax": "write - linear: 1000, then - softmax",
    "maxpool: 2, stride: 2": "write - maxpool: {kernel: 2, stride: 2}",
    "maxpool: {2x2, stride: 2}": "write - maxpool: {kernel: 2x2, stride: 2}",
    "maxpool: {kernel: 2, stride: /2}": "write 2",
    "Convolutional layer with 6 filters of size 5x5, stride 1": "write - conv: {filters: 6, kernel: 5, stride: 1}",
    "conv: {filters: 6, kernel: 5, bias: 0}": "write false",
    "conv: {filters: 6, kernel: 5, bias: none}": "write false",
    "permute: 0 2 1": "write [0, 2, 1]",
    "conv: {filters: 3, kernel: 3}  // comment": "remove it: a comment starts with #",
    "conv: {filters: 3, kernel: 3} x2": "write - repeat: {times: 2, layers: [ … ]} around the layer",
    "c1: conv: {filters: 3, kernel: 3}": "write - conv: {name: c1, filters: 3, kernel: 3}",
}


@pytest.mark.parametrize("typed", OTHER_NOTATIONS)
def test_a_layer_of_another_framework_is_answered_with_the_same_layer(typed: str) -> None:
    (problem,) = refusal(network(typed)).problems
    assert problem.hint == OTHER_NOTATIONS[typed]


def test_a_key_of_another_notation_is_answered_with_the_key() -> None:
    hints = [
        problem.hint for problem in refusal("input_shape: 1x9x9\nlayers: [repeat: {n: 3, layers: [relu]}]").problems
    ]
    assert {"use input", "use times"} <= {*hints}


@pytest.mark.parametrize("weight", ["'2; -1'", "[[2], [-1]]"])
def test_a_layer_of_another_framework_keeps_the_weights_for_a_calculation_by_hand(weight: str) -> None:
    (problem,) = refusal(network(f"Linear: {{out_features: 2, weight: {weight}, bias: '0 0'}}")).problems
    assert problem.message == "unknown layer type 'Linear'"
    assert problem.hint == f"write - linear: {{units: 2, weight: {weight}, bias: '0 0'}}"


def test_the_number_of_repeats_is_the_value_of_times() -> None:
    hints = [problem.hint for problem in refusal(network("repeat: 3\n    layers: [relu]", "repeat: x2")).problems]
    assert hints == ["write - repeat: {times: 3, layers: [ … ]}", "write repeat: {times: 2, layers: …}"]


def hints() -> list[str]:
    typed = [*OTHER_NOTATIONS, *GIVEN_WITH_A_SIGN, *LAYERS]
    return [problem.hint for item in typed for problem in refusal(network(item)).problems]


def test_every_line_that_a_hint_says_to_write_is_accepted_by_the_reader() -> None:
    written = [line for hint in hints() if hint.startswith("write - ") for line in hint[6:].split(", then ")]
    lines = [line.removeprefix("- ") for line in written if "…" not in line and not line.endswith(":")]
    assert len(lines) > 30
    for line in lines:
        source = Source("net.yaml", network(line, input="64x49x49"))
        assert read(source).problems == [], line


@pytest.mark.parametrize("kind", [*KINDS])
def test_an_unknown_field_with_an_equal_sign_is_a_problem_of_every_layer_type(kind: str) -> None:
    assert refusal(network(f"{kind}: zzz=1")).problems


def test_two_equal_numbers_and_a_list_are_a_kernel_of_a_pool() -> None:
    nodes = loaded(network("maxpool: 2, 2", "avgpool: [3, 2]", input="3x32x32")).graph.nodes
    assert [node.layer.field_values["kernel"] for node in nodes] == [(2, 2), (3, 2)]


FILES = {  # a file, and (line, column, message, hint) of its problems
    "input 1x28x28\nlayers: [relu]\n": [(1, 1, "a colon is missing after input", "write input: 1x28x28")],
    "input = 1x28x28\nlayers: [relu]\n": [(1, 1, "a colon is missing after input", "write input: 1x28x28")],
    "input:1x28x28\nlayers: [relu]\n": [(1, 1, "a space is missing after the colon", "write input: 1x28x28")],
    "input： 1x28x28\nlayers：\n  - relu\n": [
        (1, 1, "'：' is a full-width colon", "write input: 1x28x28"),
        (2, 1, "'：' is a full-width colon", "write layers:"),
    ],
    "input: 1x9x9\nlayers:\n  -conv: 6\n  -relu\n": [
        (3, 3, "a space is missing after the dash", "write - conv: 6"),
        (4, 3, "a space is missing after the dash", "write - relu"),
    ],
    "input: 1x9x9\nlayers:\n  - relu\n  -relu\n": [(4, 3, "a space is missing after the dash", "write - relu")],
    "input: 1x9x9\nlayers:\n  • relu\n  2. conv: {filters: 6, kernel: 5}\n": [
        (3, 3, "a list item starts with a dash and a space", "write - relu"),
        (4, 3, "a list item starts with a dash and a space", "write - conv: {filters: 6, kernel: 5}"),
    ],
    "input: 1x9x9\nlayers:\n  - conv:\n      filters:6\n      kernel: 5\n": [
        (4, 7, "a space is missing after the colon", "write filters: 6")
    ],
    "input: 1x9x9\nlayers:\n  - conv:\n      filters: 6\n     kernel: 5\n": [
        (
            5,
            6,
            "the indentation does not match the previous lines: column 6 here, and column 7 in line 4",
            "align it with line 4",
        )
    ],
    "input: 1x9x9\nlayers:\n  - relu\n - relu\n": [
        (
            4,
            2,
            "the indentation does not match the previous lines: column 2 here, and column 3 in line 3",
            "align it with line 3",
        )
    ],
    "input: 1x9x9\nlayers:\n  - relu\n    - relu\n": [
        (4, 5, "a list item is indented further than the one before", "align its dash with the earlier ones")
    ],
    "input: 1x9x9\nlayers:\n  - conv\n    filters: 6\n": [(3, 5, "a colon is missing after conv", "write - conv:")],
    "input: 1x9x9\n- relu\n": [(2, 1, "a list item without a key for the list", "write layers: in the line before")],
    "input: 1x9x9\nlayers:\n\t- relu\n": [(3, 1, "a tab, where YAML requires spaces", "replace the tab with spaces")],
    "input: 1x9x9\nlayers:\n  conv: {filters: 6, kernel: 5}\n  relu:\n": [
        (3, 3, "the network needs a list of layers", "begin each layer with a dash and a space, e.g. - relu")
    ],
    "input: 1x9x9\nlayers:\n  relu:\n  relu:\n": [
        (4, 3, "'relu' is given twice", "begin each layer with a dash and a space: - relu")
    ],
    "input: 1x9x9\nlayers:\n  -\u00a0relu\n": [
        (
            3,
            4,
            "a no-break, full-width or invisible space, where YAML requires an ordinary one",
            "type it again",
        )
    ],
    "// gray\ninput: 1x9x9\nlayers: [relu]\n": [(1, 1, "a comment starts with #", "write # gray")],
    "description: |\n  -conv and\n  input 3x3\ninput: 1x9x9\nlayers:\n  -relu\n": [
        (6, 3, "a space is missing after the dash", "write - relu")
    ],
}


@pytest.mark.parametrize("text", FILES)
def test_a_typing_error_is_named_with_its_line(text: str) -> None:
    assert problems(text) == FILES[text]


def test_a_typing_error_is_found_far_into_a_file() -> None:
    text = network(*["relu"] * 2000) + "  -relu\n"
    assert problems(text) == [(2003, 3, "a space is missing after the dash", "write - relu")]


def test_every_typing_error_of_a_file_is_reported() -> None:
    text = "input 1x28x28\nlayers:\n  -conv: {filters: 6, kernel: 5}\n  - maxpool 2\n  * relu\n"
    assert [line for line, *_ in problems(text)] == [1, 3, 4, 5]


DEFAULTS = {name: kind for name, kind in KINDS.items() if not kind.merges}


@pytest.mark.parametrize("kind", DEFAULTS)
@pytest.mark.parametrize("notation", ["{0}({1})", "{0} {{{1}}}", "{0}:{{{1}}}", "{0}: {1}"])
def test_the_layer_that_a_hint_says_to_write_has_the_values_that_were_typed(kind: str, notation: str) -> None:
    required = [name for name, field in KINDS[kind].schema.items() if field.required]
    values = dict.fromkeys(required, "3") | {"reshape": {"shape": "81"}, "permute": {"order": "[0]"}}.get(kind, {})
    if not values:
        return
    typed = notation.format(kind, ", ".join(f"{name}: {value}" for name, value in values.items()))
    (problem,) = refusal(network(typed, input="9")).problems if notation != "{0}: {1}" else [None]
    line = problem.hint.removeprefix("write ") if problem else rewritten_line(f"- {typed}")
    wanted = f"{kind}: {{{', '.join(f'{name}: {value}' for name, value in values.items())}}}"
    assert _layer(line.removeprefix("- ")) == _layer(wanted)


def _layer(item: str) -> object:
    (node,) = read(Source("net.yaml", network(item, input="9"))).graph.nodes
    return node.layer


def test_pytorchs_arguments_name_fields_that_exist() -> None:
    fields = {field for kind in KINDS.values() for field in kind.schema}
    assert {name for names in TORCH_ARGUMENTS.values() for name in names if name} <= fields


@given(st.text(st.sampled_from("conv relu-:{}()[]=,;'\" 35：filters\n\t#|"), max_size=80))
@settings(max_examples=150, deadline=None)
def test_any_text_has_an_answer(text: str) -> None:
    line_faults(text), foreign_text(text), rewritten_line(f"- conv: {text}")
    try:
        loaded(text)
    except CnnError as error:
        assert str(error)


@pytest.mark.parametrize(
    "text",
    [
        *("(" * 200_000, "- conv: {" * 20_000, "a " * 200_000, "\n" * 300_000 + "x", "# " * 300_000),
        "".join(f"  -zzq{number}\n" for number in range(50_000)),
    ],
)
def test_looking_for_typing_errors_takes_linear_time(text: str) -> None:
    began = time.process_time()
    line_faults(text), foreign_text(text), rewritten_line(f"- conv: {text}")
    assert time.process_time() - began < 2


FOREIGN = {
    "import torch.nn as nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        pass\n": "Python code",
    "model = keras.Sequential([\n    keras.layers.Conv2D(6, (5, 5)),\n])\n": "Python code",
    "nn.Sequential(\n    nn.Conv2d(1, 6, 5),\n    nn.ReLU(),\n)\n": "Python code",
    "LeNet(\n  (conv1): Conv2d(1, 6, kernel_size=(5, 5))\n)\n": "a printed PyTorch model",
    json.dumps({"class_name": "Sequential", "config": {"layers": [{"class_name": "Conv2D"}]}}): "a Keras model as JSON",
    json.dumps({"cells": [{"source": ["import torch"]}], "nbformat": 4}, indent=1): "a Jupyter notebook",
    '{"a": 1}': "a JSON file without input and layers",
    "label,pixel0,pixel1\n1,0,0\n2,3,4\n": "a table of values",
    'Model: "sequential"\n____\nLayer (type)   Output Shape\n': "a printed summary of a model",
    'name: "LeNet"\nlayer {\n  name: "data"\n}\n': "a Caffe prototxt file",
    "[net]\nbatch=1\n\n[convolutional]\nfilters=32\n": "a darknet configuration",
    "<!DOCTYPE html>\n<html>": "an HTML or XML file",
}
BINARY = {
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR": "a PNG image",
    b"\xff\xd8\xff\xe0\0\x10JFIF": "a JPEG image",
    b"\x89HDF\r\n\x1a\n\0": "an HDF5 file",
    b"\x08\x07\x12\x07pytorch\x1a\x051.9:\xd4": "an ONNX model",
    b"PK\x03\x04\x14\0\0\0archive/data.pkl": "a ZIP archive",
    b"\x93NUMPY\x01\0v\0": "a NumPy array",
    b"X\0\0\0\0\0\0\0" + b'{"conv1.weight": 1}': "a safetensors file",
}


@pytest.mark.parametrize("text", FOREIGN)
def test_a_file_of_another_kind_is_named_in_one_sentence(text: str) -> None:
    (problem,) = refusal(text).problems
    assert problem.message == f"net.yaml: is {FOREIGN[text]}, not a description of a network"


@pytest.mark.parametrize("data", BINARY)
def test_a_binary_file_is_named_in_one_sentence(data: bytes) -> None:
    with pytest.raises(CnnError, match=re.escape(BINARY[data])) as caught:
        decode("net.yaml", data)
    assert len(caught.value.problems) == 1


def test_json_and_names_of_people_are_no_other_kind_of_file() -> None:
    assert graph_of('{"input": "1x9x9", "layers": ["relu"]}')
    assert graph_of("description: import torch, def f()\ninput: 1x9x9\nlayers: [relu]\nsource: BM, GIF8 é\n")


def graph_of(text: str) -> object:
    return loaded(text).graph.nodes


def test_a_folder_is_named_as_one(cnn: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    ended = cnn("summarize", tmp_path_factory.mktemp("nets"))
    assert ended.code == 2
    assert "is a directory" in ended.err
