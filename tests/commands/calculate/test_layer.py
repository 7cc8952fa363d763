"""One layer without a file: the same as in a file, for every layer type, and answers to what is mistyped."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from cases import CASES, Case
from program import Run
from texts import loaded

from cnncli.analysis.explanation import explain
from cnncli.analysis.memory import memory
from cnncli.arithmetic.shape import format_input_shape
from cnncli.commands.calculate.explain import QUANTITIES
from cnncli.layers import KINDS
from cnncli.one_layer import load_layer
from cnncli.views.explaining import as_record
from cnncli.views.summary.formats import as_json

CONV = ("conv", "--input", "3x32x32", "--kernel", "5", "--filters", "10", "--padding", "2")


def text_of(value: Any) -> str:
    """A field's value as it is typed."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace("(", "[").replace(")", "]").replace(",]", "]")


def file_of(case: Case) -> str:
    """A file with this layer alone, which has the name of its type."""
    names = ["input"] if len(case.inputs) == 1 else [f"input{number}" for number, _ in enumerate(case.inputs, 1)]
    shapes = ", ".join(f"{name}: {format_input_shape(shape)}" for name, shape in zip(names, case.inputs, strict=True))
    fields = [f"{name}: {text_of(value)}" for name, value in case.fields.items()]
    source = f"from: [{', '.join(names)}]"
    return f"inputs: {{{shapes}}}\nlayers:\n- {case.kind}: {{{', '.join([*fields, source, f'name: {case.kind}'])}}}\n"


