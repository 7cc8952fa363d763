"""Each convention changes the right answer as its definition says; beside another that is accepted, it is named."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnncli.homework.answer_key.conventions import CHOICES, read_conventions
from cnncli.homework.answer_key.questions import empty_cache, expected_answer
from cnncli.homework.answer_key.sheet import Question
from cnncli.homework.answer_key.size_answers import solve_answer
from cnncli.homework.checking.check import check
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.submissions.reading import read_sheet
from cnncli.language.source import Source, parse

some = settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


class Net(NamedTuple):
    """A convolution, a batchnorm and a pool of C x H x W."""

    c: int
    h: int
    w: int
    f: int
    k: int
    s: int
    p: int
    pool: int

    @property
    def text(self) -> str:
        padding = f"[{self.p}, {self.p}]" if self.f % 2 else self.p  # in either writing
        conv = f"conv: {{filters: {self.f}, kernel: {self.k}, stride: {self.s}, padding: {padding}, name: conv}}"
        pool = f"maxpool: {{kernel: {self.pool}, name: pool}}"
        return f"{{input: {self.c}x{self.h}x{self.w}, layers: [{conv}, batchnorm: {{name: norm}}, {pool}]}}"

    def conv(self, padding: int | None = None) -> tuple[int, int, int]:
        """The convolution's output, with so much padding in total."""
        total = 2 * self.p if padding is None else padding
        return self.f, (self.h + total - self.k) // self.s + 1, (self.w + total - self.k) // self.s + 1

    def pooled(self, size: Callable[[int, int], int]) -> tuple[int, int, int]:
        f, h, w = self.conv()
        return f, size(h, self.pool), size(w, self.pool)

    @property
    def weights(self) -> int:
        return self.f * self.c * self.k**2

    @property
    def macs(self) -> int:
        _, h, w = self.conv()
        return self.weights * h * w


@st.composite
def nets(draw: st.DrawFn) -> Net:
    h = draw(st.integers(14, 22))
    w = draw(st.integers(14, 22).filter(lambda size: size != h))
    numbers = [draw(st.integers(least, most)) for least, most in ((2, 4), (5, 9), (1, 4), (1, 2), (0, 3), (2, 3))]
    return Net(numbers[0], h, w, *numbers[1:])


def floor_size(n: int, k: int) -> int:
    return (n - k) // k + 1


# (convention, choice): the question, and its answer under the choice and as files have it
RULES: dict[tuple[str, str], tuple[str, Callable[[Net], object], Callable[[Net], object]]] = {
    ("rounding", "ceil"): (
        "pool.shape", lambda v: v.pooled(lambda n, k: ceil((n - k) / k) + 1), lambda v: v.pooled(floor_size)
    ),
    ("rounding", "floor"): ("pool.shape", lambda v: v.pooled(floor_size), lambda v: v.pooled(floor_size)),
    ("padding", "in total"): ("conv.shape", lambda v: v.conv(v.p), lambda v: v.conv()),
    ("padding", "per side"): ("conv.shape", lambda v: v.conv(2 * v.p), lambda v: v.conv()),
    ("pool_stride", "1"): ("pool.shape", lambda v: v.pooled(lambda n, k: n - k + 1), lambda v: v.pooled(floor_size)),
    ("pool_stride", "kernel"): ("pool.shape", lambda v: v.pooled(floor_size), lambda v: v.pooled(floor_size)),
    ("bias", "not counted"): ("conv.params", lambda v: v.weights, lambda v: v.weights + v.f),
    ("bias", "counted"): ("conv.params", lambda v: v.weights + v.f, lambda v: v.weights + v.f),
    ("batchnorm", "4C"): ("norm.params", lambda v: 4 * v.f, lambda v: 2 * v.f),
    ("batchnorm", "2C"): ("norm.params", lambda v: 2 * v.f, lambda v: 2 * v.f),
    ("operations", "MACs"): ("conv.flops", lambda v: v.macs, lambda v: 2 * v.macs),
    ("operations", "FLOPs"): ("conv.flops", lambda v: 2 * v.macs, lambda v: 2 * v.macs),
}  # fmt: skip
EXACT = {("rounding", "exact")}  # of whether it fits at all
ORDERS = {("order", "CxHxW"), ("order", "HxWxC")}  # without the convention both are accepted


