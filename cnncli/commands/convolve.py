"""``cnn convolve``: convolution and pooling by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnncli.commands import options
from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.homework.exercise import Exercise

STEPS_LIMIT = 10_000  # windows that are worked out one by one


@click.command()
@click.argument("matrix", metavar="[INPUT]", required=False)
@click.argument("kernels", metavar="[KERNEL]…", nargs=-1)
@click.option("--input", "input_text", help="The input, instead of the argument.")
@click.option(
    "--kernel", "kernel_texts", multiple=True, help="A kernel, or a pool's size; several are several filters."
)
@click.option("--filter", "filter_name", metavar="NAME", help="A classic kernel: edge, sobel_x, sharpen, gaussian …")
@click.option("--pool", type=click.Choice(("max", "avg", "l2")), help="Pool instead; the stride defaults to the size.")
@click.option("--stride", metavar="S", help="One number, or one per axis as 2x1.")
@click.option("--padding", metavar="P", default="0", help="A number per side, or valid, same or full.")
@click.option("--padding-mode", type=click.Choice(("zeros", "reflect", "replicate", "circular", "partial")),
              default="zeros", help="What the border is made of.")  # fmt: skip
@click.option("--dilation", metavar="D", help="One number, or one per axis.")
@click.option("--bias", multiple=True, help="Added to every value; one for each filter.")
@click.option("--flip", is_flag=True, help="True convolution: the kernel is turned by 180 degrees.")
@click.option("--transposed", is_flag=True, help="The transposed convolution.")
@click.option("--output-padding", type=click.IntRange(0), default=0, help="With --transposed.")
@click.option(
    "--backward", "upstream", metavar="G", help="The gradients to input and kernel for this one at the output."
)
@click.option("--steps", is_flag=True, help="Every window with its products and their sum.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the filtered picture.")
@options.format_option("table", "json")
def command(matrix: str | None, kernels: tuple[str, ...], form: str, **given: Any) -> None:
    """Convolution and pooling on small matrices, as the lectures do it by hand, and on pictures.

    \b
      cnn convolve "0 1 2; 3 4 5; 6 7 8" "0 1; 2 3" --steps
      cnn convolve "1 1 2 4; 5 6 7 8; 3 2 1 0; 1 2 3 4" --pool max --kernel 2
      cnn convolve photo.png --filter edge -o edges.png

    Rows end with ;, channels are set apart by |; files may be YAML, CSV, NPY or pictures. Numbers may be fractions and
    stay exact. A convolution is a cross-correlation, as in all libraries, unless --flip is given.
    """
    from cnncli.homework import matrices
    from cnncli.homework.exercise import Written, read_exercise

    text = matrix if given["input_text"] is None else given["input_text"]
    if text is None:
        raise CnnError("there is no input", 'write cnn convolve "0 1 2; 3 4 5; 6 7 8" "0 1; 2 3"')
    picture = matrices.is_picture(text)
    if given["output"] is not None and not picture:
        raise CnnError("-o writes a filtered picture, and the input is none")
    exercise = read_exercise(
        Written(
            text,
            (*kernels, *given["kernel_texts"]),
            given["filter_name"] or "",
            given["pool"] or "",
            given["stride"] or "",
            given["padding"],
            given["padding_mode"],
            given["dilation"] or "",
            given["bias"],
            given["flip"],
            given["transposed"],
            given["output_padding"],
        )
    )
    if given["upstream"] is not None:
        if exercise.pool or exercise.transposed:
            raise CnnError("--backward is worked out for convolutions", "leave --pool and --transposed out")
        _print_gradients(exercise, given["upstream"], form)
    elif given["output"] is not None:
        _write_picture(exercise.result(), given["output"])
    elif picture and not exercise.pool:
        raise CnnError("a filtered picture is too large to print", "write it with -o filtered.png")
    else:
        _show(exercise, form, steps=given["steps"])


def _print_gradients(exercise: Exercise, text: str, form: str) -> None:
    from cnncli.homework import by_hand, matrices

    x, how = exercise.x, exercise.how
    upstream = matrices.read(text)
    while upstream.ndim < x.ndim:
        upstream = upstream[None]
    found = by_hand.gradients(x, exercise.weights, upstream, how)
    if form == "json":
        import json

        record = {
            "input": matrices.plain(_bare(by_hand.simplest(found.to_input))),
            "kernel": matrices.plain(_bare(by_hand.simplest(found.to_kernel))),
            "bias": matrices.plain(found.to_bias),
        }
        click.echo(json.dumps(record))
        return
    stride_one = all(window.stride == 1 for window in how.windows)
    how_input = (
        "the full convolution of the upstream gradient with the kernel flipped"
        if stride_one
        else ("a transposed convolution of the upstream gradient with the kernel")
    )
    for title, array in (
        (f"to the input ({how_input}):", found.to_input),
        ("to the kernel (the cross-correlation of the input with the upstream gradient):", found.to_kernel),
    ):
        click.echo("\n".join([title, *matrices.lines(_bare(by_hand.simplest(array))), ""]))
    click.echo(f"to the bias (the sum of the upstream gradient): {', '.join(map(matrices.shown, found.to_bias))}")


def _show(exercise: Exercise, form: str, *, steps: bool) -> None:
    from cnncli.homework import by_hand, matrices

    result = exercise.result()
    bare = _bare(result)
    if steps and result.size > STEPS_LIMIT:
        raise CnnError(f"--steps: more than {STEPS_LIMIT:,} windows (the limit)", "use a smaller input")
    rank, several = exercise.x.ndim - 1, len(result) > 1
    worked = [
        (",".join(map(str, step.position if several else step.position[-rank:])), step.working, step.value)
        for step in (exercise.steps() if steps else ())
    ]
    if form == "json":
        import json

        record: dict[str, Any] = {"output": matrices.plain(bare), "shape": list(bare.shape)}
        if worked:
            record["steps"] = [
                {"position": at, "working": working, "value": matrices.plain(value)} for at, working, value in worked
            ]
        click.echo(json.dumps(record))
        return
    for at, working, value in worked:
        click.echo(f"({at}): {working} = {matrices.shown(value)}")
    click.echo("\n".join([*([""] if worked else []), *matrices.lines(bare)]))
    lost = () if exercise.transposed else by_hand.left_out(exercise.x.shape[1:], exercise.how)
    if any(lost):
        rows = "x".join(map(str, lost))
        click.echo(f"(no window covers the last {rows} of the input)", err=True)


def _bare(array: Any) -> Any:
    """Without leading axes of one: a single map is shown as a matrix."""
    while array.ndim > 1 and array.shape[0] == 1 and array.ndim > 2:
        array = array[0]
    return array[0] if array.ndim == 2 and array.shape[0] == 1 and array.shape[1] != 1 else array


def _write_picture(result: Any, output: Path) -> None:
    from io import BytesIO

    import numpy as np
    from PIL import Image

    from cnncli.runs import write_whole

    pixels = np.clip(np.rint(result.astype(float)), 0, 255).astype(np.uint8)
    picture = Image.fromarray(pixels[0]) if len(pixels) == 1 else Image.fromarray(pixels.transpose(1, 2, 0))
    data = BytesIO()
    picture.save(data, "PNG")
    try:
        write_whole(output, data.getvalue())
    except OSError as error:
        raise CnnError(f"{output}: cannot be written: {error.strerror or error}") from None
    click.echo(f"{output}: {pixels.shape[1]}x{pixels.shape[2]}, values below 0 are black, above 255 white")
