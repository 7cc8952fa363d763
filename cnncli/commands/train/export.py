"""``cnn export``: write a network for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnncli.commands import options
from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.loading import Loaded
    from cnncli.runs.folder import Run


@options.command()
@click.argument("what", metavar="RUN|ARCH", shell_complete=options.complete_architecture)
@click.option(
    "--to", "form", type=click.Choice(["pytorch", "onnx", "torchscript"]), required=True, help="Format to write."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Output file (default: the network's name).")
@options.best_option
@click.option("--force", is_flag=True, help="Overwrite existing files.")
@options.input_option
@options.set_option
def command(
    what: str,
    form: str,
    output: Path | None,
    best: bool,
    force: bool,
    input_shapes: tuple[str, ...],
    assignments: tuple[str, ...],
) -> None:
    """Write a network as PyTorch source, ONNX or TorchScript.

    RUN is a run folder of cnn train. Of ARCH the initial weights are exported.

    \b
      pytorch      a Python file that does not need cnn, and its weights beside it
                   as safetensors
      onnx         a model of any batch size; needs the packages onnx, onnxscript
                   and onnxruntime
      torchscript  a file for torch.jit.load

    Before anything is written, the export is run and its outputs are compared with the network's.
    """
    run, loaded = _open(what, best, input_shapes, assignments)
    from cnncli.executor.export.exporting import Export, export

    exported = export(Export(loaded, run, form, output, force))
    if run is None:
        click.echo(f"{loaded.slug} is not trained: these are its initial weights", err=True)
    apart = f"differ by {exported.difference:.1g} of the largest" if exported.difference else "are the same"
    click.echo(f"wrote {' and '.join(map(str, exported.files))}; outputs {apart}")


def _open(
    what: str, best: bool, input_shapes: tuple[str, ...], assignments: tuple[str, ...]
) -> tuple[Run | None, Loaded]:
    """The run, if WHAT is a run folder, and its network."""
    from cnncli.loading import load
    from cnncli.runs import folder
    from cnncli.runs.folder import architecture_of

    overrides, inputs = options.overrides(assignments), options.input_shapes(input_shapes)
    if not Path(what).is_dir():
        if best:
            raise CnnError("--best is for runs", f"{what} is an architecture")
        return None, load(what, overrides=overrides, inputs=inputs)
    if overrides or inputs:
        raise CnnError("--set and --input are for architectures", "a run has the network that was trained")
    run = folder.open_run(Path(what), best=best)
    return run, architecture_of(run)
