"""What follows from a wrong answer, in a small network, by formulas of its own; and the credit of a shape."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnncli.homework.answer_key.expected import PER_AXIS, ExpectedAnswer
from cnncli.homework.answer_key.questions import empty_cache
from cnncli.homework.answer_key.sheet import Question
from cnncli.homework.checking.answer_comparison import compare
from cnncli.homework.checking.check import check
from cnncli.homework.checking.follow_through import intended_shape
from cnncli.homework.checking.parsing import parse
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.grading.grade import grade
from cnncli.homework.grading.key import read_key
from cnncli.homework.submissions.reading import read_sheet

some = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
Shape = tuple[int, ...]

NETWORK = """
  input: 3x16x18
  layers:
    - conv: {filters: 5, kernel: 3, name: a}
    - maxpool: {kernel: 2, name: pool}
    - conv: {filters: 4, kernel: 2, name: b}
    - flatten: {name: flat}
    - linear: {units: 7, name: out}
"""
RIGHT: dict[str, Shape] = {"a": (5, 14, 16), "pool": (5, 7, 8), "b": (4, 6, 7), "flat": (168,), "out": (7,)}


def answers_after(wrong: dict[str, Shape]) -> dict[str, Shape | int]:
    """All answers by someone who calculates each layer from the earlier ones, where those of ``wrong`` are as given."""
    shapes: dict[str, Shape] = {}
    for name in RIGHT:
        before = shapes.get([*RIGHT][[*RIGHT].index(name) - 1], (3, 16, 18))
        sizes = before[1:]
        own = {
            "a": (5, *(n - 2 for n in sizes)), "pool": (before[0], *(n // 2 for n in sizes)),
            "b": (4, *(n - 1 for n in sizes)), "flat": (prod(before),), "out": (7,),
        }[name]  # fmt: skip
        shapes[name] = wrong.get(name, own)
    found: dict[str, Shape | int] = {f"{name}.shape": shape for name, shape in shapes.items()}
    params = {"a": 5 * 3 * 9 + 5, "b": 4 * shapes["pool"][0] * 4 + 4, "out": 7 * shapes["flat"][0] + 7}
    macs = {
        "a": 27 * prod(shapes["a"]), "b": shapes["pool"][0] * 4 * prod(shapes["b"]), "out": 7 * shapes["flat"][0],
    }  # fmt: skip
    found |= {f"{name}.params": count for name, count in params.items()}
    found |= {f"{name}.macs": count for name, count in macs.items()}
    return {**found, "total.params": sum(params.values()), "total.macs": sum(macs.values())}


def checked(folder: Path, answers: dict[str, object]) -> dict[str, Verdict]:
    lines = "".join(
        f"  {name}: '{'x'.join(map(str, value)) if isinstance(value, tuple) else value}'\n"
        for name, value in answers.items()
    )
    (folder / "sheet.yaml").write_text(f"architecture:{NETWORK}answers:\n{lines}")
    return {found.question: found for found in check(read_sheet(str(folder / "sheet.yaml")))}


@settings(some, max_examples=6)
@given(layer=st.sampled_from(["a", "pool", "b", "flat"]), less=st.integers(1, 3), extra=st.integers(1, 9))
def test_exactly_the_answers_that_are_calculated_from_a_wrong_shape_follow_from_it(
    tmp_path_factory: pytest.TempPathFactory, layer: str, less: int, extra: int
) -> None:
    folder, right = tmp_path_factory.mktemp("sheet"), answers_after({})
    wrong = {layer: tuple(n - less for n in RIGHT[layer]) if layer == "flat" else _smaller(RIGHT[layer], less)}
    after = answers_after(wrong)
    verdicts = checked(folder, {**after})
    for name, value in after.items():
        found = verdicts[name]
        assert found.correct == (value == right[name]), name
        follows = not found.correct and name != f"{layer}.shape"
        assert found.follow_through == follows, name
        assert found.status == ("correct" if found.correct else "follow-through" if follows else "wrong")
        if follows:
            reasons = [remark for remark in found.remarks if remark.startswith("correct given ")]
            earlier = [f"{other}.shape = {'x'.join(map(str, after[f'{other}.shape']))}" for other in RIGHT]
            assert len(reasons) == 1 and found.diagnoses == ()
            assert any(text in reasons[0] for text in earlier) or name.startswith("total")
    neither = {name: value + extra for name, value in after.items() if isinstance(value, int)}
    beside = checked(folder, {f"{layer}.shape": wrong[layer], **neither})
    for name, value in neither.items():
        assert beside[name].follow_through == (value == after[name] != right[name]) or value == right[name], name


def _smaller(shape: Shape, less: int) -> Shape:
    return (shape[0], *(size - less for size in shape[1:]))


@some
@given(first=st.integers(-9, 9), second=st.integers(-9, 9), off=st.integers(-2, 2))
def test_a_sum_follows_from_exactly_the_wrong_counts_of_its_parts(
    tmp_path_factory: pytest.TempPathFactory, first: int, second: int, off: int
) -> None:
    right = answers_after({})
    counts = {"a.params": 140 + first, "b.params": 84 + second}
    total = right["total.params"]
    assert isinstance(total, int)
    given_total = total + first + second + off
    found = checked(tmp_path_factory.mktemp("sheet"), {**counts, "total.params": given_total})["total.params"]
    assert found.correct == (given_total == total)
    assert found.follow_through == (off == 0 and given_total != total)
    if found.follow_through:
        (remark,) = (remark for remark in found.remarks if remark.startswith("correct given"))
        assert ("a.params" in remark, "b.params" in remark) == (first != 0, second != 0)


@pytest.mark.parametrize("nothing", ["0", "words", "", "does not fit"])
def test_nothing_follows_from_a_count_that_is_no_number_above_0(tmp_path: Path, nothing: str) -> None:
    right = answers_after({})
    total = right["total.params"]
    assert isinstance(total, int)
    for given_total in (total, total - 140):
        found = checked(tmp_path, {"a.params": nothing, "total.params": given_total})
        assert not found["a.params"].correct and not found["total.params"].follow_through
        assert found["total.params"].correct == (given_total == total)


@settings(some, max_examples=40)
@given(st.tuples(st.integers(2, 6), st.integers(7, 30), st.integers(7, 30)), st.integers(1, 5), st.integers(1, 5))
def test_a_wrong_shape_means_its_channels_first_however_it_is_written(right: Shape, dh: int, dw: int) -> None:
    channels, height, width = right[0], right[1] + dh, right[2] + dw

    def meant(order: str, *sizes: int) -> Shape | None:
        return intended_shape(parse("x".join(map(str, sizes))), right, order)

    for order in ("", "CxHxW"):
        for sizes in ((channels, height, width), (height, width, channels)):
            assert meant(order, *sizes) == meant(order, 1, *sizes) == (channels, height, width)
        assert meant(order, *right) == right
    assert meant("HxWxC", height, width, channels) == meant("HxWxC", channels, height, width) == (
        channels, height, width,
    )  # fmt: skip
    assert meant(PER_AXIS, height, width, channels) == (height, width, channels)
    assert meant("", height, width) is None and meant("", 2, channels, height, width) is None
    other = channels + 1  # no size is the number of channels: as it is written
    if other != height and other != width:
        assert meant("", other, height, width) == (other, height, width)
        assert meant("HxWxC", height, width, other) == (other, height, width)
    flat = (prod(right),)
    number = prod((channels, height, width))
    for text in (str(number), f"{number:,}", f"1x{number}", f"{number}x1x1", f"{number}x1"):
        assert intended_shape(parse(text), flat, "") == (number,), text
    assert intended_shape(parse(f"2x{number}"), flat, "") is None
    assert intended_shape(parse("words"), flat, "") is None and intended_shape(parse("2.5"), flat, "") is None


@settings(some, max_examples=40)
@given(
    st.tuples(st.integers(2, 6), st.integers(7, 30), st.integers(7, 30)),
    st.sets(st.integers(0, 2)),
    st.sampled_from(["", "CxHxW", "HxWxC"]),
)
def test_a_shape_is_credited_for_its_correct_axes(right: Shape, wrong: set[int], order: str) -> None:
    sizes = tuple(size + 40 * (at in wrong) for at, size in enumerate(right))
    expected = ExpectedAnswer(right, "x".join(map(str, right)), (), {}, order=order)
    last = (*sizes[1:], sizes[0])
    written = [last] if order == "HxWxC" else [sizes, last] if order == "" and 0 not in wrong else [sizes]
    for shape in written:
        found = compare(Question("a.shape", "x".join(map(str, shape)), {}), expected)
        assert (found.correct, found.credit) == (not wrong, Fraction(3 - len(wrong), 3)), shape
    other = compare(Question("a.shape", "7x7", {}), expected)
    assert (other.correct, other.credit) == (False, 0)
    assert compare(Question("a.shape", "x".join(map(str, right[1:])), {}), expected).diagnoses == ("forgot_channels",)
    blank = compare(Question("a.shape", " ", {}), expected)
    assert (blank.blank, blank.correct, blank.status, blank.remarks) == (True, False, "blank", ())


@pytest.mark.parametrize("order", ["", PER_AXIS])
def test_a_square_answers_a_number_per_axis_only(order: str) -> None:
    expected = ExpectedAnswer(5, "5", (), {"kept": 7}, also=frozenset({6}), words=frozenset({"same"}), order=order)
    for text, correct in (("5", True), ("6", True), ("same", True), ("Same ", True), ("7", False), ("5x6", False),
                          ("5x5", order == PER_AXIS), ("5x5x5", order == PER_AXIS)):  # fmt: skip
        assert compare(Question("q", text, {}), expected).correct == correct, text
    assert compare(Question("q", "7x7", {}), expected).diagnoses == ("kept",)
    assert compare(Question("q", "words", {}), expected).remarks == ("could not be read as a number such as 1234",)
    refused = ExpectedAnswer("does not fit", "does not fit", (), {"unreported": 7, "as a shape": (7, 8)}, order=order)
    for text, mistakes in (("7", ("unreported",)), ("7x8", ("as a shape",)), ("9", ()), ("no", ())):
        found = compare(Question("q", text, {}), refused)
        assert (found.correct, found.diagnoses) == (text == "no", mistakes)


@pytest.mark.parametrize(("tolerance", "follows"), [("1%", True), ("50", True), ("0", False)])
def test_a_follow_through_respects_the_tolerance_of_its_question(tmp_path: Path, tolerance: str, follows: bool) -> None:
    key = f"architecture: lenet5\nquestions: {{c1.params: 1, total.params: {{tolerance: {tolerance}}}}}\n"
    (tmp_path / "key.yaml").write_text(key)
    (tmp_path / "sheet.yaml").write_text("answers: {c1.params: 3000, total.params: 64560}\n")  # exactly 64,550
    read = read_key(str(tmp_path / "key.yaml"))
    found = grade(read, "", read_sheet(str(tmp_path / "sheet.yaml"), network=False), empty_cache())
    assert found.answers[1].verdict.follow_through == follows


@pytest.mark.parametrize(
    ("other", "answer", "remark"),
    [("1.234.567", "2.416", ""), ("0,5", "2.416", ""), ("1,234,567", "2.416", "another answer says otherwise"),
     ("0.5", "2,416", ""), ("12", "2.416", "decide nothing"), ("0,5", "2,416", "another answer says otherwise")],
)  # fmt: skip
def test_the_other_answers_of_a_sheet_decide_what_a_separator_means(
    tmp_path: Path, other: str, answer: str, remark: str
) -> None:
    sheet = f"architecture: lenet5\nanswers: {{c1.params: '{other}', conv2.params: '{answer}'}}\n"
    (tmp_path / "sheet.yaml").write_text(sheet)
    last = check(read_sheet(str(tmp_path / "sheet.yaml")))[1]
    assert last.correct and remark in last.remark and bool(remark) == bool(last.remark)
