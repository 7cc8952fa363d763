"""Reading gettext catalogues: the ``.po`` files beside this module.

The format is that of GNU gettext (https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html), without
contexts and obsolete entries. The catalogues are part of the package, so that no text of a user is read here.
"""

from __future__ import annotations

import re
from ast import literal_eval
from functools import cache
from pathlib import Path

ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "de": "German", "ko": "Korean", "pt": "Portuguese"}
FORMS_OF_PLURAL = {"de": 2, "ko": 1, "pt": 2}  # one form for 1, and one for all others; Korean has one for all
_LINE = re.compile(r'(?:(msgid|msgid_plural|msgstr)(?:\[(\d)\])? )?("(?:[^"\\]|\\.)*")')


@cache
def catalogue(language: str) -> dict[str, tuple[str, ...]]:
    """The translations of a language by English message: one form, or several for a message with a plural."""
    if language == ENGLISH:
        return {}
    return parse_catalogue(Path(__file__).with_name(f"{language}.po").read_text("utf-8"))


def parse_catalogue(text: str) -> dict[str, tuple[str, ...]]:
    """The entries of a ``.po`` file, without its header. Raises ValueError for a line that is none of the format."""
    found: dict[str, tuple[str, ...]] = {}
    for paragraph in re.split(r"\n{2,}", text):
        entry: dict[str, str] = {}
        at = ""
        for line in paragraph.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            match = _LINE.fullmatch(line)
            if match is None:
                raise ValueError(f"not a line of a .po file: {line}")
            at = f"{match[1]}{match[2] or ''}" if match[1] else at
            entry[at] = entry.get(at, "") + literal_eval(match[3])
        if entry.get("msgid"):
            found[entry["msgid"]] = tuple(form for name, form in sorted(entry.items()) if name.startswith("msgstr"))
    return found
