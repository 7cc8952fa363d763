"""Composites, each with a scope of its own: residual, parallel, repeat, and calls of blocks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cnncli.arithmetic.numerals import rewritten
from cnncli.language.blocks import COMPOSITES, Block
from cnncli.language.entries import fail_missing, given_fields
from cnncli.language.expansion import Call, Expansion
from cnncli.language.expressions import UNKNOWN, Env
from cnncli.language.layer_lists import LAYER_LIMIT
from cnncli.language.reading import ReportedError, is_name, is_nothing, name_hint
from cnncli.language.source import Mapping, Scalar, Sequence, Value
from cnncli.layers import KINDS
from cnncli.layers.fields import shown

Composite = Callable[[Expansion, Call], str | None]


def residual(expansion: Expansion, call: Call) -> str | None:
    """``layers(x) + shortcut(x)``; the shortcut defaults to x itself."""
    body = _body(expansion, call)
    first = len(expansion.nodes)
    layers = expansion.lists.list_of(body["layers"], "residual")
    has_shortcut = not is_nothing(body.get("shortcut"))
    reserved = {"shortcut": "its branch shortcut"} if has_shortcut else {}
    inner = expansion.expand(layers, call.env, f"{call.path}.", call.previous, reserved)
    shortcut = _branch(expansion, call, "shortcut", body["shortcut"]) if has_shortcut else call.previous
    joined = expansion.join(call, "add", [inner, shortcut])
    expansion.group(call.path, "residual", first)
    return joined


def parallel(expansion: Expansion, call: Call) -> str | None:
    """Branches that read the same input, merged."""
    body = _body(expansion, call)
    first = len(expansion.nodes)
    merge = _merge_kind(expansion, call, body.get("merge"))
    branches = _named_branches(expansion, body["branches"])
    ends = [_branch(expansion, call, name, node) for name, node in branches.items()]
    joined = expansion.join(call, merge, ends)
    expansion.group(call.path, "parallel", first)
    return joined


def _named_branches(expansion: Expansion, node: Value) -> dict[str, Value]:
    if isinstance(node, Mapping):
        branches = node.entries
    else:
        items = expansion.lists.list_of(node, "branches").items
        branches = {str(position): item for position, item in enumerate(items)}
    if not branches:
        expansion.reading.fail(node, "parallel needs at least one branch", "write branches: [[ … ], [ … ]]")
    for name in branches:
        if not is_name(name):
            expansion.reading.fail(node, f"{name!r} is not a name", name_hint(name))
    return branches


def _merge_kind(expansion: Expansion, call: Call, node: Value | None) -> str:
    if node is None or is_nothing(node):
        return "concat"
    merge = expansion.reading.text(node, call.env, "merge")
    merges = [kind for kind, layer in KINDS.items() if layer.merges]
    if merge not in merges:
        expansion.reading.fail(node, f"branches cannot be merged by {merge!r}", f"merge by {', '.join(merges)}")
    return merge


def _branch(expansion: Expansion, call: Call, name: str, node: Value) -> str | None:
    """One path through a composite; an empty one passes the input on."""
    if is_nothing(node):
        return call.previous
    first, path = len(expansion.nodes), f"{call.path}.{name}"
    layers = expansion.lists.list_of(node, "a branch" if name != "shortcut" else "shortcut")
    end = expansion.expand(layers, call.env, f"{path}.", call.previous)
    if end is not None:
        expansion.outputs.setdefault(path, end)
    expansion.group(path, "branch", first)
    return end


def repeat(expansion: Expansion, call: Call) -> str | None:
    """The layers ``times`` times in sequence, with the number of the repeat as ``$index``."""
    body = _body(expansion, call)
    times = _times(expansion, body["times"], call.env)
    layers = expansion.lists.list_of(body["layers"], "repeat")
    index = _index_name(expansion, call, body.get("index"))
    first, previous = len(expansion.nodes), call.previous
    for number in range(times):
        expansion.lists.count(call.entry.at, 1)
        start, path = len(expansion.nodes), f"{call.path}.{number}"
        env = {**call.env, index: number} if index else call.env
        previous = expansion.expand(layers, env, f"{path}.", previous)
        if previous is not None:
            expansion.outputs[path] = previous
        expansion.group(path, "round", start)
    expansion.group(call.path, "repeat", first)
    return previous


def _index_name(expansion: Expansion, call: Call, node: Value | None) -> str:
    if node is None or is_nothing(node):
        return ""
    index = expansion.reading.text(node, call.env, "index")
    if not is_name(index):
        expansion.reading.fail(node, f"{index!r} is not a name", "write index: i, and $i in the layers")
    return index


def _times(expansion: Expansion, node: Value, env: Env) -> int:
    times = expansion.reading.value(node, env)
    if isinstance(times, float) and times.is_integer():
        times = int(times)
    if not isinstance(times, int) or isinstance(times, bool) or times < 0:
        hint = rewritten(times) if isinstance(times, str) else ""
        expansion.reading.fail(node, f"times must be a whole number of at least 0, not {shown(times)}", hint)
    if times > LAYER_LIMIT:
        expansion.reading.fail(
            node, f"{times:,} repeats give more than {LAYER_LIMIT:,} layers (the limit)", "repeat fewer times"
        )
    return times


def block(expansion: Expansion, call: Call) -> str | None:
    """A block's layers, with its parameters given."""
    called = expansion.blocks[call.entry.kind]
    if called.layers is None:
        raise ReportedError
    env = _arguments(expansion, called, call)
    first = len(expansion.nodes)
    expansion.lists.count(call.entry.at, 1)
    end = expansion.expand(called.layers, env, f"{call.path}.", call.previous)
    expansion.group(call.path, called.name, first)
    return end


