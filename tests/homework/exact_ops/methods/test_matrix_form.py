"""The matrix of a convolution times its input is its output, as numpy multiplies them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from cnncli.errors import CnnError
from cnncli.homework.exact_ops.exercise import Exercise, ExerciseText, read_exercise
from cnncli.homework.exact_ops.methods.matrix_form import im2col, kernel_rows, toeplitz

some = settings(max_examples=12, deadline=None, derandomize=True, database=None)


@st.composite
def exercises(draw: st.DrawFn) -> Exercise:
    rank, channels, filters = draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    values = st.integers(-3, 3)

    def matrix(sizes: list[int]) -> str:
        return "; ".join(
            " ".join(str(draw(values)) for _ in range(sizes[-1])) for _ in range(sizes[0] if rank > 1 else 1)
        )

    sizes, kernel = [draw(st.integers(3, 5)) for _ in range(rank)], [draw(st.integers(2, 3)) for _ in range(rank)]
    assume(rank > 1 or channels == filters == 1)
    text = ExerciseText(
        " | ".join(matrix(sizes) for _ in range(channels)),
        tuple(" | ".join(matrix(kernel) for _ in range(channels)) for _ in range(filters)),
        stride=str(draw(st.integers(1, 2))),
        padding=str(draw(st.integers(0, 1))),
        dilation=str(draw(st.integers(1, 2))),
        bias=(" ".join(str(draw(values)) for _ in range(filters)),),
        flip=draw(st.booleans()),
        transposed=draw(st.booleans()),
    )
    mode = "zeros" if text.transposed else draw(st.sampled_from(["zeros", "circular", "reflect", "replicate"]))
    try:
        return read_exercise(text._replace(padding_mode=mode))
    except CnnError:
        assume(False)
        raise


@some
@given(exercises())
def test_the_toeplitz_matrix_times_the_input_is_the_output(exercise: Exercise) -> None:
    output = exercise.result()
    bias = np.repeat(np.array(exercise.bias, dtype=object), output.size // len(output))
    assert np.array_equal(toeplitz(exercise) @ exercise.x.reshape(-1) + bias, output.reshape(-1))


@some
@given(exercises())
def test_the_kernels_times_the_patches_are_the_output(exercise: Exercise) -> None:
    assume(not exercise.transposed)
    output, patches = exercise.result(), im2col(exercise)
    product = kernel_rows(exercise) @ patches + np.array(exercise.bias, dtype=object)[:, None]
    assert np.array_equal(product, output.reshape(len(output), -1))
    windows = exercise.how.windows
    if len(windows) == 2 and exercise.how.mode == "zeros":
        x = torch.tensor(exercise.x.astype(float))[None]
        numbers = ([w.kernel for w in windows], [w.dilation for w in windows], [w.before for w in windows])
        unfolded = functional.unfold(x, *numbers, [w.stride for w in windows])
        assert np.array_equal(patches.astype(float), unfolded[0].numpy())


def test_the_matrix_of_a_transposed_convolution_is_the_transpose() -> None:
    how = {"stride": "2", "padding": "1"}
    there = read_exercise(ExerciseText("1 2 3 4 5; 1 2 3 4 5; 1 2 3 4 5", ("1 2 3; 4 5 6; 7 8 9",), **how))
    back = read_exercise(ExerciseText("1 2 3; 4 5 6", ("1 2 3; 4 5 6; 7 8 9",), transposed=True, **how))
    assert np.array_equal(toeplitz(there).T, toeplitz(back))


def test_at_stride_1_every_diagonal_of_every_block_is_constant() -> None:
    matrix = toeplitz(read_exercise(ExerciseText("1 2 3 4; 5 6 7 8; 9 1 2 3", ("1 2; 3 4",))))
    blocks = matrix.reshape(2, 3, 3, 4).swapaxes(1, 2)
    assert np.array_equal(blocks[0, 0], blocks[1, 1]) and np.array_equal(blocks[0, 1], blocks[1, 2])
    assert all(len({*np.diagonal(block, offset)}) == 1 for row in blocks for block in row for offset in range(-2, 4))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (ExerciseText("1 2; 3 4", ("1",), padding="1", padding_mode="partial"), "partial"),
        (ExerciseText("[" + ", ".join(["1"] * 2000) + "]", ("1",)), "more than 1,000,000 entries"),
    ],
)
def test_what_has_no_matrix_is_refused(text: ExerciseText, problem: str) -> None:
    with pytest.raises(CnnError, match=problem):
        toeplitz(read_exercise(text))
