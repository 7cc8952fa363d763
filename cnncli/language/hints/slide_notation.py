"""Layers as slides and figures write them: ``3x3 conv, 64, /2``, ``2x2 max pool, stride 2``, ``96 11x11 filters``."""

from __future__ import annotations

import re
from typing import NamedTuple

from cnncli.language.aliases import families_named, kind_named
from cnncli.layers import KINDS

_COUNTED = "filters?|kernels?|channels?|(?:feature )?maps?|features|neurons|units|nodes|outputs?|classes|hidden units"
_OF = r"\s*(?:of\s+)?[:=]?\s*"
_PIECES = re.compile(  # the name of the group that matches is the name of the piece
    rf"""(?P<maps>\d+)\s*@\s*(?P<map_kernel>\d+(?:\s*[x×*]\s*\d+)?)
    |(?P<sizes>\d+(?:\s*[x×*]\s*\d+)+)
    |(?P<times>(?<!\d)[x×]\s*\d+|\d+\s*[x×](?![\s\d]))
    |(?:/|(?:at\s+)?\b(?:strides?|str\.?|s){_OF})\s*(?P<stride>\d+(?:\s*[x×]\s*\d+)?)
    |\b(?:(?:zero[\s-]?)?padding|pad|p){_OF}(?P<padding>\d+|same|valid)\b
    |\b(?P<word_padding>same|valid)\b(?:\s+padding)?
    |(?P<count>\d+)\s+(?:{_COUNTED})\b
    |\b(?:(?:kernel|filter|window)(?:\s+size)?|size|k){_OF}(?P<kernel>\d+)(?!\s*[x×*]|\d)
    |(?P<number>\d+)(?![\w.%])
    |(?P<word>[a-z]+)(?![\w.(])
    |(?P<between>[\s,;:()\[\]+→>|-]+)""",
    re.X,
)
_FILLERS = {"layer", "layers", "of", "with", "at", "and", "a", "the", "by", "size", "window", "windows", "then"}
_FILLERS |= {"filter", "filters", "kernel", "kernels", "feature", "map", "maps", "non", "overlapping"}
_MOST_PIECES = 40
_TWO_AXES = 2
_LARGEST_KERNEL = 15  # in 6@28x28, as in LeNet-5's figure, a larger size is that of the output


class SlideLayer(NamedTuple):
    """What a text on a slide means: a layer type (``kinds`` are several where a word such as pool leaves the choice).

    ``after`` are the layers named after it, ``times`` its repeats, and ``depth`` is true where a third size, read as
    the number of filters, may also be the depth of each filter.
    """

    kinds: tuple[str, ...]
    fields: dict[str, str]
    after: tuple[str, ...] = ()
    times: str = ""
    depth: bool = False


def slide_layer(text: str, *, implied: bool = True) -> SlideLayer | None:
    """The layer that a text describes, if each of its words and numbers has a meaning; None for any other text.

    ``3x3, 64`` without a word is a convolution, if one may be ``implied``.
    """
    pieces = _pieces(_in_words(text.strip().lower()))
    if pieces is None:
        return None
    words = [piece for name, piece in pieces if name == "word"]
    given = [(name, piece) for name, piece in pieces if name not in ("word", "between")]
    kinds, after = _kinds([word for word in words if word not in _FILLERS])
    names = {name for name, _ in given}
    if implied and not {*words} - _FILLERS:
        kinds = ("conv",) if "sizes" in names and len(names) > 1 else ()  # 3x3, 64
    fully_connected = kinds == ("linear",) and [name for name, _ in given] == ["number", "number"]  # 400 -> 120
    if not kinds or (len(names) < len(given) and not fully_connected):
        return None
    return _layer(kinds, dict(given), after)


def _in_words(text: str) -> str:
    """GoogLeNet's ``conv 7x7+2(S)`` (S: same, V: valid), AlexNet's ``1000-way softmax`` and ``3 -> 16`` in words."""
    text = re.sub(r"\+\s*(\d+)\s*\(\s*s\s*\)", r" /\1 padding same", text)
    text = re.sub(r"\+\s*(\d+)\s*\(\s*v\s*\)", r" /\1", text)
    text = re.sub(r"(\d+)-way softmax", r"linear \1 softmax", text)
    return re.sub(r"(?<![\dx×@.])\d+\s*(?:->|→|=>)\s*(\d+)(?![\dx×@.])", r"\1", text)  # 3 -> 16: the input's come first


def _pieces(text: str) -> list[tuple[str, str]] | None:
    """The pieces of a text, each with its name; None where some of it is none."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        piece = _PIECES.match(text, at)
        if piece is None or len(found) > _MOST_PIECES:
            return None
        found += [(name, value.strip()) for name, value in piece.groupdict().items() if value is not None]
        at = piece.end()
    return found


def _kinds(words: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The layer type (or those between which a word leaves the choice), and the types of the layers after it."""
    for end in range(len(words), 0, -1):
        word = "".join(words[:end])
        kinds = families_named(word) or tuple(filter(None, [kind_named(word)]))
        after = [kind_named(other) for other in words[end:]]
        if kinds and all(kind and _needs_nothing(kind) for kind in after):
            return kinds, tuple(kind for kind in after if kind)
    return (), ()


