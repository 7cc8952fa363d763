"""The fields of every kind: what each takes, and that nothing else gets through."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from texts import graph, loaded, messages, network, refusal

from cnncli.arithmetic.shape import InvalidValue
from cnncli.layers import KINDS, Layer
from cnncli.layers.fields import Reader

SINGLE = {name: kind for name, kind in KINDS.items() if not kind.merges}
FIELDS = [(name, field) for name, kind in SINGLE.items() for field in kind.schema]
REQUIRED = {"upsample": {"scale": 2}}  # or a size
OTHER = {"reshape": {"shape": "27x9"}, "permute": {"order": "[0, 2, 1]"}, "pixel_shuffle": {"factor": 1}}


def entry(kind: str, **given: Any) -> str:
    """A layer with its required fields and these."""
    required = {name: 3 for name, field in KINDS[kind].schema.items() if field.required} | OTHER.get(kind, {})
    if "size" not in given:
        required |= REQUIRED.get(kind, {})
    fields = ", ".join(f"{name}: {value}" for name, value in {**required, **given}.items())
    return f"{kind}: {{{fields}}}"


def input_of(kind: str) -> str:
    return "9" if kind in ("linear", "rbf") else "3x9x9"


@pytest.mark.parametrize("kind", SINGLE)
def test_every_kind_works_with_what_it_requires(kind: str) -> None:
    (info,) = loaded(network(entry(kind), input=input_of(kind))).inferred.layers.values()
    assert info.node.layer.kind == kind


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_no_field_takes_a_list_of_nothing_a_mapping_or_another_word(kind: str, field: str) -> None:
    for value in ("[]", "{a: 1}", "[[[1]]]", "quite_wrong", "[1, 2, 3, 4, 5]", "~"):
        (problem,) = refusal(network(entry(kind, **{field: value}), input=input_of(kind))).problems
        if value != "{a: 1}":
            assert problem.message.startswith(f"{field} ")
        assert problem.place is not None
        column = problem.place.text.rindex(f"{field}: ") + len(f"{field}: ") + 1
        assert problem.place.column == column  # right under the value


@pytest.mark.parametrize("kind", SINGLE)
def test_a_misspelt_field_is_answered_with_the_right_one(kind: str) -> None:
    for field in KINDS[kind].schema:
        if len(field) < 4:
            continue
        (problem,) = refusal(network(entry(kind, **{field + "x": 1}), input=input_of(kind))).problems
        assert (problem.message, problem.hint) == (f"{kind} has no field '{field}x'", f"did you mean {field}?")


@pytest.mark.parametrize("kind", [kind for kind, layer in SINGLE.items() if layer.main])
def test_a_bare_value_fills_the_main_field(kind: str) -> None:
    layer: type[Layer] = KINDS[kind]
    if sum(field.required for field in layer.schema.values()) > 1:
        assert messages(f"{kind}: 3")[0].startswith("missing required field: ")
        return
    value = {"gelu": "tanh", **{name: field[KINDS[name].main] for name, field in OTHER.items()}}.get(kind, 1)
    bare, long = (
        graph(text, input=input_of(kind)) for text in (f"{kind}: {value}", f"{kind}: {{{layer.main}: {value}}}")
    )
    assert bare.nodes[0].layer == long.nodes[0].layer


@pytest.mark.parametrize("length", [11, 3999, 4000, 4400])
def test_an_integer_of_any_length_is_too_large_and_not_in_quotes(length: int) -> None:
    (problem,) = refusal(network(entry("conv", filters="9" * length))).problems
    assert problem.message.startswith("filters must be below 2^31, not 9999") and not problem.hint


@pytest.mark.parametrize(
    ("kind", "field", "value", "message", "hint"),
    [
        ("conv", "filters", "0", "must be at least 1, not 0", ""),
        ("conv", "filters", "-3", "must be at least 1, not -3", ""),
        ("conv", "filters", "1.5", "must be a whole number, not 1.5", ""),
        ("conv", "filters", "2147483648", "must be below 2^31, not 2147483648", ""),
        ("conv", "filters", "1e300", "must be below 2^31, not 1e300", ""),
        ("conv", "kernel", "-1e300", "must be at least 1, not -1e300", ""),
        ("pad", "padding", "1e300", "must be below 2^31, not 1e300", ""),
        ("upsample", "scale", "1e300", "must be from 1e-9 to 1e9, not 1e300", ""),
        ("leaky_relu", "slope", "1e300", "must be between -1e300 and 1e300, not 1e300", ""),
        ("conv", "filters", "true", "must be a whole number, not true", ""),
        ("conv", "filters", "'3'", "must be a whole number, not '3'", "remove the quotes"),
        ("conv", "filters", "", "must be a whole number, not nothing", ""),
        ("conv", "kernel", "[3, 0]", "must be at least 1, not 0", ""),
        ("conv", "kernel", "[1, 2, 3, 4]", "takes one number, or a list with one per axis, not [1, 2, 3, 4]", ""),
        ("conv", "kernel", "3x", "takes one number, or a list with one per axis, not '3x'",
         "write 5 for all axes, or [5, 3] or 5x3 for one per axis"),
        ("conv", "kernel", "'(3, a)'", "takes one number, or a list with one per axis, not (3, a)",
         "write 5 for all axes, or [5, 3] or 5x3 for one per axis"),
        ("conv", "kernel", "'(3'", "takes one number, or a list with one per axis, not (3",
         "close the parenthesis: write 5 for all axes, or [5, 3] or 5x3 for one per axis"),
        ("conv", "kernel", "5x0", "must be at least 1, not 0", ""),
        ("conv", "kernel", "1.5x3", "must be a whole number, not 1.5", ""),
        ("conv", "kernel", "5*5", "", ""),
        ("conv", "kernel", "(5, 5)", "", ""),
        ("conv", "kernel", "5 × 5", "", ""),
        ("conv", "padding", "(1, 2)", "", ""),
        ("conv", "padding", "((1, 2), (0, 1))", "", ""),
        ("conv", "stride", "'2, 2'", "", ""),
        ("conv", "kernel", "3px", "must be a whole number, not '3px'", "write 3"),
        ("conv", "filters", "2^6", "must be a whole number, not '2^6'", "write 64"),
        ("conv", "filters", "64 filters", "must be a whole number, not '64 filters'", "write filters: 64"),
        ("conv", "filters", "ten", "must be a whole number, not ten", "write 10"),
        ("conv", "filters", "64.0", "", ""),
        ("conv", "padding", "yes", "must be valid, same, same_lower or full, not yes",
         "write same, or the number of pixels per side"),
        ("conv", "padding", "true", "must be valid, same, same_lower or full, not true",
         "write same, or the number of pixels per side"),
        ("conv", "padding", "none", "must be valid, same, same_lower or full, not none", "write 0"),
        ("conv", "padding", "reflect", "must be valid, same, same_lower or full, not reflect",
         "write the number of pixels per side, and padding_mode: reflect"),
        ("conv", "padding", "1px", "must be valid, same, same_lower or full, not '1px'", "write 1"),
        ("dropout", "rate", "50%", "", ""),
        ("dropout", "rate", "150%", "must be from 0 to 1, not 150%", ""),
        ("dropout", "rate", "'0,5'", "must be a number, not '0,5'", "write 0.5"),
        ("upsample", "scale", "'1,5'", "must be a number, not '1,5'", "write 1.5"),
        ("batchnorm", "eps", "32", "must be at most 1, not 32",
         "remove it: the number of channels is derived from the input"),
        ("dropout", "rate", "50", "must be from 0 to 1, not 50", "write 0.5"),
        ("conv", "stride", "0", "must be at least 1, not 0", "leave it out, or write stride: 1"),
        ("conv", "padding", "-1", "must be at least 0, not -1", ""),
        ("conv", "padding", "SAME", "must be valid, same, same_lower or full, not SAME", "write same"),
        ("conv", "padding", "same-lower", "must be valid, same, same_lower or full, not same-lower",
         "write same_lower"),
        ("conv", "padding", "[[1], [2]]", "takes a pair [before, after] for an axis, not [1]",
         "write [[top, bottom], [left, right]]"),
        ("conv", "padding", "[1, 1, 2, 2]",
         "takes a number, a name, or a list with one number or pair per axis, not [1, 1, 2, 2]",
         "write [[top, bottom], [left, right]]"),
        ("conv", "padding_mode", "reflection", "must be zeros, reflect, replicate, circular or partial, not reflection",
         "write reflect"),
        ("conv", "rounding", "ceil", "must be floor or exact, not ceil", ""),
        ("conv", "bias", "1", "must be true or false, not 1", "write true"),
        ("maxpool", "rounding", "up", "must be floor, ceil or exact, not up", ""),
        ("pad", "padding", "same", "must be a number, or a list with one number or pair per axis, not same", ""),
        ("dropout", "rate", "1.5", "must be from 0 to 1, not 1.5", ""),
        ("batchnorm", "eps", "0", "must be above 0, not 0", ""),
        ("leaky_relu", "slope", "1e400", "must be between -1e300 and 1e300, not 1e400", ""),
        ("upsample", "scale", "0", "must be from 1e-9 to 1e9, not 0", ""),
        ("lrn", "size", "2.0", "", ""),
    ],
)  # fmt: skip
def test_values_out_of_range(kind: str, field: str, value: str, message: str, hint: str) -> None:
    text = network(entry(kind, **{field: value}))
    if not message:
        assert loaded(text).inferred.layers
        return
    (problem,) = refusal(text).problems
    assert (problem.message, problem.hint) == (f"{field} {message}", hint)


def outcome(read: Reader, value: object) -> object:
    """What a field becomes, or how it is refused."""
    try:
        return read(value)
    except InvalidValue as error:
        return str(error), error.hint


def takes_one_per_axis(read: Reader) -> bool:
    return outcome(read, 1) == 1 and outcome(read, [1, 1]) == (1, 1)


WRITTEN = ("{}x{}", "{}X{}", "{} x {}", "{}×{}", "'({}, {})'", "'({},{})'")
PER_AXIS = {  # every field that takes one number per axis
    kind: [name for name, field in layer.schema.items() if takes_one_per_axis(field.read)]
    for kind, layer in SINGLE.items()
}


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind, fields in PER_AXIS.items() for field in fields])
@given(rows=st.integers(0, 9), columns=st.integers(0, 9), written=st.sampled_from(WRITTEN))
def test_sizes_written_with_a_cross_or_as_a_tuple_are_those_of_the_list(
    kind: str, field: str, rows: int, columns: int, written: str
) -> None:
    read = KINDS[kind].schema[field].read
    text = written.format(rows, columns).strip("'")
    assert outcome(read, text) == outcome(read, [rows, columns])


@pytest.mark.parametrize("value", ["5x3", "5×3", "'(5, 3)'"])
def test_a_kernel_of_a_file_may_be_written_so(value: str) -> None:
    (node,) = graph(f"conv: {{filters: 6, kernel: {value}, stride: 2x1, padding: 2x1}}").nodes
    (same,) = graph("conv: {filters: 6, kernel: [5, 3], stride: [2, 1], padding: [2, 1]}").nodes
    assert node.layer == same.layer


def test_three_numbers_do_not_fit_a_map_of_two_axes() -> None:
    assert messages("conv: {filters: 6, kernel: 5x5x5}") == [
        "kernel is given for 3 axes, but the input has 2 axes besides its channels"
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Conv2d", "conv"), ("nn.Conv2d", "conv"), ("Conv2D", "conv"), ("conv1d", "conv"), ("Dense", "linear"),
        ("Linear", "linear"), ("fc", "linear"), ("MaxPool2d", "maxpool"), ("MaxPooling2D", "maxpool"),
        ("max_pool", "maxpool"), ("AveragePooling2D", "avgpool"), ("AdaptiveAvgPool2d", "adaptive_avgpool"),
        ("GlobalAveragePooling2D", "global_avgpool"), ("BatchNormalization", "batchnorm"), ("BatchNorm2d", "batchnorm"),
        ("LayerNorm", "layernorm"), ("ReLU", "relu"), ("LeakyReLU", "leaky_relu"), ("swish", "silu"),
        ("Flatten", "flatten"), ("Dropout", "dropout"), ("ZeroPadding2D", "pad"), ("UpSampling2D", "upsample"),
        ("Concatenate", "concat"), ("cat", "concat"), ("DepthwiseConv2D", "depthwise_conv"), ("Residual", "residual"),
        ("LocalResponseNorm", "lrn"),
        ("pool", "maxpool or avgpool"), ("nn.Pool2d", "maxpool or avgpool"),
        ("norm", "batchnorm, layernorm, groupnorm or lrn"),
    ],
)  # fmt: skip
def test_names_of_other_libraries_are_answered_with_cnns(written: str, meant: str) -> None:
    (problem,) = refusal(network(f"{written}: {{}}")).problems
    assert problem.message == f"unknown layer type {written!r}"
    assert re.fullmatch(rf"use {meant}|write - {meant}(: .*)?", problem.hint), problem.hint


@pytest.mark.parametrize(("written", "meant"), [("rleu", "relu"), ("Conv2dd", "conv"), ("Densee", "linear")])
def test_a_misspelt_layer_type_is_asked_about(written: str, meant: str) -> None:
    (problem,) = refusal(network(f"{written}: {{}}")).problems
    assert (problem.message, problem.hint) == (f"unknown layer type {written!r}", f"did you mean {meant}?")


def test_what_follows_an_unknown_kind_can_call_it_by_the_right_name() -> None:
    assert messages("Conv2d: {filters: 3, kernel: 3}", "relu: {from: conv1}") == ["unknown layer type 'Conv2d'"]


@pytest.mark.parametrize(
    ("kind", "written", "hint"),
    [
        ("conv", "out_channels", "use filters"), ("conv", "kernel_size", "use kernel"),
        ("conv", "strides", "use stride"), ("conv", "dilation_rate", "use dilation"),
        ("conv", "use_bias", "use bias"), ("conv", "in_channels", "remove it: it is derived from the input"),
        ("conv", "activation", "add it as a separate layer after this one"),
        ("linear", "out_features", "use units"),
        ("linear", "in_features", "remove it: it is derived from the input"),
        ("avgpool", "size", "use kernel"),
        ("maxpool", "pool_size", "use kernel"), ("maxpool", "ceil_mode", "use rounding: ceil"),
        ("dropout", "p", "use rate"), ("batchnorm", "epsilon", "use eps"),
        ("batchnorm", "num_features", "remove it: it is derived from the input"),
        ("groupnorm", "num_groups", "use groups"), ("upsample", "scale_factor", "use scale"),
        ("adaptive_avgpool", "output_size", "use output"), ("leaky_relu", "negative_slope", "use slope"),
    ],
)  # fmt: skip
def test_other_libraries_fields_are_understood(kind: str, written: str, hint: str) -> None:
    (problem,) = refusal(network(entry(kind, **{written: 1}), input=input_of(kind))).problems
    assert (problem.message, problem.hint) == (f"{kind} has no field {written!r}", hint)


def test_upsample_takes_a_scale_or_a_size() -> None:
    for fields in ("{}", "{scale: 2, size: 8}", "{mode: linear}"):
        assert messages(f"upsample: {fields}") == ["upsample needs either a scale or a size"]


@pytest.mark.parametrize("kind", KINDS)
def test_layers_are_frozen_and_compare_by_value(kind: str) -> None:
    fields = {name: 3 for name, field in KINDS[kind].schema.items() if field.required}
    one, other = KINDS[kind](**fields), KINDS[kind](**fields)
    assert one == other
    assert hash(one) == hash(other)
    with pytest.raises(AttributeError):
        one.kind = "x"  # type: ignore[misc]


def test_a_reader_says_what_is_wrong_without_the_fields_name() -> None:
    with pytest.raises(InvalidValue, match=r"^must be at least 1"):
        KINDS["conv"].schema["filters"].read(0)
