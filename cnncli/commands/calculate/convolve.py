"""``cnn convolve``: convolution and pooling of small matrices and of images."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import click

from cnncli.commands import options
from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.homework.exact_ops.exercise import Exercise
    from cnncli.homework.exact_ops.sliding import WindowStep

NEGATIVE = re.compile(r"-([0-9.√\\]|sqrt|[^\W\d_][0-9_]*[\s,;&|])")
STEPS_LIMIT = 10_000  # windows that --steps prints
WIDTH = 80  # of titles


class MatrixCommand(options.CheckedCommand):
    """Accepts a matrix that begins with a minus as an argument, not an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [f" {arg}" if NEGATIVE.match(arg) else arg for arg in args])


@options.command(
    options.excludes("--input", "INPUT", why="give the input once, and kernels with --kernel"),
    options.needs("--output-padding", "--transposed"),
    options.needs("--padding-mode", "--padding"),
    options.needs("--count-include-pad", "--pool avg"),
    options.needs("--count-include-pad", "--padding"),
    options.excludes("--filter", "KERNEL", "--kernel", why="--filter is the kernel"),
    options.excludes("--pool", "--filter", "--flip", "--bias", "--transposed",
                     why="a pool has no weights"),
    options.excludes("--transposed", "--padding-mode", why="a transposed convolution has no border to fill"),
    options.excludes("--backward", "--transposed", "--output", why="--backward is for convolutions and pools"),
    options.excludes("--backward", "--bias", why="the gradients do not depend on the bias"),
    options.excludes("--output", "--steps", "--format", why="-o writes an image"),
    cls=MatrixCommand,
)  # fmt: skip
@click.argument("matrix", metavar="[INPUT]", required=False)
@click.argument("kernels", metavar="[KERNEL]…", nargs=-1)
@click.option("--input", "input_text", help="Input, instead of the argument.")
@click.option("--kernel", "more_kernels", multiple=True, help="Kernel, or pool size; repeat for more filters.")
@click.option("--filter", metavar="NAME", help="Classic kernel: edge, sobel_x, sharpen, gaussian …")
@click.option("--pool", type=click.Choice(("max", "avg", "l2")), help="Pool instead; the stride defaults to the size.")
@click.option("--stride", metavar="S", help="Stride: one number, or one per axis, e.g. 2x1.")
@click.option("--padding", metavar="P", default="0", help="Padding per side, or valid, same, same_lower, full.")
@click.option("--padding-mode", type=click.Choice(("zeros", "reflect", "replicate", "circular", "partial")),
              default="zeros", help="How the border is filled.")  # fmt: skip
@click.option("--count-include-pad/--no-count-include-pad", default=True,
              help="Whether padding zeros count in the divisor of an average.")  # fmt: skip
@click.option("--dilation", metavar="D", help="Dilation: one number, or one per axis.")
@click.option("--bias", multiple=True, help="Bias to add, one per filter.")
@click.option("--flip", is_flag=True, help="True convolution: rotate the kernel by 180 degrees.")
@click.option("--transposed", is_flag=True, help="Transposed convolution.")
@click.option("--output-padding", type=options.Whole(0), default=0, help="Output padding (with --transposed).")
@click.option("--backward", "upstream", metavar="G", help="Upstream gradient to backpropagate.")
@click.option("--steps", is_flag=True, help="Show every window with its products and their sum.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Image to write.")
@options.format_option("table", "json")
def command(
    matrix: str | None, kernels: tuple[str, ...], input_text: str | None, more_kernels: tuple[str, ...],
    upstream: str | None, steps: bool, output: Path | None, form: str, **fields: Any,
) -> None:  # fmt: skip
    """Convolve and pool small matrices exactly, step by step.

    Images can be filtered as well.

    \b
      cnn convolve "0 1 2; 3 4 5; 6 7 8" "0 1; 2 3" --steps
      cnn convolve "1 1 2 4; 5 6 7 8; 3 2 1 0; 1 2 3 4" --pool max --kernel 2
      cnn convolve photo.png --filter edge -o edges.png

    Separate rows by ;, channels by |, and the filters of a kernel by ||. Nested lists and LaTeX work as well
    (docs/exercises.md has the table). Files may be text, CSV, YAML, JSON, NPY or images. Numbers may be fractions and
    stay exact. A convolution is a cross-correlation, as in all libraries, unless --flip is given. Repeated kernels are
    filters, each with one matrix per input channel, also for a transposed convolution.
    """
    from cnncli.homework.exact_ops.exercise import ExerciseText, read_exercise

    text = matrix if input_text is None else input_text
    if text is None:
        raise CnnError("missing input", 'write cnn convolve "0 1 2; 3 4 5; 6 7 8" "0 1; 2 3"')
    _check_output(text, output)
    given = {name: value for name, value in fields.items() if value is not None}
    exercise = read_exercise(ExerciseText(text, (*kernels, *more_kernels), **given), letters=True)
    _check_border(exercise)
    if upstream is not None:
        _print_gradients(exercise, upstream, form, steps=steps)
    elif output is not None:
        _write_image(exercise.result(), output)
    else:
        _print_result(exercise, form, steps=steps)


