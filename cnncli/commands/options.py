"""Arguments and options that several commands share, and rules for their combinations.

An option that would be ignored is an error: a command states which of its options need, or exclude, which others
(``@options.command(needs(…), excludes(…))``). Only typed options count, not defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.loading import Loaded

Command = TypeVar("Command", bound=Callable[..., Any])


class Rule(NamedTuple):
    """A rule: ``option`` requires one of the ``others``, or excludes all of them, ``unless`` other options are given.

    Each is an option (``--memory``), an option with a value (``--format json``) or an argument (``LAYER``). ``fault``
    says what is wrong where the excluded option would have an effect, in another place.
    """

    option: str
    others: tuple[str, ...]
    required: bool
    why: str = ""
    unless: tuple[str, ...] = ()
    fault: str = ""

    def check(self, ctx: click.Context) -> None:
        """Raises CnnError if the options that were typed break the rule."""
        if not is_given(ctx, self.option) or any(is_given(ctx, other) for other in self.unless):
            return
        present = [other for other in self.others if is_given(ctx, other)]
        if self.required and not present:
            others = " or ".join(self.others)
            raise CnnError(
                f"{self.option} requires {others}",
                self.why or f"add {others}, or leave {self.option} out",
            )
        if present and not self.required:
            hint = self.why or f"leave {present[0]} or {self.option} out"
            raise CnnError(self.fault or f"{present[0]} has no effect with {self.option}", hint)


def needs(option: str, *others: str, why: str = "") -> Rule:
    """The rule that ``option`` requires one of the ``others``."""
    return Rule(option, others, required=True, why=why)


def excludes(option: str, *others: str, why: str = "", unless: tuple[str, ...] = (), fault: str = "") -> Rule:
    """The rule that none of the ``others``, which would have no effect, is given together with ``option``.

    It does not hold where one of the options in ``unless`` is given. ``fault`` is said instead of "has no effect".
    """
    return Rule(option, others, required=False, why=why, unless=unless, fault=fault)


def is_given(ctx: click.Context, condition: str) -> bool:
    """Whether an option, an option with a value, or an argument was typed. Raises KeyError for an unknown name."""
    name, _, value = condition.partition(" ")
    parameter = parameters(ctx.command)[name]
    if not _is_typed(ctx, parameter):
        return False
    given = ctx.params[str(parameter.name)]
    return given == value if value else given not in (None, ())


def _is_typed(ctx: click.Context, parameter: click.Parameter) -> bool:
    return ctx.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE


def parameters(command: click.Command) -> dict[str, click.Parameter]:
    """A command's options by each of their names, and its arguments by their names in the help."""
    found: dict[str, click.Parameter] = {}
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            found[(parameter.metavar or str(parameter.name).upper()).split()[0].strip("[]….")] = parameter
        else:
            found |= dict.fromkeys([*parameter.opts, *parameter.secondary_opts], parameter)
    return found


class CheckedCommand(click.Command):
    """A command that does not accept what it would ignore: repeated options, and those that break its ``rules``.

    Empty values are errors too, except of the options in ``may_be_empty``.
    """

    def __init__(
        self, *arguments: Any, rules: tuple[Rule, ...] = (), may_be_empty: Collection[str] = (), **settings: Any
    ) -> None:
        super().__init__(*arguments, **settings)
        self.rules = rules
        self.may_be_empty = may_be_empty

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        try:
            self._check(ctx, args)
            return super().parse_args(ctx, [*args])  # which removes from its list what it has parsed
        except click.UsageError as error:
            raise self.usage_error(ctx, args, error) from None

    def usage_error(self, ctx: click.Context, args: list[str], error: click.UsageError) -> CnnError:
        """The error for a command line that click cannot parse."""
        from cnncli.commands.hints import usage_error

        return usage_error(ctx, args, error)

    def _check(self, ctx: click.Context, args: list[str]) -> None:
        """Raises CnnError for options that are repeated or empty, and for arguments that the command does not take."""
        values, extra, order = self.make_parser(ctx).parse_args(args=[*args])
        given = [parameter for parameter in order if isinstance(parameter, click.Option)]
        for at, option in enumerate(given):
            name = max(option.opts, key=len)
            if option in given[:at] and not option.multiple:
                raise CnnError(f"{name} is given twice", "give it once")
            value = values[str(option.name)]
            if "" in (value if isinstance(value, list | tuple) else [value]) and name not in self.may_be_empty:
                raise CnnError(f"{name} is empty", "give it a value, or leave it out")
            _refuse_option_as_value(ctx, name, value)
        wants_help = any(values.get(str(parameter.name)) is True for parameter in order if parameter.is_eager)
        if extra and not wants_help:
            from cnncli.commands.hints import extra_arguments

            raise extra_arguments(ctx, values, extra)

    def invoke(self, ctx: click.Context) -> Any:
        for rule in self.rules:
            rule.check(ctx)
        return super().invoke(ctx)


def command(
    *rules: Rule, cls: type[CheckedCommand] = CheckedCommand, may_be_empty: Collection[str] = ()
) -> Callable[[Callable[..., Any]], click.Command]:
    """A click command whose options are checked against ``rules``; they have values unless they ``may_be_empty``."""
    return click.command(cls=cls, rules=rules, may_be_empty=may_be_empty)


def language_option(help_text: str) -> Callable[[Command], Command]:
    """``--lang``: the language of what students read."""
    return click.option("--lang", "language", default="", metavar="LANG", help=help_text)


