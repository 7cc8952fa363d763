"""A layer in another notation, and how it is written here: ``conv {filters: 6}``, ``conv 6``, ``Conv2d(3, 6, 5)``."""

from __future__ import annotations

import re

from cnncli.arithmetic.numerals import read_number, read_plain
from cnncli.arithmetic.shape import InvalidValue
from cnncli.errors import enumerated
from cnncli.language.aliases import (
    COMPOSITE_KINDS,
    EVERYWHERE,
    IMPLIED,
    SEPARATE_LAYERS,
    WEIGHTS_BY_HAND,
    field_meant,
    kind_meant,
)
from cnncli.language.hints.slide_notation import repeated, slide_layer, written_item
from cnncli.language.hints.typed_arguments import typed_arguments
from cnncli.layers import KINDS

LONGEST = 300  # characters of an item that is looked at
NUMBERS = r"[\[(]*[-+.0-9][-+.0-9e\s,;|/\[\]()]*"  # of a matrix
_SEPARABLE = ("kernel", "stride", "padding", "dilation", "multiplier")  # fields of the depthwise part
WORD = re.compile(r"[A-Za-z_][\w.]*")

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
_WITHOUT_MEANING = ("inplace", "device", "dtype", "data_format", "input_shape", "kernel_initializer", "return_indices")
DROPPED = (*IMPLIED, *SEPARATE_LAYERS, *_WITHOUT_MEANING)  # no fields: derived from the input, or another layer


def slide_hint(text: str, *, implied: bool = True) -> str:
    """What to write for a layer as on a slide, ``3x3 conv, 64, /2``; "" for any other text."""
    slide = slide_layer(text[:LONGEST], implied=implied)
    if slide is None or not (slide.fields or slide.after or slide.times):
        return ""
    fields = _completed(slide.kinds[0], slide.fields)
    line = written_item(slide.kinds[0], fields)
    if slide.times:
        line = repeated(line, slide.times, slide.after)
    elif slide.after:
        line = ", then - ".join([line, *slide.after])
    if len(slide.kinds) > 1:
        return f"use {enumerated(slide.kinds, 'or')}, e.g. {line}"
    if slide.depth:
        count = fields["filters"]
        other = written_item("conv", fields | {"filters": "…"}).removeprefix("- conv: ")
        line += f" for {count} filters, or {other} if {count} is their depth"
    return f"write {line}"


def _completed(kind: str, fields: dict[str, str]) -> dict[str, str]:
    """The fields in the order of the schema, with ``…`` for each required one that is missing."""
    schema = KINDS[kind].schema
    return {name: fields.get(name, "…") for name, field in schema.items() if field.required or name in fields}


def rewritten_line(line: str) -> str:
    """A line with a list item as it is written here; "" for other lines."""
    item = line.removeprefix("- ").strip()[:LONGEST]
    word = WORD.match(item)
    kind = kind_meant(word[0], [*KINDS, *COMPOSITE_KINDS]) if word else None
    if not line.startswith("- ") or word is None or kind not in KINDS:
        return ""
    return rewritten_layer(kind, word[0], item[word.end() :])


def translated_line(text: str, kind: str, word: str) -> str:
    """A layer in one line whose type has the name ``word`` in another framework; "" where a value would be lost.

    >>> translated_line("Conv2D: {filters: 6, kernel_size: 5}", "conv", "Conv2D")
    '- conv: {filters: 6, kernel: 5}'
    """
    if not text.startswith(word) or "\n" in text or len(text) > LONGEST:
        return ""
    named, _ = typed_arguments(text[len(word) :].strip().lstrip(":").strip())
    named = [(name, value) for name, value in named if name not in DROPPED]
    kept = _known_fields(kind, named)
    lost = len(kept) < len(named) or any(not _accepted(kind, name, value) for name, value in kept.items())
    return "" if lost or (named and KINDS[kind].merges) else rewritten_layer(kind, word, text[len(word) :])


