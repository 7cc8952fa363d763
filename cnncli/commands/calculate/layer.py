"""``cnn layer``: the quantities of one layer without a file."""

from __future__ import annotations

from typing import Any

import click

from cnncli.commands import options
from cnncli.commands.calculate.explain import QUANTITIES
from cnncli.errors import CnnError, shortened

FIELD, NO_FIELD = "field_", "no_field_"  # begin the names of the fields' parameters
TYPED = "cnncli.layer.kind"  # where click's context has the first argument, which the options depend on


class LayerCommand(options.CheckedCommand):
    """A command whose options are also the fields of the layer type that is its first argument."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        *own, help_option = super().get_params(ctx)
        return [*own, *_field_options(ctx.meta.get(TYPED, "")), help_option]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        args = [_with_dashes(word) for word in args]
        ctx.meta[TYPED] = _first_argument(args)
        return super().parse_args(ctx, args)

    def usage_error(self, ctx: click.Context, args: list[str], error: click.UsageError) -> CnnError:
        if not isinstance(error, click.NoSuchOption):
            return super().usage_error(ctx, args, error)
        typed = next(word for word in args if word.startswith(error.option_name))
        return _unknown_option(ctx.meta[TYPED], typed)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        kind = ctx.meta.get(TYPED, "")
        own = [parameter for parameter in super().get_params(ctx) if isinstance(parameter, click.Option)]
        for title, listed in ((f"Fields of {kind}", _field_options(kind)), ("Options", own)):
            records = [record for record in (entry.get_help_record(ctx) for entry in listed) if record is not None]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def _with_dashes(word: str) -> str:
    """``--output_padding=1`` as ``--output-padding=1``."""
    name, sign, value = word.partition("=")
    return name.replace("_", "-") + sign + value if word.startswith("--") else word


def _first_argument(args: list[str]) -> str:
    """The first word that is neither an option nor the value of one."""
    words = iter(args)
    for word in words:
        if not word.startswith("-") or len(word) == 1:
            return word
        if "=" not in word and word not in ("-h", "--help", "--") and not word.startswith("--no-"):
            next(words, "")
    return ""


def _field_options(kind: str) -> list[click.Option]:
    """An option for each field of a layer type; none for what is no type."""
    from cnncli.layers import KINDS

    return [entry for field in (KINDS[kind].schema if kind in KINDS else ()) for entry in _options_of(kind, field)]


def _options_of(kind: str, field: str) -> list[click.Option]:
    """``--kernel KERNEL``; for a flag ``--bias [true|false]`` and ``--no-bias``."""
    from cnncli.layers import KINDS
    from cnncli.one_layer import negated, option
    from cnncli.views.one_layer.layer_types import default_text, meaning

    default = default_text(KINDS[kind].schema[field])
    shown = f"[{default}]" if default in ("required", "") else f"[default: {default}]"
    text = f"{meaning(kind, field)}  {shown if default else ''}".rstrip()
    if default not in ("true", "false"):
        return [click.Option([option(field), FIELD + field], help=text, metavar=field.upper())]
    return [
        click.Option([option(field), FIELD + field], is_flag=False, flag_value="true", metavar="BOOL", help=text),
        click.Option([negated(field), NO_FIELD + field], is_flag=True, help=f"The same as {option(field)} false."),
    ]


def _unknown_option(word: str, typed: str) -> CnnError:
    """The error for an option, as ``typed``, that the layer type ``word`` does not have."""
    from cnncli.layers import KINDS
    from cnncli.one_layer import option, unknown_option

    if not word:
        hint = "write cnn layer TYPE first; cnn layer lists the types"
        return CnnError(f"{shortened(typed)} comes before the layer type", hint)
    kind = _kind(word)
    if typed[1:].replace(".", "0").isdigit() and KINDS[kind].main:
        hint = f"write {option(KINDS[kind].main)} {shortened(typed)}"
        return CnnError(f"{shortened(typed)}: a negative value needs its option", hint)
    return unknown_option(kind, shortened(typed.partition("=")[0]))


def _kind(word: str) -> str:
    """The layer type. Raises CnnError, for the name of a network with the command that is about networks."""
    from cnncli.bundled import find_bundled
    from cnncli.layers import KINDS
    from cnncli.one_layer import read_kind

    is_file = word.endswith((".yaml", ".yml"))
    if word not in KINDS and (is_file or (word.replace("_", "a").isalnum() and find_bundled(word) is not None)):
        shown = shortened(word)
        raise CnnError(f"{shown} is a network, not a layer type", f"cnn explain {shown} explains its layers")
    return read_kind(word)


def complete_kind(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The layer types that begin with what is typed, for the shell."""
    from cnncli.layers import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]


