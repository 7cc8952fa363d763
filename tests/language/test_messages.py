"""Whole error texts: where, what, and what to write instead, as a reader of the terminal sees them."""

from __future__ import annotations

import pytest
from texts import loaded, network, refusal

from cnncli.errors import INVALID, NO, SHOWN_AT_MOST

CASES = [
    (
        network("conv: {filters: 6, kernel: 5}", "maxpool: 2", "conv: {filters: 6, kernel: 15}"),
        """\
net.yaml:5:24: conv2: a 15x15 kernel does not fit a 12x12 input with padding 0
    - conv: {filters: 6, kernel: 15}
                         ^
  shapes so far: input 1x28x28 -> conv1 6x24x24 -> maxpool1 6x12x12
  use a kernel of at most 12, or padding of at least 2""",
    ),
    (
        network("conv: {filters: 6, kernel: 3, stride: 3, rounding: exact}", input="1x7x7"),
        """\
net.yaml:3:35: conv1: a 3x3 kernel with stride 3 does not fit a 7x7 input with padding 0 exactly: \
(7 - 3)/3 + 1 = 2.333 positions
    - conv: {filters: 6, kernel: 3, stride: 3, rounding: exact}
                                    ^
  shapes so far: input 1x7x7
  use stride 1 or 2, or padding 1, or rounding: floor""",
    ),
    (
        network("linear: 10"),
        """\
net.yaml:3:5: linear1: linear needs a vector, but its input is a feature map of 1x28x28
    - linear: 10
      ^
  shapes so far: input 1x28x28
  put flatten (or global_avgpool) before it""",
    ),
    (
        network("flatten", "conv: {filters: 1, kernel: 1}"),
        """\
net.yaml:4:5: conv1: conv needs a feature map, but its input is a vector of 784 values
    - conv: {filters: 1, kernel: 1}
      ^
  shapes so far: input 1x28x28 -> flatten1 784
  put it before the flatten or the global pool, or use linear""",
    ),
    (
        network("conv: {filters: 6, kernel: 3, groups: 4}", input="3x9x9"),
        """\
net.yaml:3:35: conv1: 4 groups do not divide 3 input channels
    - conv: {filters: 6, kernel: 3, groups: 4}
                                    ^
  shapes so far: input 3x9x9
  groups must divide both 3 input channels and 6 filters""",
    ),
    (
        network("conv: {filters: 6, kernel: [3, 3, 3]}"),
        """\
net.yaml:3:24: conv1: kernel is given for 3 axes, but the input has 2 axes besides its channels
    - conv: {filters: 6, kernel: [3, 3, 3]}
                         ^
  shapes so far: input 1x28x28
  give one number, or a list of 2""",
    ),
    (
        network("conv: {filters: 6, kernel: 3}", "add: [conv1, input]"),
        """\
net.yaml:4:5: add1: add needs equal shapes, but its inputs are 6x26x26 and 1x28x28
    - add: [conv1, input]
      ^
  shapes so far: input 1x28x28 -> conv1 6x26x26
  give the paths equal channels, stride and padding, or use concat to stack channels""",
    ),
    (
        network("maxpool: {kernel: 2, padding: 2}"),
        """\
net.yaml:3:26: maxpool1: padding 2 is more than half of the effective kernel size 2: \
a window would contain only padding
    - maxpool: {kernel: 2, padding: 2}
                           ^
  shapes so far: input 1x28x28
  use padding of at most 1""",
    ),
    (
        network("conv: {out_channels: 6, kernel_size: 5, padding: SAME}"),
        """\
net.yaml:3:12: conv1: conv has no field 'out_channels'
    - conv: {out_channels: 6, kernel_size: 5, padding: SAME}
             ^
  use filters

net.yaml:3:29: conv1: conv has no field 'kernel_size'
    - conv: {out_channels: 6, kernel_size: 5, padding: SAME}
                              ^
  use kernel

net.yaml:3:54: conv1: padding must be valid, same, same_lower or full, not SAME
    - conv: {out_channels: 6, kernel_size: 5, padding: SAME}
                                                       ^
  write same""",
    ),
    (
        network("Conv2D: {filters: 6, kernel: 3}", "flatten", "Dense: 10"),
        """\
net.yaml:3:5: unknown layer type 'Conv2D'
    - Conv2D: {filters: 6, kernel: 3}
      ^
  write - conv: {filters: 6, kernel: 3}

net.yaml:5:5: unknown layer type 'Dense'
    - Dense: 10
      ^
  write - linear: 10""",
    ),
    (
        network("conv: {in_channels: 1, filters: 6, kernel: 3, activation: relu}"),
        """\
net.yaml:3:12: conv1: conv has no field 'in_channels'
    - conv: {in_channels: 1, filters: 6, kernel: 3, activation: relu}
             ^
  remove it: it is derived from the input

net.yaml:3:51: conv1: conv has no field 'activation'
    - conv: {in_channels: 1, filters: 6, kernel: 3, activation: relu}
                                                    ^
  add it as a separate layer after this one""",
    ),
    (
        network("maxpool: {kernel: 2, ceil_mode: true}"),
        """\
net.yaml:3:26: maxpool1: maxpool has no field 'ceil_mode'
    - maxpool: {kernel: 2, ceil_mode: true}
                           ^
  use rounding: ceil""",
    ),
    (
        network("conv: 6"),
        """\
net.yaml:3:5: conv1: missing required field: kernel
    - conv: 6
      ^
  write conv: {filters: 6, kernel: …}""",
    ),
    (
        network("conv: {filters: '6', kernel: 3}"),
        """\
net.yaml:3:21: conv1: filters must be a whole number, not '6'
    - conv: {filters: '6', kernel: 3}
                      ^
  remove the quotes""",
    ),
    (
        network("conv: {filters: $width * 2.5, kernel: 3}", above="variables: {width: 3}\n"),
        """\
net.yaml:4:21: conv1: filters must be a whole number, not 7.5 (from $width * 2.5)
    - conv: {filters: $width * 2.5, kernel: 3}
                      ^""",
    ),
    (
        network("conv: {filters: 2 + $widht, kernel: 3}", above="variables: {width: 3}\n"),
        """\
net.yaml:4:25: conv1: the expression '2 + $widht' uses $widht, which is not defined
    - conv: {filters: 2 + $widht, kernel: 3}
                          ^
  did you mean $width?""",
    ),
    (
        network("relu: {name: one}", "relu: {from: oen}"),
        """\
net.yaml:4:18: relu2: no earlier layer 'oen'
    - relu: {from: oen}
                   ^
  did you mean one?""",
    ),
    (
        network("relu: 3"),
        """\
net.yaml:3:11: relu1: relu takes no value
    - relu: 3
            ^
  write - relu""",
    ),
    (
        "input: 1x28x28\nlayers:\n  - conv: {filters: 6}\n    kernel: 5\n",
        """\
net.yaml:4:5: conv and kernel are in one list item
    kernel: 5
    ^
  indent the fields of conv further, or put them in braces: - conv: {kernel: …}""",
    ),
    (
        "inptu: 1x28x28\nlayers: [relu]\n",
        """\
net.yaml:1:1: a network has no key 'inptu'
    inptu: 1x28x28
    ^
  did you mean input?

net.yaml:1:1: the network needs an input
    inptu: 1x28x28
    ^
  write input: 3x224x224""",
    ),
    (
        "input: 1xHx28\nlayers: [relu]\n",
        """\
net.yaml: the input 1xHx28 has symbolic sizes
  give numbers, e.g. --input 1x28x28""",
    ),
    (
        "input: 32x32x3\nlayers: [relu]\n",
        """\
net.yaml:1:8: 32x32x3 reads as 32 channels of 32x3
    input: 32x32x3
           ^
  channels come first: write 3x32x32, or 32@32x3 for 32 channels of 32x3""",
    ),
    (
        "inputs: {a: [28, 28]}\nlayers: [relu]\n",
        """\
net.yaml:1:13: 28x28 reads as 28 channels of length 28
    inputs: {a: [28, 28]}
                ^
  write 1x28x28 for one channel of 28x28 (an image), or 28@28 for 28 channels of length 28""",
    ),
    (
        "input: 1x28x28x1\nlayers: [relu]\n",
        """\
net.yaml:1:8: 1x28x28x1 reads as 1 channel of 28x28x1
    input: 1x28x28x1
           ^
  channels come first: write 1x28x28 for an image (without the batch), 1@1x28x28 for a volume, \
or 1@28x28x1 for 1 channel of 28x28x1""",
    ),
    (
        "input: HxWx3\nlayers: [relu]\n",
        """\
net.yaml:1:8: the channels in 'HxWx3' must be a number
    input: HxWx3
           ^
  channels come first: write 3xHxW""",
    ),
    (
        "input: 1x28x28\nlayers: [conv: {filters: 1_6, kernel: ３}]\n",
        """\
net.yaml:2:26: conv1: filters must be a whole number, not '1_6'
    layers: [conv: {filters: 1_6, kernel: ３}]
                             ^
  write 16

net.yaml:2:39: conv1: kernel must be a whole number, not ３
    layers: [conv: {filters: 1_6, kernel: ３}]
                                          ^
  write 3""",
    ),
    (
        "input: image\nlayers: [relu]\n",
        """\
net.yaml:1:8: 'image' is not a shape
    input: image
           ^
  write channels x height x width, e.g. 3x224x224 (CxL in one dimension, CxDxHxW in three)""",
    ),
    (
        "input: 1x0x28\nlayers: [relu]\n",
        """\
net.yaml:1:8: 0 in '1x0x28' is not a size
    input: 1x0x28
           ^
  sizes go from 1 to 2147483647 (2^31 - 1)""",
    ),
    (
        "inputs: {a: {b: 1}}\nlayers: [relu]\n",
        """\
net.yaml:1:13: expected a value, not a mapping (name: value)
    inputs: {a: {b: 1}}
                ^
  write a number, a word or a list""",
    ),
    (
        "inputs: {}\nlayers: [relu]\n",
        """\
net.yaml:1:9: the network needs an input
    inputs: {}
            ^
  write input: 3x224x224""",
    ),
    (
        "input: 1x2x2\ninputs: {a: 1x2x2}\nlayers: [relu]\n",
        """\
net.yaml:2:1: input and inputs are both given
    inputs: {a: 1x2x2}
    ^
  keep one of them""",
    ),
    (
        "input: 1x2x2\nlayers:\n  -relu\n",
        """\
net.yaml:3:3: a space is missing after the dash
    -relu
    ^
  write - relu""",
    ),
    (
        "name: [x]\ninput: 1x2x2\n",
        """\
net.yaml:1:1: the network needs a list of layers
    name: [x]
    ^
  write layers: and after it a line for each, e.g. - relu

net.yaml:1:7: name must be a text, not a list or a mapping
    name: [x]
          ^
  put it in quotes""",
    ),
    (
        network("relu") + "train: {epoch: 3, lr: fast}\n",
        """\
net.yaml:4:9: train: unknown recipe key 'epoch'
    train: {epoch: 3, lr: fast}
            ^
  write epochs

net.yaml:4:23: train: lr must be a number, not fast
    train: {epoch: 3, lr: fast}
                          ^""",
    ),
    (
        "input: 1x2x2\nlayers:\n\t- relu\n",
        """\
net.yaml:3:1: a tab, where YAML requires spaces
    - relu
    ^
  replace the tab with spaces""",
    ),
    (
        "input: 1x2x2\nlayers:\n  - conv\n    filters: 6\n",
        """\
net.yaml:3:5: a colon is missing after conv
    - conv
      ^
  write - conv:""",
    ),
    (
        "input: 1x2x2\nlayers:\n  - conv: {filters: 6 kernel: 5}\n",
        """\
net.yaml:3:5: a comma is missing between the fields
    - conv: {filters: 6 kernel: 5}
      ^
  write - conv: {filters: 6, kernel: 5}""",
    ),
    (
        "input: 1x2x2\nlayers: [relu, relu\noutputs: relu1\n",
        """\
net.yaml:2:9: the bracket opened here is not closed, or a comma is missing after it
    layers: [relu, relu
            ^
  write [1, 2]""",
    ),
    (
        "name: 'LeNet\ninput: 1x2x2\nlayers: [relu]\n",
        """\
net.yaml:1:7: the quote opened here is never closed
    name: 'LeNet
          ^
  close it""",
    ),
    (
        "input: 1x2x2\nlayers:\n  - relu\n - relu\n",
        """\
net.yaml:4:2: the indentation does not match the previous lines: column 2 here, and column 3 in line 3
    - relu
    ^
  align it with line 3""",
    ),
    (
        "layers:\n- relu\nrelu\ninput: 1x2x2",
        """\
net.yaml:4:1: a line has no ':' where a key is expected
    input: 1x2x2
    ^
  write key: value, with a space after the ':'""",
    ),
    (
        "name: @home\n",
        """\
net.yaml:1:7: no value can start with this character
    name: @home
          ^
  put the text in quotes""",
    ),
    (
        "input: 1x2x2\nname: a\nname: b\nlayers: [relu]\n",
        """\
net.yaml:3:1: 'name' is given twice
    name: b
    ^
  it is already in line 2; keep one""",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[expected.split(": ", 1)[1][:50] for _, expected in CASES])
def test_the_whole_text(text: str, expected: str) -> None:
    assert str(refusal(text)) == expected


def test_a_file_that_cannot_be_read_and_a_shape_that_does_not_fit_end_differently() -> None:
    assert refusal(network("rleu")).exit_code == INVALID
    assert refusal(network("maxpool: 99")).exit_code == NO
    assert refusal(network("maxpool: 99", "relu: {from: x}")).exit_code == INVALID


def test_only_the_first_mistakes_are_shown() -> None:
    error = refusal(network(*["rleu"] * (SHOWN_AT_MOST + 5)))
    assert str(error).endswith("… and 5 more")
    assert str(error).count("unknown layer type") == SHOWN_AT_MOST


WRONG = ["3", "[1, 2]", "hello", "~", "", "{a: 1}", "{}", "[]", "[[[]]]", "true", "{a: {b: {c: 1}}}", "[{a: 1}]", "$x"]
KEYS = [
    "name",
    "description",
    "source",
    "input",
    "inputs",
    "variables",
    "defaults",
    "blocks",
    "layers",
    "outputs",
    "train",
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", WRONG)
def test_every_key_takes_any_value_or_refuses_it_at_its_place(key: str, value: str) -> None:
    fields = {"input": "1x9x9", "layers": "[relu]"}
    if key == "inputs":
        del fields["input"]
    text = "".join(f"{name}: {given}\n" for name, given in {**fields, key: value}.items())
    good = {
        "name": ["3", "hello", "~", "", "true", "$x"],
        "input": ["3", "[1, 2]"],
        "inputs": ["{a: 1}"],
        "variables": ["~", "", "{a: 1}", "{}"],
        **{key: ["~", "", "{}"] for key in ("defaults", "blocks", "train")},
        "outputs": ["~", ""],
    }
    good["description"] = good["source"] = good["name"]
    if value in good.get(key, []):
        assert loaded(text).inferred.layers
        return
    lines = {problem.place.line for problem in refusal(text).problems if problem.place}
    assert lines == {list({**fields, key: value}).index(key) + 1}
