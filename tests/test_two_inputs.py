"""Networks that are not square, with two inputs: what solve, explain and receptive-field say of them, independently."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path

import pytest
from gradients import supports
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from networks import load_if_it_fits
from program import Run

pytestmark = pytest.mark.usefixtures("alone")
some = settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def alone() -> Iterator[None]:
    """Compute on one thread: the tensors are tiny."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Net:
    """Two convolutions, one of each input, that are added, and a stack of others: with all its numbers."""

    def __init__(self, data: st.DataObject) -> None:
        draw = data.draw
        self.h = draw(st.integers(36, 44))
        self.w = draw(st.integers(36, 44).filter(lambda size: size != self.h))
        self.c = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
        kernels = st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 3, 5]))
        self.first = draw(kernels), draw(kernels)
        self.rest = draw(st.lists(st.tuples(kernels, st.tuples(st.integers(1, 2), st.integers(1, 2))), max_size=3))
        self.units = draw(st.integers(2, 9))

    def text(self, width: int | str = 2) -> str:
        (a, b), lines = self.first, []
        for name, source, (down, across) in (("a", "rgb", a), ("b", "flow", b)):
            fields = f"filters: $w, kernel: [{down}, {across}], padding: [{down // 2}, {across // 2}]"
            lines.append(f"conv: {{{fields}, from: {source}, name: {name}}}")
        lines.append("add: {from: [a, b], name: sum}")
        for at, ((down, across), (s, t)) in enumerate(self.rest):
            lines.append(f"conv: {{filters: $w, kernel: [{down}, {across}], stride: [{s}, {t}], name: c{at}}}")
        inputs = f"rgb: {self.c[0]}@{self.h}x{self.w}, flow: {self.c[1]}@{self.h}x{self.w}"
        ending = f"global_avgpool, linear: {{units: {self.units}, name: out}}"
        return f"variables: {{w: {width}}}\ninputs: {{{inputs}}}\nlayers: [{', '.join(lines)}, {ending}]\n"

    def sizes(self) -> list[tuple[int, int]]:
        """Of each map of the stack, from the sum on."""
        found = [(self.h, self.w)]
        for (down, across), (s, t) in self.rest:
            h, w = found[-1]
            found.append(((h - down) // s + 1, (w - across) // t + 1))
        return found

    def params(self, width: int) -> int:
        first = sum((c * prod(kernel) + 1) * width for c, kernel in zip(self.c, self.first, strict=True))
        rest = sum((width * prod(kernel) + 1) * width for kernel, _ in self.rest)
        return first + rest + (width + 1) * self.units

    def macs(self, width: int) -> int:
        first = sum(c * prod(kernel) * width * self.h * self.w for c, kernel in zip(self.c, self.first, strict=True))
        rest = sum(
            width * prod(kernel) * width * prod(size)
            for (kernel, _), size in zip(self.rest, self.sizes()[1:], strict=True)
        )
        return first + rest + width * self.units

    def field(self, first: tuple[int, int]) -> tuple[int, int]:
        """What a unit of the last map sees of an input on each axis: 1 + the sum of (k - 1) times the strides below."""
        sizes = list(first)
        jumps = [1, 1]
        for kernel, stride in self.rest:
            for axis in range(2):
                sizes[axis] += (kernel[axis] - 1) * jumps[axis]
                jumps[axis] *= stride[axis]
        return sizes[0], sizes[1]

    @property
    def last(self) -> str:
        return f"c{len(self.rest) - 1}" if self.rest else "sum"


def largest(holds: Callable[[int], bool]) -> int:
    """The last width for which it holds, by trying."""
    width = 1
    while holds(width + 1):
        width += 1
    return width


def on(made: Net, folder: Path) -> Path:
    path = folder / "two.yaml"
    path.write_text(made.text())
    return path


@some
@given(data=st.data(), least=st.integers(1, 12), more=st.integers(0, 5000))
@pytest.mark.parametrize("figure", ["params", "macs"])
def test_the_width_that_keeps_to_a_budget_is_the_one_found_by_trying(
    cnn: Run, tmp_path: Path, figure: str, data: st.DataObject, least: int, more: int
) -> None:
    made = Net(data)
    count = made.params if figure == "params" else made.macs
    budget = count(least) + more
    ended = cnn("solve", on(made, tmp_path), f"--{figure}", budget, "--vary", "w")
    right = largest(lambda width: count(width) <= budget)
    assert ended.code == 0 and int(re.findall(r"w = (\d+)", ended.out)[0]) == right, ended.out
    assert f"{count(right):,}" in ended.out


@some
@given(data=st.data())
def test_a_budget_below_the_least_is_no_answer(cnn: Run, tmp_path: Path, data: st.DataObject) -> None:
    made = Net(data)
    path = on(made, tmp_path)
    assert cnn("solve", path, "--params", made.params(1) - 1, "--vary", "w").code == 1
    ended = cnn("solve", path, "--params", made.params(1), "--vary", "w")
    assert ended.code == 0 and re.findall(r"w = (\d+)", ended.out)[0] == "1"


@some
@given(data=st.data())
def test_explain_gives_the_numbers_that_are_worked_out_here(cnn: Run, tmp_path: Path, data: st.DataObject) -> None:
    made = Net(data)
    path = on(made, tmp_path)
    ended = cnn("explain", path, "--format", "json")
    record = json.loads(ended.out)
    layers = {
        entry["layer"]: {step["figure"]: step["result"] for step in entry["figures"]} for entry in record["layers"]
    }
    for name, channels, kernel in (("a", made.c[0], made.first[0]), ("b", made.c[1], made.first[1])):
        assert layers[name]["params"] == (channels * prod(kernel) + 1) * 2
        assert layers[name]["macs"] == channels * prod(kernel) * 2 * made.h * made.w
    for at, ((h, w), (kernel, _)) in enumerate(zip(made.sizes()[1:], made.rest, strict=True)):
        assert layers[f"c{at}"]["params"] == (2 * prod(kernel) + 1) * 2
        found = [value for figure, value in layers[f"c{at}"].items() if figure.startswith("output")]
        assert found == [2, h, w]
    sizes = {figure: value for figure, value in layers[made.last].items() if figure.startswith("receptive field size")}
    for source, first in zip(("rgb", "flow"), made.first, strict=True):
        axes = [value for figure, value in sizes.items() if source in figure]
        assert tuple(axes) == made.field(first), sizes
    totals = {step["figure"]: step["result"] for step in record["totals"]}
    assert (totals["params"], totals["macs"]) == (made.params(2), made.macs(2))


@some
@given(data=st.data())
def test_receptive_field_draws_what_a_gradient_reaches_of_each_input(
    cnn: Run, tmp_path: Path, data: st.DataObject
) -> None:
    made = Net(data)
    assume(min(made.sizes()[-1]) > 0)
    height, width = made.sizes()[-1]
    unit = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    ended = cnn("receptive-field", on(made, tmp_path), made.last, "--unit", "{},{}".format(*unit), "--format", "json")
    record = json.loads(ended.out)
    body = load_if_it_fits(made.text().replace(f", global_avgpool, linear: {{units: {made.units}, name: out}}", ""))
    assert body is not None and record["unit"] == list(unit)
    (reached,) = supports(body.inferred, [unit])
    for source, first in zip(("rgb", "flow"), made.first, strict=True):
        found = record["inputs"][source]
        assert [*zip(found["first"], found["last"], strict=True)] == reached[source]
        assert tuple(found["size"]) == made.field(first)
        share = prod(last - first + 1 for first, last in reached[source]) / (made.h * made.w)
        assert found["share"] == pytest.approx(share, abs=1e-6)


@some
@given(data=st.data(), wanted=st.integers(1, 12))
def test_the_first_layer_with_a_large_enough_receptive_field_is_named_for_each_input(
    cnn: Run, tmp_path: Path, data: st.DataObject, wanted: int
) -> None:
    made = Net(data)
    ended = cnn("solve", on(made, tmp_path), "--receptive-field", wanted)
    for source, own, first in (("rgb", "a", made.first[0]), ("flow", "b", made.first[1])):
        fields = [(own, first)]
        for at in range(len(made.rest) + 1):
            shorter = Net.__new__(Net)
            shorter.__dict__.update(made.__dict__, rest=made.rest[:at])
            fields.append((f"c{at - 1}" if at else "sum", shorter.field(first)))
        right = next((name for name, field in fields if min(field) >= wanted), None)
        said = next(line for line in ended.out.splitlines() + ended.err.splitlines() if source in line)
        if right is not None:
            assert said.startswith(f"{right} has a receptive field of "), (said, fields)
        else:
            widest, size = max(fields, key=lambda named: min(named[1]))  # the first of them
            assert ended.code == 1
            largest = f"{widest} with {'x'.join(map(str, size))}"
            assert said == f"no layer reaches {wanted} on {source}; the largest is {largest}"


def test_a_network_with_several_inputs_or_outputs_is_told_a_way_to_train_it(cnn: Run) -> None:
    ended = cnn("train", "two_stream", "--data", "digits")
    first, second = ended.err.splitlines()
    assert (ended.code, first) == (2, "the network has 2 inputs and 1 output; cnn train needs one of each")
    assert second.strip().startswith("make them one input of 23x224x224, which slice layers split; or export it with")