def _check_output(text: str, output: Path | None) -> None:
    """Raises CnnError unless images, and only they, are written to image files."""
    from cnncli.homework.exact_ops.matrix_files import is_image

    if output is None:
        if is_image(text):
            raise CnnError("a filtered image is too large to print", "write it with -o filtered.png")
    elif not is_image(text):
        raise CnnError("-o is for images, but the input is not an image")
    elif not is_image(str(output)):
        raise CnnError(f"{output}: not an image file name", "use the extension .png")


def _check_border(exercise: Exercise) -> None:
    """Raises CnnError for a --padding-mode without padding."""
    is_typed = options.is_given(click.get_current_context(), "--padding-mode")
    if is_typed and not exercise.how.is_padded:
        raise CnnError(
            f"--padding-mode {exercise.how.mode} has no effect without padding", "give --padding 1, or leave it out"
        )


# Gradients --------------------------------------------------------------------------------------------------------


def _print_gradients(exercise: Exercise, text: str, form: str, *, steps: bool) -> None:
    from cnncli.homework.exact_ops import matrices
    from cnncli.homework.exact_ops.numbers import simplest

    upstream = exercise.read_upstream(text, letters=True)
    if exercise.pool:
        _print_pool_gradient(exercise, upstream, form, steps=steps)
        return
    if steps and exercise.flip:
        raise CnnError("--steps does not support --backward with --flip", "flip the kernel yourself")
    found = exercise.gradients(upstream)
    to_input, to_kernel = (_squeezed(simplest(array)) for array in (found.to_input, found.to_kernel))
    input_steps, kernel_steps = exercise.gradient_steps(upstream) if steps else ([], [])
    if form == "json":
        arrays = {"input": to_input, "kernel": to_kernel, "bias": found.to_bias}
        record: dict[str, Any] = {name: matrices.plain(array) for name, array in arrays.items()}
        if steps:
            record["steps"] = {"input": _step_records(input_steps), "kernel": _step_records(kernel_steps)}
        _print_json(record)
        return
    for title, array, shown in (
        (_title("input", _input_method(exercise)), to_input, input_steps),
        (_title("kernel", _kernel_method(exercise)), to_kernel, kernel_steps),
    ):
        click.echo("\n".join([title, *map(_step_text, shown), *matrices.lines(array), ""]))
    click.echo(f"to the bias (the sum of the upstream gradient): {', '.join(map(matrices.shown, found.to_bias))}")


def _title(target: str, method: str) -> str:
    return fill(f"to the {target} ({method}):", WIDTH)


def _input_method(exercise: Exercise) -> str:
    if any(window.stride > 1 for window in exercise.how.windows):
        return "a transposed convolution of the upstream gradient with the kernel"
    cut = _padding_method(exercise)
    if exercise.flip:
        return f"the full cross-correlation of the upstream gradient with the kernel{cut}"
    return f"the full convolution of the upstream gradient with the kernel, rotated by 180 degrees{cut}"


def _padding_method(exercise: Exercise) -> str:
    """What happens to the gradients of the padding."""
    if not exercise.how.is_padded:
        return ""
    is_copied = exercise.how.mode != "zeros"
    return ", the padding added to the inputs that it copies" if is_copied else ", the padding cut off"


def _kernel_method(exercise: Exercise) -> str:
    rotated = ", rotated by 180 degrees" if exercise.flip else ""
    return f"the cross-correlation of the input with the upstream gradient{rotated}"


POOL_METHODS = {
    "max": "each upstream value goes to the maximum of its window",
    "avg": "each upstream value is divided by the number of values of its window",
    "l2": "upstream value * x / norm of the window",
}


