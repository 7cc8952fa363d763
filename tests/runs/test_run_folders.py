"""A run folder is hostile input: whatever stands in its files, a command ends with a documented exit code."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import Run, run_process
from safetensors.numpy import load_file, save_file

from cnncli.data import memory_limit
from cnncli.errors import INTERNAL_ERROR, CnnError
from cnncli.executor.runs import prediction
from cnncli.recipe import Recipe
from cnncli.recipe.serialization import as_dict, from_dict
from cnncli.runs import folder as runs
from cnncli.runs.record import FORMAT, RunRecord, record_text

NET = "input: 1x8x8\nlayers: [conv: {filters: 2, kernel: 3}, relu, flatten, linear: 10]\n"
NUMBERS = "input: 1x4x4\nlayers: [flatten, linear: 2]\n"
DEEP = "@deep@"  # a list in a list, 100,000 times
WRONG: tuple[Any, ...] = (
    *(None, -1, 0, 1e999, -0.5, 10**400, True, "", "x", "../../x", "/tmp/x", "a\0b"),
    *([], [[]], {}, {"mean": []}, [None], {"a": {}}, DEEP),
)
TRAINING = ("from", "resume")  # which take the longest
COMMANDS = {
    "evaluate": ("evaluate", "run"),
    "predict": ("predict", "run", "image.png"),
    "runs": ("runs", "run"),
    "epochs": ("runs", "run", "--epochs"),
    "compare": ("runs", "run", "other"),
    "resume": ("train", "--resume", "run"),
    "from": ("train", "--from", "run", "--run-dir", "again", "--epochs", "0.1"),
    "export": ("export", "run", "--to", "pytorch", "-o", "out.py", "--force"),
    "summarize": ("summarize", "run/architecture.yaml"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs that were interrupted, an image and an architecture."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "net.yaml").write_text(NET)
    here = Path.cwd()
    os.chdir(folder)
    try:
        ended = run_process("train", "net.yaml", "--data", "digits", "--epochs", "1", "--run-dir", "run")
        assert ended.code == 0, ended.err
        from PIL import Image

        Image.new("L", (8, 8), 100).save("image.png")
        record = json.loads(Path("run/run.json").read_text())
        Path("run/run.json").write_text(json.dumps({**record, "status": "interrupted"}))
        shutil.copytree("run", "other")
    finally:
        os.chdir(here)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it as the working folder."""
    shutil.copytree(whole, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def changed_records(record: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field in every wrong form, those within fields as well, without it, and with one more."""
    for name, value in record.items():
        for wrong in WRONG:
            yield f"{name}: {wrong!r:.40}", {**record, name: wrong}
        yield f"no {name}", {key: entry for key, entry in record.items() if key != name}
        if isinstance(value, dict):
            for key in value:
                for wrong in WRONG:
                    yield f"{name}.{key}: {wrong!r:.40}", {**record, name: {**value, key: wrong}}
    yield "more", {**record, "other": 1}


def text_of(record: object) -> str:
    return json.dumps(record).replace(f'"{DEEP}"', "[" * 100_000 + "]" * 100_000)


def check_ended(ended: Any, what: object) -> None:
    assert ended.code in (0, 1, 2), what
    for sign in (INTERNAL_ERROR, "Traceback", "Error:"):
        assert sign not in ended.err, (what, ended.err)
    assert ended.code == 0 or ended.err, what


@pytest.mark.parametrize("name", ["evaluate", "predict", "runs", "compare", "export", "from", "resume"])
def test_no_field_of_run_json_breaks_a_command(cnn: Run, folder: Path, name: str) -> None:
    """What can be read as a record is given to the command; of the rest, a sample."""
    record = json.loads(Path("run/run.json").read_text())
    outside = sorted(folder.parent.rglob("*"))
    for number, (what, changed) in enumerate(changed_records(record)):
        Path("run/run.json").write_text(text_of(changed))
        try:
            runs.open_run(Path("run"))
        except CnnError:
            if number % 20:
                continue
        if name in TRAINING and number % 3:
            continue
        if name == "resume" and changed.get("epochs_done") == record["epochs_done"] and "status" not in what:
            Path("run/run.json").write_text(text_of({**changed, "status": "interrupted"}))
        check_ended(cnn(*COMMANDS[name]), what)
        shutil.rmtree("again", ignore_errors=True)
        for made in ("out.py", "out.safetensors"):
            Path(made).unlink(missing_ok=True)
    assert [path for path in sorted(folder.parent.rglob("*")) if path not in outside and ".lock" not in path.name] == []


def test_a_record_is_read_with_its_fields_as_they_are_or_refused_by_name(folder: Path) -> None:
    record = json.loads(Path("run/run.json").read_text())
    for what, changed in changed_records(record):
        Path("run/run.json").write_text(text_of(changed))
        try:
            read = runs.open_run(Path("run")).record
        except CnnError as error:
            name = re.split(r"[ .:]", what.removeprefix("no "))[0]
            deep = "deeply" in str(error)
            assert name in str(error) or deep or what == "more" or "targets" in str(error), (what, str(error))
            assert len(str(error)) < 500
        else:
            written = json.loads(record_text(read))
            assert written == {**written, **changed}


def test_a_folder_of_an_earlier_version_without_a_format_is_read_and_resumed_as_one_with_it(
    cnn: Run, folder: Path
) -> None:
    record = json.loads(Path("run/run.json").read_text())
    assert next(iter(record)) == "format" and record.pop("format") == FORMAT
    Path("run/run.json").write_text(json.dumps(record))
    assert runs.open_run(Path("run")).record == runs.open_run(Path("other")).record
    assert cnn("train", "--resume", "run").code == cnn("train", "--resume", "other").code == 0
    assert json.loads(Path("run/run.json").read_text())["format"] == FORMAT
    assert Path("run/weights.safetensors").read_bytes() == Path("other/weights.safetensors").read_bytes()


def test_a_folder_of_a_newer_version_is_refused_with_what_to_do(cnn: Run, folder: Path) -> None:
    record = json.loads(Path("run/run.json").read_text())
    newer = {**record, "format": FORMAT + 1, "something": "that this version does not know"}
    Path("run/run.json").write_text(json.dumps(newer))
    for name in ("evaluate", "predict", "resume", "from", "export"):
        ended = cnn(*COMMANDS[name])
        assert (ended.code, ended.out) == (2, "")
        assert (
            f"run/run.json: has format {FORMAT + 1}, and this version of cnn reads formats up to {FORMAT}" in ended.err
        )
        assert "upgrade with pip install --upgrade cnn-calculator" in ended.err
    assert "unreadable" in cnn("runs", ".").out
    assert json.loads(Path("run/run.json").read_text()) == newer


@pytest.mark.parametrize("name", ["../../away", "/away", "a/b", "..", "a\\b", "", "a\x1b[31m", "x" * 256])
def test_a_run_never_names_a_file_outside_of_the_working_folder(cnn: Run, folder: Path, name: str) -> None:
    record = json.loads(Path("run/run.json").read_text())
    Path("run/run.json").write_text(json.dumps({**record, "name": name}))
    for arguments in (("export", "run", "--to", "pytorch"), ("train", "--from", "run", "--epochs", "0.1")):
        ended = cnn(*arguments)
        assert ended.code == 2 and "run/run.json: name must be a network's name" in ended.err


FILES = ("run.json", "recipe.yaml", "architecture.yaml", "metrics.jsonl", "weights.safetensors", "best.safetensors",
         "checkpoint.safetensors", "checkpoint-previous.safetensors", ".lock")  # fmt: skip


def _alias(letter: str) -> str:
    following = chr(ord(letter) + 1)
    return f"{following}: &{following} [{','.join([f'*{letter}'] * 8)}]\n"


CONTENTS: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "no UTF-8": lambda path: path.write_bytes(path.read_bytes()[:40] + b"\xff\xfe\n" + path.read_bytes()[40:]),
    "a folder": lambda path: path.mkdir(),
    "endless": lambda path: path.symlink_to("/dev/zero"),
    "a pipe": lambda path: os.mkfifo(path),
    "dangling": lambda path: path.symlink_to("nowhere"),
    "huge": lambda path: (path.touch(), os.truncate(path, 1 << 40)),
    "aliases": lambda path: path.write_text("a: &a [x,x,x,x,x,x,x,x]\n" + "".join(map(_alias, "abcdefgh"))),
    "JSON": lambda path: path.write_text('{"epoch": "1"}\n[]\n3\n{"epoch": 1e999, "x": {}}\n{"epoch": true}\n'),
    "missing": lambda path: None,
}


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("file", FILES)
def test_no_file_of_a_run_folder_breaks_a_command(cnn: Run, folder: Path, file: str, content: str) -> None:
    path = Path("run", file)
    before = path.read_bytes() if path.exists() else b""
    path.unlink(missing_ok=True)
    if content == "no UTF-8":
        path.write_bytes(before)
    CONTENTS[content](path)
    for name, arguments in COMMANDS.items():
        if name == "summarize" and content == "a pipe":
            continue  # a pipe is a file to read elsewhere, and nobody writes to this one
        if name != "from" or file in ("run.json", "recipe.yaml"):
            check_ended(cnn(*arguments), name)
        shutil.rmtree("again", ignore_errors=True)
    assert not Path("nowhere").exists() and not Path("run/nowhere").exists()


def test_a_training_that_goes_on_reads_none_of_the_weights_that_it_writes(folder: Path) -> None:
    """As where they are a link to a file without an end, which takes all that is written to it."""
    path = Path("run/recipe.yaml")
    path.write_text(re.sub("(?m)^epochs: 1$", "epochs: 2", path.read_text()))
    Path("run/weights.safetensors").unlink()
    Path("run/weights.safetensors").symlink_to("/dev/zero")
    ended = run_process("train", "--resume", "run", timeout=100)
    assert "resuming at epoch 2" in ended.err and ended.code == 0


@pytest.mark.parametrize("to", ["/dev/null", "victim"])
def test_a_run_that_goes_on_replaces_links_by_its_own_files(cnn: Run, folder: Path, to: str) -> None:
    Path("victim").write_text("mine")
    recipe = Path("run/recipe.yaml")
    recipe.write_text(re.sub("(?m)^epochs: 1$", "epochs: 2", recipe.read_text()))
    written = ("weights.safetensors", "checkpoint-previous.safetensors", "metrics.jsonl")
    for name in (*written, ".checkpoint.safetensors.part", ".weights.safetensors.part", ".run.json.part"):
        Path("run", name).unlink(missing_ok=True)
        Path("run", name).symlink_to(Path(to).absolute())
    ended = cnn("train", "--resume", "run")
    assert "resuming at epoch 2" in ended.err and ended.code == 0
    assert Path("victim").read_text() == "mine"
    assert not any(path.is_symlink() for path in Path("run").iterdir())
    assert cnn("predict", "run", "image.png").code == 0


def test_json_has_no_nan(cnn: Run, folder: Path) -> None:
    figures = {"epoch": 1, "train_loss": float("nan"), "test_loss": float("inf"), "test_accuracy": -float("inf")}
    Path("run/metrics.jsonl").write_text(json.dumps(figures) + "\n")
    for arguments in (("run", "--epochs"), ("run", "other"), ("run",), (".",)):
        ended = cnn("runs", *arguments, "--format", "json")
        assert ended.code == 0, ended.err
        json.loads(ended.out, parse_constant=pytest.fail)
    assert json.loads(cnn("runs", "run", "--epochs", "--format", "json").out)[0]["train_loss"] is None


@pytest.mark.parametrize("form", ["table", "json", "csv"])
@pytest.mark.parametrize("what", ["weights", "normalisation"])
def test_outputs_that_are_no_numbers_are_an_error(cnn: Run, folder: Path, what: str, form: str) -> None:
    factor = 1e36 if what == "weights" else 1e3
    weights = {name: value * np.float32(factor) for name, value in load_file("run/weights.safetensors").items()}
    save_file(weights, "run/weights.safetensors")
    if what == "normalisation":
        record = json.loads(Path("run/run.json").read_text())
        record["normalisation"]["std"] = [2e-37]
        Path("run/run.json").write_text(json.dumps(record))
    ended = cnn("predict", "run", "image.png", "--format", form)
    assert ended.code == 2 and "the network's outputs are NaN or infinite" in ended.err and not ended.out


@pytest.mark.parametrize("command", ["evaluate", "predict", "export"])
def test_weights_that_the_file_does_not_hold_take_no_memory(
    cnn: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    Path("run/architecture.yaml").write_text(NET.replace("linear: 10", "linear: 200000, linear: 100000, linear: 10"))
    ended = cnn(*COMMANDS[command])
    assert ended.code == 2 and "not the network's weights" in ended.err


@pytest.mark.parametrize("command", ["predict", "export"])
def test_what_does_not_fit_in_memory_is_refused(
    cnn: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(memory_limit, "machine_bytes", lambda: 1000)
    ended = cnn(*COMMANDS[command])
    assert ended.code == 2 and "more than half of this machine's" in ended.err and "bug" not in ended.err
    assert not Path("out.py").exists()


def test_a_picture_of_the_input_s_size_is_refused_where_it_does_not_fit(cnn: Run, folder: Path) -> None:
    text = "input: 1x{0}x{0}\nlayers: [global_avgpool, linear: 10]\n"
    Path("small.yaml").write_text(text.format(8))
    assert cnn("train", "small.yaml", "--data", "digits", "--epochs", "0.1", "--run-dir", "wide").code == 0
    Path("wide/architecture.yaml").write_text(text.format(2_000_000))
    ended = cnn("predict", "wide", "image.png")
    assert ended.code == 2 and "computing one example would need" in ended.err


def test_examples_are_computed_in_parts_that_fit(cnn: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        shutil.copy("image.png", f"image{number}.png")
    together = cnn("predict", "run", ".", "--format", "json")
    monkeypatch.setattr(prediction, "check_examples", lambda inferred, count: 2)
    assert together.code == 0 and cnn("predict", "run", ".", "--format", "json").out == together.out


def test_damaged_lines_of_the_metrics_are_left_out_and_counted(cnn: Run, folder: Path) -> None:
    path = Path("run/metrics.jsonl")
    good = path.read_bytes()
    path.write_bytes(b"\xff\n" + good + b'{"epoch": 1, "train_loss": "x"}\n' + good[:20])
    ended = cnn("train", "--resume", "run")
    assert ended.code == 0 and "run/metrics.jsonl: left out 3 lines that cannot be read" in ended.err
    assert path.read_bytes() == good


def test_a_run_that_goes_on_writes_through_no_link(cnn: Run, folder: Path) -> None:
    """Of files that it writes aside, that it appends to, and of its lock."""
    outside = Path("outside")
    outside.write_text("mine\n")
    for name in (".run.json.part", "..checkpoint.safetensors.part.part", ".metrics.jsonl.part", "metrics.jsonl"):
        Path("run", name).unlink(missing_ok=True)
        Path("run", name).symlink_to(outside.resolve())
    assert cnn("train", "--resume", "run").code == 0
    assert outside.read_text() == "mine\n"
    Path("other/.lock").unlink()
    Path("other/.lock").symlink_to(outside.resolve())
    assert cnn("train", "--resume", "other").code == 2
    assert outside.read_text() == "mine\n"


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(dataset="1e5", init="10", device="cpu"),
        Recipe(dataset="true", init="null"),
        Recipe(dataset="npz: a # b.npz", init="~", freeze=("*", "1")),
        Recipe(dataset="x" * 300 + " y" * 100, lr=1e-30, milestones=(3, 9), class_weights=(1.0, 2.5)),
        Recipe(dataset="é\n\u2028'\"", init=" 1 "),
    ],
)
def test_a_recipe_is_read_back_from_its_file_as_it_was(tmp_path: Path, recipe: Recipe) -> None:
    scales = runs.Normalization((0.3,), (0.4,))
    record = RunRecord(name="net", dataset="digits", classes=("a",), normalisation=scales)
    run = runs.create(tmp_path / "run", record, NET, as_dict(recipe))
    assert runs.recipe_of(run) == recipe == from_dict(as_dict(recipe))


def test_the_network_of_a_run_is_summarized_and_explained(cnn: Run, folder: Path) -> None:
    network = folder / "run" / "architecture.yaml"
    for command in ("summarize", "explain"):
        shown = [json.loads(cnn(command, what, "--format", "json").out)["layers"] for what in (folder / "run", network)]
        assert shown[0] == shown[1] != []
