"""``cnn convolve``: convolution and pooling of small matrices and of images."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cnncli.commands import options
from cnncli.errors import CnnError
from cnncli.homework.exact_ops.chain.loss_names import LOSS_NAMES

if TYPE_CHECKING:
    from cnncli.homework.exact_ops.chain.chain_text import ChainText
    from cnncli.homework.exact_ops.exercise import Exercise

NEGATIVE = re.compile(r"-([0-9.√\\]|sqrt|[^\W\d_][0-9_]*[\s,;&|])")
SMALL = re.compile("[2-9]|[1-9][0-9]")  # a number that may be a size
SINGLE = re.compile(r"[+-]?[0-9.]{1,30}(/[0-9]{1,30})?")
OF_CHAINS = ("INPUT", "--input", "--layer", "--target", "--loss", "--backward", "--lr", "--steps", "--format")
TRANSPOSED = "conv_transpose: {stride: 2, weight: '1 2; 3 4'}"
LONGEST_LAYER = 120  # characters of a layer in a hint
ONLY_OF_CHAINS = ("--target", "--loss", "--lr")


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
    options.excludes("--backward", "--transposed", why=f'write --layer "{TRANSPOSED}"',
                     fault="the gradients of a transposed convolution are those of a layer"),
    options.excludes("--backward", "--output", why="--backward prints gradients"),
    options.excludes("--output", "--steps", "--format", why="-o writes an image or a matrix"),
    options.excludes("--counts", "--pool", why="for a pool, write cnn layer maxpool --input 1x4x4 --kernel 2"),
    options.excludes("--counts", "--transposed", "--backward", "--steps", "--as-matrix", "--output", "--bias",
                     "--flip", "--padding-mode", why="--counts counts the operations without a bias"),
    *(options.needs(option, "--output", why="add -o edges.png") for option in ("--absolute", "--rescale")),
    options.excludes("--as-matrix", "--absolute", "--rescale", why="they are for images"),
    options.excludes("--as-matrix", "--pool", "--backward", "--steps", why="--as-matrix shows matrices only"),
    options.excludes("--target", "--backward", why="the target gives the gradient"),
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
@click.option("--layer", "layers", multiple=True, metavar="LAYER",
              help="Calculate a layer, e.g. 'maxpool: 2' (repeatable).")  # fmt: skip
@click.option("--target", metavar="T", help="With layers: class (from 0) or values, for a loss and its gradients.")
@click.option("--loss", type=click.Choice(tuple(LOSS_NAMES)), help="Loss of the target.")
@click.option("--backward", "upstream", metavar="G", help="Upstream gradient to backpropagate.")
@click.option("--lr", metavar="RATE", help="With gradients of layers: their weights after a step, w - RATE * gradient.")
@click.option("--steps", is_flag=True, help="Show every window with its products and their sum.")
@click.option("--counts", is_flag=True, help="Count the operations: direct, separable, im2col, Winograd, FFT.")
@click.option("--as-matrix", type=click.Choice(("toeplitz", "im2col")),
              help="Write it as a product of matrices: T x, or kernels times patches.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Image to write, or matrix: .csv, .npy.")
@click.option("--absolute", is_flag=True, help="Write absolute values to an image: falling edges show as well.")
@click.option("--rescale", is_flag=True, help="Stretch the values of an image to 0..255.")
@options.format_option("table", "json")
def command(
    matrix: str | None, kernels: tuple[str, ...], input_text: str | None, more_kernels: tuple[str, ...],
    upstream: str | None, steps: bool, counts: bool, as_matrix: str | None, output: Path | None, form: str,
    absolute: bool, rescale: bool, layers: tuple[str, ...], target: str | None, loss: str | None, lr: str | None,
    **fields: Any,
) -> None:  # fmt: skip
    """Convolve and pool small matrices exactly, step by step.

    Images can be filtered as well.

    \b
      cnn convolve "0 1 2; 3 4 5; 6 7 8" "0 1; 2 3" --steps
      cnn convolve "1 1 2 4; 5 6 7 8; 3 2 1 0; 1 2 3 4" --pool max --kernel 2
      cnn convolve photo.png --filter edge -o edges.png
      cnn convolve "3.2 5.1 -1.7" --layer softmax --target 0 --steps
      cnn convolve chain.yaml --steps

    Separate rows by ;, channels by |, and the filters of a kernel by ||. Nested lists and LaTeX work as well
    (docs/by-hand.md has the table). Files may be text, CSV, YAML, JSON, NPY or images. Numbers may be fractions and
    stay exact. A convolution is a cross-correlation, as in all libraries, unless --flip is given. Repeated kernels are
    filters, each with one matrix per input channel, also for a transposed convolution. Layers, given with --layer or in
    a file with numbers for their weights, are calculated forward and backward.
    """
    from cnncli.homework.exact_ops.exercise import ExerciseText, read_exercise

    text = matrix if input_text is None else input_text
    if text is None:
        raise CnnError("missing input", 'write cnn convolve "0 1 2; 3 4 5; 6 7 8" "0 1; 2 3"')
    _refuse_unquoted(matrix, kernels)
    if _ran_chain(text, ChainOptions(layers, target, loss, lr), upstream, form, steps=steps):
        return
    if not counts:
        _check_output(text, output, as_matrix)
    given = {name: value for name, value in fields.items() if value is not None}
    exercise = read_exercise(ExerciseText(text, (*kernels, *more_kernels), **given), letters=True)
    _check_border(exercise)
    _note(_size_note((*kernels, *more_kernels), exercise))
    if upstream is not None:
        _print_gradients(exercise, upstream, form, steps=steps)
    elif counts:
        _print_counts(exercise, form)
    elif as_matrix is not None:
        _give_matrix(exercise, as_matrix, output, form)
    elif output is not None:
        _write_image(exercise.result(), output, absolute=absolute, rescale=rescale)
    else:
        _print_result(exercise, form, steps=steps)


def _refuse_unquoted(matrix: str | None, kernels: tuple[str, ...]) -> None:
    """Raises CnnError for a matrix without quotes, whose numbers the shell passes one by one."""
    words = (matrix or "", *kernels)
    if len(words) > 2 and all(SINGLE.fullmatch(word.strip()) for word in words):
        raise CnnError(
            f"{len(words)} arguments of one number each",
            'quote each matrix: cnn convolve "1 2 3 4" "1 -1"; give 1x1 filters as "2 || 3"',
        )


def _size_note(kernels: tuple[str, ...], exercise: Exercise) -> str:
    """What a single whole number is as a kernel, since it may be meant as a size; "" for other kernels."""
    if exercise.pool or len(kernels) != 1 or not SMALL.fullmatch(kernels[0].strip()):
        return ""
    size, axes = kernels[0].strip(), len(exercise.how.windows)
    shape, pool = "x".join("1" * axes), "x".join([size] * axes)
    return f"(the kernel is {shape}, of the value {size}; for a pool of {pool}, add --pool max)"


def _check_output(text: str, output: Path | None, matrix: str | None) -> None:
    """Raises CnnError unless matrices are written to arrays, and images, and only they, to image files."""
    from cnncli.homework.exact_ops.matrix_files import is_image

    if matrix is not None:
        if output is not None and output.suffix.lower() not in (".csv", ".npy"):
            raise CnnError(f"{output}: --as-matrix writes .csv and .npy", "use one of these extensions")
    elif output is None:
        if is_image(text):
            raise CnnError("a filtered image is too large to print", "write it with -o filtered.png")
    elif not is_image(text):
        raise CnnError("-o is for images, but the input is not an image", "add --as-matrix to write its matrix")
    elif not is_image(str(output)):
        raise CnnError(f"{output}: not an image file name", "use the extension .png")
    if output is not None and _is_same(text.strip(), output):
        raise CnnError(f"{output}: -o is the input, which would be overwritten", "choose another name")


def _is_same(text: str, output: Path) -> bool:
    """Whether the input is a file, and the output would replace it."""
    from cnncli.io.files import is_file

    return is_file(text) and is_file(output) and Path(text).samefile(output)


def _check_border(exercise: Exercise) -> None:
    """Raises CnnError for a --padding-mode without padding, except for the default one."""
    is_typed = options.is_given(click.get_current_context(), "--padding-mode")
    if is_typed and exercise.how.mode != "zeros" and not exercise.how.is_padded:
        raise CnnError(
            f"--padding-mode {exercise.how.mode} has no effect without padding", "give --padding 1, or leave it out"
        )


def _print_result(exercise: Exercise, form: str, *, steps: bool) -> None:
    from cnncli.views.exact_ops.counts import separable_note
    from cnncli.views.exact_ops.results import dropped_note, result_lines, result_record

    if form == "json":
        _print_json(result_record(exercise, steps=steps))
        return
    click.echo("\n".join(result_lines(exercise, steps=steps)))
    _note(dropped_note(exercise))
    if steps:
        _note(separable_note(exercise))


def _print_gradients(exercise: Exercise, text: str, form: str, *, steps: bool) -> None:
    from cnncli.views.exact_ops.gradients import gradient_lines, gradient_record, tie_note

    upstream = exercise.read_upstream(text, letters=True)
    if form == "json":
        _print_json(gradient_record(exercise, upstream, steps=steps))
        return
    click.echo("\n".join(gradient_lines(exercise, upstream, steps=steps)))
    _note(tie_note(exercise))
    if any(exercise.bias):
        _note("(the gradients do not depend on the value of the bias)")


def _give_matrix(exercise: Exercise, matrix: str, output: Path | None, form: str) -> None:
    """Print the product of matrices, or write the large one to a file."""
    from cnncli.views.exact_ops.matrix_form import matrix_file, matrix_lines, matrix_record

    if output is not None:
        data, shape = matrix_file(exercise, matrix, output)
        _write(output, data)
        click.echo(f"{output}: {shape[0]}x{shape[1]}")
    elif form == "json":
        _print_json(matrix_record(exercise, matrix))
    else:
        click.echo("\n".join(matrix_lines(exercise, matrix)))


def _print_counts(exercise: Exercise, form: str) -> None:
    from cnncli.views.exact_ops.counts import counts_lines, counts_record

    if form == "json":
        _print_json(counts_record(exercise))
    else:
        click.echo("\n".join(counts_lines(exercise)))


def _note(text: str) -> None:
    if text:
        click.echo(text, err=True)


def _print_json(record: dict[str, Any]) -> None:
    from cnncli.views.listing import as_json

    click.echo(as_json(record, indent=None), nl=False)


# Chains of layers -----------------------------------------------------------------------------------------------------


class ChainOptions(NamedTuple):
    """The options of ``cnn convolve`` that concern chains."""

    layers: tuple[str, ...] = ()
    target: str | None = None
    loss: str | None = None
    lr: str | None = None


def _ran_chain(text: str, given: ChainOptions, upstream: str | None, form: str, *, steps: bool) -> bool:
    """Print a chain, if it is one; False for a matrix. Raises CnnError for options that do not go with it."""
    ctx = click.get_current_context()
    chain = _read_chain(text, given)
    if chain is None:
        typed = next((option for option in ONLY_OF_CHAINS if options.is_given(ctx, option)), None)
        if typed:
            layer = _as_layer(ctx.params)
            hint = (
                f"write the kernel as a layer: {layer}" if layer else "add --layer softmax, or give a file with layers"
            )
            raise CnnError(f"{typed} is for a chain of layers", hint)
        return False
    for name, parameter in options.parameters(ctx.command).items():
        if name not in OF_CHAINS and parameter.name != "help" and options.is_given(ctx, name):
            word = str(ctx.params["kernels"][0]).strip() if name == "KERNEL" else ""
            if word.partition(":")[0].replace("_", "").isalpha():
                raise CnnError(f"{word} follows a layer without --layer", f"write --layer {shlex.quote(word)}")
            layer = _as_layer(ctx.params) if given.layers else ""
            raise CnnError(
                f"{name} has no effect on a chain of layers",
                f"write it as the first layer: {layer}" if layer else "leave it out; a size is a field of its layer",
            )
    _print_chain(chain, given, upstream, form, steps=steps)
    return True


def _as_layer(params: dict[str, Any]) -> str:
    """The convolution or the pool of the options as an option ``--layer``; "" for none, and where it is too long."""
    kernels = [kernel.strip() for kernel in (*params["kernels"], *params["more_kernels"])]
    is_other = params["flip"] or params["transposed"] or params["filter"] or params["padding_mode"] != "zeros"
    if not kernels or is_other or not params["count_include_pad"]:
        return ""
    fields = {"kernel": kernels[0]} if params["pool"] else {"weight": f"'{' || '.join(kernels)}'"}
    fields |= {"bias": f"'{' '.join(params['bias'])}'"} if params["bias"] else {}
    fields |= {name: params[name].strip() for name in ("stride", "dilation") if params[name]}
    fields |= {"padding": params["padding"].strip()} if params["padding"] != "0" else {}
    kind = f"{params['pool']}pool" if params["pool"] else "conv"
    written = f"{kind}: {{{', '.join(f'{name}: {value}' for name, value in fields.items())}}}"
    return (
        ""
        if len(written) > LONGEST_LAYER or any(quote in text for quote in "'\"" for text in kernels)
        else f'--layer "{written}"'
    )


def _read_chain(text: str, given: ChainOptions) -> ChainText | None:
    if not given.layers and not text.rstrip().endswith((".yaml", ".yml")):
        return None  # a matrix, which need not wait for the import of all layer types
    from cnncli.homework.exact_ops.chain.chain_text import chain_file, chain_of_layers

    chain = chain_file(text)
    if given.layers:
        if chain is not None:
            raise CnnError("the file has layers, and --layer gives others", "give one of them")
        return chain_of_layers(text, given.layers)
    return chain


def _print_chain(chain: ChainText, given: ChainOptions, upstream: str | None, form: str, *, steps: bool) -> None:
    from cnncli.homework.exact_ops.chain.chain_reading import read_chain
    from cnncli.homework.exact_ops.chain.chain_run import run_chain
    from cnncli.homework.exact_ops.chain.chain_text import placed, read_option
    from cnncli.homework.exact_ops.chain.descent import descended, learning_rate
    from cnncli.views.exact_ops.chains import chain_json, chain_text, tie_notes

    try:
        read = read_chain(chain._replace(target=given.target or "", loss=given.loss or ""))
        if given.loss and read.target is None:
            raise CnnError("--loss requires --target", "write --target 1 (a class, counted from 0)")
        result = run_chain(read, None if upstream is None else read_option("--backward", upstream))
        if given.lr is not None:
            result = descended(read, result, learning_rate(given.lr))
    except CnnError as error:
        raise placed(error) from None
    if upstream is not None and read.target is not None:
        click.echo("the target of the file is not used: --backward gives the gradient", err=True)
    for note in (*read.notes, *tie_notes(result)):
        click.echo(note, err=True)
    show: Callable[..., str] = chain_json if form == "json" else chain_text
    click.echo(show(result, steps=steps), nl=False)


# Files ------------------------------------------------------------------------------------------------------------


def _write_image(result: Any, output: Path, *, absolute: bool, rescale: bool) -> None:
    from cnncli.views.exact_ops.pictures import picture

    data, text = picture(result, output.suffix.lower(), absolute=absolute, rescale=rescale)
    _write(output, data)
    click.echo(f"{output}: {text}")


def _write(output: Path, data: bytes) -> None:
    from cnncli.io.writing import write_output, writing

    with writing(output):
        write_output(output, data)
