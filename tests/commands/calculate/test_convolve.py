"""cnn convolve, with the examples of the lectures."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import Run

from cnncli.errors import INTERNAL_ERROR

SQUARE, SMALL = "0 1 2; 3 4 5; 6 7 8", "0 1; 2 3"
X_IMAGE = "1 1 1 0 0; 0 1 1 1 0; 0 0 1 1 1; 0 0 1 1 0; 0 1 1 0 0"
POOLED = "1 1 2 4; 5 6 7 8; 3 2 1 0; 1 2 3 4"


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        ((SQUARE, SMALL), [[19, 25], [37, 43]]),
        ((SQUARE, SMALL, "--padding", "1"), [[0, 3, 8, 4], [9, 19, 25, 10], [21, 37, 43, 16], [6, 7, 8, 0]]),
        ((f"{SQUARE} | 1 2 3; 4 5 6; 7 8 9", f"{SMALL} | 1 2; 3 4"), [[56, 72], [104, 120]]),
        ((X_IMAGE, "1 0 1; 0 1 0; 1 0 1"), [[4, 3, 4], [2, 4, 3], [2, 3, 4]]),
        ((POOLED, "--pool", "max", "--kernel", "2"), [[6, 8], [3, 4]]),
        ((POOLED, "--pool", "avg", "--kernel", "2"), [["13/4", "21/4"], [2, 2]]),
        (("3 4; 0 0", "--pool", "l2", "--kernel", "2"), [[5]]),
        ((SQUARE, "1 0; 0 0", "--flip"), [[4, 5], [7, 8]]),
        (("1 2 3 4 5", "1/3 1/3 1/3"), [2, 3, 4]),
        (("1 2; 3 4", "1 1; 1 1", "--transposed", "--stride", "2"),
         [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]),
        ((SQUARE, "--kernel", SMALL, "--kernel", "1 0; 0 0", "--bias", "1,2"),
         [[[20, 26], [38, 44]], [[2, 3], [5, 6]]]),
        (("--input", SQUARE, "--kernel", SMALL, "--stride", "2"), [[19]]),
        ((SQUARE, "1 1; 1 1", "--dilation", "2"), [[16]]),
        ((SQUARE, "--filter", "box_blur"), [[4]]),
    ],
)  # fmt: skip
def test_the_lectures_examples(cnn: Run, arguments: tuple[str, ...], output: object) -> None:
    record = json.loads(cnn("convolve", *arguments, "--format", "json").out)
    assert record["output"] == output
    assert record["shape"] == list(np.array(output, dtype=object).shape)


def test_steps_show_every_window(cnn: Run) -> None:
    assert cnn("convolve", SQUARE, SMALL, "--steps").out == (
        "(0,0): 0*0 + 1*1 + 3*2 + 4*3 = 19\n(0,1): 1*0 + 2*1 + 4*2 + 5*3 = 25\n"
        "(1,0): 3*0 + 4*1 + 6*2 + 7*3 = 37\n(1,1): 4*0 + 5*1 + 7*2 + 8*3 = 43\n\n19  25\n37  43\n"
    )


def test_averages_are_written_as_people_write_them(cnn: Run) -> None:
    assert cnn("convolve", POOLED, "--pool", "avg", "--kernel", "2").out == "3.25  5.25\n   2     2\n"


def test_the_backward_pass_names_its_convolutions(cnn: Run) -> None:
    out = cnn("convolve", SQUARE, SMALL, "--backward", "1 0; 0 1").out
    assert "the full convolution of the upstream gradient with the kernel" in out
    assert "0  1  0\n2  3  1\n0  2  3" in out and " 4   6\n10  12" in out and out.endswith("gradient): 2\n")


def test_dropped_rows_are_reported(cnn: Run) -> None:
    ended = cnn("convolve", SQUARE, SMALL, "--stride", "2")
    assert (ended.code, ended.err) == (0, "(no window covers the last 1 row and 1 column of the input)\n")


@pytest.mark.parametrize("suffix", [".yaml", ".csv", ".npy"])
def test_matrices_are_read_from_files(cnn: Run, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"matrix{suffix}"
    if suffix == ".npy":
        np.save(path, np.arange(9).reshape(3, 3))
    else:
        path.write_text({".yaml": "[[0, 1, 2], [3, 4, 5], [6, 7, 8]]", ".csv": "0,1,2\n3,4,5\n6,7,8\n"}[suffix])
    assert cnn("convolve", path, SMALL).out == "19  25\n37  43\n"


@pytest.mark.parametrize("content", ["nothing", "no values", "an archive"])
def test_an_invalid_array_gives_an_error_with_the_reason(cnn: Run, tmp_path: Path, content: str) -> None:
    path = tmp_path / "matrix.npy"
    with path.open("wb") as file:
        if content == "no values":
            np.save(file, np.zeros((0, 3)))
        elif content == "an archive":
            np.savez(file, np.zeros(3))
    ended = cnn("convolve", path, SMALL)
    assert ended.code == 2 and str(path) in ended.err and INTERNAL_ERROR not in ended.err


def test_an_image_is_filtered_channel_by_channel(cnn: Run, tmp_path: Path) -> None:
    image, output = tmp_path / "photo.png", tmp_path / "edges.png"
    pixels = np.zeros((8, 10, 3), dtype=np.uint8)
    pixels[:, 5:] = (200, 100, 0)
    Image.fromarray(pixels).save(image)
    ended = cnn("convolve", image, "--filter", "vertical_edge", "--padding", "1", "-o", output)
    assert ended.code == 0
    found = np.asarray(Image.open(output))
    assert found.shape == (8, 10, 3)
    assert tuple(found[4, 4]) == (255, 255, 0) and not found[4, 2].any()


def test_an_own_kernel_filters_each_channel_of_a_color_image(cnn: Run, tmp_path: Path) -> None:
    image, output = tmp_path / "photo.png", tmp_path / "edges.png"
    pixels = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(image)
    differences = np.diff(pixels.astype(int), axis=1)
    for words, expected, text in (
        ((), differences.clip(0, 255), "values below 0 are black, above 255 white"),
        (("--absolute",), abs(differences), "absolute values above 255 are white"),
        (("--rescale",), (differences - differences.min()) * 255 / np.ptp(differences),
         f"values from {differences.min()} (black) to {differences.max()} (white)"),
        (("--absolute", "--rescale"), (abs(differences) - abs(differences).min()) * 255 / np.ptp(abs(differences)),
         f"absolute values from {abs(differences).min()} (black) to {abs(differences).max()} (white)"),
    ):  # fmt: skip
        ended = cnn("convolve", image, "-1 1", "-o", output, *words)
        assert (ended.code, ended.out) == (0, f"{output}: 5x5, {text}\n")
        assert np.array_equal(np.asarray(Image.open(output)), np.rint(expected))


def test_a_constant_image_is_not_stretched(cnn: Run, tmp_path: Path) -> None:
    image, output = tmp_path / "gray.png", tmp_path / "same.png"
    for value, kernel, pixel in ((100, "1", 100), (100, "0 1 0; 1 -4 1; 0 1 0", 0), (200, "2", 255)):
        Image.fromarray(np.full((4, 4), value, dtype=np.uint8)).save(image)
        ended = cnn("convolve", image, kernel, "-o", output, "--rescale")
        assert ended.code == 0 and "so that nothing is stretched" in ended.out and "all values are" in ended.out
        assert np.unique(np.asarray(Image.open(output))).tolist() == [pixel]


def test_a_wide_matrix_has_blocks_of_columns_in_a_terminal_and_whole_rows_on_a_pipe(
    cnn: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "; ".join(" ".join(str(row * n) for n in range(40)) for row in (1, -7))
    whole = cnn("convolve", rows, "1").out.splitlines()
    assert [line.split() for line in whole] == [row.split() for row in rows.split(";")]
    monkeypatch.setenv("COLUMNS", "80")
    lines = cnn("convolve", rows, "1").out.splitlines()
    assert max(map(len, lines)) <= 80
    heads = [line for line in lines if line.startswith("column")]
    assert heads[0].startswith("columns 0 to ") and heads[-1].endswith("39:") and len(lines) == 4 * len(heads) - 1
    for at, row in enumerate(whole):
        assert " ".join(" ".join(lines[1 + at :: 4]).split()) == " ".join(row.split())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_name_of_something_else_than_a_matrix_is_refused_at_once(
    cnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    for name in ("a", "7"):  # a letter and a number, also where a file is called so
        Path(name).touch()
        assert cnn("convolve", name, "2").out == ("2a\n" if name == "a" else "14\n")
    for words in (("pipe", "1"), ("1 2", "pipe"), (".", "1"), ("1 2", "--layer", "linear: {weight: pipe}")):
        ended = cnn("convolve", *words)
        assert ended.code == 2 and "matrices are not read from there" in ended.err


def test_a_file_of_other_than_real_numbers_says_what_it_contains(cnn: Run, tmp_path: Path) -> None:
    said = {
        "Python objects": np.array([1, None], dtype=object),
        "complex numbers": np.array([1j]),
        "durations": np.zeros(2, dtype="m8[s]"),
        "texts": np.array(["a"]),
        "dates": np.array(["2020"], dtype="M8[Y]"),
        "records": np.zeros(2, dtype=[("x", "f8")]),
        "NaN": np.array([1, np.nan]),
        "a single number without axes": np.array(3.0),
    }
    path = tmp_path / "x.npy"
    for what, array in said.items():
        np.save(path, array, allow_pickle=True)
        ended = cnn("convolve", path, "1")
        assert ended.code == 2 and f"{path}: contains {what}" in ended.err, ended.err
    for content, text in ((b"", "the file is empty"), (b"1 2; 3 4\n", "it does not start like a .npy file")):
        path.write_bytes(content)
        assert text in cnn("convolve", path, "1").err


def test_an_image_has_one_or_three_channels(cnn: Run, tmp_path: Path) -> None:
    image = tmp_path / "photo.png"
    Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(image)
    ended = cnn("convolve", image, "1 2", "3 4", "-o", tmp_path / "two.png")
    assert ended.code == 2 and "the result has 2" in ended.err
    assert cnn("convolve", image, "a 1", "-o", tmp_path / "letter.png").code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "err"),
    [
        ((), 2, 'missing input\n  write cnn convolve "0 1 2; 3 4 5; 6 7 8" "0 1; 2 3"\n'),
        (("1 2; 3 4 5", "1"), 2, "'1 2; 3 4 5': rows have different lengths: row 1 has 2, row 2 has 3\n"
         '  write rows with ; and numbers with spaces: "0 1 2; 3 4 5", channels with |\n'),
        (("1 xy; 3 4", "1"), 2, "'xy' is not a number, in '1 xy; 3 4'\n"
         "  write 3, -1/9, 0.25, or a letter: a, 2b, x1\n"),
        (("1 2", "1 2 3"), 1, "a kernel of 3 does not fit an input of 2 with padding 0\n"
         "  use a kernel of at most 2, or more padding\n"),
        ((SQUARE, "--filter", "gausian"), 2, "--filter: unknown filter 'gausian'\n  did you mean gaussian?\n"),
        ((SQUARE, "--pool", "max"), 2, "missing kernel size of the pool\n  write --pool max --kernel 2\n"),
        ((SQUARE, SMALL, "--backward", "1 2"), 2, "the upstream gradient must have the output's shape 1x2x2\n"),
        (("missing.csv", SMALL), 2, "missing.csv: no such file\n"),
        (("1 2 3", "1 2", "--padding", "1x2"), 2, "padding 1x2: not a padding for 1 axis\n"
         "  write the padding per side; or one of valid, same, same_lower, full\n"),
        ((SQUARE, SMALL, "--stride", "0"), 2,
         "stride 0: must be at least 1\n  write stride 1\n"),
    ],
)  # fmt: skip
def test_an_invalid_exercise_gives_an_error_with_the_reason(
    cnn: Run, arguments: tuple[str, ...], code: int, err: str
) -> None:
    ended = cnn("convolve", *arguments)
    assert (ended.code, ended.err) == (code, err)


def test_the_average_over_a_border_of_zeros_is_exact(cnn: Run) -> None:
    out = cnn(
        "convolve", "1 2; 3 4", "--pool", "avg", "--kernel", "3", "--stride", "1", "--padding", "1", "--format", "json"
    ).out
    assert json.loads(out)["output"] == [["10/9", "10/9"], ["10/9", "10/9"]]


def test_the_gradient_to_a_flipped_kernel_is_flipped(cnn: Run) -> None:
    arguments = ("convolve", "1 2 3; 4 5 6; 7 8 9", "1 2; 3 4", "--backward", "1 2; 3 4", "--format", "json")
    plain, flipped = (json.loads(cnn(*arguments, *more).out) for more in ((), ("--flip",)))
    assert plain["kernel"] == [[37, 47], [67, 77]] and flipped["kernel"] == [[77, 67], [47, 37]]


def test_a_kernel_may_begin_with_a_minus(cnn: Run) -> None:
    ended = cnn("convolve", "1 2 3; 4 5 6; 7 8 9", "-1 0 1; -2 0 2; -1 0 1")
    assert (ended.code, ended.out) == (0, "8\n")


def test_nested_lists_are_a_matrix(cnn: Run) -> None:
    assert cnn("convolve", "[[1, 2], [3, 4]]", "[[1, 0], [0, 1]]").out == "5\n"


def test_transposed_and_backward_have_steps(cnn: Run) -> None:
    out = cnn("convolve", "1 2", "1 3", "--transposed", "--stride", "1", "--steps").out
    assert "(1): 1*3 + 2*1 = 5" in out
    out = cnn("convolve", "1 2 3", "1 4", "--backward", "1 2", "--steps").out
    assert "(1): 1*4 + 2*1 = 6" in out and "(0): 1*1 + 2*2 = 5" in out


def test_an_average_can_leave_the_padding_out(cnn: Run) -> None:
    average = ("convolve", "1 2; 3 4", "--pool", "avg", "--kernel", "2", "--padding", "1", "--no-count-include-pad")
    assert cnn(*average, "--steps").out.splitlines()[0] == "(0,0): (1) / 1 = 1"
    assert cnn(*average, "--backward", "4 4; 4 4").out.endswith("4  4\n4  4\n")
    for words, problem in (
        (("--pool", "max", "--kernel", "2", "--padding", "1"), "requires --pool avg"),
        (("--pool", "avg", "--kernel", "2"), "requires --padding"),
        (("--pool", "avg", "--kernel", "2", "--padding", "valid"), "no effect without padding"),
        (("--pool", "avg", "--kernel", "2", "--padding", "1", "--padding-mode", "circular"), "for zero padding"),
    ):
        ended = cnn("convolve", "1 2; 3 4", *words, "--no-count-include-pad")
        assert ended.code == 2 and problem in ended.err


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (("a b; c d", "1 2; 3 4"), "a + 2b + 3c + 4d\n"),
        (("a b; c d", "w x; y z"), "aw + bx + cy + dz\n"),
        (("a b", "w -x", "--transposed"), "aw  -ax + bw  -bx\n"),
        (("-a b; 2c 3", "--pool", "avg", "--kernel", "2"), "(-a + b + 2c + 3)/4\n"),
        (("a b; a 3", "--pool", "max", "--kernel", "2"), "max(a, b, 3)\n"),
        (("a b; 0 2", "--pool", "l2", "--kernel", "2"), "sqrt(a^2 + b^2 + 4)\n"),
        (("1 2; 4 3", "--pool", "max", "--kernel", "2", "--backward", "g"),
         "to the input (each upstream value goes to the maximum of its window):\n0  0\ng  0\n"),
        (("x1 x2", "w_1 w_2", "--bias", "b"), "w_1*x1 + w_2*x2 + b\n"),
    ],
)  # fmt: skip
def test_letters_give_sums_of_products(cnn: Run, arguments: tuple[str, ...], output: str) -> None:
    assert cnn("convolve", *arguments).out == output


def test_sums_that_are_too_wide_are_listed(cnn: Run) -> None:
    letters = "a b c d e; f g h i j; k l m n o"
    lines = cnn("convolve", letters, "p q r; s t u; v w x").out.splitlines()
    assert len(lines) == 3 and lines[0] == "(0): ap + bq + cr + fs + gt + hu + kv + lw + mx"


@pytest.mark.parametrize("pool", ["max", "l2"])
def test_a_gradient_that_depends_on_the_value_of_a_letter_is_refused(cnn: Run, pool: str) -> None:
    ended = cnn("convolve", "a 1", "--pool", pool, "--kernel", "2", "--backward", "1")
    assert ended.code == 2 and "depends on the values of the letters" in ended.err


def test_the_operations_of_each_method_are_counted(cnn: Run) -> None:
    image = "; ".join(["1 2 3 4 5 6"] * 6)
    out = cnn("convolve", image, "1 2 1; 2 4 2; 1 2 1", "--counts").out
    assert max(map(len, out.splitlines())) <= 80 and "Winograd F(2x2, 3x3)" in out
    assert out.endswith("\n\nthe kernel is separable: (1 2 1)^T (1 2 1)\n")
    record = json.loads(cnn("convolve", image, "1 2 1; 2 4 2; 1 2 2", "--counts", "--format", "json").out)
    assert record["separable"] == [] and record["methods"][0]["multiplications"] == 16 * 9


def test_steps_over_several_channels_are_grouped_by_channel(cnn: Run) -> None:
    arguments = ("convolve", "0 1; 3 4 | 1 2; 4 -5", "0 1; 2 3 | 1 2; 3 4", "--bias", "7", "--steps")
    assert cnn(*arguments).out.splitlines() == [
        "(0,0): channel 1: 0*0 + 1*1 + 3*2 + 4*3 = 19",
        "       channel 2: 1*1 + 2*2 + 4*3 + (-5)*4 = -3",
        "       19 + (-3) + 7 (bias) = 23",
        "", "23",
    ]  # fmt: skip
    (step,) = json.loads(cnn(*arguments, "--format", "json").out)["steps"]
    assert [part["value"] for part in step["parts"]] == [19, -3, 7] and step["value"] == 23


def test_long_steps_are_wrapped(cnn: Run) -> None:
    out = cnn("convolve", "1.25 2.25 3.25; 4.25 5.25 6.25; 7.25 8.25 9.25", "--filter", "gaussian", "--steps").out
    assert max(map(len, out.splitlines())) <= 80 and " ".join(out.split()).endswith("9.25*0.0625 = 5.25 5.25")


def test_steps_say_that_a_kernel_is_separable(cnn: Run) -> None:
    note = "(the kernel is separable: (1 2)^T (1 3); 2 + 2 = 4 multiplications per value\ninstead of 2 * 2 = 4)\n"
    assert cnn("convolve", "1 2; 3 4", "1 3; 2 6", "--steps").err == note
    assert cnn("convolve", "1 2; 3 4", "1 3; 2 5", "--steps").err == ""


def test_a_convolution_is_a_product_of_matrices(cnn: Run) -> None:
    lines = cnn("convolve", "1 2 3", "1 4", "--as-matrix", "toeplitz", "--bias", "2").out.splitlines()
    assert lines == [
        "T, 2x3: one row per output value, one column per input value", "1  4  0", "0  1  4", "",
        "x, 3x1: the input, row by row", "(1, 2, 3)^T", "",
        "T x + 2, 2x1: the output, row by row", "(11, 16)^T",
    ]  # fmt: skip
    record = json.loads(cnn("convolve", "1 2 3", "1/2 4", "--as-matrix", "im2col", "--format", "json").out)
    assert record == {"kernels": [["1/2", 4]], "patches": [[1, 2], [2, 3]], "output": [["17/2", 13]]}


@pytest.mark.parametrize("name", ["T.csv", "T.npy"])
def test_a_large_matrix_is_written_to_a_file(cnn: Run, tmp_path: Path, name: str) -> None:
    row = " ".join(["1"] * 40)
    ended = cnn("convolve", row, "2 3", "--as-matrix", "toeplitz")
    assert ended.code == 2 and "a matrix of 39x40 is too wide" in ended.err and "-o matrix.csv" in ended.err
    path = tmp_path / name
    assert cnn("convolve", row, "2 3", "--as-matrix", "toeplitz", "-o", path).out == f"{path}: 39x40\n"
    found = np.load(path) if name.endswith("npy") else np.loadtxt(path, delimiter=",")
    assert np.array_equal(found @ np.ones(40), np.full(39, 5))


@pytest.mark.parametrize("name", ["same", "same_lower"])
def test_an_even_window_has_its_odd_zero_where_the_padding_says(cnn: Run, name: str) -> None:
    out = cnn("convolve", "1 2 4", "--pool", "avg", "--kernel", "2", "--stride", "1", "--padding", name).out
    assert out.split() == (["1.5", "3", "2"] if name == "same" else ["0.5", "1.5", "3"])


def test_the_gradient_of_a_max_pool_shows_where_each_maximum_is(cnn: Run) -> None:
    ended = cnn("convolve", "1 1 2 4; 5 6 7 8", "--pool", "max", "--kernel", "2", "--backward", "3 5", "--steps")
    assert ended.out.splitlines() == [
        "(0,0): max(1, 1, 5, 6) = 6 at (1,1)", "(0,1): max(2, 4, 7, 8) = 8 at (1,3)", "",
        "to the input (each upstream value goes to the maximum of its window):",
        "(0,0): 0", "(0,1): 0", "(0,2): 0", "(0,3): 0", "(1,0): 0", "(1,1): 3", "(1,2): 0", "(1,3): 5", "",
        "0  0  0  0", "0  3  0  5",
    ]  # fmt: skip
    tied = cnn("convolve", "7 7; 7 7", "--pool", "max", "--kernel", "2", "--backward", "3", "--steps")
    assert tied.out.startswith("(0,0): max(7, 7, 7, 7) = 7, the first at (0,0)\n")
    assert tied.err == "(1 window has several equal maxima: the first gets the gradient, as in PyTorch)\n"


@pytest.mark.parametrize("form", ["table", "json"])
def test_the_gradient_of_an_l2_pool_is_exact(cnn: Run, form: str) -> None:
    out = cnn("convolve", "3 4 1 1", "--pool", "l2", "--kernel", "2", "--backward", "5 2", "--format", form).out
    if form == "json":
        assert json.loads(out) == {"input": [3, 4, "2/sqrt(2)", "2/sqrt(2)"]}
    else:
        assert out.endswith("3  4  2/sqrt(2)  2/sqrt(2)\n")


@pytest.mark.parametrize(
    "options",
    [("--pool", "avg", "--kernel", "2", "--padding-mode", "partial"),
     ("--transposed", "--backward", "1"),
     ("--pool", "max", "--filter", "edge"), ("--output-padding", "1"), ("--transposed", "--padding-mode", "reflect")],
)  # fmt: skip
def test_options_that_do_not_go_together_are_refused(cnn: Run, options: tuple[str, ...]) -> None:
    kernel = () if "--pool" in options else ("1 0; 0 1",)
    assert cnn("convolve", "1 2 3; 4 5 6; 7 8 9", *kernel, *options).code == 2


@pytest.mark.parametrize("padding", ["0", "same", "valid", "1"])
def test_zeros_are_accepted_as_the_padding_mode_also_where_nothing_is_padded(cnn: Run, padding: str) -> None:
    plain = cnn("convolve", "1 2 3", "2", "--padding", padding)
    assert plain.code == 0 and cnn("convolve", "1 2 3", "2", "--padding", padding, "--padding-mode", "zeros") == plain
