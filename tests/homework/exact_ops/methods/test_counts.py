"""The counted operations are those that each method carries out."""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil, log2, prod

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
@given(
    c=st.integers(1, 3), f=st.integers(1, 3), k=st.integers(1, 4), h=st.integers(4, 9), w=st.integers(4, 9),
    stride=st.integers(1, 2), padding=st.integers(0, 1), row=st.booleans(),
)  # fmt: skip
def test_operations_follow_the_formulas_of_each_method(
    c: int, f: int, k: int, h: int, w: int, stride: int, padding: int, row: bool
) -> None:
    draws = np.random.default_rng(c + 7 * f + 31 * h)
    sizes, kernel = ((w,), (k,)) if row else ((h, w), (k, k))
    c = 1 if row else c
    x, weight = draws.integers(1, 9, (c, *sizes)), draws.integers(1, 9, (f, c, *kernel))
    texts = (str((x[0] if row else x).tolist()), tuple(str((one[0] if row else one).tolist()) for one in weight))
    made = read_exercise(ExerciseText(*texts, stride=str(stride), padding=str(padding)))
    whole, taps = [size + 2 * padding for size in sizes], prod(kernel)
    outputs = [(size - k) // stride + 1 for size in whole]
    places = prod(outputs)
    assert counted(made, "direct") == counted(made, "im2col") == (f * places * c * taps, f * places * (c * taps - 1))
    transform = prod(2 ** ceil(log2(size + k - 1)) for size in whole)
    transforms, log = c + f * c + f, round(log2(transform))
    products = (
        transforms * transform * log // 2 + f * c * transform
    )  # of complex numbers: 4 multiplications, 2 additions
    sums = transforms * transform * log + f * (c - 1) * transform
    assert counted(made, "FFT") == (4 * products, 2 * products + 2 * sums)
    winograd = [one for one in counts(made) if "Winograd" in one.method]
    assert bool(winograd) == (stride == 1 and k > 1)
    for one in winograd:
        tiles, per_tile = prod(ceil(size / 2) for size in outputs), (k + 1) ** len(kernel)
        assert one.multiplications == f * c * tiles * per_tile and (one.additions is None) == (k != 3)
        if k == 3:
            data, inverse = (4, 4) if row else (32, 24)
            assert one.additions == tiles * (c * data + f * inverse + f * (c - 1) * per_tile)
    for method in counts(made):
        for formula in method.formulas:
            for written, value in re.findall(r"(?:= |columns |rows )((?:[\d*() +/-]|\^)+) = ([\d,]+)", formula):
                assert eval(written.replace("^", "**")) == int(value.replace(",", "")), formula


def test_a_depthwise_convolution_reads_one_channel_per_filter() -> None:
    own = ("1 2; 3 4 | 0 0; 0 0", "0 0; 0 0 | 5 6; 7 8")
    x = "1 2 3; 4 5 6; 7 8 9 | 1 1 1; 2 2 2; 3 3 3"
    assert counted(read_exercise(ExerciseText(x, own)), "direct") == (2 * 4 * 4, 2 * 4 * 3)
    for other in (("1 2; 3 4 | 0 0; 0 1", own[1]), (own[0],), (*own, own[1])):
        made = read_exercise(ExerciseText(x, other))
        assert counted(made, "direct") == (len(other) * 4 * 8, len(other) * 4 * 7)
    assert "for each channel as (1x4)" in counts(read_exercise(ExerciseText(x, own)))[1].formulas[0]


@some
@given(vectors, vectors)
def test_an_outer_product_is_found_and_gives_the_kernel_back(column: list[Fraction], row: list[Fraction]) -> None:
    matrix = np.outer(np.array(column, dtype=object), np.array(row, dtype=object))
    found = outer_product(matrix)
    assert found is not None
    again = np.outer(np.array(found.column, dtype=object), np.array(found.row, dtype=object)) * found.scale
    assert np.array_equal(again, matrix)
    assert np.gcd.reduce(found.column) == np.gcd.reduce(found.row) == 1 and found.scale > 0


def test_an_outer_product_of_long_fractions_stays_exact() -> None:
    long = Fraction(10**20 + 1, 3 * 10**20)  # as a float it is 1/3
    found = outer_product(np.array([[long, 1], [2 * long, 2]], dtype=object))
    assert found is not None and found.scale * found.column[0] * found.row[0] == long


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