@options.command(
    options.needs("--input", "TYPE"),
    options.needs("--figure", "--input"),
    options.needs("--batch", "--input"),
    options.needs("--dtype", "--input"),
    *(
        options.excludes(f"--figure {name}", "--batch", "--dtype", why="--batch and --dtype are about the bytes")
        for name in QUANTITIES
    ),
    cls=LayerCommand,
)
@click.argument("kind", metavar="[TYPE]", required=False, shell_complete=complete_kind)
@click.argument("values", nargs=-1, metavar="[VALUE]")
@click.option(
    "--input", "input_shapes", multiple=True, metavar="SHAPE", help="Shape of the input, e.g. 3x32x32, 400, 3xHxW."
)
@click.option(
    "--figure",
    "quantity",
    type=click.Choice((*QUANTITIES, "bytes")),
    metavar="QUANTITY",
    help=f"Show one quantity only: {', '.join(QUANTITIES)}, bytes.",
)
@click.option("--batch", type=options.Whole(1), default=None, help="Batch size, for the bytes.")
@click.option("--dtype", default="fp32", metavar="TYPE", help="Precision, for the bytes: fp32 (default), fp16 or bf16.")
@options.format_option("table", "json", "csv", "markdown", "latex")
def command(
    kind: str | None,
    values: tuple[str, ...],
    input_shapes: tuple[str, ...],
    quantity: str | None,
    batch: int | None,
    dtype: str,
    form: str,
    **fields: Any,
) -> None:
    """Calculate one layer without a file, with formulas.

    \b
      cnn layer conv --input 3x32x32 --filters 10 --kernel 5 --padding 2
      cnn layer linear 120 --input 400
      cnn layer maxpool 2 --input 6xHxW
      cnn layer add --input 8x7x7 --input 8x7x7

    TYPE is a layer type, and VALUE its first field. Its fields are options, read as in a file: cnn layer TYPE lists
    them, and cnn layer the types. Layers that join several inputs take --input for each.
    """
    if kind is None:
        from cnncli.views.one_layer.layer_types import types_as

        click.echo(types_as(form), nl=False)
        return
    kind = _kind(kind)
    texts = _texts(kind, values, fields)
    if input_shapes:
        from cnncli.analysis.explanation.layer_memory import Storage
        from cnncli.analysis.memory import check_options
        from cnncli.one_layer import load_layer
        from cnncli.views.one_layer.layer_quantities import answer

        check_options(dtype, "none")
        click.echo(answer(load_layer(kind, texts, input_shapes), quantity, Storage(batch, dtype), form), nl=False)
    elif texts:
        hint = "add --input 3x32x32, or --input 3xHxW for formulas"
        raise CnnError(f"{kind}: the shape of its input is missing", hint)
    else:
        from cnncli.views.one_layer.layer_types import fields_as

        click.echo(fields_as(kind, form), nl=False)


def _texts(kind: str, values: tuple[str, ...], fields: dict[str, Any]) -> dict[str, str]:
    """The fields as typed. Raises CnnError for one that is given twice, and for values without a field."""
    from cnncli.layers import KINDS
    from cnncli.one_layer import negated, option

    texts: dict[str, str] = {}
    for name in KINDS[kind].schema:
        typed = fields[FIELD + name]
        if fields.get(NO_FIELD + name):
            if typed is not None:
                raise CnnError(f"{option(name)} and {negated(name)} are both given", "keep one of them")
            typed = "false"
        if typed is not None:
            texts[name] = typed
    if not values:
        return texts
    main = _main(kind, values)
    if main in texts:
        shown = shortened(values[0])
        hint = f"give it once; write --input {shown} if that is the input"
        raise CnnError(f"{option(main)} is given twice: {shortened(texts[main])} and {shown}", hint)
    return {main: values[0], **texts}


def _main(kind: str, values: tuple[str, ...]) -> str:
    """The field that a value without a name sets. Raises CnnError where there is none, and for more than one value."""
    from cnncli.layers import KINDS
    from cnncli.one_layer import option, refuse_two_readings

    main, shown = KINDS[kind].main, shortened(values[-1])
    if "=" in shown:
        written = " ".join(_as_option(kind, value) for value in values)
        raise CnnError(f"{shown}: fields are options here", f"write {shortened(written)}")
    if not main:
        is_shape = shown[:1].isdigit() and not options.is_given(click.get_current_context(), "--input")
        hint = f"write --input {shown}" if is_shape else "leave it out"
        raise CnnError(f"{kind} takes no value, but {shown} is given", hint)
    if len(values) > 1:
        others = [option(name) for name in KINDS[kind].schema if name != main]
        hint = f"write {others[0]} {shown}" if others else "give one"
        raise CnnError(f"{kind} takes one value without a name: {option(main)[2:]}", hint)
    refuse_two_readings(kind, values[0])
    return main


def _as_option(kind: str, word: str) -> str:
    """``kernel=5`` as ``--kernel 5``, and ``p=0.5`` of dropout as ``--rate 0.5``."""
    from cnncli.language.aliases import field_meant
    from cnncli.layers import KINDS
    from cnncli.one_layer import option

    name, sign, value = word.partition("=")
    return f"{option(field_meant(name, [*KINDS[kind].schema]))} {value}" if sign else word
