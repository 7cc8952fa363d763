"""Numbers are written in the digits 0 to 9 alone, wherever they are read; nothing else is taken for one."""

from __future__ import annotations

import re
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import Run

from cnncli.arithmetic.numerals import in_ascii_digits, is_digits, read_number, rewritten
from cnncli.arithmetic.shape import InvalidValue
from cnncli.commands import SUMMARIES, cnn
from cnncli.language.source import read_plain
from cnncli.layers import KINDS
from cnncli.recipe import Recipe

STRANGE = ["1_6", "1٦", "١٦", "１６", "१६", "1_6.0", "1６e1", "1_6e0"]  # Python reads each as 16, or as 160
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
DIGITS = st.characters(categories=["Nd", "No"])
numbers = st.text(st.one_of(st.sampled_from("0123456789_.eE+-"), DIGITS), min_size=1, max_size=12)


@given(numbers)
def test_what_is_read_is_decimal_and_has_pythons_value(text: str) -> None:
    found = read_number(text)
    decimal = NUMBER.fullmatch(text) is not None and abs(float(text)) < 1e300
    assert (found is not None) == decimal
    if found is not None:
        assert found == float(text)
        assert isinstance(found, int) == (re.fullmatch(r"[+-]?[0-9]+", text) is not None)


@given(st.integers(0, 10**9))
def test_an_integer_is_read_with_any_number_of_digits(number: int) -> None:
    assert read_number(f"{number:020d}") == number
    assert is_digits(str(number))


@given(st.integers(295, 320), st.sampled_from(["", "-", "+"]))
def test_an_integer_may_be_longer_than_a_fraction(length: int, sign: str) -> None:
    digits = f"{sign}{'1' * length}"
    assert read_number(digits) == int(digits)
    assert (read_number(f"{digits}.0") is None) == (length > 300)


@given(st.text(st.characters(categories=["Nd", "No", "L"])))
def test_decimal_digits_alone_are_rewritten(text: str) -> None:
    plain = in_ascii_digits(text)
    for char, found in zip(text, plain, strict=True):
        assert found == (str(int(char)) if char.isdecimal() else char)


@given(numbers)
def test_a_text_of_digits_is_a_number(text: str) -> None:
    assert not is_digits(text) or isinstance(read_number(text), int)


@given(numbers)
def test_what_a_hint_says_to_write_is_a_number_of_the_same_value(text: str) -> None:
    hint = rewritten(text)
    if hint:
        meant = float(text.replace("_", ""))  # Python reads the digits of every script
        assert read_number(hint.removeprefix("write ")) == pytest.approx(meant)
    assert not hint or read_number(text) is None


@pytest.mark.parametrize("text", STRANGE)
def test_the_hint_says_how_it_is_written(text: str) -> None:
    assert re.fullmatch(r"write 16(\.0|e1|e0)?", rewritten(text))


def holds_a_number(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(holds_a_number, value))
    return isinstance(value, int | float) and not isinstance(value, bool)


FIELDS = {f"{kind}.{name}": field.read for kind in KINDS for name, field in KINDS[kind].schema.items()}
KEYS = {f"train.{name}": field.read for name, field in Recipe.schema.items()}


@pytest.mark.parametrize("name", [*FIELDS, *KEYS])
def test_no_field_and_no_key_takes_other_digits_for_a_number(name: str) -> None:
    read = {**FIELDS, **KEYS}[name]
    for text in STRANGE:
        value = read_plain(text)
        assert value == text
        for written in (value, [value], [[value, value]], f"a={text}", f"{text},{text}"):
            try:
                found = read(written)
            except InvalidValue:
                continue
            assert not holds_a_number(found), (written, found)


def numeric_options() -> list[tuple[str, click.Parameter]]:
    numeric = (click.types.IntParamType, click.types.FloatParamType)
    context = click.Context(cnn)
    commands = {name: cnn.get_command(context, name) for name in SUMMARIES}
    return [
        (name, parameter)
        for name, command in commands.items()
        if command is not None
        for parameter in command.params
        if isinstance(parameter.type, numeric)
    ]


@pytest.mark.parametrize(
    ("command", "parameter"), numeric_options(), ids=lambda part: part if isinstance(part, str) else part.name
)
def test_no_option_takes_other_digits_for_a_number(command: str, parameter: click.Parameter) -> None:
    for text in [*STRANGE, "nan", "inf"]:
        with pytest.raises(click.BadParameter):
            parameter.type.convert(text, parameter, None)
    assert parameter.type.convert("7", parameter, None) == 7


@pytest.mark.parametrize("text", ["1_6", "١٦", "１６"])
@pytest.mark.parametrize("key", [name for name, field in Recipe.schema.items() if holds_a_number(field.default)])
def test_no_key_of_the_recipe_does_as_an_option(cnn: Run, key: str, text: str) -> None:
    ended = cnn("train", "digits_cnn", f"--{key.replace('_', '-')}", text, "--dry-run")
    assert ended.code == 2
    assert key.replace("_", "-") in ended.err
    assert not ended.out


@pytest.mark.parametrize(
    ("command", "parameter"), numeric_options(), ids=lambda part: part if isinstance(part, str) else part.name
)
def test_a_number_of_an_option_is_written_as_in_a_file(command: str, parameter: click.Parameter) -> None:
    assert parameter.type.convert("1e1", parameter, None) == 10
    if isinstance(parameter.type, click.types.IntParamType):
        assert isinstance(parameter.type.convert("1e1", parameter, None), int)
        for text in ("1.5", "1e-1", "x"):
            with pytest.raises(click.BadParameter, match=f"'{text}' is not a whole number"):
                parameter.type.convert(text, parameter, None)


def test_there_are_options_with_numbers() -> None:
    assert len(numeric_options()) > 10


@pytest.mark.parametrize("columns", ["²", "٣", "1_0", "9" * 30])
def test_a_strange_width_of_the_terminal_is_no_width(cnn: Run, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert cnn("summarize", "lenet5").code == 0
