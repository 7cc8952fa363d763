"""``cnn iou``: the overlap of two boxes or two masks."""

from __future__ import annotations

import re

import click

from cnncli.commands import options
from cnncli.commands.calculate.convolve import MatrixCommand

NUMBER = re.compile(r"[+-]?[0-9./]+([eE][+-]?[0-9]+)?,?")


class BoxCommand(MatrixCommand):
    """Accepts two boxes as eight numbers that are not quoted."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        numbers = [word for word in args if NUMBER.fullmatch(word)]
        if len(numbers) == 8:
            others = [word for word in args if not NUMBER.fullmatch(word)]
            args = [" ".join(numbers[:4]), " ".join(numbers[4:]), *others]
        return super().parse_args(ctx, args)


@options.command(cls=BoxCommand)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--boxes", type=click.Choice(("xyxy", "xywh", "cxcywh")),
              help="Two corners, or a corner or the center with width and height.  [default: xyxy]")  # fmt: skip
@options.format_option("table", "json")
def command(first: str, second: str, boxes: str | None, form: str) -> None:
    """Calculate the overlap of two boxes or masks: IoU, Dice.

    \b
      cnn iou "0 0 10 10" "5 5 15 15"          boxes: x1 y1 x2 y2
      cnn iou "5 5 10 10" "10 10 10 10" --boxes cxcywh
      cnn iou "0 1 1; 0 1 1" "1 1 0; 1 1 0"    masks of 0 and 1

    Numbers stay exact. Masks are matrices as in cnn convolve, also in files.
    """
    from cnncli.homework.exact_ops.overlap import as_record, overlap, text_lines

    found = overlap(first, second, boxes)
    if form == "json":
        import json

        click.echo(json.dumps(as_record(found)))
    else:
        click.echo("\n".join(text_lines(found)))
