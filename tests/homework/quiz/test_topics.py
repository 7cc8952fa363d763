"""The expected answers follow from the text of each question, and earlier versions draw the same quizzes."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnncli.homework.quiz.question import DrawnLayers, Matrix, QuizQuestion
from cnncli.homework.quiz.quiz import answered, draw
from cnncli.homework.quiz.topics import EASY, HARD, LEVELS, MEDIUM, TOPICS

some = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
Answers = list[Any]


def numbers(pattern: str, text: str) -> tuple[int, ...]:
    found = re.search(pattern, text)
    assert found is not None, (pattern, text)
    return tuple(map(int, found.groups()))


def optional(pattern: str, text: str, default: int) -> int:
    found = re.search(pattern, text)
    return int(found[1]) if found else default


def sizes(question: QuizQuestion, level: str) -> Answers:
    text = str(question.parts[0])
    n, other, k, k2, s, p = numbers(r"input of (\d+)x(\d+) .* a (\d+)x(\d+) conv.* stride (\d+), padding (\d+)", text)
    d = optional(r"dilation (\d+)", text, 1)
    room = n + 2 * p - d * (k - 1) - 1
    assert (n, k) == (other, k2) and p <= d * (k // 2) and ("Round down" in text) == (level == HARD)
    assert (s == 1) == (level == EASY) and (d == 2) == (level == HARD) and (level == HARD or room % s == 0)
    assert 2 * k * d - 3 < n <= (32 if level == EASY else 64)
    return [room // s + 1]


def padding(question: QuizQuestion, level: str) -> Answers:
    text = str(question.parts[0])
    k, s, n, m = numbers(r"(\d+)x\d+ convolution with stride (\d+) map (\d+)x\d+ to (\d+)x", text)
    assert (f" an {k}x" in text) == (k == 11) and 8 <= m <= 32 and (s == 1) == (level == EASY)
    assert level != EASY or n == m
    fitting = [p for p in range(k) if n + 2 * p - k == s * (m - 1)]
    assert len(fitting) == 1 and 1 <= fitting[0] <= k // 2
    return fitting


def parameters(question: QuizQuestion, level: str) -> Answers:
    text = str(question.parts[0])
    f, k, k2, p, c, h, w = numbers(
        r"with (\d+) filters of (\d+)x(\d+).* padding (\d+), with biases, takes a (\d+)x(\d+)x(\d+) input", text
    )
    groups = optional(r"in (\d+) groups", text, 1)
    assert (h, k) == (w, k2) and p == k // 2 and (groups > 1) == (level == HARD)
    weights = f * (c // groups) * k * k
    assert ("multiply-accumulates" in text) == (level != EASY)
    return [weights + f, *([weights * h * w] if level != EASY else [])]


def listed(question: QuizQuestion) -> list[str]:
    (listing,) = (part for part in question.parts if isinstance(part, DrawnLayers))
    return [*listing.lines]


def fields(question: QuizQuestion, level: str) -> Answers:
    seen, jump, names = 1, 1, []
    for line in listed(question):
        name, k, _, s = re.findall(r"^(\w+): (\d+)x(\d+) .*, stride (\d+)", line)[0]
        seen += optional(r"dilation (\d+)", line, 1) * (int(k) - 1) * jump
        jump *= int(s)
        names.append(name)
    assert f"receptive field (per side) of {names[-1]} on" in str(question.parts[0]) and seen <= 128
    assert len(names) == {EASY: 2, MEDIUM: 3, HARD: 4}[level]
    assert any("dilation" in line for line in listed(question)) == (level == HARD)
    assert any(name.startswith("pool") for name in names) == (level != EASY)
    return [seen]


def networks(question: QuizQuestion, level: str) -> Answers:
    c, h, w = numbers(r"takes a (\d+)x(\d+)x(\d+) input", str(question.parts[0]))
    shapes, params, macs = {}, {}, {}
    for line in listed(question):
        name = line.partition(":")[0]
        if "filters" in line:
            f, k, s = numbers(r"(\d+) filters of (\d+)x\d+, stride (\d+)", line)
            p = optional(r"padding (\d+)", line, 0)
            params[name], (h, w) = (c * k * k + 1) * f, ((n + 2 * p - k) // s + 1 for n in (h, w))
            macs[name], c = c * k * k * f * h * w, f
        elif "max pooling" in line:
            k, s = numbers(r"(\d+)x\d+ max pooling, stride (\d+)", line)
            assert (h - k) % s == 0  # nothing is dropped
            h, w = (h - k) // s + 1, (w - k) // s + 1
        elif "units" in line:
            (units,) = numbers(r"(\d+) units", line)
            params[name] = (c * h * w + 1) * units
        shapes[name] = (c, h, w)
    quantities = {"shape": shapes, "params": params, "macs": macs}
    found: Answers = []
    for prompt in question.prompts:
        _, *layer, quantity = prompt.name.split(".")
        found.append(quantities[quantity][layer[0]] if layer else sum(params.values()))
    assert (len(params) == 3) == (level != EASY) and len(found) == {EASY: 4, MEDIUM: 6, HARD: 8}[level]
    return found


def whole(part: Matrix) -> list[list[list[int]]]:
    return [[[int(cell) for cell in row] for row in rows] for rows in part.channels]


def by_hand(question: QuizQuestion, level: str) -> Answers:
    text = str(question.parts[0])
    x, *kernels = (whole(part) for part in question.parts if isinstance(part, Matrix))
    (s,) = numbers(r"stride (\d+)", text)
    if "pooling" in text:
        (rows,) = x
        assert level != EASY and (s == 2) == (level == MEDIUM)

        def value(i: int, j: int) -> Any:
            cells = [rows[i + a][j + b] for a in range(2) for b in range(2)]
            return max(cells) if "max pooling" in text else sum(cells) // 4

        assert "max pooling" in text or all(cell % 4 == 0 for row in rows for cell in row)
    else:
        (k,) = kernels
        flip = "true convolution" in text
        assert flip == (level == HARD) and len(x) == len(k) == (2 if level == HARD else 1)

        def value(i: int, j: int) -> Any:
            return sum(
                x[c][i + a][j + b] * (k[c][1 - a][1 - b] if flip else k[c][a][b])
                for c in range(len(x))
                for a in range(2)
                for b in range(2)
            )

    places = range(0, len(x[0]) - 1, s)
    return [(tuple(tuple(value(i, j) for j in places) for i in places),)]  # one map


RULES = {
    "sizes": sizes, "padding": padding, "parameters": parameters, "fields": fields, "by_hand": by_hand,
    "networks": networks,
}  # fmt: skip


def test_every_topic_has_a_rule() -> None:
    assert RULES.keys() == TOPICS.keys()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("topic", TOPICS)
def test_the_expected_answers_follow_from_the_text_of_the_question(topic: str, level: str) -> None:
    @some
    @given(st.integers(0, 10**6), st.text("abc", max_size=3))
    def holds(seed: int, student: str) -> None:
        quiz = draw(seed, student, 1, level, (topic,))
        (question,), (answers,) = quiz.questions, answered(quiz)
        assert [answer.expected.value for answer in answers] == RULES[topic](question, level)
        assert quiz.out_of == len(question.prompts) == len(answers)

    holds()


@pytest.mark.parametrize("topic", TOPICS)
def test_draws_of_a_topic_differ_in_their_numbers(topic: str) -> None:
    for level in LEVELS:
        texts = {str(draw(seed, "s", 1, level, (topic,)).questions[0].parts) for seed in range(12)}
        assert len(texts) >= 6


FOR_EVER = {
    "easy": "6ca12b0159e08e02",
    "medium": "115022255c2dc841",
    "hard": "35b59c30cfaadd8e",
}  # of the numbers, not of the texts


@pytest.mark.parametrize("level", LEVELS)
def test_a_quiz_of_an_earlier_version_is_drawn_the_same(level: str) -> None:
    drawn = [
        (prompt.name, sorted(prompt.question.fields.items()), question.inputs, question.layers, question.blocks)
        for seed in range(4)
        for question in draw(seed, "s-1024", 2 * len(TOPICS), level).questions
        for prompt in question.prompts
    ]
    assert sha256(repr(drawn).encode()).hexdigest()[:16] == FOR_EVER[level]
