"""Every option of every command, as click's own tree lists them, with fitting and unfitting values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from random import Random

import click

from cnncli.layers import KINDS

from . import corpus
from .cases import TORCH, Case, Content
from .mutations import mutate_yaml, nasty_text

SHAPES = ("1x8x8", "3x32x32", "3x224x224", "1x28x28", "3xHxW", "1x8", "10", "3x16x16x16", "rgb=3x16x16", "32x32x3")
FIGURES = ("params", "macs", "flops", "activations", "output", "receptive_field", "shape", "weights", "memory")
MATRICES = ("0 1 2; 3 4 5; 6 7 8", "1 2; 3 4", "1 2; 3 4 | 5 6; 7 8", "1/2 -1", "[[1, 2], [3, 4]]", "1", "1 1 1 1 1",
            "a b; c d", "x1 x2; 0 y")  # fmt: skip
# values that mean something, by the option's or the argument's name
FITTING: Mapping[str, tuple[str, ...]] = {
    "input_shapes": SHAPES,
    "assignments": ("width=8", "width=0", "twice=$width", "depth=2", "variant=resnet50", "=", "width"),
    "columns": ("layer,output,params", "kind,macs", "flops,notes", "all"),
    "only": ("conv", "conv,linear", "relu"),
    "sort": FIGURES, "share": FIGURES, "figure": FIGURES, "figures": FIGURES,
    "layer": ("conv1", "c1", "stem", "entry", "linear1", "maxpool1"),
    "unit": ("0,0", "3,3", "1", "99,99", "-1,0"),
    "kernel": ("3", "5", "3x5", *MATRICES), "kernels": MATRICES, "kernel_texts": MATRICES,
    "input": ("7", "7x5", *MATRICES), "input_text": MATRICES, "text": MATRICES,
    "size_in": ("7", "32", "7x5"), "size_out": ("3", "5", "3x2"),
    "stride": ("1", "2", "2x1"), "padding": ("0", "1", "same", "full", "valid", "1x2"), "dilation": ("1", "2"),
    "bias": ("1", "1 2", "1/3", "b"), "upstream": MATRICES, "filter_name": ("edge", "sobel_x", "gaussian", "sharpen"),
    "vary": ("width", "width,depth"), "params": ("1000", "50k", "1M"), "macs": ("1000000",), "memory": ("24GB", "1MB"),
    "count": ("fvcore", "thop", "torch"), "level": ("easy", "medium", "hard"), "questions": ("1", "3"),
    "topics": ("sizes", "padding,fields", "by_hand", "networks"), "seed": ("1", "7"), "student": ("ann", "s-1"),
    "device": ("cpu", "auto", "cuda:1"), "data": ("digits",), "dataset": ("digits",), "name": ("digits", "mnist"),
    "file": ("-", "fresh.yaml", "net.yaml", "net", "missing/net.yaml"), "like": ("lenet5", "resnet18", "lenet", "edge"),
    "optimizer": ("sgd", "adam", "adamw"), "part": ("resnet", "x"), "kind": (*KINDS, "residual", "Conv2d", "lenet5"),
    "first": ("0 0 4 4", "-1 0 1/2 3", "0 1; 1 1", "0 0; 0 0"), "second": ("1 2 5 5", "0 0 0 0", "1 1; 0 1", "1 2"),
}  # fmt: skip
# more processes, compilers and endless work: tried by the project's other tests
LEFT_OUT = frozenset({"help", "version", "nproc", "max_restarts", "compile", "epochs", "loaders"})


@cache
def commands() -> dict[str, click.Command]:
    """Every command by its name."""
    from cnncli.commands import cnn

    context = click.Context(cnn)
    found = {name: cnn.get_command(context, name) for name in cnn.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def some_options(rng: Random, command: str, files: Sequence[str] = (), count: int | None = None) -> list[str]:
    """Some options of a command, with values."""
    options = [p for p in commands()[command].params if isinstance(p, click.Option) and p.name not in LEFT_OUT]
    wanted = rng.choice((0, 1, 1, 2, 2, 3, 5)) if count is None else count
    found: list[str] = []
    for option in rng.sample(options, min(wanted, len(options))):
        names = [*option.opts, *option.secondary_opts]
        found.append(rng.choice(names))
        if not option.is_flag:
            found.append(value_of(rng, option, files))
    return found


def value_of(rng: Random, parameter: click.Parameter, files: Sequence[str] = ()) -> str:
    """A value for an option or an argument: one that fits most often."""
    if isinstance(parameter.type, click.Path):
        own = [*files, "out", "out.png", "out.csv", "missing/out"]
        return rng.choice(own) if rng.random() < 0.9 else nasty_text(rng).replace("/", "-").replace("..", ".")
    if rng.random() < 0.2:
        return nasty_text(rng)
    if isinstance(parameter.type, click.Choice):
        return str(rng.choice(tuple(parameter.type.choices)))
    if parameter.name in FITTING:
        return rng.choice(FITTING[parameter.name])
    if isinstance(parameter.type, click.IntRange | click.FloatRange) or parameter.type in (click.INT, click.FLOAT):
        return rng.choice(("0", "1", "2", "3", "5", "7", "64", "1000", "0.5"))
    return rng.choice(("1", "2", "0.1", "conv1", "3", "layer", "none", *FIGURES))


def _arguments(rng: Random, command: click.Command, files: Sequence[str]) -> list[str]:
    found: list[str] = []
    for argument in command.params:
        if not isinstance(argument, click.Argument):
            continue
        for _ in range(rng.choice((1, 1, 2, 3)) if argument.nargs == -1 else 1):
            if rng.random() < 0.05:
                continue
            if argument.name in ("architecture", "architectures") and rng.random() < 0.9:
                yaml_files = [name for name in files if name.endswith(".yaml")]
                found.append(rng.choice((*yaml_files, *yaml_files, "lenet5", rng.choice(corpus.bundled_names()))))
            elif argument.name in ("sheets", "key", "submissions", "files") and rng.random() < 0.9:
                found.append(rng.choice(list(files) or ["."]))
            else:
                found.append(value_of(rng, argument, files))
    return found


FIELD_VALUES = ("1", "2", "3", "5x3", "0", "same", "false", "[1, 2]", "0,2,1", "[[0], [1]]", "1e9", "0.5", "-1")


def _layer(rng: Random) -> list[str]:
    """A layer type with fields as options, which are in no command's own list, inputs, and other options."""
    kind = rng.choice([*KINDS])
    words = [kind] if rng.random() < 0.8 else [kind, rng.choice(FIELD_VALUES)]
    for name, field in KINDS[kind].schema.items():
        if rng.random() < (0.8 if field.required else 0.3):
            value = rng.choice(FIELD_VALUES) if rng.random() < 0.9 else nasty_text(rng)
            words += [f"--{name}" if rng.random() < 0.5 else f"--{name.replace('_', '-')}", value]
    for _ in range(rng.choice((0, 1, 1, 1, 2))):
        words += ["--input", rng.choice(SHAPES)]
    return [*words, *some_options(rng, "layer", count=rng.choice((0, 0, 1)))]


