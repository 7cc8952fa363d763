"""Nothing that is typed is ignored: every option of every command changes something in every mode, or is refused.

``COMMANDS`` has, for each command, calls of it in its modes, and for each option the words that are added to such a
call. What is added must change what the call prints or writes, or end in an error that names the option. An option
without words here fails the test, and so does a rule about an option that there is not.
"""

from __future__ import annotations

import hashlib
import io
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from pprint import pformat
from types import MappingProxyType
from typing import NamedTuple, NoReturn

import click
import numpy as np
import pytest
from PIL import Image
from program import Ended, Run
from safetensors.numpy import load_file, save_file

from cnncli.commands import SUMMARIES
from cnncli.commands import cnn as program
from cnncli.commands.options import CheckedCommand, parameters
from cnncli.commands.train.train import LISTS
from cnncli.errors import INTERNAL_ERROR, CnnError
from cnncli.recipe.serialization import as_dict

NETWORK = """
variables: {w: 2, k: 3}
input: 1x8x8
layers:
- conv: {filters: $w, kernel: $k, stride: 2, name: c1}
- residual: [conv: {filters: $w, kernel: 1}]
- relu
- conv: {filters: 3, kernel: 2, name: c2}
- flatten
- linear: 10
"""
ONE, TWO = "1 2 3 4; 5 6 7 8; 9 1 2 3; 4 5 6 7", "1 0; 2 1"
SHEET = "student: ann\narchitecture: net.yaml\nanswers: {c1.params: 20, c2.params: 1}\n"
KEY = "architecture: net.yaml\nquestions: {c1.params: 1, c2.params: 2}\n"
HAND = "values: 1 2 3\nlayers: [relu: {name: r}, linear: {weight: 1 0 1; 0 1 1; 2 1 0, bias: false}]\ntarget: 1\n"


class Walked(NamedTuple):
    """Calls of a command by mode, and the words that give each option; ``others`` in the modes that need others."""

    modes: dict[str, str]
    options: dict[str, str]
    others: Mapping[tuple[str, str], str] = MappingProxyType({})
    codes: Mapping[str, int] = MappingProxyType({})  # of calls that do not end with 0


