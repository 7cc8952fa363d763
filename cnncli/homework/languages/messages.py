"""Messages to students, which are written in English and read in their language.

A :class:`Message` is its English text, so that code, keys and the teacher's tables work with it as with any text; where
a student reads it, :func:`localized` gives it in the language of the current :func:`speaking` block. What fills in a
message may be a message, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self

from cnncli.errors import CnnError
from cnncli.homework.languages.catalogues import ENGLISH, FORMS_OF_PLURAL, LANGUAGES, catalogue

_LANGUAGE: ContextVar[str] = ContextVar("language", default=ENGLISH)


class Message(str):
    """A message as its English text, with the entry of the catalogues and what fills it in."""

    entry: str
    number: int
    filled_in: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, entry: str, english: str, number: int, filled_in: tuple[tuple[Any, ...], dict[str, Any]]) -> Self:
        """``entry`` is the English singular, ``english`` the form that fits ``number``, both with placeholders."""
        message = super().__new__(cls, _filled(english, filled_in))
        message.entry, message.number, message.filled_in = entry, number, filled_in
        return message

    def translated(self, language: str) -> str:
        """The message in a language; in English where the catalogue does not have it."""
        forms = catalogue(language).get(self.entry)
        if not forms:
            return str(self)
        form = forms[0] if self.number == 1 or FORMS_OF_PLURAL[language] == 1 else forms[-1]
        positional, named = self.filled_in
        return _filled(form, (tuple(map(localized, positional)), {k: localized(v) for k, v in named.items()}))


def _filled(template: str, filled_in: tuple[tuple[Any, ...], dict[str, Any]]) -> str:
    positional, named = filled_in
    return template.format(*positional, **named) if positional or named else template


def text(message: str, *positional: Any, **named: Any) -> Message:
    """A message with what fills in its placeholders, as of ``str.format``."""
    return Message(message, message, 1, (positional, named))


def plural(one: str, many: str, count: int, **named: Any) -> Message:
    """A message that depends on a number, which fills in ``{count}``."""
    return Message(one, one if count == 1 else many, count, ((), {"count": count, **named}))


def translated(message: str, *positional: Any, **named: Any) -> str:
    """A message in the current language."""
    return str(localized(text(message, *positional, **named)))


def localized(message: Any) -> Any:
    """A message in the current language; anything else as it is."""
    if not isinstance(message, Message):
        return message
    return str(message) if _LANGUAGE.get() == ENGLISH else message.translated(_LANGUAGE.get())


def current_language() -> str:
    """The code of the current language: ``en``, ``de``."""
    return _LANGUAGE.get()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Give messages in a language within the block; empty stands for English. Raises CnnError for an unknown one."""
    before = _LANGUAGE.set(known_language(language) or ENGLISH)
    try:
        yield
    finally:
        _LANGUAGE.reset(before)


def known_language(name: str) -> str:
    """The code of a language: ``de`` for ``de``, ``DE`` and ``de_AT``; empty for none. Raises CnnError."""
    code = name.strip().lower().replace("_", "-").partition("-")[0]
    if code and code not in LANGUAGES:
        known = ", ".join(f"{code} ({language})" for code, language in LANGUAGES.items())
        raise CnnError(f"unknown language {name[:40]!r}", f"use {known}")
    return code