def _needs_nothing(kind: str) -> bool:
    """Whether a layer type has no required field: relu after a convolution, but not linear, whose number is missing."""
    return kind in KINDS and not KINDS[kind].merges and not any(field.required for field in KINDS[kind].schema.values())


def _layer(kinds: tuple[str, ...], given: dict[str, str], after: tuple[str, ...]) -> SlideLayer | None:
    """The layer with these pieces; None where one of them has no meaning for its type."""
    schema = [*KINDS[kinds[0]].schema]
    sizes = _numbers(given.pop("sizes", "")) or _kernel(given.pop("map_kernel", ""))
    count = next((given.pop(name) for name in ("maps", "count", "number") if name in given), "")
    third = not count and len(sizes) > _TWO_AXES
    if third and len(sizes) == _TWO_AXES + 1 and sizes[0] != sizes[1] == sizes[2]:  # 6x5x5
        sizes = [*sizes[1:], sizes[0]]
    if "units" in schema and len(sizes) == _TWO_AXES:  # 400x120
        count, sizes = sizes[-1], []
    count = sizes[-1] if third else count
    times = "".join(_numbers(given.pop("times", "")))
    fields = {"scale": times} if times and "scale" in schema else {}
    field = next((name for name in ("filters", "units") if name in schema), "" if sizes else "kernel")
    fields |= {field: count} if count else {}
    fields |= {"kernel": per_axis(sizes[:_TWO_AXES])} if sizes else {}
    fields |= {name.removeprefix("word_"): per_axis(_numbers(value)) or value for name, value in given.items()}
    if not {*fields} <= {*schema} or (len(sizes) > _TWO_AXES and "filters" not in schema):
        return None
    depth = third and len(sizes) == _TWO_AXES + 1
    return SlideLayer(kinds, fields, after, "" if "scale" in fields else times, depth)


def _kernel(text: str) -> list[str]:
    """The kernel in ``6@5x5``; none for a size that is too large to be one."""
    sizes = _numbers(text)
    return sizes if all(int(size) <= _LARGEST_KERNEL for size in sizes) else []


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d{1,9}", text)


def per_axis(sizes: list[str]) -> str:
    """The sizes of a kernel or a stride as a field: ``3`` for 3 and 3, else ``5x3``; "" for none."""
    return sizes[0] if len({*sizes}) == 1 else "x".join(sizes)


_MEANINGS = {"C": "a convolution", "S": "subsampling", "P": "pooling", "F": "fully connected"}


def figure_name_hint(name: str, value: str) -> str:
    """What to write for a name in LeNet-5's figure: ``C1``, ``S2: 6@14x14``, ``F6: 84``; "" for any other name."""
    if not re.fullmatch("[CSPFcspf][0-9]{1,2}|[CSPF]", name):
        return ""
    letter = name[0].upper()
    named = {"name": name} if name[1:] else {}
    maps, _, sizes = value.rpartition("@")
    count = maps.strip() or (sizes.strip() if sizes.strip().isdecimal() else "") or "…"
    kernel = "" if maps else per_axis(_numbers(sizes)[:_TWO_AXES])
    if letter in "SP":
        size = {"kernel": kernel or "2"}
        kind = "avgpool" if letter == "S" else "maxpool"
        own = written_item("subsample", named | (size if size["kernel"] != "2" else {}))
        choice = f"{own} (LeNet-5's, with weights)" if letter == "S" else written_item("avgpool", named | size)
        lines = f"{written_item(kind, named | size)} or {choice}"
    elif letter == "C":
        lines = written_item("conv", {**named, "filters": count, "kernel": kernel if count == "…" and kernel else "…"})
    else:
        lines = written_item("linear", {**named, "units": count})
    return f"{letter} is {_MEANINGS[letter]} in LeNet's figure: write {lines}"


def repeated(line: str, times: str, after: tuple[str, ...] = ()) -> str:
    """A layer, and those after it, several times: ``- repeat: {times: 2, layers: [relu]}``."""
    return f"- repeat: {{times: {times}, layers: [{', '.join([line.removeprefix('- '), *after])}]}}"


def written_item(kind: str, fields: dict[str, str]) -> str:
    """A layer as an item of a list: ``- linear: 10``, ``- conv: {filters: 6, kernel: 5}``."""
    if not fields:
        return f"- {kind}"
    if kind in KINDS and [*fields] == [KINDS[kind].main] and "…" not in fields.values():
        required = [name for name, field in KINDS[kind].schema.items() if field.required]
        if required in ([], [KINDS[kind].main]):
            return f"- {kind}: {fields[KINDS[kind].main]}"
    return f"- {kind}: {{{', '.join(f'{name}: {value}' for name, value in fields.items())}}}"
