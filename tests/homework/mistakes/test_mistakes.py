"""Every mistake is recognized on random exercises by its value, which is computed independently."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import layer_exercises  # noqa: F401  (adds its exercises to MISTAKES)
import matrix_exercises  # noqa: F401
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from mistake_exercises import MISTAKES, Draw, Made

from cnncli.homework.checking.check import check
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.mistakes import table
from cnncli.homework.mistakes.matching import likely
from cnncli.homework.mistakes.shape_mistakes import of_shape
from cnncli.homework.mistakes.texts import is_rare, plain
from cnncli.homework.submissions.reading import read_sheet
from cnncli.language.source import Source
from cnncli.loading import load_source

some = settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
many = settings(some, max_examples=60)


def found_on(made: Made, folder: Path) -> Verdict:
    network, question, value = made
    written = "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
    answer = f"answers: {{{question}: '{written}'}}\n"
    if not network:
        kind, _, fields = question.partition(": ")
        known = "padding" if "find: padding" in fields else "output" if kind == "solve" else "result"
        answer = f"answers: {{{kind}: {fields[:-1]}, {known}: '{written}'}}}}\n"
    path = folder / "sheet.yaml"
    path.write_text((f"architecture: {network}\n" if network else "") + answer, encoding="utf-8")
    (found,) = check(read_sheet(str(path)))
    return found


def recognised(name: str, data: st.DataObject, folder: Path) -> None:
    made = MISTAKES[name](Draw(data))
    value = made[2]
    assume(not isinstance(value, tuple) or all(size > 0 for size in value))
    found = found_on(made, folder)
    assume(not found.correct)  # the mistake makes no difference there
    mistake = name.partition("/")[0]
    assume(not is_rare(mistake) or {*found.mistakes} == {mistake} or not found.mistakes)  # the more likely come first
    assume(mistake != "factor_ten" or found.mistakes)  # not evident from less than three digits
    assert mistake in {part for one in found.mistakes for part in one.split("+")}, (made, found)
    assert likely(found.diagnoses)


def test_every_mistake_has_an_exercise() -> None:
    assert {name.partition("/")[0] for name in MISTAKES} == {*table.MISTAKES}


@pytest.mark.parametrize("name", MISTAKES)
def test_every_mistake_is_recognized_on_random_exercises(name: str, tmp_path: Path) -> None:
    some(given(st.data())(lambda data: recognised(name, data, tmp_path)))()


@settings(some, max_examples=20)
@given(st.data(), st.sampled_from(sorted(MISTAKES)))
def test_a_right_answer_has_no_mistake(data: st.DataObject, name: str) -> None:
    with TemporaryDirectory() as folder:
        network, question, _ = MISTAKES[name](Draw(data))
        asked = found_on((network, question, 0), Path(folder)).expected.split(" (")[0]
        found = found_on((network, question, asked), Path(folder))
    assert found.correct and not found.mistakes


@settings(some, max_examples=20)
@given(st.data(), st.sampled_from(sorted(MISTAKES)), st.integers(10**6, 10**7))
def test_an_answer_that_no_mistake_gives_is_named_nothing(data: st.DataObject, name: str, far: int) -> None:
    with TemporaryDirectory() as folder:
        network, question, _ = MISTAKES[name](Draw(data))
        asked = found_on((network, question, 0), Path(folder)).expected
        prime = 1_000_003  # no factor of an exercise
        unheard = re.sub(r"[0-9]+", lambda size: str(int(size[0]) + far * prime), asked.split(" (")[0].replace(",", ""))
        found = found_on((network, question, unheard if "fit" not in asked else far * prime), Path(folder))
    assert not found.correct and not found.mistakes, (asked, unheard)


@settings(many, max_examples=60)
@given(
    kind=st.sampled_from(["conv", "maxpool", "avgpool"]),
    size=st.integers(7, 30),  # the largest kernel takes 7 with its dilation
    kernel=st.integers(1, 4),
    stride=st.integers(1, 4),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    rounding=st.sampled_from(["floor", "ceil"]),
)
def test_a_mistake_is_named_only_where_it_can_be_made(
    kind: str, size: int, kernel: int, stride: int, padding: int, dilation: int, rounding: str
) -> None:
    assume(padding <= kernel // 2 and (rounding == "floor" or kind != "conv"))
    spread = f", dilation: {dilation}" if kind != "avgpool" else ""
    filters = "filters: 2, " if kind == "conv" else ""
    fields = f"{filters}kernel: {kernel}, stride: {stride}, padding: {padding}{spread}, rounding: {rounding}"
    inferred = load_source(Source("n", f"{{input: 3x{size}x{size}, layers: [{kind}: {{{fields}}}]}}"), "n").inferred
    named = {part for name in of_shape(inferred, inferred.layers[f"{kind}1"]) for part in plain(name).split("+")}
    assert padding or not {name for name in named if "padding" in name or name == "same_as_valid"}
    assert (spread and dilation > 1) or not {name for name in named if "dilat" in name}
    assert stride > 1 or not named & {"stride_ignored", "pool_stride_one", "ceil_for_floor", "floor_for_ceil"}
    assert ("floor_for_ceil" if rounding == "floor" else "ceil_for_floor") not in named


@pytest.mark.slow
@pytest.mark.parametrize("name", MISTAKES)
def test_every_mistake_is_recognized_on_many_random_exercises(name: str, tmp_path: Path) -> None:
    many(given(st.data())(lambda data: recognised(name, data, tmp_path)))()
