"""The expected answers follow from the text of each question, and earlier versions draw the same quizzes."""

from __future__ import annotations

import math
import re
import statistics
from fractions import Fraction
from hashlib import sha256
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnncli.homework.quiz.draws import Draws
from cnncli.homework.quiz.question import DrawnLayers, Matrix, QuizQuestion, Table
from cnncli.homework.quiz.quiz import Course, answered, draw
from cnncli.homework.quiz.topics.registry import TOPICS
from cnncli.homework.quiz.topics.wording import EASY, HARD, LEVELS, MEDIUM, article

some = settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
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
    p = optional(r"padding (\d+)", text, 0)
    if "gives an output of" in text:
        k, k2, s, m = numbers(r"An? (\d+)x(\d+) conv.* stride (\d+), padding.* output of (\d+)x", text)
        assert level == HARD and k == k2 and asked(question) == ["What is the input size per side?"]
        return [next(n for n in range(1, 400) if (n + 2 * p - k) % s == 0 and (n + 2 * p - k) // s + 1 == m)]
    n, other, k, k2, s = numbers(r"input of (\d+)x(\d+) .* a (\d+)x(\d+) conv.* stride (\d+), ", text)
    d = optional(r"dilation (\d+)", text, 1)
    room = n + 2 * p - d * (k - 1) - 1
    assert (n, k) == (other, k2) and p <= d * (k // 2) and ("rounded down" in text) == (level == HARD)
    assert (s == 1) == (level == EASY) and (d > 1) == (level == HARD) and (level == HARD or room % s == 0)
    assert asked(question) == ["What is the output size per side?"] and ("no padding" in text) == (p == 0)
    return [room // s + 1]


def padding(question: QuizQuestion, level: str) -> Answers:
    text, (request,) = str(question.parts[0]), asked(question)
    k, s = numbers(r"^An? (\d+)x\d+ convolution has stride (\d+)", text)
    d = optional(r"dilation (\d+)", text, 1)
    n, m = numbers(r"Which padding per side maps (\d+)x\d+ to (\d+)x\d+ exactly\?", request)
    assert text.startswith("An ") == (k in (8, 11)) and (s == 1) == (level == EASY) and (d > 1) == (level == HARD)
    assert level != EASY or n == m
    fitting = [p for p in range(d * k) if n + 2 * p - d * (k - 1) - 1 == s * (m - 1)]
    assert len(fitting) == 1 and fitting[0] >= 1
    return fitting


def asked(question: QuizQuestion) -> list[str]:
    return [prompt.request for prompt in question.prompts]


def parameters(question: QuizQuestion, level: str) -> Answers:
    text = str(question.parts[0])
    if "depthwise" in text:
        k, _, f, c, h, w = numbers(r"depthwise (\d+)x(\d+) .*with (\d+) filters.* input is (\d+)x(\d+)x(\d+)", text)
        assert level == HARD and "Neither has biases" in text
        weights = c * k * k + c * f
        return [weights, weights * h * w]
    f, k, k2, p, c, h, w = numbers(
        r"with (\d+) filters of (\d+)x(\d+).* padding (\d+) on each side, with\w* biases, takes an? (\d+)x(\d+)x(\d+) ",
        text,
    )
    groups = optional(r"in (\d+) groups", text, 1)
    assert (h, k) == (w, k2) and p == k // 2 and (groups > 1) == (level == HARD)
    assert f"takes {article(c)} {c}x" in text and (level != EASY or "with biases" in text)
    weights = f * (c // groups) * k * k
    assert [request.startswith("How many") for request in asked(question)] == [True] * (1 if level == EASY else 2)
    return [weights + f * ("with biases" in text), *([weights * h * w] if level != EASY else [])]


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
    assert "receptive field (per side) of the last layer on" in asked(question)[0] and seen <= 127
    assert names[-1] == "last" and len(names) in {EASY: (2, 3), MEDIUM: (3, 4), HARD: (4, 5)}[level]
    assert any("dilation" in line for line in listed(question)) == (level == HARD)
    assert any("pooling" in line for line in listed(question)) == (level != EASY)
    return [seen, jump] if level == HARD else [seen]


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


def transposed(question: QuizQuestion, level: str) -> Answers:
    text = str(question.parts[0])
    if level == HARD:
        (x,), (k,) = (whole(part) for part in question.parts if isinstance(part, Matrix))
        (s,) = numbers(r"stride (\d+)", text)
        size = s * (len(x) - 1) + len(k)
        found = [[0] * size for _ in range(size)]
        for i, j, a, b in product(range(len(x)), range(len(x)), range(len(k)), range(len(k))):
            found[i * s + a][j * s + b] += x[i][j] * k[a][b]
        return [(tuple(map(tuple, found)),)]
    n, k, s = numbers(r"input of (\d+)x\d+ .* transposed (\d+)x\d+ .* stride (\d+), ", text)
    p, extra = optional(r"(?<!output )padding (\d+)", text, 0), optional(r"output padding (\d+)", text, 0)
    assert (extra > 0) == (level == MEDIUM)
    return [(n - 1) * s - 2 * p + k + extra]


def backward(question: QuizQuestion, level: str) -> Answers:
    """The gradient of the sum of Y times G: exact differences, as Y is linear, or piecewise linear, in X and K."""
    text, matrices = str(question.parts[0]), [whole(part)[0] for part in question.parts if isinstance(part, Matrix)]
    (s,) = numbers(r"stride (\d+)", text)
    g = matrices[-1]

    def loss(x: Any, k: Any) -> Any:
        total = 0
        for i, j in product(range(2), range(2)):
            window = [[x[i * s + a][j * s + b] for b in range(2)] for a in range(2)]
            is_pool = "max pooling" in text
            products = (window[a][b] * k[a][b] for a, b in product(range(2), range(2))) if not is_pool else ()
            total += g[i][j] * (max(map(max, window)) if is_pool else sum(products))
        return total

    x, k = matrices[0], matrices[1]
    of_kernel = "kernel K?" in asked(question)[0]
    varied = k if of_kernel else x
    step = Fraction(1, 4)

    def slope(i: int, j: int) -> Any:
        moved = [[cell + step * ((i, j) == (a, b)) for b, cell in enumerate(row)] for a, row in enumerate(varied)]
        return (loss(x, moved) - loss(x, k) if of_kernel else loss(moved, k) - loss(x, k)) / step

    assert of_kernel == (level == EASY) and (level == HARD) == (s == 2)
    return [(tuple(tuple(slope(i, j) for j in range(len(varied))) for i in range(len(varied))),)]


def batchnorm(question: QuizQuestion, level: str) -> Answers:
    text = str(question.parts[0])
    values = [int(word) for word in re.findall(r"-?\d+", text.partition("batch):")[2].partition(". Take")[0])]
    mean = Fraction(sum(values), 4)
    variance = statistics.pvariance(map(Fraction, values))
    spread = math.isqrt(int(variance))
    assert spread**2 == variance and len(values) == 4
    if level == EASY:
        return [mean, variance, (values[0] - mean) / spread]
    gamma, beta = (int(n) for n in re.findall(r"\(gamma\) is (-?\d+), its shift \(beta\) (-?\d+)", text)[0])
    if level == MEDIUM:
        return [gamma * (values[0] - mean) / spread + beta]
    (running,) = numbers(r"running mean is (\d+) and its momentum 0.1", text)
    at, other, x = re.findall(r"mean (-?\d+), running variance (\d+),.* does (-?\d+) become", asked(question)[1])[0]
    kept = running * Fraction(9, 10) + mean / 10
    return [kept, gamma * Fraction(int(x) - int(at), math.isqrt(int(other))) + beta]


def softmax(question: QuizQuestion, level: str) -> Answers:
    text = str(question.parts[0])
    written = text.partition("classes are ")[2].split(". ")[0].split(" (")[0].rstrip(".").split(", ")
    scale = optional(r"temperature (\d+)", text, 1)
    powers = [float(n.removeprefix("ln ")) if "ln" in n else math.exp(int(n) / scale) for n in written]
    (at,) = [optional(r"class (\d)", request, 0) - 1 for request in asked(question)[:1]]
    target = optional(r"Class (\d) is the correct one", text, 0) - 1
    if level == HARD:
        p = powers[target] / sum(powers)
        assert at == target
        return [pytest.approx(p, abs=6e-4), pytest.approx(-math.log(p), abs=6e-4)]
    exact = Fraction(int(powers[at]), int(sum(powers)))
    return [exact - (at == target) if level == MEDIUM else exact]


def memory(question: QuizQuestion, level: str) -> Answers:
    text, (request,) = str(question.parts[0]), asked(question)
    shape = r"x\d+x\d+ input" if level == MEDIUM else " input channels"
    f, k, c = numbers(rf"with (\d+) filters of (\d+)x\d+.* takes (?:an? )?(\d+){shape}", text)
    count = f * (c * k * k + 1)
    if level == EASY:
        return [count * 4]
    if level == MEDIUM:
        (h, w), (batch,) = numbers(r"\d+x(\d+)x(\d+) input", text), numbers(r"batch of (\d+)", request)
        return [batch * f * h * w * 4]
    return [count * {"SGD with momentum": 3, "Adam": 4}[re.findall(r"\((.*)\)", request)[0]] * 4]


def budget(question: QuizQuestion, level: str) -> Answers:
    text, (request,) = str(question.parts[0]), asked(question)
    most = int(re.findall(r"at most ([\d,]+) param", request)[0].replace(",", "")) if level != MEDIUM else 0
    if level == EASY:
        k, c = numbers(r"^A (\d+)x\d+ .* takes (\d+) input", text)
        return [max(f for f in range(3000) if f * (c * k * k + 1) <= most)]
    if level == MEDIUM:
        k, least = numbers(r"chain of (\d+)x\d+ .* at least (\d+)x", text)
        return [min(n for n in range(200) if 1 + n * (k - 1) >= least)]
    (c,) = numbers(r"takes (\d+) input", text)
    return [max(w for w in range(500) if w * (9 * c + 1) + w * (9 * w + 1) <= most)]


def table(question: QuizQuestion, level: str) -> Answers:
    """The first row that does not follow from the row before it, and what is wrong with it."""
    c, h, w = numbers(r"with a (\d+)x(\d+)x(\d+) input", str(question.parts[0]))
    (drawn,) = (part for part in question.parts if isinstance(part, Table))
    carried: tuple[int, ...] = (c, h, w)
    for line, (layer, shape, params) in zip(listed(question), drawn.rows, strict=True):
        got, count = tuple(map(int, shape.split("x"))), int(params)
        right, weights, biases = carried, 0, 0
        if "filters" in line:
            f, k = numbers(r"(\d+) filters of (\d+)x", line)
            p = optional(r"padding (\d+)", line, 0)
            right, weights, biases = (f, *(n + 2 * p - k + 1 for n in carried[1:])), f * carried[0] * k * k, f
        elif "pooling" in line:
            right = (carried[0], *((n - 2) // 2 + 1 for n in carried[1:]))
        elif "flatten" in line:
            right = (math.prod(carried),)
        elif "units" in line:
            right = numbers(r"(\d+) units", line)
            weights, biases = right[0] * carried[0], right[0]
        if (got, count) != (right, weights + biases):
            return [layer, _reason(got, right, count, weights, carried)]
        carried = got
    raise AssertionError("no mistake in the table")


def _reason(got: Any, right: Any, count: int, weights: int, before: Any) -> str:
    if got == right:
        return "the biases are missing" if count == weights else "the input channels are missing"
    if got[0] != right[0]:
        assert got[0] == before[0]
        return "the input channels are kept as output channels"
    step = right[1] - got[1]
    return {1: "the + 1 in the size formula is missing", 2: "the padding is ignored"}[step]


RULES = {
    "sizes": sizes, "padding": padding, "parameters": parameters, "fields": fields, "by_hand": by_hand,
    "networks": networks, "transposed": transposed, "backward": backward, "batchnorm": batchnorm, "softmax": softmax,
    "memory": memory, "budget": budget, "table": table,
}  # fmt: skip


def test_every_topic_has_a_rule() -> None:
    assert RULES.keys() == TOPICS.keys()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("topic", TOPICS)
def test_the_expected_answers_follow_from_the_text_of_the_question(topic: str, level: str) -> None:
    @some
    @given(st.integers(0, 10**6), st.text("abc", max_size=3))
    def holds(seed: int, student: str) -> None:
        quiz = draw(Course(seed, 1, level, (topic,)), student)
        (question,), (answers,) = quiz.questions, answered(quiz)
        assert [answer.expected.value for answer in answers] == RULES[topic](question, level)
        assert quiz.out_of == len(question.prompts) * question.points == len(answers) * question.points

    holds()


# The networks and their questions take longest to draw.
@pytest.mark.parametrize("topic", [topic for topic in TOPICS if topic not in ("networks", "table")])
def test_no_question_occurs_twice_in_a_quiz(topic: str) -> None:
    for level in LEVELS:
        drawn = draw(Course(1, 12, level, (topic,)), "s").questions
        assert len({str(question.content) for question in drawn}) == 12


@pytest.mark.parametrize("level", LEVELS)
def test_a_class_of_300_gets_hundreds_of_different_receptive_fields(level: str) -> None:
    drawn = [TOPICS["fields"](Draws(f"{level}/{student}"), "q1", level) for student in range(300)]
    assert len({question.content for question in drawn}) > 200


@pytest.mark.parametrize(("number", "word"), [(1, "a"), (8, "an"), (11, "an"), (18, "an"), (80, "an"), (16, "a"),
                                              (110, "a"), (180, "a"), (800, "an"), (11000, "an")])  # fmt: skip
def test_the_article_follows_the_spoken_number(number: int, word: str) -> None:
    assert article(number) == word


def test_all_students_have_questions_of_the_same_names_and_points() -> None:
    """The keys of a class must ask the same, whatever was drawn."""
    quick = tuple(topic for topic in TOPICS if topic not in ("networks", "table"))
    for level in LEVELS:
        asked_of = {
            tuple((prompt.name, question.points) for question in quiz.questions for prompt in question.prompts)
            for quiz in (draw(Course(1, len(quick), level, quick), student) for student in "abcd")
        }
        assert len(asked_of) == 1


FOR_EVER = {
    "easy": "b172caa41b7c9752",
    "medium": "8c2f8bab0f4730d7",
    "hard": "2df98e3137300c26",
}  # of the numbers, not of the texts


@pytest.mark.parametrize("level", LEVELS)
def test_the_topics_draw_the_same_in_every_version_while_the_mistakes_stay_the_same(level: str) -> None:
    """A quiz has the best of some draws, which depends on the known mistakes; the draws themselves do not."""
    questions = [draw_one(Draws(f"{level}/{at}"), "q1", level) for draw_one in TOPICS.values() for at in range(3)]
    drawn = [
        (prompt.name, sorted(prompt.question.fields.items()), prompt.stated and prompt.stated.value,
         question.inputs, question.layers)
        for question in questions
        for prompt in question.prompts
    ]  # fmt: skip
    assert sha256(repr(drawn).encode()).hexdigest()[:16] == FOR_EVER[level]
