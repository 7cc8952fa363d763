"""One reader of matrices: every spelling of a matrix is that matrix, and what can be read in two ways is refused."""

from __future__ import annotations

import io
import json
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from program import SHARED, Run
from torch.nn import functional

from cnncli.errors import INTERNAL_ERROR, CnnError
from cnncli.homework.answer_key.convolution_answers import convolve_answer
from cnncli.homework.answer_key.sheet import Question
from cnncli.homework.checking.answer_comparison import compare
from cnncli.homework.exact_ops import matrices
from cnncli.homework.exact_ops.exercise import ExerciseText, read_exercise
from cnncli.homework.exact_ops.numbers import number
from cnncli.io.files import IMAGE_FORMATS

by = settings(deadline=None, max_examples=40, derandomize=True, database=None)
whole = st.integers(-99, 99)
exact = st.one_of(whole, st.fractions(min_value=-9, max_value=9, max_denominator=12))
Values = list[list[Fraction | int]]


@st.composite
def rows_of(draw: st.DrawFn, values: st.SearchStrategy[object] = exact, least: int = 1) -> Values:
    height, width = draw(st.integers(least, 4)), draw(st.integers(least, 4))
    row = st.lists(values, min_size=width, max_size=width)
    return draw(st.lists(row, min_size=height, max_size=height))


def as_written(value: object) -> str:
    return str(value)


def as_fraction(value: object) -> str:
    if not isinstance(value, Fraction) or value.denominator == 1:
        return str(value)
    sign = "-" if value < 0 else ""
    return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def joined(rows: Values, entry: str, row: str) -> str:
    return row.join(entry.join(map(str, line)) for line in rows)


def latex(rows: Values, around: str) -> str:
    body = " \\\\\n".join(" & ".join(map(as_fraction, row)) for row in rows)
    return (
        f"\\begin{{{around}}}{'{' + 'c' * len(rows[0]) + '}' if around == 'array' else ''}\n{body}\n\\end{{{around}}}"
    )


def nested(rows: Values, opened: str, closed: str, gap: str = ", ") -> str:
    comma = "," if opened == "(" and "," in gap else ""  # (1,) is a tuple of one, (1) is 1
    lines = [f"{opened}{gap.join(map(str, row))}{comma}{closed}" for row in rows]
    return f"{opened}{gap.join(lines)}{comma}{closed}"


ENTRIES = (" ", "  ", "\t", ",", ", ", " , ", " & ", "&", "\u00a0")
ROWS = (";", "; ", "\n", ";\n", "\r\n", " \\\\ ", "\\\\\n", " \\ ", ",\n")


@by
@given(rows_of(least=2), st.sampled_from(ENTRIES), st.sampled_from(ROWS), st.sampled_from(["", ";", "\n", " ;\n"]))
def test_separated_rows_are_the_matrix_whatever_separates_them(rows: Values, entry: str, row: str, end: str) -> None:
    text = joined(rows, entry, row) + end
    for spelled in (text, f"[{text}]" if row != ",\n" else text, text.replace("-", "\u2212"), f"\n {text}"):
        assert np.array_equal(matrices.read(spelled), np.array(rows, dtype=object)), spelled


