"""A network of open sizes: what stands below its table, and its figures at given sizes (``--at 64..512:32``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cnncli.errors import CnnError, suggestion
from cnncli.graph import Graph
from cnncli.inference import SUMMED, Inferred
from cnncli.shape import SIZE_LIMIT, format_shape
from cnncli.symbolic import letters_of, value_of
from cnncli.views.columns import scaled
from cnncli.views.formats import smallest_sizes

ROWS_LIMIT = 10_000
LETTERS = {1: "L", 2: "HW", 3: "DHW"}
DEFAULT = ("output", "params", "macs", "activations")
AT_HINT = "write --at 64..512:32 (from, to, step), --at 64,96,128, or --at H=64..512:32 for one of several sizes"


def open_letters(inferred: Inferred) -> tuple[str, ...]:
    """The letters of the network's inputs."""
    return letters_of(size for entry in inferred.graph.inputs for size in entry.shape)


def opened(graph: Graph) -> dict[str, str]:
    """Inputs with letters in place of their spatial sizes, as --input would give them."""
    return {
        entry.name: "x".join([str(entry.shape[0]), *LETTERS[len(entry.shape) - 1]])
        for entry in graph.inputs
        if len(entry.shape) > 1
    }


def footer(inferred: Inferred, batch: int) -> list[str]:
    """The totals as formulas, and the smallest input that works."""
    totals = inferred.totals
    said = [f" {name} = {scaled(name, totals[name], batch)}" for name in ("params", "macs", "activations")]
    needed = smallest_sizes(inferred)
    sizes = ", ".join(f"{name} = {'none' if size is None else size}" for name, size in needed.items())
    return ["", *said, f" the smallest input that works: {sizes}"]


def read_at(texts: tuple[str, ...], letters: tuple[str, ...]) -> list[dict[str, int]]:
    """The sizes of ``--at``, each a value per letter; a range without a letter is for all. Raises CnnError."""
    ranges: dict[str, list[int]] = {}
    for text in (part for given in texts for part in re.split(r",(?=\s*[A-Za-z]\s*=)", given)):
        name, sign, values = text.rpartition("=")
        names = [name.strip().upper()] if sign else [*letters]
        if sign and names[0] not in letters:
            raise CnnError(f"--at {text}: the network has no open size {name}", f"its open sizes: {', '.join(letters)}")
        ranges.update(dict.fromkeys(names, _values(values, text)))
    missing = [name for name in letters if name not in ranges]
    if missing:
        raise CnnError(f"--at: no values for {', '.join(missing)}", AT_HINT)
    longest = max(map(len, ranges.values()))
    if any(len(values) not in (1, longest) for values in ranges.values()):
        raise CnnError("--at: the sizes do not have equally many values", "give each as many, or one value")
    return [
        {name: values[at] if len(values) > 1 else values[0] for name, values in ranges.items()} for at in range(longest)
    ]


def _values(text: str, whole: str) -> list[int]:
    values: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,10})(?:\.\.([0-9]{1,10})(?::([0-9]{1,10}))?)?\s*", part)
        if match is None:
            raise CnnError(f"--at {whole}: {part or 'nothing'!r} is not a size or a range", AT_HINT)
        first, last, step = (int(group) if group else None for group in match.groups())
        assert first is not None
        steps = range(first, (last if last is not None else first) + 1, step or 1)
        if step == 0 or not steps or first < 1 or steps[-1] >= SIZE_LIMIT:
            raise CnnError(f"--at {whole}: {part} holds no size from 1 to 2147483647", AT_HINT)
        if len(values) + len(steps) > ROWS_LIMIT:
            raise CnnError(f"--at {whole}: more than {ROWS_LIMIT:,} sizes (the limit)", "use a larger step")
        values.extend(steps)
    return values


def at_sizes(inferred: Inferred, sizes: list[dict[str, int]], columns: str | None, batch: int) -> list[dict[str, Any]]:
    """A row per size: the letters, then the chosen figures; a size at which the network does not work says so."""
    chosen = _chosen(inferred, columns)
    needed = smallest_sizes(inferred)
    rows: list[dict[str, Any]] = []
    for values in sizes:
        fits = all(least is not None and values[name] >= least for name, least in needed.items())
        cells = {name: _figure(inferred, name, values, batch) if fits else "does not fit" for name in chosen}
        rows.append({**values, **cells})
    return rows


def _chosen(inferred: Inferred, columns: str | None) -> list[str]:
    names = [name.strip() for name in (columns or ",".join(DEFAULT)).split(",") if name.strip()]
    known = ["output", *SUMMED, *inferred.facts]
    for name in names:
        if name not in known:
            hint = suggestion(name, known[:2000], f"name layers, or output, {', '.join(SUMMED)}")
            raise CnnError(f"--columns: there is no figure and no layer {name!r}", hint)
    return list(dict.fromkeys(names))


def _figure(inferred: Inferred, name: str, values: Mapping[str, int], batch: int) -> int | str:
    if name in SUMMED:
        return value_of(scaled(name, inferred.totals[name], batch), values)
    node = inferred.graph.outputs[0] if name == "output" else name
    return format_shape(tuple(value_of(size, values) for size in inferred.shape(node)))
