"""``cnn convolve``: convolution and pooling by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cnncli.commands import options
from cnncli.errors import CnnError

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

    text = matrix if given["input_text"] is None else given["input_text"]
    if text is None:
        raise CnnError("there is no input", 'write cnn convolve "0 1 2; 3 4 5; 6 7 8" "0 1; 2 3"')
    texts = [*kernels, *given["kernel_texts"]]
    x = matrices.read(text)
    if given["output"] is not None and not matrices.is_picture(text):
        raise CnnError("-o writes a filtered picture, and the input is none")
    if given["pool"]:
        _print_pool(x, texts, given, form)
        return
    _print_convolution(x, texts, given, form, picture=matrices.is_picture(text))


def _print_pool(x: Any, texts: list[str], given: dict[str, Any], form: str) -> None:
    from cnncli.homework import by_hand

    if len(texts) != 1:
        raise CnnError("a pool needs the size of its window", "write --pool max --kernel 2")
    x = x if x.ndim > 2 else x[None]
    size = _per_axis(texts[0], x.ndim - 1, "--kernel")
    stride = _per_axis(given["stride"], x.ndim - 1, "--stride") if given["stride"] else size
    how = by_hand.sliding(
        x.shape[1:], size, stride, _padding(given["padding"], x.ndim - 1), _dilation(given, x), given["padding_mode"]
    )
    result = by_hand.pool(x, given["pool"], how)
    _show(result, by_hand.pool_steps(x, given["pool"], how) if given["steps"] else None, form, x, how)


def _print_convolution(x: Any, texts: list[str], given: dict[str, Any], form: str, *, picture: bool) -> None:
    from cnncli.homework import by_hand

    x, kernel = _input_and_kernel(x, texts, given, picture=picture)
    if given["flip"]:
        kernel = by_hand.flipped(kernel)
    if given["transposed"]:
        _print_transposed(x, kernel, given, form)
        return
    stride = _per_axis(given["stride"] or "1", x.ndim - 1, "--stride")
    padding = _padding(given["padding"], x.ndim - 1)
    how = by_hand.sliding(x.shape[1:], kernel.shape[2:], stride, padding, _dilation(given, x), given["padding_mode"])
    bias = _bias(given["bias"], len(kernel))
    if given["upstream"] is not None:
        _print_gradients(x, kernel, given["upstream"], how, form)
        return
    result = by_hand.simplest(by_hand.convolve(x, kernel, bias, how))
    if given["output"] is not None:
        _write_picture(result, given["output"])
        return
    if picture:
        raise CnnError("a filtered picture is too large to print", "write it with -o filtered.png")
    _show(result, by_hand.convolution_steps(x, kernel, bias, how) if given["steps"] else None, form, x, how)


def _input_and_kernel(x: Any, texts: list[str], given: dict[str, Any], *, picture: bool) -> tuple[Any, Any]:
    """Both with all their axes: (C, *spatial) and (filters, C, *kernel)."""
    import numpy as np

    from cnncli.homework import by_hand, matrices

    if given["filter_name"] is not None:
        kernel = np.array(_filter(given["filter_name"]), dtype=object)[None, None]
        if picture:  # each colour by itself
            x, kernel = x, _for_each_channel(kernel.astype(float), len(x))
        return (x if x.ndim > 2 else x[None]), kernel
    if not texts:
        raise CnnError("there is no kernel", f'write one, as "0 1; 2 3", or --filter {", ".join(by_hand.FILTERS)}')
    found = [matrices.read(text) for text in texts]
    if len({kernel.shape for kernel in found}) > 1:
        raise CnnError("the kernels have different shapes", "all filters of a layer have the same kernel size")
    stacked = np.stack(found)
    one_dimensional = x.ndim == 1 and found[0].ndim == 1
    if x.ndim == 2 and found[0].ndim == 1:
        stacked = stacked[:, None, :]  # a row as a kernel of one row
    if x.ndim == 1 and found[0].ndim == 2:
        x = x[None, :]
    if x.ndim <= 2 or one_dimensional:
        x = x[None]
    if stacked.ndim == x.ndim:  # the channel is not written
        stacked = stacked[:, None]
    if given["transposed"] and stacked.shape[0] > 1 and x.shape[0] == 1:
        stacked = stacked.transpose(1, 0, *range(2, stacked.ndim))
    if stacked.ndim != x.ndim + 1:
        raise CnnError(
            f"an input of {_shape(x)} and a kernel of {_shape(stacked[0])} do not have the same number of axes",
            "give both rows with ; (two dimensions), or both as one row (one dimension)",
        )
    return x, stacked


def _for_each_channel(kernel: Any, channels: int) -> Any:
    import numpy as np

    return np.eye(channels)[:, :, None, None] * kernel


def _filter(name: str) -> Any:
    from cnncli.errors import suggestion
    from cnncli.homework.by_hand import FILTERS

    if name not in FILTERS:
        raise CnnError(
            f"--filter: there is no {name!r}", suggestion(name, list(FILTERS), f"there are {', '.join(FILTERS)}")
        )
    return FILTERS[name]


def _print_transposed(x: Any, kernel: Any, given: dict[str, Any], form: str) -> None:
    from cnncli.homework import by_hand
    from cnncli.window import Window, transposed_size

    stride = _per_axis(given["stride"] or "1", x.ndim - 1, "--stride")
    padding = _padding(given["padding"], x.ndim - 1)
    if isinstance(padding, str):
        raise CnnError("--transposed takes padding as a number: what is cut off at each side")
    windows = tuple(
        Window(k, s, p, p, d) for k, s, p, d in zip(kernel.shape[2:], stride, padding, _dilation(given, x), strict=True)
    )
    extra = given["output_padding"]
    if any(transposed_size(size, window, extra) < 1 for size, window in zip(x.shape[1:], windows, strict=True)):
        raise CnnError("the padding cuts off all of the output", "use less padding")
    if extra >= max(*stride, 1) and extra:
        raise CnnError("--output-padding must be below the stride")
    bias = _bias(given["bias"], kernel.shape[1])
    result = by_hand.simplest(by_hand.transposed(x, kernel, bias, by_hand.Sliding(windows), extra))
    _show(result, None, form, x, None)


def _print_gradients(x: Any, kernel: Any, text: str, how: Any, form: str) -> None:
    from cnncli.homework import by_hand, matrices

    upstream = matrices.read(text)
    while upstream.ndim < x.ndim:
        upstream = upstream[None]
    found = by_hand.gradients(x, kernel, upstream, how)
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


def _show(result: Any, steps: Any, form: str, x: Any, how: Any) -> None:
    from cnncli.homework import by_hand, matrices

    bare = _bare(result)
    worked = []
    if steps is not None:
        if result.size > STEPS_LIMIT:
            raise CnnError(f"--steps: more than {STEPS_LIMIT:,} windows (the limit)", "use a smaller input")
        several = len(result) > 1
        worked = [
            (",".join(map(str, step.position if several else step.position[-(x.ndim - 1) :])), step.working, step.value)
            for step in steps
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
    if how is not None and any(by_hand.left_out(x.shape[1:], how)):
        rows = "x".join(map(str, by_hand.left_out(x.shape[1:], how)))
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


def _per_axis(text: str, rank: int, option: str) -> tuple[int, ...]:
    parts = text.lower().replace(",", "x").split("x")
    if not all(part.strip().isdigit() and int(part[:9]) > 0 for part in parts) or len(parts) not in (1, rank):
        raise CnnError(f"{option} {text}: is not a size for {rank} axes", "write 2, or 2x1 with a number per axis")
    numbers = [int(part) for part in parts]
    return tuple(numbers) if len(numbers) == rank else (numbers[0],) * rank


def _padding(text: str, rank: int) -> str | tuple[int, ...]:
    if text in ("valid", "same", "full"):
        return text
    if text == "0":
        return (0,) * rank
    parts = text.lower().replace(",", "x").split("x")
    if not all(part.strip().isdigit() for part in parts) or len(parts) not in (1, rank):
        raise CnnError(f"--padding {text}: is not a padding", "write a number per side, or valid, same or full")
    numbers = [int(part[:9]) for part in parts]
    return tuple(numbers) if len(numbers) == rank else (numbers[0],) * rank


def _dilation(given: dict[str, Any], x: Any) -> tuple[int, ...]:
    return _per_axis(given["dilation"] or "1", x.ndim - 1, "--dilation")


def _bias(texts: tuple[str, ...], filters: int) -> list[Any]:
    from cnncli.homework.matrices import number

    values = [number(word) for text in texts for word in text.replace(",", " ").split()]
    if values and len(values) != filters:
        raise CnnError(f"there are {len(values)} biases for {filters} filters", "give one for each filter")
    return values or [0] * filters


def _shape(array: Any) -> str:
    return "x".join(map(str, array.shape))
