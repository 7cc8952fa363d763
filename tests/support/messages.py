"""Every message to students in the code: those in calls of the functions that mark them, and those in tables."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import cnncli
from cnncli.homework.answer_key import conventions
from cnncli.homework.languages import derivations
from cnncli.homework.mistakes import texts
from cnncli.homework.mistakes.table import MISTAKES

MARKS = {"text", "translated", "plural"}
MODULE = "cnncli.homework.languages.messages"


def marked_messages() -> dict[str, str]:
    """The messages of the code, each with its plural, which is empty where it has none."""
    found = {"": ""}
    for path in sorted(Path(cnncli.__file__).parent.rglob("*.py")):
        source = path.read_text()
        if MODULE in source:
            found |= dict(_in_module(ast.parse(source)))
    for mistake in MISTAKES.values():
        found |= dict.fromkeys((mistake.text, *mistake.variants.values()), "")
    tables = (
        *(*derivations.REMARKS, *derivations.ANSWERS, *map(str, derivations.LABELS)),
        *(*texts.BORDERS.values(), *texts.POOL_NAMES.values()),
        *map(str, conventions.PHRASES.values()),
    )
    found |= dict.fromkeys(tables, "")
    del found[""]
    return found


def _in_module(module: ast.Module) -> Iterator[tuple[str, str]]:
    names = {
        alias.asname or alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.module == MODULE
        for alias in node.names
        if alias.name in MARKS
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            literals = [argument.value for argument in node.args[:2] if isinstance(argument, ast.Constant)]
            if literals and isinstance(literals[0], str):
                yield literals[0], literals[1] if len(literals) > 1 and isinstance(literals[1], str) else ""