COMMANDS = {
    "new": Walked({"written": "fresh.yaml", "printed": "-"}, {"--like": "--like lenet5"}),
    "schema": Walked({"printed": ""}, {"--output": "-o schema.json"}),
    "summarize": Walked(
        {
            "table": "net.yaml",
            "csv": "net.yaml --format csv",
            "markdown": "net.yaml --format markdown",
            "latex": "net.yaml --format latex",
            "json": "net.yaml --format json",
            "memory": "net.yaml --memory",
            "memory json": "net.yaml --memory --format json",
            "at": "net.yaml --at 8,12",
            "sorted": "net.yaml --sort macs",
            "only": "net.yaml --only conv",
            "top": "net.yaml --top 1",
            "open": "net.yaml --input 1xHxW",
        },
        {
            "--input": "--input 1x9x9",
            "--set": "--set k=2",
            "--batch": "--batch 3",
            "--columns": "--columns layer,flops",
            "--depth": "--depth 0",
            "--only": "--only relu",
            "--sort": "--sort params",
            "--top": "--top 2",
            "--share": "--share activations",
            "--count": "--count torchinfo",
            "--memory": "--memory",
            "--dtype": "--dtype bf16",
            "--optimizer": "--optimizer adam",
            "--strict": "--strict",
            "--at": "--at 16",
            "--format": "--format markdown",
        },
        {("top", "--sort"): "--sort activations"},
    ),
    "diff": Walked(
        {"table": "net.yaml wide.yaml", "json": "net.yaml wide.yaml --format json"},
        {
            "--columns": "--columns flops",
            "--changed": "--changed",
            "--depth": "--depth 0",
            "--input": "--input 1x9x9",
            "--set": "--set k=2",
            "--format": "--format csv",
        },
    ),
    "explain": Walked(
        {
            "layer": "net.yaml c1",
            "whole": "net.yaml",
            "latex": "net.yaml c1 --format latex",
            "json": "net.yaml --format json",
            "reconcile": "net.yaml --reconcile",
        },
        {
            "--figure": "--figure macs",
            "--reconcile": "--reconcile",
            "--input": "--input 1x9x9",
            "--set": "--set k=2",
            "--format": "--format markdown",
        },
    ),
    "layer": Walked(  # the fields of its types are walked in tests/commands/calculate/test_layer.py
        {
            "table": "conv 2 --kernel 3 --input 1x8x8",
            "json": "conv 2 --kernel 3 --input 1x8x8 --format json",
            "formulas": "conv 2 --kernel 3 --input 1xHxW",
            "fields": "conv",
            "types": "",
        },
        {
            "--input": "--input 1x9x9",
            "--figure": "--figure bytes",
            "--batch": "--batch 3",
            "--dtype": "--dtype bf16",
            "--format": "--format markdown",
        },
    ),
    "iou": Walked(
        {
            "boxes": "'0 0 4 4' '1 2 5 5'",
            "masks": "'0 1; 1 1' '1 1; 0 1'",
            "json": "'0 0 4 4' '1 2 5 5' --format json",
        },
        {"--boxes": "--boxes xywh", "--format": "--format json"},
    ),
    "receptive-field": Walked(
        {"table": "net.yaml c2", "json": "net.yaml c2 --format json", "drawn": "net.yaml c2 --image p.png -o seen.png"},
        {
            "--unit": "--unit 0,1",
            "--image": "--image p.png",
            "--output": "-o other.png",
            "--on": "--on nothing",
            "--input": "--input 1x9x9",
            "--set": "--set k=2",
            "--format": "--format json",
        },
    ),
    "verify": Walked(
        {"table": "net.yaml", "json": "net.yaml --format json"},
        {
            "--only-differences": "--only-differences",
            "--input": "--input 1x9x9",
            "--set": "--set k=2",
            "--format": "--format json",
        },
        {("json", "--input"): "--input 0x9x9", ("json", "--set"): "--set nothing=1"},
    ),
    "solve": Walked(
        {
            "windows": "--in 7 --out 3",
            "window's output": "--in 7 --kernel 3 --stride 2",
            "window's inputs": "--out 3 --kernel 3",
            "accepts": "net.yaml --accepts",
            "output size": "net.yaml --output-size 2",
            "receptive field": "net.yaml --receptive-field 4",
            "budget": "net.yaml --params 1k --vary w",
            "memory": "net.yaml --memory 100kB",
            "json": "net.yaml --params 1k --vary w --format json",
        },
        {
            "--in": "--in 9",
            "--out": "--out 2",
            "--kernel": "--kernel 2",
            "--stride": "--stride 3",
            "--padding": "--padding 1",
            "--dilation": "--dilation 2",
            "--max-kernel": "--max-kernel 3",
            "--transposed": "--transposed",
            "--all": "--all",
            "--accepts": "--accepts",
            "--output-size": "--output-size 1",
            "--layer": "--layer c1",
            "--receptive-field": "--receptive-field 5",
            "--params": "--params 500",
            "--macs": "--macs 1k",
            "--flops": "--flops 2k",
            "--activations": "--activations 50",
            "--memory": "--memory 50kB",
            "--batch": "--batch 3",
            "--inference": "--inference",
            "--dtype": "--dtype bf16",
            "--optimizer": "--optimizer adam",
            "--vary": "--vary w=1..3",
            "--input": "--input 1x8x8x8",
            "--set": "--set k=2",
            "--format": "--format json",
        },
    ),
    "convolve": Walked(
        {
            "plain": f"'{ONE}' '{TWO}'",
            "json": f"'{ONE}' '{TWO}' --format json",
            "padded": f"'{ONE}' '{TWO}' --padding 1",
            "pool": f"'{ONE}' --pool max --kernel 2",
            "filter": f"'{ONE}' --filter sobel_x",
            "transposed": f"'{ONE}' '{TWO}' --transposed",
            "backward": f"'{ONE}' '{TWO}' --backward '1 1 1; 1 1 1; 1 1 1'",
            "average": f"'{ONE}' --pool avg --kernel 2 --padding 1",
            "pool backward": f"'{ONE}' --pool max --kernel 2 --backward '1 2; 3 4'",
            "picture": "p.png --filter sobel_x -o out.png",
            "counts": f"'{ONE}' '{TWO}' --counts",
            "matrix": f"'{ONE}' '{TWO}' --as-matrix im2col",
            "named": f"--input '{ONE}' --kernel '{TWO}'",
            "layer": "'1 2 3' --layer softmax",
            "target": "'1 2 3' --layer softmax --target 1",
            "given gradient": "'1 2 3' --layer softmax --backward '1 2 3'",
            "chain": "hand.yaml",
        },
        {
            "--layer": "--layer relu",
            "--target": "--target 2",
            "--loss": "--loss hinge",
            "--lr": "--lr 1/2",
            "--input": "--input '1 2 3; 4 5 6; 7 8 10'",
            "--kernel": "--kernel '1 2; 3 4'",
            "--filter": "--filter gaussian",
            "--pool": "--pool avg",
            "--stride": "--stride 2",
            "--padding": "--padding 1",
            "--padding-mode": "--padding-mode replicate",
            "--count-include-pad": "--no-count-include-pad",
            "--dilation": "--dilation 2",
            "--bias": "--bias 3",
            "--flip": "--flip",
            "--transposed": "--transposed",
            "--output-padding": "--output-padding 1",
            "--backward": "--backward '1 2 3; 1 1 1; 1 1 2'",
            "--steps": "--steps",
            "--counts": "--counts",
            "--as-matrix": "--as-matrix im2col",
            "--absolute": "--absolute",
            "--rescale": "--rescale",
            "--output": "-o other.png",
            "--format": "--format json",
        },
        {
            ("pool", "--stride"): "--stride 1",
            ("pool backward", "--stride"): "--stride 1",
            ("average", "--stride"): "--stride 1",
            ("matrix", "--output"): "-o other.csv",
            ("pool", "--backward"): "--backward '1 2; 3 4'",
        },
    ),
    "check": Walked(
        {
            "table": "sheet.yaml",
            "json": "sheet.yaml --format json",
            "gradescope": "sheet.yaml --gradescope r.json",
            "networks": "net10.yaml net.yaml",
            "folder": "nets",
        },
        {
            "--hide-answers": "--hide-answers",
            "--gradescope": "--gradescope g.json",
            "--format": "--format json",
            "--strict": "--strict",
            "--skip-others": "--skip-others",
            "--lang": "--lang de",
        },
        codes={"table": 1, "json": 1},
    ),
    "grade": Walked(
        {
            "table": "key.yaml sheet.yaml",
            "csv": "key.yaml sheet.yaml --format csv",
            "folder": "key.yaml sheet.yaml -o marks",
            "gradescope": "key.yaml sheet.yaml --gradescope r.json",
            "autograder": "key.yaml --autograder r.zip",
        },
        {
            "--out": "-o more",
            "--roster": "--roster class.csv",
            "--gradescope": "--gradescope g.json",
            "--hide-answers": "--hide-answers",
            "--autograder": "--autograder a.zip",
            "--review": "--review queue.yaml",
            "--lang": "--lang de",
            "--format": "--format json",
        },
    ),
    "quiz": Walked(
        {
            **{
                form: f"--format {form}"
                for form in ("markdown", "latex", "html", "yaml", "key", "gift", "moodle", "json")
            },
            "solved": "--solutions",
            "folder": "-o quiz",
            "class": "--per-student class.csv -o quiz --secret correct-horse-battery",
            "interactive": "--interactive",
        },
        {
            "--seed": "--seed 2",
            "--questions": "--questions 2",
            "--level": "--level hard",
            "--topics": "--topics fields",
            "--student": "--student ann",
            "--per-student": "--per-student class.csv",
            "--title": "--title T",
            "--secret": "--secret another-secret-text",
            "--points": "--points 7",
            "--variants": "--variants 2",
            "--practice": "--practice",
            "--solutions": "--solutions",
            "--interactive": "--interactive",
            "--lang": "--lang de",
            "--out": "-o other",
            "--format": "--format json",
        },
    ),
    "runs": Walked(
        {"list": "runs", "compared": "runs/one runs/two", "csv": "runs --format csv"},
        {"--epochs": "--epochs", "--format": "--format json"},
    ),
    "evaluate": Walked(
        {"table": "runs/one", "json": "runs/one --format json", "other": "runs/one --data npz:other.npz"},
        {
            "--data": "--data npz:few.npz",
            "--data-dir": "--data-dir away",
            "--best": "--best",
            "--device": "--device cuda:77",
            "--format": "--format json",
        },
    ),
    "predict": Walked(
        {
            "classes": "runs/one p.png",
            "json": "runs/one p.png --format json",
            "regression": "runs/line table.csv",
            "masks": "runs/masks p12.png --masks out",
        },
        {
            "--top": "--top 2",
            "--masks": "--masks other",
            "--best": "--best",
            "--device": "--device cuda:77",
            "--format": "--format csv",
        },
    ),
    "export": Walked(
        {
            "network": "net.yaml --to pytorch",
            "run": "runs/one --to pytorch",
            "there": "net.yaml --to pytorch -o there.py",
        },
        {
            "--to": "--to torchscript",
            "--output": "-o named.py",
            "--best": "--best",
            "--force": "--force",
            "--input": "--input 1x9x9",
            "--set": "--set k=2",
        },
        codes={"there": 2},
    ),
    "data": Walked(
        {
            "list": "",
            "named": "digits",
            "json": "digits --format json",
            "table": "csv:table.csv",
            "array": "npz:other.npz --input 1x8x8",
        },
        {
            "--data-dir": "--data-dir filled",
            "--task": "--task regression",
            "--input": "--input 64",
            "--samples": "--samples s.png",
            "--format": "--format json",
        },
        {("table", "--task"): "--task classification"},
    ),
    "list": Walked({"table": "lenet", "csv": "lenet --format csv"}, {"--format": "--format markdown"}),
}
TRAIN = Walked(
    {
        "train": "net10.yaml --data digits",
        "dry": "net10.yaml --data digits --dry-run",
        "rates": "net10.yaml --data digits --find-lr",
        "resume": "--resume runs/one",
        "from": "--from runs/one",
        "workers": "net10.yaml --data digits --nproc 2",
    },
    {
        "--data-dir": "--data-dir away",
        "--run-dir": "--run-dir new",
        "--resume": "--resume runs/one",
        "--from": "--from runs/one",
        "--tensorboard": "--tensorboard",
        "--dry-run": "--dry-run",
        "--find-lr": "--find-lr",
        "--nproc": "--nproc 3",
        "--max-restarts": "--max-restarts 1",
        "--partial": "--partial",
        "--checkpoint-minutes": "--checkpoint-minutes 2",
        "--input": "--input 1x9x9",
        "--set": "--set k=2",
        "--data": "--data npz:other.npz",
        "--stream": "--stream",
        "--task": "--task regression",
        "--loss": "--loss l1",
        "--epochs": "--epochs 3",
        "--batch-size": "--batch-size 7",
        "--accumulate": "--accumulate 2",
        "--optimizer": "--optimizer sgd",
        "--lr": "--lr 0.5",
        "--momentum": "--momentum 0.5",
        "--nesterov": "--nesterov",
        "--weight-decay": "--weight-decay 0.1",
        "--decay-bias-and-norm": "--no-decay-bias-and-norm",
        "--decay-factors": "--decay-factors linear1.*=0",
        "--muon-lr": "--muon-lr 0.1",
        "--muon-momentum": "--muon-momentum 0.1",
        "--lr-factors": "--lr-factors linear1.*=0",
        "--freeze": "--freeze c1.*",
        "--freeze-after": "--freeze-after linear1.*=1",
        "--schedule": "--schedule linear",
        "--step-epochs": "--step-epochs 2",
        "--milestones": "--milestones 1",
        "--gamma": "--gamma 0.3",
        "--power": "--power 2",
        "--warmup": "--warmup 0.5",
        "--patience": "--patience 9",
        "--early-stopping": "--early-stopping 3",
        "--label-smoothing": "--label-smoothing 0.1",
        "--class-weights": "--class-weights balanced",
        "--clip-norm": "--clip-norm 1",
        "--ema": "--ema 0.9",
        "--lookahead": "--lookahead 2",
        "--flip": "--flip random",
        "--translate": "--translate 1",
        "--cutout": "--cutout 2",
        "--rotation": "--rotation 3",
        "--jitter": "--jitter 0.2",
        "--mixup": "--mixup 1",
        "--cutmix": "--cutmix 1",
        "--sizes": "--sizes 6,8",
        "--tta": "--tta mirror",
        "--init": "--init xavier",
        "--whiten": "--whiten",
        "--seed": "--seed 5",
        "--validation": "--validation 0.2",
        "--device": "--device cuda:77",
        "--loaders": "--loaders 1",
        "--precision": "--precision bf16",
        "--compile": "--compile on",
        "--deterministic": "--deterministic",
        "--sync-batchnorm": "--sync-batchnorm",
    },
)
COMMANDS["train"] = TRAIN._replace(codes=dict.fromkeys(TRAIN.modes, 2))
IDLE = {  # --force is about files that are there already, and without it such a file ends the call
    *((("export", mode, "--force")) for mode in ("network", "run")),
    *((("export", "there", option)) for option in ("--input", "--set")),
    # --skip-others is about files of other kinds, which end the call without it, and are always skipped in folders
    *((("check", mode, "--skip-others")) for mode in ("table", "json", "networks", "folder")),
    ("check", "json", "--lang"),  # the answers of this sheet have neither remarks nor notes
    ("solve", "output size", "--accepts"),  # the answer lists the accepted sizes either way
}


