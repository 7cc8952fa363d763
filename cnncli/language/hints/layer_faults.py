"""What is wrong with a list item that begins with a layer type or names a layer, and what to write instead."""

from __future__ import annotations

import re
from typing import NamedTuple

from cnncli.language.aliases import families_named, is_separable, kind_meant, kind_named
from cnncli.language.hints.slide_notation import figure_name_hint, per_axis, repeated, written_item
from cnncli.language.hints.typed_arguments import CLOSING, OPENING, without_brackets
from cnncli.language.hints.typed_layers import (
    LONGEST,
    WORD,
    rewritten_layer,
    rewritten_line,
    separable_lines,
    slide_hint,
)
from cnncli.layers import KINDS

_GLUED = re.compile(r"[{,，]\s*[A-Za-z_]\w*\s*(：|=|:(?=[^\s}]))")
# conv3-64 and conv3x3 (VGG's notation), and an assignment or a name before the layer, as in Python
_SIZE_IN_NAME = re.compile(
    r"(?P<kind>[A-Za-z]+)(?P<kernel>[0-9]{1,2}(?:[x×][0-9]{1,2}:?|(?=[- ])))"
    r"(?:-(?P<filters>[0-9]+)|\s+(?P<value>[0-9]+)|\((?:[0-9]+, *)?(?P<argument>[0-9]+)\))?"  # conv3x3(3, 64)
    r"(?:,?\s*[x×*]\s*(?P<times>[0-9]+))?"
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_NAME = re.compile(r"[A-Za-z]\w*[0-9]\w*|[CSFP]")  # conv1_1, C1, F
_LINE = re.compile(r"- (\w+)(?:: (?:\{(.*?)\}|([^\[{,]*)))?(, then .*)?")
_UNITS = re.compile(r"([A-Za-z]+)[-_]?([0-9]{2,6})")  # FC-4096
_ACTIVATION = re.compile(r"Activation\([\"'](\w+)[\"']\)")
_WORDS = re.compile(r"[A-Za-z]+(?:[ -][A-Za-z]+){1,2}(?![\w.(])")
_ADDED = re.compile(r"\w+\.add\((.*)\)")
_CHAINED = re.compile(r"([^()]+\([^()]*\))\.(\w+)\(\)")
_LETTERS = {"C": "conv", "F": "linear", "P": "pool "}  # of C(64, 3) and P(2)
_VIEW = re.compile(r"(?:\w+\.)?view\(", re.I)
_ASSIGNED = re.compile(r"(?:[\w.]+\s*=|\(\w+\):)\s*(?=[A-Za-z][\w.]*\()")


class Fault(NamedTuple):
    """What is wrong with a text, and what to write."""

    message: str
    hint: str


def layer_fault(text: str, known: list[str]) -> Fault | None:
    """The fault of a list item, without its dash, that begins with a layer type; None for any other text."""
    given = text.strip()[:LONGEST]
    text = _unwrapped(given)
    chained = _CHAINED.fullmatch(text)
    after = kind_named(chained[2]) if chained else None
    text = _joined_words(chained[1] if chained else text, known)
    units = _UNITS.fullmatch(text)
    if units and kind_named(units[1]) == "linear" and text not in known:
        return Fault(f"unknown layer type {text!r}", f"write - linear: {units[2]}")
    other = _sized_layer(text, known) or _named_layer(text, known) or _slide_layer(text, given, known)
    if other is not None:
        return other
    word = WORD.match(text)
    if word is not None and is_separable(word[0]):
        return Fault(f"unknown layer type {word[0]!r}", f"write {separable_lines(text[word.end() :])}")
    kind = kind_meant(word[0], known) if word else None
    if word is None or kind is None:
        return None
    message = _fault(word[0], text[word.end() :])
    if re.match(r"\s+[A-Za-z]", text[word.end() :]) and not kind_named(word[0]) and word[0] not in known:
        return None  # a phrase whose first word only resembles a layer type
    if not message and text != given:
        message = f"unknown layer type {given.partition(':')[0]!r}"
    written = rewritten_layer(kind, word[0], text[word.end() :]) + (f", then - {after}" if after else "")
    return Fault(message, f"write {written}") if message else None


def _unwrapped(text: str) -> str:
    """A layer without what Python writes around it: ``x = nn.ReLU()``, ``model.add(Dense(10))``, ``x.view(-1, 9)``."""
    text = re.sub(r"^(?:(?:layer|step)\s+)?[0-9]+\s*:\s+", "", text, flags=re.I)  # Layer 1: conv 3x3, 64
    letter = re.match(r"[CFP](?=\()", text)
    text = _LETTERS[letter[0]] + text[1:] if letter else text
    text = re.sub(r"^([A-Za-z]+ [A-Za-z]+)[0-9]+:", r"\1:", text)  # MAX POOL1: 3x3 filters
    text = text[assigned.end() :] if (assigned := _ASSIGNED.match(text)) else text
    if (added := _ADDED.fullmatch(text)) is not None:
        text = added[1]
    if (activation := _ACTIVATION.fullmatch(text)) is not None:
        return f"{activation[1]}()"
    return "flatten()" if _VIEW.match(text) else text


def _joined_words(text: str, known: list[str]) -> str:
    """A layer whose type is several words as one: ``fully connected: 10`` is ``fullyconnected: 10``."""
    words = _WORDS.match(text)
    joined = re.sub(r"[\s-]+", "", words[0]) if words else ""
    if not words or kind_named(joined) is None or text.split(":")[0].strip() in known:
        return text
    return joined + text[words.end() :]


def _sized_layer(text: str, known: list[str]) -> Fault | None:
    """The fault of ``conv3-64``, ``conv3x3: 64`` or ``conv3-64 x2``; None for any other text."""
    match = _SIZE_IN_NAME.fullmatch(text)
    kind = kind_meant(match["kind"], known) if match else None
    if match is None or kind not in KINDS or "kernel" not in KINDS[kind].schema or kind_meant(text, known) == text:
        return None
    count = match["filters"] or match["value"] or match["argument"] or "…"
    filters = {"filters": count} if "filters" in KINDS[kind].schema else {}
    line = written_item(kind, filters | {"kernel": per_axis(re.findall("[0-9]+", match["kernel"]))})
    line = repeated(line, match["times"]) if match["times"] else line
    return Fault(f"unknown layer type {text!r}", f"write {line}")


def _slide_layer(text: str, given: str, known: list[str]) -> Fault | None:
    """The fault of a layer as on a slide, ``3x3 conv, 64``; None for others, and where its type is one of cnn's."""
    plain = re.match(r"[\w.]+\s*:\s*([\w.%]*$|[{\[])", text) or text.partition(":")[0] in known
    hint = "" if plain else slide_hint(text)
    word = WORD.match(text)
    message = _fault(word[0], text[word.end() :]) if word and kind_named(word[0]) else ""
    return Fault(message or f"unknown layer type {given!r}", hint) if hint else None


def _named_layer(text: str, known: list[str]) -> Fault | None:
    """The fault of a name where the layer type is expected: ``C1``, ``conv1_1: conv 3x3, 64``, ``fc6: 4096``."""
    name, _, value = map(str.strip, text.partition(":"))
    if name in known or not _NAME.fullmatch(name) or kind_named(name):
        return None
    line = _value_line(value, known)
    hint = f"write {_with_name(line, name)}" if line else figure_name_hint(name, value)
    numbered = None if hint else re.fullmatch(r"([A-Za-z]+)_?[0-9]+(_[0-9]+|[abc])?", name)
    kind = kind_named(numbered[1]) if numbered and not families_named(name) else None
    if not hint and "maxpool" in families_named(name) and value:
        hint = slide_hint(f"pool {value}") if not re.fullmatch(r"[0-9]+", value) else ""
    elif kind:
        hint = f"write {_with_name(_value_line(f'{kind} {value}', known), name)}"
    return Fault(f"unknown layer type {name!r}", hint) if hint else None


def _value_line(value: str, known: list[str]) -> str:
    """The line of a layer after its name, ``{conv: {filters: 6, kernel: 5}}`` or ``conv 6@5x5``; "" for no layer."""
    value = without_brackets(value) if re.match(r"\{\s*\w+\s*:", value) else value
    word = WORD.match(value)
    hint = slide_hint(value, implied=False)
    sized = None if hint else _sized_layer(value, known)
    if sized:
        hint = sized.hint
    elif not hint and word and (kind_named(word[0]) or word[0] in known):
        hint = f"write {rewritten_line(f'- {value}')}"
    return hint.removeprefix("write ") if hint.startswith("write - ") else ""


def _with_name(line: str, name: str) -> str:
    """A layer with a name: ``- relu: {name: relu1}``, ``- conv: {name: c1, filters: 6, kernel: 5}``."""
    written = _LINE.fullmatch(line)
    if written is None:
        return line
    kind, fields, value, after = written.groups("")
    main = f"{KINDS[kind].main}: {value}" if value and kind in KINDS else ""
    return f"- {kind}: {{{', '.join(filter(None, (f'name: {name}', fields, main)))}}}{after}"


def _fault(word: str, rest: str) -> str:
    """What is wrong after the layer type; "" if nothing is."""
    body = rest.strip()
    if not body or re.match(r":[ \t]*(\n|$)", body):  # nothing, or fields in the lines below
        return ""
    if body[0] == "：":
        return "'：' is a full-width colon"
    if body[0] == ":":
        return "a space is missing after the colon" if rest[1:2].strip() else _body_fault(word, body[1:].strip())
    if body[0] == "(" and not rest[0].isspace():
        return "a layer is not written as a call"
    if body in (",", ";"):
        return f"{body!r} after the layer"
    return f"a colon is missing after {word}" if body[0] in "=" + OPENING or body[0].isalnum() else ""


def _body_fault(word: str, body: str) -> str:
    """What is wrong with the fields after ``type: ``."""
    if body[:1] in "｛（“‘":
        return f"{body[0]!r} is not a sign of YAML"
    body = _QUOTED.sub("''", body)
    extra = sum(map(body.count, CLOSING)) - sum(map(body.count, OPENING))
    if extra > 0:
        return f"the fields of {word} are not in braces" if body[0] != "{" else "a closing brace has no opening one"
    if extra < 0:
        return ""  # it may continue in the next line
    if body[-1] in ",;":
        return f"{body[-1]!r} after the layer"
    if body[0] != "{":
        typed = re.match(r"(?:[0-9][^:]*,\s*)?[A-Za-z_]\w*\s*[:=：]", body)
        return f"the fields of {word} are not in braces" if typed else ""
    glued = _GLUED.search(body)
    if glued:
        sign = glued[1]
        return "a space is missing after the colon" if sign == ":" else f"{sign!r} is not YAML's colon"
    return "a comma is missing between the fields" if re.search(r"[^,\s{]\s+\w+:\s|;|，", body) else ""
