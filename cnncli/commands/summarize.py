"""``cnn summarize``: the figures of every layer."""

from __future__ import annotations

import click

from cnncli.commands import options


@click.command()
@options.architecture
@options.input_option
@options.set_option
@click.option("--batch", type=click.IntRange(1), default=None, help="Show shapes and work for a batch of this size.")
@click.option("--columns", default=None, metavar="A,B,…", help="Columns to show, as layer,output,flops,notes.")
@click.option("--depth", type=click.IntRange(0), default=None, help="Open composites this many levels deep.")
@click.option("--strict", is_flag=True, help="A window that leaves rows or columns over is an error.")
@click.option(
    "--at", "at", multiple=True, metavar="SIZES", help="Figures at many input sizes, as 64..512:32 (from, to, step)."
)
@options.format_option("table", "json", "csv", "markdown", "latex")
def command(
    architecture: str,
    input_shapes: tuple[str, ...],
    assignments: tuple[str, ...],
    batch: int | None,
    columns: str | None,
    depth: int | None,
    strict: bool,
    at: tuple[str, ...],
    form: str,
) -> None:
    """A table of every layer of ARCH: output size, parameters, operations, receptive field.

    ARCH is a YAML file, - for standard input, or a bundled name (cnn list).

    Params are trained weights and biases; MACs are multiply-accumulates for one input; sees is the receptive field.
    """
    from cnncli.loading import load
    from cnncli.shape import is_open

    overrides, inputs = options.overrides(assignments), options.input_shapes(input_shapes)
    loaded = load(architecture, overrides=overrides, inputs=inputs, strict=strict, open_sizes=True)
    inferred, batch = loaded.inferred, batch or 0
    has_open = any(is_open(size) for entry in loaded.graph.inputs for size in entry.shape)
    if at:
        from cnncli.commands.sizes import print_at

        print_at(loaded, at, columns, batch, form, opened=has_open)
        return
    from cnncli.views.columns import choose
    from cnncli.views.rows import flat, outline

    if form == "json":
        from cnncli.views.formats import as_json, json_text

        click.echo(json_text(as_json(inferred, loaded.slug, batch)), nl=False)
        return
    rows = flat(inferred) if form == "csv" and depth is None else outline(inferred, depth)
    chosen = choose(columns, rows, leave_out=("macs",) if has_open else ())
    if form == "table":
        from cnncli.views.table import lines, show, styles, terminal_width, title

        table = lines(inferred, rows, chosen, batch, terminal_width())
        if has_open:
            from cnncli.views.open_sizes import footer

            table += footer(inferred, batch)
        show(title(inferred, loaded.slug, batch), table, styles(rows))
        return
    from cnncli.views import formats

    write = {"csv": formats.as_csv, "markdown": formats.as_markdown, "latex": formats.as_latex}[form]
    click.echo(write(inferred, rows, chosen, batch), nl=False)
