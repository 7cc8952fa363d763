"""``cnn summarize``: a table of the layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cnncli.commands import options
from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.loading import Loaded
    from cnncli.views.summary.columns import Column
    from cnncli.views.summary.rows import Row


@options.command(
    options.needs("--dtype", "--memory"),
    options.needs("--optimizer", "--memory"),
    options.excludes("--memory", "--at", "--columns", "--depth", "--only", "--sort", "--top", "--share", "--count",
                     why="--memory describes one network at one size"),
    options.excludes("--at", "--depth", "--only", "--sort", "--top", "--share", "--count", "--strict",
                     why="--at shows totals at several sizes"),
    options.excludes("--depth", "--only", "--sort", "--top", why="--only, --sort and --top list single layers"),
    options.excludes("--format json", "--columns", "--depth", "--share", why="JSON has every quantity of every layer"),
)  # fmt: skip
@options.architecture
@options.input_option
@options.set_option
@click.option("--batch", type=options.Whole(1), default=None, help="Batch size: first axis of shapes, factor of MACs.")
@click.option("--columns", default=None, metavar="A,B,…", help="Columns to show, e.g. layer,output,flops,RF.")
@click.option("--depth", type=options.Whole(0), default=None, help="Expand composites this many levels.")
@click.option(
    "--only", default=None, metavar="TYPE,…", help="Show only layers of these types or names, e.g. conv,linear,c1."
)
@click.option("--sort", default=None, metavar="QUANTITY", help="Sort by this quantity, largest first.")
@click.option(
    "--top", type=options.Whole(1), default=None, help="Show only the N largest layers (by --sort, else params)."
)
@click.option("--share", default=None, metavar="QUANTITY", help="Percentage of the total per layer (CSV: 0 to 1).")
@click.option("--count", default=None, metavar="TOOL", help="Count like torchvision, fvcore, torchinfo, thop or keras.")
@click.option("--memory", "with_memory", is_flag=True, help="Show the memory of inference and training.")
@click.option("--dtype", default="fp32", metavar="TYPE", help="With --memory: fp32, fp16 or bf16.")
@click.option("--optimizer", default="none", metavar="NAME", help="With --memory: sgd, momentum, rmsprop, adam, adamw.")
@click.option("--strict", is_flag=True, help="Treat dropped rows or columns as an error.")
@click.option(
    "--at",
    "at",
    multiple=True,
    metavar="SIZES",
    help="Totals at input sizes, e.g. 64..512:32 (from, to, step) or 64,128.",
)
@options.format_option("table", "json", "csv", "markdown", "latex")
def command(
    architecture: str,
    input_shapes: tuple[str, ...],
    assignments: tuple[str, ...],
    strict: bool,
    at: tuple[str, ...],
    **shown: Any,
) -> None:
    """Show each layer's shape, parameters, MACs, receptive field.

    ARCH is a YAML file, - for standard input, a bundled name (cnn list), or a run folder.

    params are trainable weights and biases; MACs are multiply-accumulates for one input; RF is the receptive field.
    Input sizes may be symbolic (--input 3xHxW): the table then shows formulas.

    On a terminal, columns that do not fit are left out, with a note. A pipe or file gets all of them, with text wrapped
    at 80 columns. The variable COLUMNS sets another width.
    """
    overrides, inputs = options.overrides(assignments), options.input_shapes(input_shapes)
    loaded = options.load_to_show(
        architecture, overrides=overrides, inputs=inputs, strict=strict, symbolic_sizes=True, infer=not at
    )
    notes: tuple[str, ...] = ()
    if shown["count"] is not None:
        from cnncli.analysis.recounting import recount
        from cnncli.analysis.tool_conventions import convention_named

        inferred, notes = recount(loaded.inferred, convention_named(shown["count"]))
        loaded = loaded._replace(inferred=inferred)
    if at:
        from cnncli.commands.calculate.sizes import print_at

        print_at(loaded, at, shown["columns"], shown["batch"] or 0, shown["form"])
    elif shown["with_memory"]:
        _print_memory(loaded, shown)
    elif shown["form"] == "json":
        _print_json(loaded, shown, notes)
    else:
        _print(loaded, shown, notes)


def _print(loaded: Loaded, shown: dict[str, Any], notes: tuple[str, ...]) -> None:
    inferred, batch, form = loaded.inferred, shown["batch"] or 0, shown["form"]
    rows = _rows(loaded, shown)
    columns = _columns(loaded, shown, rows)
    if form == "table":
        from cnncli.io.width import output_width, wrapped
        from cnncli.views.summary.table import lines, show, styles, title

        table = lines(inferred, rows, columns, batch, output_width(), chosen=bool(shown["columns"]))
        table += ["", *(line for note in notes for line in wrapped(f" {note}"))] if notes else []
        if inferred.has_symbolic_sizes:
            from cnncli.views.summary.symbolic_sizes import footer

            table += footer(inferred, batch)
        show(title(inferred, loaded.shown_name, batch), table, styles(inferred, rows))
        return
    from cnncli.views.summary import formats

    write = {"csv": formats.as_csv, "markdown": formats.as_markdown, "latex": formats.as_latex}[form]
    click.echo(write(inferred, rows, columns, batch), nl=False)


def _print_memory(loaded: Loaded, shown: dict[str, Any]) -> None:
    from cnncli.analysis.memory import memory
    from cnncli.loading import numbers_hint
    from cnncli.views import memory as view

    if loaded.inferred.has_symbolic_sizes:
        raise CnnError("--memory: the input has symbolic sizes", numbers_hint(loaded.graph))
    found = memory(loaded.inferred, shown["batch"] or 1, shown["dtype"], shown["optimizer"])
    if shown["form"] == "table":
        from cnncli.views.summary.table import title

        click.echo("\n".join([title(loaded.inferred, loaded.shown_name, 0), "", *view.lines(found)]))
        return
    if shown["form"] != "json":
        raise CnnError(f"--memory has no {shown['form']} output", "use table or json")
    from cnncli.views.summary.formats import as_json, json_text

    summary = as_json(loaded.inferred, loaded.slug, shown["batch"] or 0)
    summary["layers"] = [{**layer, "saved_bytes": found.saved[layer["name"]]} for layer in summary["layers"]]
    click.echo(json_text({**summary, "memory": view.as_record(found)}), nl=False)


def _is_browsing(shown: dict[str, Any]) -> bool:
    return any(shown[option] is not None for option in ("only", "sort", "top"))


def _rows(loaded: Loaded, shown: dict[str, Any]) -> list[Row]:
    from cnncli.views.summary.rows import flat, outline

    if _is_browsing(shown):
        from cnncli.views.summary.browsing import browse

        return browse(loaded.inferred, shown["only"], shown["sort"], shown["top"])
    if shown["form"] == "csv" and shown["depth"] is None:
        return flat(loaded.inferred)
    return outline(loaded.inferred, shown["depth"])


def _columns(loaded: Loaded, shown: dict[str, Any], rows: list[Row]) -> list[Column]:
    from cnncli.views.summary.columns import choose

    without_macs = loaded.inferred.has_symbolic_sizes or shown["count"] == "keras"  # long formulas; Keras counts none
    columns = choose(shown["columns"], rows, leave_out=("macs",) if without_macs else ())
    if shown["share"] is None:
        return columns
    from cnncli.views.summary.browsing import percentage_column, quantity_named

    percentage = percentage_column(loaded.inferred, quantity_named(shown["share"], "--share"), shown["form"])
    if percentage is None:
        raise CnnError(f"--share {shown['share']}: its total is 0 or depends on symbolic sizes")
    return [*columns, percentage]


def _print_json(loaded: Loaded, shown: dict[str, Any], notes: tuple[str, ...]) -> None:
    from cnncli.views.summary.formats import as_json, json_text, only_rows

    summary = as_json(loaded.inferred, loaded.slug, shown["batch"] or 0)
    if _is_browsing(shown):
        summary = only_rows(summary, loaded.inferred, _rows(loaded, shown), shown["batch"] or 0)
    if shown["count"] == "keras":
        for record in (summary["totals"], summary.get("subtotals", {}), *summary["layers"]):
            record |= dict.fromkeys({"macs"} & {*record})
    if notes:
        summary |= {"count": shown["count"], "count_notes": list(notes)}
    click.echo(json_text(summary), nl=False)
