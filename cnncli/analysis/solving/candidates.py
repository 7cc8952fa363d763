"""The networks that a search tries: each is inferred once, and judged by the constraints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnncli.analysis.solving import QUANTITIES
from cnncli.analysis.solving.constraints import Constraints
from cnncli.errors import CnnError
from cnncli.inference import Inferred
from cnncli.loading import Loaded, load_source

MAX_LAYERS = 3000  # of a network, unless the network itself has more than half as many
MAX_WORK = 120_000  # layers of all networks together that one search may infer: a few seconds

Values = tuple[int, ...]  # one for each variable


class Candidates:
    """The networks of an architecture at values of its variables.

    Variables of which no values are given (None in ``ranges``) are ``free``: they are searched, not enumerated.
    ``is_depth_limited`` says whether a network was too deep to be tried, and ``error`` why the first one was invalid.
    """

    def __init__(self, loaded: Loaded, ranges: Mapping[str, Sequence[int] | None], constraints: Constraints) -> None:
        self.loaded, self.constraints = loaded, constraints
        self.names = [*ranges]
        self.free = [name for name, values in ranges.items() if values is None]
        self.max_layers = max(MAX_LAYERS, 2 * len(loaded.inferred.layers))
        self.is_depth_limited = False
        self.error: CnnError | None = None
        self.work = 0
        self.known: dict[Values, Mapping[str, int] | None] = {}  # quantities
        self._networks: dict[Values, Inferred | None] = {}
        self._last_maps: dict[tuple[str, ...], str] = {}  # by the names of all layers

    def values(self, chosen: Mapping[str, int]) -> Values:
        """The values in the order of the variables."""
        return tuple(chosen[name] for name in self.names)

    def network(self, values: Values) -> Inferred | None:
        """The network at these values; None where they make an invalid one."""
        if values not in self._networks:
            loaded = self.loaded
            try:
                self._networks[values] = load_source(
                    loaded.source, loaded.slug, overrides=self._overrides(values), inputs=loaded.inputs
                ).inferred
            except CnnError as error:
                self.error = self.error or error
                self._networks[values] = None
            self._count_work(self._networks[values] or loaded.inferred)
        return self._networks[values]

    def valid_network(self, values: Values) -> Inferred:
        """The network at values that are known to make a valid one."""
        inferred = self.network(values)
        assert inferred is not None
        return inferred

    def quantities(self, values: Values) -> Mapping[str, int] | None:
        """The constrained quantities; the memory is that of a batch of 1 where the batch size is to be found.

        None where there is no network, or no output size to compare.
        """
        if values not in self.known:
            inferred = self.network(values)
            output = None if inferred is None else self._output_size(values, inferred)
            if inferred is None or (output is None and self.constraints.output_size is not None):
                self.known[values] = None
            else:
                self.known[values] = self.constraints.quantities(inferred, self.constraints.batch or 1, output)
        return self.known[values]

    def is_valid(self, values: Values) -> bool:
        """Whether there is a network whose quantities can be compared."""
        return self.quantities(values) is not None

    def meets(self, values: Values) -> bool:
        """Whether all constraints hold."""
        quantities = self.quantities(values)
        return quantities is not None and not self.constraints.violations(quantities) and self.is_searched(values)

    def is_within(self, values: Values) -> bool:
        """Whether the budgets hold, without regard to the targets."""
        quantities = self.quantities(values)
        if quantities is None or self.constraints.violations(quantities).keys() & self.constraints.budgets.keys():
            return False
        return self.is_searched(values)

    def is_searched(self, values: Values) -> bool:
        """Whether a network is shallow enough: a free variable could add layers without end."""
        inferred = self.network(values)
        if not self.free or inferred is None or len(inferred.layers) <= self.max_layers:
            return True
        self.is_depth_limited = True
        return False

    def output_side(self, values: Values) -> int:
        """Whether the output is smaller (-1) or larger (1) than the target; 0 if equal or not constrained."""
        quantities, wanted = self.quantities(values), self.constraints.output_size
        if quantities is None or wanted is None:
            return 0
        return (quantities["output_size"] > wanted) - (quantities["output_size"] < wanted)

    def reaches_field(self, values: Values) -> bool:
        """Whether the receptive field is as large as its target."""
        quantities = self.quantities(values)
        return quantities is not None and quantities.get("receptive_field", 0) >= (
            self.constraints.receptive_field or 0
        )

    def check_increasing(self, *names: str) -> None:
        """Raises CnnError where a quantity decreases with a variable: bisection would not find its limit."""
        for name in names:
            at = self.names.index(name)
            before: tuple[Values, Mapping[str, int]] | None = None
            for values in sorted(self.known, key=lambda values: (values[:at], values[at + 1 :], values[at])):
                quantities = self.known[values]
                if quantities is None:
                    continue
                if before is not None and (before[0][:at], before[0][at + 1 :]) == (values[:at], values[at + 1 :]):
                    _check_pair(name, (before[0][at], before[1]), (values[at], quantities))
                before = values, quantities

    def _overrides(self, values: Values) -> dict[str, str]:
        return {**self.loaded.overrides, **dict(zip(self.names, map(str, values), strict=True))}

    def _count_work(self, inferred: Inferred) -> None:
        """Raises CnnError where a search takes too long; reading the text of a network again is work as well."""
        self.work += len(inferred.layers) + len(self.loaded.source.text) // 10 + 10
        if self.work > MAX_WORK:
            raise CnnError(
                f"--vary {' and '.join(self.names)}: the search takes too long, after {len(self._networks):,} networks "
                f"(the limit is the work of about {MAX_WORK:,} layers)",
                f"{range_hint(self.free[0])}, or a tighter budget"
                if self.free
                else "use larger steps, e.g. w=8..512:8",
            )

    def _output_size(self, values: Values, inferred: Inferred) -> int | None:
        """The size of the feature map that is constrained: of several axes the one farthest from the target."""
        wanted = self.constraints.output_size
        if wanted is None:
            return None
        try:
            sizes = inferred.shape(self._output_layer(values, inferred))[1:]
        except CnnError as error:
            self.error = self.error or error
            return None
        return max(sizes, key=lambda size: abs(size - wanted))

    def _output_layer(self, values: Values, inferred: Inferred) -> str:
        from cnncli.analysis.solving.acceptance import symbolic_network
        from cnncli.analysis.solving.output_sizes import checked_layer, last_feature_map

        if self.constraints.layer is not None:
            return checked_layer(inferred, self.constraints.layer)
        structure = tuple(inferred.layers)
        if structure not in self._last_maps:
            self._count_work(inferred)
            symbolic = symbolic_network(self.loaded._replace(overrides=self._overrides(values), inferred=inferred))
            self._last_maps[structure] = last_feature_map(symbolic.inferred)
        return self._last_maps[structure]


def range_hint(name: str) -> str:
    """The hint to give a range of values."""
    return f"give a range, e.g. --vary {name}=8..512:8"


def _check_pair(name: str, before: tuple[int, Mapping[str, int]], after: tuple[int, Mapping[str, int]]) -> None:
    for quantity in before[1].keys() - {"output_size"}:
        if after[1][quantity] < before[1][quantity]:
            what = f"the number of {quantity}" if quantity in QUANTITIES else f"the {quantity.replace('_', ' ')}"
            raise CnnError(
                f"--vary {name}: from {name} = {before[0]:,} to {after[0]:,}, {what} decreases from "
                f"{before[1][quantity]:,} to {after[1][quantity]:,}, so that every value has to be tried",
                f"give the values, e.g. --vary {name}=1..8",
            )
