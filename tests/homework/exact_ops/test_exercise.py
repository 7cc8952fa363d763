"""An exercise is what its texts say: sizes per axis, axes that are left out, flips, images, and what is refused."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.nn import functional

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.exercise import Exercise, ExerciseText, read_exercise
from cnncli.views.exact_ops.results import result_lines, result_record

some = settings(max_examples=20, deadline=None, derandomize=True, database=None)
X = "1 2 0 3 1; 0 1 2 2 4; 3 1 0 1 5; 2 2 1 0 6"
K = "1 0; -1 2"


def made(**fields: Any) -> Any:
    return read_exercise(ExerciseText(**{"input": X, "kernels": (K,), **fields}))


@some
@given(st.lists(st.integers(0, 4), min_size=1, max_size=3), st.sampled_from(["x", ",", ", ", " x ", "X"]))
def test_a_size_is_one_number_or_one_per_axis(numbers: list[int], between: str) -> None:
    text = between.join(map(str, numbers))
    pair = tuple(numbers * 2 if len(numbers) == 1 else numbers)
    for field in ("stride", "dilation", "padding"):
        if len(pair) != 2 or (0 in pair and field != "padding"):
            with pytest.raises(CnnError, match=r"not a size for 2 axes|not a padding|at least 1"):
                made(**{field: text})
            continue
        if field == "dilation" and pair[0] + 1 > 4:
            continue
        windows = made(**{field: text}).how.windows
        got = {"stride": "stride", "dilation": "dilation", "padding": "before"}[field]
        assert tuple(getattr(window, got) for window in windows) == pair
        assert all(window.before == window.after for window in windows)
    if len(pair) == 2 and 0 not in pair and pair[0] <= 4:
        pool = made(kernels=(text,), pool="max").how.windows
        assert tuple(window.kernel for window in pool) == tuple(window.stride for window in pool) == pair


def torch_conv(x: Any, k: Any, **how: Any) -> Any:
    return functional.conv2d(torch.tensor(x).double()[None], torch.tensor(k).double(), **how)[0].numpy()


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("transposed", [False, True])
def test_axes_that_are_left_out_are_of_size_1(flip: bool, transposed: bool) -> None:
    x, k = np.array([[*map(int, row.split())] for row in X.split(";")]), np.array([[1, 0], [-1, 2]])
    turned = k[::-1, ::-1].copy() if flip else k
    whole = torch.tensor(x).double()[None, None], torch.tensor(turned).double()[None, None]
    expected = (functional.conv_transpose2d if transposed else functional.conv2d)(*whole)[0].numpy()
    for one, other in (
        (X, K),
        (X, "[[[[1, 0], [-1, 2]]]]"),
        (f"[{x.tolist()}]", "[[[1, 0], [-1, 2]]]"),
        (X, "[[1,0],[-1,2]]"),
    ):
        found = made(input=one, kernels=(other,), flip=flip, transposed=transposed)
        assert np.array_equal(found.result().astype(float), expected), (one, other)
    row = made(input="1 2 3", kernels=("1; -1",), padding="1x0")  # a row with a kernel of columns is an image
    assert row.result().tolist() == [[[-1, -2, -3], [1, 2, 3]]]
    assert made(input="1 2 3; 4 5 6", kernels=("1 -1",)).result().tolist() == [[[-1, -1], [-1, -1]]]
    assert made(input="1 2 4", kernels=("1 -1",)).result().tolist() == [[-1, -2]]
    with pytest.raises(CnnError, match="differ in their number of axes"):
        made(kernels=("[[[[[1]]]]]",))


@some
@given(st.lists(st.integers(-5, 5), min_size=12, max_size=12))
def test_the_gradient_of_a_flipped_kernel_is_that_of_the_kernel_as_written(numbers: list[int]) -> None:
    upstream = torch.tensor(numbers).double().reshape(1, 1, 3, 4)
    text = "; ".join(" ".join(map(str, row)) for row in np.array(numbers).reshape(3, 4))
    for flip in (False, True):
        found = made(flip=flip)
        k = torch.tensor([[[[1.0, 0.0], [-1.0, 2.0]]]], dtype=torch.float64, requires_grad=True)
        x = torch.tensor(found.x.astype(float)).requires_grad_()
        functional.conv2d(x[None], k.flip(2, 3) if flip else k).backward(upstream)
        assert k.grad is not None and x.grad is not None
        gradients = found.gradients(found.read_upstream(text))
        assert np.array_equal(gradients.to_kernel.astype(float), k.grad.numpy())
        assert np.array_equal(gradients.to_input.astype(float), x.grad.numpy())
        assert gradients.to_bias.tolist() == [sum(numbers)]
    with pytest.raises(CnnError, match="must have the output's shape 1x3x4"):
        made().gradients(made().read_upstream("1 2; 3 4"))


def test_biases_are_one_row_with_one_number_per_filter() -> None:
    two = (K, "0 1; 1 0")
    for bias, expected in (((), (0, 0)), (("1, -2",), (1, -2)), (("1", "1/2"), (1, Fraction(1, 2)))):
        found = made(kernels=two, bias=bias)
        assert found.bias == expected
        plain = made(kernels=two).result()
        assert (found.result() == plain + np.array(expected, dtype=object)[:, None, None]).all()
    for wrong, said in ((("1",), "1 bias for 2 filters"), (("1 2 3",), "3 biases for 2"), (("1; 2",), "one row")):
        with pytest.raises(CnnError, match=said):
            made(kernels=two, bias=wrong)


def test_an_image_is_filtered_channel_by_channel_or_by_all_channels(tmp_path: Path) -> None:
    pixels = (np.arange(60).reshape(4, 5, 3) * 4).astype(np.uint8)
    for name, image, channels in (
        ("color.png", Image.fromarray(pixels), 3),
        ("gray.png", Image.fromarray(pixels[..., 0]), 1),
    ):
        image.save(tmp_path / name)
        x = pixels.transpose(2, 0, 1)[:channels]
        by_itself = made(input=str(tmp_path / name)).result()
        expected = np.concatenate([torch_conv(one[None], [[[[1, 0], [-1, 2]]]]) for one in x])
        assert by_itself.shape == (channels, 3, 4) and np.array_equal(by_itself, expected)
        kernel = " | ".join([K] * channels)
        if channels > 1:
            assert np.array_equal(made(input=str(tmp_path / name), kernels=(kernel,)).result()[0], expected.sum(0))


TRANSPOSED: dict[str, Any] = {"transposed": True}
MORE: dict[str, Any] = {"transposed": True, "output_padding": 1}
AVERAGE: dict[str, Any] = {"pool": "avg", "kernels": ("2",)}
WITHOUT: dict[str, Any] = {**AVERAGE, "count_include_pad": False}
WEIGHTS = {"filter": "sobel_x", "flip": True, "bias": ("1",), "transposed": True, "output_padding": 1}
RULES: list[tuple[dict[str, Any], str]] = [  # fields, what is said; nothing for what is accepted
    ({"kernels": ()}, "missing kernel"),
    ({"filter": "box_blur"}, "both a kernel and a named filter"),
    ({"filter": "box_blur", "kernels": ()}, ""),
    ({"kernels": (K, "1")}, "different shapes: 2x2 and 1"),
    ({"kernels": ("1 0 | 0 1",)}, "the kernel has 2 channels, but the input has 1"),
    ({"kernels": ("1 0 0 0 0",)}, ""),
    ({"kernels": ("1 0 0 0 0 0",)}, "does not fit"),
    ({"bias": ("sqrt(2)",)}, "irrational"),
    ({"padding": "same"}, ""),
    ({"padding": "wide"}, "not a padding"),
    ({"padding_mode": "reflect", "padding": "3"}, ""),
    ({"padding_mode": "reflect", "padding": "4"}, "cannot be padded"),
    ({"count_include_pad": False}, "for average pooling"),
    ({"output_padding": 1}, "is for transposed"),
    (MORE, "must be less than"),
    ({**MORE, "stride": "2x1"}, "must be less than"),
    ({**MORE, "stride": "2"}, ""),
    ({**MORE, "dilation": "2"}, ""),
    ({**MORE, "stride": "2", "output_padding": 2}, "must be less than"),
    ({**TRANSPOSED, "padding_mode": "reflect"}, "no border to fill"),
    ({**TRANSPOSED, "padding": "same"}, "numeric padding"),
    ({**TRANSPOSED, "padding": "2"}, ""),
    ({**TRANSPOSED, "padding": "3"}, "removes all of the output"),
    *(({**AVERAGE, name: value}, "a pool has no weights") for name, value in WEIGHTS.items()),
    ({**AVERAGE, "kernels": ()}, "missing kernel size"),
    ({**AVERAGE, "kernels": ("2", "2")}, "missing kernel size"),
    ({**AVERAGE, "pool": "min"}, "unknown pool 'min'"),
    ({**AVERAGE, "pool": "l2"}, ""),
    ({**AVERAGE, "padding_mode": "partial"}, "partial padding is for convolutions"),
    (WITHOUT, "no effect without padding"),
    ({**WITHOUT, "padding": "1"}, ""),
    ({**WITHOUT, "padding": "1", "padding_mode": "reflect"}, "for zero padding"),
    ({**WITHOUT, "padding": "1", "pool": "max"}, "for average pooling"),
]


@pytest.mark.parametrize(("fields", "said"), RULES, ids=str)
def test_fields_that_do_not_go_together_are_refused(fields: dict[str, Any], said: str) -> None:
    if not said:
        assert made(**fields).result().size
        return
    with pytest.raises(CnnError, match=re.escape(said)):
        made(**fields)


@some
@given(st.data(), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2))
def test_channels_of_one_row_each_are_one_dimensional(
    data: st.DataObject, channels: int, filters: int, padding: int, stride: int
) -> None:
    small = st.integers(-4, 4)
    x = np.array(data.draw(st.lists(small, min_size=channels * 4, max_size=channels * 4))).reshape(channels, 4)
    size = filters * channels * 2
    kernel = np.array(data.draw(st.lists(small, min_size=size, max_size=size))).reshape(filters, channels, 2)

    def rows(array: Any) -> str:
        return " | ".join(" ".join(map(str, row)) for row in array)

    exercise = made(input=rows(x), kernels=(" || ".join(map(rows, kernel)),), padding=str(padding), stride=str(stride))
    given, weight = torch.tensor(x).double().requires_grad_(), torch.tensor(kernel).double()
    expected = functional.conv1d(given, weight, padding=padding, stride=stride)
    assert exercise.result().tolist() == expected.tolist()
    pooled = made(input=rows(x), kernels=("2",), pool="max", padding=str(padding % 2), padding_mode="replicate")
    assert pooled.result().ndim == 2
    upstream = torch.arange(1, expected.numel() + 1).double().reshape(expected.shape)
    expected.backward(upstream)
    found = exercise.gradients(exercise.read_upstream(rows(upstream.int().tolist())))
    assert found.to_input.tolist() == given.grad.tolist()


@pytest.mark.parametrize(
    ("x", "kernel", "rank"),
    [
        ("1 2 3 | 4 5 6", "1 1 | 1 1", 1),
        ("[1 2 3] | [4 5 6]", "(-1) 1 | 1 1", 1),
        ("[[1, 2, 3]] | [[4, 5, 6]]", "1 1 | 1 1", 2),
        ("1 2 3 | 4 5 6", "[[1, 1]] | [[1, 1]]", 2),
        ("1 2 3 | 4 5 6", "1; 1 | 1; 1", 2),
        ("1 2; 3 4 | 5 6; 7 8", "1 1 | 1 1", 2),
        ("a b c | d e f", "u v | w x", 1),
    ],
)
def test_a_matrix_or_nested_brackets_make_channels_two_dimensional(x: str, kernel: str, rank: int) -> None:
    exercise = read_exercise(ExerciseText(x, (kernel,), padding="1"), letters=True)
    assert exercise.x.ndim - 1 == exercise.result().ndim - 1 == rank


@pytest.mark.parametrize(
    ("name", "text"),
    [("l.txt", "a b c | d e f"), ("l.csv", "a,b\nc,d"), ("l.yaml", "a b c | d e f")],
)
def test_a_text_file_is_read_as_its_text_also_with_letters(tmp_path: Path, name: str, text: str) -> None:
    path, kernel = tmp_path / name, "u v" if name == "l.csv" else "u v | w x"
    path.write_text(text)
    expected = read_exercise(ExerciseText(text, (kernel,), padding="1"), letters=True)
    found = read_exercise(ExerciseText(str(path), (kernel,), padding="1"), letters=True)
    assert found.result().tolist() == expected.result().tolist()
    with pytest.raises(CnnError, match="is not a number"):
        read_exercise(ExerciseText(str(path), (kernel,)))


@pytest.mark.parametrize("steps", [False, True])
@pytest.mark.parametrize("form", [result_lines, result_record])
def test_a_result_that_is_too_long_is_refused_before_it_is_calculated(
    monkeypatch: pytest.MonkeyPatch, form: Any, steps: bool
) -> None:
    exercise = made(padding="400")
    monkeypatch.setattr(Exercise, "result", lambda _: pytest.fail("it was calculated"))
    monkeypatch.setattr(Exercise, "steps", lambda _: pytest.fail("it was calculated"))
    if form is result_record and not steps:
        return  # JSON has no limit
    with pytest.raises(CnnError, match=r"645,612 values: more than 100,000|more than 10,000 windows"):
        form(exercise, steps=steps)


@pytest.mark.parametrize(
    "fields",
    [
        {"padding": "2", "stride": "2x1"},
        {"kernels": ("1 0; 0 1", "1 1; 1 1"), "padding": "full"},
        {"kernels": ("2x3",), "pool": "max", "stride": "1"},
        {"transposed": True, "stride": "2", "output_padding": 1, "padding": "1"},
        {"input": "1 2 3 | 4 5 6", "kernels": ("1 | 2", "3 | 4"), "padding": "1"},
    ],
)
def test_the_shape_of_a_result_is_known_without_it(fields: dict[str, Any]) -> None:
    exercise = made(**fields)
    assert exercise.output_shape == exercise.result().shape
