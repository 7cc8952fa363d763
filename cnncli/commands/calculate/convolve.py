"""``cnn convolve``: convolution and pooling by hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnncli.commands import options
from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.homework.exact_ops.exercise import Exercise

NEGATIVE = re.compile(r"-([0-9.√\\]|sqrt)")
STEPS_LIMIT = 10_000  # windows that are worked out one by one


class WithMatrices(options.CheckedCommand):
    """Takes a matrix that begins with a minus for what it is, and not for an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [f" {arg}" if NEGATIVE.match(arg) else arg for arg in args])


@options.command(
    options.excludes("--input", "INPUT", why="give the input once; kernels as --kernel"),
    options.needs("--output-padding", "--transposed"),
    options.needs("--padding-mode", "--padding"),
    options.excludes("--filter", "KERNEL", "--kernel", why="--filter is the kernel"),
    options.excludes("--pool", "--filter", "--flip", "--bias", "--transposed", "--backward",
                     why="a pool has no kernel of its own"),
    options.excludes("--transposed", "--padding-mode", why="a transposed convolution cuts its padding off"),
    options.excludes("--backward", "--transposed", "--output", why="--backward is of a convolution of matrices"),
    options.excludes("--backward", "--bias", why="the gradients do not depend on the bias"),
    options.excludes("--output", "--steps", "--format", why="-o writes a picture"),
    cls=WithMatrices,
)  # fmt: skip
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
@click.option("--output-padding", type=options.Whole(0), default=0, help="With --transposed.")
@click.option(
    "--backward", "upstream", metavar="G", help="The gradients to input and kernel for this one at the output."
)
@click.option("--steps", is_flag=True, help="Every window with its products and their sum.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the filtered picture.")
@options.format_option("table", "json")
def command(matrix: str | None, kernels: tuple[str, ...], form: str, **given: Any) -> None:
    """Work out convolution and pooling by hand, step by step.

    \b
      cnn convolve "0 1 2; 3 4 5; 6 7 8" "0 1; 2 3" --steps
      cnn convolve "1 1 2 4; 5 6 7 8; 3 2 1 0; 1 2 3 4" --pool max --kernel 2
      cnn convolve photo.png --filter edge -o edges.png

    Rows end with ;, channels are set apart by |, the filters of a kernel by ||; nested lists and LaTeX are read as well
    (docs/exercises.md has the table). Files may be text, CSV, YAML, JSON, NPY or pictures. Numbers may be fractions and
    stay exact. A convolution is a cross-correlation, as in all libraries, unless --flip is given. Several kernels are
    several filters, each with a matrix for each channel of the input, of a transposed convolution as well.
    """
    from cnncli.homework.exact_ops.exercise import Written, read_exercise
    from cnncli.homework.exact_ops.matrix_files import is_picture

    text = matrix if given["input_text"] is None else given["input_text"]
    if text is None:
        raise CnnError("there is no input", 'write cnn convolve "0 1 2; 3 4 5; 6 7 8" "0 1; 2 3"')
    picture = is_picture(text)
    if given["output"] is not None and not picture:
        raise CnnError("-o writes a filtered picture, and the input is none")
    if given["output"] is not None and not is_picture(str(given["output"])):
        raise CnnError(f"{given['output']}: is not a name for a picture", "end it with .png")
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
    _check_border(exercise, given["padding_mode"])
    if given["upstream"] is not None:
        if given["steps"] and exercise.flip:
            raise CnnError(
                "--steps of a flipped kernel's gradients are not shown", "turn the kernel yourself, without --flip"
            )
        if exercise.pool or exercise.transposed:
            raise CnnError("--backward is worked out for convolutions", "leave --pool and --transposed out")
        _print_gradients(exercise, given["upstream"], form, steps=given["steps"])
    elif given["output"] is not None:
        _write_picture(exercise.result(), given["output"])
    elif picture:
        raise CnnError("a filtered picture is too large to print", "write it with -o filtered.png")
    else:
        _show(exercise, form, steps=given["steps"])


def _check_border(exercise: Exercise, mode: str) -> None:
    """Raises CnnError for a --padding-mode where no padding comes out."""
    typed = options.is_given(click.get_current_context(), "--padding-mode")
    if typed and not any(window.before or window.after for window in exercise.how.windows):
        raise CnnError(f"--padding-mode {mode} has no effect without padding", "give --padding 1, or leave it out")