@by
@given(rows_of(), st.sampled_from(["matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "smallmatrix", "array"]))
def test_latex_is_the_matrix(rows: Values, around: str) -> None:
    text = latex(rows, around)
    for spelled in (text, f"$${text}$$", rf"\[{text}\]", rf"\left( {text} \right)", text.replace("\\\\", "\\")):
        found = matrices.read(spelled)
        assert np.array_equal(found.reshape(-1), np.array(rows, dtype=object).reshape(-1))
        assert found.shape == (np.shape(rows) if len(rows) > 1 else np.shape(rows)[1:])


@by
@given(rows_of(), st.sampled_from([("[", "]"), ("(", ")"), ("{", "}")]), st.sampled_from([", ", ",", ",\n  "]))
def test_nested_brackets_are_the_matrix(rows: Values, brackets: tuple[str, str], gap: str) -> None:
    text = nested(rows, *brackets, gap)
    for spelled in (text, f"np.array({text})", f"array({text}, dtype=object)", f"tensor({text}, device='cuda:0')"):
        assert np.array_equal(matrices.read(spelled), np.array(rows, dtype=object))


@by
@given(rows_of(whole), st.integers(1, 3))
def test_what_numpy_torch_and_json_print_is_the_array(rows: Values, channels: int) -> None:
    array = np.array([rows] * channels) if channels > 1 else np.array(rows)
    texts = [str(array), repr(array), str(array.astype(float)), str(torch.tensor(array)), str(array.tolist())]
    texts += [repr(torch.tensor(array, dtype=torch.float64, requires_grad=True)), json.dumps(array.tolist(), indent=2)]
    for text in texts:
        assert np.array_equal(matrices.read(text), array), text


@by
@given(
    rows_of(), st.integers(2, 3), st.sampled_from(ENTRIES), st.sampled_from(["\n", ";\n", " \\\\\n", "\r\n"]),
    st.sampled_from(["", " \t"]), st.booleans(),
)  # fmt: skip
def test_blocks_of_rows_that_an_empty_line_sets_apart_are_refused(
    rows: Values, blocks: int, entry: str, row: str, within: str, bracketed: bool
) -> None:
    block = row.join(f"[{entry.join(map(str, line))}]" if bracketed else entry.join(map(str, line)) for line in rows)
    text = f"{row}{within}\n".join([block] * blocks)
    for spelled in (text, f"\n{text}\n\n", f"[{text}]" if not bracketed else text):
        with pytest.raises(CnnError) as caught:
            matrices.read(spelled)
        assert "an empty line may separate channels, or mean nothing" in str(caught.value)
        assert caught.value.problems[0].hint == "write | between channels, or remove the empty line"
    assert np.array_equal(matrices.read(f"\n \n{block}\n\n"), matrices.read(block))


@by
@given(rows_of(), st.permutations(range(3)), st.sampled_from(["|", " | ", "\n|\n", ";|"]))
def test_channels_are_set_apart_by_a_bar(rows: Values, factors: list[int], bar: str) -> None:
    channels = [[[factor * value for value in row] for row in rows] for factor in factors]
    for texts in ([joined(rows, " ", "; ") for rows in channels], [nested(rows, "[", "]") for rows in channels]):
        assert np.array_equal(matrices.read(bar.join(texts)), np.array(channels, dtype=object))


@by
@given(rows_of(least=2))
def test_what_is_printed_is_read_back(rows: Values) -> None:
    array = np.array(rows, dtype=object)
    shown = [[number(matrices.shown(value)) for value in row] for row in rows]
    assert np.array_equal(matrices.read("\n".join(matrices.lines(array))), np.array(shown, dtype=object))


@by
@given(rows_of(whole, least=2), st.sampled_from([", ", " & ", " , "]))
def test_two_separators_in_one_row_are_refused_with_both_ways_to_write_it(rows: Values, between: str) -> None:
    text = between.join(" ".join(map(str, row)) for row in rows)
    with pytest.raises(CnnError, match="ambiguous") as caught:
        matrices.read(text)
    hint = caught.value.problems[0].hint
    if "…" not in hint:
        as_rows, as_one = hint.removeprefix("write ").removesuffix(" for one row").split(" for rows, or ")
        assert np.array_equal(matrices.read(as_rows), np.array(rows, dtype=object))
        assert np.array_equal(matrices.read(as_one), np.array(rows, dtype=object).reshape(-1))


@by
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=5))
def test_decimal_commas_are_refused_with_both_ways_to_write_them(pairs: list[tuple[int, int]]) -> None:
    with pytest.raises(CnnError, match="decimal commas") as caught:
        matrices.read(" ".join(f"{a},{b}" for a, b in pairs))
    assert " ".join(f"{a}.{b}" for a, b in pairs) in caught.value.problems[0].hint


@by
@given(st.text(st.sampled_from("0123456789.-+/eE ,;&|\\[](){}\n\t$~√\u2212xqart\u0663_\x1b\u202e"), max_size=40))
def test_any_text_is_an_array_of_numbers_or_refused(text: str) -> None:
    try:
        array = matrices.read(text)
    except CnnError as error:
        assert error.exit_code == 2
        assert not any(ord(char) < 32 and char != "\n" for char in str(error))
    else:
        assert array.dtype == object and array.size > 0
        assert all(isinstance(value, int | Fraction) or value.startswith("sqrt(") for value in array.reshape(-1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 2; 3", "row 1 has 2, row 2 has 1"), ("1,,2", "an empty row or entry, at ,,"),
        ("1;;2", "an empty row or entry, at ;;"), ("; 1 2", "nothing before ;"),
        ("| 1", "nothing before |"),
        ("1 || 2", "an empty channel, at ||"), ("1_6 2", "'1_6' is not a number"), ("\u0661 2", "is not a number"),
        ("1 - 2", "'-' is not a number"), ("[1 2", "[ is not closed"), ("1 2]", "] without ["),
        ("[1 2)", ") without ("), ("[]", "nothing between [ and ]"), ("  ", "the matrix is empty"),
        (";", "';' does not contain a number"),
        ("[[1, 2], 3]", "numbers and brackets side by side"), ("1,000 2", "decimal commas"),
        ("1,000", "1,000 may be one number or two"),
        ("[[1,2],[3,4];[5,6],[7,8]]", "different separators between lists"),
        ("[[1 2\n3 4]]", "a line ends inside a row"), (r"\alpha & 2", r"\alpha is not supported"),
        (r"2\frac{1}{2} 1", r"\frac is not supported"), ("[[[[[[1]]]]]]", "more than 5 nested brackets"),
        ("[1 2; 3 4] [1 2; 3 4]", "two matrices side by side"), ("1/9 [1 1; 1 1]", "side by side"),
        ("1/0", "divides by zero"), ("nan 1", "'nan' is not a number"), ("1 ... 2", "'...' is not a number"),
        ("A = [0 1 2; 3 4 5]", "remove the name: [0 1 2; 3 4 5]"), ("A=1 2", "remove the name: 1 2"),
        (r"$x' = \begin{pmatrix} 1 \end{pmatrix}$", "x' = is not part of a matrix"),
        ("x1=0 y1=0 x2=4 y2=4", "remove the name: 0 0 4 4"),
        ("\x08egin{pmatrix} 1", "contains the control character"), ("[1][2]", "missing separator next to a bracket"),
    ],
)  # fmt: skip
def test_an_invalid_matrix_raises_an_error_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(CnnError) as caught:
        matrices.read(text)
    assert said in str(caught.value)


# Files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".yaml", "[[1, 2], [3, -4]]"), (".yaml", "- [1, 2]\n- [3, -4]\n"), (".yaml", "- 1 2\n- 3 -4\n"),
        (".yml", "|\n  1 2\n  3 -4\n"), (".yaml", "1 2; 3 -4"), (".json", "[[1, 2],\n [3, -4]]"),
        (".csv", "1,2\n3,-4\n"), (".csv", "\ufeff1;2\n3;\u22124\n"), (".csv", "1, 2,\n3, -4,\n"),
        (".tsv", "1\t2\n3\t-4\n"),
        (".txt", "\n\n1 2\n3 -4\n\n \n"), (".tex", "\\[\\begin{bmatrix}\n1 & 2\\\\\n3 & -4\n\\end{bmatrix}\\]\n"),
    ],
)  # fmt: skip
def test_files_of_text_are_read_by_the_same_reader(tmp_path: Path, suffix: str, content: str) -> None:
    path = tmp_path / f"matrix{suffix}"
    path.write_text(content, encoding="utf-8")
    assert matrices.read(str(path)).tolist() == [[1, 2], [3, -4]]


def saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "f2", "i1", "u8", ">i4", "?"])
@pytest.mark.parametrize("by_columns", [False, True])
def test_arrays_of_numpy_are_read_as_they_were_saved(tmp_path: Path, dtype: str, by_columns: bool) -> None:
    array = np.array([[1, 0, 1], [0, 1, 1]], dtype=dtype, order="F" if by_columns else "C")
    path = tmp_path / "array.npy"
    path.write_bytes(saved(array))
    found = matrices.read(str(path))
    assert np.array_equal(found.astype(float), array.astype(float))
    assert not any(isinstance(value, bool) for value in found.reshape(-1))


@by
@given(data=st.data())
def test_a_damaged_array_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(saved(np.arange(6.0).reshape(2, 3)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.one_of(st.integers(0, 255), st.sampled_from(b"-0123456789,()'{}[]")))
    path = tmp_path_factory.getbasetemp() / "damaged.npy"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        array = matrices.read(str(path))
    except CnnError as error:
        assert error.exit_code == 2 and str(path) in str(error)
    else:
        assert array.size <= 6 * 8


@pytest.mark.parametrize("shape", ["(3000, 3000)", "(300000, 300000)", "(-1, -3)", "(0, 3)", "()", "(1,1,1,1,1,1)"])
def test_a_shape_that_the_file_does_not_hold_is_refused_before_memory_is_taken(tmp_path: Path, shape: str) -> None:
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    path = tmp_path / "array.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(80))
    with pytest.raises(CnnError, match=r"contains (float64|a single number)|not an array"):
        matrices.read(str(path))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
@pytest.mark.parametrize("name", ["a.npy", "a.csv", "a.yaml", "a.png"])
@pytest.mark.parametrize("what", ["fifo", "device", "directory"])
def test_only_regular_files_are_read(tmp_path: Path, name: str, what: str) -> None:
    path = tmp_path / name
    if what == "fifo":
        os.mkfifo(path)
    elif what == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(CnnError, match="not a regular file"):
        matrices.read(str(path))


@pytest.mark.parametrize("ending", IMAGE_FORMATS)
def test_an_image_of_any_format_that_data_has_is_a_matrix(tmp_path: Path, ending: str) -> None:
    bits = np.arange(48).reshape(6, 8) % 3 == 0
    path = tmp_path / f"a{ending}"
    Image.fromarray(bits).save(path, **({"lossless": True} if ending == ".webp" else {}))
    found = matrices.read(str(path))
    assert found.shape[1:] == (6, 8)
    if IMAGE_FORMATS[ending] != "JPEG":
        assert (found == np.where(bits, 255, 0)).all()


def test_a_file_of_text_has_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("1,2\n" * 400_000)
    with pytest.raises(CnnError, match="larger than 1 MiB"):
        matrices.read(str(path))


@pytest.mark.skipif(not (SHARED / "reference" / "hostile").is_dir(), reason="without the hostile files")
@pytest.mark.parametrize("arguments", [("token.npy", "1 0; 0 1"), ("eps.png", "--filter", "edge", "-o", "o.png")])
def test_hostile_files_are_refused(cnn: Run, arguments: tuple[str, ...]) -> None:
    ended = cnn("convolve", SHARED / "reference" / "hostile" / arguments[0], *arguments[1:])
    assert ended.code == 2 and INTERNAL_ERROR not in ended.err and "Ghostscript" not in ended.err


# Exercises --------------------------------------------------------------------------------------------------------

TRANSPOSED = (functional.conv_transpose1d, functional.conv_transpose2d)
PLAIN = (functional.conv1d, functional.conv2d)


@by
@given(data=st.data(), transposed=st.booleans(), in_one=st.booleans())
def test_several_kernels_are_filters_of_all_channels_as_in_torch(
    data: st.DataObject, transposed: bool, in_one: bool
) -> None:
    rank = data.draw(st.integers(1, 2))
    filters, channels = data.draw(st.integers(1, 3)), 1 if rank == 1 else data.draw(st.integers(1, 3))
    sizes = [data.draw(st.integers(1, 4)) for _ in range(rank)]
    kernel = [data.draw(st.integers(1, 3)) for _ in range(rank)]
    stride, dilation = ([data.draw(st.integers(1, 3)) for _ in range(rank)] for _ in range(2))
    padding, extra = [data.draw(st.integers(0, 2)) for _ in range(rank)], data.draw(st.integers(0, 2))
    values = np.random.default_rng(data.draw(st.integers(0, 9999)))
    x, weight = values.integers(-5, 6, (channels, *sizes)), values.integers(-5, 6, (filters, channels, *kernel))
    bias = values.integers(-5, 6, filters)

    def text(array: np.ndarray) -> str:
        if rank == 2 and array.shape[:2] == (1, 1):
            return str(array[0].tolist())  # in brackets, as a single row would be one-dimensional
        return " | ".join(map(_rows, array)) if rank == 2 else " ".join(map(str, array[0]))

    each = tuple(map(text, weight))
    written = ExerciseText(
        text(x),
        (" || ".join(each),) if in_one else each,
        stride="x".join(map(str, stride)),
        padding="x".join(map(str, padding)),
        dilation="x".join(map(str, dilation)),
        bias=(", ".join(map(str, bias)),),
        transposed=transposed,
        output_padding=extra if transposed else 0,
    )
    tensors = [torch.tensor(array, dtype=torch.float64) for array in (x[None], weight, bias)]
    try:
        if transposed:
            theirs = TRANSPOSED[rank - 1](
                tensors[0], tensors[1].transpose(0, 1), tensors[2], stride, padding, extra, 1, dilation
            )
        else:
            theirs = PLAIN[rank - 1](*tensors, stride, padding, dilation)
    except RuntimeError:
        with pytest.raises(CnnError):
            read_exercise(written).result()
        return
    if not theirs.numel():
        return
    exercise = read_exercise(written)
    assert np.array_equal(exercise.result().astype(float), theirs[0].numpy())
    for step in exercise.steps():
        at = step.position if len(theirs[0]) > 1 else (0, *step.position)
        assert eval(step.expression) == step.value == theirs[0][at].item()


def _rows(array: np.ndarray) -> str:
    return "; ".join(" ".join(map(str, row)) for row in array)


def test_one_array_may_be_the_whole_weight_in_torch_s_order(cnn: Run) -> None:
    x, weight = "[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]", "[[[[1]], [[10]]]]"  # (2, 2, 2) and (1, 2, 1, 1)
    assert cnn("convolve", x, weight).out == "51  62\n73  84\n"
    assert cnn("convolve", x, "[[[[1]]], [[[10]]]]", "--transposed").out == "51  62\n73  84\n"
    ended = cnn("convolve", x, weight, "--transposed")
    assert (ended.code, ended.err.splitlines()[0]) == (2, "the kernel has 1 channel, but the input has 2")


def test_a_row_is_filtered_as_an_image_of_one_row(cnn: Run) -> None:
    assert cnn("convolve", "1 2 3", "--filter", "identity", "--padding", "1").out == "1  2  3\n"
    assert cnn("convolve", "1 2 3", "--filter", "identity").err.startswith("a kernel of 3 does not fit an input of 1")


MATRIX = ["[[1, 2, 3], [4, 5, 6], [7, 8, 9]]", "\n      - [1, 2, 3]\n      - [4, 5, 6]\n      - [7, 8, 9]",
          "\n      - 1 2 3\n      - 4 5 6\n      - 7 8 9", "[[1, 2, 3],\n      [4, 5, 6], [7, 8, 9]]"]  # fmt: skip


@pytest.mark.parametrize("matrix", MATRIX)
@pytest.mark.parametrize(
    "kernel", ['"1 0; 0 1 || 0 1; 1 0"', '["1 0; 0 1", "0 1; 1 0"]', "\n      - 1 0; 0 1\n      - 0 1; 1 0"]
)
@pytest.mark.parametrize(
    "result", ['"6 8; 12 14 | 6 8; 12 14"', '"6 8; 12 14 || 6 8; 12 14"', "[[[6, 8], [12, 14]], [[6, 8], [12, 14]]]",
               '["6 8; 12 14", "6 8; 12 14"]', "\n      - 6 8; 12 14\n      - 6 8; 12 14",
               "|\n      6 8\n      12 14 |\n      6 8\n      12 14", "6 8\n      12 14 |\n      6 8\n      12 14",
               "'6 & 8 \\\\ 12 & 14 | 6 & 8 \\\\ 12 & 14'"],
)  # fmt: skip
def test_a_sheet_s_matrices_are_read_by_the_same_reader(
    cnn: Run, tmp_path: Path, matrix: str, kernel: str, result: str
) -> None:
    sheet = tmp_path / "sheet.yaml"
    sheet.write_text(f"answers:\n  convolve:\n    input: {matrix}\n    kernel: {kernel}\n    result: {result}\n")
    ended = cnn("check", sheet)
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "1 of 1 correct"), ended
    assert "6 8 12" not in ended.out  # the rows that are shown can be told apart


