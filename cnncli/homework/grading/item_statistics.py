"""Item statistics of classical test theory, and answers that are correct for another student's variant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import sqrt
from typing import NamedTuple

from cnncli.homework.checking.parsing import value_text
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.grading.grade import GradedSubmission

FEWEST = 5  # submissions below which a correlation says nothing


class OthersAnswers(NamedTuple):
    """Wrong answers of ``student`` that are the correct ones of ``other``'s variant.

    ``matching`` are their questions, ``wrong`` is the number of the student's wrong answers; ``expected_matches`` is
    the number of matches with the variant of a classmate on average, for comparison.
    """

    student: str
    other: str
    matching: tuple[str, ...]
    wrong: int
    expected_matches: float


def difficulty(points: Sequence[Fraction], out_of: Fraction) -> float | None:
    """The mean fraction of the points, from 0 (nobody) to 1 (everybody): classical test theory's difficulty index."""
    return float(sum(points, Fraction(0)) / out_of / len(points)) if points and out_of else None


def discrimination(points: Sequence[Fraction], totals: Sequence[Fraction]) -> float | None:
    """Pearson's correlation of an item's points with the points of all other items (the corrected item-total
    correlation, Ebel and Frisbie 1991); None for few submissions, and where one of the two does not vary.
    """
    if len(points) < FEWEST:
        return None
    items = [float(own) for own in points]
    rests = [float(total - own) for own, total in zip(points, totals, strict=True)]
    item_mean, rest_mean = sum(items) / len(items), sum(rests) / len(rests)
    deviations = [(item - item_mean, rest - rest_mean) for item, rest in zip(items, rests, strict=True)]
    item_variance = sum(item * item for item, _ in deviations)
    rest_variance = sum(rest * rest for _, rest in deviations)
    if not item_variance or not rest_variance:
        return None
    return sum(item * rest for item, rest in deviations) / sqrt(item_variance * rest_variance)


def others_answers(submissions: Sequence[GradedSubmission]) -> list[OthersAnswers]:
    """For each student, the classmate whose correct answers the most of the student's wrong answers equal.

    Variants on which the student's own answer is the same are left out; so are students with a single match, which
    happens by chance.
    """
    graded = [submission for submission in submissions if not submission.problem]
    owners: dict[tuple[int, str], list[int]] = {}
    for number, submission in enumerate(graded):
        for at, answer in enumerate(submission.answers):
            if answer.verdict.expected:
                owners.setdefault((at, value_text(answer.verdict.expected)), []).append(number)
    found = []
    for number, submission in enumerate(graded):
        matches = _matches(number, submission, owners)
        counts = Counter(other for others in matches.values() for other in others)
        if not counts:
            continue
        other, most = min(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        if most > 1:
            questions = tuple(name for name, others in matches.items() if other in others)
            wrong = sum(map(_is_wrong, (answer.verdict for answer in submission.answers)))
            mean = sum(counts.values()) / (len(graded) - 1)
            found.append(OthersAnswers(submission.student, graded[other].student, questions, wrong, mean))
    return sorted(found, key=lambda one: -len(one.matching))


def _is_wrong(verdict: Verdict) -> bool:
    return bool(verdict.given) and not (verdict.correct or verdict.blank or verdict.pending)


def _matches(
    number: int, submission: GradedSubmission, owners: dict[tuple[int, str], list[int]]
) -> dict[str, list[int]]:
    """By question, the classmates for whose variant a wrong answer is correct."""
    found = {}
    for at, answer in enumerate(submission.answers):
        verdict = answer.verdict
        if _is_wrong(verdict) and value_text(verdict.given) != value_text(verdict.expected):
            others = owners.get((at, value_text(verdict.given)), [])
            if others and number not in others:
                found[verdict.question] = others
    return found
