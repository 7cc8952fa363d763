"""A matrix is read in the notations of students, and a comma is a decimal one only where nothing else is possible."""

from __future__ import annotations

import pytest

from cnncli.homework.answer_key.questions import empty_cache, expected_answer
from cnncli.homework.answer_key.sheet import Question, Sheet
from cnncli.homework.checking.answer_comparison import compare

FIELDS = {
    "whole": {"input": "0 1 2; 3 4 5; 6 7 8", "kernel": "0 1; 2 3"},  # 19 25; 37 43
    "half": {"input": "1 2 3; 2 4 5; 1 1 1", "kernel": "0.5 0; 0 0"},  # 0.5 1; 1 2
    "channels": {"input": "1 2; 3 4", "kernel": "1 || -2"},
    "row": {"input": "1 2 3 4", "kernel": "1"},
}
RIGHT = {
    "whole": [
        "19 25; 37 43", "19 25\n37 43", "[[19, 25], [37, 43]]", "((19, 25), (37, 43))", "{{19,25},{37,43}}",
        "19,25;37,43", "19, 25; 37, 43", "19\t25\n37\t43", "19&25\\\\37&43", "[19 25; 37 43]", "[19 25]\n[37 43]",
        r"\begin{pmatrix}19 & 25\\ 37 & 43\end{pmatrix}", r"$\begin{bmatrix}19 & 25\\ 37 & 43\end{bmatrix}$",
        "np.array([[19, 25], [37, 43]])", "tensor([[19., 25.], [37., 43.]])", "|19 25|\n|37 43|",
        "| 19 | 25 |\n|---|---|\n| 37 | 43 |", "⎡19 25⎤\n⎣37 43⎦", "Y = 19 25; 37 43", "result: [[19, 25], [37, 43]]",
        "“19 25; 37 43”", "١٩ ٢٥; ٣٧ ٤٣", "19,0 25,0; 37,0 43,0", "19\u00a025\n37\u00a043", "[19, 25], [37, 43]",
        "19,25\n37,43", "19;25\n37;43", "```\n19 25\n37 43\n```", "[19 25, 37 43]", "19 25, 37 43", "38/2 25; 37 43",
        "19 25\n\n37 43", "[[19,25],[37,43]].", "Ergebnis: 19 25; 37 43", "19 25 / 37 43",
    ],
    "half": [
        "0.5 1; 1 2", "0,5 1; 1 2", "0,5 1,0; 1,0 2,0", "1/2 1; 1 2", "½ 1; 1 2", "[[0,5, 1], [1, 2]]", ".5 1; 1 2",
        "0,5\t1\n1\t2", "0,50 1,00\n1,00 2,00",
    ],
    "channels": ["1 2; 3 4 | \u22122 \u22124; –6 –8", "1 2\n3 4\n\n-2 -4\n-6 -8", "[[[1,2],[3,4]],[[-2,-4],[-6,-8]]]"],
    "row": ["1 2 3 4", "1,2,3,4", "1, 2, 3, 4", "[1 2 3 4]"],
}  # fmt: skip
WRONG = {
    "whole": ["19 25; 37 44", "25 19; 37 43", "1.9 2.5; 3.7 4.3", "1,9 2,5; 3,7 4,3", "19 25 37 43", "19; 25; 37; 43",
              "19 37; 25 43", "19 25; 37", "x y; z w", "same", "9" * 5000, "[" * 500],
    "half": ["0.5 1; 1 2.5", "5 1; 1 2", "0,5 1; 1 2,5", "05 1; 1 2"],
    "row": ["1,2 3,4", "1.2 3.4", "1 2; 3 4"],
}  # fmt: skip


def is_right(name: str, answer: str, locale: str = "") -> bool:
    question = Question(f"convolve {name}", answer, FIELDS[name])
    return compare(question, expected_answer(Sheet("", None, ()), question, empty_cache()), locale).correct


@pytest.mark.parametrize("locale", ["", "de", "en"])
def test_a_matrix_is_right_in_every_notation(locale: str) -> None:
    assert [text for name, texts in RIGHT.items() for text in texts if not is_right(name, text, locale)] == []


def test_a_wrong_matrix_is_wrong_in_every_notation() -> None:
    assert [text for name, texts in WRONG.items() for text in texts if is_right(name, text)] == []
