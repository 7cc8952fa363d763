"""``cnn solve``: inverse problems. Which windows, sizes, depths or widths give a wanted quantity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cnncli.analysis.solving import QUANTITIES
from cnncli.analysis.solving.windows import MAX_KERNEL
from cnncli.commands import options
from cnncli.commands.quantities import Bytes, Count, InputSizes, Padding, PerAxis, Sizes
from cnncli.errors import NO, CnnError

if TYPE_CHECKING:
    from cnncli.analysis.solving.windows import Wanted
    from cnncli.loading import Loaded
    from cnncli.views.solving.windows import RecordAndLines

WINDOW = ("--in", "--out", "--kernel", "--stride", "--padding", "--dilation", "--max-kernel", "--transposed")
BUDGETS = (*(f"--{name}" for name in QUANTITIES), "--memory")
MEMORY = ("--batch", "--inference", "--dtype", "--optimizer")
TARGETS = ("--accepts", "--output-size", "--receptive-field")
NETWORK = (*TARGETS, *BUDGETS, *MEMORY, "--layer", "--vary", "--input", "--set")


@options.command(
    options.excludes("ARCH", *WINDOW, why="leave ARCH out, or give its input with --input 3x224x224"),
    *(options.needs(option, "ARCH") for option in NETWORK),
    options.needs("--max-kernel", "--in", why="--in and --out list windows"),
    options.needs("--max-kernel", "--out", why="--in and --out list windows"),
    options.excludes("--max-kernel", "--kernel", why="keep one of them"),
    options.needs("--all", "--in", "--memory", "--vary", why="--in and --out list windows"),
    options.needs("--all", "--out", "--memory", "--vary", why="--in and --out list windows"),
    options.excludes("--accepts", "--receptive-field", *BUDGETS, "--vary", why="--accepts finds input sizes"),
    options.excludes("--output-size", "--receptive-field", unless=("--memory", "--vary"),
                     why="give --vary NAME to meet both"),
    options.needs("--layer", "--output-size"),
    *(options.needs(option, "--memory") for option in MEMORY),
    options.excludes("--inference", "--optimizer", why="an optimizer keeps its state in training"),
    options.needs("--batch", "--vary", why="--memory finds the batch size; give --vary NAME, or leave --batch out"),
    options.needs("--vary", *BUDGETS, "--receptive-field", "--output-size", why="give a budget or a target"),
)  # fmt: skip
@click.argument("architecture", metavar="[ARCH]", required=False)
@click.option("--in", "inputs", type=InputSizes(), help="Input size, e.g. 7 or 7x5.")
@click.option("--out", "outputs", type=Sizes(), help="Output size.")
@click.option("--kernel", type=PerAxis(1), help="Fix the kernel, e.g. 3, or 5x3 for one per axis.")
@click.option("--stride", type=PerAxis(1), help="Fix the stride.")
@click.option("--padding", type=Padding(), help="Fix the padding per side, or valid, same, same_lower, full.")
@click.option("--dilation", type=PerAxis(1), help="Fix the dilation.")
@click.option(
    "--max-kernel",
    type=options.Whole(1, 1000),
    help=f"Largest kernel to list with --in and --out.  [default: {MAX_KERNEL}]",
)
@click.option("--transposed", is_flag=True, help="Solve for a transposed convolution.")
@click.option("--all", "show_all", is_flag=True, help="Show all solutions, not only the first ten.")
@click.option("--accepts", is_flag=True, help="Find the input sizes that ARCH accepts, and those that drop nothing.")
@click.option(
    "--output-size",
    type=options.Whole(1),
    help="Find the input sizes that end in feature maps of this size; with --vary a target.",
)
@click.option("--layer", metavar="NAME", help="Apply --output-size to this layer.")
@click.option(
    "--receptive-field",
    type=Count(),
    help="Find the first layer whose receptive field reaches N; with --vary or --memory a target.",
)
@click.option("--params", type=Count(), help="Max parameters; requires --vary.")
@click.option("--macs", type=Count(), help="Max multiply-accumulates (MACs); requires --vary.")
@click.option("--flops", type=Count(), help="Max floating-point operations (FLOPs); requires --vary.")
@click.option("--activations", type=Count(), help="Max activations; requires --vary.")
@click.option("--memory", type=Bytes(), help="Max memory, e.g. 24GB or 24GiB; finds the batch size.")
@click.option("--batch", type=options.Whole(1), help="With --memory and --vary: fix the batch size.")
@click.option("--inference", is_flag=True, help="With --memory: limit the memory of inference, not of training.")
@click.option("--dtype", metavar="TYPE", help="With --memory: fp32 (default), fp16 or bf16.")
@click.option("--optimizer", metavar="NAME", help="With --memory: none (default), sgd, momentum, rmsprop, adam, adamw.")
@click.option(
    "--vary",
    multiple=True,
    metavar="NAME[=RANGE]",
    help="Variable of ARCH to solve for, e.g. w, or w=8..512:8 (from, to, step) (repeatable).",
)
@options.input_option
@options.set_option
@options.format_option("table", "json")
def command(architecture: str | None, form: str, **asked: Any) -> None:
    """Find windows, sizes, depths or widths that meet a target.

    \b
      cnn solve --in 7 --out 3                       windows between two sizes
      cnn solve --in 7 --kernel 3 --stride 3         the output size
      cnn solve --in 28 --kernel 5x3                 … of a rectangular kernel
      cnn solve --out 5 --kernel 3 --stride 2        the input sizes
      cnn solve resnet50 --accepts                   the input sizes it accepts
      cnn solve lenet5 --output-size 5               … that end in 5x5 maps
      cnn solve resnet50 --receptive-field 64        the first layer to reach it
      cnn solve net.yaml --params 100k --vary width  the largest width
      cnn solve resnet50 --memory 24GB               the largest batch

    Budgets (--params, --macs, --flops, --activations, --memory) and targets (--receptive-field, --output-size) apply
    together. Budgets ask for the largest values, targets alone for the smallest. With several variables, or a variable
    and the batch size, the Pareto front is shown, ordered by the share of the budget that is used most. Numbers may be
    written as 50k, 1.5M, 4.1G, 1e6 or 1,000,000.
    """
    record, lines = _windows(asked) if architecture is None else _network(architecture, asked)
    if form == "json":
        import json

        click.echo(json.dumps(record, indent=1))
    else:
        click.echo("\n".join(lines))
    if record.get("answer") is False:
        raise click.exceptions.Exit(NO)


def _windows(asked: dict[str, Any]) -> RecordAndLines:
    from cnncli.views.solving.windows import answer, answer_per_axis

    how = {"transposed": asked["transposed"], "show_all": asked["show_all"]}
    axes = _per_axis(asked)
    return answer_per_axis([_wanted(axis) for axis in axes], **how) if axes else answer(_wanted(asked), **how)


def _per_axis(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The question for each axis, where a quantity of the window differs between them; else none."""
    given = {
        name: asked[name] for name in ("kernel", "stride", "padding", "dilation") if isinstance(asked[name], tuple)
    }
    if not given:
        return []
    lengths = {f"--{name}": len(values) for name, values in given.items()}
    sizes = {name: asked[name] for name in ("inputs", "outputs") if len(asked[name] or ()) > 1}
    lengths |= {f"--{name.removesuffix('puts')}": len(values) for name, values in sizes.items()}
    if len({*lengths.values()}) > 1:
        counts = " and ".join(f"{option} has {count}" for option, count in lengths.items())
        raise CnnError(f"the numbers of axes differ: {counts}", "write all of them as 7x5, or those that agree as 7")
    given |= {name: asked[name] * lengths[next(iter(lengths))] for name in ("inputs", "outputs")
              if name not in sizes and asked[name]} | sizes  # fmt: skip
    return [
        {
            **asked,
            **{name: (values[at],) if name in ("inputs", "outputs") else values[at] for name, values in given.items()},
        }
        for at in range(next(iter(lengths.values())))
    ]


