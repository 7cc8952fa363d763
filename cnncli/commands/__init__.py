"""The commands, each in a file of its own that is imported when it is called: ``cnn --help`` imports none."""

from __future__ import annotations

from importlib import import_module

import click

SUMMARIES = {
    "summarize": "A table of every layer: output size, parameters, operations, receptive field.",
    "diff": "Compare networks layer by layer, and their totals as ratios to the first.",
    "explain": "How each figure comes about: formula, numbers, result.",
    "receptive-field": "The exact rectangle of the input that a unit depends on, drawn on a picture.",
    "solve": "Find windows, input sizes, depths or widths that give a wanted figure.",
    "verify": "Compare every calculated figure with what torch makes of the network.",
    "convolve": "Convolution and pooling on small matrices, as the lectures do it by hand, and on pictures.",
    "check": "Homework: each answer right or wrong, with the derivation and the likely mistake.",
    "grade": "Mark a class's answer sheets by a key.",
    "quiz": "Exercises drawn at random: papers, keys, worked solutions, files for Moodle and Canvas.",
    "train": "Train a network on a GPU or the CPU.",
    "runs": "List the runs in a folder, or compare some of them.",
    "evaluate": "Test accuracy and confusion matrix of a trained run.",
    "predict": "What a trained run says about images.",
    "export": "Write a network as PyTorch source, ONNX or TorchScript.",
    "data": "The data sets, and what is in one: classes, mean, deviation, samples.",
    "list": "The architectures that come with cnn.",
}


class Commands(click.Group):
    """Finds a command by its name; its file is ``commands/NAME.py`` and holds a click command ``command``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*SUMMARIES]  # not list(…): once the command is imported, commands.list is a module

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUMMARIES:
            return None
        command: click.Command = import_module(f"cnncli.commands.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in SUMMARIES and not args[0].startswith("-"):
            from cnncli.errors import suggestion

            hint = suggestion(args[0], [*SUMMARIES], f"the commands are {', '.join(SUMMARIES)}")
            ctx.fail(f"there is no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the summaries: click's own would import every command for its help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from cnncli import __version__

        click.echo(f"cnn {__version__}")
        ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Print the version."
)
def cnn() -> None:
    """Calculate, explain and train convolutional networks described by one YAML file.

    \b
      cnn summarize lenet5         a bundled network
      cnn summarize my_net.yaml    a network of your own
      cnn train digits_cnn         train on the bundled digits
    """
