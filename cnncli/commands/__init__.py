"""The commands, one per file, imported when called: ``cnn --help`` imports none of them."""

from __future__ import annotations

from importlib import import_module

import click

# By section of ``cnn --help``, which is also the folder of its commands: the first line of each command's help.
SECTIONS = {
    "calculate": {
        "summarize": "Show each layer's shape, parameters, MACs, receptive field.",
        "explain": "Show how each number is derived: formula, values, result.",
        "layer": "Calculate one layer without a file, with formulas.",
        "diff": "Compare networks layer by layer, and their totals.",
        "solve": "Find windows, sizes, depths or widths that meet a target.",
        "receptive-field": "Show the exact input region one unit depends on.",
        "convolve": "Convolve and pool small matrices exactly, step by step.",
        "iou": "Calculate the overlap of two boxes or masks: IoU, Dice.",
        "new": "Write a network file to start from.",
        "schema": "Print a JSON Schema with which editors check networks.",
        "list": "List the bundled networks.",
    },
    "train": {
        "train": "Train a network on a GPU or the CPU.",
        "runs": "List the runs in a folder, or compare some of them.",
        "evaluate": "Evaluate a run folder on the test split.",
        "predict": "Predict classes, values or masks with a trained run.",
        "data": "List datasets, or describe one.",
        "verify": "Check every calculated number against PyTorch.",
        "export": "Write a network as PyTorch source, ONNX or TorchScript.",
    },
    "teach": {
        "check": "Check homework answers, and whether networks are valid.",
        "grade": "Grade a class's answer sheets against an answer key.",
        "quiz": "Generate random exercises with keys and solutions.",
    },
}
SUMMARIES = {name: summary for commands in SECTIONS.values() for name, summary in commands.items()}


class Commands(click.Group):
    """Finds a command by its name: ``SECTION/NAME.py`` in this folder holds the click command ``command``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*SUMMARIES]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        section = next((section for section, commands in SECTIONS.items() if cmd_name in commands), None)
        if section is None:
            return None
        module = import_module(f"cnncli.commands.{section}.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args[:1] in (["-h"], ["--help"]) and args[1:2] and args[1] in SUMMARIES:
            args = [*args[1:], "--help"]
        if not ctx.resilient_parsing:
            _refuse_words_after(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            from cnncli.errors import CnnError

            hint = "options follow a command, e.g. cnn summarize lenet5 --memory; see cnn --help"
            raise CnnError(f"cnn has no option {error.option_name}", hint) from None
        except click.BadOptionUsage as error:
            from cnncli.errors import CnnError

            raise CnnError(f"{error.option_name} takes no value", f"write cnn {error.option_name}") from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] == "help":
            _refuse_more_help(args[1:])
            args = [*args[1:], "--help"]  # help NAME
            if args[0] in ("help", "--help"):
                _print_help(ctx)
        elif args == ["version"]:
            _print_version(ctx, None, True)
        if args[0] not in SUMMARIES and not args[0].startswith("-"):
            from cnncli.commands.hints import unknown_command

            raise unknown_command([arg for arg in args if arg != "--help"])
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by section, from the table: click's own list would import every command for its help."""
        width = max(map(len, SUMMARIES))
        for section, commands in SECTIONS.items():
            with formatter.section(section.capitalize()):
                formatter.write_dl([(name.ljust(width), summary) for name, summary in commands.items()])


def _refuse_words_after(args: list[str]) -> None:
    """Raises CnnError for words after --help or --version, which would have no effect."""
    if args[:1] and args[0] in ("-h", "--help", "-v", "-V", "--version") and args[1:]:
        from cnncli.errors import CnnError, shortened

        raise CnnError(f"cnn {args[0]}: unexpected {shortened(' '.join(args[1:]))!r}", f"write cnn {args[0]}")


def _refuse_more_help(words: list[str]) -> None:
    """Raises CnnError for words after ``help COMMAND``; ``help layer conv`` has the fields of a type."""
    allowed = 2 if words[:1] == ["layer"] else 1
    if len(words) > allowed and words[0] in SUMMARIES:
        from cnncli.errors import CnnError, shortened

        message = f"cnn help: unexpected {shortened(' '.join(words[allowed:]))!r}"
        raise CnnError(message, f"write cnn help {shortened(' '.join(words[:allowed]))}")


def _print_help(ctx: click.Context) -> None:
    click.echo(ctx.get_help())
    ctx.exit()


def _print_version(ctx: click.Context, _: click.Parameter | None, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from cnncli import __version__

        click.echo(f"cnn {__version__}")
        ctx.exit()


@click.group(
    cls=Commands,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "-v",
    "-V",
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Print the version.",
)
@click.pass_context
def cnn(ctx: click.Context) -> None:
    """Calculate, explain and train convolutional networks described by one YAML file.

    \b
      cnn summarize lenet5         a bundled network
      cnn summarize my_net.yaml    a network of your own
      cnn train digits_cnn         train on the bundled digits
    """
    if ctx.invoked_subcommand is None:
        _print_help(ctx)