def _arguments(expansion: Expansion, called: Block, call: Call) -> dict[str, Any]:
    """The block's parameters beside the file's variables: given, defaults, or as declared. Raises ReportedError."""
    reading, known = expansion.reading, list(called.parameters)
    before = reading.reported
    given = given_fields(reading, call.entry, known[0] if known else "", known, call.path)
    defaults = expansion.defaults.get(called.name)
    env = dict(expansion.top)
    missing = []
    for parameter, declared in called.parameters.items():
        if parameter in given:
            node, where = given[parameter], call.env
        elif defaults is not None and parameter in defaults.entries:
            node, where = defaults.entries[parameter], expansion.top
        elif declared is not None:
            node, where = declared, env
        else:
            missing.append(parameter)
            continue
        try:
            env[parameter] = reading.value(node, where, call.path)
        except ReportedError:
            env[parameter] = UNKNOWN
    if missing:
        fail_missing(reading, call.entry, missing, call.path)
    if reading.reported > before:
        raise ReportedError
    return env


def _body(expansion: Expansion, call: Call) -> dict[str, Value]:
    entry = call.entry
    known, needed = COMPOSITES[entry.kind].known, COMPOSITES[entry.kind].required
    body = entry.body
    values = {"branches": "[[ … ], [ … ]]", "times": _repeats(body)}
    keys = (f"{name}: {values.get(name, '…')}" for name in needed)
    hint = f"write {entry.kind}: {{{', '.join(keys)}}}"
    if needed == ("layers",) and isinstance(body, Sequence):
        return {"layers": body}  # residual: [ … ]
    mapping = expansion.reading.mapping(body or entry.at, entry.kind, hint)
    expansion.reading.known_keys(mapping, known, entry.kind)
    missing = [name for name in needed if name not in mapping.entries]
    if missing:
        fail_missing(expansion.reading, entry, missing, call.path)
    return mapping.entries


def _repeats(body: Value | None) -> str:
    """The number in ``repeat: 3`` or ``repeat: x3``; ``…`` for anything else."""
    number = re.fullmatch(r"[x×]?([0-9]{1,9})[x×]?", body.text) if isinstance(body, Scalar) else None
    return number[1] if number else "…"


EXPANSIONS: dict[str, Composite] = {"residual": residual, "parallel": parallel, "repeat": repeat}
