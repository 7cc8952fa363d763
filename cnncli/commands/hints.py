"""What to write instead of a command line that cannot be run. Imported only when an error is to be reported."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import click

from cnncli.commands import SUMMARIES
from cnncli.errors import CnnError, closest, enumerated, shortened
from cnncli.layers import KINDS

# What other programs call a command, or what is typed for one.
SYNONYMS = {
    **dict.fromkeys(("summary", "info", "inspect", "describe", "print", "view", "params", "table"), "summarize"),
    **dict.fromkeys(("derive", "why", "how", "steps"), "explain"),
    **dict.fromkeys(("compare", "vs"), "diff"),
    **dict.fromkeys(("rf", "field", "receptive", "receptive_field", "receptivefield"), "receptive-field"),
    **dict.fromkeys(("conv", "convolution", "pool", "filter"), "convolve"),
    **dict.fromkeys(("jaccard", "dice", "overlap", "intersection"), "iou"),
    **dict.fromkeys(("ls", "networks", "models", "architectures"), "list"),
    **dict.fromkeys(("fit", "run", "resume"), "train"),
    **dict.fromkeys(("test", "eval", "score"), "evaluate"),
    **dict.fromkeys(("infer", "inference", "classify"), "predict"),
    **dict.fromkeys(("dataset", "datasets"), "data"),
    **dict.fromkeys(("calculate", "size", "output"), "solve"),
    **dict.fromkeys(("onnx", "torchscript", "pytorch"), "export"),
    **dict.fromkeys(("homework", "answers"), "check"),
    **dict.fromkeys(("mark", "grades"), "grade"),
    **dict.fromkeys(("exercise", "exercises", "exam"), "quiz"),
}


def unknown_command(args: Sequence[str]) -> CnnError:
    """The error for ``cnn WORD …`` where WORD is no command: a synonym, a network, a dataset or a misspelling."""
    word, rest = args[0], [*args[1:]]
    shown = repr(shortened(word))
    if word in KINDS and (word not in SYNONYMS or "--filters" in rest):
        return CnnError(f"{word} is a layer type, not a command", f"write {_line('layer', word, *rest)}")
    if word.lower() in SUMMARIES or word.lower() in SYNONYMS:
        return CnnError(f"unknown command {shown}", f"use {_line(SYNONYMS.get(word.lower(), word.lower()), *rest)}")
    from cnncli.runs.folder import is_run

    network = _network(word)
    if network is not None:
        return CnnError(f"{shortened(word)} is a network, not a command", _on_network(network, rest))
    if is_run(word):
        hint = f"write {_line('summarize', word)} for its layers, or {_line('evaluate', word)} for its accuracy"
        return CnnError(f"{shortened(word)} is a run folder, not a command", hint)
    if _is_dataset(word):
        return CnnError(f"{word} is a dataset, not a command", f"write {_line('data', word.lower())}")
    return CnnError(f"unknown command {shown}", _command_meant(word, rest))


def _command_meant(word: str, rest: list[str]) -> str:
    from cnncli.bundled import bundled_like

    family = bundled_like(word)
    if family:
        return f"write {_line('summarize', family[0])}: the bundled networks are {enumerated(family)}"
    near = closest(word[:60], [*SUMMARIES])
    return f"did you mean {_line(near, *rest)}?" if near else "cnn help lists the commands"


def _on_network(network: str, rest: list[str]) -> str:
    """What to write for a network, and for what follows it: a command, options, another network or layers."""
    if rest and rest[0] in SUMMARIES:
        return f"write {_line(rest[0], network, *rest[1:])}"
    if not rest or rest[0].startswith("-"):
        return f"write {_line('summarize', network, *rest)}"
    return f"write {_line('diff' if _network(rest[0]) else 'explain', network, *rest)}"


def _network(word: str) -> str | None:
    """The network that a word names: itself, or the bundled one that is meant; None if it names none."""
    from cnncli.bundled import bundled_like, find_bundled
    from cnncli.io.files import is_file

    if is_file(word):
        return word if word.endswith((".yaml", ".yml")) else None
    if not word or len(word) > 200 or word.startswith("-"):
        return None
    if word.replace("/", "a").replace("_", "a").isalnum() and find_bundled(word) is not None:
        return word
    likely = bundled_like(word)
    return likely[0] if len(likely) == 1 else word if word.endswith((".yaml", ".yml")) else None


def _is_dataset(word: str) -> bool:
    from cnncli.data.registry import DATASETS

    return any(word.lower() == row.name for row in DATASETS)


def _line(command: str, *words: str) -> str:
    """A command line as it can be pasted into a shell."""
    return shortened(shlex.join(["cnn", command, *words]), 120)


def extra_arguments(ctx: click.Context, values: dict[str, Any], extra: Sequence[str]) -> CnnError:
    """The error for arguments that a command does not take."""
    words = " ".join(extra)
    name = str(ctx.info_name)
    return CnnError(f"cnn {name}: unexpected {shortened(words)!r}", _use_of_extra(ctx, name, values, [*extra]))


def _use_of_extra(ctx: click.Context, name: str, values: dict[str, Any], extra: list[str]) -> str:
    from cnncli.arithmetic.numerals import is_digits

    options = {option for parameter in ctx.command.params for option in parameter.opts}
    first = extra[0]
    given = values.get("input_shapes")
    if isinstance(given, list) and all(map(is_digits, extra)):
        return f"write --input {'x'.join([str(given[-1]).rstrip(','), *extra])}"
    if "=" in first and "--set" in options:
        return f"write --set {shlex.quote(first)}"
    if first[:1].isdigit() and "x" in first and "--input" in options:
        return f"write --input {shlex.quote(first)}"
    architecture = values.get("architecture")
    if name == "summarize" and isinstance(architecture, str):
        if _network(first):
            return f"write {_line('diff', architecture, *extra)}"
        return (
            f"write {_line('explain', architecture, *extra)}, or "
            f"{_line('summarize', architecture, '--only', ','.join(extra))}"
        )
    usage = " ".join(
        parameter.make_metavar(ctx) for parameter in ctx.command.get_params(ctx) if _is_argument(parameter)
    )
    return f"the usage is cnn {name} {usage}".rstrip()


def _is_argument(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Argument)


def usage_error(ctx: click.Context, args: Sequence[str], error: click.UsageError) -> CnnError:
    """An error of click's parser in the form of all others: what is wrong, and what to write."""
    name = str(ctx.info_name)
    described = f"cnn {name} --help describes the options"
    if isinstance(error, click.NoSuchOption):
        from cnncli.commands.option_hints import option_meant

        option = next((arg for arg in args if arg.startswith(error.option_name)), error.option_name).partition("=")[0]
        return CnnError(f"cnn {name} has no option {shortened(option)}", option_meant(ctx, name, option, args))
    if isinstance(error, click.MissingParameter):
        parameter = error.param
        shown = max(parameter.opts, key=len) if isinstance(parameter, click.Option) else _argument_name(parameter, ctx)
        choices = parameter.type.choices if parameter and isinstance(parameter.type, click.Choice) else ()
        hint = f"give {shown} {enumerated(choices, 'or')}" if choices else _example(name, shown)
        return CnnError(f"cnn {name}: {shown} is missing", hint)
    if isinstance(error, click.BadParameter) and isinstance(error.param, click.Option):
        described = _choice_meant(ctx, args, error.param) or described
        return CnnError(f"{max(error.param.opts, key=len)}: {_uncapitalized(error.message)}", described)
    return CnnError(f"cnn {name}: {_uncapitalized(error.format_message())}", described)


