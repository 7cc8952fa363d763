"""The counted operations are those that each method carries out."""

from __future__ import annotations

from fractions import Fraction
from math import log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.homework.exact_ops import matrices
from cnncli.homework.exact_ops.exercise import Exercise, ExerciseText, read_exercise
from cnncli.homework.exact_ops.filters import FILTERS
from cnncli.homework.exact_ops.methods.counts import counts, separated
from cnncli.homework.exact_ops.methods.separable import outer_product

some = settings(max_examples=12, deadline=None, derandomize=True, database=None)
vectors = st.lists(st.fractions(-3, 3, max_denominator=4), min_size=2, max_size=4).filter(any)


class Counted(int):
    """A number that counts the multiplications and additions of its kind."""

    multiplications = additions = 0

    def __mul__(self, other: int) -> Counted:
        Counted.multiplications += 1
        return Counted(int(self) * int(other))

    def __add__(self, other: int) -> Counted:
        Counted.additions += 1
        return Counted(int(self) + int(other))


def total(terms: list[Counted]) -> Counted:
    found = terms[0]
    for term in terms[1:]:
        found = found + term
    return found


def exercise(kernel: str, channels: int = 1, filters: int = 1, stride: str = "1") -> Exercise:
    image = " | ".join(["1 2 3 4 5 6; 2 3 4 5 6 7; 3 4 5 6 7 8; 1 1 1 2 2 2; 5 4 3 2 1 0"] * channels)
    return read_exercise(ExerciseText(image, (" | ".join([kernel] * channels),) * filters, stride=stride))


def counted(exercise: Exercise, method: str) -> tuple[int, int | None]:
    (found,) = [one for one in counts(exercise) if one.method.startswith(method)]
    return found.multiplications, found.additions


@pytest.mark.parametrize("stride", [1, 2])
def test_the_direct_and_the_separable_method_are_counted_as_they_compute(stride: int) -> None:
    made = exercise("1 2 1; 2 4 2; 1 2 1", channels=2, filters=2, stride=str(stride))
    rows, columns = range(0, 3, stride), range(0, 4, stride)
    Counted.multiplications = Counted.additions = 0
    x = [[[Counted(value) for value in row] for row in channel] for channel in made.x]
    for _ in range(2):
        for r in rows:
            for c in columns:
                total([x[d][r + i][c + j] * 1 for d in range(2) for i in range(3) for j in range(3)])
    assert counted(made, "direct") == counted(made, "im2col") == (Counted.multiplications, Counted.additions)
    Counted.multiplications = Counted.additions = 0
    used = sorted({c + j for c in columns for j in range(3)})
    for _ in range(2):
        maps = []
        for d in range(2):
            high = [{at: total([x[d][r + i][at] * 1 for i in range(3)]) for at in used} for r in rows]
            maps.append([total([row[c + j] * 1 for j in range(3)]) for row in high for c in columns])
        for values in zip(*maps, strict=True):
            total([*values])
    assert counted(made, "separable") == (Counted.multiplications, Counted.additions)


def test_winograd_takes_2_25_times_fewer_multiplications_than_3x3() -> None:
    made = read_exercise(ExerciseText("; ".join(["1 2 3 4 5 6"] * 6), ("1 2 3; 4 5 6; 7 8 9",)))
    direct, winograd = counted(made, "direct"), counted(made, "Winograd F(2x2, 3x3)")
    assert direct[0] / winograd[0] == 2.25 and winograd == (4 * 16, 4 * (32 + 24))
    (one_d,) = [one for one in counts(read_exercise(ExerciseText("1 2 3 4", ("1 2 3",)))) if "Winograd" in one.method]
    assert (one_d.method, one_d.multiplications, one_d.additions) == ("Winograd F(2, 3)", 4, 8)  # section 4.1


def test_winograd_is_for_stride_and_dilation_1() -> None:
    assert not [one for one in counts(exercise("1 2 1; 2 4 2; 1 2 1", stride="2")) if "Winograd" in one.method]


def test_the_fft_has_three_kinds_of_transforms_of_at_least_n_plus_k_minus_1_values() -> None:
    (fft,) = [one for one in counts(exercise("1 2; 3 4", channels=3, filters=2)) if one.method.startswith("FFT")]
    size = 8 * 8  # 5 + 2 - 1 and 6 + 2 - 1 values
    assert fft.method == "FFT 8x8"
    assert fft.multiplications == 4 * ((3 + 6 + 2) * size / 2 * log2(size) + 6 * size)


@some
@given(vectors, vectors)
def test_an_outer_product_is_found_and_gives_the_kernel_back(column: list[Fraction], row: list[Fraction]) -> None:
    matrix = np.outer(np.array(column, dtype=object), np.array(row, dtype=object))
    found = outer_product(matrix)
    assert found is not None
    again = np.outer(np.array(found.column, dtype=object), np.array(found.row, dtype=object)) * found.scale
    assert np.array_equal(again, matrix)
    assert np.gcd.reduce(found.column) == np.gcd.reduce(found.row) == 1 and found.scale > 0


@some
@given(st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), min_size=3, max_size=3))
def test_a_kernel_is_separable_exactly_where_its_rank_is_1(rows: list[list[int]]) -> None:
    found = outer_product(np.array(rows, dtype=object))
    assert (found is not None) == (np.linalg.matrix_rank(np.array(rows)) == 1)


@pytest.mark.parametrize(
    ("name", "text"),
    [("gaussian", "1/16 * (1 2 1)^T (1 2 1)"), ("sobel_x", "(1 2 1)^T (-1 0 1)"),
     ("box_blur", "1/9 * (1 1 1)^T (1 1 1)"),
     ("sobel_y", "(1 0 -1)^T (-1 -2 -1)"), ("laplacian", "")],
)  # fmt: skip
@pytest.mark.parametrize("number", [Fraction, float])
def test_classic_kernels_are_written_as_outer_products(name: str, text: str, number: type) -> None:
    found = outer_product(np.array([[number(value) for value in row] for row in FILTERS[name]], dtype=object))
    assert (found.text if found else "") == text


def test_letters_are_not_separated() -> None:
    made = read_exercise(ExerciseText("a b; c d", ("a a; a a",)), letters=True)
    assert separated(made) == [] and counts(made)[0].multiplications == 4
    assert matrices.shown(made.result()[0, 0, 0])