def _print_gradients(exercise: Exercise, text: str, form: str, *, steps: bool) -> None:
    from cnncli.homework.exact_ops import matrices, operations

    upstream = matrices.read_numbers(text)
    while upstream.ndim < exercise.x.ndim:
        upstream = upstream[None]
    found = exercise.gradients(upstream)
    if form == "json":
        from cnncli.views.listing import as_json

        record = {
            "input": matrices.plain(_bare(operations.simplest(found.to_input))),
            "kernel": matrices.plain(_bare(operations.simplest(found.to_kernel))),
            "bias": matrices.plain(found.to_bias),
        }
        click.echo(as_json(record, indent=None), nl=False)
        return
    worked = operations.gradient_steps(exercise.x, exercise.weights, upstream, exercise.how) if steps else ((), ())
    for title, array, working in (
        (f"to the input ({_how_to_input(exercise)}):", found.to_input, worked[0]),
        (f"to the kernel ({_how_to_kernel(exercise)}):", found.to_kernel, worked[1]),
    ):
        lines = [f"({','.join(map(str, at))}): {how} = {matrices.shown(value)}" for at, how, value in working]
        click.echo("\n".join([title, *lines, *matrices.lines(_bare(operations.simplest(array))), ""]))
    click.echo(f"to the bias (the sum of the upstream gradient): {', '.join(map(matrices.shown, found.to_bias))}")


def _how_to_input(exercise: Exercise) -> str:
    if any(window.stride > 1 for window in exercise.how.windows):
        return "a transposed convolution of the upstream gradient with the kernel"
    cut = ", the padding cut off" if any(window.before or window.after for window in exercise.how.windows) else ""
    if exercise.flip:
        return f"the full cross-correlation of the upstream gradient with the kernel{cut}"
    return f"the full convolution of the upstream gradient with the kernel, which turns it by 180 degrees{cut}"


def _how_to_kernel(exercise: Exercise) -> str:
    turned = ", turned by 180 degrees" if exercise.flip else ""
    return f"the cross-correlation of the input with the upstream gradient{turned}"


def _show(exercise: Exercise, form: str, *, steps: bool) -> None:
    from cnncli.arithmetic.axes import lines_text
    from cnncli.homework.exact_ops import matrices, operations

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
        from cnncli.views.listing import as_json

        record: dict[str, Any] = {"output": matrices.plain(bare), "shape": list(bare.shape)}
        if worked:
            record["steps"] = [
                {"position": at, "working": working, "value": matrices.plain(value)} for at, working, value in worked
            ]
        click.echo(as_json(record, indent=None), nl=False)
        return
    for at, working, value in worked:
        click.echo(f"({at}): {working} = {matrices.shown(value)}")
    click.echo("\n".join([*([""] if worked else []), *matrices.lines(bare)]))
    lost = () if exercise.transposed else operations.left_out(exercise.x.shape[1:], exercise.how)
    if any(lost):
        click.echo(f"(no window covers the last {lines_text(lost)} of the input)", err=True)


def _bare(array: Any) -> Any:
    """Without leading axes of one: a single map is shown as a matrix."""
    while array.ndim > 1 and array.shape[0] == 1 and array.ndim > 2:
        array = array[0]
    return array[0] if array.ndim == 2 and array.shape[0] == 1 and array.shape[1] != 1 else array


def _write_picture(result: Any, output: Path) -> None:
    from io import BytesIO

    import numpy as np
    from PIL import Image

    from cnncli.io.writing import write_output

    pixels = np.clip(np.rint(result.astype(float)), 0, 255).astype(np.uint8)
    picture = Image.fromarray(pixels[0]) if len(pixels) == 1 else Image.fromarray(pixels.transpose(1, 2, 0))
    data = BytesIO()
    try:
        picture.save(data, Image.registered_extensions().get(output.suffix.lower(), "PNG"))
        write_output(output, data.getvalue())
    except OSError as error:
        raise CnnError(f"{output}: cannot be written: {error.strerror or error}") from None
    click.echo(f"{output}: {pixels.shape[1]}x{pixels.shape[2]}, values below 0 are black, above 255 white")
