"""Drawing a quiz.

A question is drawn by its topic (:mod:`topics`) such that its numbers are easy to calculate with, and typical mistakes
give values that differ from the expected one and from each other. No question occurs twice in a quiz.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple
from unicodedata import category

from cnncli.errors import CnnError, counted, suggestion
from cnncli.homework.answer_key.expected import ExpectedAnswer
from cnncli.homework.languages.messages import translated
from cnncli.homework.mistakes.operation_mistakes import IN_POSITIONS
from cnncli.homework.mistakes.size_mistakes import IN_INPUT
from cnncli.homework.mistakes.texts import plain
from cnncli.homework.quiz.draws import Draws
from cnncli.homework.quiz.question import Prompt, QuizQuestion, expected_for, localized_question, network_text
from cnncli.homework.quiz.topics.registry import TOPICS
from cnncli.homework.quiz.topics.wording import LEVELS

# The mistakes that the numbers of a question should tell apart: a fixed list, so that a seed gives the same quiz when
# the table of mistakes grows.
TOLD_APART = frozenset(
    (
        *("forgot_plus_one", "plus_one_before_divide", "padding_counted_once", "padding_counted_twice"),
        *("padding_ignored", "stride_ignored", "ceil_for_floor", "dilation_ignored", "dilation_times_kernel"),
        *("same_as_valid", "same_with_stride_unchanged", "pool_stride_one", "padding_in_total"),
        *("kept_input_channels", "positions_as_channels", "padded_channels", "pooled_channels", "HWC_order"),
        *("height_and_width_swapped", "wrong_flatten", "forgot_flatten", "pool_has_params", "has_no_params"),
        *("forgot_bias", "forgot_in_channels", "forgot_in_channels_and_bias", "one_bias_total"),
        *("bias_per_in_channel", "one_filter_only", "no_weight_sharing", "counted_outputs", "counted_input_pixels"),
        *("groups_ignored", "depthwise_as_full", "separable_product", "bn_count", "total_missing_or_double"),
        *("rf_additive", "rf_own_stride", "rf_reverse_order", "rf_without_minus_one", "rf_is_kernel"),
        *("rf_pool_ignored", "jump_is_own_stride", "jump_added", "macs_vs_flops", "macs_input_size"),
        *("macs_include_bias", "macs_per_batch", "flip_missing", "flip_one_axis", "channel_sum_missing"),
        *("avg_pads_in_divisor", "l2_pool_no_root", "pool_kind"),
    )
)
ATTEMPTS = 16  # questions to choose the one from whose mistakes give the most distinct values
MOST_DRAWS = 400  # for a question that the quiz does not have yet


class Course(NamedTuple):
    """What the quizzes of a class have in common.

    ``key`` is the secret key that they are drawn with, or empty. ``points`` are those of each answer, by topic, where
    they are not the topic's own; under ``""`` for all others.
    """

    seed: int = 1
    length: int = 6
    level: str = "medium"
    topics: tuple[str, ...] = tuple(TOPICS)
    title: str = ""
    key: bytes = b""
    points: Mapping[str, int] = {}


class Quiz(NamedTuple):
    """The quiz of one student, or of all."""

    title: str
    seed: int
    student: str
    questions: tuple[QuizQuestion, ...]

    @property
    def architecture(self) -> str:
        """The network of all questions about layers, as YAML; empty where there are none."""
        return network_text(self.questions)

    @property
    def out_of(self) -> Fraction:
        """The number of points."""
        return Fraction(sum(question.points * len(question.prompts) for question in self.questions))


class AnsweredPrompt(NamedTuple):
    """A prompt and the expected answer to it."""

    prompt: Prompt
    expected: ExpectedAnswer


def draw(course: Course, student: str = "") -> Quiz:
    """A student's quiz, which cycles through the topics.

    A question depends on (key, seed, student, its number, its topic) and on the earlier ones of its topic. Raises
    CnnError for an unknown topic or level, and for a name that a file cannot contain.
    """
    _refuse(course, student)
    questions: list[QuizQuestion] = []
    for number in range(1, course.length + 1):
        topic = course.topics[(number - 1) % len(course.topics)]
        drawn = _question(course, student, number, topic, {question.content for question in questions})
        points = course.points.get(topic, course.points.get("", drawn.points))
        questions.append(drawn._replace(points=points))
    return Quiz(course.title or translated("Quiz"), course.seed, student, tuple(map(localized_question, questions)))


def _refuse(course: Course, student: str) -> None:
    for text in (student, course.title):
        if any(category(char) in ("Cc", "Cs") and char not in "\t\r\n" for char in text):
            raise CnnError(f"{text!r}: contains a character that cannot be written", "remove it")
    for topic in course.topics:
        refuse_topic(topic)
    if course.level not in LEVELS:
        raise CnnError(f"unknown level {course.level!r}", f"use {', '.join(LEVELS)}")
    if not course.topics:
        raise CnnError("--topics is empty", f"use {', '.join(TOPICS)}")
    if not 1 <= course.length <= 100:
        raise CnnError("a quiz has 1 to 100 questions", "give --questions 8")


def refuse_topic(topic: str) -> None:
    """Raises CnnError for an unknown topic."""
    if topic not in TOPICS:
        raise CnnError(f"unknown topic {topic!r}", suggestion(topic, [*TOPICS], f"use {', '.join(TOPICS)}"))


def _question(course: Course, student: str, number: int, topic: str, earlier: set[Any]) -> QuizQuestion:
    """The best of some draws that the quiz does not have yet."""
    draws = Draws(f"{course.seed}/{student}/{number}/{topic}/{course.level}", course.key)
    best, most, tried = None, Fraction(-1), 0
    for _ in range(MOST_DRAWS):
        question = TOPICS[topic](draws, f"q{number}", course.level)
        if question.content in earlier:
            continue
        distinct = _distinct_mistakes(question)
        if distinct is not None and distinct > most:
            best, most = question, distinct
        tried += 1
        if most == 1 or tried >= ATTEMPTS:
            break
    if best is None:
        found = sum(content[0] == topic for content in earlier)
        raise CnnError(
            f"no more than {counted(found, 'question')} about {topic} could be drawn at level {course.level}",
            "use fewer questions, or more topics",
        )
    return best


def _distinct_mistakes(question: QuizQuestion) -> Fraction | None:
    """The fraction of single mistakes that give a value of their own; None for a question that is not well posed."""
    fractions = []
    for prompt in question.prompts:
        expected = expected_for(question, prompt)
        if isinstance(expected.value, str) and prompt.stated is None:
            return None  # it does not fit
        singles = [value for name, value in expected.candidates.items() if _is_told_apart(name)]
        singles += [value for _, value in prompt.mistakes]
        if any(value == expected.value for value in singles):
            return None
        fractions.append(Fraction(len({*map(str, singles)}), max(1, len(singles))))
    return min(fractions)


def _is_told_apart(name: str) -> bool:
    return plain(name) in TOLD_APART and name.partition("#")[2] not in (IN_POSITIONS, IN_INPUT)


def answered(quiz: Quiz) -> list[list[AnsweredPrompt]]:
    """The prompts of every question with the expected answers."""
    return [
        [AnsweredPrompt(prompt, expected_for(question, prompt)) for prompt in question.prompts]
        for question in quiz.questions
    ]