def generate(rng: Random) -> Case:
    """Any command that calculates, with any of its options."""
    calculating = [name for name in commands() if name not in TORCH]
    name = rng.choice(calculating)
    files: dict[str, Content] = {
        "net.yaml": corpus.SMALL.encode(),
        "sheet.yaml": corpus.SHEET.encode(),
        "key.yaml": corpus.KEY.encode(),
        "class.csv": corpus.ROSTER.encode(),
        "a.png": corpus.pictures()["PNG_RGB.png"],
    }
    if rng.random() < 0.1:
        files["net.yaml"] = mutate_yaml(rng, corpus.SMALL, corpus.words())
    argv = _arguments(rng, commands()[name], list(files))
    for part in some_options(rng, name, list(files)):
        argv.insert(len(argv) if argv and argv[-1].startswith("-") else rng.choice((0, len(argv))), part)
    if rng.random() < 0.7:  # in the usual order, else the values come apart from their options
        argv = [*_arguments(rng, commands()[name], list(files)), *some_options(rng, name, list(files))]
    if name == "layer" and rng.random() < 0.9:
        argv = _layer(rng)
    stdin = rng.choice((b"", b"", corpus.SMALL.encode(), b"1\n2\n3\n\n", rng.randbytes(40)))
    closed = rng.choice(((), (), (), (0,), (1,), (0, 1))) if rng.random() < 0.1 else ()
    return Case((name, *argv), files, stdin, closed=closed)