def rewritten_layer(kind: str, word: str, rest: str) -> str:
    """The layer as it is written here, with the values that were typed: ``- conv: {filters: 6, kernel: 5}``."""
    named, positional = typed_arguments(rest.strip().lstrip(":：=").strip())
    if kind not in KINDS:
        return _as_typed(kind, named, positional)
    if word.startswith("F."):
        positional = positional[1:]  # the input
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
    return ", then ".join([written_item(kind, fields), *after])


def separable_lines(rest: str) -> str:
    """The two layers of Keras's ``SeparableConv2D(32, 3)``; ``rest`` is the text after the name.

    Its depthwise part has no bias; the stride, padding and dilation are those of the depthwise part.
    """
    named, positional = typed_arguments(rest.strip().lstrip(":").strip())
    order = ("filters", "kernel", "stride", "padding")
    given = dict(zip(order, positional, strict=False))
    given |= {field_meant(name, [*_SEPARABLE, "filters", "bias"]): value.lower() for name, value in named}
    required = {"kernel": given.get("kernel", "…")}
    depthwise = required | {name: given[name] for name in _SEPARABLE if name in given} | {"bias": "false"}
    pointwise = {"filters": given.get("filters", "…"), "kernel": "1"}
    pointwise |= {"bias": "false"} if given.get("bias") == "false" else {}
    activation = next((value for name, value in given.items() if name in SEPARATE_LAYERS and value), "")
    lines = [written_item("depthwise_conv", depthwise), written_item("conv", pointwise)]
    return ", then ".join([*lines, *([f"- {activation}"] if activation else [])])


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
    if _is_by_hand(name, text.strip("'"), [*KINDS[kind].schema]):
        return True
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
        return written_item(kind, dict(named))
    if len(positional) == 1 and positional[0].startswith("["):
        return f"- {kind}: {positional[0]}"
    return f"- {kind}: {_COMPOSITE_BODIES[kind]}" if kind in _COMPOSITE_BODIES else f"- {kind}"


_COMPOSITE_BODIES = {
    "residual": "[ … ]",
    "parallel": "{branches: [[ … ], [ … ]]}",
    "repeat": "{times: …, layers: [ … ]}",
    "when": "{test: …, layers: [ … ]}",
}


def _positional_fields(kind: str, word: str, values: list[str]) -> dict[str, str]:
    """The fields that values without names mean, by PyTorch's order for its modules, else by cnn's."""
    schema = KINDS[kind].schema
    plain = re.sub(r"[123]d$", "d", word.rpartition(".")[2]).lower()
    values = [part for value in values for part in value.split("@")]  # 6@5x5
    sizes = [value for value in values if re.fullmatch(r"[0-9]+\s*[x×][x×0-9 ]+", value)]
    if sizes and "filters" in schema:  # conv 3x3, 64
        return {"filters": next((value for value in values if value not in sizes), "…"), "kernel": sizes[0]}
    for names in (TORCH_ARGUMENTS.get(plain, tuple(schema)), tuple(schema)):
        fields = {name: value for name, value in zip(names, values, strict=False) if name in schema and value}
        fit = all(_accepted(kind, name, value.lower()) for name, value in fields.items())
        if (fields and (fit or names == tuple(schema))) or not (schema and schema[KINDS[kind].main].required):
            return {name: value.lower() if name == "padding" else value for name, value in fields.items()}
    return {}


def _known_fields(kind: str, named: list[tuple[str, str]]) -> dict[str, str]:
    """The named values under cnn's names, without those that are derived or another layer."""
    known = [*KINDS[kind].schema, *EVERYWHERE]
    given = [name for name, _ in named]
    fields: dict[str, str] = {}
    for name, value in named:
        field = field_meant(name, known, given)
        if _is_by_hand(name, value, known):
            fields[name] = value if value[0] == "[" else f"'{value}'"
        elif name not in DROPPED and value and field in known:
            fields[field] = value.lower() if field == "padding" else value
    return fields


def _is_by_hand(name: str, value: str, known: list[str]) -> bool:
    """Whether a field gives the numbers of a weight, for cnn convolve: ``weight: '2; -1'``, ``bias: 0 0``."""
    return (
        name in WEIGHTS_BY_HAND and re.fullmatch(NUMBERS, value) is not None and (name not in known or name == "bias")
    )