def test_every_choice_of_every_convention_has_its_rule() -> None:
    every = {(name, choice) for name, choices in CHOICES.items() for choice in choices}
    assert {*RULES} | EXACT | ORDERS == every


def written(value: object) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def answered(folder: Path, net: Net, conventions: str, question: str, value: object) -> Verdict:
    path = folder / "sheet.yaml"
    lines = f"conventions: {conventions}\n" if conventions else ""
    path.write_text(f"architecture: {net.text}\n{lines}answers: {{{question}: '{written(value)}'}}\n")
    (found,) = check(read_sheet(str(path)))
    return found


@pytest.mark.parametrize(("name", "choice"), RULES)
def test_under_a_convention_exactly_its_own_answer_is_correct(name: str, choice: str, tmp_path: Path) -> None:
    question, under, usual = RULES[name, choice]

    @some
    @given(nets())
    def holds(net: Net) -> None:
        right, as_written = under(net), usual(net)
        alone = f"{{{name}: {choice}}}"
        assert answered(tmp_path, net, alone, question, right).correct
        if right != as_written:
            assert not answered(tmp_path, net, alone, question, as_written).correct
            assert not answered(tmp_path, net, "", question, right).correct
        for other in CHOICES[name]:
            if other == choice or (name, other) in EXACT:
                continue
            both = f"{{{name}: [{other}, {choice}]}}"
            found = answered(tmp_path, net, both, question, right)
            first = RULES[name, other][1](net)
            said = f"correct with {name.replace('_', ' ')} {choice}, which is accepted"
            assert found.correct and (said in found.remarks) == (right != first)

    holds()


@some
@given(nets())
def test_exact_rounding_is_about_whether_a_window_comes_out_even(net: Net) -> None:
    source = Source("sheet", f"architecture: {net.text}\nconventions: {{rounding: exact}}\n")
    root = parse(source)
    conventions = read_conventions(source, root.entries["conventions"])  # type: ignore[union-attr]
    from cnncli.homework.answer_key.sheet import Sheet, network_of

    question = Question("conv.shape", "", {})
    sheet = Sheet("", network_of(source, root, (question,)), (question,), conventions)  # type: ignore[arg-type]
    expected = expected_answer(sheet, question, empty_cache())
    even = all((n + 2 * net.p - net.k) % net.s == 0 for n in (net.h, net.w))
    assert expected.value == (net.conv() if even else "does not fit")


@some
@given(
    n=st.integers(1, 12),
    k=st.integers(1, 5),
    s=st.integers(1, 4),
    p=st.integers(0, 6),
    d=st.integers(1, 3),
    extra=st.integers(0, 2),
)
def test_a_transposed_size_is_its_formula_or_does_not_fit(n: int, k: int, s: int, p: int, d: int, extra: int) -> None:
    fields = {"input": n, "kernel": k, "stride": s, "padding": p, "dilation": d, "output_padding": extra}
    asked = Question("solve", "", {**{name: str(value) for name, value in fields.items()}, "transposed": "true"})
    output = (n - 1) * s + d * (k - 1) + 1 - 2 * p + extra
    assert solve_answer(asked).value == (output if output > 0 else "does not fit")


