"""The syntax of regular expressions: the part of Python's that describes a set of texts."""

from __future__ import annotations

import re
from typing import NamedTuple

MOST_TIMES = 1000  # of a repetition such as a{2,5}
MOST_DEEP = 30  # groups in groups
_CLASSES = {
    "d": str.isdecimal,
    "w": lambda char: char.isalnum() or char == "_",
    "s": str.isspace,
}
_CONTROLS = {"t": "\t", "n": "\n"}


class BadPattern(ValueError):
    """What is wrong with a regular expression, as the end of a sentence about it."""


class PatternPart(NamedTuple):
    """A part of an expression: ``characters``, a ``sequence``, ``alternatives`` or a ``repetition`` of one part.

    Characters are ``ranges`` and ``classes`` (of backslash and a letter), or, where ``negated``, all others.
    ``times`` are the least and the greatest number of repetitions, None for no limit.
    """

    kind: str
    parts: tuple[PatternPart, ...] = ()
    times: tuple[int, int | None] = (1, 1)
    ranges: tuple[tuple[str, str], ...] = ()
    classes: tuple[str, ...] = ()
    negated: bool = False

    def accepts(self, variants: set[str]) -> bool:
        """Whether one of the variants of a character, its small and its capital letter, is among the characters."""
        found = any(
            any(first <= char <= last for first, last in self.ranges)
            or any(_CLASSES[name.lower()](char) == name.islower() for name in self.classes)
            for char in variants
            if len(char) == 1
        )
        return found != self.negated


def parse_pattern(text: str) -> PatternPart:
    """The tree of an expression. Raises BadPattern."""
    reader = _Reader(text.removeprefix("^"))
    node = reader.alternatives()
    if reader.at < len(reader.text):
        raise BadPattern("has a ) without its (")
    return node


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def next(self) -> str:
        return self.text[self.at : self.at + 1]

    def alternatives(self) -> PatternPart:
        parts = [self.sequence()]
        while self.next() == "|":
            self.at += 1
            parts.append(self.sequence())
        return parts[0] if len(parts) == 1 else PatternPart("alternatives", tuple(parts))

    def sequence(self) -> PatternPart:
        parts: list[PatternPart] = []
        while self.next() not in ("", "|", ")"):
            if self.next() == "$" and self.at == len(self.text) - 1:  # the whole text is matched in any case
                self.at += 1
                break
            parts.append(self.repetition(self.atom()))
        return PatternPart("sequence", tuple(parts))

    def repetition(self, node: PatternPart) -> PatternPart:
        times = self.times()
        if times is None:
            return node
        if self.next() == "?":  # *? matches the same texts
            self.at += 1
        if self.next() and self.next() in "*+":
            raise BadPattern(f"has {self.next()} after a repetition: group what is repeated in ( )")
        return PatternPart("repetition", (node,), times)

    def times(self) -> tuple[int, int | None] | None:
        """The numbers of ``*``, ``+``, ``?``, ``{2}``, ``{2,}`` or ``{2,5}``; None where nothing is repeated."""
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if self.next() in simple:
            self.at += 1
            return simple[self.text[self.at - 1]]
        found = re.compile(r"\{([0-9]{0,4})(,?)([0-9]{0,4})\}").match(self.text, self.at)
        if not found or not (found[1] or found[3]):
            return None
        self.at = found.end()
        least = int(found[1] or 0)
        most = (int(found[3]) if found[3] else None) if found[2] else least
        if least > MOST_TIMES or (most is not None and not least <= most <= MOST_TIMES):
            raise BadPattern(f"repeats {found[0]} times: write at most {{{MOST_TIMES}}}, the smaller number first")
        return least, most

    def atom(self) -> PatternPart:
        char = self.next()
        self.at += 1
        if char == "(":
            return self.group()
        if char == "[":
            return self.set()
        if char == ".":
            return PatternPart("characters", ranges=(("\n", "\n"),), negated=True)
        if char == "\\":
            return self.escaped()
        if char in "*+?^$":
            raise BadPattern(f"has {char} with nothing before it: write \\{char} for the character")
        return PatternPart("characters", ranges=((char, char),))

    def group(self) -> PatternPart:
        if self.next() == "?":
            if self.text[self.at : self.at + 2] != "?:":
                raise BadPattern("has a group with (?: write ( ) or (?: )")
            self.at += 2
        self.depth += 1
        if self.depth > MOST_DEEP:
            raise BadPattern(f"has groups deeper than {MOST_DEEP} levels (the limit)")
        node = self.alternatives()
        self.depth -= 1
        if self.next() != ")":
            raise BadPattern("has a ( without its )")
        self.at += 1
        return node

    def escaped(self) -> PatternPart:
        char = self.next()
        self.at += 1
        if char and char.lower() in _CLASSES:
            return PatternPart("characters", classes=(char,))
        if not char or (char.isalnum() and char not in _CONTROLS):
            raise BadPattern(f"has \\{char}: use \\d, \\w, \\s, or a backslash before a special character")
        char = _CONTROLS.get(char, char)
        return PatternPart("characters", ranges=((char, char),))

    def set(self) -> PatternPart:
        """``[a-z_]`` or ``[^0-9]``."""
        negated = self.next() == "^"
        self.at += negated
        ranges: list[tuple[str, str]] = []
        classes: list[str] = []
        first = True
        while self.next() != "]" or first:
            first = False
            node = self.set_item()
            classes += node.classes
            is_range = self.next() == "-" and self.text[self.at + 1 : self.at + 2] not in ("", "]")
            if node.classes or not is_range:
                ranges += node.ranges
                continue
            self.at += 1
            last = self.set_item()
            if not last.ranges or last.ranges[0][0] < node.ranges[0][0]:
                raise BadPattern("has a range in [ ] whose ends are not in order")
            ranges.append((node.ranges[0][0], last.ranges[0][0]))
        self.at += 1
        return PatternPart("characters", ranges=tuple(ranges), classes=tuple(classes), negated=negated)

    def set_item(self) -> PatternPart:
        char = self.next()
        self.at += 1
        if not char:
            raise BadPattern("has a [ without its ]")
        return self.escaped() if char == "\\" else PatternPart("characters", ranges=((char, char),))
