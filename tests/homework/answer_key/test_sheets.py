"""A sheet is read alike in every spelling of YAML, and one size is asked in every way."""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cnncli.errors import CnnError
from cnncli.homework.answer_key.conventions import Conventions
from cnncli.homework.answer_key.convolution_answers import convolve_answer
from cnncli.homework.answer_key.sheet import Question, Sheet, is_convolve, is_solve, one_line
from cnncli.homework.answer_key.size_answers import SEARCH_LIMIT, SIZE_LIMIT, solve_answer
from cnncli.homework.checking.parsing import parse
from cnncli.homework.exact_ops.matrices import read_maps
from cnncli.homework.submissions.reading import sheet_of
from cnncli.language import Source

some = settings(max_examples=25, deadline=None, derandomize=True, database=None)


def sheet(answers: str, more: str = "", *, network: bool = False) -> Sheet:
    return sheet_of(Source("sheet.yaml", f"{more}answers:\n{answers}"), network=network)


def given_as(text: str) -> str:
    (question,) = sheet(f"  q: {text}\n").questions
    assert (question.name, question.fields) == ("q", {})
    return question.given


@some
@given(st.lists(st.integers(0, 999), min_size=1, max_size=4))
def test_a_number_or_a_shape_is_the_same_in_every_spelling_of_yaml(sizes: list[int]) -> None:
    plain = "x".join(map(str, sizes))
    texts = [plain, f"'{plain}'", f'"{plain}"', f"{plain}  # as drawn", f">\n    {plain}", f"|\n    {plain}\n"]
    if len(sizes) > 1:
        items = [*map(str, sizes)]
        texts += [f"[{', '.join(items)}]", "[" + ", ".join(f"'{item}'" for item in items) + "]"]
        texts += ["\n" + "\n".join(f"    - {item}" for item in items), f"({', '.join(items)})"]
    for text in texts:
        assert parse(given_as(text)).shape == tuple(sizes), text
    assert given_as("") == given_as("~") == given_as("null") == "" and given_as("''") == ""


@some
@given(st.lists(st.lists(st.integers(-9, 9), min_size=2, max_size=3), min_size=2, max_size=3), st.integers(2, 3))
def test_a_matrix_is_the_same_in_every_spelling_of_yaml(rows: list[list[int]], maps: int) -> None:
    width = min(map(len, rows))
    rows = [row[:width] for row in rows]
    lines, matrix = [" ".join(map(str, row)) for row in rows], (tuple(map(tuple, rows)),)
    one = "; ".join(lines)
    block, items = "".join(f"\n    {line}" for line in lines), "".join(f"\n    - {line}" for line in lines)
    quoted = "'" + "\n      ".join(lines) + "'"
    for text in (one, f"'{one}'", str(rows), f"|{block}", f"[{', '.join(map(repr, lines))}]", items, quoted):
        assert read_maps(given_as(text)) == matrix, text
    many = matrix * maps
    listed = "".join(f"\n    - {one}" for _ in range(maps))
    for text in (" | ".join([one] * maps), f"[{', '.join([repr(one)] * maps)}]", listed, str([rows] * maps)):
        assert read_maps(given_as(text)) == many, text


@pytest.mark.parametrize("name", ["solve", "Solve 2", "convolve", "CONVOLVE q1", "other"])
def test_the_fields_of_a_question_hold_all_but_its_answer(name: str) -> None:
    kind = name.lower().partition(" ")[0]
    fields = {"solve": "input: 7, kernel: 3, output: 5", "convolve": "input: 1 2, kernel: ['1', '2 1'], result: 3 4"}
    if kind == "other":
        (question,) = sheet(f"  {name}: {{{fields['solve']}}}\n").questions
        assert (question.name, question.given, is_solve(question)) == ("solve other", "5", True)
        return
    (question,) = sheet(f"  {name}: {{{fields[kind]}}}\n").questions
    assert (is_solve(question), is_convolve(question)) == (kind == "solve", kind == "convolve")
    assert question.given == {"solve": "5", "convolve": "3 4"}[kind]
    assert "output" not in question.fields and "result" not in question.fields and "kernel" in question.fields
    (keyed,) = sheet(f"  q: {{{kind}: {{{fields[kind]}}}}}\n").questions
    assert (keyed.name, keyed.given, keyed.fields) == (f"{kind} q", question.given, question.fields)
    body = fields[kind].rpartition(",")[0]
    (answered,) = sheet(f"  q: {{{kind}: {{{body}}}, answer: 9}}\n").questions
    assert (answered.given, answered.fields) == ("9", question.fields)
    assert answered.place is not None and (answered.place.line, answered.place.column) == (2, 3)
    (found,) = sheet("  solve: {input: 7, output: 5, find: kernel, kernel: 3}\n").questions
    assert (found.given, found.fields) == ("3", {"input": "7", "output": "5", "find": "kernel"})
    empty = Question(name, "5", {})
    assert not is_solve(empty) and not is_convolve(empty)


