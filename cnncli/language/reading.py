"""Reads the values of a file. Each problem is reported with its place, and reading continues."""

from __future__ import annotations

from typing import Any, NoReturn

from cnncli.errors import CnnError, Problem, closest, shortened
from cnncli.language.aliases import BY_HAND_HINT, KEYS_BY_HAND
from cnncli.language.argument_names import OPTION_NAMES, OptionNames
from cnncli.language.expressions import Env, Unknown, evaluate
from cnncli.language.source import Mapping, Scalar, Sequence, Source, Value, plain_value
from cnncli.language.tokens import BadExpression

PROBLEM_LIMIT = 200  # reading ends there: that is enough to fix, and time stays bounded
MESSAGE_LIMIT = 600
NAME_LIMIT = 60
TUPLE_LIMIT = 20  # parentheses in one value
NAME_HINT = f"use letters, digits and underscores, at most {NAME_LIMIT}"

KEY_ALIASES = {"input_shape": "input", "input_size": "input", "n": "times", "count": "times", "number": "times"}


class ReportedError(Exception):
    """Raised after a problem has been reported; what depends on it is skipped."""


class Reading:
    """A source and the problems found in it so far."""

    def __init__(self, source: Source, argument_names: OptionNames = OPTION_NAMES) -> None:
        self.source = source
        self.argument_names = argument_names
        self.problems: dict[
            tuple[int, int, str], Problem
        ] = {}  # one for each place and hint, however often it is expanded
        self.reported = 0  # problems found, including those that were reported before

    def report(self, at: Value | tuple[int, int], message: str, hint: str = "", layer: str = "") -> None:
        """Add a problem. Raises CnnError where there are too many to continue."""
        self.reported += 1
        line, column = at if isinstance(at, tuple) else (at.line, at.column)
        key = (line, column, hint)
        if key in self.problems:
            return
        self.problems[key] = self.source.problem(
            at, shortened(message, MESSAGE_LIMIT), shortened(hint, MESSAGE_LIMIT), layer
        )
        if len(self.problems) >= PROBLEM_LIMIT:
            raise CnnError.of(list(self.problems.values()))

    def fail(self, at: Value | tuple[int, int], message: str, hint: str = "", layer: str = "") -> NoReturn:
        """Add a problem, and raise ReportedError to skip what depends on it."""
        self.report(at, message, hint, layer)
        raise ReportedError

    def value(self, node: Value, env: Env, layer: str = "") -> Any:
        """A number, boolean, text, None, or a list of those, with expressions evaluated. Raises ReportedError."""
        if isinstance(node, Scalar):
            parts = tuple_items(node.text) if node.text[:1] == "(" and not node.quoted else None
            if parts is not None:
                return [self.value(node.part(part), env, layer) for part in parts]
            return self._expression(node, env, layer) if "$" in node.text else plain_value(node)
        if not isinstance(node, Sequence):
            message = "expected a value, not a mapping (name: value)"
            self.fail(node, message, "write a number, a word or a list", layer)
        return [self.value(item, env, layer) for item in node.items]

    def _expression(self, node: Scalar, env: Env, layer: str) -> Any:
        if not _holds_name(node.text):
            return node.text
        try:
            return evaluate(node.text, env)
        except Unknown:
            self.reported += 1
            raise ReportedError from None
        except BadExpression as error:
            shown = shortened(node.text, 50)
            at = (node.line, node.column + error.at + node.quoted)
            self.fail(at, f"the expression {shown!r} {error}", error.hint, layer)

    def text(self, node: Value, env: Env, what: str, layer: str = "") -> str:
        """A text as written (``name: 1e3`` is a text). Raises ReportedError."""
        if isinstance(node, Scalar) and "$" not in node.text and (node.text or node.quoted):
            return node.text
        value = self.value(node, env, layer)
        if value is None or isinstance(value, list):
            self.fail(node, f"{what} must be a word, not {'nothing' if value is None else 'a list'}", "", layer)
        return str(value)

    def mapping(self, node: Value | None, what: str, hint: str = "") -> Mapping:
        """A mapping. Raises ReportedError."""
        if not isinstance(node, Mapping):
            self.fail(node or (0, 0), f"{what} must be a mapping (name: value)", hint)
        return node

    def known_keys(self, node: Mapping, known: tuple[str, ...], what: str) -> None:
        """Report the keys that ``what`` does not have."""
        for key, at in node.keys.items():
            if key not in known:
                near = closest(key, known)
                if KEY_ALIASES.get(key.lower()) in known:
                    hint = f"use {KEY_ALIASES[key.lower()]}"
                    self.report(at, f"{what} has no key {key!r}", hint)
                    continue
                hint = f"did you mean {near}?" if near else f"the keys are {', '.join(known)}"
                self.report(at, f"{what} has no key {key!r}", BY_HAND_HINT if key in KEYS_BY_HAND else hint)


def _holds_name(text: str) -> bool:
    """Whether a text holds ``$name`` (or an attempt at it, ``${name}``): ``costs $5`` does not."""
    at = text.find("$")
    while at >= 0:
        following = text[at + 1 : at + 2]
        if following.isalpha() or following in ("_", "{"):
            return True
        at = text.find("$", at + 1)
    return False


def tuple_items(text: str) -> list[str] | None:
    """The items of ``(5, 3)`` as texts, or None for anything else: one value in parentheses, several in a row.

    >>> tuple_items("((1, 2), 3)"), tuple_items("(784,)"), tuple_items("(5)"), tuple_items("(1, 2) * (3, 4)")
    (['(1, 2)', '3'], ['784'], None, None)
    """
    if not text.endswith(")") or text.count("(") > TUPLE_LIMIT:
        return None
    items, depth = [""], 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0 and at < len(text) - 1:
            return None
        if char == "," and depth == 1:
            items.append("")
        elif 0 < at < len(text) - 1:
            items[-1] += char
    items = [item.strip() for item in items]
    if items[-1] == "":
        return items[:-1] or None
    return items if len(items) > 1 else None


def is_nothing(node: Value | None) -> bool:
    """Whether nothing is given: ``key:`` or ``key: ~``."""
    return node is None or (isinstance(node, Scalar) and not node.quoted and node.text in ("", "~", "null"))


def name_hint(text: str) -> str:
    """What to write instead of a text that is not a name."""
    if text.isascii():
        return NAME_HINT
    import unicodedata  # needed only for errors

    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if char.isascii())
    example = f", e.g. {plain}" if is_name(plain) else ""
    return f"use letters from a to z, digits and underscores{example}"


def is_name(text: str) -> bool:
    """Letters, digits, underscores; not too many."""
    return text.isascii() and text.replace("_", "a").isalnum() and len(text) <= NAME_LIMIT
