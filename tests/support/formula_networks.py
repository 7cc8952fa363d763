"""Networks whose quantities are given by formulas of their variables, so that a search over thousands is instant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple, cast
from unittest.mock import patch

from cnncli.errors import CnnError
from cnncli.inference import Inferred
from cnncli.language import Source
from cnncli.loading import Loaded


class Quantities(NamedTuple):
    """What a search asks of a network. ``memory`` is (per network, per input of a batch)."""

    params: int = 0
    macs: int = 0
    field: int = 1
    side: int = 1
    layers: int = 1
    memory: tuple[int, int] = (0, 0)


class _Layers(dict[str, Any]):
    """One layer, counted as many."""

    count = 1

    def __len__(self) -> int:
        return self.count


Formula = Callable[..., Quantities | None]
Asked = dict[tuple[int, ...], Quantities | None]


def formula_network(quantities: Quantities) -> Inferred:
    """Stands for the inferred network; its layer ``only`` has the receptive field and the output."""
    axis = SimpleNamespace(size=quantities.field, advance=1)
    info = SimpleNamespace(
        receptive_field={"input": SimpleNamespace(axes=[axis])},
        stats=SimpleNamespace(output_shape=(1, quantities.side)),
        node=SimpleNamespace(name="only"),
    )
    layers = _Layers(only=info)
    layers.count = quantities.layers
    found = SimpleNamespace(
        totals={"params": quantities.params, "macs": quantities.macs},
        layers=layers,
        output_of=lambda name: info,
        shape=lambda name: info.stats.output_shape,
        quantities=quantities,
    )
    return cast(Inferred, found)


@contextmanager
def networks_by(formula: Formula, variables: Mapping[str, object]) -> Iterator[tuple[Loaded, Asked]]:
    """While it lasts, networks with these variables are what the formula says; with the values asked for."""
    asked: Asked = {}

    def load(source: Source, slug: str, *, overrides: Mapping[str, str], inputs: Mapping[str, str]) -> Any:
        values = {name: int(text) for name, text in overrides.items()}
        found = formula(**values)
        asked[tuple(values.values())] = found
        if found is None:
            raise CnnError(f"no network at {values}")
        return SimpleNamespace(inferred=formula_network(found))

    def memory(inferred: Any, batch: int, dtype: str, optimizer: str) -> Any:
        fixed, each = inferred.quantities.memory
        return SimpleNamespace(training=fixed + batch * each, inference=fixed // 2 + batch * each)

    text = "variables: {" + ", ".join(f"{name}: {value}" for name, value in variables.items()) + "}\n"
    loaded = Loaded(formula_network(Quantities()), Source("net.yaml", text), "net")
    with (
        patch("cnncli.analysis.solving.candidates.load_source", load),
        patch("cnncli.analysis.memory.memory", memory),
    ):
        yield loaded, asked


def unexceeded(combinations: Sequence[tuple[int, ...]] | set[tuple[int, ...]], *, largest: bool) -> set[Any]:
    """Those of which no other one has every value at least as large (small)."""
    sign = 1 if largest else -1
    return {
        one
        for one in combinations
        if not any(
            other != one and all(sign * a >= sign * b for a, b in zip(other, one, strict=True))
            for other in combinations
        )
    }
