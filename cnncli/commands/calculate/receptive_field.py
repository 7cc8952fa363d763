"""``cnn receptive-field``: the input region that one unit depends on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnncli.arithmetic.numerals import is_digits, split_sizes
from cnncli.commands import options
from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.analysis.input_region import Rectangle
    from cnncli.inference import Inferred, ReceptiveField


@options.command(
    options.needs("--on", "--image"),
    options.needs("--image", "-o", why="write --image photo.png -o region.png"),
    options.needs("-o", "--image", why="write --image photo.png -o region.png"),
)
@options.architecture
@click.argument("layer")
@click.option("--unit", metavar="ROW,COLUMN", help="Position in the feature map, from 0 (default: the middle).")
@click.option("--image", type=click.Path(path_type=Path), help="Image to draw on; requires -o.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="PNG file to write; requires --image.")
@click.option("--on", "source", metavar="NAME", help="Which of several inputs to draw.")
@options.input_option
@options.set_option
@options.format_option("table", "json")
def command(
    architecture: str,
    layer: str,
    unit: str | None,
    image: Path | None,
    output: Path | None,
    source: str | None,
    input_shapes: tuple[str, ...],
    assignments: tuple[str, ...],
    form: str,
) -> None:
    """Show the exact input region one unit depends on.

    LAYER is named as in cnn summarize; the name of a composite means its output. Unlike the receptive field, the region
    is clipped at borders: padding does not depend on the input.
    """
    from cnncli.analysis.input_region import input_region
    from cnncli.loading import load

    loaded = load(architecture, overrides=options.overrides(assignments), inputs=options.input_shapes(input_shapes))
    inferred = loaded.inferred
    layer = inferred.output_of(layer).node.name
    chosen = _unit(inferred, layer, unit)
    regions = input_region(inferred, layer, chosen)
    if form == "json":
        import json

        click.echo(json.dumps(_record(inferred, layer, chosen, regions), indent=1))
    else:
        click.echo("\n".join(_lines(inferred, layer, chosen, regions)))
    if image is not None and output is not None:  # each needs the other
        from cnncli.drawing.input_region import draw

        name = _drawn_input(inferred, source)
        click.echo(draw(regions.get(name), inferred.shape(name), image, output), err=form == "json")


def _unit(inferred: Inferred, layer: str, text: str | None) -> tuple[int, ...]:
    from cnncli.analysis.input_region import middle_unit
    from cnncli.arithmetic.shape import format_shape

    shape = inferred.shape(layer)
    if text is None:
        return middle_unit(shape)
    parts = split_sizes(text)
    if len(shape) == 1:
        raise CnnError(f"--unit {text}: all units of {layer}, a vector, depend on the same region", "leave --unit out")
    if len(parts) != len(shape) - 1 or not all(map(is_digits, parts)):
        example = ",".join(str((size - 1) // 2) for size in shape[1:])
        raise CnnError(
            f"--unit {text}: not a position in a {format_shape(shape)} feature map", f"write --unit {example}"
        )
    unit = tuple(int(part[:12]) for part in parts)
    if any(index >= size for index, size in zip(unit, shape[1:], strict=True)):
        last = ",".join(str(size - 1) for size in shape[1:])
        raise CnnError(
            f"--unit {text}: outside {layer}, a {format_shape(shape)} feature map", f"the last unit is {last}"
        )
    return unit


def _drawn_input(inferred: Inferred, source: str | None) -> str:
    names = [entry.name for entry in inferred.graph.inputs]
    if source is None:
        return names[0]
    if source not in names:
        raise CnnError(f"--on {source}: unknown input", f"the inputs are {', '.join(names)}")
    return source


def _lines(inferred: Inferred, layer: str, unit: tuple[int, ...], regions: dict[str, Rectangle]) -> list[str]:
    from cnncli.analysis.input_region import covered_fraction
    from cnncli.arithmetic.shape import format_input_shape, format_shape
    from cnncli.drawing.input_region import sketch
    from cnncli.io.width import wrapped

    shape = inferred.shape(layer)
    what = f"unit {','.join(map(str, unit))} of {layer} ({format_shape(shape)})" if unit else f"a unit of {layer}"
    lines = []
    for entry in inferred.graph.inputs:
        of = f"{entry.name} {format_input_shape(entry.shape)}"
        if entry.name not in regions:
            lines += wrapped(f"{what} does not depend on {of}")
            continue
        rectangle = regions[entry.name]
        sizes = "x".join(str(last - first + 1) for first, last in rectangle)
        lines += wrapped(f"{what} depends on {sizes} of {of}, {covered_fraction(rectangle, entry.shape):.1%}")
        for axis, (first, last) in zip(_axes(len(rectangle)), rectangle, strict=True):
            lines.append(f"  {axis} {first} to {last}")
        lines += [f"  {line}" for line in _away_from_borders(inferred.layers[layer].receptive_field[entry.name])]
        lines += ["", *sketch(rectangle, entry.shape)]
    return lines


def _away_from_borders(field: ReceptiveField) -> list[str]:
    """The receptive field, which is the region of a unit that no border clips."""
    size = "x".join(str(axis.size) for axis in field.axes)
    if all(axis.advance == 0 for axis in field.axes):
        return [f"every unit: RF {size}"]
    strides = "x".join(str(axis.stride) for axis in field.axes)
    offsets = ", ".join(str(axis.offset) for axis in field.axes)
    lines = [f"away from borders: RF {size}, stride {strides}, offset {offsets}"]
    if any(axis.empty for axis in field.axes):
        lines.append("some units depend on no input: they fall between the taps of a transposed convolution")
    return lines if field.aligned else [*lines, "merged paths differ in center or stride"]


def _axes(count: int) -> tuple[str, ...]:
    return {0: (), 1: ("positions",), 2: ("rows", "columns"), 3: ("slices", "rows", "columns")}[count]


def _record(inferred: Inferred, layer: str, unit: tuple[int, ...], regions: dict[str, Rectangle]) -> dict[str, Any]:
    from cnncli.analysis.input_region import covered_fraction
    from cnncli.views.summary.columns import stride_value

    inputs: dict[str, Any] = {}
    for entry in inferred.graph.inputs:
        if entry.name not in regions:
            inputs[entry.name] = None
            continue
        rectangle, field = regions[entry.name], inferred.layers[layer].receptive_field[entry.name]
        inputs[entry.name] = {
            "first": [first for first, _ in rectangle],
            "last": [last for _, last in rectangle],
            "size": [axis.size for axis in field.axes],
            "stride": [stride_value(axis.stride) for axis in field.axes],
            "offset": [axis.offset for axis in field.axes],
            "aligned": field.aligned,
            "share": round(covered_fraction(rectangle, entry.shape), 6),
        }
    return {"layer": layer, "unit": list(unit), "output_shape": list(inferred.shape(layer)), "inputs": inputs}
