"""How the shape of a network's input is written: channels first, and refused where it was probably meant otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from program import Run
from texts import graph, loaded, network, refusal

from cnncli.arithmetic.shape import (
    InvalidValue,
    Shape,
    describe_input,
    format_input_shape,
    format_shape,
    numeric_example,
    probable_input,
    read_input_shape,
)
from cnncli.data.sources.targets import shaped
from cnncli.errors import CnnError
from cnncli.language import Source
from cnncli.language.resolved import resolved_text
from cnncli.loading import load
from cnncli.runs.folder import Run as RunFolder
from cnncli.runs.folder import RunRecord, architecture_of, open_run

thorough = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
sizes = st.one_of(st.integers(1, 8), st.integers(1, 300))
shapes = st.lists(sizes, min_size=1, max_size=4).map(tuple)
AMBIGUOUS = [(32, 32, 3), (224, 224, 3), (28, 28, 1), (64, 48, 4), (28, 28), (1, 28, 28, 1), (8, 64, 64, 3),
             (1, 3, 32, 32), (64, 3, 224, 224)]  # fmt: skip
PLAIN = [
    (1, 16, 64, 64),
    (8, 3, 32, 31),
    (3, 32, 32),
    (1, 28, 28),
    (784,),
    (28, 27),
    (4, 4),
    (3, 3, 3),
    (4, 3, 3),
    (6, 1, 1),
    (3, 16, 112, 112),
]


def refused(value: object) -> InvalidValue | None:
    try:
        read_input_shape(value)
    except InvalidValue as error:
        return error
    return None


@given(shapes)
@thorough
def test_what_is_printed_is_read_back(shape: Shape) -> None:
    assert read_input_shape(format_input_shape(shape)) == shape
    assert read_input_shape(probable_input(shape)) in (shape, (1, *shape), (shape[-1], *shape[:-1]))


@given(shapes.filter(lambda shape: len(shape) > 1), st.sampled_from("xX×"), st.sampled_from(["", " "]))
@thorough
def test_the_explicit_forms_are_never_refused(shape: Shape, sign: str, space: str) -> None:
    apart = f"{space}{sign}{space}".join(map(str, shape[1:]))
    assert read_input_shape(f"{shape[0]}{space}@{space}{apart}") == shape
    assert read_input_shape([shape[0], [*shape[1:]]]) == shape


@given(shapes)
@thorough
def test_a_shape_is_refused_exactly_where_it_looks_like_channels_last_a_batch_or_an_image_without_channels(
    shape: Shape,
) -> None:
    if len(shape) == 2:
        expected = shape[0] == shape[1] and shape[0] > 4
    else:
        expected = len(shape) > 2 and shape[-1] in (1, 3, 4) and min(shape[-3], shape[-2]) > shape[-1]
        expected = expected or (len(shape) == 4 and shape[1] in (1, 3, 4) and shape[2] == shape[3] > 4)
    for written in (format_shape(shape), [*shape]):
        assert (refused(written) is not None) == expected
    assert (format_shape(shape) != format_input_shape(shape)) == expected


@given(shapes)
@thorough
def test_every_shape_that_a_hint_says_to_write_is_accepted(shape: Shape) -> None:
    error = refused(format_shape(shape))
    assume(error is not None)
    assert error is not None
    written = re.findall(r"\d+[@x][\d@x]+", re.sub(r"for (one channel|\d+ channels?) of \S+", "", error.hint))
    assert len(written) >= 2
    assert all(refused(text) is None for text in written)
    assert read_input_shape(written[-1]) == shape


@pytest.mark.parametrize("shape", AMBIGUOUS)
def test_files_and_options_refuse_the_same_shapes(shape: Shape, cnn: Run, write: Callable[..., Path]) -> None:
    plain, explicit = format_shape(shape), format_input_shape(shape)
    for written in (plain, f"[{', '.join(map(str, shape))}]", f"'{plain}'"):
        assert f"{plain} reads as" in str(refusal(network("relu", input=written)))
    assert graph("relu", input=explicit).inputs[0].shape == shape
    path = write(network("relu", input="1x9x9"))
    ended = cnn("summarize", path, "--input", plain)
    assert ended.code == 2
    assert f"--input {explicit}" in ended.err
    assert cnn("summarize", path, "--input", explicit).out.splitlines()[0].endswith(f"input {explicit}")


SPELLINGS = ("{0}x{1}x{2}", "{0} x {1} x {2}", "{0}X{1}X{2}", "{0}×{1}×{2}", "{0}*{1}*{2}", "{0} * {1} * {2}",
             "({0}, {1}, {2})", "({0},{1},{2})", "[{0}, {1}, {2}]", "{0},{1},{2}", "{0}, {1}, {2}", "{0}@{1}x{2}",
             "{0}@({1}, {2})", "{0}@{1}*{2}", "{0} by {1} by {2}")  # fmt: skip


@given(st.integers(1, 400), st.integers(5, 400), st.integers(5, 400), st.sampled_from(SPELLINGS))
@settings(max_examples=60, deadline=None)
def test_a_shape_may_be_spelled_in_many_ways(channels: int, height: int, width: int, spelling: str) -> None:
    written = spelling.format(channels, height, width)
    assert read_input_shape(written) == (channels, height, width)
    assert graph("relu", input=written).inputs[0].shape == (channels, height, width)


REFUSED_SHAPES = {
    "28*28*1": "channels come first: write 1x28x28",
    "(28, 28, 1)": "channels come first: write 1x28x28",
    "28x28x1": "channels come first: write 1x28x28",
    "(28, 28)": "write 1x28x28 for one channel",
    "1 28 28": "write 1x28x28",
    "RGB32x32": "write 3x32x32",
    "3x32x30.5": "write channels x height x width",
    "28x28@6": "write 6x28x28",
    "1x28x28px": "write 1x28x28",
    "1x28.0x28.0": "write 1x28x28",
    "28×28 gray": "write 1x28x28",
    "1x28²": "write 1x28x28",
    "３x３２x３２": "write 3x32x32",
    "1х28х28": "write 1x28x28",
    "(3, None, None)": "write 3xHxW",
    "Input(shape=(28, 28, 1))": "write 1x28x28",
    "input_shape=(32, 32, 3)": "write 3x32x32",
    "{1, 28, 27}": "write input: 1x28x27",
    "{channels: 3, height: 32, width: 30}": "write input: 3x32x30",
    "(None, 28, 28, 1)": "leave the batch out: write 1x28x28",
    "(None, 784)": "leave the batch out: write 784",
    "[null, 3, 32, 32]": "leave the batch out: write 3x32x32",
    "N x 3 x 32 x 32": "leave the batch out: write 3x32x32",
    "Bx3x32x32": "leave the batch out: write 3x32x32",
    "-1x3x32x32": "leave the batch out: write 3x32x32",
    "(batch_size, 3, 32, 32)": "leave the batch out: write 3x32x32",
    "NxCxHxW": "leave the batch out: write channels x height x width",
    "torch.Size([1, 28, 28])": "leave the batch out: write 1x28x28",
    "torch.Size([64, 1, 28, 28])": "leave the batch out: write 1x28x28",
}


@pytest.mark.parametrize("written", REFUSED_SHAPES)
def test_a_shape_that_is_not_one_is_answered_with_what_to_write(written: str) -> None:
    (problem,) = refusal(network("relu", input=written), symbolic_sizes=True).problems
    assert REFUSED_SHAPES[written] in problem.hint
    suggested = re.search(r"write (?:input: )?(\d[\dxHW]*)", problem.hint)
    assert suggested is None or read_input_shape(suggested[1])


@given(
    st.lists(
        st.sampled_from(["1", "3", "8", "28", "H", "W", "HH", "H1", "H-4", "2H", "[8]", "32k", "-1", ""]),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from("x,"),
)
@settings(max_examples=150, deadline=None)
def test_a_suggested_shape_keeps_every_axis_that_was_written(parts: list[str], sign: str) -> None:
    error = refused(sign.join(parts))
    suggested = re.search(r"(?<=write )[0-9][0-9xA-Z@]*$", error.hint) if error else None
    if suggested is None:
        return
    kept = sorted(str(size) for size in read_input_shape(suggested[0]))
    written = [part.strip("[]") for part in parts if part]
    assert all(part == "-1" or part in kept for part in written[1:]), (parts, suggested)
    assert len(kept) >= len(written) - (written[0] == "-1")


@pytest.mark.parametrize("written", ["1xHxHH", "1xH1xW", "3x2Hx2W", "3xH-4xW", "1x8xx8", "3x32x1/2"])
def test_no_shape_is_suggested_where_an_axis_is_unknown(written: str) -> None:
    error = refused(written)
    assert error is not None
    assert not re.match(r"write [0-9]", error.hint)


def test_a_bracket_around_a_size_and_a_sign_at_the_end_leave_the_other_axes() -> None:
    hints = [error.hint for error in map(refused, ["[1,[8],8]", "1x8x8x", "32x32 RGB"]) if error]
    assert hints == ["write 1x8x8", "add it, or write 1x8x8 without the last sign", "write 3x32x32"]


@pytest.mark.parametrize("shape", PLAIN)
def test_other_shapes_need_no_sign(shape: Shape) -> None:
    assert format_input_shape(shape) == format_shape(shape)
    assert graph("relu", input=format_shape(shape)).inputs[0].shape == shape


def test_the_hint_names_the_input_of_several(cnn: Run, write: Callable[..., Path]) -> None:
    path = write("inputs: {left: 1x9x9, right: 1x9x9}\nlayers: [add: [left, right]]\n")
    ended = cnn("summarize", path, "--input", "left=1x9x9", "--input", "right=9x9x1")
    assert ended.code == 2
    assert "write --input right=1x9x9, or --input right=9@9x1" in ended.err


def test_a_list_with_variables_can_be_explicit() -> None:
    above = "variables: {channels: 28, length: 28}\n"
    assert graph("relu", input="[$channels, [$length]]", above=above).inputs[0].shape == (28, 28)
    assert "28@28" in str(refusal(network("relu", input="[$channels, $length]", above=above)))


def test_open_sizes_can_be_explicit() -> None:
    opened = loaded(network("relu", input="32@HxW"), symbolic_sizes=True)
    assert format_input_shape(opened.graph.inputs[0].shape) == "32xHxW"
    assert "write 3x224xW, or 224@Wx3" in str(refusal(network("relu", input="224xWx3"), symbolic_sizes=True))


@pytest.mark.parametrize(
    ("shape", "example"),
    [("3xHxW", "3x224x224"), ("1xHxW", "1x28x28"), ("1xHx32", "1x32x32"), ("3xL", "3x224")],
)
def test_an_example_for_symbolic_sizes_keeps_the_others(shape: str, example: str) -> None:
    assert numeric_example(read_input_shape(shape)) == example


def test_shapes_of_layers_are_as_they_are_written() -> None:
    inferred = loaded(network("reshape: 32x32x3", "reshape: [32, 32, 3]", input="3x32x32")).inferred
    assert inferred.shape("reshape2") == (32, 32, 3)


def test_homework_about_channels_last_is_an_error_and_no_wrong_mark(cnn: Run, write: Callable[..., Path]) -> None:
    sheet = (
        "architecture:\n  input: {}\n  layers: [conv: {{filters: 10, kernel: 5, padding: 2, name: c1}}]\n"
        "answers: {{c1.params: 760}}\n"
    )
    ended = cnn("check", write(sheet.format("32x32x3")))
    assert ended.code == 2
    assert "channels come first: write 3x32x32" in ended.err
    assert cnn("check", write(sheet.format("3x32x32"))).code == 0
    assert cnn("check", write(sheet.format("3x32x32").replace("760", "761"))).code == 1


@given(st.sampled_from([*AMBIGUOUS, *PLAIN]), st.sampled_from(["1x9x9", "[1, 9, 9]", "'1x9x9'"]))
@thorough
def test_the_resolved_text_reads_back_with_the_given_input(shape: Shape, written: str) -> None:
    source = Source("net.yaml", network("relu", input=written))
    text = resolved_text(source, {}, {"": format_input_shape(shape)})
    assert text is not None
    assert loaded(text).graph.inputs[0].shape == shape


@pytest.mark.parametrize("shape", AMBIGUOUS)
@pytest.mark.parametrize("form", ["{}", "[{}]"])
def test_runs_of_earlier_versions_are_read_as_they_were_trained(
    shape: Shape, form: str, tmp_path: Path, cnn: Run
) -> None:
    plain = form.format((", " if "[" in form else "x").join(map(str, shape)))
    text = network("relu", input=plain)
    (tmp_path / "architecture.yaml").write_text(text, encoding="utf-8")
    channels = shape[0]
    record = {
        "name": "net",
        "dataset": "images:pictures",
        "task": "segmentation",  # whose output is a map, as this network's
        "classes": [str(at) for at in range(channels)],
        "normalisation": {"mean": [0] * channels, "std": [1] * channels},
    }
    (tmp_path / "run.json").write_text(json.dumps(record), encoding="utf-8")
    run = open_run(tmp_path)
    assert isinstance(run, RunFolder)
    assert isinstance(run.record, RunRecord)
    architecture = architecture_of(run)
    assert architecture.graph.inputs[0].shape == shape
    resolved = resolved_text(architecture.source, {}, {})
    assert resolved == text.replace(plain, format_input_shape(shape))
    assert cnn("summarize", tmp_path / "architecture.yaml").code == 2


@pytest.mark.parametrize("shape", [(28, 28), (32, 32, 3), (3, 32, 32), (9,), (6, 100)])
def test_the_input_that_data_ask_for_is_accepted_and_fits_them(shape: Shape) -> None:
    x = np.zeros((4, *shape), np.uint8)
    with pytest.raises(CnnError) as caught:
        shaped(Path("x.npz"), x, (2, 5, 5))
    wanted = read_input_shape(caught.value.problems[0].hint.removeprefix("set the input to "))
    assert shaped(Path("x.npz"), x, wanted).shape == (4, *wanted)


def test_data_refuse_and_print_inputs_as_files_do(cnn: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.zeros((10, 12, 12, 3), np.uint8), y=np.arange(10) % 2)
    spec = f"npz:{tmp_path / 'x.npz'}"
    assert "12x12x3 (input: 3x12x12)" in cnn("data", spec).out
    ended = cnn("data", spec, "--input", "12x12x3")
    assert ended.code == 2
    assert "write --input 3x12x12, or --input 12@12x3" in ended.err
    assert "12@12x3 ·" in cnn("data", spec, "--input", "12@12x3").out
    assert "3x12x12 ·" in cnn("data", spec, "--input", "3x12x12").out


def test_python_reads_inputs_as_the_command_line_does() -> None:
    with pytest.raises(CnnError, match="224 channels of 224x3"):
        load("resnet18", inputs={"": "224x224x3"})
    assert load("resnet18", inputs={"": "3@64x64"}).graph.inputs[0].shape == (3, 64, 64)


@given(st.lists(st.integers(1, 70), min_size=1, max_size=4).map(tuple))
def test_the_title_says_in_words_what_a_slide_may_mean_otherwise(shape: tuple[int, ...]) -> None:
    said = describe_input(shape)
    assert said.startswith(format_input_shape(shape))
    square_first = len(shape) == 3 and shape[0] == shape[1] > 4 and shape[2] not in (1, 3, 4, shape[0])
    assert ("channel" in said) == square_first
    if "channel" in said:
        assert f"({shape[0]} channel" in said and said.endswith(f"of {format_shape(shape[1:])})")


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (64, 3, 224, 224), (8, 1, 28, 28)])
def test_a_batch_of_images_is_answered_with_both_meanings(shape: Shape) -> None:
    error = refused(format_shape(shape))
    assert error is not None
    image, volume = format_shape(shape[1:]), f"{shape[0]}@{format_shape(shape[1:])}"
    assert f"leave the batch out: write {image} for a batch of images, or {volume} for" in error.hint
    assert probable_input(shape) == volume  # the shape of an example, which has no batch
    assert describe_input((3, 16, 112, 112)) == "3x16x112x112"