def test_several_kernels_are_a_list_of_texts_and_one_is_a_list_of_numbers() -> None:
    for text, kernel in (
        ("['1 0; 0 1', '0 1; 1 0']", "1 0; 0 1 || 0 1; 1 0"), ("[[1, 0], [0, 1]]", "[[1, 0], [0, 1]]"),
        ("'1 2'", "1 2"), ("[1, 2]", "[1, 2]"),
    ):  # fmt: skip
        (question,) = sheet(f"  convolve: {{input: 1, kernel: {text}, result: 1}}\n").questions
        assert question.fields["kernel"] == kernel


@some
@given(st.text("ab \n\t\x1b\u202eé", max_size=30), st.integers(5, 12))
def test_a_text_of_a_student_is_one_printable_line(text: str, most: int) -> None:
    line = one_line(text, most)
    assert line.isprintable() and len(line) <= most and "  " not in line
    if len(" ".join(text.split())) <= most:
        assert line.replace("�", "") == "".join(char for char in " ".join(text.split()) if char.isprintable())
    assert len(one_line("x" * 600)) == 500 and one_line("x" * 500) == "x" * 500


@pytest.mark.parametrize("answers", ["", "5", "[1, 2]", "{}", "~"])
def test_a_sheet_without_answers_is_refused(answers: str) -> None:
    with pytest.raises(CnnError, match="the sheet has no answers"):
        sheet_of(Source("sheet.yaml", f"student: ann\nanswers: {answers}\n"), network=False)


def test_the_student_is_a_text_and_the_network_is_needed_for_layers_alone(tmp_path: Path) -> None:
    assert sheet("  q: 1\n", "student: Ann Lee\n").student == "Ann Lee"
    assert sheet("  q: 1\n", "student: [Ann, Bob]\n").student == "Ann, Bob" and sheet("  q: 1\n").student == ""
    only = "  solve: {input: 7, kernel: 3, output: 5}\n  convolve: {input: 1 2, kernel: 1, result: 1 2}\n"
    assert sheet(only, network=True).loaded is None is sheet(only, "architecture: ~\n", network=True).loaded
    with pytest.raises(CnnError, match="no architecture"):
        sheet(f"{only}  c1.params: 1\n", network=True)
    inline = "architecture:\n  input: 1x9x9\n  layers: [conv: {filters: 2, kernel: 3, name: a}]\n"
    for more in (inline, "architecture: {input: 1x9x9, layers: [conv: {filters: 2, kernel: 3, name: a}]}\n"):
        found = sheet("  a.params: 20\n", more, network=True)
        assert found.loaded is not None and found.loaded.inferred.totals["params"] == 20
        assert sheet("  a.params: 20\n", more).loaded is None


# One size ---------------------------------------------------------------------------------------------------------


def solved(fields: dict[str, object], conventions: Conventions | None = None) -> object:
    question = Question("solve", "", {name: str(value) for name, value in fields.items()})
    return solve_answer(question, conventions or Conventions()).value


