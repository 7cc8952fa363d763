"""Whatever a text holds, no form that it is written in takes it for more than a text."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import Run

from cnncli.io import escaping

BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x00\x07\x1b\x9b\x7f\r\u202e\u2066\u2028\u200f\ud800=+-@<>&\"'|*_`[]\\$%#~^{}"),
    )
)


def drives_a_terminal(char: str) -> bool:
    """Unicode's own tables, which the code does not use."""
    if char in "\n\t":
        return False
    return (
        unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(char) in BIDI
        or char in "\u061c\u200e\u200f"
    )


@given(HOSTILE)
def test_nothing_visible_drives_a_terminal_and_all_else_stays(text: str) -> None:
    shown = escaping.visible(text)
    assert not any(map(drives_a_terminal, shown))
    assert shown == "".join(f"\\u{ord(char):04x}" if drives_a_terminal(char) else char for char in text)
    assert escaping.visible(shown) == shown


@pytest.mark.parametrize("char", [chr(code) for code in range(0x3000) if drives_a_terminal(chr(code))], ids=ascii)
def test_every_such_character_is_escaped(char: str) -> None:
    assert escaping.visible(f"a{char}b") == f"a\\u{ord(char):04x}b"


@given(HOSTILE)
def test_a_line_is_one_line(text: str) -> None:
    shown = escaping.visible_line(text)
    assert len(shown.splitlines()) <= 1 and "\t" not in shown


@given(st.recursive(HOSTILE, lambda inner: st.lists(inner) | st.dictionaries(HOSTILE, inner), max_leaves=5))
def test_json_reads_back_as_it_was(value: object) -> None:
    assert json.loads(escaping.visible(json.dumps(value, ensure_ascii=False))) == value


@given(st.lists(st.lists(HOSTILE, min_size=2, max_size=3), min_size=1))
def test_a_spreadsheet_finds_no_formula(rows: list[list[str]]) -> None:
    read = [*csv.reader(io.StringIO(escaping.csv_text(rows), newline=""))]
    assert len(read) == len(rows)
    for cells, texts in zip(read, rows, strict=True):
        for cell, text in zip(cells, texts, strict=True):
            assert cell in (escaping.visible(text), f"'{escaping.visible(text)}")
            if cell[:1] in ("=", "+", "-", "@", "\t", "\r"):
                float(cell)


@given(st.floats(-1e299, 1e299) | st.integers(-(10**299), 10**299))
def test_a_number_stays_a_number_in_csv(number: float) -> None:
    assert escaping.csv_text([[number, str(number)]]) == f"{number},{number}\n"


@pytest.mark.parametrize("text", ["+٣", "-１", "-inf", "+nan", "-1_6"])
def test_what_is_no_number_in_the_digits_0_to_9_stays_a_text_in_csv(text: str) -> None:
    assert escaping.csv_text([[text]]) == f"'{text}\n"


class Texts(HTMLParser):
    """Collects the texts and counts the tags."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


@given(HOSTILE)
def test_a_browser_reads_html_as_the_text(text: str) -> None:
    parser = Texts()
    parser.feed(f"<p>{escaping.html(text)}</p>")
    parser.close()
    assert parser.tags == ["p"]
    assert "".join(parser.texts) == escaping.visible(text)


@given(HOSTILE)
def test_markdown_and_latex_have_no_special_character_that_is_not_escaped(text: str) -> None:
    written = escaping.markdown(text)
    at = 0
    while at < len(written):
        if written[at] == "\\":
            at += 2
            continue
        assert written[at] not in "`*_<>[]|&$~"
        at += 1
    plain = escaping.latex(text)
    for command in (
        r"\textbackslash{}",
        r"\textasciitilde{}",
        r"\textasciicircum{}",
        *(f"\\{char}" for char in "_&%$#{}"),
    ):
        plain = plain.replace(command, "")
    assert not {*plain} & {*"\\_&%$#{}~^"}


OVERLONG = "((a" * 2000


@pytest.mark.parametrize("value", [OVERLONG, "a " * 3000, "'\"\\" * 2000], ids=["word", "words", "quotes"])
@pytest.mark.parametrize(
    "call", ["--batch {}", "--at H={}", "--at 4,{}", "--set {}", "--sort {}", "--format {}", "--only {}", "--input {}"]
)
def test_an_error_repeats_only_the_beginning_of_an_overlong_value(cnn: Run, call: str, value: str) -> None:
    option, _, form = call.partition(" ")
    ended = cnn("summarize", "lenet5", option, form.format(value))
    assert ended.code == 2
    assert option in ended.err
    assert max(map(len, ended.err.splitlines())) < 700


@pytest.mark.parametrize("command", ["summarize", "explain", "check", "runs", "verify"])
@pytest.mark.parametrize("name", ["a\nb.yaml", "./d\n/a\nb.yaml", "b.yaml\n"])
def test_a_file_name_with_a_newline_is_in_one_line_of_an_error(cnn: Run, command: str, name: str) -> None:
    ended = cnn(command, name)
    assert ended.code == 2
    assert name.removeprefix("./").replace("\n", r"\n") in ended.err.splitlines()[0]


@given(HOSTILE.filter(lambda text: len(text) <= escaping.LONGEST_TYPED and "\n" not in text))
def test_a_short_message_is_printed_as_it_is(text: str) -> None:
    assert escaping.visible_message(f"{text}: no such file\n  hint", [text]) == f"{text}: no such file\n  hint"
