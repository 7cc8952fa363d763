"""Symbolic sizes: one formula for every input, the same as working each input out."""

from __future__ import annotations

import re
from collections import Counter
from math import gcd

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from networks import networks
from texts import refusal

from cnncli.arithmetic.shape import common_divisor, format_input_shape, larger, read_shape, smaller
from cnncli.arithmetic.symbolic import (
    SymbolicSize,
    condition_for_equality,
    is_linear,
    letter,
    letters_of,
    period,
    same,
    settled,
    slope,
    value_of,
    zeros,
)
from cnncli.arithmetic.symbolic.polynomial import as_window_positions
from cnncli.errors import CnnError
from cnncli.inference import SUMMED, Inferred
from cnncli.language import Source
from cnncli.loading import load, load_source

thorough = settings(
    max_examples=400, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
H = letter("H")


@st.composite
def forms(draw: st.DrawFn) -> tuple[SymbolicSize, str]:
    """A random chain of the operations that sizes go through, and the same as Python."""
    form, text = H, "H"
    for _ in range(draw(st.integers(1, 5))):
        number = draw(st.integers(1, 5))
        sign, code = draw(
            st.sampled_from(
                [
                    (lambda f, n: f + n, "({} + {})"),
                    (lambda f, n: f - n, "({} - {})"),
                    (lambda f, n: f * n, "({} * {})"),
                    (lambda f, n: f // n, "({} // {})"),
                    (lambda f, n: -(-f // n), "(-(-{} // {}))"),
                    (lambda f, n: f + H // n, "({} + H // {})"),
                    (lambda f, n: f * (H // n + 1), "({} * (H // {} + 1))"),
                    (lambda f, n: f - H // (n + 1), "({0} - H // ({1} + 1))"),
                ]
            )
        )
        form, text = sign(form, number), code.format(text, number)
    assume(isinstance(form, SymbolicSize))
    return form, text


@thorough
@given(forms(), st.integers(1, 200))
def test_a_form_has_the_value_of_what_it_came_from_and_so_has_its_text(
    made: tuple[SymbolicSize, str], size: int
) -> None:
    form, text = made
    value = eval(text, {"H": size})
    assert form.at({"H": size}) == value
    written = re.sub(r"floor\((.*?) / (\d+)\)", r"((\1) // \2)", str(form))
    while "floor(" in written:
        written = re.sub(r"floor\((.*) / (\d+)\)", r"((\1) // \2)", written)
    assert eval(written.replace("floor", ""), {"H": size}) == value


CANCELLING = re.compile(r"floor\(\((?:[^()]|\([^()]*\))* - (\d+)\) / \1\) \+ 1$")


@thorough
@given(forms(), st.integers(1, 9), st.integers(-20, 20), st.integers(1, 3))
def test_a_constant_that_cancels_in_a_floor_is_not_written_and_the_value_stays(
    made: tuple[SymbolicSize, str], divisor: int, constant: int, count: int
) -> None:
    form = ((made[0] + constant) // divisor - constant // divisor) * count
    assume(isinstance(form, SymbolicSize))
    shown = as_window_positions(form)
    for size in range(1, 200):
        assert shown.at({"H": size}) == form.at({"H": size})
    assert not CANCELLING.search(str(form)), str(form)


@pytest.mark.parametrize("remainder", [1, 2, 3])
def test_a_constant_that_does_not_cancel_leaves_the_window_formula(remainder: int) -> None:
    assert str((H + 4 - remainder) // 4) == f"floor((H - {remainder}) / 4) + 1"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ((H - 2) // 2 + 1, "floor(H / 2)"),
        (2 * ((H - 2) // 2 + 1), "2 * floor(H / 2)"),
        ((H - 6) // 3 + 2, "floor(H / 3)"),
        ((3 * H - 2) // 2 + 1, "floor(3 * H / 2)"),
        ((H - 2) // 2 + (letter("W") - 2) // 2 + 2, "floor(H / 2) + floor(W / 2)"),
        (((H - 2) // 2 + 1) * ((letter("W") - 2) // 2 + 1), "floor(H / 2) * floor(W / 2)"),
        ((H - 1) // 2 + 1, "floor((H - 1) / 2) + 1"),
        ((H - 2) // 2 + 2, "floor(H / 2) + 1"),
        ((H - 16) // 4 + 1, "floor((H - 16) / 4) + 1"),
    ],
)
def test_a_size_is_written_as_the_window_formula_without_a_constant_that_cancels(form: SymbolicSize, text: str) -> None:
    assert str(form) == text


@thorough
@given(forms(), forms())
def test_same_is_what_all_sizes_say(one: tuple[SymbolicSize, str], other: tuple[SymbolicSize, str]) -> None:
    first, second = one[0], other[0]
    equal = all(first.at({"H": size}) == second.at({"H": size}) for size in range(5000, 5400))
    if same(first, second):
        assert equal
    elif period(first - second) <= 400 and "(" not in str(first - second).replace("floor(", ""):
        assert not equal


@thorough
@given(forms(), st.integers(1, 60), st.integers(1, 100), st.booleans())
def test_larger_smaller_and_common_divisor_are_those_of_the_values(
    made: tuple[SymbolicSize, str], number: int, at_size: int, bounded: bool
) -> None:
    form, size = made[0] % 7 if bounded and isinstance(made[0] % 7, SymbolicSize) else made[0], {"H": at_size}
    value = value_of(form, size)
    assert value_of(larger(form, number), size) == max(value, number)
    assert value_of(smaller(form, number), size) == min(value, number)
    assert value_of(common_divisor(form, number), size) == gcd(value, number)


def opened(text: str) -> str | None:
    """The text of a random network with its spatial sizes open."""
    match = re.search(r"\d+([x@]\d+(?:x\d+)*)", text)
    if match is None:
        return None
    letters = {1: "xL", 2: "xHxW", 3: "xDxHxW"}[len(re.findall("[x@]", match[1]))]
    return text.replace(match[1], letters)


def read(text: str, shape: str = "", *, symbolic_sizes: bool = False) -> Inferred | CnnError:
    inputs = {} if not shape else dict.fromkeys(["left", "right"] if "inputs:" in text else [""], shape)
    try:
        return load_source(Source("random.yaml", text), "random", inputs=inputs, symbolic_sizes=symbolic_sizes).inferred
    except CnnError as error:
        return error


def at(inferred: Inferred, values: dict[str, int]) -> str:
    return format_input_shape(tuple(value_of(size, values) for size in inferred.graph.inputs[0].shape))


def compared(text: str, sizes: tuple[int, int, int]) -> str:
    """Compares the formulas at a size with the network worked out at it; says how that came out."""
    general = opened(text)
    formulas = read(general, symbolic_sizes=True) if general is not None else None
    if not isinstance(formulas, Inferred):
        return str(formulas)
    values = dict(zip(letters_of(formulas.graph.inputs[0].shape), sizes, strict=False))
    worked_out = read(text, at(formulas, values))
    accepted = all(value_of(form, values) >= 0 for form in formulas.assumed)
    assert isinstance(worked_out, Inferred) == accepted, (values, str(worked_out), formulas.assumed)
    if not isinstance(worked_out, Inferred):
        return "refused"
    agree(formulas, worked_out, values)
    return "agreed"


def test_the_formulas_give_what_each_size_gives_when_it_is_worked_out() -> None:
    """At every size, the smallest included: what they take for granted is what makes a size work."""
    outcomes: Counter[str] = Counter()

    @thorough
    @given(networks(), st.tuples(*[st.integers(1, 40)] * 3))
    def compare(text: str, sizes: tuple[int, int, int]) -> None:
        outcome = compared(text, sizes)
        assert "no single formula" not in outcome
        outcomes[outcome] += 1

    compare()
    assert outcomes["agreed"] > 150 and outcomes["refused"] > 20


@st.composite
def sliding(draw: st.DrawFn) -> str:
    """A network of two windows with fields of all kinds: strides above the kernel, cut borders, no bias."""
    rank = draw(st.integers(1, 2))
    size, lower = st.integers(1, 5), st.integers(0, 3)
    numbers = st.one_of(size, st.lists(size, min_size=rank, max_size=rank))
    word = st.sampled_from(["valid", "same", "same_lower"])

    def layer() -> str:
        kind = draw(st.sampled_from(["conv", "conv_transpose", "conv_transpose", "maxpool", "avgpool", "l2pool"]))
        fields: dict[str, object] = {"kernel": draw(numbers), "stride": draw(numbers)}
        fields["padding"] = draw(st.one_of(lower, word, st.lists(lower, min_size=rank, max_size=rank)))
        if kind.startswith("conv"):
            groups = draw(st.sampled_from([1, 2]))
            fields |= {"filters": groups * draw(st.integers(1, 2)), "groups": groups, "bias": draw(st.booleans())}
        if kind in ("conv", "conv_transpose", "maxpool"):
            fields["dilation"] = draw(st.integers(1, 3))
        if kind == "conv":
            modes = ["zeros", "reflect", "replicate", "circular", "partial"]
            fields["padding_mode"] = draw(st.sampled_from(modes))
        elif kind == "conv_transpose":
            fields["output_padding"] = draw(st.one_of(lower, st.lists(lower, min_size=rank, max_size=rank)))
        else:
            fields["rounding"] = draw(st.sampled_from(["floor", "ceil"]))
        written = ", ".join(f"{name}: {str(value).lower()}" for name, value in fields.items())
        return f"  - {kind}: {{{written}}}\n"

    return f"input: 2x{'x'.join(['9'] * rank)}\nlayers:\n{layer()}{layer()}"


def test_windows_of_all_kinds_have_formulas_that_hold_at_every_size() -> None:
    outcomes: Counter[str] = Counter()

    @settings(thorough, max_examples=600)
    @given(sliding(), st.tuples(*[st.integers(1, 16)] * 3))
    def compare(text: str, sizes: tuple[int, int, int]) -> None:
        outcome = compared(text, sizes)
        assert "no single formula" not in outcome
        outcomes[outcome] += 1

    compare()
    assert outcomes["agreed"] > 150 and outcomes["refused"] > 15


def test_a_transposed_convolution_without_bias_keeps_the_smaller_side_of_its_minimum_open() -> None:
    layer = "conv_transpose: {filters: 2, kernel: [3, 1], stride: [2, 3], padding: 2, output_padding: 1, "
    text = f"input: 2x9x9\nlayers:\n  - {layer}dilation: 2, groups: 2, bias: false}}\n"
    formulas = read(opened(text) or "", symbolic_sizes=True)
    assert isinstance(formulas, Inferred)
    flops = formulas.totals["flops"]
    for height in range(1, 12):
        for width in range(2, 12):
            worked_out = read(text, format_input_shape((2, height, width)))
            assert isinstance(worked_out, Inferred)
            assert value_of(flops, {"H": height, "W": width}) == worked_out.totals["flops"]


@pytest.mark.parametrize(
    "layers",
    [
        "{conv: {filters: 1, kernel: 3}}, {slice: {axis: height, stop: 3}}, {slice: {axis: width, start: 2, stop: 3}}",
        "{conv: {filters: 1, kernel: 3, padding: 1}}, {crop: 4}",
        "{conv: {filters: 1, kernel: 5, padding: 2}}, {slice: {axis: width, start: 3}}, {crop: [[0, 2], [1, 0]]}",
        "{slice: {axis: height, start: 1}}, {maxpool: {kernel: 3, stride: 1}}, {pad: 1}",
    ],
)
@pytest.mark.parametrize("last", ["global_avgpool", "flatten"])
def test_what_a_slice_or_a_crop_leaves_out_no_later_unit_depends_on(layers: str, last: str) -> None:
    text = f"input: 1x%sx%s\nlayers: [{layers}, {last}]\n"
    formulas = read(text % ("H", "W"), symbolic_sizes=True)
    assert isinstance(formulas, Inferred)
    *_, info = formulas.layers.values()
    for height, width in ((12, 17), (13, 15), (31, 20)):
        worked_out = read(text % (height, width))
        assert isinstance(worked_out, Inferred)
        *_, there = worked_out.layers.values()
        for axis, concrete in zip(info.receptive_field["input"].axes, there.receptive_field["input"].axes, strict=True):
            assert value_of(axis.size, {"H": height, "W": width}) == concrete.size
            assert value_of(axis.offset, {"H": height, "W": width}) == concrete.offset


def agree(formulas: Inferred, worked_out: Inferred, values: dict[str, int]) -> None:
    for name, info in formulas.layers.items():
        there = worked_out.layers[name]
        assert tuple(value_of(size, values) for size in info.stats.output_shape) == there.stats.output_shape
        assert tuple(value_of(size, values) for size in info.stats.dropped) == there.stats.dropped
        for figure in (*SUMMED, "buffers"):
            assert value_of(getattr(info.stats, figure), values) == getattr(there.stats, figure), (name, figure)
    for figure, total in formulas.totals.items():
        assert value_of(total, values) == worked_out.totals[figure]
    inputs = [shape for info in worked_out.layers.values() for shape in info.input_shapes]
    if all(size > 1 for shape in inputs for size in shape[1:]):
        fields_agree(formulas, worked_out, values)  # a single row is seen by all, whatever the layer


def fields_agree(formulas: Inferred, worked_out: Inferred, values: dict[str, int]) -> None:
    """Units see the same of the image."""
    for name, info in formulas.layers.items():
        there = worked_out.layers[name]
        for source, field in info.receptive_field.items():
            units = there.stats.output_shape[1:]
            if field.order is not None or len(units) != len(field.axes):
                continue
            extents = worked_out.shape(source)[1:]
            for axis, concrete, count, extent in zip(
                field.axes, there.receptive_field[source].axes, units, extents, strict=True
            ):
                for unit in {0, count // 2, count - 1} if axis.is_known and axis.advance else ():
                    first, last = value_of(axis.low(unit), values), value_of(axis.high(unit), values)
                    assert max(0, first) == max(0, concrete.low(unit)), (name, source)
                    assert min(extent, last + 1) == min(extent, concrete.high(unit) + 1), (name, source)


@given(forms(), st.integers(-20, 20))
def test_a_growing_form_is_settled_where_no_later_size_is_negative_and_its_zeros_are_all(
    made: tuple[SymbolicSize, str], offset: int
) -> None:
    form = made[0] - offset
    assume(isinstance(form, SymbolicSize) and all(len(product) == 1 for product, _ in form.terms))
    assume(is_linear(form) and slope(form, "H") > 0 and period(form) <= 60)
    values = {size: form.at({"H": size}) for size in range(1, 700)}
    negative = [size for size, value in values.items() if value < 0]
    assume(not negative or negative[-1] < 600)
    assert settled(form, "H") == (negative[-1] + 1 if negative else 1)
    found = [size for size, value in values.items() if value == 0]
    assert [size for size in zeros(form, "H") if size < 700] == found


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "resnet18", "googlenet", "allconv", "network3"])
def test_the_smallest_input_works_and_none_smaller_does(name: str) -> None:
    shape = load(name).graph.inputs[0].shape
    formulas = load(name, inputs={"": f"{shape[0]}xHxW"}, symbolic_sizes=True).inferred
    needed = formulas.smallest_sizes
    fitting = load(name, inputs={"": format_input_shape((shape[0], needed["H"] or 0, needed["W"] or 0))}).inferred
    agree(formulas, fitting, {letter: size or 0 for letter, size in needed.items()})
    for height, width in ((-1, 0), (0, -1)):
        smaller_shape = format_input_shape((shape[0], (needed["H"] or 0) + height, (needed["W"] or 0) + width))
        with pytest.raises(CnnError):
            load(name, inputs={"": smaller_shape})


@pytest.mark.parametrize(
    ("windows", "form"),
    [
        ([(5, 1, 2), (2, 2, 0)], "floor(H / 2)"),
        ([(3, 2, 1)], "floor((H - 1) / 2) + 1"),
        ([(5, 1, 0), (2, 2, 0), (5, 1, 0), (2, 2, 0)], "floor((H - 16) / 4) + 1"),
        ([(11, 4, 0), (3, 2, 0), (5, 1, 2), (3, 2, 0)], "floor((H - 35) / 16) + 1"),
        ([(3, 1, 1)] * 5, "H"),
        ([(3, 1, 0)] * 2, "H - 4"),
    ],
)
def test_a_chain_of_windows_is_one_floor_with_its_field_and_its_stride(
    windows: list[tuple[int, int, int]], form: str
) -> None:
    lines = "\n".join(f"  - conv: {{filters: 1, kernel: {k}, stride: {s}, padding: {p}}}" for k, s, p in windows)
    inferred = read(f"input: 1xHxH\nlayers:\n{lines}\n", symbolic_sizes=True)
    assert isinstance(inferred, Inferred)
    last = [*inferred.layers.values()][-1]
    assert [str(size) for size in last.stats.output_shape[1:]] == [form, form]
    assert slope(last.stats.output_shape[1], "H") == 1 / last.receptive_field["input"].axes[0].stride


def test_paths_that_agree_for_some_sizes_alone_are_an_error_that_says_for_which() -> None:
    text = """\
input: 3xHxW
layers:
  - conv: {filters: 8, kernel: 3, padding: 1, name: a}
  - maxpool: 2
  - upsample: 2
  - add: [a, upsample1]
"""
    assert str(read(text, symbolic_sizes=True)).splitlines()[0] == (
        "random.yaml:6:5: add1: add needs equal shapes, but its inputs are 8xHxW and "
        "8x(2 * floor(H / 2))x(2 * floor(W / 2)), "
        "which are equal only if H mod 2 = 0"
    )
    same_paths = text.replace("maxpool: 2", "maxpool: {kernel: 3, stride: 1, padding: 1}").replace(
        "upsample: 2", "relu"
    )
    assert isinstance(read(same_paths.replace("upsample1", "relu1"), symbolic_sizes=True), Inferred)


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (2 * (H // 2), H, "H mod 2 = 0"),
        (H // 2, (H + 1) // 2, "H mod 2 = 0"),
        (H - 3, 7, "H = 10"),
        (H // 4, H // 4 + 1, ""),
        ((H + 1) // 3, H // 3, "H mod 3 = 0 or 1"),
        ((H + 6) // 7, H // 7 + 1, "H mod 7 = 1, 2, 3, 4, 5 or 6"),
        ((H + 7) // 8, H // 8 + 1, "H mod 8 = 1, 2, 3, 4, 5, … (7 remainders)"),
    ],
)
def test_equality_of_two_sizes_is_a_condition_on_the_letter(one: SymbolicSize, other: SymbolicSize, said: str) -> None:
    assert condition_for_equality(one, other) == said


def test_channels_do_not_stay_open() -> None:
    (problem,) = refusal("input: CxHxW\nlayers: [relu]\n").problems
    assert (problem.message, problem.hint) == (
        "the channels in 'CxHxW' must be a number",
        "only spatial sizes can be symbolic: 3xHxW",
    )


def test_shapes_with_letters_read_as_written() -> None:
    assert str(read_shape("3xHxW")) == "(3, H, W)" == str(read_shape([3, "h", "w"]))


def test_what_needs_numbers_asks_for_them() -> None:
    error = read("input: 3xHxW\nlayers: [relu]\n")
    assert str(error) == ("random.yaml: the input 3xHxW has symbolic sizes\n  give numbers, e.g. --input 3x224x224")
