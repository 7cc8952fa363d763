"""Graph -> one PyTorch module with the layers' names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cnncli.analysis.memory import memory
from cnncli.arithmetic.shape import format_shape
from cnncli.data.memory_limit import check_fits, machine_bytes
from cnncli.errors import INTERNAL_ERROR, CnnError
from cnncli.executor.lowering.build import build
from cnncli.executor.network.fusion.rewriting import FusedStep
from cnncli.executor.network.fusion.rewriting import rewritten as faster
from cnncli.inference import Inferred, LayerInfo

VALUE = 4  # bytes of a float32
SMALL_MACHINE = 8 << 30  # bytes of memory, if the system does not report its own
UNCOUNTED_BUFFERS = ("num_batches_tracked",)  # PyTorch's count of steps is not a statistic of the network


class ModuleNamespace(nn.Module):
    """Holds modules under any name, including those of nn.Module's attributes: ``train``, ``type``, ``training``.

    Children are put into ``_modules`` directly (:func:`register`), and assigning an attribute never registers a child.
    """

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


class Network(ModuleNamespace):
    """A graph in PyTorch. Parameters are named as in ``cnn summarize``: ``c1.weight``, ``stage2.0.conv1.weight``.

    Takes the inputs in the graph's order, (N, *shape) each; returns its output, or a tuple if it has several.
    ``rewritten`` computes faster where the result is the same (:mod:`rewriting`). Raises CnnError if the weights do not
    fit in memory; on the meta device, which stores no values, they always do.
    """

    def __init__(self, inferred: Inferred, *, rewritten: bool = False) -> None:
        super().__init__()
        _check_memory(inferred)
        graph = inferred.graph
        self.input_names = tuple(entry.name for entry in graph.inputs)
        self.output_names = graph.outputs
        self.steps = _steps(inferred)
        self.layers = {
            step.name: step.module for step in self.steps
        }  # each layer's own, also where the steps are fused
        for step in self.steps:
            register(self, step.name, step.module)
        self.reached = _reached(self.steps, graph.outputs)
        if rewritten:
            sizes = {name: info.input_shapes[0][1:] for name, info in inferred.layers.items()}
            self.steps = faster(self.steps, sizes)

    def reached_parameters(self) -> set[int]:
        """The ids of the parameters that an output depends on; the others never have a gradient."""
        return {id(parameter) for name in self.reached for parameter in self.layers[name].parameters()}

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        values = dict(zip(self.input_names, inputs, strict=True))
        for step in self.steps:
            values[step.name] = step.module(*[values[name] for name in step.inputs])
            for name in step.done_with:
                del values[name]
        outputs = tuple(values[name] for name in self.output_names)
        return outputs[0] if len(outputs) == 1 else outputs


def _check_memory(inferred: Inferred) -> None:
    """Raises CnnError before anything is allocated if the weights would not fit."""
    if torch.get_default_device().type != "meta":
        needed = VALUE * (inferred.totals["params"] + inferred.totals["buffers"])
        check_fits(needed, "the network's weights", "use a smaller network, or a machine with more memory")


def check_examples(inferred: Inferred, count: int) -> int:
    """The number of examples, at most ``count``, that can be computed at once in half of the machine's memory.

    Raises CnnError if not even one fits.
    """
    one = memory(inferred)
    check_fits(one.inference, "computing one example", "use a smaller network or input, or a machine with more memory")
    room = (machine_bytes() or SMALL_MACHINE) // 2 - one.parameters - one.buffers
    return max(1, min(count, room // max(1, one.peak_activations)))


def _steps(inferred: Inferred) -> list[FusedStep]:
    """The layers in order, each with the values that no later layer reads."""
    last_reader = {name: info.node.name for info in inferred.layers.values() for name in info.node.inputs}
    kept = set(inferred.graph.outputs)
    steps: list[FusedStep] = []
    for name, info in inferred.layers.items():
        done = tuple(read for read in dict.fromkeys(info.node.inputs) if last_reader[read] == name and read not in kept)
        unread = () if name in last_reader or name in kept else (name,)
        with torch_errors_at(place_of(info)):
            module = build(info.node.layer, info.input_shapes)
        if info.node.shares:
            owner = next(step.module for step in steps if step.name == info.node.shares)
            module = _with_weights_of(owner, module)
        steps.append(FusedStep(name, module, info.node.inputs, done + unread))
    return steps


def _reached(steps: list[FusedStep], outputs: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the layers that the outputs depend on."""
    wanted = set(outputs)
    for step in reversed(steps):
        if step.name in wanted:
            wanted.update(step.inputs)
    return tuple(step.name for step in steps if step.name in wanted)


def _with_weights_of(owner: nn.Module, module: nn.Module) -> nn.Module:
    """The module with the parameters of another in place of its own; it keeps its buffers."""
    for name, parameter in owner.named_parameters():
        module.register_parameter(name, parameter)
    return module


def own_tensors(network: nn.Module) -> dict[str, Tensor]:
    """The parameters and buffers of a network by name; a shared one only under the layer that owns it."""
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def register(root: nn.Module, name: str, module: nn.Module) -> None:
    """Register a module under its dotted name, without regard to nn.Module's own attributes.

    A merge may have the name of the composite that it ends; it has no weights, so the composite keeps the name.
    """
    *scopes, own = name.split(".")
    parent = root
    for scope in scopes:
        child = parent._modules.get(scope)
        if not isinstance(child, ModuleNamespace):
            child = parent._modules[scope] = ModuleNamespace()
        parent = child
    parent._modules.setdefault(own, module)


BUG = f"this is {INTERNAL_ERROR}: please report it with the architecture"
_TOO_LARGE = f"the layer may be too large for torch; otherwise {BUG}"


def place_of(info: LayerInfo) -> str:
    """``conv2 (conv on 6x14x14)``."""
    return f"{info.node.name} ({info.node.layer.kind} on {', '.join(map(format_shape, info.input_shapes))})"


@contextmanager
def torch_errors_at(place: str) -> Iterator[None]:
    """Raise what torch cannot build or compute as a CnnError that names the place."""
    try:
        yield
    except (RuntimeError, ValueError, OverflowError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        if "memory" in reason:
            raise CnnError(f"{place}: too large for this machine's memory", "use a smaller network") from error
        raise CnnError(f"{place}: torch reports: {reason}", _TOO_LARGE) from error
