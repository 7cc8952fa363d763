"""The rules of docs/design.md that a reader of one file cannot check: what must not come back, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnncli.layers import ALL, KINDS

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "cnncli"
MOST_FILES, MOST_LINES = 13, 450
LARGE = {  # one algorithm each
    "analysis/solving/budgets.py": 670,
    "analysis/explanation.py": 500,
}
KIND_NAMES = "|".join(KINDS)
LAYER_DISPATCH = {
    "a suffix of a kind": r"kind\.endswith\(",
    "a comparison with a kind": rf"kind\b\s*(==|!=|in|not in)\s*[(\[{{]*\s*[\"']({KIND_NAMES})[\"']",
    "the fields of a layer by name": r"layer\.__dict__|\b[gs]etattr\((facts\.node\.|node\.)?layer, ?[\"']",
}
ONE_HOME = {  # a fact, a pattern of its code, and the files that may contain it
    "effective kernel size": (r"dilation \* \((\w+\.)?kernel - 1\) \+ 1", {"arithmetic/window.py"}),
    "size formula": (r"// (\w+\.)*stride \+ 1\b", {"arithmetic/window.py", "homework/mistakes/sizes.py"}),
    "split of odd padding": (r"(\b[\w.]+) // 2, \1 - \1 // 2", {"arithmetic/window.py"}),
    "amount of same padding": (r"\bsame_padding\(", {"arithmetic/window.py"}),
    "limit of reflect and circular padding": (r"[\"']reflect[\"']: ?1\b", {"arithmetic/window.py"}),
    "transposed taps": (r"% (\w+\.)*stride == 0", {"arithmetic/window.py"}),
    "overhang of a last window": (
        r"- 1\) \* (\w+\.)*stride \+ (\w+\.)*effective_kernel\b(?!\})",
        {"arithmetic/window.py"},
    ),
    "names of axes": (
        r"[\"']height[\"'], ?[\"']width[\"']|\([\"']H[\"'], ?[\"']W[\"']|Axis\([\"']H",
        {"arithmetic/axes.py"},
    ),
    "comparison of weights with torch": (r"figures\.weight_shapes\.items\(\), \*", {"executor/network/agreement.py"}),
}


def modules() -> Iterator[tuple[str, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")


def found(pattern: str, allowed: set[str], prefix: str = "") -> list[str]:
    """``file:line`` of every match outside the allowed files."""
    return [
        f"{name}:{text[: match.start()].count(chr(10)) + 1}"
        for name, text in modules()
        if name not in allowed and not (prefix and name.startswith(prefix))
        for match in re.finditer(pattern, text)
    ]


@pytest.mark.parametrize("what", LAYER_DISPATCH)
def test_layers_are_asked_rather_than_told_apart_by_name(what: str) -> None:
    assert found(LAYER_DISPATCH[what], set(), "layers/") == []


@pytest.mark.parametrize("fact", ONE_HOME)
def test_every_fact_has_one_definition(fact: str) -> None:
    pattern, homes = ONE_HOME[fact]
    assert found(pattern, homes) == []
    for home in homes:  # else the pattern has become blind
        if (PACKAGE / home).exists():
            assert re.search(pattern, (PACKAGE / home).read_text(encoding="utf-8")), home


def test_no_folder_has_too_many_modules() -> None:
    counts = {
        folder: len([path for path in folder.glob("*.py") if path.name != "__init__.py"])
        for folder in {path.parent for path in PACKAGE.rglob("*.py")}
    }
    assert {str(folder): count for folder, count in counts.items() if count > MOST_FILES} == {}


def test_no_module_is_too_long() -> None:
    lines = {name: text.count("\n") for name, text in modules()}
    assert {name: count for name, count in lines.items() if count > LARGE.get(name, MOST_LINES)} == {}


def test_layers_know_nothing_of_what_torch_does_with_them() -> None:
    pattern = r"\b(import torch|from torch|autograd|backward)\b"
    assert [name for name, text in modules() if name.startswith("layers/") and re.search(pattern, text, re.M)] == []


def test_every_layer_type_is_defined_in_the_module_of_its_family() -> None:
    families = {"activation", "conv", "linear", "merge", "norm", "pool", "reshape"}
    assert {layer.__module__.rpartition(".")[2] for layer in ALL} == families
