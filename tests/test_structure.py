"""The rules of docs/design.md that a reader of one file cannot check: what must not come back, and where."""

from __future__ import annotations

import importlib
import pkgutil
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnncli import layers
from cnncli.layers import ALL, KINDS, Layer

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "cnncli"
MOST_FILES, MOST_LINES = 13, 450
KIND_NAMES = "|".join(KINDS)
LAYER_DISPATCH = {
    "a suffix of a kind": r"kind\.endswith\(",
    "a comparison with a kind": rf"kind\b\s*(==|!=|in|not in)\s*[(\[{{]*\s*[\"']({KIND_NAMES})[\"']",
    "the fields of a layer by name": r"layer\.__dict__|\b[gs]etattr\((info\.node\.|node\.)?layer, ?[\"']",
}
ONE_HOME = {  # a fact, a pattern of its code, and the files that may contain it
    "effective kernel size": (r"dilation \* \((\w+\.)?kernel - 1\) \+ 1", {"arithmetic/window.py"}),
    "size formula": (r"// (\w+\.)*stride \+ 1\b", {"arithmetic/window.py", "homework/mistakes/size_mistakes.py"}),
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
    "comparison of weights with torch": (r"stats\.weight_shapes\.items\(\), \*", {"executor/network/agreement.py"}),
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
        assert re.search(pattern, (PACKAGE / home).read_text(encoding="utf-8")), home


def test_no_folder_has_too_many_modules() -> None:
    counts = {
        folder: len([path for path in folder.glob("*.py") if path.name != "__init__.py"])
        for folder in {path.parent for path in PACKAGE.rglob("*.py")}
    }
    assert {str(folder): count for folder, count in counts.items() if count > MOST_FILES} == {}


def test_no_module_is_too_long() -> None:
    lines = {name: text.count("\n") for name, text in modules()}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_the_contract_on_torch_names_every_package_but_the_executor() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    forbidden = next(contract for contract in contracts if contract["type"] == "forbidden")
    parts = {
        f"cnncli.{path.stem}" for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert {*forbidden["source_modules"]} == parts - {"cnncli.executor", "cnncli.__init__"}


def test_a_class_name_has_one_meaning() -> None:
    names = Counter(name for _, text in modules() for name in re.findall(r"^class ([A-Z]\w*)", text, re.M))
    assert [name for name, count in names.items() if count > 1] == []


def test_layers_know_nothing_of_what_torch_does_with_them() -> None:
    pattern = r"\b(import torch|from torch|autograd|backward)\b"
    assert [name for name, text in modules() if name.startswith("layers/") and re.search(pattern, text, re.M)] == []


def subclasses(layer: type[Layer]) -> Iterator[type[Layer]]:
    for own in layer.__subclasses__():
        yield own
        yield from subclasses(own)


def test_every_class_of_a_layer_is_found_or_is_the_base_of_one_that_is() -> None:
    """A class without a kind, and one in a module that is not a family, would be no layer type, silently."""
    for module in pkgutil.iter_modules(layers.__path__, "cnncli.layers."):
        importlib.import_module(module.name)
    defined = {layer for layer in subclasses(Layer) if layer.__module__.startswith("cnncli.layers.")}
    assert {layer for layer in defined if not layer.__subclasses__()} <= {*ALL} <= defined
    assert {layer.__module__ for layer in ALL} == {family.__name__ for family in layers.FAMILIES}


def test_kinds_and_aliases_name_one_layer_type_each() -> None:
    names = [name for layer in ALL for name in {layer.kind.replace("_", ""), *layer.aliases}]
    assert sorted({*names}) == sorted(names)


def test_a_subclass_declares_only_the_fields_that_it_adds_or_changes() -> None:
    restated = [
        f"{layer.__name__}.{name}"
        for layer in subclasses(Layer)
        for name in layer.__annotations__
        if name in layer.schema and layer.schema[name] == layer.__base__.schema.get(name)  # type: ignore[union-attr]
    ]
    assert restated == []


def test_a_field_without_a_field_type_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Broken\.size: expected an Annotated"):
        type("Broken", (Layer,), {"__annotations__": {"size": int}, "__module__": __name__})
