"""The review queue: to whom a verdict applies, what is kept, and that nothing depends on the order of the sheets."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncli.errors import CnnError
from cnncli.homework.answer_key.questions import empty_cache
from cnncli.homework.answer_key.sheet import Question, Sheet
from cnncli.homework.grading.decision import BY_REVIEW
from cnncli.homework.grading.grade import GradedSubmission, grade
from cnncli.homework.grading.key import AnswerKey, read_key
from cnncli.homework.review.same_answers import same_answer
from cnncli.homework.review.session import ReviewSession, open_review
from cnncli.io.escaping import yaml
from cnncli.language.source import Scalar, Source, parse

some = settings(max_examples=8, deadline=None, derandomize=True, database=None)
KEY = """
questions:
  size: {points: 2, solve: {input: 7, kernel: 3}, question: How large is it?}
  name: {text: ReLU}
  time: {points: 4, numeric: 3.3, unit: ms}
  why: {manual: {formula: 2, result: 1}}
  plot: {points: 2, upload: }
"""
# Spellings of the same answer, and others: each list is one entry of the queue, if it is in it.
ANSWERS = {
    "size": [["5"], ["quite some", "Quite  Some"], ["1000"], ["4"], [""]],
    "name": [["relu"], ["tanh", "TanH", "tan h."], ["relu6"]],
    "time": [["3.3 ms"], ["soon"], ["3 MW"], ["3 mW"]],
    "why": [["because", "Because"], ["f = 3\nf' = 0", "f  =  3\n\n f' = 0"], ["f = 3 f' = 0"], [""]],
    "plot": [["photo.jpg"], [""]],
}
POINTS = {"size": 2, "name": 1, "time": 4, "why": 3, "plot": 2}
VERDICTS = {"correct": 1, "wrong": 0, "0.5": None, "points: 0.5": None, "{points: 0.5}": None}
places = st.fixed_dictionaries({
    name: st.sampled_from([(group, at) for group, same in enumerate(groups) for at in range(len(same))])
    for name, groups in ANSWERS.items()
})  # fmt: skip
classes = st.lists(places, min_size=1, max_size=5)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> AnswerKey:
    path = tmp_path_factory.mktemp("key") / "key.yaml"
    path.write_text(KEY)
    return read_key(str(path))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("queue") / "queue.yaml"


def sheets(drawn: list[dict[str, tuple[int, int]]]) -> list[Sheet]:
    return [
        Sheet(f"s{number}", None, tuple(Question(name, ANSWERS[name][group][at], {})
                                        for name, (group, at) in places.items()))
        for number, places in enumerate(drawn)
    ]  # fmt: skip


def marked(session: ReviewSession, papers: list[Sheet]) -> list[GradedSubmission]:
    return [grade(session.key, f"{paper.student}.yaml", paper, empty_cache(), session.decide) for paper in papers]


def reviewed(key: AnswerKey, path: Path, papers: list[Sheet]) -> tuple[list[GradedSubmission], str]:
    session = open_review(path, {"": key})
    graded = marked(session, papers)
    session.write(graded)
    return graded, path.read_text(encoding="utf-8")


@some
@given(classes, st.data())
def test_a_verdict_applies_to_all_who_wrote_the_same_and_to_nobody_else(
    key: AnswerKey, path: Path, drawn: list[dict[str, tuple[int, int]]], data: st.DataObject
) -> None:
    path.unlink(missing_ok=True)
    papers = sheets(drawn)
    before, text = reviewed(key, path, papers)
    choices = data.draw(st.lists(st.sampled_from(["", *VERDICTS]), min_size=text.count("verdict:\n"),
                                 max_size=text.count("verdict:\n")))  # fmt: skip
    remaining = iter(choices)
    path.write_text(re.sub(r"(?<=verdict:)\n", lambda _: f" {next(remaining)}".rstrip() + "\n", text))
    after, text = reviewed(key, path, papers)
    verdicts = iter(choices)
    of_group: dict[tuple[str, object], str] = {}
    for line in text.splitlines():  # the entries, each with the students who wrote the answer
        if re.match(r"\w+:", line):
            question = line.partition(":")[0]
        if found := re.match(r"    by: \[(.*)\]|  - student: (.*)", line):
            students = [int(number) for number in re.findall(r"s(\d+)", line)]
            groups = {drawn[number][question][0] for number in students}
            same = next(iter(groups)) if found[2] is None else ("file", students[0])
            everyone = [number for number, places in enumerate(drawn) if places[question][0] in groups]
            assert len(groups) == 1 and (students == everyone or found[2] is not None)
            of_group[question, same] = next(verdicts)
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        for was, now in zip(old.answers, new.answers, strict=True):
            name = was.verdict.question
            same = ("file", number) if name == "plot" else drawn[number][name][0]
            verdict = of_group.get((name, same), "")
            share = VERDICTS.get(verdict, -1)
            if not verdict:
                assert now == was
                continue
            assert now.points == (Fraction(1, 2) if share is None else share * POINTS[name])
            assert not now.verdict.pending and BY_REVIEW in now.verdict.remarks
            assert now.verdict.correct == (now.points == now.out_of) and now.automatic == (was.verdict, was.points)
        assert new.points == sum(answer.points for answer in new.answers)
        assert new.pending == sum(answer.out_of for answer in new.answers if answer.verdict.pending)
    again, same_text = reviewed(key, path, papers)  # twice changes nothing
    assert (again, same_text) == (after, text)


def test_no_verdict_is_on_answers_that_a_pattern_tells_apart(tmp_path: Path) -> None:
    path = tmp_path / "key.yaml"
    path.write_text('questions: {idea: {pattern: "weight[- ]sharing"}}')
    (question,) = read_key(str(path)).questions
    quoted, plain, joined = (
        same_answer(question, text, "", "ada", own_keys=False)
        for text in ('"Weight sharing"', "weight sharing", "weightsharing")
    )
    assert quoted == plain != joined


@some
@given(classes, classes)
def test_the_order_of_the_sheets_changes_nothing_and_what_a_person_wrote_stays(
    key: AnswerKey, path: Path, first: list[dict[str, tuple[int, int]]], later: list[dict[str, tuple[int, int]]],
) -> None:  # fmt: skip
    path.unlink(missing_ok=True)
    papers = sheets(first)
    _, text = reviewed(key, path, papers)
    path.unlink()
    assert reviewed(key, path, papers[::-1])[1] == text
    lines = text.splitlines(keepends=True)
    lines = [part for line in lines for part in ([line, "      # mine\n"] if "verdict:" in line else [line])]
    written = "".join(lines).replace("verdict:\n", "verdict: wrong  # sure\n", 1)
    path.write_text(written)
    more = sheets([*later, *first])
    orders = []
    for order in (more, more[::-1]):
        path.write_text(written)
        graded, text = reviewed(key, path, order)
        orders.append((sorted(graded, key=lambda paper: int(paper.student[1:])), text))
    assert orders[0] == orders[1]
    kept = [line for line in written.splitlines() if not re.match(r" +(by|automatic|why):| {9}", line)]
    found = iter(text.splitlines())
    assert all(line in found for line in kept), "a line that a person may have written is gone or in another place"


@some
@given(st.lists(st.text(max_size=12), min_size=1, max_size=4))
def test_every_text_is_read_back_from_the_queue(key: AnswerKey, path: Path, texts: list[str]) -> None:
    path.unlink(missing_ok=True)
    papers = [Sheet(f"s{at} {text}", None, (Question("why", text, {}),)) for at, text in enumerate(texts)]
    graded, text = reviewed(key, path, papers)
    path.write_text(text.replace("    verdict:\n", "    verdict: 1\n"), encoding="utf-8") if text else None
    after, _ = reviewed(key, path, papers)
    for was, now in zip(graded, after, strict=True):
        assert now.answers[3].points == (1 if was.answers[3].verdict.pending else 0)
        assert now.answers[4].points == 1  # the upload of a student of this name


@some
@given(st.text(max_size=20))
def test_a_text_in_quotes_is_read_back_as_it_is(text: str) -> None:
    node = parse(Source("q", yaml(text.encode("utf-8", "replace").decode())))
    assert isinstance(node, Scalar) and node.text == text.encode("utf-8", "replace").decode()


def test_what_follows_from_an_answer_that_a_person_accepts_earns_all_points(tmp_path: Path) -> None:
    (tmp_path / "key.yaml").write_text("architecture: lenet5\nquestions: {c1.params: 2, total.params: 2}\n")
    keys = {"": read_key(str(tmp_path / "key.yaml"))}
    paper = Sheet("ann", None, (Question("c1.params", "151", {}), Question("total.params", "61701", {})))
    queue = tmp_path / "queue.yaml"
    before = marked(open_review(queue, keys), [paper])[0]
    queue.write_text("c1.params:\n  - {answer: 151, verdict: correct}\n")
    after = marked(open_review(queue, keys), [paper])[0]
    assert [answer.points for answer in before.answers] == [0, 1] and before.answers[1].verdict.follow_through
    assert [answer.points for answer in after.answers] == [2, 2] and after.answers[0].automatic is not None


def test_where_each_student_has_a_key_a_verdict_is_on_one_correct_answer(tmp_path: Path) -> None:
    keys = {}
    for name, kernel in (("ann", 3), ("bob", 2)):
        (tmp_path / f"{name}.yaml").write_text(
            f"questions: {{q: {{question: How with {kernel}?, solve: {{input: 9, kernel: {kernel}}}}}}}\n"
        )
        keys[name] = read_key(str(tmp_path / f"{name}.yaml"))
    queue = tmp_path / "queue.yaml"
    papers = [Sheet(name, None, (Question("q", "quite some", {}),)) for name in ("ann", "bob")]

    def points() -> list[Fraction]:
        session = open_review(queue, keys)
        graded = [grade(keys[paper.student], "f", paper, empty_cache(), session.decide) for paper in papers]
        session.write(graded)
        return [paper.points for paper in graded]

    assert points() == [0, 0]
    text = queue.read_text()
    for kernel, right in ((3, "7"), (2, "8")):  # each variant with its own text
        assert f'  # How with {kernel}?\n  - answer: "quite some"\n' in text and f'correct_answer: "{right}"' in text
    assert text.count("How with") == 2
    at = text.index('correct_answer: "7"')
    queue.write_text(text[:at] + text[at:].replace("verdict:", "verdict: correct", 1))
    assert points() == [1, 0]


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("5", "must have a list of answers for each question", "c1.params"),
        ("size: 5", "size must have a list", "c1.params"),
        ("size:", "size must have a list", "c1.params"),
        ("size: [5]", "an entry must be a mapping", "c1.params"),
        ("size: [{answer: 5, verdct: wrong}]", "unknown key 'verdct'", "did you mean verdict?"),
        ("size: [{verdict: wrong}]", "the entry has no answer", "write answer"),
        ("size: [{answer: , verdict: wrong}]", "the entry has no answer", "for blank ones"),
        ("size: [{answer: [5]}]", "answer must be a text", 'answer: "…"'),
        ("size: [{answer: 5, student: ann}]", "applies to all who gave", "remove student"),
        ("plot: [{answer: a.jpg}]", "the entry has no student", "write student"),
        ("size: [{answer: 5, verdict: maybe}]", "unknown verdict 'maybe'", "write verdict: correct"),
        ("size: [{answer: 5, verdict: -1}]", "unknown verdict '-1'", "write verdict: correct"),
        ("size: [{answer: 5, verdict: 3}]", "3 points, but it has 2", "write at most 2"),
        ("size: [{answer: 5, verdict: {formula: 1}}]", "size has no rubric", "write verdict"),
        ("why: [{answer: 5, verdict: {formula: 1}}]", "no points for 'result'", "{formula: 2, result: 1}"),
        ("why: [{answer: 5, verdict: {formula: 3, result: 1}}]", "formula: 3 points, but it has 2", "at most 2"),
        ("why: [{answer: 5, verdict: {formula: 1, results: 1}}]", "unknown criterion 'results'", "mean result?"),
        ("size: [{answer: 5, comment: no}]", "a comment without a verdict", "write verdict"),
        ("size: [{answer: A b}, {answer: 'a  B'}]", "'a  B' occurs twice", "line 1"),
    ],
)
def test_a_queue_that_means_nothing_is_refused_with_its_place(
    key: AnswerKey, tmp_path: Path, text: str, said: str, hint: str
) -> None:
    (tmp_path / "queue.yaml").write_text(text + "\n")
    with pytest.raises(CnnError) as caught:
        open_review(tmp_path / "queue.yaml", {"": key})
    (problem,) = caught.value.problems
    assert said in problem.message and hint in problem.hint and problem.place is not None, problem


def test_an_entry_in_brackets_is_kept_and_none_is_added_to_its_list(key: AnswerKey, tmp_path: Path) -> None:
    queue = tmp_path / "queue.yaml"
    queue.write_text("size: [{answer: 5, verdict: correct}]\n")
    paper = Sheet("ann", None, (Question("size", "quite some", {}),))
    with pytest.raises(CnnError, match="the entries are in brackets"):
        reviewed(key, queue, [paper])
    assert queue.read_text() == "size: [{answer: 5, verdict: correct}]\n"
    queue.write_text("size:\n  - {answer: 5, verdict: correct}\n# end")
    _, text = reviewed(key, queue, [paper])
    assert text.startswith('size:\n  - {answer: 5, verdict: correct}\n  - answer: "quite some"\n')
    notes = open_review(queue, {"": key}).write(marked(open_review(queue, {"": key}), [paper]))
    assert notes[-1].endswith("kept size: 5: nobody gave this answer")


def test_a_review_in_a_folder_that_does_not_exist_or_is_a_device_is_an_error(key: AnswerKey, tmp_path: Path) -> None:
    with pytest.raises(CnnError, match="is a device"):
        open_review(Path("/dev/null"), {"": key})
    paper = Sheet("ann", None, (Question("size", "quite some", {}),))
    with pytest.raises(CnnError, match="cannot be written"):
        reviewed(key, tmp_path / "none" / "queue.yaml", [paper])


REWRITTEN = """\
# my notes
name:
  - verdict: correct   # ok
    answer: tanh
    automatic: by hand # auto
    by:
      - s0
      - s7
    comment: >-
      folded
      comment
    # about the entry

    # about it, too
