"""A layer in another notation, and how it is written here: ``conv {filters: 6}``, ``conv 6``, ``Conv2d(3, 6, 5)``."""

from __future__ import annotations

import re
from typing import NamedTuple

from cnncli.arithmetic.numerals import read_number, read_plain
from cnncli.arithmetic.shape import InvalidValue
from cnncli.language.aliases import EVERYWHERE, IMPLIED, SEPARATE_LAYERS, field_meant, kind_meant, kind_named
from cnncli.layers import KINDS

LONGEST = 300  # characters of an item that is looked at
COMPOSITE_KINDS = ("residual", "parallel", "repeat", "when")
_WORD = re.compile(r"[A-Za-z_][\w.]*")
_FIELD = re.compile(r"([A-Za-z_]\w*)(?:\s*[:=：]\s*|\s+(?=[^\s:=：]))(.*)", re.S)
_BETWEEN_FIELDS = re.compile(r"\s+(?=[A-Za-z_]\w*\s*[:=：])")
_GLUED = re.compile(r"[{,，]\s*[A-Za-z_]\w*\s*(：|=|:(?=[^\s}]))")
_OPEN, _CLOSE = "([{｛（", ")]}｝）"

# Positional arguments of PyTorch's modules, where they are not cnn's fields in order. None: derived from the input.
TORCH_ARGUMENTS: dict[str, tuple[str | None, ...]] = {
    "convd": (None, "filters", "kernel", "stride", "padding", "dilation", "groups", "bias"),
    "convtransposed": (None, "filters", "kernel", "stride", "padding", "output_padding", "groups", "bias", "dilation"),
    "linear": (None, "units", "bias"),
    "batchnormd": (None, "eps", "momentum", "affine"),
    "instancenormd": (None, "eps", "momentum", "affine"),
    "layernorm": (None, "eps", "affine"),
    "groupnorm": ("groups", None, "eps", "affine"),
    "prelu": (None, "init"),
    "upsample": ("size", "scale", "mode"),
}
WITHOUT_MEANING = ("inplace", "device", "dtype", "data_format", "input_shape", "kernel_initializer", "return_indices")


class Fault(NamedTuple):
    """What is wrong with a text, and what to write."""

    message: str
    hint: str


# conv3-64 and conv3x3 (VGG's notation), 3x3 conv 64, and an assignment or a name before the layer, as in Python
_SIZE_IN_NAME = re.compile(r"([A-Za-z]+)([0-9]{1,2})(?:[x×][0-9]{1,2})?(?:-([0-9]+)|:?\s+([0-9]+))?")
_SIZE_FIRST = re.compile(
    r"([0-9]{1,2})\s*[x×]\s*[0-9]{1,2}\s+([A-Za-z]+)[:,]?\s*([0-9]*)(?:,\s*(?:/|stride\s*)([0-9]+))?"
)
_UNITS = re.compile(r"([A-Za-z]+)[-_]?([0-9]{2,6})")  # FC-4096
_ACTIVATION = re.compile(r"Activation\([\"'](\w+)[\"']\)")
_WORDS = re.compile(r"[A-Za-z]+(?:[ -][A-Za-z]+){1,2}(?![\w.(])")
_ADDED = re.compile(r"\w+\.add\((.*)\)")
_CHAINED = re.compile(r"([^()]+\([^()]*\))\.(\w+)\(\)")
_VIEW = re.compile(r"(?:\w+\.)?view\(", re.I)
_ASSIGNED = re.compile(r"(?:[\w.]+\s*=|\(\w+\):)\s*(?=[A-Za-z][\w.]*\()")


def layer_fault(text: str, known: list[str]) -> Fault | None:
    """The fault of a list item, without its dash, that begins with a layer type; None for any other text."""
    text = _unwrapped(text.strip()[:LONGEST])
    given, chained = text, _CHAINED.fullmatch(text)
    after = kind_named(chained[2]) if chained else None
    text = _joined_words(chained[1] if chained else text, known)
    units = _UNITS.fullmatch(text)
    if units and kind_named(units[1]) == "linear" and text not in known:
        return Fault(f"unknown layer type {text!r}", f"write - linear: {units[2]}")
    sized = _sized_layer(text, known)
    if sized is not None:
        return sized
    word = _WORD.match(text)
    kind = kind_meant(word[0], known) if word else None
    if word is None or kind is None:
        return None
    message = _fault(word[0], text[word.end() :])
    if not message and text != given:
        message = f"unknown layer type {given.partition(':')[0]!r}"
    written = rewritten_layer(kind, word[0], text[word.end() :]) + (f", then - {after}" if after else "")
    return Fault(message, f"write {written}") if message else None


