"""By hand = by PyTorch: the outputs and all gradients of every layer type, and of chains, in float64."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from cnncli.executor.network.network import Network
from cnncli.homework.exact_ops.chain.approximate import is_approximate
from cnncli.homework.exact_ops.chain.calculation import Calculation
from cnncli.homework.exact_ops.chain.chain_reading import Chain
from cnncli.homework.exact_ops.chain.chain_run import ChainResult, run_chain
from cnncli.homework.exact_ops.chain.rules.activations import FUNCTIONS
from cnncli.homework.exact_ops.chain.rules.layer_rules import REASONS, RULES, UNSUPPORTED
from cnncli.homework.exact_ops.chain.rules.norms import MEAN
from cnncli.inference import infer
from cnncli.language import Source, read
from cnncli.layers import ALL

IMAGE, SIGNAL, VECTOR = "2x4x3", "2x5", "3"
CASES = [  # the input, and layers of which the last is the one in question
    (IMAGE, "conv: {filters: 3, kernel: 2, stride: 2, padding: 1}"),
    (IMAGE, "conv: {filters: 4, kernel: [3, 1], padding: same_lower, groups: 2, bias: false}"),
    (SIGNAL, "conv: {filters: 2, kernel: 2, dilation: 2, padding: 1, padding_mode: reflect}"),
    (IMAGE, "depthwise_conv: {kernel: 2, multiplier: 2}"),
    (IMAGE, "conv_transpose: {filters: 3, kernel: 3, stride: 2, padding: 1, output_padding: 1}"),
    (SIGNAL, "conv_transpose: {filters: 1, kernel: 2, bias: false}"),
    (IMAGE, "conv_transpose: {filters: 4, kernel: 2, stride: [2, 3], output_padding: [0, 2], groups: 2}"),
    (SIGNAL, "conv_transpose: {filters: 1, kernel: 2, dilation: 3, output_padding: 2}"),
    (IMAGE, "conv: {filters: 3, kernel: 2, padding: 1, connections: [[0], [0, 1], [1]]}"),
    (IMAGE, "maxpool: {kernel: 2, stride: 1, padding: 1}"),
    (IMAGE, "maxpool: {kernel: 2, rounding: ceil}"),
    (IMAGE, "avgpool: {kernel: 2, padding: 1}"),
    (IMAGE, "avgpool: {kernel: 2, stride: 2, padding: 1, rounding: ceil, count_include_pad: false}"),
    (IMAGE, "l2pool: {kernel: 2, stride: 1}"),
    (IMAGE, "global_avgpool"),
    (SIGNAL, "global_maxpool"),
    (VECTOR, "linear: 4"),
    (VECTOR, "linear: {units: 2, bias: false}"),
    (IMAGE, "flatten"),
    (IMAGE, "reshape: 4x2x3"),
    (IMAGE, "permute: {order: [2, 0, 1]}"),
    (IMAGE, "slice: {start: 1, stop: 3, axis: height}"),
    (IMAGE, "crop: [[1, 0], [0, 1]]"),
    (IMAGE, "pad: {padding: [1, 2], mode: reflect}"),
    (IMAGE, "pad: 1"),
    ("8x2x3", "pixel_shuffle: 2"),
    ("6x2", "channel_shuffle: 3"),
    *((VECTOR, kind) for kind in ("identity", "dropout", "drop_path", "relu", "relu6", "sigmoid", "tanh", "silu")),
    *((VECTOR, kind) for kind in ("hardswish", "hardsigmoid", "scaled_tanh", "gelu", "gelu: tanh")),
    (IMAGE, "spatial_dropout"),
    (VECTOR, "leaky_relu: 0.2"),
    (VECTOR, "elu: 0.5"),
    (VECTOR, "softplus: 2"),
    (IMAGE, "prelu"),
    (IMAGE, "prelu: {per_channel: true}"),
    (VECTOR, "softmax"),
    (SIGNAL, "softmax"),
    (SIGNAL, "log_softmax"),
    (VECTOR, "batchnorm"),
    (IMAGE, "batchnorm: {affine: false}"),
    (SIGNAL, "layernorm"),
    (SIGNAL, "layernorm: {axes: channels}"),
    ("4x2", "groupnorm: 2"),
    (SIGNAL, "instancenorm"),
    (IMAGE, "scale"),
    (SIGNAL, "add: [input, input]"),
    (VECTOR, "multiply: [input, relu]"),
    (VECTOR, "maximum: [input, relu]"),
    (VECTOR, "average: [input, relu]"),
    (SIGNAL, "concat: [input, relu]"),
    ("4@2x1", "lrn: {size: 3, alpha: 0.5}"),
    ("5x2", "lrn: {size: 2, alpha: 2, beta: 2, k: 0.5}"),
    ("2x3", "lrn"),
    (SIGNAL, "upsample: 2"),
    ("1x3x2", "upsample: {size: [4, 5]}"),
    ("1x4x3", "upsample: {size: [3, 2], mode: linear}"),
    (IMAGE, "upsample: {scale: [2, 1.5], mode: linear}"),
    ("1x2x2x3", "upsample: {scale: 2, mode: linear}"),
    (IMAGE, "upsample: {size: [3, 5], mode: cubic}"),
    (IMAGE, "adaptive_avgpool: {output: [3, 2]}"),
    (SIGNAL, "adaptive_maxpool: 3"),
    (IMAGE, "adaptive_maxpool: {output: [2, 4]}"),
    (IMAGE, "subsample: {kernel: 2, padding: 1}"),
    (VECTOR, "rbf: 2"),
    (IMAGE, "local: {filters: 2, kernel: 2, groups: 2, stride: 2, padding: 1}"),
    (SIGNAL, "local: {filters: 3, kernel: 2, dilation: 2, padding: 1, padding_mode: circular, bias: false}"),
]


def array(draws: random.Random, shape: tuple[int, ...]) -> Any:
    """Distinct fractions from -3 to 3, none at a kink of an activation."""
    found = np.empty(math.prod(shape), dtype=object)
    found[:] = draws.sample([Fraction(6 * at + 1, 1000) for at in range(-500, 500)], found.size)
    return found.reshape(shape)


def chain_of(text: str, draws: random.Random, examples: int = 2, **fields: Any) -> Chain:
    """The network of a text, with random numbers."""
    draft = read(Source("test", text))
    assert draft.problems == []
    inferred = infer(draft.graph)
    values = {entry.name: array(draws, (examples, *entry.shape)) for entry in draft.graph.inputs}
    weights = {
        name: {key: array(draws, shape) for key, shape in info.stats.weight_shapes.items()}
        for name, info in inferred.layers.items()
    }
    return Chain(inferred, values, weights, **fields)


def tensor(found: Any) -> torch.Tensor:
    return torch.tensor(np.asarray(found).astype(float), dtype=torch.float64)


def network_of(chain: Chain, *, training: bool) -> torch.nn.Module:
    network = Network(chain.inferred).double().train(training)
    parameters = dict([*network.named_parameters(), *network.named_buffers()])
    for node, arrays in chain.weights.items():
        for name, found in arrays.items():
            if name in chain.inferred.layers[node].stats.weight_shapes:
                parameters[f"{node}.{name}"].data = tensor(found)
    return network


def close(found: Any, expected: torch.Tensor) -> None:
    torch.testing.assert_close(tensor(found), expected.detach().reshape(np.asarray(found).shape), rtol=1e-7, atol=1e-12)


def agree(chain: Chain, result: ChainResult, network: torch.nn.Module, x: torch.Tensor) -> None:
    """The gradients by hand are those that autograd has left in the network and in its input."""
    for node, arrays in chain.weights.items():
        for name in {*arrays} - {*chain.inferred.layers[node].node.layer.non_trainable}:
            found = next(each.gradient.value for each in result.gradients if each.to == f"{node}.{name}")
            gradient = dict(network.named_parameters())[f"{node}.{name}"].grad
            assert gradient is not None
            close(found, gradient)
    to_input = [each for each in result.gradients if each.name == "input" or each.node == "input"][-1]
    assert x.grad is not None
    close(to_input.gradient.value, x.grad)


@pytest.mark.parametrize(("shape", "layer"), CASES)
def test_outputs_and_gradients_are_those_of_torch(shape: str, layer: str) -> None:
    draws = random.Random(layer)
    if "relu]" in layer:  # a merge of the input and of what relu makes of it
        text = f"input: {shape}\nlayers:\n  - relu: {{name: relu}}\n  - {layer}\n"
    else:
        text = f"input: {shape}\nlayers:\n  - {layer}\n"
    chain = chain_of(text, draws)
    upstream = array(draws, (2, *chain.inferred.shape(chain.output)))
    result = run_chain(chain, [upstream])
    network, x = network_of(chain, training="batchnorm" in layer), tensor(chain.values["input"]).requires_grad_()
    output = network(x)
    close(result.layers[chain.output].output.value, output)
    output.backward(tensor(upstream).reshape(output.shape))
    if "[input" in layer:
        total = next(each for each in result.gradients if each.node == "input")
        close(total.gradient.value, x.grad)  # type: ignore[arg-type]
    else:
        agree(chain, result, network, x)
    evaluate_steps(result)


def test_every_supported_layer_type_is_compared() -> None:
    assert {layer.kind for layer in RULES} == {text.partition(":")[0] for _, text in CASES}
    assert {*RULES} | {*UNSUPPORTED} == {*ALL}
    assert [layer.kind for layer in UNSUPPORTED] == ["lcn"] and {*UNSUPPORTED} == {*REASONS}


def test_batchnorm_at_inference_uses_the_given_statistics() -> None:
    draws = random.Random(1)
    chain = chain_of(f"input: {IMAGE}\nlayers: [batchnorm]", draws)
    mean, variance = array(draws, (2,)), np.array([Fraction(1, 3), 2], dtype=object)
    statistics = {**chain.weights["batchnorm1"], MEAN: mean, "running_var": variance}
    result = run_chain(chain._replace(weights={"batchnorm1": statistics}), [array(draws, (2, 2, 4, 3))])
    network = network_of(chain, training=False)
    buffers = dict(network.named_buffers())
    buffers["batchnorm1.running_mean"].copy_(tensor(mean))
    buffers["batchnorm1.running_var"].copy_(tensor(variance))
    close(result.layers["batchnorm1"].output.value, network(tensor(chain.values["input"])))
    evaluate_steps(result)


BODY = {
    IMAGE: ["conv: {filters: 2, kernel: 2}", "relu", "maxpool: {kernel: 2, stride: 1}", "batchnorm", "leaky_relu",
            "avgpool: {kernel: 2, stride: 1}", "residual: {layers: [conv: {filters: 2, kernel: 1}, relu]}"],
    SIGNAL: ["tanh", "l2pool: {kernel: 2, stride: 1}", "softplus"],
    VECTOR: ["linear: 3", "tanh", "relu", "sigmoid", "residual: {layers: [linear: 3, elu]}"],
}  # fmt: skip


@settings(deadline=None, max_examples=12, derandomize=True, database=None)
@given(st.data())
def test_chains_with_a_loss_are_those_of_torch(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([IMAGE, SIGNAL, VECTOR]))
    layers = data.draw(st.lists(st.sampled_from(BODY[shape]), min_size=1, max_size=3, unique=True))
    last = data.draw(st.sampled_from(["", "softmax", "log_softmax"]))
    loss = data.draw(st.sampled_from(["cross_entropy", "mse", "hinge"]))
    text = "\n".join(f"  - {layer}" for layer in [*layers, "flatten", "linear: 3", last] if layer)
    draws = random.Random(data.draw(st.integers(0, 99)))
    target = [2, 0] if loss != "mse" else array(draws, (2, 3))
    given_target = np.array(target, dtype=object)
    chain = chain_of(f"input: {shape}\nlayers:\n{text}\n", draws, target=[given_target], loss=loss)
    result = run_chain(chain)
    network, x = network_of(chain, training=True), tensor(chain.values["input"]).requires_grad_()
    expected = torch_loss(network(x), loss, last, target)
    expected.backward()  # type: ignore[no-untyped-call]
    assert result.loss is not None
    close(result.loss.value.value, expected.reshape(1))
    agree(chain, result, network, x)
    evaluate_steps(result)


def torch_loss(output: torch.Tensor, loss: str, last: str, target: Any) -> torch.Tensor:
    if loss == "mse":
        return functional.mse_loss(output, tensor(target))
    if loss == "hinge":
        return functional.multi_margin_loss(output, torch.tensor(target), reduction="mean") * output.shape[1]
    if last == "softmax":
        return functional.nll_loss(output.log(), torch.tensor(target))
    return (functional.nll_loss if last else functional.cross_entropy)(output, torch.tensor(target))


PIECES = [
    text for shape, text in CASES if shape == VECTOR and text.partition(":")[0] in {layer.kind for layer in FUNCTIONS}
]


@pytest.mark.parametrize("layer", [*PIECES, "prelu"])
def test_every_piece_of_an_activation_is_that_of_torch_and_so_are_its_kinks(layer: str) -> None:
    """Below, at and above 0, 3 and 6, where the pieces of activations meet."""
    grid = [n for n in range(-7, 8) if layer != "hardswish" or abs(n) != 3]  # there torch has changed its choice
    chain = chain_of(f"input: {len(grid)}\nlayers:\n  - {layer}\n", random.Random(layer))
    chain = chain._replace(values={"input": np.array([grid, [Fraction(n, 4) for n in grid]], dtype=object)})
    upstream = array(random.Random(1), (2, len(grid)))
    result = run_chain(chain, [upstream])
    network, x = network_of(chain, training=False), tensor(chain.values["input"]).requires_grad_()
    output = network(x)
    close(result.layers[chain.output].output.value, output)
    output.backward(tensor(upstream))
    agree(chain, result, network, x)
    evaluate_steps(result)


@pytest.mark.parametrize("merge", ["add", "multiply", "maximum", "average", "concat"])
@pytest.mark.parametrize("inputs", ["input, small", "small, input", "input, small, input"])
def test_the_gradients_of_inputs_of_several_sizes_are_those_of_torch(merge: str, inputs: str) -> None:
    """A single row and column is broadcast, so that its gradient is a sum; channels are set side by side."""
    draws = random.Random(inputs)
    small = (
        "conv: {filters: 3, kernel: 1, name: small}" if merge == "concat" else "avgpool: {kernel: [4, 3], name: small}"
    )
    chain = chain_of(f"input: {IMAGE}\nlayers:\n  - {small}\n  - {merge}: [{inputs}]\n", draws)
    upstream = array(draws, (2, *chain.inferred.shape(chain.output)))
    result = run_chain(chain, [upstream])
    network, x = network_of(chain, training=False), tensor(chain.values["input"]).requires_grad_()
    output = network(x)
    close(result.layers[chain.output].output.value, output)
    output.backward(tensor(upstream))
    assert x.grad is not None
    close(next(each for each in result.gradients if each.node == "input").gradient.value, x.grad)
    evaluate_steps(result)


@pytest.mark.parametrize("layer", ["maxpool: {kernel: 2, stride: 1}", "maxpool: {kernel: 3, padding: 1}",
                                   "adaptive_maxpool: 3"])  # fmt: skip
@pytest.mark.parametrize("shape", ["2x4x4", "2x5"])
def test_the_gradient_of_equal_maxima_goes_where_torch_sends_it(layer: str, shape: str) -> None:
    draws = random.Random(layer)
    chain = chain_of(f"input: {shape}\nlayers:\n  - {layer}\n", draws)
    equal = np.array([draws.choice([0, 0, 1]) for _ in chain.values["input"].flat], dtype=object)
    chain = chain._replace(values={"input": equal.reshape(chain.values["input"].shape)})
    upstream = array(draws, (2, *chain.inferred.shape(chain.output)))
    result = run_chain(chain, [upstream])
    network, x = network_of(chain, training=False), tensor(chain.values["input"]).requires_grad_()
    network(x).backward(tensor(upstream))
    agree(chain, result, network, x)


sizes = st.tuples(*[st.integers(1, 5)] * 4)


@settings(deadline=None, max_examples=15, derandomize=True, database=None)
@given(sizes, st.sampled_from(["nearest", "linear", "cubic"]), st.sampled_from(["avg", "max"]))
def test_upsampling_and_adaptive_pooling_of_any_size_are_those_of_torch(
    of: tuple[int, int, int, int], mode: str, pool: str
) -> None:
    height, width, *output = of
    for layer in (f"upsample: {{size: {output}, mode: {mode}}}", f"adaptive_{pool}pool: {{output: {output}}}"):
        chain = chain_of(f"input: 1@{height}x{width}\nlayers:\n  - {layer}\n", random.Random(layer), examples=1)
        upstream = array(random.Random(1), (1, 1, *output))
        result = run_chain(chain, [upstream])
        network, x = network_of(chain, training=False), tensor(chain.values["input"]).requires_grad_()
        found = network(x)
        close(result.layers[chain.output].output.value, found)
        found.backward(tensor(upstream))
        agree(chain, result, network, x)
        evaluate_steps(result)
        assert not is_approximate(result.gradients[-1].gradient.value)


# Steps ------------------------------------------------------------------------------------------------------------

NAMES = {
    **{name: getattr(math, name) for name in ("exp", "log", "sqrt", "tanh", "erf", "pi")},
    "max": lambda *values: max(values),
    "min": lambda *values: min(values),
}


def evaluate_steps(result: ChainResult) -> None:
    """The expression of every step gives its value, up to the rounding of the numbers printed in it."""
    assert result.gradients
    calculations: list[Calculation] = [layer.output for layer in result.layers.values()]
    calculations += [each.gradient for each in result.gradients]
    if result.loss is not None:
        calculations += [result.loss.value, *([result.loss.probabilities] if result.loss.probabilities else [])]
    for calculation in calculations:
        for step in calculation.steps():
            value = eval(step.expression.replace("^", "**"), {"__builtins__": {}}, NAMES)
            assert value == pytest.approx(float(step.value), rel=1e-3, abs=1e-3), step
