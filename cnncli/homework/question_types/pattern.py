"""Regular expressions that cannot hang: matching takes a time proportional to the length of the text.

Python's ``re`` backtracks: ``(a+)+b`` takes minutes on 30 letters. Here all ways to match are followed at once, as a
set of states (K. Thompson, "Regular expression search algorithm", Communications of the ACM 11, 1968).
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from cnncli.homework.question_types.pattern_syntax import BadPattern as BadPattern
from cnncli.homework.question_types.pattern_syntax import PatternPart, parse_pattern

LONGEST_PATTERN = 300  # characters
LONGEST_TEXT = 1000  # characters
MOST_STATES = 500  # of the automaton, after repetitions with a count are written out


class Pattern(NamedTuple):
    """A regular expression as an automaton: each state has the characters that lead on from it, and its followers.

    A state without characters leads on at once. The last state is the end.
    """

    text: str
    characters: tuple[PatternPart | None, ...]
    followers: tuple[tuple[int, ...], ...]
    start: int

    def matches(self, text: str) -> bool:
        """Whether the whole text matches. Case, spaces around it, and how many spaces are in a row do not count.

        A text longer than LONGEST_TEXT does not match.
        """
        plain = " ".join(unicodedata.normalize("NFKC", text).split())
        if len(plain) > LONGEST_TEXT:
            return False
        known: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        states = self._closure({self.start})
        for char in plain:
            if (states, char) not in known:
                known[states, char] = self._after(states, char)
            states = known[states, char]
        return len(self.followers) - 1 in states

    def _after(self, states: frozenset[int], char: str) -> frozenset[int]:
        """The states after one more character."""
        variants = {char, char.lower(), char.upper()}
        passed = [at for at in states if (node := self.characters[at]) is not None and node.accepts(variants)]
        return self._closure({follower for at in passed for follower in self.followers[at]})

    def _closure(self, states: set[int]) -> frozenset[int]:
        """The states and those that they lead to at once."""
        waiting, found = [*states], {*states}
        while waiting:
            at = waiting.pop()
            if self.characters[at] is None:
                new = [follower for follower in self.followers[at] if follower not in found]
                found.update(new)
                waiting += new
        return frozenset(found)


def compile_pattern(text: str) -> Pattern:
    """The automaton of a regular expression. Raises BadPattern, with what is wrong."""
    if len(text) > LONGEST_PATTERN:
        raise BadPattern(f"is longer than {LONGEST_PATTERN} characters")
    builder = _Builder()
    end = builder.state()
    start = builder.add(parse_pattern(unicodedata.normalize("NFKC", text)), end)
    # the end becomes the last state
    order = [at for at in range(len(builder.followers)) if at != end] + [end]
    place = {at: new for new, at in enumerate(order)}
    followers = tuple(tuple(place[follower] for follower in builder.followers[at]) for at in order)
    return Pattern(text, tuple(builder.characters[at] for at in order), followers, place[start])


class _Builder:
    """Builds the automaton from the end to the start: each part is told the state that follows it."""

    def __init__(self) -> None:
        self.characters: list[PatternPart | None] = []
        self.followers: list[list[int]] = []

    def state(self, followers: list[int] | None = None, characters: PatternPart | None = None) -> int:
        if len(self.followers) >= MOST_STATES:
            raise BadPattern(f"has more than {MOST_STATES:,} states (the limit)")
        self.characters.append(characters)
        self.followers.append(followers or [])
        return len(self.followers) - 1

    def add(self, node: PatternPart, following: int) -> int:
        """The first state of a part that leads on to the state ``following``."""
        if node.kind == "characters":
            return self.state([following], node)
        if node.kind == "sequence":
            for part in reversed(node.parts):
                following = self.add(part, following)
            return following
        if node.kind == "alternatives":
            return self.state([self.add(part, following) for part in node.parts])
        return self._repetition(node, following)

    def _repetition(self, node: PatternPart, following: int) -> int:
        (part,), (least, most) = node.parts, node.times
        if most is None:
            loop = self.state()
            self.followers[loop] = [self.add(part, loop), following]
            at = loop
        else:
            at = following
            for _ in range(most - least):
                at = self.state([self.add(part, at), following])
        for _ in range(least):
            at = self.add(part, at)
        return at
