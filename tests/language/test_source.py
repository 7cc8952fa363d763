"""Texts of any kind: what is read, what is refused, and that nothing is ever worse than refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from texts import graph, loaded, network, refusal
from work import calls, growth

from cnncli.errors import CnnError
from cnncli.language import composites, decode, expansion, layer_lists, read_text
from cnncli.language.source import read_plain

SMALL = b"input: 1x2x2\nname: \xc3\xbc\nlayers: [relu]\n"


@pytest.mark.parametrize(
    "data",
    [
        SMALL,
        b"\xef\xbb\xbf" + SMALL,
        SMALL.replace(b"\n", b"\r\n"),
        SMALL.replace(b"\n", b"\r"),
        b"---\n" + SMALL + b"...\n",
        b"# a comment\n\n" + SMALL.rstrip(),
        SMALL.replace(b": ", b":\t"),
        SMALL + b"variables:\ndefaults: ~\nblocks: null\noutputs:\ntrain:\n",
        SMALL.replace(b"[relu]", b"&l [relu]"),
        b"<<: {input: 1x2x2}\nlayers: [relu]",
    ],
)
def test_texts_that_are_one_network(data: bytes) -> None:
    text = decode("net.yaml", data).text
    assert [node.name for node in loaded(text).graph.nodes] == ["relu1"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (SMALL.decode().encode("utf-16"), "net.yaml: is UTF-16 text\n  save it as UTF-8"),
        (SMALL.decode().encode("latin-1"),
         "net.yaml:2: is not UTF-8 text: byte 0xfc at offset 19\n  save it as UTF-8 (or is it a binary file?)"),
        (b"a: \xed\xa0\x80",
         "net.yaml:1: is not UTF-8 text: byte 0xed at offset 3\n  save it as UTF-8 (or is it a binary file?)"),
        (b"x" * (2**20 + 1),
         "net.yaml: is larger than 1 MiB (the limit)\n  an architecture takes a few kilobytes"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_text(data: bytes, expected: str) -> None:
    with pytest.raises(CnnError) as caught:
        decode("net.yaml", data)
    assert str(caught.value) == expected


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for path, expected in (
        ("folder", "folder: is a directory, not a regular file\n  name a file in it"),
        ("missing.yaml", "missing.yaml: no such file"),
        (
            os.devnull,
            f"{os.devnull}: is a device, not a regular file\n  give a regular file, or - for standard input",
        ),
        ("a\0b", "'a\\x00b': is not a path: embedded null byte"),
        ("a" * 5000, f"{'a' * 5000}: cannot be read: File name too long"),
    ):
        with pytest.raises(CnnError) as caught:
            read_text(path)
        assert str(caught.value) == expected


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero here")
def test_an_endless_file_is_not_read() -> None:
    with pytest.raises(CnnError, match="is a device, not a regular file"):
        read_text("/dev/zero")


def test_no_more_than_the_limit_is_read_of_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(10 * 2**30)  # sparse
    with pytest.raises(CnnError, match="larger than 1 MiB"):
        read_text(str(path))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1), ("-1", -1), ("010", 10), ("1e-3", 0.001), ("1E3", 1000.0), (".5", 0.5), ("5.", 5.0), ("+2", 2),
        ("1_000", "1_000"), ("1٣", "1٣"), ("-１", "-１"), ("3²", "3²"),
        ("0x10", "0x10"), ("1:30", "1:30"), ("2024-01-01", "2024-01-01"), ("1e400", "1e400"),
        ("-inf", "-inf"), ("nan", "nan"), (".inf", ".inf"), ("yes", "yes"), ("no", "no"), ("True", True),
        ("false", False), ("null", None), ("~", None), ("", None), ("none", "none"), ("9" * 3999, int("9" * 3999)),
        ("9" * 5000, "9" * 5000),
    ],
)  # fmt: skip
def test_plain_values_are_read_as_people_write_them(text: str, expected: object) -> None:
    found = read_plain(text)
    assert found == expected
    assert type(found) is type(expected)


def nested_aliases(levels: int, brackets: int) -> str:
    """Each alias is short; together they nest deeper than any list written out."""
    lines = [f" b{i}: &a{i} {'[' * brackets}*a{i - 1}{']' * brackets}" for i in range(1, levels)]
    return "\n".join(["input: 1x2x2", "layers: [relu]", "variables:", " b0: &a0 [1]", *lines])


def bomb(levels: int, item: str) -> str:
    lines = [f"b{i}: &a{i} {item.format(f'*a{i - 1}')}" for i in range(1, levels)]
    return "\n".join(["b0: &a0 {x: 1}", *lines])


BILLION_LAUGHS = bomb(20, "[{0},{0},{0},{0},{0},{0},{0},{0},{0},{0}]")
MERGED_LAUGHS = bomb(30, "{{<<: [{0}, {0}], y: 1}}")
WIDE_MERGES = "a: &a {" + ",".join(f"k{i}: 1" for i in range(900)) + "}\n" + "".join(
    f"b{i}: {{<<: *a}}\n" for i in range(20000)
)  # fmt: skip

PATHOLOGICAL = {
    "flow brackets": ("[" * 100_000, "net.yaml:1:101: this is nested deeper than 100 levels (the limit)"),
    "flow braces": ("{a: " * 100_000, "net.yaml:1:401: this is nested deeper than 100 levels (the limit)"),
    "block lists": ("- " * 50_000 + "a", "net.yaml:1:201: this is nested deeper than 100 levels (the limit)"),
    "block keys": ("\n".join(" " * i + "a:" for i in range(1000)),
                   "net.yaml:101:101: this is nested deeper than 100 levels (the limit)"),
    "nested aliases": (nested_aliases(40, 90), "net.yaml:6:100: this is nested deeper than 100 levels (the limit)"),
    "billion laughs": (BILLION_LAUGHS, "net.yaml:6:22: aliases expand to more than 100,000 values (the limit)"),
    "merged laughs": (MERGED_LAUGHS, "net.yaml:15:17: aliases expand to more than 100,000 values (the limit)"),
    "wide merges": (WIDE_MERGES, "net.yaml:112:12: aliases expand to more than 100,000 values (the limit)"),
    "an alias in itself": ("&a [*a]", "net.yaml:1:5: *a is inside the value that it repeats"),
    "no such alias": ("a: *b", "net.yaml:1:4: no earlier &b for *b"),
    "a key that is a list": ("? [1, 2]\n: 3", "net.yaml:1:3: a key must be a plain word"),
    "a key that is a mapping": ("{1: 2}: 3", "net.yaml:1:1: a key must be a plain word"),
    "a key twice": ("a: 1\nb: 2\na: 3", "net.yaml:3:1: 'a' is given twice"),
    "a merge of no mapping": ("<<: 3", "net.yaml:1:1: << takes a mapping"),
    "two documents": ("a: 1\n---\nb: 2", "net.yaml:2:1: a second document starts here"),
    "a tag": ("a: !!python/object:os.system 1", "net.yaml:1:4: the tag !!python/object:os.system is not supported"),
    "a local tag": ("a: !x {}", "net.yaml:1:4: the tag !x is not supported"),
    "nothing": ("", "net.yaml: the file is empty"),
    "a comment": ("# only a comment\n", "net.yaml: the file is empty"),
    "null": ("~\n", "net.yaml: the file is empty"),
    "a document without content": ("---\n...\n", "net.yaml: the file is empty"),
    "a number": ("3", "net.yaml:1:1: a network is a mapping (key: value)"),
    "a list": ("- relu", "net.yaml:1:1: a network is a mapping (key: value)"),
    "a NUL": ("a: \0", "net.yaml:1:4: the character U+0000 is not allowed in a YAML file"),
    "a bell": ("a: 1\nb: \a", "net.yaml:2:4: the character U+0007 is not allowed in a YAML file"),
    "half a character": ("a: \ud800", "net.yaml: is not UTF-8 text: character 4 is half of one"),
    "many empty lines": ("\n" * 1_000_000 + "x", "net.yaml:1000001:1: a network is a mapping (key: value)"),
    "a long key": ("x" * 1_000_000 + ":3", "net.yaml:1:1: a network is a mapping (key: value)"),
    "huge repeat": (network("repeat: {times: 1000000000, layers: [relu]}"),
                    "net.yaml:3:21: 1,000,000,000 repeats give more than 100,000 layers (the limit)"),
    "nested repeats": (network("repeat: {times: 1000, layers: [repeat: {times: 101, layers: [relu]}]}"),
                       "net.yaml:3:66: the network has more than 100,000 layers after expansion (the limit)"),
    "repeats of nothing": (network("repeat: {times: 100000, layers: [repeat: {times: 100000, layers: []}]}"),
                           "net.yaml:3:38: the network has more than 100,000 layers after expansion (the limit)"),
    "exponential blocks": (
        "blocks:\n" + "".join(f"  b{i}: {{layers: [b{i + 1}, b{i + 1}]}}\n" for i in range(30))
        + "  b30: {layers: []}\n" + network("b0"),
        "net.yaml:32:17: the network has more than 100,000 layers after expansion (the limit)"),
    "a long chain of blocks": (
        "blocks:\n" + "".join(f"  b{i}: {{layers: [b{i + 1}]}}\n" for i in range(500))
        + "  b500: {layers: []}\n" + network("b0"),
        "net.yaml:33:18: blocks and composites are nested deeper than 32 levels (the limit)"),
    "a huge size": (f"input: {'9' * 5000}x2\nlayers: [relu]",
                    "net.yaml:1:8: 99999999999999999999 in '" + "9" * 39 + "…' is not a size"),
    "a huge number": (network(f"conv: {{filters: 1{'0' * 3000}, kernel: 1}}"),
                      f"net.yaml:3:21: conv1: filters must be below 2^31, not 1{'0' * 58}…"),
    "a huge window": (network("adaptive_avgpool: 2000000000", "conv: {filters: 1, kernel: 3, padding: 2147483647}"),
                      "net.yaml:4:5: conv1: its output would be 1x6294967292x6294967292"),
    "many mistakes": (network(*["relu: {from: x}"] * 30_000), "net.yaml:3:18: relu1: no earlier layer 'x'"),
    "many unknown kinds": (network(*[f"rleu{i}" for i in range(50_000)]),
                           "net.yaml:3:5: unknown layer type 'rleu0'"),
    "too many layers": (network(*["relu"] * 100_001),
                        "net.yaml:100003:5: the network has more than 100,000 layers after expansion (the limit)"),
}  # fmt: skip


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_pathological_texts_are_refused_briefly(name: str) -> None:
    text, expected = PATHOLOGICAL[name]
    shown = str(refusal(text))
    assert shown.splitlines()[0] == expected
    assert len(shown) < 20_000


CALLS = 20  # of functions, for each entry that may be looked at


@pytest.mark.parametrize("name", ["exponential blocks", "nested repeats", "repeats of nothing", "huge repeat"])
def test_the_work_of_an_expansion_without_end_is_bounded_by_the_limit(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(limit: int) -> int:
        monkeypatch.setattr(expansion, "LAYER_LIMIT", limit)
        monkeypatch.setattr(composites, "LAYER_LIMIT", limit)
        monkeypatch.setattr(layer_lists, "STEP_LIMIT", 10 * limit)
        return calls(lambda: refusal(PATHOLOGICAL[name][0]))

    refused(100)
    few, many = refused(2000), refused(8000)
    assert many < CALLS * 10 * 8000
    assert many < 4.4 * few  # four times the limit; what is not bounded by it takes 2^30 steps


def test_a_message_stays_short_however_long_its_words_are() -> None:
    for text in (network("x" * 1_000_000), network("relu: {name: " + "x" * 1_000_000 + "}"), "a" * 1000 + ": 1"):
        assert len(str(refusal(text))) < 5000


def flat(count: int) -> str:
    return "input: 1x2x2\nlayers:\n" + "- relu\n" * count


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        flat(100_000),
        network("repeat: {times: 100000, layers: [relu]}"),
        network("repeat: {times: 10, layers: [repeat: {times: 10000, layers: [relu]}]}"),
        network("repeat: {times: 50000, layers: [residual: [relu]]}"),
    ],
    ids=["flat", "repeat", "nested", "residual"],
)
def test_a_hundred_thousand_layers_take_bounded_work(text: str) -> None:
    def read() -> None:
        assert len(loaded(text).inferred.layers) == 100_000

    assert calls(read) < 200 * 100_000  # calls of functions, some 100 to 170 a layer


@pytest.mark.parametrize("text", [flat, lambda count: network(f"repeat: {{times: {count}, layers: [relu]}}")])
def test_work_grows_with_the_number_of_layers(text: Callable[[int], str]) -> None:
    assert growth(lambda count: partial(loaded, text(count)), 500, times=4) < 4.2  # quadratic work would be 16 times


PARENTHESES = {  # a value in braces or brackets with commas inside parentheses, and the same with brackets
    "conv: {filters: 6, kernel: (5, 3)}": "conv: {filters: 6, kernel: [5, 3]}",
    "conv: {kernel: (5,3), filters: 6, stride: (2, 2), padding: (1, 2)}": (
        "conv: {kernel: [5, 3], filters: 6, stride: [2, 2], padding: [1, 2]}"
    ),
    "conv: {filters: 6, kernel: 3, padding: ((1, 2), (0, 1))}": (
        "conv: {filters: 6, kernel: 3, padding: [[1, 2], [0, 1]]}"
    ),
    "conv: {filters: max($w, 2), kernel: ($w, 3)}": "conv: {filters: 4, kernel: [4, 3]}",
    "residual: [maxpool: (1, 1), relu, avgpool: {kernel: (1, 1)}]": (
        "residual: [maxpool: [1, 1], relu, avgpool: {kernel: [1, 1]}]"
    ),
}


@pytest.mark.parametrize("written", PARENTHESES)
def test_a_comma_inside_parentheses_does_not_end_a_value(written: str) -> None:
    above = "variables: {w: 4}\n"
    plain = graph(PARENTHESES[written], above=above)
    assert [node.layer for node in graph(written, above=above).nodes] == [node.layer for node in plain.nodes]


@pytest.mark.parametrize("kernel", ["(5, stride: 1", "(5, 5, stride: 1", "(5 5)", "(5, '5)'", "5, 5), stride: 1"])
def test_parentheses_that_do_not_match_are_an_error(kernel: str) -> None:
    assert refusal(network(f"conv: {{filters: 6, kernel: {kernel}}}")).problems


def test_a_long_list_in_an_open_parenthesis_takes_linear_time() -> None:
    assert refusal(network(f"conv: {{filters: 6, kernel: ({'1, ' * 200_000}}}")).problems