def _print_pool_gradient(exercise: Exercise, upstream: Any, form: str, *, steps: bool) -> None:
    from cnncli.homework.exact_ops import matrices
    from cnncli.homework.exact_ops.backward.pooling import maxima

    to_input = _squeezed(exercise.pool_gradient(upstream))
    shown = exercise.pool_gradient_steps(upstream) if steps else []
    if form == "json":
        record: dict[str, Any] = {"input": matrices.plain(to_input)}
        _print_json(record | ({"steps": {"input": _step_records(shown)}} if steps else {}))
        return
    found = [*maxima(exercise.x, exercise.how)] if exercise.pool == "max" else []
    rank = exercise.x.ndim - (len(exercise.x) == 1)
    windows = exercise.steps() if steps else ()
    for at, step in enumerate(windows):
        first = ", the first" if found and found[at].equal > 1 else ""
        where = f"{first} at ({_joined(found[at].input[-rank:])})" if found else ""
        click.echo(_step_text(step._replace(position=step.position[-rank:])) + where)
    gap = [""] if steps else []
    click.echo(
        "\n".join(
            [
                *gap,
                _title("input", POOL_METHODS[exercise.pool]),
                *map(_step_text, shown),
                *gap,
                *matrices.lines(to_input),
            ]
        )
    )
    tied = sum(one.equal > 1 for one in found)
    if tied:
        of = "1 window has" if tied == 1 else f"{tied} windows have"
        click.echo(f"({of} several equal maxima: the first gets the gradient, as in PyTorch)", err=True)


# The result -------------------------------------------------------------------------------------------------------


def _print_result(exercise: Exercise, form: str, *, steps: bool) -> None:
    from cnncli.homework.exact_ops import matrices

    result = exercise.result()
    if steps and result.size > STEPS_LIMIT:
        raise CnnError(f"--steps: more than {STEPS_LIMIT:,} windows (the limit)", "use a smaller input")
    array, shown = _squeezed(result), _steps(exercise, len(result)) if steps else []
    if form == "json":
        record: dict[str, Any] = {"output": matrices.plain(array), "shape": list(array.shape)}
        if shown:
            record["steps"] = _step_records(shown)
        _print_json(record)
        return
    for step in shown:
        click.echo(_step_text(step))
    click.echo("\n".join([*([""] if shown else []), *matrices.lines(array)]))
    _note_dropped(exercise)


def _steps(exercise: Exercise, filters: int) -> list[WindowStep]:
    """The steps of the output; their positions name the filter only if there are several."""
    rank = exercise.x.ndim - 1
    return [step if filters > 1 else step._replace(position=step.position[-rank:]) for step in exercise.steps()]


def _note_dropped(exercise: Exercise) -> None:
    from cnncli.arithmetic.axes import lines_text
    from cnncli.homework.exact_ops.sliding import dropped_rows

    dropped = () if exercise.transposed else dropped_rows(exercise.x.shape[1:], exercise.how)
    if any(dropped):
        click.echo(f"(no window covers the last {lines_text(dropped)} of the input)", err=True)


def _joined(position: tuple[int, ...]) -> str:
    return ",".join(map(str, position))


def _step_records(steps: list[WindowStep]) -> list[dict[str, Any]]:
    from cnncli.homework.exact_ops.matrices import plain

    return [
        {"position": _joined(step.position), "working": step.expression, "value": plain(step.value)} for step in steps
    ]


def _step_text(step: WindowStep) -> str:
    from cnncli.homework.exact_ops.matrices import shown

    value = shown(step.value)
    equals = "" if step.expression == value else f" = {value}"
    return f"({_joined(step.position)}): {step.expression}{equals}"


def _squeezed(array: Any) -> Any:
    """The array without leading axes of size 1, so that a single feature map is shown as a matrix."""
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    return array[0] if array.ndim == 2 and array.shape[0] == 1 and array.shape[1] != 1 else array


def _print_json(record: dict[str, Any]) -> None:
    from cnncli.views.listing import as_json

    click.echo(as_json(record, indent=None), nl=False)


def _write_image(result: Any, output: Path) -> None:
    from io import BytesIO

    import numpy as np
    from PIL import Image

    from cnncli.io.writing import write_output

    pixels = np.clip(np.rint(result.astype(float)), 0, 255).astype(np.uint8)
    image = Image.fromarray(pixels[0]) if len(pixels) == 1 else Image.fromarray(pixels.transpose(1, 2, 0))
    data = BytesIO()
    try:
        image.save(data, Image.registered_extensions().get(output.suffix.lower(), "PNG"))
        write_output(output, data.getvalue())
    except OSError as error:
        raise CnnError(f"{output}: cannot be written: {error.strerror or error}") from None
    click.echo(f"{output}: {pixels.shape[1]}x{pixels.shape[2]}, values below 0 are black, above 255 white")
