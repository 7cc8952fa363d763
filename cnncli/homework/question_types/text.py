"""Questions for a word or a short text."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from typing import NamedTuple

from cnncli.homework.answer_key.sheet import one_line
from cnncli.homework.checking.parsing import is_blank
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.languages.messages import text as message
from cnncli.homework.question_types.pattern import LONGEST_TEXT, Pattern
from cnncli.homework.reading.spelling import EMPHASIS, QUOTES

_EXPONENTS = {ord(char): f"^{digit}" for digit, char in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}  # x² is x^2, not x2
_ENDS = ".,;:! "
_QUOTED_AT_MOST = 3  # pairs of quotation marks, or of marks of emphasis, around a text


def normal_text(text: str) -> str:
    """A text such that case, spaces, quotation marks or Markdown's emphasis around it and punctuation after it do not
    count.

    A space between two digits counts: ``1 0`` is not 10.

    >>> normal_text(" “Max  Pooling”. "), normal_text("**ReLU**"), normal_text("1 0"), normal_text("f'")
    ('maxpooling', 'relu', '1 0', "f'")
    """
    plain = _bare(unicodedata.normalize("NFKC", text.translate(_EXPONENTS)).casefold())
    return re.sub(r"(?<!\d)\s+|\s+(?!\d)", "", re.sub(r"\s+", " ", plain))


def _bare(text: str) -> str:
    """A text without quotation marks and emphasis around it, and without punctuation after it."""
    text = text.strip().rstrip(_ENDS)
    for _ in range(_QUOTED_AT_MOST):
        emphasized = EMPHASIS.fullmatch(text)
        if emphasized:
            text = emphasized[2].strip().rstrip(_ENDS)
        elif len(text) > 1 and text[0] in QUOTES and text[-1] in QUOTES:
            text = text[1:-1].strip().rstrip(_ENDS)
    return text


class TextQuestion(NamedTuple):
    """A question for a text: one of ``accepted``, or one that ``pattern`` matches as a whole."""

    accepted: tuple[str, ...]
    pattern: Pattern | None = None

    @property
    def kind(self) -> str:
        return "text"

    def judge(self, name: str, given: str, locale: str = "") -> Verdict:
        """The verdict on an answer."""
        verdict = Verdict(name, one_line(given), False, self.accepted[0] if self.accepted else "", kind=self.kind)
        if self.is_accepted(given):
            return verdict._replace(correct=True, credit=Fraction(1))
        if is_blank(given):
            return verdict._replace(blank=True)
        if self.pattern is not None and len(given) > LONGEST_TEXT:
            remark = message("could not be read: longer than {limit} characters", limit=f"{LONGEST_TEXT:,}")
            return verdict._replace(remarks=(remark,))
        return verdict

    def is_same(self, given: str, accepted: str, locale: str = "") -> bool:
        """Whether an answer is the same text as another one."""
        return normal_text(given) == normal_text(accepted) != ""

    def is_accepted(self, given: str) -> bool:
        """Whether an answer is an accepted text, or matches the pattern."""
        wanted = normal_text(given)
        if wanted and wanted in map(normal_text, self.accepted):
            return True
        return (
            self.pattern is not None
            and bool(wanted)
            and any(self.pattern.matches(text) for text in (given, given.strip().rstrip(_ENDS), _bare(given)))
        )