# Values of options that have another name here.
CHOICES = {
    **dict.fromkeys(("yolo", "center", "cxywh"), "cxcywh"),
    **dict.fromkeys(("coco", "ltwh"), "xywh"),
    **dict.fromkeys(("voc", "pascal_voc", "corners", "ltrb"), "xyxy"),
    **dict.fromkeys(("rf", "field", "receptive-field", "receptive field"), "receptive_field"),
    **dict.fromkeys(("parameters", "weights", "param"), "params"),
    **dict.fromkeys(("mean", "average", "avgpool"), "avg"),
    **dict.fromkeys(("maximum", "maxpool"), "max"),
    **dict.fromkeys(("softmax", "ce", "crossentropy", "cross-entropy", "nll"), "cross_entropy"),
    **dict.fromkeys(("l2", "squared", "mean_squared_error"), "mse"),
    **dict.fromkeys(("svm", "margin"), "hinge"),
    **dict.fromkeys(("zero", "constant"), "zeros"),
    **dict.fromkeys(("reflection", "mirror", "symmetric"), "reflect"),
    **dict.fromkeys(("replication", "edge", "nearest"), "replicate"),
    **dict.fromkeys(("wrap", "periodic"), "circular"),
}


def _choice_meant(ctx: click.Context, args: Sequence[str], option: click.Option) -> str:
    """What to write for a value that is not among an option's choices; "" if that is unknown."""
    if not isinstance(option.type, click.Choice):
        return ""
    name, (values, _, _) = max(option.opts, key=len), ctx.command.make_parser(ctx).parse_args(args=[*args])
    value = str(values[str(option.name)])
    meant = CHOICES.get(value.lower(), value.lower())
    if meant in option.type.choices:
        return f"write {name} {meant}"
    if name == "--pool" and value.isdigit():
        return f"write --pool max --kernel {shortened(value, 9)}"
    for other in ctx.command.params:
        if isinstance(other.type, click.Choice) and meant in other.type.choices:
            return f"write {max(other.opts, key=len)} {meant}"
    return ""


def _argument_name(parameter: click.Parameter | None, ctx: click.Context) -> str:
    return parameter.make_metavar(ctx) if parameter is not None else "an argument"


def _example(name: str, missing: str) -> str:
    if missing == "ARCH":
        return f"name a YAML file or a bundled network, e.g. cnn {name} lenet5"
    return f"cnn {name} --help shows the usage"


def _uncapitalized(text: str) -> str:
    return (text[:1].lower() + text[1:]).removesuffix(".")
