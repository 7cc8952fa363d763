"""A review while a class is graded: read the queue, apply its verdicts, and write it with the new answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cnncli.errors import CnnError, counted, shortened
from cnncli.homework.grading.decision import Decide
from cnncli.homework.grading.grade import GradedSubmission
from cnncli.homework.grading.key import AnswerKey
from cnncli.homework.review.entries import Review, read_review, review_of
from cnncli.homework.review.queue import AnswerGroup, answer_groups
from cnncli.homework.review.writing import updated_text
from cnncli.io.writing import write_whole, writing
from cnncli.language.source import Source


class ReviewSession(NamedTuple):
    """A review queue and the key of the class; ``own_keys`` where each student has one."""

    path: Path
    review: Review
    key: AnswerKey
    own_keys: bool

    @property
    def decide(self) -> Decide:
        """The function that gives the decision on an answer."""
        return self.review.decide(own_keys=self.own_keys)

    def write(self, submissions: list[GradedSubmission]) -> list[str]:
        """Write the queue with the answers of a class, and say what is in it. Raises CnnError."""
        groups = answer_groups(self.key.questions, submissions, own_keys=self.own_keys)
        text = updated_text(self.review, self.key.questions, groups, own_keys=self.own_keys)
        after = review_of(Source(self.review.source.name, text), self.key.questions, own_keys=self.own_keys)
        if {**after.decisions, **self.review.decisions} != after.decisions:
            raise CnnError(f"{self.path}: cannot be updated without losing a verdict", "write entries as cnn does")
        if text != self.review.source.text:
            with writing(self.path):
                write_whole(self.path, text.encode())
        return [*self._notes(groups, after)]

    def _notes(self, groups: list[AnswerGroup], after: Review) -> Iterator[str]:
        decisions = after.decisions
        applied = [group for group in groups if group.same in decisions]
        if decisions:
            answers = sum(len(group.students) for group in applied)
            yield f"{self.path}: {counted(len(applied), 'verdict')} applied to {counted(answers, 'answer')}"
        listed = {entry.same for entry in after.entries}
        waiting = Counter(g.reason for g in groups if g.reason and g.same in listed and g.same not in decisions)
        if waiting:
            reasons = ", ".join(f"{times} {reason}" for reason, times in waiting.items())
            yield f"{self.path}: {counted(sum(waiting.values()), 'answer')} to review ({reasons})"
        else:
            yield f"{self.path}: no answers to review"
        yield from self._gone(groups)

    def _gone(self, groups: list[AnswerGroup]) -> Iterator[str]:
        """Notes on the entries about answers that nobody gave, or to questions that the key does not ask."""
        found = {group.same for group in groups}
        gone = [entry for entry in self.review.entries if entry.same not in found]
        for entry in gone[:_SHOWN]:
            what = shortened(" ".join(entry.answer.split()) or (entry.same.student if entry.same else ""), 40)
            reason = "nobody gave this answer" if entry.same else "the key does not ask it"
            yield f"{self.path}: kept {entry.name}: {what or 'blank'}: {reason}"
        if len(gone) > _SHOWN:
            yield f"{self.path}: kept {len(gone) - _SHOWN} more that nobody gave"


_SHOWN = 10  # entries that are named


def open_review(path: Path, keys: dict[str, AnswerKey]) -> ReviewSession:
    """Read the review queue of a class, by its keys. Raises CnnError for an invalid one."""
    key, own_keys = next(iter(keys.values())), "" not in keys
    return ReviewSession(path, read_review(path, key.questions, own_keys=own_keys), key, own_keys)