def test_every_command_is_walked() -> None:
    assert {*COMMANDS} == {*SUMMARIES}


def options_of(command: click.Command) -> list[click.Option]:
    return [option for option in command.params if isinstance(option, click.Option)]


def command_named(name: str) -> CheckedCommand:
    command = program.get_command(click.Context(program), name)
    assert isinstance(command, CheckedCommand)
    return command


@pytest.mark.parametrize("name", COMMANDS)
def test_the_rules_are_about_options_that_there_are(name: str) -> None:
    command = command_named(name)
    known = parameters(command)
    for rule in command.rules:
        for condition in (rule.option, *rule.others):
            option, _, value = condition.partition(" ")
            assert option in known, f"{name}: {option}"
            if value:
                kind = known[option].type
                assert isinstance(kind, click.Choice) and value in kind.choices


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the calls name."""
    folder = tmp_path_factory.mktemp("prepared")
    for name, text in {
        "net.yaml": NETWORK, "wide.yaml": NETWORK.replace("w: 2", "w: 3"), "net10.yaml": NETWORK,
        "nets/net.yaml": NETWORK,
        "sheet.yaml": SHEET, "key.yaml": KEY, "class.csv": "student,ID number\nann,1\nbob,2\n",
        "table.csv": "a,b,c,y\n" + "".join(f"{n},{n % 3},1,{n}.5\n" for n in range(12)),
        "hand.yaml": HAND, "filled/train_32x32.mat": "", "filled/test_32x32.mat": "", "there.py": "",
    }.items():  # fmt: skip
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    draws = np.random.default_rng(0)
    Image.fromarray(draws.integers(0, 256, (8, 8), np.uint8)).save(folder / "p.png")
    Image.fromarray(draws.integers(0, 256, (12, 12), np.uint8)).save(folder / "p12.png")
    for name, count in (("other.npz", 40), ("few.npz", 10)):
        labels = np.arange(count) % 10
        np.savez(folder / name, x=draws.integers(0, 256, (count, 1, 8, 8), np.uint8), y=labels)
    for number in range(6):
        for kind, most in (("images", 256), ("masks", 2)):
            target = folder / "squares" / ("test" if number > 4 else "train") / kind
            target.mkdir(parents=True, exist_ok=True)
            Image.fromarray(draws.integers(0, most, (12, 12), np.uint8)).save(target / f"{number}.png")
    quick = "train: {epochs: 2, device: cpu, compile: 'off', batch_size: 1000}\n"
    for name, layers, shape, data in (
        ("one", "{conv: {filters: 2, kernel: 3, stride: 2, name: c1}}, flatten, linear: 10", "1x8x8", "digits"),
        ("two", "flatten, linear: 10", "1x8x8", "digits"),
        ("line", "linear: 1", "3", f"csv:{folder / 'table.csv'}"),
        ("masks", "{conv: {filters: 2, kernel: 3, padding: same}}", "1@12x12", f"images:{folder / 'squares'}"),
    ):
        network = folder / f"{name}.yaml"
        network.write_text(f"input: {shape}\nlayers: [{layers}]\n{quick}", encoding="utf-8")
        program.main(
            ["train", str(network), "--data", data, "--run-dir", str(folder / "runs" / name)], standalone_mode=False
        )
        best = folder / "runs" / name / "best.safetensors"
        save_file({key: -value for key, value in load_file(best).items()}, best, {"by": "test"})
    return folder


class Came(NamedTuple):
    """What a call came to: how it ended, and the files that it left."""

    ended: Ended
    files: dict[str, str]


MEASURED = re.compile(r"[\d.,]+( s\b|[ \w]*/s)")  # what differs from call to call


def called(cnn: Run, prepared: Path, folder: Path, words: list[str], monkeypatch: pytest.MonkeyPatch) -> Came:
    """Call in ``folder``, a copy of ``prepared``, which is left as it was."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n" * 50))
    before = stamps(folder)
    ended = cnn(*words)
    files = {}
    for name in sorted({name for name, stamp in stamps(folder).items() if before.get(name) != stamp}):
        files[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        (folder / name).unlink()
        if name in before:
            shutil.copy2(prepared / name, folder / name)
    for path in [path for path in folder.rglob("*") if not (prepared / path.relative_to(folder)).exists()]:
        shutil.rmtree(path, ignore_errors=True)
    return Came(Ended(ended.code, MEASURED.sub("", ended.out), MEASURED.sub("", ended.err)), files)


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    found = ((path, path.stat()) for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (stat.st_mtime_ns, stat.st_ino) for path, stat in found}


def plant_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training ends where it would begin, with what has arrived there: each key of the recipe is tested elsewhere."""
    from cnncli.executor.runs import preflight, running
    from cnncli.executor.runs.job import Job
    from cnncli.executor.runtime import distributed

    def arrived(what: str) -> Callable[..., NoReturn]:
        def end(job: Job, *_: object) -> NoReturn:
            of_network = (job.loaded.inferred.totals, job.loaded.graph.inputs)
            told = (what, of_network, job.dataset.name, as_dict(job.recipe), job.run_dir, job.checkpoint_minutes)
            raise CnnError(f"{pformat(told)} {job.tensorboard}")  # on many lines: an overlong one is cut

        return end

    for module, what in (
        (running, "run_training"),
        (running, "resume_training"),
        (preflight, "dry_run"),
        (preflight, "learning_rates"),
    ):
        monkeypatch.setattr(module, what, arrived(what))

    def launched(*arguments: object) -> NoReturn:
        raise CnnError(f"launched {arguments}")

    monkeypatch.setattr(distributed, "launch", launched)


@pytest.mark.parametrize(("name", "mode"), [(name, mode) for name, walked in COMMANDS.items() for mode in walked.modes])
def test_an_option_changes_something_or_is_refused(
    cnn: Run, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, mode: str
) -> None:
    if name == "train":
        plant_trainings(monkeypatch)
    walked, here = COMMANDS[name], tmp_path / "here"
    shutil.copytree(prepared, here)
    base = [name, *shlex.split(walked.modes[mode])]
    plain = called(cnn, prepared, here, base, monkeypatch)
    assert plain.ended.code == walked.codes.get(mode, 0), plain
    assert called(cnn, prepared, here, base, monkeypatch) == plain, "the call has no one outcome"
    ignored = []
    for option in options_of(command_named(name)):
        names = [*option.opts, *option.secondary_opts]
        longest = max(option.opts, key=len)
        if {*names} & {*base} or (name, mode, longest) in IDLE:
            continue
        added = shlex.split(walked.others.get((mode, longest), walked.options[longest]))
        assert added[0] in names
        came = called(cnn, prepared, here, [*base, *added], monkeypatch)
        assert INTERNAL_ERROR not in came.ended.err, came
        if came == plain:
            ignored.append((added, came.ended))
    assert not ignored


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_that_is_given_twice_is_refused(cnn: Run, name: str) -> None:
    for option in options_of(command_named(name)):
        if option.multiple or not option.expose_value:
            continue
        value = [] if option.is_flag else [option.type.choices[0] if isinstance(option.type, click.Choice) else "1"]
        longest = max(option.opts, key=len)
        ended = cnn(name, longest, *value, longest, *value)
        assert ended.code == 2 and f"{longest} is given twice" in ended.err


@pytest.mark.parametrize(
    "words", ["--set w=1 --set w=2", "--input 1x8x8 --input 1x9x9", "--input a=1x8x8 --input a=1x8x8"]
)
def test_a_name_that_is_given_twice_is_refused(cnn: Run, write: Callable[..., Path], words: str) -> None:
    ended = cnn("summarize", write(NETWORK), *words.split())
    assert ended.code == 2 and "is given twice" in ended.err


@pytest.mark.parametrize("name", COMMANDS)
def test_an_empty_text_is_refused_but_where_it_empties_a_list(cnn: Run, name: str) -> None:
    needed = [parameter for parameter in command_named(name).params if isinstance(parameter, click.Argument)]
    words = ["x"] * sum(1 if argument.nargs == 1 else 2 for argument in needed if name not in ("train", "data"))
    for option in options_of(command_named(name)):
        if not option.is_flag and not (name == "train" and max(option.opts, key=len) in LISTS):
            ended = cnn(name, *words, *(("--to", "onnx") if name == "export" else ()), max(option.opts, key=len), "")
            assert ended.code == 2 and "is empty" in ended.err


def test_a_list_of_the_recipe_can_be_emptied(cnn: Run, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant_trainings(monkeypatch)
    monkeypatch.chdir(prepared)
    assert "'freeze': []" in cnn("train", "net10.yaml", "--data", "digits", "--freeze", "").err
