"""The forms of "does not fit": a negation and what is negated, or one word for both."""

from __future__ import annotations

from collections.abc import Sequence

from cnncli.homework.reading.tokens import NUMBER, SIGN, WORD, AnswerToken
from cnncli.homework.reading.words import words

_NEGATIONS = words(
    """
    not no never cannot cant dont doesnt isnt wont without nicht kein keine keinen nie non não nao nem sin ne pas niet
    нет не nessun senza
    """
)
_NEGATED = words(
    """
    fit fits fitting fitted work works possible integer integers integral whole divide divides divisible divided
    dividing evenly exact valid tile tiles come done feasible solution solutions defined solvable natural
    passt passen geht möglich ganzzahlig ganzzahlige ganzzahliges ganze ganzen teilbar lösung gültig
    cabe cabem encaixa possível inteiro inteira divisível solução válido serve encaja posible entero divisible solución
    dá dar convient rentre entier divise possibile intero подходит целое делится
    """
)
# Alone, or at the beginning or the end of an answer.
_FIXED = words(
    """
    invalid impossible undefined error none no nope misfit unfit infeasible indivisible fractional noninteger nan
    unmöglich ungültig imposible impossível inválido unsolvable doesnotfit ∅ nein não
    """
)
_ABSENT = words("output result size such way answer value ausgabe ergebnis saída salida")  # after no
_ALONE = frozenset(("no", "nope", "none", "nan", "error", "nein", "não", "∅"))
_PARTS = (
    "맞지",
    "안맞",
    "불가능",
    "나누어떨어지지",
    "정수가 아",
    "无法",
    "不是整",
    "不能",
    "不匹配",
    "除不尽",
    "割り切れ",
)
_REACH = 6  # words between a negation and what it negates
_BESIDE = words(
    """
    it its it's the a an this that is are was does do did will would can could be window kernel filter size input
    exactly so then but and after before rounded rounding down up floor floored we get gives hence because answer result
    or i.e
    """
)
_ABOUT_DIVISION = frozenset(["divide", "divides", "divisible", "divided", "dividing", "teilbar", "divisível", "divise"])


def refuses(tokens: Sequence[AnswerToken]) -> bool:
    """Whether an answer says that there is none: ``does not fit``, ``not an integer``, ``impossible``."""
    said = [token.text for token in tokens if token.kind == WORD]
    if any(part in " ".join(said) for part in _PARTS):
        return True
    if len(said) == 1 and len(tokens) <= 2 and said[0] in _FIXED:
        return True
    if any(word in _FIXED - _ALONE for word in said):
        return True
    if "too" in said and {"large", "big", "small", "groß", "grande"} & {*said}:
        return True
    negations = [at for at, word in enumerate(said) if word in _NEGATIONS or word.endswith("n't")]
    return any(_negates(said, at) for at in negations)


def _negates(said: list[str], at: int) -> bool:
    """Whether the negation at a position has something to negate after it, or just before it (``passt nicht``)."""
    if said[at] in ("no", "keine", "sem", "sin") and said[at + 1 : at + 2] and said[at + 1] in _ABSENT:
        return True
    return any(word in _NEGATED for word in (*said[max(0, at - 2) : at], *said[at + 1 : at + 1 + _REACH]))


def beside_refusal(tokens: Sequence[AnswerToken]) -> list[AnswerToken]:
    """The tokens of a number that stands beside a refusal: 2.33 of ``2.33 (does not fit)``; empty where it is none.

    In ``4 is not divisible by 3`` the numbers are the reason, not an answer.
    """
    said = {token.text for token in tokens if token.kind == WORD}
    if said & _ABOUT_DIVISION:
        return []
    known = _NEGATIONS | _NEGATED | _FIXED | _BESIDE
    if any(word not in known and not word.endswith("n't") for word in said):
        return []
    numbers = [at for at, token in enumerate(tokens) if token.kind == NUMBER]
    if not numbers or any(token.kind == WORD for token in tokens[numbers[0] : numbers[-1]]):
        return []
    begin, end = numbers[0], numbers[-1] + 1
    is_subject = end < len(tokens) and tokens[end].kind == WORD and tokens[begin].text.isdigit() and end == begin + 1
    if is_subject:
        return []  # 7 does not fit
    while begin and tokens[begin - 1].kind == SIGN:
        begin -= 1
    while end < len(tokens) and tokens[end].kind == SIGN:
        end += 1
    return _trimmed(list(tokens[begin:end]))


def _trimmed(tokens: list[AnswerToken]) -> list[AnswerToken]:
    """The tokens without the signs around them that separate them from the refusal."""
    while tokens and tokens[0].text in (",", ";", ":", "=", "→", "-", ")", ".", "!", "/", "..."):
        if tokens[0].text == "-" and len(tokens) > 1 and tokens[1].kind == NUMBER and not tokens[1].spaced:
            break
        tokens = tokens[1:]
    while tokens and tokens[-1].text in (",", ";", ":", "=", "→", "-", "(", ".", "!", "/", "..."):
        tokens = tokens[:-1]
    opened = sum((t.text == "(") - (t.text == ")") for t in tokens)
    if opened == -1 and tokens[-1].text == ")":
        tokens = tokens[:-1]
    if opened == 1 and tokens[0].text == "(":
        tokens = tokens[1:]
    return tokens