def words_of(case: Case) -> list[str]:
    fields = [word for name, value in case.fields.items() for word in (f"--{name}", text_of(value))]
    return [*fields, *(word for shape in case.inputs for word in ("--input", format_input_shape(shape)))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_a_layer_is_calculated_and_explained_as_in_a_file(cnn: Run, case: Case) -> None:
    inferred = loaded(file_of(case)).inferred
    (summary,) = as_json(inferred, "net", 0)["layers"]
    explained = as_record(explain(inferred, case.kind), None)
    ended = cnn("layer", case.kind, *words_of(case), "--format", "json")
    assert ended.code == 0, ended.err
    record = json.loads(ended.out)
    for key in summary.keys() - {"name", "inputs"}:
        assert record[key] == json.loads(json.dumps(summary[key])), key
    figures = [figure for figure in record["figures"] if not figure["figure"].startswith("bytes")]
    assert figures == explained["figures"]
    assert (record["output_shape"], record["params"]) == ([*case.output], case.params)


def test_there_is_a_case_for_every_layer_type() -> None:
    assert {case.kind for case in CASES} == {*KINDS}


@pytest.mark.parametrize("kind", [kind for kind, layer in KINDS.items() if layer.main])
def test_the_first_value_is_the_main_field(cnn: Run, kind: str) -> None:
    case = next(case for case in CASES if case.kind == kind)
    main = KINDS[kind].main
    value = text_of(case.fields.get(main, KINDS[kind].schema[main].default))
    if value == "None":
        return  # a scale that a size replaces
    others = words_of(case._replace(fields={name: given for name, given in case.fields.items() if name != main}))
    bare, named = cnn("layer", kind, value, *others), cnn("layer", kind, *others, f"--{main}", value)
    assert bare == named and bare.code == 0


def test_the_bytes_are_those_of_the_memory_of_the_network(cnn: Run) -> None:
    record = json.loads(cnn("layer", *CONV, "--batch", "8", "--format", "json").out)
    found = memory(load_layer("conv", {"kernel": "5", "filters": "10", "padding": "2"}, ("3x32x32",)), 8)
    sizes = record["bytes"]
    assert (sizes["params"], sizes["buffers"]) == (found.parameters, found.buffers) == (4 * 760, 0)
    assert sizes["input"] + sizes["output"] == found.peak_activations == 8 * 4 * (3 + 10) * 32 * 32
    assert sizes["saved_for_backward"] == found.saved_activations == 8 * 4 * 3 * 32 * 32


def test_the_answer_derives_every_quantity_and_its_bytes(cnn: Run) -> None:
    out = " ".join(cnn("layer", *CONV).out.split())
    for line in (
        "conv: Map (C, H, W) to (filters, H', W')",
        "input 3x32x32 -> 10x32x32",
        "floor((H + 2 * p - k) / s) + 1",
        "C_out * C_in * k * k + C_out = 10 * 3 * 5 * 5 + 10 = 760",
        "768,000",
        "r_in + (k - 1) * j_in = 1 + (5 - 1) * 1 = 5",
        "4 * params = 4 * 760 = 3,040",
        "(12.0 KiB, the input)",
    ):
        assert line in out


def test_letters_give_formulas_that_hold_at_every_size(cnn: Run) -> None:
    words = ("conv", "6", "--kernel", "5x3", "--stride", "2", "--padding", "1")
    formulas = json.loads(cnn("layer", *words, "--input", "3xHxW", "--format", "json").out)
    floors = {"floor": lambda value: int(value // 1)}
    for height, width in ((5, 5), (9, 30)):
        numbers = json.loads(cnn("layer", *words, "--input", f"3@{height}x{width}", "--format", "json").out)
        for count in ("macs", "flops", "connections", "activations"):
            expression = formulas[count]
            assert eval(expression, {"H": height, "W": width, **floors}) == numbers[count]
    assert "floor((H - 3) / 2) + 1" in cnn("layer", *words, "--input", "3xHxW").out


@pytest.mark.parametrize("words", [CONV, ("relu", "--input", "3xHxW"), ("conv",), ()])
def test_csv_is_a_table_with_a_line_for_each_row_of_markdown(cnn: Run, words: tuple[str, ...]) -> None:
    rows = [*csv.reader(io.StringIO(cnn("layer", *words, "--format", "csv").out))]
    assert len(rows) > 5 and len({*map(len, rows)}) == 1
    assert cnn("layer", *words, "--format", "markdown").out.count("\n| ") > 4


def test_a_flag_is_given_as_true_false_or_no(cnn: Run) -> None:
    without, words = cnn("layer", *CONV, "--no-bias"), ("--bias", "false")
    assert "= 750\n" in without.out and "= 760\n" not in without.out
    assert cnn("layer", *CONV, *words) == cnn("layer", *CONV, "--bias=no") == without
    assert cnn("layer", *CONV, "--bias") == cnn("layer", *CONV, "--bias", "true") == cnn("layer", *CONV)


def test_underscores_and_dashes_name_the_same_field(cnn: Run) -> None:
    words = ("layer", "conv_transpose", "6", "--kernel", "3", "--stride", "2", "--input", "3x8x8")
    assert cnn(*words, "--output-padding", "1") == cnn(*words, "--output_padding=1") != cnn(*words)


def test_commas_make_a_list_as_brackets_do(cnn: Run) -> None:
    for comma, brackets in ((("permute", "0,2,1"), ("permute", "[0, 2, 1]")), (("pad", "1,2"), ("pad", "1x2"))):
        assert cnn("layer", *comma, "--input", "3x4x5") == cnn("layer", *brackets, "--input", "3x4x5")


def test_the_types_are_listed_by_family_and_the_fields_of_each(cnn: Run) -> None:
    out = cnn("layer").out
    listed = [line.split()[0] for line in out.splitlines() if line.startswith(" ") and not line.startswith("  ")]
    assert listed == ["type", *KINDS]
    assert max(map(len, out.splitlines())) <= 80
    for kind, layer in KINDS.items():
        fields = cnn("layer", kind).out
        assert max(map(len, fields.splitlines())) <= 80
        assert [line.split()[0] for line in fields.splitlines() if line.startswith(" --")] == [
            *(f"--{name.replace('_', '-')}" for name in layer.schema), "--input"
        ]  # fmt: skip
        help_text = cnn("layer", kind, "--help").out
        assert all(f"--{name.replace('_', '-')} " in help_text for name in layer.schema)


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        ("conv 2 --kernel 7 --input 3x5x5", 1, "--kernel 7: a 7x7 kernel does not fit a 5x5 input with padding 0",
         "use a kernel of at most 5, or padding of at least 1"),
        ("conv 6 --kernel 3 --groups 4 --input 3x9x9", 1, "--groups 4: 4 groups do not divide 3 input channels",
         "groups must divide both 3 input channels and 6 filters"),
        ("maxpool 2 --rounding exact --input 1x5x5", 1, "maxpool: a 2x2 kernel with stride 2 does", "--rounding floor"),
        ("linear 10 --input 3x4x4", 1, "linear needs a vector, but its input is a feature map of 3x4x4",
         "write --input 48, the values of 3x4x4 after flatten"),
        ("add --input 8x7x7 --input 8x6x7", 1, "--input: add needs equal shapes", "concat"),
        ("add --input 8x7x7", 2, "add joins at least 2 inputs", "repeat --input"),
        ("relu --input 8x7x7 --input 8x7x7", 2, "relu reads one input, not 2", "give --input once"),
        ("conv 2 --kernel a --stride 0 --input 3x5x5", 2, "--kernel a: must be a whole number, not a", ""),
        ("conv 2 --kernel 3 --padding SAME --input 3x5x5", 2, "--padding SAME: must be valid, same", "write same"),
        ("conv --kernel 3 --input 3x5x5", 2, "conv needs --filters", "add --filters …"),
        ("conv 2 --kernel_size 3 --input 3x5x5", 2, "--kernel-size: conv has no such field", "use --kernel"),
        ("conv --out-channels 2 --input 3x5x5", 2, "--out-channels: conv has no such field", "use --filters"),
        ("conv 2 --in-channels 3 --input 3x5x5", 2, "--in-channels: conv has no such field", "derived from the input"),
        ("conv 2 --kernl 3 --input 3x5x5", 2, "--kernl: conv has no such field", "did you mean --kernel?"),
        ("maxpool 2 --ceil-mode --input 3x5x5", 2, "--ceil-mode: maxpool has no such", "use --rounding ceil"),
        ("conv 2 --in 3x5x5", 2, "--in: conv has no such field", "use --input"),
        ("conv 2 --name c1", 2, "--name has no use here", "leave it out"),
        ("Conv2d 2 --kernel 3 --input 3x5x5", 2, "unknown layer type 'Conv2d'", "use cnn layer conv"),
        ("Dense 2 --input 5", 2, "unknown layer type 'Dense'", "use cnn layer linear"),
        ("pool 2 --input 3x4x4", 2, "unknown layer type 'pool'", "use maxpool or avgpool"),
        ("pooling 2 --input 3x4x4", 2, "unknown layer type 'pooling'", "use maxpool or avgpool\n"),
        ("im2col --input 3x4x4", 2, "im2col has no size", "--as-matrix im2col"),
        ("SVM_loss --input 3", 2, "SVM_loss has no size", "--loss hinge"),
        ("linear 10 --input 1xHxW", 1, "linear needs a vector", "depend on the number of values, H * W"),
        ("squeeze_excite --input 3x4x4", 2, "unknown layer type 'squeeze_excite'", "cnn layer lists"),
        ("residual --input 3x4x4", 2, "residual holds other layers", "cnn summarize FILE"),
        ("lenet5 --input 3x4x4", 2, "lenet5 is a network", "cnn explain lenet5"),
        ("net.yaml c1", 2, "net.yaml is a network", "cnn explain net.yaml"),
        ("conv 2 3 --input 3x5x5", 2, "conv takes one value without a name: filters", "write --kernel 3"),
        ("conv filters=2 kernel=3 --input 3x5x5", 2, "fields are options here", "write --filters 2 --kernel 3"),
        ("conv 3x5x5 --filters 2", 2, "--filters is given twice: 2 and 3x5x5", "write --input 3x5x5 if"),
        ("relu 3x5x5", 2, "relu takes no value, but 3x5x5 is given", "write --input 3x5x5"),
        ("leaky_relu -0.1 --input 3x5x5", 2, "-0.1: a negative value needs its option", "write --slope -0.1"),
        ("conv 2 --kernel 3", 2, "conv: the shape of its input is missing", "add --input 3x32x32"),
        ("conv 2 --kernel 3 --input 28x28", 2, "--input 28x28: 28x28 reads as 28 channels", "--input 1x28x28"),
        ("conv 2 --kernel 3 --bias --no-bias --input 3x5x5", 2, "--bias and --no-bias are both given", "keep one"),
        ("conv 2 --kernel 3 --kernel 5 --input 3x5x5", 2, "--kernel is given twice", "give it once"),
        ("conv 2 --kernel [3 --input 3x5x5", 2, "--kernel [3: cannot be read", ""),
        ("conv 2 --kernel [{a:1}] --input 3x5x5", 2, "--kernel [{a:1}]: must be a whole number", ""),
        ("--kernel=3 --stride 2", 2, "--kernel=3 comes before the layer type", "cnn layer TYPE"),
        ("conv --format latex", 2, "has no LaTeX", "use table"),
    ],
)  # fmt: skip
def test_what_is_mistyped_is_answered_with_the_option(cnn: Run, words: str, code: int, message: str, hint: str) -> None:
    ended = cnn("layer", *words.split())
    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err and hint in ended.err
    assert "yaml:" not in ended.err


@pytest.mark.parametrize("words", ["conv 4 --kernel 3", "relu", "batchnorm", "maxpool 2"])
@pytest.mark.parametrize("figure", [*QUANTITIES, "bytes"])
@pytest.mark.parametrize("form", ["table", "csv", "latex"])
def test_each_figure_of_symbolic_sizes_is_answered(cnn: Run, words: str, figure: str, form: str) -> None:
    ended = cnn("layer", *words.split(), "--input", "3xHxW", "--figure", figure, "--format", form)
    assert (ended.code, ended.err) == (0, "")
    if figure == "initialization" and form == "table":
        assert ("he_std" in ended.out) == words.startswith("conv") == ("no initialization" not in ended.out)


@pytest.mark.parametrize("kind", ["conv 4 --kernel 3", "batchnorm", "maxpool 2", "dropout"])
@pytest.mark.parametrize("dtype", ["fp32", "fp16", "bf16"])
def test_bytes_follow_the_precision_as_those_of_a_network(cnn: Run, kind: str, dtype: str) -> None:
    given = ("--input", "3x8x8", "--batch", "2", "--dtype", dtype)
    record = json.loads(cnn("layer", *kind.split(), *given, "--format", "json").out)
    fields = {"conv": {"filters": "4", "kernel": "3"}, "maxpool": {"kernel": "2"}}.get(kind.split()[0], {})
    layer = load_layer(kind.split()[0], fields, ["3x8x8"])
    found = memory(layer, 2, dtype)
    assert record["dtype"] == dtype and record["bytes"]["params"] == found.parameters
    assert record["bytes"]["buffers"] == found.buffers
    assert f"bytes are for {dtype} and a batch of 2" in cnn("layer", *kind.split(), *given).out
    symbolic = json.loads(cnn("layer", *kind.split(), "--input", "3xHxW", *given[2:], "--format", "json").out)
    assert symbolic["bytes"]["params"] == found.parameters
