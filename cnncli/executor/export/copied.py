"""cnn's own classes as text, with everything of cnn that they use: a file that holds them needs no cnn."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable
from functools import cache

from cnncli.arithmetic import window
from cnncli.executor.lowering import custom_modules

SOURCES = (window, custom_modules)  # in the order in which they build on each other


@cache
def definitions() -> dict[str, str]:
    """The text of each class, function and constant at the top of ``SOURCES``, in their order."""
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
    """The plain names in a piece of Python, those of annotations included."""
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}


def copied(wanted: Iterable[str]) -> list[str]:
    """The definitions among the ``wanted`` names and those that they use, in an order in which they run."""
    known, needed, pending = definitions(), set[str](), [*wanted]
    while pending:
        name = pending.pop()
        if name in known and name not in needed:
            needed.add(name)
            pending += names_used(known[name])
    return [text for name, text in known.items() if name in needed]
