"""The numbers in a file of the architecture language: ``weight: "1 0; 0 1"`` in a layer, ``values`` and ``target``.

They are taken out of the tree, so that the rest is a file in the language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple, TypeGuard

from cnncli.errors import CnnError, shortened
from cnncli.homework.exact_ops import matrices, matrix_text
from cnncli.homework.exact_ops.chain.rules.moving import MASK
from cnncli.homework.exact_ops.chain.rules.norms import EPS, MEAN, VARIANCE
from cnncli.homework.exact_ops.chain.weight_sizes import Parts, Unsized, mapping_at, scalar_at
from cnncli.homework.exact_ops.matrix_files import as_array, from_tree, is_file, is_image
from cnncli.homework.exact_ops.numbers import exactly, refuse_roots
from cnncli.language.aliases import WEIGHT_FIELDS
from cnncli.language.source import Mapping, Scalar, Sequence, Value
from cnncli.layers import KINDS, Layer
from cnncli.layers.norm import BatchNorm
from cnncli.layers.reshape import Dropout

SWITCHES = ("true", "false", "yes", "no", "on", "off", "")
OF_ONE_TYPE = {MEAN: BatchNorm, VARIANCE: BatchNorm, MASK: Dropout}  # which no other layer type has
NUMBERS = re.compile(r"[-+./;|,\s]*[0-9][-+0-9./;|,\s]*")
Place = tuple[int, int]  # line and column, from 0


class LayerNumbers(NamedTuple):
    """The numbers of a field of a layer, e.g. gamma: where they are, and their arrays."""

    node: Value
    parts: Parts
    field: str


Numbers = dict[Place, dict[str, LayerNumbers]]  # by the place of the layer


def read_parts(text: str) -> Parts:
    """The arrays of a text, which ``||`` separates: filters or examples; or the one of a file. Raises CnnError."""
    if is_image(text):
        raise CnnError("an image is too large to calculate by hand", "write a small matrix")
    parts = [text] if is_file(text) else matrix_text.split_filters(text)
    return [exact_array(matrices.read_numbers(part)) for part in parts]


def has_row_channels(text: str, parts: Parts) -> bool:
    """Whether the channels of each array of a text are written as rows: ``1 2 | 3 4 || 5 6 | 7 8``."""
    texts = [text] if is_file(text) else matrix_text.split_filters(text)
    return len(texts) == len(parts) and all(map(matrices.has_row_channels, texts, parts))


def exact_array(array: Any) -> Any:
    """An array of exact numbers: a float is the decimal that Python prints."""
    import numpy as np

    if array.dtype == object:
        return array
    return np.frompyfunc(lambda value: exactly(Fraction(repr(float(value)))), 1, 1)(array)


def parts_of(node: Value) -> Parts:
    """The arrays of a value of a file: a text as in :func:`read_parts`, or nested lists. Raises CnnError."""
    if node.dynamic and not (isinstance(node, Scalar) and is_file(node.text)):
        raise CnnError("a matrix in a file takes numbers, not variables", "write the number that each variable has")
    if isinstance(node, Scalar):
        return read_parts(node.text)
    nested = from_tree(node)
    matrix_text.check_equal_lengths(nested, "the list")
    array = as_array(nested)
    refuse_roots(array.reshape(-1))
    return [array]


class TakenNumbers(NamedTuple):
    """The numbers of all layers, and those layers whose weight gives their sizes, by place."""

    numbers: Numbers
    unsized: dict[Place, Unsized]


def take_numbers(root: Mapping, problems: list[tuple[Value, CnnError]]) -> TakenNumbers:
    """The numbers of all layers, which are removed from the tree. Mistakes are added to ``problems``."""
    found = TakenNumbers({}, {})
    _name_numbers(root, set(), problems)
    for kind, key, body in _layers(root, set()):
        numbers, place = _take(KINDS[kind], body, problems), (key.line, key.column)
        if numbers:
            found.numbers[place] = numbers
        if "weight" in numbers:  # of a weight with a mistake, only that is reported, and not that sizes are missing
            node, parts, _ = numbers["weight"]
            unsized = Unsized(KINDS[kind], body, node, parts or [as_array([[0]])], frozenset(body.entries))
            unsized.fill(None)
            found.unsized[place] = unsized
    return found


def has_numbers(root: Value | None) -> bool:
    """Whether a file is one to calculate by hand: it has ``values``, or a layer with its weight."""
    if not isinstance(root, Mapping):
        return False
    return "values" in root.entries or any(
        _weight_name(KINDS[kind], field, node) == "weight"
        for kind, _, body in _layers(root, set())
        for field, node in body.entries.items()
    )


def _layers(node: Value | None, seen: set[int]) -> Iterator[tuple[str, Value, Mapping]]:
    """Every ``type: {fields}`` in a tree, once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _layers(item, seen)
    elif isinstance(node, Mapping):
        for name, value in node.entries.items():
            if name in KINDS and isinstance(value, Mapping):
                yield name, node.keys[name], value
            yield from _layers(value, seen)


