"""What people write around an answer: derivations, explanations, remarks in parentheses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from cnncli.homework.reading.expression import FUNCTIONS, NotAnExpression, evaluate
from cnncli.homework.reading.locales import POINT
from cnncli.homework.reading.shapes import closing
from cnncli.homework.reading.tokens import NUMBER, SIGN, WORD, AnswerToken, is_sign
from cnncli.homework.reading.words import (
    AXES,
    BATCH,
    EXPLAINS,
    FILLERS,
    NUMBER_WORDS,
    RESULT_NAMES,
    RESULTS,
    WRAPPERS,
)


def with_shared_axes(tokens: list[AnswerToken]) -> list[AnswerToken]:
    """``H = W = 28`` as ``H = 28, W = 28``, where other axes follow."""
    texts = [token.text for token in tokens]
    for at in range(len(tokens) - 5):
        is_shared = texts[at + 1] == texts[at + 3] == "=" and tokens[at + 4].kind == NUMBER
        if is_shared and AXES.get(texts[at]) == "H" and AXES.get(texts[at + 2]) == "W":
            size, comma = tokens[at + 4], AnswerToken(SIGN, ",")
            return [*tokens[: at + 2], size, comma, *tokens[at + 2 :]]
    return tokens


def after_derivation(tokens: list[AnswerToken]) -> list[AnswerToken]:
    """The tokens after the last ``so``, if there is a number among them: ``26 per filter, so 156``."""
    at = max((at for at, token in enumerate(tokens) if token.kind == WORD and token.text in RESULTS), default=-1)
    has_result = any(token.kind == NUMBER for token in tokens[at + 1 :])
    return tokens[at + 1 :] if has_result else tokens


def last_statement(tokens: list[AnswerToken]) -> list[AnswerToken]:
    """The last of several equations, where it uses the result of an earlier one, or names the total.

    ``5*5*6 = 150, 150 + 6 = 156``; ``weights: 150, biases: 6, total: 156``.
    """
    bounds = [at for at, token in enumerate(tokens) if is_sign(token, ",", ";") and at + 1 < len(tokens)]
    if not bounds or sum(is_sign(token, "=", ":", "→") for token in tokens) < 2:
        return tokens
    begin = bounds[-1] + 1
    before, last = tokens[:begin], tokens[begin:]
    if not all(any(is_sign(token, "=", ":", "→") for token in part) for part in (before, last)):
        return tokens
    result = before[-2]
    if is_sign(last[0], "+", "*", "×") and result.kind == NUMBER:
        return [result, *last]  # 6*25 = 150; +6 = 156
    results = {token.text for token in before if token.kind == NUMBER}
    uses = any(token.kind == NUMBER and token.text in results for token in last[:-1])
    return (
        last if uses or last[0].text in ("total", "sum", "altogether", "answer", "result", "summe", "soma") else tokens
    )


def has_two_questions(tokens: Sequence[AnswerToken]) -> bool:
    """Whether another question follows an answer on its line: ``150 c1.shape: 6x28x28``."""
    for at in range(1, len(tokens) - 3):
        layer, dot, quantity, colon = tokens[at : at + 4]
        is_name = layer.kind == quantity.kind == WORD and dot.text == "." and not (dot.spaced or quantity.spaced)
        if is_name and is_sign(colon, ":", "=") and tokens[at - 1].text not in RESULTS:
            return any(token.kind == NUMBER for token in tokens[:at])
    return False


def names_several(
    parts: Sequence[Sequence[AnswerToken]], last: Fraction | None, written: Sequence[AnswerToken]
) -> bool:
    """Whether the sides of an answer name another value before the ``last``: ``a = 28, b = 32``.

    ``written`` is the whole answer, with its remarks. A value from which the last one follows is no other answer:
    ``k = 5, p = (k - 1)/2 = 2``, ``weights = 150, biases = 6, params = 156``.
    """
    others: list[Fraction] = []
    asked = _words_of(parts[-2]) if len(parts) > 1 else []
    for at, part in enumerate(parts[:-1]):
        end = next((i for i, token in enumerate(part) if token.kind == WORD or is_sign(token, ",", ";")), 0)
        given, value = {*(_words_of(parts[at - 1]) if at else ())}, _value_of(part[:end])
        goes_on = any(token.kind == NUMBER for token in part[end:])  # 26 per filter, times 6
        is_named = bool(given) if at else is_sign(part[end], ",", ";")
        if value is None or goes_on or not is_named or not _words_of(part[end:]):
            continue
        is_used = sum(token.text in given for token in written) > 1
        is_given = bool(given) and not given & RESULT_NAMES and bool(RESULT_NAMES & {*asked[-1:]})
        if not is_given and (not is_used or given & {*_words_of(part[end:])}):
            others.append(value)
    follows = {*others} == {last} or (len(others) > 1 and last in (sum(others), math.prod(others)))
    return bool(others) and not follows


def _words_of(part: Sequence[AnswerToken]) -> list[str]:
    """The words of a name; none for an expression."""
    is_expression = any(is_sign(token, *"+-*/^x×") for token in part)
    return [] if is_expression else [token.text for token in part if token.kind == WORD]


def _value_of(tokens: Sequence[AnswerToken]) -> Fraction | None:
    try:
        return evaluate(tokens, POINT).number if tokens else None
    except NotAnExpression:
        return None


def without_total(tokens: list[AnswerToken]) -> list[AnswerToken]:
    """``2 per side`` of ``4 in total, 2 per side``: a padding that is stated in both ways."""
    at = next((at for at, token in enumerate(tokens) if is_sign(token, ",", ";")), 0)
    parts = [tokens[:at], tokens[at + 1 :]]
    numbers = [sum(token.kind == NUMBER for token in part) for part in parts]
    totals = [any(token.text == "total" for token in part) for part in parts]
    sides = [any(token.text in ("side", "each", "sides") for token in part) for part in parts]
    if at and numbers == [1, 1] and totals != sides and sorted(totals) == sorted(sides) == [False, True]:
        return parts[sides.index(True)]
    return tokens


def without_layout(tokens: list[AnswerToken]) -> list[AnswerToken]:
    """The tokens without ``channels last`` or ``channels first``."""
    at = next((at for at, token in enumerate(tokens) if at and token.text in ("first", "last")), 0)
    return [*tokens[: at - 1], *tokens[at + 1 :]] if at and tokens[at - 1].text.startswith("channel") else tokens


def without_explanation(tokens: list[AnswerToken]) -> list[AnswerToken]:
    """The tokens before ``because`` and the like."""
    at = next((at for at, token in enumerate(tokens) if at and token.kind == WORD and token.text in EXPLAINS), None)
    return tokens if at is None else tokens[:at]


def without_remarks(tokens: list[AnswerToken]) -> tuple[list[AnswerToken], list[list[AnswerToken]]]:
    """The tokens without remarks in parentheses, ``156 (weights and biases)``, and the content of these."""
    kept: list[AnswerToken] = []
    remarks: list[list[AnswerToken]] = []
    at = 0
    while at < len(tokens):
        end = _end_of_remark(tokens, at) if is_sign(tokens[at], "(", "[") and kept else -1
        if end > at:
            remarks.append(tokens[at + 1 : end])
            at = end + 1
        else:
            kept.append(tokens[at])
            at += 1
    has_number = any(token.kind == NUMBER for token in kept)
    return (kept, remarks) if has_number else (tokens, [])


def _end_of_remark(tokens: Sequence[AnswerToken], at: int) -> int:
    """The position of the parenthesis that ends a remark in words; -1 where it is a part of the answer."""
    end = closing(tokens, at)
    before, inner = tokens[at - 1], tokens[at + 1 : end]
    if end < 0 or not inner or (before.kind == WORD and before.text in (*FUNCTIONS, *WRAPPERS)):
        return -1
    if is_sign(inner[0], "=", "≈") or _restates(tokens[:at], inner):
        return end
    words = [token.text for token in inner if token.kind == WORD]
    has_number = any(token.kind == NUMBER or token.text in NUMBER_WORDS for token in inner)
    has_operator = any(is_sign(token, "+", "-", "/") for token in inner)
    is_named = any(word in AXES for word in words) and all(word in AXES or word in FILLERS for word in words)
    is_shape = has_number and not has_operator and is_named
    is_number = has_number and all(word in (*FUNCTIONS, *NUMBER_WORDS, "x") for word in words)
    is_value = inner[0].text in BATCH or is_shape or is_number
    return -1 if is_value or before.text in ("*", "x", "×", "+", "-", "/", "^") else end


def _restates(before: Sequence[AnswerToken], inner: Sequence[AnswerToken]) -> bool:
    """Whether parentheses have the value of what precedes them: 156 (150 + 6)."""
    value = _value_of(before)
    return value is not None and value == _value_of(inner)
