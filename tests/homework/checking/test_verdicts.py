"""The verdict on right, rounded, near, accepted and wrong answers about random networks that are not square."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnncli.homework.answer_key.expected import ExpectedAnswer
from cnncli.homework.answer_key.questions import empty_cache
from cnncli.homework.answer_key.sheet import Question
from cnncli.homework.checking import parsing
from cnncli.homework.checking.answer_comparison import compare
from cnncli.homework.checking.check import check
from cnncli.homework.checking.correctness import is_correct
from cnncli.homework.grading.grade import GradedSubmission, grade
from cnncli.homework.grading.key import AnswerKey, read_key
from cnncli.homework.submissions.reading import read_sheet
from cnncli.inference import SUMMED
from cnncli.language import Source
from cnncli.loading import Loaded, load_source

some = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@st.composite
def exercises(draw: st.DrawFn) -> str:
    """A small classifier with one or two inputs, never square, written inline."""
    c, h = draw(st.integers(2, 4)), draw(st.integers(12, 20))
    w = draw(st.integers(12, 20).filter(lambda size: size != h))
    first = f"conv: {{filters: {draw(st.integers(2, 9))}, kernel: [3, 5], padding: {draw(st.integers(0, 2))}, name: a}}"
    second = f"conv: {{filters: {draw(st.integers(2, 9))}, kernel: 3, stride: [1, 2], bias: false, name: b}}"
    layers = (
        f"{first}, maxpool: {{kernel: 2, name: pool}}, {second}, batchnorm: {{name: norm}}, flatten: {{name: flat}}"
    )
    layers += f", linear: {{units: {draw(st.integers(2, 30))}, name: out}}"
    if draw(st.booleans()):
        return f"{{inputs: {{one: {c}x{h}x{w}, two: {c}x{h}x{w}}}, layers: [add: [one, two], {layers}]}}"
    return f"{{input: {c}x{h}x{w}, layers: [{layers}]}}"


def loaded(network: str) -> Loaded:
    return load_source(Source("network", network), "network")


def right_answers(found: Loaded) -> dict[str, int | tuple[int, ...]]:
    """The answer to every question that there is, from the figures."""
    right: dict[str, int | tuple[int, ...]] = {f"total.{name}": found.inferred.totals[name] for name in SUMMED}
    for name, info in found.inferred.layers.items():
        right |= {f"{name}.{figure}": getattr(info.stats, figure) for figure in SUMMED}
        right[f"{name}.shape"], right[f"{name}.input_shape"] = info.stats.output_shape, info.input_shapes[0]
        field = next(iter(info.receptive_field.values())).axes
        right[f"{name}.receptive_field"] = tuple(axis.size for axis in field)
    return {name: value for name, value in right.items() if value != ()}


def ways(value: int | tuple[int, ...]) -> list[str]:
    """How people write a number or a shape."""
    if isinstance(value, int):
        return [str(value), f"{value:,}", f" {value} values", f"{value - 7} + 7" if value > 7 else f"{value}.0"]
    by = "x".join(map(str, value))
    return [by, by.replace("x", " × "), f"({by.replace('x', ', ')})", by.replace("x", "*")]


def verdicts(folder: Path, network: str, given_answers: dict[str, str]) -> dict[str, bool]:
    lines = "".join(f"  {name}: '{text}'\n" for name, text in given_answers.items())
    (folder / "sheet.yaml").write_text(f"architecture: {network}\nanswers:\n{lines}", encoding="utf-8")
    return {answer.question: answer.correct for answer in check(read_sheet(str(folder / "sheet.yaml")))}


@settings(some, max_examples=12)
@given(network=exercises(), data=st.data())
def test_correct_answers_are_correct_in_every_notation_and_wrong_ones_wrong(
    tmp_path_factory: pytest.TempPathFactory, network: str, data: st.DataObject
) -> None:
    folder, right = tmp_path_factory.mktemp("sheet"), right_answers(loaded(network))
    written = {name: data.draw(st.sampled_from(ways(value))) for name, value in right.items()}
    assert {*verdicts(folder, network, written).values()} == {True}
    off = data.draw(st.integers(1, 9) | st.sampled_from([10**6]))
    wrong = {
        name: str(value + off) if isinstance(value, int) else "x".join(map(str, (value[0] + off, *value[1:])))
        for name, value in right.items()
    }
    for name in data.draw(st.sets(st.sampled_from([*wrong]), min_size=5, max_size=5)):
        # one by one: what follows from an error is another matter
        assert verdicts(folder, network, {name: wrong[name]}) == {name: False}


@some
@given(value=st.integers(1_000, 10**10), digits=st.integers(1, 4), off=st.integers(0, 3))
def test_an_answer_is_reported_as_rounded_exactly_if_it_is_correct_to_its_digits(
    value: int, digits: int, off: int
) -> None:
    expected = ExpectedAnswer(value, f"{value:,}", (), {})
    exponent = len(str(value)) - digits
    unit = 10**exponent
    lead = (2 * value + unit) // (2 * unit) + off  # half up, and now and then a few units beside
    if not exponent or lead >= 10**digits:
        return
    texts = [f"{lead / 10 ** (digits - 1):.{digits - 1}f}e{len(str(value)) - 1}"]
    for name, power in (("k", 3), ("M", 6), ("million", 6), ("B", 9)):
        if power - exponent >= 0 and len(str(value)) > power:
            texts.append(f"~{lead / 10 ** (power - exponent):.{power - exponent}f} {name}")
    for text in texts:
        given_answer = parsing.parse(text)
        assert given_answer.number == lead * unit, text
        found = compare(Question("total.params", text, {}), expected)
        assert found.correct == (lead * unit == value)
        rounded = "correct to the digits given, but the exact value is asked" in found.remarks
        assert rounded == (lead * unit != value and 2 * abs(lead * unit - value) <= unit), text


KEY = "architecture: {network}\nquestions:\n  total.params: {{points: 4, {more}}}\n"


def marked(folder: Path, network: str, more: str, answer: str) -> GradedSubmission:
    (folder / "key.yaml").write_text(KEY.format(network=network, more=more), encoding="utf-8")
    (folder / "sheet.yaml").write_text(f"student: ann\nanswers: {{total.params: '{answer}'}}\n", encoding="utf-8")
    key: AnswerKey = read_key(str(folder / "key.yaml"))
    return grade(key, "sheet.yaml", read_sheet(str(folder / "sheet.yaml"), network=False), empty_cache())


@some
@given(network=exercises(), tolerance=st.integers(1, 400), off=st.integers(-450, 450), share=st.booleans())
def test_a_near_answer_counts_exactly_within_the_tolerance(
    tmp_path_factory: pytest.TempPathFactory, network: str, tolerance: int, off: int, share: bool
) -> None:
    right = loaded(network).inferred.totals["params"]
    allowed = Fraction(tolerance, 1000) * right if share else Fraction(tolerance)
    for given_answer in {right + off, right + int(allowed), right - int(allowed), right + int(allowed) + 1}:
        if given_answer < 0:
            continue
        written = f"tolerance: {tolerance / 10}%" if share else f"tolerance: {tolerance}"
        (found,) = marked(tmp_path_factory.mktemp("class"), network, written, str(given_answer)).answers
        near = abs(given_answer - right) <= allowed
        assert (found.verdict.correct, found.points, found.out_of) == (near, 4 if near else 0, 4)
        remark = f"within {tolerance / 10:g}%" if share else f"within {tolerance:g}"
        assert (f"{remark} of the correct answer" in found.verdict.remarks) == (near and given_answer != right)


@some
@given(
    network=exercises(),
    accepted=st.lists(st.integers(1, 10**6), min_size=1, max_size=3),
    given_answer=st.integers(1, 10**6),
)
def test_exactly_the_accepted_answers_count_in_every_notation(
    tmp_path_factory: pytest.TempPathFactory, network: str, accepted: list[int], given_answer: int
) -> None:
    right = loaded(network).inferred.totals["params"]
    folder = tmp_path_factory.mktemp("class")
    for value in {*accepted, given_answer, right}:
        for text in (str(value), f"{value:,}"):
            (found,) = marked(folder, network, f"accept: {accepted}", text).answers
            counts = value in (right, *accepted)
            assert (found.verdict.correct, found.points) == (counts, 4 if counts else 0)
            said = any(remark.startswith(f"the key accepts {value}") for remark in found.verdict.remarks)
            assert said == (counts and value != right)
            assert not (counts and found.verdict.mistakes)


@some
@given(cells=st.lists(st.integers(-9, 9), min_size=6, max_size=6), data=st.data())
def test_a_matrix_earns_points_for_its_correct_cells_if_the_key_gives_points_by_cell(
    tmp_path_factory: pytest.TempPathFactory, cells: list[int], data: st.DataObject
) -> None:
    """The result of a 1x1 kernel is the input times it."""
    folder, wrong = tmp_path_factory.mktemp("class"), data.draw(st.sets(st.integers(0, 5)))
    x = f"{cells[0]} {cells[1]} {cells[2]}; {cells[3]} {cells[4]} {cells[5]}"
    handed = [3 * cell + (100 + 7 * at if at in wrong else 0) for at, cell in enumerate(cells)]
    result = f"{handed[0]} {handed[1]} {handed[2]}; {handed[3]} {handed[4]} {handed[5]}"
    by_cell = data.draw(st.booleans())
    (folder / "key.yaml").write_text(
        f'questions: {{q: {{points: 6, by_cell: {str(by_cell).lower()}, convolve: {{input: "{x}", kernel: "3"}}}}}}\n'
    )
    (folder / "sheet.yaml").write_text(f'student: ann\nanswers: {{q: "{result}"}}\n')
    handed_in = read_sheet(str(folder / "sheet.yaml"), network=False)
    paper = grade(read_key(str(folder / "key.yaml")), "", handed_in, empty_cache())
    (found,) = paper.answers
    assert found.verdict.correct == (not wrong)
    assert found.points == (6 if not wrong else 6 - len(wrong) if by_cell else 0)


@some
@given(cells=st.lists(st.integers(0, 30), min_size=8, max_size=8), hundredths=st.integers(-3, 3))
def test_a_value_of_more_than_two_decimals_is_correct_when_rounded_up_or_down(
    tmp_path_factory: pytest.TempPathFactory, cells: list[int], hundredths: int
) -> None:
    """The mean of eight numbers may lie half way between two hundredths."""
    mean = Fraction(sum(cells), 8)
    written = Fraction(100 * sum(cells) // 8 + hundredths, 100)
    rows = "; ".join(" ".join(map(str, row)) for row in (cells[:4], cells[4:]))
    path = tmp_path_factory.mktemp("sheet") / "sheet.yaml"
    fields = f'input: "{rows}", pool: avg, kernel: 2x4, result: "{float(written):.2f}"'
    path.write_text(f"answers: {{convolve: {{{fields}}}}}\n")
    (found,) = check(read_sheet(str(path)))
    near = abs(written - mean) <= Fraction(1, 200) if (100 * mean).denominator > 1 else written == mean
    assert found.correct == near
    assert ("read as rounded to two decimals" in found.remarks) == (near and written != mean)


@some
@given(
    value=st.tuples(st.integers(2, 40), st.integers(2, 40), st.integers(2, 40)),
    order=st.sampled_from(["", "CxHxW", "HxWxC"]),
)
def test_the_order_of_a_shape_is_free_unless_one_is_asked(value: tuple[int, int, int], order: str) -> None:
    channels, height, width = value
    expected = ExpectedAnswer(value, "", (), {}, order=order)

    def right(*sizes: int) -> bool:
        return is_correct(expected, parsing.parse("x".join(map(str, sizes))))[0]

    last_is_first = (height, width, channels) == value
    assert right(channels, height, width) == (order != "HxWxC" or last_is_first)
    assert right(height, width, channels) == (order != "CxHxW" or last_is_first)
    assert right(1, channels, height, width) == (order != "HxWxC")
    assert not right(channels, height, width, 1) and not right(channels, height)
    if height != width and len({*value}) == 3:
        assert not right(channels, width, height)