@some
@given(n=st.integers(1, 30), k=st.integers(1, 7), s=st.integers(1, 4), p=st.integers(0, 4), d=st.integers(1, 3))
def test_a_size_is_its_formula_rounded_as_asked_or_does_not_fit(n: int, k: int, s: int, p: int, d: int) -> None:
    numbers = {"input": n, "kernel": k, "stride": s, "padding": p, "dilation": d}
    fields = {name: str(value) for name, value in numbers.items()}
    room = Fraction(n + 2 * p - d * (k - 1) - 1, s)
    for rounding in ("exact", "floor"):
        expected = solve_answer(Question("solve", "", {**fields, "rounding": rounding}))
        fits = room >= 0 and (rounding == "floor" or room.denominator == 1)
        assert expected.value == (int(room) + 1 if fits else "does not fit")
        assert (rounding == "exact" and room >= 0 and not fits) == ("does_not_fit_unreported" in expected.candidates)


@some
@given(net=nets(), order=st.sampled_from(sorted(choice for _, choice in ORDERS)))
def test_both_orders_of_a_shape_are_correct_unless_one_is_asked(net: Net, order: str, tmp_path: Path) -> None:
    channels, *sizes = net.conv()
    shapes = {"CxHxW": (channels, *sizes), "HxWxC": (*sizes, channels)}
    for shape in shapes.values():
        assert answered(tmp_path, net, "", "conv.shape", shape).correct
        found = answered(tmp_path, net, f"{{order: {order}}}", "conv.shape", shape)
        assert found.correct == (shape == shapes[order])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    n=st.integers(1, 60),
    m=st.integers(1, 20),
    k=st.integers(1, 7),
    s=st.integers(1, 5),
    p=st.one_of(st.integers(0, 8), st.sampled_from(["same", "full", "valid"])),
    d=st.integers(1, 3),
    rounding=st.sampled_from(["exact", "floor", "ceil"]),
    find=st.sampled_from(["output", "input", "kernel", "stride", "padding", "dilation"]),
)
def test_every_derivation_of_a_size_is_a_true_equation(
    n: int, m: int, k: int, s: int, p: int | str, d: int, rounding: str, find: str
) -> None:
    known = {"input": n, "output": m, "kernel": k, "stride": s, "padding": p, "dilation": d}
    fields = {name: str(value) for name, value in known.items() if name != find}
    expected = solve_answer(Question("solve", "", {**fields, "rounding": rounding, "find": find}))
    if isinstance(expected.value, str):
        return
    equation = " == ".join(expected.derivation).replace(" = ", " == ")
    assert " == " in equation and eval(equation, {"floor": floor, "ceil": ceil}), equation
    assert equation.endswith(f"== {expected.value if find == 'output' else m}")


WINDOW = "{input: 1x7x7, layers: [conv: {filters: 1, kernel: 3, stride: 3}, conv: {filters: 1, kernel: 1}]}"
QUESTIONS = (
    "conv1.shape: '{layer}', solve: {{input: 7, kernel: 3, stride: 3, output: '{solve}'}}, conv2.shape: '{layer}'"
)


@pytest.mark.parametrize(
    ("conventions", "fits", "does_not_fit"),
    [("{}", True, True), ("{bias: counted}", True, True), ("{rounding: floor}", True, False),
     ("{rounding: exact}", False, True), ("{rounding: [floor, exact]}", True, True)],
)  # fmt: skip
def test_a_window_that_does_not_fit_has_one_rule_for_layers_and_sizes(
    tmp_path: Path, conventions: str, fits: bool, does_not_fit: bool
) -> None:
    for layer, solve, right in (("1x2x2", "2", fits), ("does not fit", "does not fit", does_not_fit)):
        path = tmp_path / "sheet.yaml"
        answers = QUESTIONS.format(layer=layer, solve=solve)
        path.write_text(f"architecture: {WINDOW}\nconventions: {conventions}\nanswers: {{{answers}}}\n")
        of_layer, of_solve, of_next = check(read_sheet(str(path)))
        assert of_layer.correct == of_solve.correct == right
        if "rounding" not in conventions:  # the layer after it fits, and a remark says which rule was accepted
            assert of_next.correct == (layer == "1x2x2")
            remarks = (of_layer if layer == "does not fit" else of_solve).remarks
            assert any("no rounding is stated" in remark for remark in remarks)