def _name_numbers(node: Value | None, seen: set[int], problems: list[tuple[Value, CnnError]]) -> None:
    """Add a problem for each ``conv: 1 2; 3 4``, whose fields would be the numbers of filters and so on.

    The numbers become its weight in the tree, so that nothing else is reported of them.
    """
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, Sequence):
        for item in node.items:
            _name_numbers(item, seen, problems)
    elif isinstance(node, Mapping):
        for name, value in [*node.entries.items()]:
            _name_numbers(value, seen, problems)
            if _are_numbers(value) and name in KINDS and gives_weight(KINDS[name], "weight"):
                hint = f"write {name}: {{weight: '{shortened(value.text)}'}}"
                problems.append((value, CnnError(f"{name} has several fields: name the one with the numbers", hint)))
                node.entries[name] = mapping_at(value, {"weight": value})


def _are_numbers(node: Value) -> TypeGuard[Scalar]:
    """Whether a value is a matrix of several rows, channels or filters, and not a size or a list of fields."""
    return isinstance(node, Scalar) and NUMBERS.fullmatch(node.text) is not None and not {*node.text}.isdisjoint(";|")


def _take(kind: type[Layer], body: Mapping, problems: list[tuple[Value, CnnError]]) -> dict[str, LayerNumbers]:
    found: dict[str, LayerNumbers] = {}
    for field in [*body.entries]:
        node = body.entries[field]
        name = _weight_name(kind, field, node)
        if field == "kernel" and _are_numbers(node) and gives_weight(kind, "weight"):
            hint = f"write weight: '{shortened(node.text)}'; the size follows"
            problems.append((node, CnnError("kernel is the size of the kernel, not its numbers", hint)))
            name = "weight"
        if not name:
            continue
        del body.entries[field]
        try:
            if name in found:
                raise CnnError(f"{field} is given twice: another field gives {name}", "keep one of them")
            found[name] = LayerNumbers(node, parts_of(node), field)
        except CnnError as error:
            problems.append((node, error))
            found[name] = LayerNumbers(node, [], field)
        if name == "bias" and "bias" in kind.schema:
            body.entries["bias"] = scalar_at(node, "true")
            body.keys["bias"] = body.keys[field]
    return found


def gives_weight(kind: type[Layer], field: str) -> bool:
    """Whether the layer type has the weight, buffer or mask that a field of that name gives."""
    name = WEIGHT_FIELDS[field]
    return issubclass(kind, OF_ONE_TYPE[name]) if name in OF_ONE_TYPE else kind.weights is not Layer.weights


def _weight_name(kind: type[Layer], field: str, node: Value) -> str:
    """The weight that a field gives, or "" for a field of the layer type itself (``bias: false``, softplus's beta)."""
    if field == EPS and isinstance(node, Scalar) and node.text in ("0", "0.0") and EPS in kind.schema:
        return EPS
    name = WEIGHT_FIELDS.get(field, "")
    if field not in kind.schema:
        return name
    is_switch = isinstance(node, Scalar) and node.text.lower() in SWITCHES
    return name if field == "bias" and not is_switch else ""
