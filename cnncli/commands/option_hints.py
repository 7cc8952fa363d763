"""What to write instead of an option that a command does not have. Imported only when an error is to be reported."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import click

from cnncli.commands import SUMMARIES, cnn
from cnncli.errors import closest, enumerated, shortened
from cnncli.language.aliases import field_meant
from cnncli.language.hints.slide_notation import written_item
from cnncli.layers import KINDS

ALIASES = {  # names of options that are no other names of a layer's fields: the command takes the first that it has
    **dict.fromkeys(("w", "h", "i", "n", "size", "width", "height"), ("in",)),  # W and N: CS231n's input sizes
    **dict.fromkeys(("input", "input-size", "input-shape", "in-size", "shape"), ("in", "input")),
    **dict.fromkeys(("o", "out", "output", "out-size"), ("out", "output")),
    **dict.fromkeys(("filter", "filter-size", "pool-size"), ("kernel",)),
}
NO_FILTERS = "leave it out: sizes do not depend on it; cnn layer conv also calculates with filters"
_LIKELY_KINDS = ("maxpool", "conv")  # of those with a field: a pool takes rounding: ceil, which a conv does not
_SHORT = 3  # characters of an option such as -k, which resembles any other short one


def option_meant(ctx: click.Context, name: str, option: str, args: Sequence[str]) -> str:
    """What to write for an option that the command ``name`` does not have; ``args`` are all words after the command.

    It is an option by another name, a field of a layer, a misspelling, or an option of another command.
    """
    own = [known for parameter in ctx.command.get_params(ctx) for known in (*parameter.opts, *parameter.secondary_opts)]
    takes_layers = "--layer" in own and name == "convolve"
    if name == "solve" and option == "--filters":
        return NO_FILTERS
    if not option.startswith("--") and f"-{option}" in own:
        return f"did you mean -{option}?"
    if _same_option(option, own):
        return _renamed(name, args, own)
    if takes_layers and option[2:] in KINDS:
        return f"write --layer {option[2:]}"
    elsewhere = [other for other in SUMMARIES if other != name and option in _options_of(ctx, other)]
    kind = _kind_with(option, args)
    if kind and (takes_layers or name == "solve" or not elsewhere):
        return _with_field(kind, option, args, takes_layers)
    near = closest(option, [known for known in own if known.startswith("--")])
    if elsewhere and (near is None or len(option) > _SHORT):
        return f"{enumerated(f'cnn {other}' for other in elsewhere)} {'has' if len(elsewhere) == 1 else 'have'} it"
    return f"did you mean {near}?" if near else f"cnn {name} --help describes the options"


def _options_of(ctx: click.Context, name: str) -> list[str]:
    command = cnn.get_command(ctx, name)
    return [option for parameter in command.params for option in parameter.opts] if command is not None else []


def _same_option(option: str, own: Sequence[str]) -> str | None:
    """The option of ``own`` that has another name here: ``--pad`` is ``--padding``, ``--W`` of sizes ``--in``."""
    word = option.lstrip("-")
    known = [known[2:].replace("-", "_") for known in own if known.startswith("--")]
    meant = next((name for name in ALIASES.get(word.lower(), ()) if name in known), None)
    meant = meant or field_meant(word.replace("-", "_"), known)
    return f"--{meant.replace('_', '-')}" if meant in known else None


def _renamed(name: str, args: Sequence[str], own: Sequence[str]) -> str:
    """The command line with its options by their names here; for one option, its name alone."""
    written, unknown = [], []
    for arg in args:
        option, equals, value = arg.partition("=")
        is_option = option.startswith("-") and option.lstrip("-")[:1].isalpha() and option not in own
        unknown += [_same_option(option, own)] if is_option else []
        written.append(f"{unknown[-1]}{equals}{value}" if is_option else arg)
    if len(unknown) == 1 or None in unknown:
        return f"use {next(option for option in unknown if option)}"
    return f"write {shortened(shlex.join(['cnn', name, *written]), 120)}"


def _kind_with(option: str, args: Sequence[str]) -> str | None:
    """The layer type with a field of that name, the one of ``--pool`` or ``--transposed`` if they are given."""
    field = option[2:].replace("-", "_") if option.startswith("--") else ""
    likely = [kind for kind in (f"{_value('--pool', args)}pool", *_LIKELY_KINDS) if kind in KINDS]
    return next((kind for kind in (*likely, *KINDS) if field in KINDS[kind].schema), None)


def _with_field(kind: str, option: str, args: Sequence[str], takes_layers: bool) -> str:
    """A layer of a type, with the field and the value that were typed as an option, and what the type requires."""
    field, value = option[2:].replace("-", "_"), _value(option, args) or "…"
    if not takes_layers:
        return f"cnn layer has it: cnn layer {kind} … {option} {value}"
    schema = KINDS[kind].schema
    required = {name: _value(f"--{name}", args) or "…" for name in schema if schema[name].required and name != field}
    if {"filters", "kernel"} <= {*schema}:
        required = {"weight": "…"}  # has the number of filters and the kernel
    return f'write --layer "{written_item(kind, required | {field: value}).removeprefix("- ")}"'


def _value(option: str, args: Sequence[str]) -> str:
    """The value of an option as typed, ``--option value`` or ``--option=value``; "" for none."""
    for arg, following in zip(args, [*args[1:], ""], strict=True):
        if arg.startswith(f"{option}="):
            return shortened(arg.partition("=")[2], 20)
        if arg == option and not following.startswith("-"):
            return shortened(following, 20)
    return ""
