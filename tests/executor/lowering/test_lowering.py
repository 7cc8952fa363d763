"""The contract of a lowering: its module and the source that is exported are the same code, with the same results."""

from __future__ import annotations

import ast
from typing import Any

import pytest
import torch
from cases import CASES, Case
from torch import nn

from cnncli.executor.export.copied import copied, definitions, names_used
from cnncli.executor.export.python_source import imports
from cnncli.executor.lowering.build import LOWERINGS, Expression, build, lower, weight_holder
from cnncli.executor.network.fusion.rewriting import is_plain
from cnncli.executor.network.initialization import initialize
from cnncli.layers import ALL
from cnncli.layers.conv import Conv

pytestmark = pytest.mark.usefixtures("one_thread")
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
IMAGE = ((4, 9, 8),)
TEXTS = {
    *("weight", "bias", "zeros", "partial", "reflect", "replicate", "circular"),
    *("tanh", "linear", "bilinear", "trilinear", "bicubic"),
}


def exported(case: Case) -> nn.Module:
    """A network of the layer alone, from Python source as cnn export writes it."""
    names = [f"x{number}" for number in range(len(case.inputs))]
    code = lower(case.layer, case.inputs, "self.own", tuple(names))
    construction = f"self.own = {code.module}" if code.module else "pass"
    text = f"""class Net(nn.Module):
    def __init__(self):
        super().__init__()
        {construction}

    def forward(self, {", ".join(names)}):
        return {code.forward}
"""
    text = "\n\n".join([*copied(names_used(text)), text])
    namespace: dict[str, Any] = {}
    exec(compile(f"{imports(text)}\n{text}", "case.py", "exec", dont_inherit=True), namespace)
    module = namespace["Net"]()
    assert isinstance(module, nn.Module)
    return module


def test_every_layer_type_has_one_lowering() -> None:
    assert [*LOWERINGS] == [*dict.fromkeys(LOWERINGS)] and {*LOWERINGS} == {*ALL}


@every_case
def test_the_module_and_the_exported_source_give_identical_outputs(case: Case) -> None:
    ours, theirs = build(case.layer, case.inputs), exported(case)
    initialize(ours, "kaiming", 0)
    assert {f"own.{name}" for name in ours.state_dict()} == {*theirs.state_dict()}
    theirs.load_state_dict({f"own.{name}": value for name, value in ours.state_dict().items()})
    inputs = [torch.randn(2, *shape) for shape in case.inputs]
    for training in (False, True):
        results = []
        for module in (ours, theirs):
            torch.manual_seed(1)  # dropout draws the same
            results.append(module.train(training)(*inputs))
        assert torch.equal(*results)


@every_case
def test_code_consists_of_names_that_an_exported_file_defines(case: Case) -> None:
    """It is evaluated: nothing in it may come from a file, and it needs nothing that an exported file lacks."""
    variables = tuple(f"x{number}" for number in range(len(case.inputs)))
    code = lower(case.layer, case.inputs, "own", variables)
    allowed = {"self", "own", "x", "torch", "nn", "functional", "math", *variables, *definitions()}
    assert names_used(code.forward) | names_used(code.module or "0") <= allowed
    constants = [node.value for text in (code.forward, code.module) for node in ast.walk(ast.parse(text))
                 if isinstance(node, ast.Constant)]  # fmt: skip
    assert {value for value in constants if isinstance(value, str)} <= TEXTS


@pytest.mark.parametrize("padding", ["same", ((0, 1), (2, 0))])
def test_a_module_that_pads_before_its_convolution_has_the_parameters_of_the_convolution(padding: Any) -> None:
    module = build(Conv(filters=3, kernel=2, padding=padding), IMAGE)
    assert isinstance(module, Expression) and [*module.state_dict()] == ["weight", "bias"]
    assert type(weight_holder(module)) is nn.Conv2d
    x = torch.randn(2, *IMAGE[0])
    module.register_parameter("weight", nn.Parameter(torch.zeros_like(module.weight)))
    module.register_parameter("bias", nn.Parameter(torch.ones_like(module.bias)))
    assert torch.equal(module(x), torch.ones_like(module(x)))
    assert module.double()(x.double()).dtype == torch.double


@pytest.mark.parametrize("fields", [{"padding_mode": "reflect"}, {"padding": "same", "kernel": 2}])
def test_only_convolutions_padded_by_zeros_on_both_sides_alike_are_plain(fields: dict[str, Any]) -> None:
    plain = {"filters": 3, "kernel": 3, "padding": 1}
    assert is_plain(build(Conv(**plain), IMAGE)) and not is_plain(build(Conv(**plain | fields), IMAGE))
