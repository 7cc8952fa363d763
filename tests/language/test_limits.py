"""What is at a limit is read, and one more is refused with the limit named."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from texts import refusal

from cnncli.arithmetic.shape import read_shape
from cnncli.arithmetic.size import SIZE_LIMIT
from cnncli.errors import CnnError
from cnncli.language import Source
from cnncli.language.composites import LAYER_LIMIT
from cnncli.language.expansion import SCOPE_LIMIT
from cnncli.language.expressions import (
    NESTING_LIMIT,
    VALUE_LIMIT,
    BadExpression,
    evaluate,
)
from cnncli.language.reading import NAME_LIMIT, PROBLEM_LIMIT
from cnncli.language.source import ALIAS_LIMIT, DEPTH_LIMIT
from cnncli.language.tokens import LENGTH_LIMIT
from cnncli.layers.fields import shown
from cnncli.loading import load_source


def network(layers: str, shape: str = "3@9x8") -> str:
    return f"input: {shape}\nlayers: [{layers}]\n"


def nested(depth: int) -> str:
    return "residual: [" * depth + "relu" + "]" * depth


def aliases(count: int) -> str:
    """A list of ``count`` values, used once more by its alias."""
    return f"variables: {{a: &a [{', '.join(['1'] * (count - 1))}], b: *a}}\n" + network("relu")


# limit by name: a text that reaches it, made from the number, and what is said of one more
TEXTS: dict[str, tuple[int, Callable[[int], str], str]] = {
    "letters of a name": (NAME_LIMIT, lambda n: network(f"relu: {{name: {'n' * n}}}"), f"at most {NAME_LIMIT}"),
    "composites in one another": (
        SCOPE_LIMIT, lambda n: network(nested(n)), f"nested deeper than {SCOPE_LIMIT} levels (the limit)"
    ),
    "layers of a repeat": (
        LAYER_LIMIT,
        lambda n: network(f"repeat: {{times: {n}, layers: [relu]}}", "5"),
        f"{LAYER_LIMIT:,} layers (the limit)",
    ),
    "sizes": (SIZE_LIMIT - 1, lambda n: network("relu", f"1@{n}"), "2^31"),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_at_a_limit_is_read_and_one_beyond_is_refused(name: str) -> None:
    limit, made, said = TEXTS[name]
    if name != "layers of a repeat":  # it takes a while
        load_source(Source("net.yaml", made(limit)), "net")
    error = refusal(made(limit + 1))
    assert any(said in f"{problem.message} {problem.hint}" for problem in error.problems), str(error)


EXPRESSIONS: dict[str, tuple[Callable[[int], str], int, str]] = {
    "characters": (lambda n: "1" + "+1" * ((n - 1) // 2) + " " * ((n - 1) % 2), LENGTH_LIMIT, "the limit is 1,000"),
    "brackets": (lambda n: "(" * (n - 1) + "1" + ")" * (n - 1), NESTING_LIMIT, "30 levels (the limit)"),
    "powers": (lambda n: "1" + "**1" * (n - 1), NESTING_LIMIT, "30 levels (the limit)"),
    "calls": (lambda n: "min(" * (n - 1) + "1" + ")" * (n - 1), NESTING_LIMIT, "30 levels (the limit)"),
    "numbers": (str, VALUE_LIMIT, "10^18"),
    "negative numbers": (lambda n: f"-{n}", VALUE_LIMIT, "10^18"),
    "results": (lambda n: f"{n - 1} + 1", VALUE_LIMIT, "10^18 (the limit)"),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_at_a_limit_is_worked_out_and_one_beyond_is_refused(name: str) -> None:
    made, limit, said = EXPRESSIONS[name]
    evaluate(made(limit), {})
    with pytest.raises(BadExpression) as caught:
        evaluate(made(limit + 1), {})
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "hint"), [("${width}", "write $name, without braces"), ("$ w", "write $name"), ("$", "write $name")]
)
def test_a_dollar_without_a_name_is_told_how_to_write_one(text: str, hint: str) -> None:
    with pytest.raises(BadExpression) as caught:
        evaluate(text, {"w": 1})
    assert (caught.value.hint, caught.value.at) == (hint, 0)


def test_a_file_nested_to_the_limit_is_read() -> None:
    def made(depth: int) -> str:
        return "x: " + "[" * depth + "]" * depth + "\ninput: 5\nlayers: [relu]\n"

    messages = [str(refusal(made(depth))) for depth in (DEPTH_LIMIT - 2, DEPTH_LIMIT + 2)]
    assert "deeper" not in messages[0] and f"nested deeper than {DEPTH_LIMIT} levels (the limit)" in messages[1]


def test_aliases_expand_up_to_the_limit() -> None:
    under, over = (aliases(count) for count in (ALIAS_LIMIT - 5, ALIAS_LIMIT + 5))
    load_source(Source("net.yaml", under), "net")
    assert f"aliases expand to more than {ALIAS_LIMIT:,} values (the limit)" in str(refusal(over))


def test_as_many_mistakes_are_noted_as_the_limit_says() -> None:
    wrong = ", ".join(f"wrong{number}" for number in range(PROBLEM_LIMIT + 50))
    assert len(refusal(network(wrong)).problems) in (PROBLEM_LIMIT, PROBLEM_LIMIT + 1)


@pytest.mark.parametrize("length", [1, 59, 60, 61, 200])
def test_a_value_of_60_characters_is_shown_whole_and_a_longer_one_cut(length: int) -> None:
    text = shown("w" * length)
    assert text == "w" * length if length <= 60 else (len(text) == 60 and text.endswith("…"))


@pytest.mark.parametrize(("size", "fits"), [(SIZE_LIMIT - 1, True), (SIZE_LIMIT, False), (10**10, False), (0, False)])
def test_a_shape_has_sizes_from_1_to_below_the_limit(size: int, fits: bool) -> None:
    try:
        shape = read_shape(f"1@{size}")
    except (CnnError, ValueError):
        assert not fits
        return
    assert fits and tuple(shape) == (1, size)
