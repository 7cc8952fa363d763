"""What is typed by habit in place of a command line is understood, or answered with what to write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from program import Run

from cnncli.bundled import bundled, bundled_like
from cnncli.commands import SUMMARIES
from cnncli.commands.hints import SYNONYMS


@pytest.mark.parametrize(
    ("typed", "said", "hint"),
    [
        ("lenet5", "lenet5 is a network, not a command", "write cnn summarize lenet5"),
        ("lenet.yaml", "lenet.yaml is a network, not a command", "write cnn summarize lenet5"),
        ("mine.yaml --batch 2", "mine.yaml is a network, not a command", "write cnn summarize mine.yaml --batch 2"),
        ("lenet5 explain c1", "lenet5 is a network, not a command", "write cnn explain lenet5 c1"),
        ("linear 120 --input 400", "linear is a layer type, not a command", "write cnn layer linear 120 --input 400"),
        ("conv --filters 6", "conv is a layer type, not a command", "write cnn layer conv --filters 6"),
        ("lenet5 c1", "lenet5 is a network, not a command", "write cnn explain lenet5 c1"),
        ("lenet5 vgg16", "lenet5 is a network, not a command", "write cnn diff lenet5 vgg16"),
        ("mnist", "mnist is a dataset, not a command", "write cnn data mnist"),
        ("sumarize lenet5", "unknown command 'sumarize'", "did you mean cnn summarize lenet5?"),
        ("summary lenet5", "unknown command 'summary'", "use cnn summarize lenet5"),
        ("Explain lenet5 c1", "unknown command 'Explain'", "use cnn explain lenet5 c1"),
        ("help nothing", "unknown command 'nothing'", "cnn help lists the commands"),
        ("--memory lenet5", "cnn has no option --memory", "options follow a command, e.g. cnn summarize"),
        ("summarize", "cnn summarize: ARCH is missing", "name a YAML file or a bundled network, e.g. cnn summarize"),
        ("summarize lenet5 c1", "cnn summarize: unexpected 'c1'", "write cnn explain lenet5 c1, or cnn summarize"),
        ("summarize lenet5 vgg16", "cnn summarize: unexpected 'vgg16'", "write cnn diff lenet5 vgg16"),
        ("summarize lenet5 --set w:2", "--set w:2: is not NAME=VALUE", "write --set w=2"),
        ("version 3", "unknown command 'version'", ""),
        ("summarize lenet5 w=2", "cnn summarize: unexpected 'w=2'", "write --set w=2"),
        ("summarize lenet5 --input 1 32 32", "cnn summarize: unexpected '32 32'", "write --input 1x32x32"),
        ("summarize lenet5 -top 3", "cnn summarize has no option -top", "did you mean --top?"),
        ("summarize lenet5 --colums a", "cnn summarize has no option --colums", "did you mean --columns?"),
        ("summarize lenet5 --vary w", "cnn summarize has no option --vary", "cnn solve has it"),
        ("summarize lenet5 --batch 0", "--batch: 0 is less than 1, the least", "cnn summarize --help"),
        ("summarize lenet5 --batch 32k", "--batch: '32k' is not a whole number; write 32000", "cnn summarize --help"),
        ("solve --in 7 --pads 1", "cnn solve has no option --pads", "use --padding"),
        ("solve --filter 5", "cnn solve has no option --filter", "use --kernel"),
        (
            "solve --W 32 --F 5 --S 1 --P 2",
            "cnn solve has no option --W",
            "write cnn solve --in 32 --kernel 5 --stride 1 --padding 2",
        ),
        ("solve --in 7 --rounding ceil", "cnn solve has no option", "cnn layer has it: cnn layer maxpool … --rounding"),
        ("solve --output-padding 1 --transposed", "cnn solve", "cnn layer has it: cnn layer conv_transpose … --output"),
        (
            "convolve 1 --pool max --rounding ceil",
            "cnn convolve",
            'write --layer "maxpool: {kernel: …, rounding: ceil}"',
        ),
        (
            "convolve 1 --pool avg --kernel 2 --rounding ceil",
            "cnn",
            'write --layer "avgpool: {kernel: 2, rounding: ceil',
        ),
        ("convolve 1 --groups 2", "cnn convolve has no option", 'write --layer "conv: {weight: …, groups: 2}"'),
        ("convolve 1 --relu", "cnn convolve has no option", "write --layer relu"),
        ("summarize lenet5 --input-size 32", "cnn summarize has no option", "use --input"),
        ("solve --in 7 --out 3 --stride 0", "--stride: 0 is less than 1, the least", "cnn solve --help"),
        ("train lenet.yaml", "lenet.yaml: no such file", "write lenet5 for the bundled network; cnn new lenet.yaml"),
        ("summarize resnet", "resnet: no such file or bundled", "the bundled ones are resnet18, resnet34"),
        ("summarize nets/lenet5.yaml", "nets/lenet5.yaml: no such file", ""),
        ("list nothing", "no bundled network has 'nothing' in its name", ""),
    ],
)
def test_what_cannot_be_run_is_answered_with_what_to_write(
    cnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, said: str, hint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = cnn(*typed.split())
    assert (ended.code, ended.out) == (1 if typed.startswith("list") else 2, "")
    first, second = ended.err.splitlines()
    assert first.startswith(said) and second.strip().startswith(hint)


@pytest.mark.parametrize(("given", "shape"), [("32", "1x32x32"), ("784", "1x28x28")])
def test_one_number_for_the_input_of_feature_maps_is_answered_with_a_shape(cnn: Run, given: str, shape: str) -> None:
    ended = cnn("summarize", "lenet5", "--input", given)
    assert ended.code == 1 and ended.err.endswith(f"  write --input {shape}\n")


def test_help_and_version_are_commands_too(cnn: Run) -> None:
    assert cnn() == cnn("help") == cnn("--help") == cnn("help", "help")
    assert cnn("help", "solve") == cnn("solve", "--help")
    assert cnn("version") == cnn("-v") == cnn("-V") == cnn("--version")
    assert cnn().code == 0


def test_a_synonym_is_no_command_and_names_one() -> None:
    assert not SYNONYMS.keys() & SUMMARIES.keys()
    assert {*SYNONYMS.values()} <= SUMMARIES.keys()


def test_a_run_folder_is_answered_with_its_commands(cnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "run.json").write_text("{}")
    assert "write cnn summarize mine for its layers" in cnn("mine").err


@pytest.mark.parametrize("command", ["summarize", "explain"])
def test_a_missing_file_is_shown_as_the_bundled_network_of_its_name_with_a_note(
    cnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended, wanted = cnn(command, "lenet.yaml", "--format", "json"), cnn(command, "lenet5", "--format", "json")
    assert (ended.code, ended.out) == (0, wanted.out)
    assert json.loads(ended.out)["layers"]
    copy = "cnn new lenet.yaml --like lenet5 writes a copy"
    assert ended.err == f"no lenet.yaml here: this is the bundled lenet5; {copy}\n"
    (tmp_path / "lenet.yaml").write_text("input: 1x4x4\nlayers: [relu]\n")
    assert cnn(command, "lenet.yaml").err == ""


def test_every_bundled_network_is_recognized_in_other_spellings() -> None:
    for name in (*list(bundled())[::9], "edge_detection/convolution"):
        for text in (f"{name}.yaml", name.upper(), name.replace("_", "-") + ".yml", f"./{name}.yaml"):
            assert [like.replace("_", "") for like in bundled_like(text)] == [name.replace("_", "")]
    for text in ("", "-", "net.yaml", "network.yaml", "model.yaml", "lenet5_mine", "x" * 1000, "nets/lenet.yaml", "\0"):
        assert bundled_like(text) == []


def test_list_puts_names_that_begin_with_the_text_first(cnn: Run) -> None:
    def names(part: str) -> list[str]:
        return [row["name"] for row in json.loads(cnn("list", part, "--format", "json").out)]

    assert names("lenet") == ["lenet5", "lenet5_1998", "lenet5_avila"]
    assert names("RESNET")[0] == "resnet18" and "preact_resnet50" in names("resnet")
    assert names("resnet-50")[0] == "resnet50"
    assert "mobilenet_v2" in names("v2")
    assert all("obile" in name for name in names("obile"))
    assert "googlenet" in cnn("list", "lenet").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--version=3", "--version takes no value\n  write cnn --version\n"),
        ("--help=3", "--help takes no value\n  write cnn --help\n"),
        ("--version extra", "cnn --version: unexpected 'extra'\n  write cnn --version\n"),
        ("--help extra", "cnn --help: unexpected 'extra'\n  write cnn --help\n"),
    ],
)
def test_a_version_and_a_help_take_no_words(cnn: Run, words: str, said: str) -> None:
    ended = cnn(*words.split())
    assert (ended.code, ended.out, ended.err) == (2, "", said)


def test_help_before_a_command_is_that_of_the_command(cnn: Run) -> None:
    assert cnn("--help", "summarize").out == cnn("summarize", "--help").out
    assert cnn("-h", "layer", "conv").out == cnn("layer", "conv", "--help").out


def test_a_copy_is_suggested_for_the_name_of_a_file_only(cnn: Run) -> None:
    copy = "cnn new lenet.yaml --like lenet5 writes a copy"
    assert copy in " ".join(cnn("diff", "lenet.yaml", "lenet5").err.split())
    err = cnn("diff", "lenet", "lenet5").err
    assert "write lenet5 for the bundled network" in err and "cnn new" not in err
