"""Names of layers and values in Python: a layer's name may be a keyword, a number, or a method of nn.Module."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable

from torch import nn

from cnncli.graph import Graph, Node
from cnncli.layers.reshape import Identity

USED = ("self", "x", "torch", "functional", "math")  # names with another meaning in forward
_PLAIN = nn.Module()


def class_name(text: str, taken: Collection[str]) -> str:
    """A name for a class that is not ``taken``: ``LeNet5_1998`` for ``LeNet-5 (1998)``."""
    parts = " ".join(part[0].upper() + part[1:] for part in re.findall(r"[A-Za-z0-9]+", text))
    name = re.sub(r"(?<=\d) (?=\d)", "_", parts).replace(" ", "")
    usable = name.isidentifier() and not keyword.iskeyword(name) and name not in taken
    return name if usable else f"Network{name}"


def is_hidden(name: str) -> bool:
    """Whether a module of this name cannot be reached as an attribute: ``train``, ``class``, ``1x1``."""
    return hasattr(_PLAIN, name) or keyword.iskeyword(name) or not name.isidentifier() or name.startswith("__")


class VariableNames:
    """The path of each module in Python: ``self.stage1.more[0].conv1`` for ``stage1.more.0.conv1``.

    ``names`` are the names of all modules. A scope whose parts are the scopes 0, 1, … is a ModuleList.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.leaves = set(names)
        self.parts: dict[str, list[str]] = {}  # of each scope, in order; "" is the network
        for name in names:
            *scopes, own = name.split(".")
            for depth, part in enumerate([*scopes, own]):
                parts = self.parts.setdefault(".".join(scopes[:depth]), [])
                if part not in parts:
                    parts.append(part)
        self.lists = {scope for scope in self.parts if scope and self._is_list(scope)}

    def _is_list(self, scope: str) -> bool:
        parts = self.parts[scope]
        return parts == [*map(str, range(len(parts)))] and not any(f"{scope}.{part}" in self.leaves for part in parts)

    def of(self, name: str) -> str:
        """The Python for the module or scope ``name``."""
        scope, _, own = name.rpartition(".")
        parent = self.of(scope) if scope else "self"
        if scope in self.lists:
            return f"{parent}[{own}]"
        return f'{parent}._modules["{own}"]' if is_hidden(own) else f"{parent}.{own}"

    def parent_scopes(self, name: str) -> list[str]:
        """``["a", "a.b"]`` for ``a.b.c``: the scopes to construct before it, without the parts of lists."""
        parts = name.split(".")
        parents = [".".join(parts[:depth]) for depth in range(1, len(parts))]
        return [scope for scope in parents if scope.rpartition(".")[0] not in self.lists]

    def constructor(self, scope: str) -> str:
        """The code that constructs a scope."""
        if scope in self.lists:
            return f"nn.ModuleList(nn.Module() for _ in range({len(self.parts[scope])}))"
        return "nn.Module()"


def computed(graph: Graph) -> list[Node]:
    """The nodes whose values reach an output, except identities."""
    needed = set(graph.outputs)
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    return [node for node in graph.nodes if node.name in needed and not isinstance(node.layer, Identity)]


def variables(graph: Graph) -> dict[str, str]:
    """The variable of each value: ``x`` if only the next line reads it, otherwise the layer's name."""
    same = {entry.name: entry.name for entry in graph.inputs}
    for node in graph.nodes:
        same[node.name] = same[node.inputs[0]] if isinstance(node.layer, Identity) else node.name
    readers: dict[str, set[int]] = {}
    nodes = computed(graph)
    for at, node in enumerate(nodes):
        for read in node.inputs:
            readers.setdefault(same[read], set()).add(at)
    for read in graph.outputs:
        readers.setdefault(same[read], set()).add(len(nodes))
    found: dict[str, str] = {}
    for entry in graph.inputs:
        passing = len(graph.inputs) == 1 and readers.get(entry.name) == {0}
        found[entry.name] = "x" if passing else _variable(entry.name, found.values())
    for at, node in enumerate(nodes):
        found[node.name] = "x" if readers[node.name] == {at + 1} else _variable(node.name, found.values())
    return {name: found[holder] for name, holder in same.items() if holder in found}


def _variable(name: str, taken: Collection[str]) -> str:
    """``stage1_relu1`` for ``stage1.relu1``."""
    variable = name.replace(".", "_")
    if not variable.isidentifier():
        variable = f"v{variable}"
    while variable in taken or variable in USED or keyword.iskeyword(variable):
        variable += "_"
    return variable