# about the next question
why: # essays
- answer: because
  verdict: {formula: 1, result: 1}
"""


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_file_that_a_person_has_rewritten_is_updated_in_place(key: AnswerKey, path: Path, ending: str) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + REWRITTEN.replace("\n", ending).encode())
    names = ("TANH", "relu6", "relu", "tanh")
    papers = [Sheet(f"s{at}", None, (Question("name", text, {}), Question("why", f"essay {at}", {})))
              for at, text in enumerate(names)]  # fmt: skip
    graded, _ = reviewed(key, path, papers)
    assert [paper.answers[1].points for paper in graded] == [1, 0, 1, 1]
    remarks = graded[0].answers[1].verdict.remarks
    assert remarks[-2:] == (BY_REVIEW, "folded comment")
    expected = REWRITTEN.replace("by hand", '"wrong, 0 of 1 point"').replace("- s0\n      - s7", '["s0", "s3"]')
    text = path.read_bytes().decode().replace("\r\n", "\n")
    new = text.partition("# about it, too\n")[2].partition("# about the next")[0]
    assert new.startswith('  - answer: "relu6"\n    by: ["s1"]\n') and new.count("answer:") == 1
    assert text.replace(new, "").startswith(expected) and text.count('\n- answer: "essay') == 4
    assert reviewed(key, path, papers[::-1])[1] == path.read_text(encoding="utf-8")
