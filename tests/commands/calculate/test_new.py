"""cnn new: what it writes works, and nothing is overwritten."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from program import Run

from cnncli.bundled import bundled, copy_of, starting_file
from cnncli.errors import INTERNAL_ERROR
from cnncli.language import Source
from cnncli.loading import load, load_source

QUICK = ("lenet5", "resnet18", "resnet34", "vgg16", "edge_detection/convolution")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_starting_file_is_written_and_calculates(cnn: Run) -> None:
    ended = cnn("new", "net.yaml")
    assert (ended.code, ended.out, ended.err) == (0, "", "wrote net.yaml\n  next: cnn summarize net.yaml\n")
    text = Path("net.yaml").read_text(encoding="utf-8")
    assert cnn("new", "-").out == text == starting_file()
    assert max(map(len, text.splitlines())) <= 120
    assert cnn("summarize", "net.yaml", "--strict").code == 0


@pytest.mark.slow
def test_the_starting_file_trains(cnn: Run, one_thread: None) -> None:
    assert cnn("new", "net.yaml").code == 0
    ended = cnn("train", "net.yaml", "--device", "cpu", "--compile", "off")
    assert ended.code == 0 and float(re.findall(r"test accuracy ([\d.]+)%", ended.out)[0]) > 90


def test_a_copy_of_a_bundled_network_is_its_own_text(cnn: Run) -> None:
    assert cnn("new", "my.yml", "--like", "lenet5").code == 0
    assert Path("my.yml").read_bytes() == bundled()["lenet5"].read_bytes()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in bundled()]
)
def test_a_copy_is_the_network_with_that_name(name: str) -> None:
    copied = load_source(Source("copy.yaml", copy_of(name)), "copy")
    wanted = load(name)
    assert copied.inferred.totals == wanted.inferred.totals
    assert (copied.graph.name, copied.graph.source) == (wanted.graph.name, wanted.graph.source)


def test_a_copy_of_a_variant_has_its_values_the_comments_and_no_variants() -> None:
    family, copied = bundled()["resnet34"].read_text(encoding="utf-8"), copy_of("resnet34")
    assert "variants:" in family and "variants:" not in copied and "stage2: 4" in copied
    assert [line for line in family.splitlines() if "#" in line] == [
        line for line in copied.splitlines() if "#" in line
    ]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("net", "ends in .yaml\n  write cnn new net.yaml"),
        ("net.json", "write cnn new net.yaml"),
        (".yaml", "write cnn new net.yaml"),
        ("", "write cnn new net.yaml"),
        ("folder", "is a directory\n  name a file in it, e.g. folder/net.yaml"),
        ("none/", "is a directory"),
        ("there.yaml", "already exists, and is not overwritten"),
        ("link.yaml", "already exists"),
        ("none/net.yaml", "there is no folder none"),
        ("there.yaml/net.yaml", "there is no folder there.yaml"),
        ("/proc/net.yaml", "cannot be written"),
        ("x" * 300 + ".yaml", "File name too long"),
        ("a\0.yaml", "a character that cannot be printed"),
        ("a\nb.yaml", "a\\nb.yaml: the name has a character that cannot be printed\n  choose another"),
    ],
)
def test_what_cannot_be_written_is_an_error_and_changes_nothing(cnn: Run, here: Path, file: str, said: str) -> None:
    (here / "folder").mkdir()
    (here / "there.yaml").write_text("mine")
    (here / "link.yaml").symlink_to(here / "target")
    ended = cnn("new", file)
    assert ended.code == 2 and said in ended.err and INTERNAL_ERROR not in ended.err and not ended.out
    assert (here / "there.yaml").read_text() == "mine" and not (here / "target").exists()
    assert {path.name for path in here.iterdir()} == {"folder", "there.yaml", "link.yaml"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lenet", "did you mean lenet5?"),
        ("../lenet5", "no bundled network has that name"),
        ("net.yaml", "no bundled network"),
        ("/", "no bundled network"),
    ],
)
def test_an_unknown_name_writes_nothing(cnn: Run, here: Path, write: Callable[..., Path], name: str, said: str) -> None:
    ended = cnn("new", "copy.yaml", "--like", name)
    assert ended.code == 2 and said in ended.err and not [*here.iterdir()]


def test_the_next_command_can_be_pasted_into_a_shell(cnn: Run) -> None:
    assert "cnn summarize 'my net.yaml'" in cnn("new", "my net.yaml").err
