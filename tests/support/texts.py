"""Networks as texts: what they become, or how they are refused."""

from __future__ import annotations

from typing import Any

import pytest

from cnncli.errors import CnnError
from cnncli.graph import Graph
from cnncli.language import Source
from cnncli.loading import Loaded, load_source


def loaded(text: str, **options: Any) -> Loaded:
    return load_source(Source("net.yaml", text), "net", **options)


def network(*layers: str, input: str = "1x28x28", above: str = "") -> str:
    """A file with these items of its layer list."""
    return f"input: {input}\n{above}layers:\n" + "".join(f"  - {layer}\n" for layer in layers)


def graph(*layers: str, **options: Any) -> Graph:
    return loaded(network(*layers, **options)).graph


def names(*layers: str, **options: Any) -> list[str]:
    return [node.name for node in graph(*layers, **options).nodes]


def wires(*layers: str, **options: Any) -> dict[str, tuple[str, ...]]:
    return {node.name: node.inputs for node in graph(*layers, **options).nodes}


def refusal(text: str, **options: Any) -> CnnError:
    with pytest.raises(CnnError) as caught:
        loaded(text, **options)
    return caught.value


def messages(*layers: str, **options: Any) -> list[str]:
    """What is wrong, without places and hints."""
    return [problem.message for problem in refusal(network(*layers, **options)).problems]
