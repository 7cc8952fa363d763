"""The text of a file that a student hands in, with ordinary spaces and punctuation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnncli.homework.answer_key.sheet import ReadingNote
from cnncli.homework.languages.messages import text as message
from cnncli.language.source import Source

FILE_LIMIT = 16 << 20  # bytes of a notebook, a Word document or the CSV export of a form: they may hold pictures
SHEET_ENDINGS = (".txt", ".md", ".docx", ".ipynb", ".html", ".htm")  # beside those of YAML
HAND_IN = message("hand in the answers as .yaml or .txt, .docx or .ipynb")
SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff" + "".join(
    map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
)
FULL_WIDTH = {"：": ": ", "；": "; ", "，": ", ", "（": "(", "）": ")", "＝": "=", "．": ".", "＃": "#"}
_ENDS = dict.fromkeys("\r\v\f\x1c\x1d\x1e\x85\u2028\u2029", "\n")
_CONTROLS = {chr(code): "" for code in (*range(9), *range(0x0E, 0x1C), 0x1F, *range(0x7F, 0xA0)) if code != 0x85}
_PLAIN = str.maketrans(
    {**dict.fromkeys(SPACES, " "), **dict.fromkeys(INVISIBLE, ""), **FULL_WIDTH, **_ENDS, **_CONTROLS}
)


class Document(NamedTuple):
    """The text of a file, the names of its lines where they are not numbers, and notes on how it was read."""

    source: Source
    labels: Sequence[str] = ()
    notes: tuple[ReadingNote, ...] = ()

    def where(self, line: int) -> str:
        """The name of a line that is counted from 0: ``line 4``, or ``cell 2, line 1``."""
        return self.labels[line] if line < len(self.labels) else message("line {number}", number=line + 1)


def plain_text(text: str) -> str:
    """A text with ordinary spaces, punctuation and line ends, without invisible characters."""
    return text.replace("\r\n", "\n").translate(_PLAIN)
