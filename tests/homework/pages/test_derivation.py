"""A derivation as HTML: its equations, labels and remarks, each once and in order."""

from __future__ import annotations

import re

from cnncli.homework.pages.derivation import derivation_html


def text_of(html: str) -> list[str]:
    return [re.sub("<[^>]*>", "", part).replace("&#160;", " ").strip() for part in html.split("</div>") if part]


def test_the_sides_of_one_equation_stand_together() -> None:
    found = derivation_html(["C_out * k", "6 * 5", "30"])
    assert found.count("<math") == 1 and text_of(found) == ["Cout·k=6·5=30"]


def test_equations_labels_and_remarks_are_lines_in_their_order() -> None:
    lines = ["output channels: C_out = 6", "1 + 1 = 2", "(in words)", "(from the input on: 1 + 4 = 5)"]
    found = derivation_html(lines)
    assert text_of(found) == ["output channels Cout=6", "1+1=2", "in words", "from the input on 1+4=5"]
    assert found.count("<math") == 3


def test_what_is_no_formula_is_escaped_text() -> None:
    assert derivation_html(["no padding gives <16>"]) == "<div>no padding gives &lt;16&gt;</div>"
    assert derivation_html(["<b> = 3"]) == "<div><code>&lt;b&gt; = 3</code></div>"
    assert derivation_html([]) == ""
