"""``cnn solve``: the inverse of the size formula, and of the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cnncli.analysis.solving import QUANTITIES
from cnncli.analysis.solving.windows import MAX_KERNEL
from cnncli.arithmetic.numerals import is_digits
from cnncli.commands import options
from cnncli.commands.calculate.quantities import Bytes, Count
from cnncli.errors import NO, CnnError

if TYPE_CHECKING:
    from cnncli.analysis.solving.windows import Solution, Wanted
    from cnncli.loading import Loaded

SHOWN = 10

WINDOWS, ACCEPTS, OUTPUT, FIELD, BUDGETS = range(5)  # what is asked: see _question
WORDS = {
    WINDOWS: "a window alone, without an ARCH",
    ACCEPTS: "--accepts",
    OUTPUT: "--output-size without --vary",
    FIELD: "--receptive-field without --vary",
    BUDGETS: "--vary or --memory",
}
# the questions that each option goes with; another one is an error, so that nothing is ignored
GOES_WITH = {
    **dict.fromkeys(("inputs", "outputs", "kernel", "stride", "padding", "dilation"), (WINDOWS,)),
    **dict.fromkeys(("max_kernel", "transposed"), (WINDOWS,)),
    "everything": (WINDOWS, BUDGETS),
    "accepts": (ACCEPTS, OUTPUT),
    "output_size": (ACCEPTS, OUTPUT, BUDGETS),
    "layer": (ACCEPTS, OUTPUT, BUDGETS),
    "receptive_field": (FIELD, BUDGETS),
    **dict.fromkeys((*QUANTITIES, "memory", "vary", "batch", "inference", "dtype", "optimizer"), (BUDGETS,)),
    **dict.fromkeys(("input_shapes", "assignments"), (ACCEPTS, OUTPUT, FIELD, BUDGETS)),
}


@options.command()
@click.argument("architecture", metavar="[ARCH]", required=False)
@click.option("--in", "inputs", metavar="SIZE", help="The input size, as 7 or 7x5.")
@click.option("--out", "outputs", metavar="SIZE", help="The output size.")
@click.option("--kernel", type=options.Whole(1), help="Fix the kernel.")
@click.option("--stride", type=options.Whole(1), help="Fix the stride.")
@click.option("--padding", metavar="P", help="Fix the padding per side, or valid, same or full.")
@click.option("--dilation", type=options.Whole(1), help="Fix the dilation.")
@click.option(
    "--max-kernel",
    type=options.Whole(1, 1000),
    help=f"With --in and --out: the largest kernel.  [default: {MAX_KERNEL}]",
)
@click.option("--transposed", is_flag=True, help="Of a transposed convolution.")
@click.option("--all", "everything", is_flag=True, help="All solutions, not only the first ten.")
@click.option("--accepts", is_flag=True, help="The input sizes that ARCH accepts, and where nothing is dropped.")
@click.option(
    "--output-size",
    type=options.Whole(1),
    help="The input sizes that give this size of the last map; with --vary a target.",
)
@click.option("--layer", metavar="NAME", help="With --output-size: of this layer's map instead.")
@click.option(
    "--receptive-field",
    type=Count(),
    help="First layer whose receptive field reaches N; with --vary or --memory a target.",
)
@click.option("--params", type=Count(), help="Max parameters (with --vary).")
@click.option("--macs", type=Count(), help="Max multiply-accumulates (MACs) (with --vary).")
@click.option("--flops", type=Count(), help="Max floating-point operations (FLOPs) (with --vary).")
@click.option("--activations", type=Count(), help="Max activations (with --vary).")
@click.option("--memory", type=Bytes(), help="Max memory, as 24GB or 24GiB: the batch size is found.")
@click.option(
    "--batch", type=options.Whole(1), help="With --memory and --vary: the batch size, which is not found then."
)
@click.option("--inference", is_flag=True, help="With --memory: that of inference, not of training.")
@click.option("--dtype", metavar="TYPE", help="With --memory: fp32 (the default), fp16 or bf16.")
@click.option(
    "--optimizer", metavar="NAME", help="With --memory: sgd, momentum, rmsprop, adam, adamw; none by default."
)
@click.option(
    "--vary",
    multiple=True,
    metavar="NAME[=RANGE]",
    help="A variable of ARCH to find a value for, as w, or w=8..512:8 (from, to, step); may be given several times.",
)
@options.input_option
@options.set_option
@options.format_option("table", "json")
def command(architecture: str | None, form: str, **asked: Any) -> None:
    """Find windows, sizes, depths or widths that meet a target.

    \b
      cnn solve --in 7 --out 3                         the windows that do it
      cnn solve --in 7 --kernel 3 --stride 3           the output size
      cnn solve --out 5 --kernel 3 --stride 2          the input sizes
      cnn solve resnet50 --accepts                     the input sizes that it takes
      cnn solve lenet5 --output-size 5                 … that end in maps of 5x5
      cnn solve resnet50 --receptive-field 64          the first layer that sees so much
      cnn solve net.yaml --params 100k --vary width    the largest width within a budget
      cnn solve resnet50 --memory 24GB                 the largest batch to train with

    Budgets (--params, --macs, --flops, --activations, --memory) and targets (--receptive-field, --output-size) hold
    all together. With budgets the largest values are found, with targets alone the smallest. Of several variables, or
    with the batch size, all combinations are shown that no other one exceeds in every value; first what uses most of
    the budget it is nearest to. Numbers may be written as 50k, 1.5M, 4.1G, 1e6 or 1,000,000.
    """
    question = _question(architecture, asked)
    assignments, input_shapes = asked["assignments"], asked["input_shapes"]
    if architecture is None:
        record, lines = _windows(asked)
    else:
        from cnncli.loading import load

        overrides, inputs = options.overrides(assignments), options.input_shapes(input_shapes)
        at_own_input = question not in (ACCEPTS, OUTPUT)  # these open the sizes: the file's own need not fit
        loaded = load(architecture, overrides=overrides, inputs=inputs, symbolic_sizes=True, figures=at_own_input)
        record, lines = _network(loaded, question, asked)
    if form == "json":
        import json

        click.echo(json.dumps(record, indent=1))
    else:
        click.echo("\n".join(lines))
    if record.get("answer") is False:
        raise click.exceptions.Exit(NO)


def _question(architecture: str | None, asked: dict[str, Any]) -> int:
    """What is asked. Raises CnnError for options that do not go with it."""
    given = [name for name, value in asked.items() if value not in (None, False, ())]
    question = WINDOWS if architecture is None else _network_question(given)
    for name in given:
        if question not in GOES_WITH[name]:
            raise CnnError(f"{_option(name)} does not go with {WORDS[question]}", _goes_with(name, architecture))
    if architecture is None:
        _check_window_options(asked)
    else:
        _check_network_options(question, given)
    return question


def _network_question(given: list[str]) -> int:
    if "vary" in given or "memory" in given:
        return BUDGETS
    if "accepts" in given or "output_size" in given:
        return ACCEPTS if "accepts" in given else OUTPUT
    if "receptive_field" in given:
        return FIELD
    budget = next((name for name in given if name in (*QUANTITIES, "memory")), None)
    if budget is not None:
        return BUDGETS
    raise CnnError(
        "what is to be solved?",
        "give --accepts, --output-size, --receptive-field, --memory, or --params … with --vary NAME",
    )


def _option(name: str) -> str:
    return {"inputs": "--in", "outputs": "--out", "everything": "--all", "input_shapes": "--input"}.get(
        name, "--set" if name == "assignments" else f"--{name.replace('_', '-')}"
    )


def _goes_with(name: str, architecture: str | None) -> str:
    if name in ("inputs", "outputs") and architecture is not None:
        return "leave the ARCH out, or give its input with --input 3x224x224"
    if architecture is None:
        return "it is of a network: name an ARCH"
    own = {"accepts": ACCEPTS, "output_size": OUTPUT, "receptive_field": FIELD}.get(name)
    others = " and with ".join(WORDS[question] for question in GOES_WITH[name] if question != own)
    return f"it goes with {others}" if own is None else f"it stands alone, or goes with {others}"


def _check_window_options(asked: dict[str, Any]) -> None:
    """Raises CnnError for options that a question about a window would ignore."""
    listed = asked["inputs"] and asked["outputs"]
    if asked["everything"] and not listed:
        raise CnnError("--all goes with --in and --out, which list windows", "leave it out")
    if asked["max_kernel"] is not None and not listed:
        raise CnnError("--max-kernel goes with --in and --out, which list windows", "leave it out")
    if asked["max_kernel"] is not None and asked["kernel"] is not None:
        raise CnnError("--kernel is the one kernel, and --max-kernel the largest of several", "keep one of them")


def _check_network_options(question: int, given: list[str]) -> None:
    """Raises CnnError for options that a question about a network would ignore."""
    if "layer" in given and "output_size" not in given:
        raise CnnError("--layer goes with --output-size", "cnn solve ARCH --output-size 7 --layer NAME")
    if question != BUDGETS:
        return
    for name in ("batch", "inference", "dtype", "optimizer"):
        if name in given and "memory" not in given:
            raise CnnError(f"{_option(name)} goes with --memory", "give --memory 24GB, or leave it out")
    if "inference" in given and "optimizer" in given:
        raise CnnError("--inference needs no --optimizer: that keeps its state in training", "keep one of them")
    constraints = [name for name in given if name in (*QUANTITIES, "memory", "receptive_field", "output_size")]
    if not constraints:
        raise CnnError(
            "--vary goes with what is wanted: a budget or a target",
            "give --params, --macs, --flops, --activations, --memory, --receptive-field or --output-size",
        )
    if "batch" in given and "vary" not in given:
        raise CnnError("--batch fixes what --memory finds", "leave it out, or give --vary NAME")


# Windows ----------------------------------------------------------------------------------------------------------


def _windows(asked: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    from cnncli.analysis.solving.windows import Wanted

    inputs, outputs = _input_sizes(asked["inputs"]), _sizes(asked["outputs"], "--out")
    wanted = Wanted(
        inputs, outputs, asked["kernel"], asked["stride"], _padding(asked["padding"]), asked["dilation"],
        asked["max_kernel"] or MAX_KERNEL,
    )  # fmt: skip
    if inputs and outputs:
        if len(inputs) != len(outputs):
            raise CnnError("--in and --out have different numbers of axes", "write both as 7x5, or both as 7")
        if asked["transposed"]:
            wanted = wanted._replace(padding=_transposed_padding(wanted.padding))
        return _listed(wanted, asked)
    if wanted.kernel is None or not (inputs or outputs):
        raise CnnError(
            "give two of --in, --out and --kernel (or an architecture)",
            "cnn solve --in 7 --out 3 lists windows, cnn solve --in 7 --kernel 3 the output",
        )
    if asked["transposed"]:
        return _transposed(wanted)
    return _output_of(wanted) if inputs else _inputs_of(wanted)


def _transposed(wanted: Wanted) -> tuple[dict[str, Any], list[str]]:
    """The output of a transposed window, or the inputs that give one."""
    from cnncli.arithmetic.window import Window, fits, output_size, remainder, transposed_size

    padding = _transposed_padding(wanted.padding) or 0
    window = Window(wanted.kernel or 1, wanted.stride or 1, padding, padding, wanted.dilation or 1)
    cut = f" - 2 * {padding}" if padding else ""
    records, lines = [], []
    for size in wanted.inputs:
        output = transposed_size(size, window, 0)
        records.append({"in": size, "out": output})
        lines.append(f"({size} - 1) * {window.stride} + {window.effective_kernel}{cut} = {output}")
    for output in wanted.outputs:
        if not fits(output, window):
            return {"solutions": [], "answer": False}, [f"no input gives an output of {output}"]
        size, extra = output_size(output, window), remainder(output, window)
        records.append({"in": size, "out": output, "output_padding": extra})
        more = f" + output padding {extra}" if extra else ""
        lines.append(
            f"an output of {output} comes from {size}: "
            f"({size} - 1) * {window.stride} + {window.effective_kernel}{cut}{more}"
        )
    if any(record["out"] < 1 for record in records):
        return {"solutions": [], "answer": False}, [*dict.fromkeys(lines), "the padding cuts off all of the output"]
    return {"solutions": records}, [*dict.fromkeys(lines)]


def _transposed_padding(padding: int | str | None) -> int | None:
    if padding == "valid":
        return 0
    if isinstance(padding, str):
        raise CnnError(f"--padding {padding}: a transposed window takes a number", "it is what is cut off at each side")
    return padding


def _sizes(text: str | None, option: str) -> tuple[int, ...]:
    if text is None:
        return ()
    parts = text.lower().split("x")
    if len(parts) > 3 or not all(is_digits(part) and len(part) < 11 and 0 < int(part) < 2**31 for part in parts):
        raise CnnError(f"{option} {text[:40]}: is not a size", "write 7, or 7x5 with a size per axis")
    return tuple(map(int, parts))


def _input_sizes(text: str | None) -> tuple[int, ...]:
    """The sizes of --in. Raises CnnError for three that are probably an image with its channels."""
    from cnncli.arithmetic.shape import PIXEL_CHANNELS

    sizes = _sizes(text, "--in")
    if len(sizes) == 3:
        for channels, spatial in ((sizes[0], sizes[1:]), (sizes[2], sizes[:2])):
            if channels in PIXEL_CHANNELS and min(spatial) > channels:
                raise CnnError(
                    f"--in {text}: --in takes the sizes that the window slides over, without channels",
                    f"write --in {_shown(spatial)} (and for a volume --in {channels} in a call of its own)",
                )
    return sizes


def _padding(text: str | None) -> int | str | None:
    if text is None or text in ("valid", "same", "full"):
        return text
    if not (is_digits(text) and len(text) < 10):
        raise CnnError(f"--padding {text[:40]}: is not a padding", "write a number per side, or valid, same or full")
    return int(text)


def _listed(wanted: Wanted, asked: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    from cnncli.analysis.solving.windows import solutions, transposed_solutions

    found = (transposed_solutions if asked["transposed"] else solutions)(wanted)
    keys = ("kernel", "stride", "padding", "dilation", "dropped", *(("output_padding",) if asked["transposed"] else ()))
    records = [{key: getattr(solution, key) for key in keys} for solution in found]
    if not found:
        limits = [] if wanted.kernel is not None else [f"a kernel of at most {wanted.max_kernel}"]
        limits += [] if wanted.padding is not None else ["padding of at most half of it"]
        bounds = f" with {' and '.join(limits)}" if limits else ""
        sizes = f"{_shown(wanted.inputs)} into {_shown(wanted.outputs)}"
        return {"solutions": [], "answer": False}, [f"no window{bounds} turns {sizes}"]
    shown = found if asked["everything"] else found[:SHOWN]
    rows = [[*keys[:4], *(("output padding",) if asked["transposed"] else ()), ""]]
    rows += [_row(solution, wanted, transposed=asked["transposed"]) for solution in shown]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [
        " " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    if len(found) > len(shown):
        lines += ["", f" … and {len(found) - len(shown)} more: --all shows them"]
    return {"solutions": records}, lines


def _row(solution: Solution, wanted: Wanted, *, transposed: bool) -> list[str]:
    cells = [str(solution.kernel), str(solution.stride), str(solution.padding), str(solution.dilation)]
    if transposed:
        return [*cells, str(solution.output_padding), ""]
    working = "; ".join(_working(size, solution) for size in dict.fromkeys(wanted.inputs))
    drops = f"   drops {solution.dropped}" if solution.dropped else ""
    return [*cells, working + drops]


def _working(size: int, solution: Solution) -> str:
    """The size formula with its numbers."""
    from cnncli.analysis.explanation import traced_window
    from cnncli.analysis.solving.windows import window_for
    from cnncli.arithmetic.tracing import PLAIN_NUMBERS, expression_of, named, written
    from cnncli.arithmetic.window import output_size

    window = window_for(size, solution.kernel, solution.stride, solution.padding, solution.dilation)
    positions = output_size(named("n", size), traced_window(window))
    return f"{written(expression_of(positions), PLAIN_NUMBERS)} = {int(positions)}"


def _output_of(wanted: Wanted) -> tuple[dict[str, Any], list[str]]:
    from cnncli.analysis.solving.windows import Solution, window_for
    from cnncli.arithmetic.window import dropped, fits, largest_kernel, last_start, output_size

    kernel, stride, padding, dilation = (
        wanted.kernel or 1,
        wanted.stride or 1,
        wanted.padding or 0,
        wanted.dilation or 1,
    )
    windows = [window_for(size, kernel, stride, padding, dilation) for size in wanted.inputs]
    pairs = list(zip(wanted.inputs, windows, strict=True))
    if not all(fits(size, window) for size, window in pairs):
        most = min(largest_kernel(size, window) for size, window in pairs)
        lines = [f"a kernel of {kernel} does not fit {_shown(wanted.inputs)}: the largest that does is {most}"]
        return {"solutions": [], "answer": False}, lines
    outputs = tuple(output_size(size, window) for size, window in pairs)
    lost = [dropped(size, window) for size, window in pairs]
    solution = Solution(kernel, stride, padding, dilation, max(lost))
    lines = [_working(size, solution) for size in dict.fromkeys(wanted.inputs)]
    for (size, window), rest in zip(pairs, lost, strict=True):
        if rest:
            start = last_start(size, window)
            lines.append(
                f"it does not fit exactly: {start} / {stride} + 1 = {start / stride + 1:.4g}; "
                f"rounding down drops {rest}"
            )
    return {"solutions": [{"out": outputs[0] if len(outputs) == 1 else outputs, **_record(solution)}]}, [
        *dict.fromkeys(lines)
    ]


def _record(solution: Solution) -> dict[str, Any]:
    return {key: getattr(solution, key) for key in ("kernel", "stride", "padding", "dilation", "dropped")}


def _inputs_of(wanted: Wanted) -> tuple[dict[str, Any], list[str]]:
    from cnncli.analysis.solving.windows import inputs_for, window_for

    if wanted.padding == "same":
        raise CnnError("--padding same follows from the input size", "give the padding as a number")
    window = window_for(1, wanted.kernel or 1, wanted.stride or 1, wanted.padding or 0, wanted.dilation or 1)
    records, lines = [], []
    for output in wanted.outputs:
        found = inputs_for(output, window)
        if found is None:
            return {"solutions": [], "answer": False}, [f"no input gives an output of {output}"]
        records.append({"out": output, "in": list(found), "exact": found.first})
        span = str(found.first) if found.first == found.last else f"{found.first} to {found.last}"
        only = "" if found.first == found.last else f"; nothing is dropped at {found.first}"
        lines.append(f"an output of {output} comes from inputs of {span}{only}")
    return {"solutions": records}, lines


def _shown(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))


# Networks ---------------------------------------------------------------------------------------------------------


def _network(loaded: Loaded, question: int, asked: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    if question == BUDGETS:
        from cnncli.commands.calculate.solve_budgets import solved

        return solved(_with_numbers(loaded), asked)
    if question == FIELD:
        return _reaching(_with_numbers(loaded), asked["receptive_field"])
    from cnncli.views.acceptance import acceptance_lines, as_record

    record = as_record(loaded, asked["output_size"], asked["layer"])
    impossible = any(answer is None for answer in record.get("output", {}).get("inputs", {}).values())
    lines = acceptance_lines(loaded, asked["output_size"], asked["layer"])
    return {**record, **({"answer": False} if impossible else {})}, lines


def _with_numbers(loaded: Loaded) -> Loaded:
    if loaded.inferred.has_symbolic_sizes:
        raise CnnError("the input's sizes are symbolic", "give numbers, e.g. --input 3x224x224")
    return loaded


def _reaching(loaded: Loaded, wanted: int) -> tuple[dict[str, Any], list[str]]:
    from cnncli.analysis.solving.constraints import first_reaching

    reached = first_reaching(loaded.inferred, wanted)
    lines = []
    for source, layer in reached.items():
        size = _shown(layer.size)
        if layer.enough:
            lines.append(f"{layer.layer} sees {size} of {source}")
        else:
            lines.append(f"no layer's windows see {wanted} pixels of {source}: the most is {size}, at {layer.layer}")
    records = {source: layer._asdict() for source, layer in reached.items()}
    enough = all(layer.enough for layer in reached.values())
    return {"receptive_field": wanted, "inputs": records, "answer": enough}, lines