def _wanted(asked: dict[str, Any]) -> Wanted:
    """The given quantities of a window and its sizes. Raises CnnError if they do not determine the others."""
    from cnncli.analysis.solving.windows import Wanted
    from cnncli.arithmetic.window import SAME_NAMES

    inputs, outputs, padding = asked["inputs"] or (), asked["outputs"] or (), asked["padding"]
    if inputs and outputs and len(inputs) != len(outputs):
        if 1 not in (len(inputs), len(outputs)):
            raise CnnError("--in and --out have different numbers of axes", "write both as 7x5, or both as 7")
        axes = max(len(inputs), len(outputs))  # one size is that of every axis
        inputs, outputs = (sizes if len(sizes) == axes else sizes * axes for sizes in (inputs, outputs))
    if not (inputs and outputs) and (asked["kernel"] is None or not (inputs or outputs)):
        raise CnnError(
            "give two of --in, --out and --kernel (or an architecture)",
            "cnn solve --in 7 --out 3 lists windows, cnn solve --in 7 --kernel 3 the output",
        )
    if asked["transposed"]:
        padding = 0 if padding == "valid" else padding
        if isinstance(padding, str):
            hint = "transposed padding is the number of values removed per side of the output"
            raise CnnError(f"--padding {padding}: a transposed convolution needs a number", hint)
    elif padding in SAME_NAMES and not inputs:
        raise CnnError(f"--padding {padding} depends on the input size", "give the padding as a number")
    max_kernel = asked["max_kernel"] or MAX_KERNEL
    return Wanted(inputs, outputs, asked["kernel"], asked["stride"], padding, asked["dilation"], max_kernel)


def _network(architecture: str, asked: dict[str, Any]) -> RecordAndLines:
    from cnncli.loading import load, numbers_hint

    searches = bool(asked["vary"]) or any(asked[name] is not None for name in (*QUANTITIES, "memory"))
    finds_inputs = not searches and (asked["accepts"] or asked["output_size"] is not None)
    if not (searches or finds_inputs or asked["receptive_field"] is not None):
        raise CnnError(
            "nothing to solve for",
            "give --accepts, --output-size, --receptive-field, --memory, or --params … with --vary NAME",
        )
    overrides, inputs = options.overrides(asked["assignments"]), options.input_shapes(asked["input_shapes"])
    # Input sizes are found with symbolic ones: the network need not be valid at its own.
    loaded = load(architecture, overrides=overrides, inputs=inputs, symbolic_sizes=True, infer=not finds_inputs)
    if finds_inputs:
        return _input_sizes(loaded, asked["output_size"], asked["layer"])
    if loaded.inferred.has_symbolic_sizes:
        raise CnnError("the input has symbolic sizes", numbers_hint(loaded.graph))
    if searches:
        from cnncli.commands.calculate.solve_budgets import solved

        return solved(loaded, asked)
    from cnncli.views.solving.first_reaching import answer

    return answer(loaded.inferred, asked["receptive_field"])


def _input_sizes(loaded: Loaded, output_size: int | None, layer: str | None) -> RecordAndLines:
    from cnncli.analysis.solving.acceptance import symbolic_network
    from cnncli.views.solving.acceptance import acceptance_lines, as_record

    found = symbolic_network(loaded)
    record = as_record(found, output_size, layer)
    impossible = any(answer is None for answer in record.get("output", {}).get("inputs", {}).values())
    return {**record, **({"answer": False} if impossible else {})}, acceptance_lines(found, output_size, layer)