def _unwrapped(text: str) -> str:
    """A layer without what Python writes around it: ``x = nn.ReLU()``, ``model.add(Dense(10))``, ``x.view(-1, 9)``."""
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
    """The fault of ``conv3-64``, ``conv3x3: 64`` or ``3x3 conv 64``; None for any other text."""
    if match := _SIZE_IN_NAME.fullmatch(text):
        word, kernel, filters = match[1], match[2], match[3] or match[4]
    elif match := _SIZE_FIRST.fullmatch(text):
        word, kernel, filters = match[2], match[1], match[3]
    else:
        return None
    kind = kind_meant(word, known)
    stride = match[4] if match.re is _SIZE_FIRST else None
    if kind not in KINDS or "kernel" not in KINDS[kind].schema or kind_meant(text, known) == text:
        return None
    fields = {"filters": filters or "…", "kernel": kernel} if "filters" in KINDS[kind].schema else {"kernel": kernel}
    fields |= {"stride": stride} if stride else {}
    return Fault(f"unknown layer type {text!r}", f"write {_item(kind, fields)}")


def _fault(word: str, rest: str) -> str:
    """What is wrong after the layer type; "" if nothing is."""
    body = rest.strip()
    if not body or body == ":":
        return ""
    if body[0] == "：":
        return "'：' is a full-width colon"
    if body[0] == ":":
        return "a space is missing after the colon" if rest[1:2].strip() else _body_fault(word, body[1:].strip())
    if body[0] == "(" and not rest[0].isspace():
        return "a layer is not written as a call"
    if body in (",", ";"):
        return f"{body!r} after the layer"
    return f"a colon is missing after {word}" if body[0] in "=" + _OPEN or body[0].isalnum() else ""


def _body_fault(word: str, body: str) -> str:
    """What is wrong with the fields after ``type: ``."""
    if body[:1] in "｛（“‘":
        return f"{body[0]!r} is not a sign of YAML"
    extra = sum(map(body.count, _CLOSE)) - sum(map(body.count, _OPEN))
    if extra > 0:
        return f"the fields of {word} are not in braces" if body[0] != "{" else "a closing brace has no opening one"
    if extra < 0:
        return ""  # it may continue in the next line
    if body[-1] in ",;":
        return f"{body[-1]!r} after the layer"
    if body[0] != "{":
        return f"the fields of {word} are not in braces" if re.match(r"[A-Za-z_]\w*\s*[:=：]", body) else ""
    glued = _GLUED.search(body)
    if glued:
        sign = glued[1]
        return "a space is missing after the colon" if sign == ":" else f"{sign!r} is not YAML's colon"
    return "a comma is missing between the fields" if re.search(r"[^,\s{]\s+\w+:\s|;|，", body) else ""


def rewritten_line(line: str) -> str:
    """A line with a list item as it is written here; "" for other lines."""
    item = line.removeprefix("- ").strip()[:LONGEST]
    word = _WORD.match(item)
    kind = kind_meant(word[0], [*KINDS, *COMPOSITE_KINDS]) if word else None
    if not line.startswith("- ") or word is None or kind not in KINDS:
        return ""
    return rewritten_layer(kind, word[0], item[word.end() :])


def rewritten_layer(kind: str, word: str, rest: str) -> str:
    """The layer as it is written here, with the values that were typed: ``- conv: {filters: 6, kernel: 5}``."""
    named, positional = _arguments(rest.strip().lstrip(":：=").strip())
    if kind not in KINDS:
        return _as_typed(kind, named, positional)
    if KINDS[kind].merges:
        return f"- {kind}: [{', '.join(positional)}]" if positional else f"- {kind}: [name, name]"
    after = [f"- {value.lower()}" for name, value in named if name in SEPARATE_LAYERS and value]
    if word == "Reshape":
        positional = [_channels_first(value) for value in positional]
    named = [(name, _translated(word, name, value)) for name, value in named]
    fields = {**_positional_fields(kind, word, positional), **_known_fields(kind, named), **_implied_fields(kind, word)}
    fields = {name: value if _accepted(kind, name, value) else "…" for name, value in fields.items()}
    missing = [name for name, field in KINDS[kind].schema.items() if field.required and name not in fields]
    fields |= dict.fromkeys(missing, "…")
    return ", then ".join([_item(kind, fields), *after])