def complete_architecture(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from cnncli.bundled import bundled

    names = [CompletionItem(name) for name in bundled() if name.startswith(incomplete)]
    return [*names, CompletionItem(incomplete, type="file")]


architecture = click.argument("architecture", metavar="ARCH", shell_complete=complete_architecture)


def load_to_show(architecture: str, **settings: Any) -> Loaded:
    """Load a network to show it: that of a run folder, and for a missing file the bundled one, with a note on stderr.

    ``settings`` are those of :func:`cnncli.loading.load`. Only what calculates calls this: a training of another
    network than the one named would be found out too late.
    """
    from cnncli.io.files import exists, is_file
    from cnncli.loading import NetworkNotFound, load

    if exists(architecture) and not is_file(architecture):
        from cnncli.runs.folder import is_run, load_architecture, open_run

        if is_run(architecture):
            return load_architecture(open_run(Path(architecture)), **settings)
    try:
        return load(architecture, **settings)
    except NetworkNotFound as error:
        if len(error.likely) != 1:
            raise
        name = error.likely[0]
        click.echo(f"no {architecture} here: this is the bundled {name}; {error.copy}", err=True)
        return load(name, **settings)


def _refuse_option_as_value(ctx: click.Context, name: str, value: Any) -> None:
    """Raises CnnError where the value of an option is the next option: ``--kernel --input 3x32x32``."""
    known = {option for parameter in ctx.command.get_params(ctx) for option in parameter.opts}
    for text in value if isinstance(value, list | tuple) else [value]:
        following = text.partition("=")[0] if isinstance(text, str) else ""
        if following.startswith("--") and following in known:
            raise CnnError(f"{name} needs a value, but {following} follows", "write the value between them")


set_option = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a variable of the architecture (repeatable).",
)

input_option = click.option(
    "--input",
    "input_shapes",
    multiple=True,
    metavar="SHAPE",
    help="Input shape, e.g. 3x64x64; NAME=3x64x64 for one of several inputs.",
)

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Dataset folder, searched first; downloads go here (default: $CNN_DATA, else the user cache).",
)


best_option = click.option("--best", is_flag=True, help="Use the weights with the lowest held-out loss, not the last.")


# Numbers in options are read like numbers in files. Python, and therefore click, would read 1_6 as 16 and reject 1e3.


class Whole(click.IntRange):
    """``Whole(1)``: an integer of at least 1, written as 1000 or 1e3."""

    name = "n"  # as the help shows it

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = _number(value, "a whole number", param, ctx)
        if number != int(number):
            raise click.BadParameter(f"{value!r} is not a whole number", ctx, param)
        if self.min is not None and self.max is None and number < self.min:
            raise click.BadParameter(f"{int(number)} is less than {self.min}, the least", ctx, param)
        return super().convert(int(number), param, ctx)

    def _describe_range(self) -> str:
        """The range for the help: click would write ``x<=None`` for a number without bounds."""
        return "" if self.min is None and self.max is None else super()._describe_range()


class Number(click.FloatRange):
    """``Number(0)``: a number of at least 0."""

    name = "x"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(_number(value, "a number", param, ctx), param, ctx)


def _number(value: Any, wanted: str, param: click.Parameter | None, ctx: click.Context | None) -> int | float:
    """The number in an option's text, or its default. Raises click.BadParameter."""
    from cnncli.arithmetic.numerals import read_number, rewritten

    number: int | float | None = read_number(value) if isinstance(value, str) else value
    if number is None:
        hint = rewritten(value)
        raise click.BadParameter(f"{value!r} is not {wanted}{hint and '; '}{hint}", ctx, param)
    return number


def format_option(*formats: str) -> Callable[[Command], Command]:
    """``--format``: ``table`` for reading, the others for programs and papers."""
    return click.option(
        "--format", "form", type=click.Choice(formats), default="table", show_default=True, help="Output format."
    )


def overrides(assignments: tuple[str, ...]) -> dict[str, str]:
    """``("width=64",)`` as a dict. Raises CnnError for what is not NAME=VALUE."""
    result = {}
    for assignment in assignments:
        name, sign, value = assignment.partition("=")
        if not sign or not name.strip():
            raise CnnError(f"--set {assignment}: is not NAME=VALUE", f"write --set {_assignment_meant(assignment)}")
        if name.strip() in result:
            raise CnnError(f"--set {name.strip()} is given twice", "give it once")
        result[name.strip()] = value.strip()
    return result


def _assignment_meant(text: str) -> str:
    """NAME=VALUE for ``width:64``, ``width 64`` and ``width``."""
    import re

    match = re.fullmatch(r"\s*([^\W\d]\w{0,30})(?:(?:\s*:\s*|\s+)(\S{1,30}))?\s*", text)
    return f"{match[1]}={match[2] or 64}" if match else "width=64"


def input_shapes(texts: tuple[str, ...]) -> dict[str, str]:
    """``("rgb=3x64x64",)`` or ``("3x64x64",)`` as a dict by input name, "" for the only one."""
    result = {}
    for text in texts:
        name, sign, shape = text.rpartition("=")
        if (name.strip() if sign else "") in result:
            raise CnnError(f"--input {text}: {name.strip() or 'the input'} is given twice", "give it once")
        result[name.strip() if sign else ""] = shape.strip()
    return result
