"""The values of a layer in another notation: ``{a: 1, b: 2}``, ``(1, b=2)``, ``1 2`` or ``a=1, b=2``."""

from __future__ import annotations

import re

OPENING, CLOSING = "([{｛（", ")]}｝）"
_FIELD = re.compile(r"([A-Za-z_]\w*)(?:\s*[:=：]\s*|\s+(?=[^\s:=：]))(.*)", re.S)
_BETWEEN_FIELDS = re.compile(r"\s+(?=[A-Za-z_]\w*\s*[:=：])")


def typed_arguments(body: str) -> tuple[list[tuple[str, str]], list[str]]:
    """The named and the other values of ``{a: 1, b: 2}``, ``(1, b=2)``, ``1 2`` or ``a=1, b=2``."""
    named: list[tuple[str, str]] = []
    positional: list[str] = []
    for part in _split(without_brackets(body)):
        for item in _BETWEEN_FIELDS.split(part):
            field = _FIELD.fullmatch(item)
            if field:
                named.append((field[1], _value(field[2])))
            else:
                whole = item[:1] in OPENING or not re.fullmatch(r"[\d.]+(\s+[\d.]+)+", item)
                positional += [_value(item)] if whole else item.split()
    return named, [value for value in positional if value]


def without_brackets(body: str) -> str:
    """A text without the bracket that opens it, and the brackets at its end that close no other."""
    body = body.rstrip(" ,;")
    if body[:1] in OPENING and body:
        body = body[1:]
    while body and body[-1] in CLOSING and sum(map(body.count, CLOSING)) > sum(map(body.count, OPENING)):
        body = body[:-1]
    return body


def _split(text: str) -> list[str]:
    """The parts between commas and semicolons outside brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    quotes = [sign for sign in "'\"" if text.count(sign) % 2 == 0]
    for char in text:
        if char in quotes and quote in ("", char):
            quote = "" if quote else char
        depth += 0 if quote else (char in OPENING) - (char in CLOSING)
        if char in ",;，" and depth <= 0 and not quote:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts if part.strip()]


def _value(text: str) -> str:
    """A value as YAML: without quotes, ``(3, 3)`` as 3 or as a list, ``True`` as true; "" for None."""
    text = text.strip().strip("'\"“”‘’")
    if text[:1] in ("(", "["):
        is_nested = text[1:2] in "(["
        items = [] if is_nested else [_value(item) for item in _split(text.strip(OPENING + CLOSING))]
        if not items:
            return text.replace("(", "[").replace(")", "]")
        return items[0] if len({*items}) == 1 < len(items) else f"[{', '.join(items)}]"
    return {"True": "true", "False": "false", "None": ""}.get(text, text)