def _translated(word: str, name: str, value: str) -> str:
    """A value in another framework's convention as it is written here."""
    if name == "ceil_mode":
        return "ceil" if value == "true" else ""
    if name == "mode":
        return {"bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}.get(value, value)
    number = read_number(value)
    if name == "momentum" and "normalization" in word.lower() and number is not None:
        return f"{1 - number:g}"  # Keras gives the weight of the old value
    return value


def _channels_first(shape: str) -> str:
    """A shape of Keras, which puts the channels last: ``[7, 7, 64]`` is 64x7x7 here."""
    sizes = re.fullmatch(r"\[([0-9]+), ([0-9]+), ([0-9]+)\]", shape)
    return f"{sizes[3]}x{sizes[1]}x{sizes[2]}" if sizes else shape


def _implied_fields(kind: str, word: str) -> dict[str, str]:
    """The fields that the name of another framework's module gives: ReflectionPad2d pads in reflect mode."""
    plain = word.rpartition(".")[2].lower()
    modes = {"reflectionpad": "reflect", "replicationpad": "replicate", "circularpad": "circular"}
    mode = next((mode for name, mode in modes.items() if plain.startswith(name)), "")
    return {"mode": mode} if mode and "mode" in KINDS[kind].schema else {}


def _accepted(kind: str, name: str, text: str) -> bool:
    """Whether the field takes the value, as the reader of a file does; a name of a layer and an expression pass."""
    if name in EVERYWHERE or "$" in text or name not in KINDS[kind].schema:
        return name in EVERYWHERE or "$" in text
    import yaml  # needed only for errors

    try:
        value = yaml.load(text, Loader=yaml.BaseLoader)
        KINDS[kind].schema[name].read(_plain_values(value))
    except (yaml.YAMLError, InvalidValue):
        return False
    return True


def _plain_values(value: object) -> object:
    return [_plain_values(item) for item in value] if isinstance(value, list) else read_plain(str(value))


def _as_typed(kind: str, named: list[tuple[str, str]], positional: list[str]) -> str:
    if named:
        return _item(kind, dict(named))
    return f"- {kind}: {positional[0]}" if len(positional) == 1 else f"- {kind}"


def _item(kind: str, fields: dict[str, str]) -> str:
    if not fields:
        return f"- {kind}"
    if kind in KINDS and [*fields] == [KINDS[kind].main] and "…" not in fields.values():
        required = [name for name, field in KINDS[kind].schema.items() if field.required]
        if required in ([], [KINDS[kind].main]):
            return f"- {kind}: {fields[KINDS[kind].main]}"
    return f"- {kind}: {{{', '.join(f'{name}: {value}' for name, value in fields.items())}}}"


def _positional_fields(kind: str, word: str, values: list[str]) -> dict[str, str]:
    """The fields that values without names mean, by PyTorch's order for its modules, else by cnn's."""
    schema = KINDS[kind].schema
    plain = re.sub(r"[123]d$", "d", word.rpartition(".")[2]).lower()
    values = [part for value in values for part in value.split("@")]  # 6@5x5
    sizes = [value for value in values if re.fullmatch(r"[0-9]+\s*[x×][x×0-9 ]+", value)]
    if sizes and "filters" in schema and len(values) > 1:  # conv 3x3, 64
        return {"filters": next((value for value in values if value not in sizes), "…"), "kernel": sizes[0]}
    for names in (TORCH_ARGUMENTS.get(plain, tuple(schema)), tuple(schema)):
        fields = {name: value for name, value in zip(names, values, strict=False) if name in schema and value}
        if fields or not (schema and schema[KINDS[kind].main].required):
            return {name: value.lower() if name == "padding" else value for name, value in fields.items()}
    return {}


def _known_fields(kind: str, named: list[tuple[str, str]]) -> dict[str, str]:
    """The named values under cnn's names, without those that are derived or another layer."""
    skipped = (*IMPLIED, *SEPARATE_LAYERS, *WITHOUT_MEANING)
    given = [name for name, _ in named]
    names = {name: field_meant(name, [*KINDS[kind].schema, *EVERYWHERE], given) for name in given}
    return {
        names[name]: value.lower() if names[name] == "padding" else value
        for name, value in named
        if name not in skipped and value and (names[name] in KINDS[kind].schema or names[name] in EVERYWHERE)
    }


def _arguments(body: str) -> tuple[list[tuple[str, str]], list[str]]:
    """The named and the other values of ``{a: 1, b: 2}``, ``(1, b=2)``, ``1 2`` or ``a=1, b=2``."""
    named: list[tuple[str, str]] = []
    positional: list[str] = []
    for part in _split(_without_brackets(body)):
        for item in _BETWEEN_FIELDS.split(part):
            field = _FIELD.fullmatch(item)
            if field:
                named.append((field[1], _value(field[2])))
            else:
                whole = item[:1] in _OPEN or not re.fullmatch(r"[\d.]+(\s+[\d.]+)+", item)
                positional += [_value(item)] if whole else item.split()
    return named, [value for value in positional if value]


def _without_brackets(body: str) -> str:
    body = body.rstrip(" ,;")
    if body[:1] in _OPEN and body:
        body = body[1:]
    while body and body[-1] in _CLOSE and sum(map(body.count, _CLOSE)) > sum(map(body.count, _OPEN)):
        body = body[:-1]
    return body


def _split(text: str) -> list[str]:
    """The parts between commas and semicolons outside brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in _OPEN) - (char in _CLOSE)
        if char in ",;，" and depth <= 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts if part.strip()]


def _value(text: str) -> str:
    """A value as YAML: without quotes, ``(3, 3)`` as 3 or as a list, ``True`` as true; "" for None."""
    text = text.strip().strip("'\"“”‘’")
    if text[:1] in ("(", "["):
        items = [_value(item) for item in _split(text.strip("".join(_OPEN + _CLOSE)))] if text[1:2] not in "([" else []
        if not items:
            return text.replace("(", "[").replace(")", "]")
        return items[0] if len({*items}) == 1 < len(items) else f"[{', '.join(items)}]"
    return {"True": "true", "False": "false", "None": ""}.get(text, text)