@settings(max_examples=60, deadline=None)
@given(data=st.data(), maps=st.integers(1, 3), rows=st.integers(2, 3), columns=st.integers(2, 3))
def test_a_result_is_correct_only_with_separators_between_its_feature_maps(
    data: st.DataObject, maps: int, rows: int, columns: int
) -> None:
    cells = st.integers(-9, 9)
    x = data.draw(st.lists(st.lists(cells, min_size=columns, max_size=columns), min_size=rows, max_size=rows))
    factors = data.draw(st.lists(st.integers(1, 9), min_size=maps, max_size=maps))
    result = [[[factor * cell for cell in row] for row in x] for factor in factors]
    texts = [joined(matrix, " ", "; ") for matrix in result]
    fields = {"input": joined(x, " ", "; "), "kernel": " || ".join(map(str, factors))}
    question = Question("convolve", "", fields)
    expected = convolve_answer(question)
    assert expected.text == " | ".join(texts)
    brackets = str(result)
    for given_text in (expected.text, " || ".join(texts), brackets):
        assert compare(question._replace(given=given_text), expected).correct
    split = " | ".join(joined([row], " ", "; ") for matrix in result for row in matrix)
    stacked = "; ".join(texts)
    for wrong in (split, stacked) if maps > 1 else (split,):
        assert not compare(question._replace(given=wrong), expected).correct
