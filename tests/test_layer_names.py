"""Layers are found by what a user calls them, and an unknown name is answered with the one that was meant."""

from __future__ import annotations

import pytest
from program import Run

from cnncli.errors import CnnError
from cnncli.loading import load


@pytest.mark.parametrize(
    ("network", "name", "hint"),
    [
        ("lenet5", "conv1", "its first conv is called c1"),
        ("lenet5", "Conv2d_1", "its first conv is called c1"),
        ("lenet5", "fc3", "its third linear is called linear3"),
        ("lenet5", "pool2", "its second pooling layer is called maxpool2"),
        ("lenet5", "layer3", "its third layer is called maxpool1"),
        ("lenet5", "conv3", "the network has 2 conv layers; the last is called conv2"),
        ("lenet5", "bn1", "the network has no batchnorm layer"),
        ("lenet5", "cnov2", "did you mean conv2?"),
        ("lenet5", "input", "input is an input of the network: name a layer"),
        ("lenet5", "output", "the last layer is called linear3"),
        ("lenet5", "xyz", "cnn summarize shows the names"),
        ("resnet18", "conv12", "its conv number 12 is called stage3.basic1.sum.conv2"),
        ("resnet18", "stage1.conv3", "the third conv in stage1 is called stage1.more.0.basic1.sum.conv1"),
        ("resnet18", "residual1.add1", "its first residual composite is called stage1.basic1.sum"),
        ("resnet18", "stage1.basic1.sum.shortcut", "stage1.basic1.sum.shortcut is an identity: it has no layers"),
        ("resnet18", "stage1", "stage1 is a composite; its output is that of stage1.more.0.basic1.relu1"),
    ],
)
def test_an_unknown_name_is_answered_with_the_layer_that_was_meant(network: str, name: str, hint: str) -> None:
    with pytest.raises(CnnError) as error:
        load(network).inferred.layer(name)
    assert str(error.value) == f"{name}: the network has no such layer\n  {hint}"


def test_a_numbered_type_means_that_layer_of_the_type_in_every_network() -> None:
    inferred = load("resnet18").inferred
    convs = [name for name, info in inferred.layers.items() if info.node.layer.kind == "conv"]
    for number, name in enumerate(convs[1:], 2):
        with pytest.raises(CnnError, match=f"called {name}"):
            inferred.layer(f"convolution{number}")


def test_a_composite_means_its_output_where_one_layer_is_asked_for(cnn: Run) -> None:
    inferred = load("resnet18").inferred
    for group in inferred.graph.groups:
        if group.first < group.last:
            assert inferred.output_of(group.name).node.name == inferred.graph.nodes[group.last - 1].name
    for command in ("receptive-field resnet18 {}", "solve resnet18 --output-size 7 --layer {}"):
        outputs = {cnn(*command.format(name).split()).out for name in ("stage4", "stage4.more.0.basic1.relu1")}
        assert len(outputs) == 1 and "stage4.more.0.basic1.relu1" in outputs.pop()
