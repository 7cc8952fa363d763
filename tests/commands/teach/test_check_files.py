"""cnn check on files of all kinds, as an editor's user, a CI job and pre-commit run it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from program import ROOT, Run

from cnncli.bundled import bundled
from cnncli.homework.checking.files import KEYS
from cnncli.language.source import Mapping, parse, read_text

NETWORK = "input: 1x8x8\nlayers: [conv: {filters: 2, kernel: 3, stride: 2}, flatten, linear: 10]\n"
FILES = {
    "nets/good.yaml": NETWORK,
    "nets/deep/also.yml": NETWORK,
    "bad.yaml": "input: 1x8x8\nlayers:\n  - conv: {filters: 2, kernel: 9}\n  - rellu\n",
    "misfit.yaml": "input: 1x8x8\nlayers: [maxpool: 9]\n",
    "broken.yaml": "input: 1x8x8\nlayers: [\n",
    "right.yaml": "architecture: lenet5\nanswers: {c1.params: 156}\n",
    "wrong.yaml": "student: ann\narchitecture: lenet5\nanswers: {c1.params: 150}\n",
    "invalid_sheet.yaml": "architecture: lenet6\nanswers: {c1.params: 156}\n",
    "compose.yaml": "services: {web: {image: nginx}}\n",
    "pods.yaml": "a: !Ref b\n---\nb: 1\n",
    "empty.yaml": "",
    "notes.txt": "layers: [\n",
}
FAMILY = "input: 1x8x8\nvariables: {k: 3}\nvariants: {a: {}, b: {k: 9}}\nlayers: [conv: {filters: 2, kernel: $k}]\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ("nets/good.yaml", 0),
        ("right.yaml", 0),
        ("nets right.yaml", 0),
        ("bad.yaml", 1),
        ("misfit.yaml nets/good.yaml", 1),
        ("broken.yaml", 1),
        ("wrong.yaml", 1),
        ("compose.yaml", 2),
        ("pods.yaml", 2),
        ("empty.yaml", 2),
        ("missing.yaml", 2),
        ("invalid_sheet.yaml", 2),
        ("bad.yaml missing.yaml", 2),
        ("--skip-others compose.yaml pods.yaml empty.yaml", 0),
        ("--skip-others compose.yaml misfit.yaml", 1),
        ("--skip-others missing.yaml", 2),
        ("--strict nets/good.yaml", 1),
        ("nets/deep/../../nets", 0),
        (".", 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst_file(cnn: Run, files: str, code: int) -> None:
    assert cnn("check", *files.split()).code == code


def test_each_file_is_told_of_and_then_all(cnn: Run) -> None:
    ended = cnn("check", "bad.yaml", "nets", "wrong.yaml", "compose.yaml", "missing.yaml")
    assert "bad.yaml:3:24: conv1: a 9x9 kernel does not fit" in ended.out
    assert "bad.yaml:4:5: unknown layer type 'rellu'" in ended.out and "did you mean relu?" in ended.out
    assert "nets/deep/also.yml: ok\nnets/good.yaml: ok\n" in ended.out
    assert "wrong.yaml: ann\n" in ended.out and "correct answer: 156" in ended.out
    assert ended.out.endswith("\n\n6 files: 2 ok, 1 not valid, 1 with wrong answers, 2 not checked\n")
    assert "compose.yaml: is neither a network" in ended.err and "missing.yaml: no such file" in ended.err


def test_one_valid_file_is_one_line(cnn: Run) -> None:
    assert cnn("check", "nets/good.yaml") == (0, "nets/good.yaml: ok\n", "")


def test_a_name_of_several_lines_is_written_in_one_line_and_in_one_spelling(cnn: Run) -> None:
    name, shown = "ok.yaml: ok\nnew\x1b[31m.yaml", r"ok.yaml: ok\nnew\u001b[31m"
    Path(name).write_text("input: 1x8x8\nlayers: [relu]\n")
    for arguments in ((name,), (name, "nets/good.yaml")):
        assert cnn("check", *arguments).out.splitlines()[0] == f"{shown}.yaml: ok"
    assert cnn("summarize", name).out.startswith(f"{shown} · input 1x8x8\n")
    for form in ("table", "csv", "json"):
        ended = cnn("diff", name, name, "--format", form)
        assert f"{shown}#2".replace("\\", "\\\\" if form == "json" else "\\") in ended.out and ended.code == 0


def test_skipped_files_are_named_in_a_note(cnn: Run) -> None:
    ended = cnn("check", "--skip-others", "compose.yaml", "pods.yaml", "nets/good.yaml")
    assert ended.out == "nets/good.yaml: ok\n3 files: 1 ok, 2 skipped\n"
    assert ended.err == "skipped, neither a network nor an answer sheet: compose.yaml, pods.yaml\n"


def test_a_large_file_and_one_that_is_not_text_are_of_another_kind(cnn: Run, here: Path) -> None:
    (here / "lock.yaml").write_bytes(b"a: 1\n" * 300_000)
    (here / "binary.yaml").write_bytes(b"\xff\x00")
    assert cnn("check", "lock.yaml").code == cnn("check", "binary.yaml").code == 2
    assert cnn("check", "lock.yaml", "binary.yaml", "--skip-others").code == 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("latin.yaml", ("# Größe\n" + NETWORK).encode("latin-1"), "UTF-8"),
        ("wide.yaml", NETWORK.encode("utf-16"), "UTF-8"),
        ("large.yml", (NETWORK + "#" * (1 << 20)).encode(), "larger than 1 MiB"),
        ("UP.YAML", b"input: 1x8x8\nlayers: [rellu]\n", "rellu"),
        ("loop.yaml", None, "no such file"),
    ],
)
def test_a_folder_does_not_hide_a_network_that_cannot_be_read(
    cnn: Run, here: Path, name: str, content: bytes | None, said: str
) -> None:
    path = here / "nets" / name
    if content is None:
        path.symlink_to("nowhere.yaml")
    else:
        path.write_bytes(content)
    for arguments in (("nets",), ("nets", "--skip-others")):
        ended = cnn("check", *arguments)
        assert ended.code == (1 if name == "UP.YAML" else 2) and f"nets/{name}" in ended.out + ended.err
        assert said in ended.out + ended.err and "skipped" not in ended.out + ended.err


def test_a_missing_file_that_is_named_like_a_bundled_network_can_be_a_copy_of_it(cnn: Run) -> None:
    for name, file in (("lenet.yaml", "lenet.yaml"), ("lenet5", "lenet5.yaml")):
        ended = cnn("check", name)
        assert ended == (2, "", f"{name}: no such file\n  cnn new {file} --like lenet5 writes a copy\n")
    assert cnn("check", "sheet7.yaml").err == "sheet7.yaml: no such file\n"


def test_a_problem_of_one_variant_names_it_and_one_of_all_is_told_once(cnn: Run, write: Callable[..., Path]) -> None:
    ended = cnn("check", write(FAMILY, "family.yaml"))
    assert ended.code == 1 and ended.out.count("does not fit") == 1 and "padding 0 (variant b)\n" in ended.out
    ended = cnn("check", write(FAMILY.replace("1x8x8", "1x2x2"), "family.yaml"))
    assert (
        ended.out.count("a 3x3 kernel does not fit") == 1
        and "a 3x3 kernel does not fit a 2x2 input with padding 0\n" in ended.out
    )


def test_json_has_an_object_for_each_file(cnn: Run) -> None:
    records = json.loads(
        cnn("check", "misfit.yaml", "wrong.yaml", "pods.yaml", "--skip-others", "--format", "json").out
    )
    assert [record["file"] for record in records] == ["misfit.yaml", "wrong.yaml", "pods.yaml"]
    (problem,) = records[0]["problems"]
    assert (records[0]["valid"], problem["line"], problem["layer"]) == (False, 2, "maxpool1")
    assert records[1]["score"] == 0 and records[2] == {"file": "pods.yaml", "skipped": True}
    assert json.loads(cnn("check", "nets/good.yaml", "--format", "json").out)["valid"] is True
    assert "file" not in json.loads(cnn("check", "wrong.yaml", "--format", "json").out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--strict right.yaml", "--strict has no effect: no FILE is a network"),
        ("--hide-answers nets", "--hide-answers has no effect: no FILE is an answer sheet"),
        ("--gradescope r.json --strict right.yaml", "has no effect with --gradescope"),
        ("none.d", "none.d: holds no networks and no answer sheets"),
    ],
)
def test_what_would_be_ignored_is_refused(cnn: Run, here: Path, arguments: str, said: str) -> None:
    (here / "none.d").mkdir()
    (here / "none.d" / "compose.yaml").write_text("services: {}\n")
    ended = cnn("check", *arguments.split())
    assert ended.code == 2 and said in ended.err and not ended.out


def test_every_bundled_file_is_recognized_as_a_network() -> None:
    for path in {*bundled().values()}:
        root = parse(read_text(str(path)))
        assert isinstance(root, Mapping)
        keys = {*root.entries}
        first = next(kind for kind, marks in KEYS.items() if keys & {*marks})
        assert first.value == "network", path


@pytest.fixture
def hook() -> dict[str, Any]:
    (found,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_the_hook_runs_an_installed_command_on_yaml_files(hook: dict[str, Any]) -> None:
    # the fields and their values are those of https://pre-commit.com/#creating-new-hooks
    assert {*hook} <= {"id", "name", "description", "entry", "language", "types", "files", "require_serial"}
    assert (hook["id"], hook["language"], hook["types"]) == ("cnn-check", "python", ["yaml"])
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert shlex.split(hook["entry"])[0] in scripts
    assert [name for name in FILES if re.search(hook["files"], name)] == [name for name in FILES if name != "notes.txt"]


def committed(folder: Path, pattern: str) -> list[str]:
    """The staged files of a repository that a hook is called with."""
    for words in (("init", "-q"), ("add", ".")):
        subprocess.run(["git", *words], cwd=folder, check=True)
    listed = subprocess.run(["git", "ls-files"], cwd=folder, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.splitlines() if re.search(pattern, name)]


def test_the_hook_refuses_a_commit_with_an_invalid_network(cnn: Run, here: Path, hook: dict[str, Any]) -> None:
    program, *words = shlex.split(hook["entry"])
    assert program == "cnn"
    for name in ("broken.yaml", "wrong.yaml", "invalid_sheet.yaml", "bad.yaml"):
        (here / name).unlink()
    files = committed(here, hook["files"])
    assert "compose.yaml" in files and "misfit.yaml" in files
    assert cnn(*words, *files).code == 1
    (here / "misfit.yaml").write_text(NETWORK)
    assert cnn(*words, *files).code == 0


def commands_in(value: object) -> Iterator[str]:
    """The calls of cnn in the values of a CI configuration."""
    if isinstance(value, str) and value.startswith("cnn "):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from commands_in(item)


def test_the_commands_of_the_page_on_ci_run_and_its_hook_is_the_repository_s(cnn: Run, hook: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)]
    commands = [*commands_in(blocks)]
    assert commands == [hook["entry"], "cnn check nets", "cnn check nets"]
    for command in commands:
        assert cnn(*shlex.split(command)[1:], "nets/good.yaml").code == 0
    (used,) = [repo["hooks"][0]["id"] for block in blocks for repo in block.get("repos", []) if repo["repo"] != "local"]
    assert used == hook["id"]


CHAIN = 'values: "1 2 3; 4 5 6; 7 8 9"\nlayers:\n  - conv: {weight: "1 0; 0 1", bias: 1}\n  - maxpool: 2\n'


def test_a_network_with_numbers_is_read_as_for_convolve(cnn: Run, write: Callable[..., Path]) -> None:
    good = write(CHAIN, "chain.yaml")
    assert cnn("convolve", good).code == 0
    ended = cnn("check", good)
    assert (ended.code, ended.err) == (0, "") and ended.out.endswith("chain.yaml: ok\n")
    for wrong, said in (
        (CHAIN.replace('"1 0; 0 1"', '"1 0; 0"'), "chain.yaml:3:20: '1 0; 0': rows have different lengths"),
        (CHAIN.replace("values", "input: 1x3x3 #"), "missing values"),
        (CHAIN.replace("maxpool: 2", "maxpool: 5"), "a 5x5 kernel does not fit"),
        (CHAIN + "los: mse\n", "did you mean loss?"),
        (CHAIN + "target: 1\n", "choose the loss cross_entropy or mse"),
    ):
        ended = cnn("check", write(wrong, "chain.yaml"))
        assert ended.code == 1 and said in ended.out


def test_a_network_with_numbers_may_drop_no_rows_if_strict(cnn: Run, write: Callable[..., Path]) -> None:
    dropping = write(CHAIN.replace("maxpool: 2", "maxpool: {kernel: 1, stride: 3}"), "chain.yaml")
    assert cnn("check", dropping).code == 0
    ended = cnn("check", dropping, "--strict")
    assert ended.code == 1 and "maxpool1" in ended.out


def test_an_answer_key_is_named_as_one_and_skipped_with_other_files(cnn: Run, write: Callable[..., Path]) -> None:
    key = write("architecture: lenet5\nquestions: {c1.params: 2}\n", "key.yaml")
    ended = cnn("check", key)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"{key}: is an answer key\n  write cnn grade KEY")
    assert cnn("check", "--skip-others", key).code == 0
