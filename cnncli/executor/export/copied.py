"""The source of the custom modules and of all they use in cnn: an exported file that contains it does not need cnn."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable
from functools import cache

from cnncli.arithmetic import window
from cnncli.executor.lowering import custom_modules

SOURCES = (window, custom_modules)  # later ones use earlier ones


@cache
def definitions() -> dict[str, str]:
    """The source of each class, function and constant at the top level of ``SOURCES``, in their order."""
    found: dict[str, str] = {}
    for source in SOURCES:
        text = inspect.getsource(source)
        lines = text.splitlines()
        for statement in ast.parse(text).body:
            end = statement.end_lineno or statement.lineno
            for name in _names_defined(statement):
                found.setdefault(name, "\n".join(lines[statement.lineno - 1 : end]))
    return found


def _names_defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.ClassDef | ast.FunctionDef):
        return [statement.name]
    targets = [statement.target] if isinstance(statement, ast.AnnAssign) else getattr(statement, "targets", [])
    return [target.id for target in targets if isinstance(target, ast.Name)]


def names_used(code: str) -> set[str]:
    """The plain names in Python code, including those in annotations."""
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}


def copied(wanted: Iterable[str]) -> list[str]:
    """The definitions of the ``wanted`` names and of the names that these use, each before its uses."""
    known, needed, pending = definitions(), set[str](), [*wanted]
    while pending:
        name = pending.pop()
        if name in known and name not in needed:
            needed.add(name)
            pending += names_used(known[name])
    return [text for name, text in known.items() if name in needed]
