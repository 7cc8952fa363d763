"""Defaults are torch's and the documented ones; a vector is a map of one pixel, or is refused in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import reduce
from itertools import product
from typing import Any

import pytest
import torch
from cases import CASES, Case
from program import ROOT
from texts import refusal
from torch import Tensor, nn

from cnncli.errors import INTERNAL_ERROR, CnnError
from cnncli.executor.lowering.build import build
from cnncli.executor.network.network import Network
from cnncli.inference import infer_layer
from cnncli.language import Source
from cnncli.layers import KINDS
from cnncli.loading import Loaded, load_source

IMAGE = (4, 9, 7)
OTHERWISE = {"unflatten"}  # a module that torch has, which takes other arguments
# torch's module of each kind with what it requires alone: its other arguments are torch's defaults
THEIRS: dict[str, tuple[dict[str, Any], tuple[int, ...], Callable[[], nn.Module]]] = {
    "conv": ({"filters": 6, "kernel": 3}, IMAGE, lambda: nn.Conv2d(4, 6, 3)),
    "conv_transpose": ({"filters": 6, "kernel": 3}, IMAGE, lambda: nn.ConvTranspose2d(4, 6, 3)),
    "linear": ({"units": 5}, (12,), lambda: nn.Linear(12, 5)),
    "maxpool": ({"kernel": 3}, IMAGE, lambda: nn.MaxPool2d(3)),
    "avgpool": ({"kernel": 3}, IMAGE, lambda: nn.AvgPool2d(3)),
    "l2pool": ({"kernel": 3}, IMAGE, lambda: nn.LPPool2d(2, 3)),
    "adaptive_avgpool": ({"output": 4}, IMAGE, lambda: nn.AdaptiveAvgPool2d(4)),
    "adaptive_maxpool": ({"output": 4}, IMAGE, lambda: nn.AdaptiveMaxPool2d(4)),
    "relu": ({}, IMAGE, nn.ReLU),
    "relu6": ({}, IMAGE, nn.ReLU6),
    "leaky_relu": ({}, IMAGE, nn.LeakyReLU),
    "prelu": ({}, IMAGE, nn.PReLU),
    "elu": ({}, IMAGE, nn.ELU),
    "gelu": ({}, IMAGE, nn.GELU),
    "silu": ({}, IMAGE, nn.SiLU),
    "hardswish": ({}, IMAGE, nn.Hardswish),
    "hardsigmoid": ({}, IMAGE, nn.Hardsigmoid),
    "sigmoid": ({}, IMAGE, nn.Sigmoid),
    "tanh": ({}, IMAGE, nn.Tanh),
    "softplus": ({}, IMAGE, nn.Softplus),
    "softmax": ({}, IMAGE, lambda: nn.Softmax(1)),
    "log_softmax": ({}, IMAGE, lambda: nn.LogSoftmax(1)),
    "batchnorm": ({}, IMAGE, lambda: nn.BatchNorm2d(4)),
    "layernorm": ({}, IMAGE, lambda: nn.LayerNorm(IMAGE)),
    "groupnorm": ({"groups": 2}, IMAGE, lambda: nn.GroupNorm(2, 4)),
    "instancenorm": ({}, IMAGE, lambda: nn.InstanceNorm2d(4, affine=True)),
    "lrn": ({}, IMAGE, lambda: nn.LocalResponseNorm(5)),
    "dropout": ({}, IMAGE, nn.Dropout),
    "spatial_dropout": ({}, IMAGE, nn.Dropout2d),
    "flatten": ({}, IMAGE, nn.Flatten),
    "identity": ({}, IMAGE, nn.Identity),
    "pad": ({"padding": 2}, IMAGE, lambda: nn.ZeroPad2d(2)),
    "pixel_shuffle": ({"factor": 2}, IMAGE, lambda: nn.PixelShuffle(2)),
    "channel_shuffle": ({"groups": 2}, IMAGE, lambda: nn.ChannelShuffle(2)),
    "upsample": ({"scale": 2}, IMAGE, lambda: nn.Upsample(scale_factor=2)),
}


def without_axes(name: str) -> str:
    return re.sub(r"[123]d$", "", name.lower().replace("_", ""))


def test_every_kind_that_torch_has_is_compared() -> None:
    in_torch = {without_axes(name) for name, entry in vars(nn).items() if isinstance(entry, type)} - OTHERWISE
    had = {name for name, kind in KINDS.items() if {*map(without_axes, (name, *kind.aliases))} & in_torch}
    assert had == {*THEIRS}


@pytest.mark.parametrize("kind", THEIRS)
@pytest.mark.parametrize("training", [True, False])
def test_a_kind_with_what_it_requires_alone_is_torch_s_module(kind: str, training: bool) -> None:
    """Outputs, gradients and running statistics, after two batches."""
    fields, shape, made = THEIRS[kind]
    ours, theirs = build(KINDS[kind](**fields), (shape,)).train(training), made().train(training)
    weights = {name: torch.randn_like(value) for name, value in ours.named_parameters()}
    for module in (ours, theirs):
        names = dict(module.named_parameters())
        assert names.keys() == weights.keys()
        for name, value in weights.items():
            names[name].data.copy_(value.view(names[name].shape))
    torch.manual_seed(0)
    for seed in range(2):
        x = 3 * torch.randn(5, *shape)
        inputs = [x.clone().requires_grad_() for _ in range(2)]
        outputs = []
        for module, given in zip((ours, theirs), inputs, strict=True):
            torch.manual_seed(seed)
            outputs.append(module(given))
        assert torch.allclose(*outputs, atol=1e-5, rtol=1e-4)
        if outputs[0].requires_grad:
            direction = torch.randn_like(outputs[0])
            for output in outputs:
                output.backward(direction)
            one, other = (given.grad for given in inputs)
            assert one is not None and other is not None and torch.allclose(one, other, atol=1e-4, rtol=1e-3)
    buffers = [dict(module.named_buffers()) for module in (ours, theirs)]
    assert all(torch.allclose(buffers[0][name].float(), buffers[1][name].float(), atol=1e-5) for name in buffers[1])


def channelwise(weight: Tensor, x: Tensor) -> Tensor:
    return weight.view(-1, *[1] * (x.dim() - 2))


def sliced(layer: Any, weights: dict[str, Tensor], x: Tensor) -> Tensor:
    axis = {"channels": 1, "height": -2, "width": -1, "length": -1}[layer.axis]
    stop = x.shape[axis] if layer.stop is None else layer.stop
    return x.index_select(axis, torch.arange(layer.start, stop))


def cropped(layer: Any, weights: dict[str, Tensor], x: Tensor) -> Tensor:
    for axis, margin in enumerate(layer.margins, start=2):
        before, after = margin if isinstance(margin, tuple) else (margin, margin)
        x = x.index_select(axis, torch.arange(before, x.shape[axis] - after))
    return x


def padded(layer: Any, x: Tensor) -> Tensor:
    pads = [amount for pair in reversed(layer.border([x.shape[1:]])) for amount in pair]
    return nn.functional.pad(x, pads)


def patches(layer: Any, x: Tensor) -> Iterator[tuple[tuple[int, ...], Tensor, float]]:
    """Each window of the input with its position, and the fraction of it that is inside the image."""
    windows, whole, ones = layer.windows([x.shape[1:]]), padded(layer, x), padded(layer, torch.ones_like(x[:1, :1]))
    output = layer.output_shape([x.shape[1:]])[1:]
    for place in product(*map(range, output)):
        at = tuple(
            slice(p * w.stride, p * w.stride + (w.kernel - 1) * w.dilation + 1, w.dilation)
            for p, w in zip(place, windows, strict=True)
        )
        yield place, whole[(..., *at)], float(ones[(..., *at)].mean())


def locally_connected(layer: Any, weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """LeCun 1989: as a convolution, with a kernel and a bias for each position."""
    found = torch.empty(len(x), *layer.output_shape([x.shape[1:]]))
    for place, patch, inside in patches(layer, x):
        for number, kernels in enumerate(weights["weight"]):
            group = patch.chunk(layer.groups, 1)[number * layer.groups // layer.filters]
            value = (group * kernels[place]).flatten(1).sum(1)
            value = value / inside if layer.padding_mode == "partial" else value
            found[(slice(None), number, *place)] = value + (weights["bias"][number][place] if layer.bias else 0)
    return found


def subsampled(layer: Any, weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """LeCun et al. 1998, layers S2 and S4."""
    means = torch.empty(len(x), *layer.output_shape([x.shape[1:]]))
    for place, patch, _ in patches(layer, x):
        means[(..., *place)] = patch.flatten(2).mean(2)
    return means * channelwise(weights["weight"], x) + channelwise(weights["bias"], x)


def locally_normalized(layer: Any, weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """Jarrett et al. 2009: minus the mean, over the deviation, both under a Gaussian window, and within the image."""
    sizes = x.shape[2:]
    places = torch.cartesian_prod(*map(torch.arange, sizes)).view(-1, len(sizes)).double()
    kernel = torch.tensor(layer.kernel * len(sizes) if isinstance(layer.kernel, tuple) else [layer.kernel] * len(sizes))
    apart = (places[:, None] - places[None]).abs()
    share = torch.exp(-((apart / (kernel / 4)) ** 2).sum(2) / 2) * (apart <= kernel // 2).all(2)
    share = share / share.sum(1, keepdim=True)

    def mean(values: Tensor) -> Tensor:
        return (values.double().mean(1).flatten(1) @ share.T).view(len(x), 1, *sizes)

    apart_from_mean = x - mean(x)
    return (apart_from_mean / mean(apart_from_mean**2).sqrt().clamp_min(layer.eps)).float()


def depthwise(layer: Any, weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """Each channel alone, with its ``multiplier`` kernels."""
    made = KINDS["conv"](filters=layer.multiplier, kernel=layer.kernel, padding=layer.padding)
    outputs = []
    for channel, kernels, biases in zip(
        x.split(1, 1), *(weights[name].split(layer.multiplier) for name in ("weight", "bias")), strict=True
    ):
        module = build(made, (channel.shape[1:],))
        module.load_state_dict({"weight": kernels, "bias": biases})
        outputs.append(module(channel))
    return torch.cat(outputs, 1)


Formula = Callable[..., Tensor]  # of the layer, its weights by name, and its inputs with a batch
FORMULAS: dict[str, Formula] = {
    "rbf": lambda layer, weights, x: torch.cdist(x, weights["weight"]) ** 2,
    "global_avgpool": lambda layer, weights, x: x.flatten(2).mean(2),
    "global_maxpool": lambda layer, weights, x: x.flatten(2).max(2).values,
    "scaled_tanh": lambda layer, weights, x: 1.7159 * torch.tanh(2 * x / 3),
    "scale": lambda layer, weights, x: channelwise(weights["weight"], x) * x,
    "drop_path": lambda layer, weights, x: x,  # in evaluation
    "crop": cropped,
    "slice": sliced,
    "reshape": lambda layer, weights, x: torch.stack([one.reshape(layer.shape) for one in x]),
    "permute": lambda layer, weights, x: torch.stack([one.permute(layer.order) for one in x]),
    "add": lambda layer, weights, *inputs: reduce(torch.add, inputs),
    "multiply": lambda layer, weights, *inputs: reduce(torch.mul, inputs),
    "maximum": lambda layer, weights, *inputs: reduce(torch.maximum, inputs),
    "average": lambda layer, weights, *inputs: reduce(torch.add, inputs) / len(inputs),
    "concat": lambda layer, weights, *inputs: torch.cat(inputs, 1),
    "local": locally_connected,
    "subsample": subsampled,
    "lcn": locally_normalized,
    "depthwise_conv": depthwise,
}


def test_every_type_that_torch_lacks_has_a_formula() -> None:
    assert {*FORMULAS} == {*KINDS} - {*THEIRS}


@pytest.mark.parametrize("case", [case for case in CASES if case.kind in FORMULAS], ids=lambda case: case.label)
def test_the_values_are_those_of_the_formula(case: Case) -> None:
    module = build(case.layer, case.inputs).eval()
    inputs = [torch.randn(3, *shape) for shape in case.inputs]
    weights = {name: torch.randn_like(value) for name, value in module.named_parameters()}
    with torch.no_grad():
        for name, value in module.named_parameters():
            value.copy_(weights[name])
        assert torch.allclose(module(*inputs), FORMULAS[case.kind](case.layer, weights, *inputs), atol=1e-3, rtol=1e-3)


def test_the_factors_without_a_module_of_torch_start_as_documented() -> None:
    x = torch.randn(3, *IMAGE)
    assert torch.equal(build(KINDS["scale"](), (IMAGE,))(x), x)
    assert torch.allclose(build(KINDS["scaled_tanh"](), (IMAGE,))(x), 1.7159 * torch.tanh(2 * x / 3))
    module = build(KINDS["subsample"](), (IMAGE,))
    module.load_state_dict({"weight": torch.ones(4), "bias": torch.zeros(4)})
    assert torch.allclose(module(x), nn.functional.avg_pool2d(x, 2), atol=1e-6)


def documented() -> dict[tuple[str, str], str]:
    """The defaults in the table of kinds of docs/language.md, by kind and field."""
    text = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    found = {}
    for line in text.splitlines():
        cells = line.split("|")
        kinds = re.findall(r"`(\w+)`", cells[1]) if line.startswith("| `") and len(cells) == 4 else []
        if any(kind not in KINDS for kind in kinds):
            continue
        for field, value in re.findall(r"`(\w+)` ([\w.-]+)", cells[2] if kinds else ""):
            for kind in kinds:
                if field in KINDS[kind].schema:
                    found[kind, field] = value.rstrip(".")
    return found


def test_the_defaults_are_those_of_the_documentation() -> None:
    found = documented()
    assert len(found) > 40
    for (kind, field), text in found.items():
        default = KINDS[kind].schema[field].default
        if isinstance(default, bool | str):
            assert str(default).lower() == text, (kind, field)
        elif default is not None:
            assert Fraction(str(default)) == Fraction(text), (kind, field)


# values that fit a small map or a vector; a field that is not here has the value of the kind's first case
REQUIRED = {"kernel": 1, "output": 1, "padding": 0, "margins": 0, "shape": "[2, 6]", "order": "[0]", "factor": 1}


def network_of(kind: str, shape: str) -> str:
    layer = KINDS[kind]
    if layer.merges:
        return f"inputs: {{one: {shape}, two: {shape}}}\nlayers: [{kind}: [one, two]]\n"
    case = next(case for case in CASES if case.kind == kind)
    needed = [name for name, field in layer.schema.items() if field.required]
    fields = {name: REQUIRED.get(name, case.fields[name]) for name in needed}
    if kind == "upsample":
        fields = {"scale": 1}
    if kind == "permute" and "@" in shape:
        fields = {"order": "[0, 1]"}
    return f"input: {shape}\nlayers: [{kind}: {{{', '.join(f'{name}: {value}' for name, value in fields.items())}}}]\n"


def loaded(text: str) -> Loaded:
    return load_source(Source("net.yaml", text), "net")


MAPS_ALONE = {
    "conv", "depthwise_conv", "conv_transpose", "local", "maxpool", "avgpool", "l2pool", "subsample",
    "adaptive_avgpool", "adaptive_maxpool", "global_avgpool", "global_maxpool", "instancenorm", "lrn", "lcn", "pad",
    "crop", "pixel_shuffle", "upsample",
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(MAPS_ALONE))
def test_kinds_that_need_a_map_refuse_a_vector_in_words(kind: str) -> None:
    (problem,) = refusal(network_of(kind, "12")).problems
    assert "its input is a vector of 12 values" in problem.message and problem.message.startswith(kind)


@pytest.mark.parametrize("kind", sorted({*KINDS} - MAPS_ALONE - {"linear", "rbf"}))
def test_a_vector_is_a_map_of_one_pixel(kind: str) -> None:
    """The same figures and, with the same weights, the same values in training and evaluation."""
    vector, column = (loaded(network_of(kind, shape)).inferred for shape in ("12", "12@1"))
    for figure in ("params", "macs", "flops", "connections", "activations", "buffers"):
        assert vector.totals[figure] == column.totals[figure], figure
    networks = [Network(inferred) for inferred in (vector, column)]
    state = {name: torch.rand_like(value.float()).to(value.dtype) for name, value in networks[0].state_dict().items()}
    torch.manual_seed(1)
    x: list[Tensor] = [torch.randn(6, 12) for _ in vector.graph.inputs]
    for training in (False, True):
        outputs = []
        for network, inputs in zip(networks, (x, [each[:, :, None] for each in x]), strict=True):
            own = network.state_dict()
            network.load_state_dict({name: value.view(own[name].shape) for name, value in state.items()})
            torch.manual_seed(2)
            outputs.append(network.train(training)(*inputs))
        assert all(isinstance(output, Tensor) for output in outputs)
        assert torch.allclose(outputs[0].flatten(1), outputs[1].flatten(1), atol=1e-5)


@pytest.mark.parametrize("kind", ["linear", "rbf"])
def test_kinds_that_need_a_vector_refuse_a_map_in_words(kind: str) -> None:
    (problem,) = refusal(network_of(kind, "12@1")).problems
    assert "needs a vector" in problem.message and problem.hint == "put flatten (or global_avgpool) before it"
    assert infer_layer(KINDS[kind](units=5), ((12,),)).output_shape == (5,)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", ["2", "2@3", "2@3x4", "2@3x4x5"])
def test_every_kind_takes_an_input_of_any_rank_or_says_why_not(kind: str, shape: str) -> None:
    try:
        inferred = loaded(network_of(kind, shape)).inferred
    except CnnError as error:
        assert error.exit_code == 1 and INTERNAL_ERROR not in str(error)
        return
    output = Network(inferred).eval()(*(torch.randn(2, *entry.shape) for entry in inferred.graph.inputs))
    assert isinstance(output, Tensor) and tuple(output.shape[1:]) == inferred.shape(inferred.graph.outputs[0])
