"""A network of open sizes: what stands below its table, and its figures at given sizes (``--at 64..512:32``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cnncli.arithmetic.numerals import read_ranges
from cnncli.arithmetic.shape import format_shape
from cnncli.arithmetic.size import SIZE_LIMIT, Undecided
from cnncli.arithmetic.symbolic import letters_of, symbolic_shape, value_of
from cnncli.errors import CnnError, suggestion
from cnncli.graph import Graph
from cnncli.inference import SUMMED, Inferred, infer_all
from cnncli.views.summary.columns import scaled
from cnncli.views.summary.formats import smallest_sizes

MOST_WORK = 200_000  # layers, of all the sizes that are worked out one by one: a few seconds
DOES_NOT_FIT = "does not fit"
DEFAULT = ("output", "params", "macs", "activations")
AT_HINT = "write --at 64..512:32 (from, to, step), --at 64,96,128, or --at H=64..512:32 for one of several sizes"


def open_letters(inferred: Inferred) -> tuple[str, ...]:
    """The letters of the network's inputs."""
    return letters_of(size for entry in inferred.graph.inputs for size in entry.shape)


class AtSize(NamedTuple):
    """The value of each open letter, the figures asked for, and why the network does not fit there, if so."""

    sizes: Mapping[str, int]
    figures: Mapping[str, Any]
    reason: str

    @property
    def record(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {**self.sizes, **self.figures, **({"reason": self.reason} if self.reason else {})}

    @property
    def why(self) -> str:
        """``H = 32, W = 32: conv1: a 5x5 kernel …``."""
        return f"{', '.join(f'{name} = {value}' for name, value in self.sizes.items())}: {self.reason}"


def opened(graph: Graph) -> dict[str, str]:
    """Inputs with letters in place of their spatial sizes, as --input would give them."""
    return {entry.name: symbolic_shape(entry.shape) for entry in graph.inputs if len(entry.shape) > 1}


def footer(inferred: Inferred, batch: int) -> list[str]:
    """The totals as formulas, and smallest valid input."""
    totals = inferred.totals
    said = [f" {name} = {scaled(name, totals[name], batch)}" for name in ("params", "macs", "activations")]
    needed = smallest_sizes(inferred)
    sizes = ", ".join(f"{name} = {'none' if size is None else size}" for name, size in needed.items())
    return ["", *said, f" smallest valid input: {sizes}"]


def read_at(texts: tuple[str, ...], letters: tuple[str, ...]) -> list[dict[str, int]]:
    """The sizes of ``--at``, each a value per letter; a range without a letter is for all. Raises CnnError."""
    ranges: dict[str, list[int]] = {}
    for text in (part for given in texts for part in re.split(r",(?=\s*[A-Za-z]\s*=)", given)):
        name, sign, values = text.rpartition("=")
        names = [name.strip().upper()] if sign else [*letters]
        if sign and names[0] not in letters:
            raise CnnError(f"--at {text}: the network has no open size {name}", f"its open sizes: {', '.join(letters)}")
        ranges.update(dict.fromkeys(names, read_ranges(values, f"--at {text}", SIZE_LIMIT - 1, AT_HINT)))
    missing = [name for name in letters if name not in ranges]
    if missing:
        raise CnnError(f"--at: no values for {', '.join(missing)}", AT_HINT)
    longest = max(map(len, ranges.values()))
    if any(len(values) not in (1, longest) for values in ranges.values()):
        raise CnnError("--at: the sizes do not have equally many values", "give each as many, or one value")
    return [
        {name: values[at] if len(values) > 1 else values[0] for name, values in ranges.items()} for at in range(longest)
    ]


def at_sizes(graph: Graph, sizes: list[dict[str, int]], columns: str | None, batch: int) -> list[AtSize]:
    """The chosen figures at every size.

    ``graph`` has open sizes. What its formulas surely say is read from them; every other size is worked out by itself:
    where paths meet at some sizes alone, or a size is too small, or there is no formula.
    """
    chosen = _chosen(graph, columns)
    formulas, problems = infer_all(graph)
    surely_fits = _surely_fits(formulas) if not problems else lambda values: False
    most = MOST_WORK // max(len(graph.nodes), 1)
    by_formula = [surely_fits(values) for values in sizes]
    if by_formula.count(False) > most:
        raise CnnError(f"--at: more than {most:,} sizes that no formula holds for (the limit)", "use a larger step")
    rows = []
    for values, sure in zip(sizes, by_formula, strict=True):
        inferred, reason = (formulas, "") if sure else _worked_out(graph, values)
        figures = {name: DOES_NOT_FIT if reason else _figure(inferred, name, values, batch) for name in chosen}
        rows.append(AtSize(values, figures, reason))
    return rows


def _surely_fits(formulas: Inferred) -> Callable[[Mapping[str, int]], bool]:
    """Whether the network works at some sizes for all that its formulas say; False where they do not say it at once."""
    try:
        needed = smallest_sizes(formulas)
    except Undecided:
        return lambda values: False
    joint = [form for form in formulas.assumed if len(letters_of([form])) > 1]

    def fits(values: Mapping[str, int]) -> bool:
        alone = all(least is not None and values[name] >= least for name, least in needed.items())
        return alone and all(value_of(form, values) >= 0 for form in joint)

    return fits


def _worked_out(graph: Graph, values: Mapping[str, int]) -> tuple[Inferred, str]:
    """The network at one size, and why it does not fit, if so."""
    inputs = tuple(
        entry._replace(shape=tuple(value_of(size, values) for size in entry.shape)) for entry in graph.inputs
    )
    inferred, problems = infer_all(graph._replace(inputs=inputs))
    return inferred, f"{problems[0].layer}: {problems[0].message}" if problems else ""


def _chosen(graph: Graph, columns: str | None) -> list[str]:
    names = [name.strip() for name in (columns or ",".join(DEFAULT)).split(",") if name.strip()]
    known = ["output", *SUMMED, *(node.name for node in graph.nodes)]
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
