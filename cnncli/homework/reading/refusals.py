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
    "不可能",
    "невозможно",
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
# Words after which another case begins: 2 if it fits, otherwise does not fit.
_ALTERNATIVES = words("or oder ou either entweder vs versus alternatively")
_CONDITIONS = words("if unless except else otherwise wenn falls sonst andernfalls senão salvo si sino sinon")
_JUDGMENTS = words(
    "true untrue false wrong incorrect wahr unwahr falsch stimmt verdadeiro falso errado verdad vrai faux"
)
_CLAIMS = words("fit fits works divides tiles possible valid passt möglich gültig cabe encaixa possível encaja posible")
_CLAUSES = words("so because since as therefore thus and but which und aber weil denn e mas porque y pero et car")
_DENIED_PARTS = ("불가능하지 않", "불가능은 아니", "불가능이 아니", "并非", "不是不")
_ROUNDING = words(
    """
    round rounds rounded rounding floor floored floors ceil truncated abgerundet aufgerundet gerundet abrunden
    arredondado arredondando arredondamento redondeado redondeando redondeo arrondi arrondissant 내림 버림
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


def is_undecided(tokens: Sequence[AnswerToken]) -> bool:
    """Whether an answer with a refusal also negates it or offers another: ``not impossible``, ``2 or does not fit``."""
    said = [token.text for token in tokens if token.kind == WORD]
    if _JUDGMENTS & {*said} or any(part in " ".join(said) for part in _DENIED_PARTS):
        return True
    if _CONDITIONS & {*said} or not all(map(_is_of_refusal, _split(tokens, _ALTERNATIVES))):
        return True
    clauses = [
        [token.text for token in clause if token.kind == WORD]
        for clause in _split(tokens, _CLAUSES | _ALTERNATIVES, ",;:.()→=-!")
    ]
    return any(_negations_in(clause) > 1 or (not _negations_in(clause) and _CLAIMS & {*clause}) for clause in clauses)


def _is_of_refusal(part: Sequence[AnswerToken]) -> bool:
    """Whether one of several alternatives is a refusal, or goes on with one: ``whole`` in ``no integer or whole``."""
    said = {token.text for token in part if token.kind == WORD}
    return refuses(part) or (said <= _NEGATED | _BESIDE and all(token.kind == WORD for token in part))


def _split(tokens: Sequence[AnswerToken], at_words: frozenset[str], at_signs: str = "") -> list[list[AnswerToken]]:
    """The tokens between words and signs; a pronoun after ``no`` begins a clause, too: ``no it fits``."""
    parts: list[list[AnswerToken]] = [[]]
    for at, token in enumerate(tokens):
        is_border = token.text in at_words if token.kind == WORD else token.kind == SIGN and token.text in at_signs
        if is_border or (at_signs and at and tokens[at - 1].text == "no" and token.text in ("it", "they", "this")):
            parts.append([])
        if not is_border:
            parts[-1].append(token)
    return [part for part in parts if part]


def _negations_in(clause: Sequence[str]) -> int:
    """How many words of a clause negate; ``ne … pas`` is one, and ``without`` does not negate a refusal."""
    single = _NEGATIONS - {"without", "sem", "sin", "senza", "ne"}
    return sum(word in single or word.endswith("n't") or word in _FIXED - _ALONE for word in clause) or (
        int("ne" in clause or bool(_FIXED & {*clause}) or refuses([AnswerToken(WORD, word) for word in clause]))
    )


def states_rounding(tokens: Sequence[AnswerToken]) -> bool:
    """Whether an answer says that its number is rounded: ``does not fit, so 2 after rounding``."""
    return any(token.text in _ROUNDING for token in tokens)


def subject_of_refusal(tokens: Sequence[AnswerToken]) -> AnswerToken | None:
    """The whole number that an answer says not to fit: 7 of ``7 does not fit``."""
    for number, *after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        negates = any(token.text in _NEGATIONS or token.text.endswith("n't") for token in after)
        if number.kind == NUMBER and number.text.isdigit() and negates and after[0].kind == WORD:
            return number
    return None


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