@some
@given(
    n=st.integers(1, 40), k=st.integers(1, 5), s=st.integers(1, 4), p=st.integers(0, 4), d=st.integers(1, 3),
    more=st.integers(0, 2),
)  # fmt: skip
def test_a_size_is_that_of_the_formula_under_every_convention(
    n: int, k: int, s: int, p: int, d: int, more: int
) -> None:
    fields: dict[str, object] = {"input": n, "kernel": k, "stride": s, "padding": p, "dilation": d}
    for total in (False, True):
        padding = p if total else 2 * p
        base = Conventions(padding="in total" if total else "")
        room, steps = n + padding - d * (k - 1) - 1, Fraction(n + padding - d * (k - 1) - 1, s)
        before = p // 2 if total else p
        for rounding, rounded in (("floor", floor(steps)), ("exact", steps), ("ceil", ceil(steps))):
            value = rounded + 1
            if rounding == "ceil" and (value - 1) * s >= n + before:  # a window that starts in the padding after
                value -= 1
                if before > (d * (k - 1) + 1) // 2:
                    continue  # several windows may start there, which PyTorch refuses
            expected = value if room >= 0 and Fraction(value).denominator == 1 else "does not fit"
            assert solved({**fields, "rounding": rounding}, base) == expected, (rounding, total)
            assert solved(fields, base._replace(rounding=rounding)) == expected
        assert solved({**fields, "rounding": "floor"}, base._replace(rounding="ceil")) == solved(
            {**fields, "rounding": "floor"}, base
        )
        back = (n - 1) * s + d * (k - 1) + 1 - padding + more
        transposed = {**fields, "transposed": "yes", "output_padding": more}
        assert solved(transposed, base) == (back if back >= 1 else "does not fit")


@some
@given(n=st.integers(3, 20), k=st.integers(1, 5), p=st.integers(0, 2), s=st.integers(1, 2))
def test_what_is_found_gives_the_output_and_its_derivation_says_so(n: int, k: int, p: int, s: int) -> None:
    assume(n + 2 * p >= k)
    output = (n + 2 * p - k) // s + 1
    window: dict[str, object] = {"input": n, "kernel": k, "padding": p, "stride": s}
    for name in ("input", "kernel", "stride", "padding"):
        known = {key: str(value) for key, value in window.items() if key != name}
        question = Question("solve", "", {**known, "find": name, "output": str(output), "rounding": "floor"})
        expected = solve_answer(question)
        right = {expected.value, *expected.also}
        assert window[name] in right and expected.value == min(right)
        assert all(solved({**known, name: value, "rounding": "floor"}) == output for value in right)
        formula, _, result = expected.derivation[0].rpartition(" = ")
        numbers = formula.replace("floor", "").replace("⌊", "(").replace("⌋", ")")
        assert int(result) == output == floor(eval(numbers)) or "/" in numbers, formula
        shown = [*map(int, re.findall(r"\d+", expected.text))]
        assert shown == sorted(right)[:5] and expected.text.endswith(", …)") == (len(right) > 5)
        if name == "padding":
            wrong = {"padding_in_total": 2 * expected.value, "padding_is_kernel#find": k}
            assert expected.candidates == {name: value for name, value in wrong.items() if value not in right}
    impossible = solve_answer(Question("solve", "", {"input": "5", "kernel": "9", "find": "stride", "output": "3"}))
    assert impossible.value == "not possible" and "does not fit" in impossible.words


def test_a_search_is_refused_just_above_its_limits() -> None:
    fields = {"kernel": 1, "find": "padding"}
    assert solved({**fields, "input": SIZE_LIMIT, "output": SIZE_LIMIT}) == 0
    for name in ("input", "output"):
        with pytest.raises(CnnError, match="are not searched"):
            solved({**fields, "input": 5, "output": 5, name: SIZE_LIMIT + 1})
    with pytest.raises(CnnError, match=f"more than {SEARCH_LIMIT:,} values"):
        solved({"kernel": 1, "find": "input", "output": SIZE_LIMIT, "stride": SEARCH_LIMIT})
    for wrong in ({"kernel": 0}, {"stride": 0}, {"dilation": 0}, {"input": 0}, {"kernel": ""}, {"input": "1.5"}):
        with pytest.raises(CnnError, match=r"at least 1|must be a whole number"):
            solved({"input": 5, "kernel": 3, **wrong})


def test_a_sheet_with_channels_of_one_row_each_asks_a_one_dimensional_convolution() -> None:
    fields = {"input": "1 2 3 | 4 5 6", "kernel": "1 1 | 1 1 || 1 0 | 0 1", "padding": "1"}
    expected = convolve_answer(Question("convolve", "", fields))
    assert expected.value == read_maps(expected.text) == (((5, 12, 16, 9),), ((4, 6, 8, 3),))
    assert [*expected.candidates]
    upstream = {"upstream": "1 0 0 0 | 0 0 0 1", "find": "input"}
    gradient = convolve_answer(Question("convolve", "", {**fields, **upstream}))
    assert gradient.value == (((1, 0, 1),), ((1, 0, 0),))
    assert [*gradient.candidates]
