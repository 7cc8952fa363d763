"""A network with symbolic sizes: the footer of its table, and its quantities at given sizes (``--at 64..512:32``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cnncli.arithmetic.ranges import read_ranges
from cnncli.arithmetic.shape import format_shape
from cnncli.arithmetic.size import SIZE_LIMIT, Undecided
from cnncli.arithmetic.symbolic import letters_of, symbolic_shape, value_of
from cnncli.errors import CnnError, suggestion
from cnncli.graph import Graph
from cnncli.inference import SUMMED, Inferred, infer_all
from cnncli.io.width import wrapped
from cnncli.views.summary.columns import ALIASES, COLUMNS, MEGABYTES, Value, megabytes, readable, scaled

LAYERS_LIMIT = 200_000  # that are inferred, over all sizes without a formula: a few seconds
DOES_NOT_FIT = "does not fit"
DEFAULT = ("output", "params", "macs", "activations")
AT_HINT = "write --at 64..512:32 (from, to, step), --at 64,96,128, or --at H=64..512:32 for one of several sizes"


class AtSize(NamedTuple):
    """The value of each letter, the chosen quantities, and the reason if the network does not fit there."""

    sizes: Mapping[str, int]
    quantities: Mapping[str, Any]
    reason: str

    @property
    def record(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {**self.sizes, **self.quantities, **({"reason": self.reason} if self.reason else {})}

    @property
    def readable(self) -> dict[str, Any]:
        """The sizes and quantities for a table."""
        return {**self.sizes, **readable(self.quantities)}

    @property
    def why(self) -> str:
        """``H = 32, W = 32: conv1: a 5x5 kernel …``."""
        return f"{', '.join(f'{name} = {value}' for name, value in self.sizes.items())}: {self.reason}"


def symbolic_inputs(graph: Graph) -> dict[str, str]:
    """The inputs with letters in place of their spatial sizes, as --input takes them."""
    return {entry.name: symbolic_shape(entry.shape) for entry in graph.inputs if len(entry.shape) > 1}


def footer(inferred: Inferred, batch: int) -> list[str]:
    """The totals as formulas, and the smallest valid input."""
    totals = inferred.totals
    formulas = (f" {name} = {scaled(name, totals[name], batch)}" for name in ("params", "macs", "activations"))
    lines = [line for formula in formulas for line in wrapped(formula, more=4)]
    needed = inferred.smallest_sizes
    sizes = ", ".join(f"{name} = {'none' if size is None else size}" for name, size in needed.items())
    return ["", *lines, *wrapped(f" smallest valid input: {sizes}")]


def read_at(texts: tuple[str, ...], letters: tuple[str, ...]) -> list[dict[str, int]]:
    """The sizes of ``--at``, each a value per letter; a range without a letter is for all. Raises CnnError."""
    ranges: dict[str, list[int]] = {}
    for text in (part for given in texts for part in re.split(r",(?=\s*[A-Za-z]\s*=)", given)):
        name, sign, values = text.rpartition("=")
        names = [name.strip().upper()] if sign else [*letters]
        if sign and names[0] not in letters:
            raise CnnError(f"--at {text}: no symbolic size {name}", f"the symbolic sizes are {', '.join(letters)}")
        ranges.update(dict.fromkeys(names, read_ranges(values, f"--at {text}", SIZE_LIMIT - 1, AT_HINT)))
    missing = [name for name in letters if name not in ranges]
    if missing:
        raise CnnError(f"--at: no values for {', '.join(missing)}", AT_HINT)
    longest = max(map(len, ranges.values()))
    if any(len(values) not in (1, longest) for values in ranges.values()):
        raise CnnError("--at: different numbers of values per size", "give each size one value, or equally many")
    return [
        {name: values[at] if len(values) > 1 else values[0] for name, values in ranges.items()} for at in range(longest)
    ]


def at_sizes(graph: Graph, sizes: list[dict[str, int]], columns: str | None, batch: int) -> list[AtSize]:
    """The chosen quantities at every size.

    ``graph`` has symbolic sizes. Its formulas are evaluated where they provably hold. All other sizes are inferred one
    by one: paths may merge at some sizes only, a size may be too small, or there may be no formula.
    """
    chosen = _chosen(graph, columns)
    formulas, problems = infer_all(graph)
    surely_fits = _provably_fits(formulas) if not problems else lambda values: False
    most = LAYERS_LIMIT // max(len(graph.nodes), 1)
    by_formula = [surely_fits(values) for values in sizes]
    if by_formula.count(False) > most:
        raise CnnError(f"--at: no formula holds for more than {most:,} of the sizes (the limit)", "use a larger step")
    rows = []
    for values, sure in zip(sizes, by_formula, strict=True):
        inferred, reason = (formulas, "") if sure else _inferred_at(graph, values)
        quantities = {name: DOES_NOT_FIT if reason else _quantity(inferred, name, values, batch) for name in chosen}
        rows.append(AtSize(values, quantities, reason))
    return rows


def _provably_fits(formulas: Inferred) -> Callable[[Mapping[str, int]], bool]:
    """A test for sizes at which the formulas provably hold; False does not prove that they fail."""
    try:
        needed = formulas.smallest_sizes
    except Undecided:
        return lambda values: False
    joint = [form for form in formulas.assumed if len(letters_of([form])) > 1]

    def fits(values: Mapping[str, int]) -> bool:
        alone = all(least is not None and values[name] >= least for name, least in needed.items())
        return alone and all(value_of(form, values) >= 0 for form in joint)

    return fits


def _inferred_at(graph: Graph, values: Mapping[str, int]) -> tuple[Inferred, str]:
    """The network at one size, and the reason if it does not fit."""
    inputs = tuple(
        entry._replace(shape=tuple(value_of(size, values) for size in entry.shape)) for entry in graph.inputs
    )
    inferred, problems = infer_all(graph._replace(inputs=inputs))
    return inferred, f"{problems[0].layer}: {problems[0].message}" if problems else ""


def _chosen(graph: Graph, columns: str | None) -> list[str]:
    names = [name.strip() for name in (columns or ",".join(DEFAULT)).split(",") if name.strip()]
    quantities = ["output", *SUMMED, *MEGABYTES]
    known = [*quantities, *(node.name for node in graph.nodes)]
    chosen = [name if name in known else ALIASES.get(name.lower(), name.lower()) for name in names]
    for name, meant in zip(names, chosen, strict=True):
        if meant in known:
            continue
        if meant in COLUMNS:
            hint = f"leave --at out, or choose from {', '.join(quantities)}, and names of layers"
            raise CnnError(f"--columns {name}: describes each layer, and --at the whole network", hint)
        hint = suggestion(name, known[:2000], f"name layers, or {', '.join(quantities)}")
        raise CnnError(f"--columns: no quantity or layer {name!r}", hint)
    return list(dict.fromkeys(chosen))


def _quantity(inferred: Inferred, name: str, values: Mapping[str, int], batch: int) -> Value:
    if name in MEGABYTES:
        quantity = MEGABYTES[name]
        return megabytes(name, {quantity: value_of(inferred.totals[quantity], values)}, batch)
    if name in SUMMED:
        return value_of(scaled(name, inferred.totals[name], batch), values)
    node = inferred.graph.outputs[0] if name == "output" else name
    return format_shape(tuple(value_of(size, values) for size in inferred.shape(node)))
