"""``cnn train``: from the file to trained weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnncli.commands import options
from cnncli.errors import CnnError

if TYPE_CHECKING:
    from cnncli.data import Dataset
    from cnncli.loading import Loaded


@click.command()
@options.architecture
@click.option("--data", "dataset", help="mnist, fashion_mnist, digits or images:PATH (a folder or an archive).")
@options.data_dir_option
@click.option("--epochs", type=int, help="Passes over the training images.")
@click.option("--batch-size", type=int, help="Images per step.")
@click.option("--optimizer", help="sgd, adam or adamw.")
@click.option("--lr", type=float, help="Learning rate.")
@click.option("--momentum", type=float, help="Of sgd.")
@click.option("--nesterov/--no-nesterov", default=None, help="Nesterov's momentum, of sgd.")
@click.option("--weight-decay", type=float, help="Decay of the weights.")
@click.option("--schedule", help="constant, step, cosine or one-cycle.")
@click.option("--step-epochs", type=int, help="Of the step schedule: epochs from one step to the next.")
@click.option("--gamma", type=float, help="Of the step schedule: the factor of a step.")
@click.option("--warmup", type=float, help="Epochs over which the rate rises at first.")
@click.option("--init", help="Initial weights: kaiming, xavier, lecun or normal.")
@click.option("--seed", type=int, help="Of the weights, the order of the data and dropout.")
@click.option("--device", help="auto, cpu, cuda, cuda:1, …")
@click.option("--validation", type=float, help="Share of the training images held out to watch the training.")
@click.option("--run-dir", type=click.Path(path_type=Path), help="Where to keep the run (default: runs/NAME-001, …).")
@options.input_option
@options.set_option
def command(
    architecture: str,
    data_dir: Path | None,
    run_dir: Path | None,
    input_shapes: tuple[str, ...],
    assignments: tuple[str, ...],
    **recipe_options: Any,
) -> None:
    """Train ARCH on images, on a GPU where there is one, else on the CPU.

    The recipe is the file's train section; every option overrides it. Ctrl-C saves the run and ends.
    """
    from cnncli.data import load_dataset
    from cnncli.loading import load
    from cnncli.recipe import read_recipe

    given = {name: value for name, value in recipe_options.items() if value is not None}
    overrides, inputs = options.overrides(assignments), options.input_shapes(input_shapes)
    loaded = load(architecture, overrides=overrides, inputs=inputs)
    recipe = read_recipe(loaded.graph.train, given)
    if not recipe.dataset:
        raise CnnError(
            "there is no data to train on", "use --data digits (bundled), --data mnist or --data images:PATH"
        )
    check_trainable(loaded)
    dataset = load_dataset(recipe.dataset, loaded.graph.inputs[0].shape, data_dir)
    check_classes(loaded, dataset)

    from cnncli.executor.job import Job, run_training  # here torch is loaded: everything above can fail at once
    from cnncli.views.training import display, duration

    with display(recipe.epochs) as shown:
        outcome = run_training(Job(loaded, dataset, recipe, run_dir), shown)
    click.echo(f"test accuracy {outcome.test.accuracy:.2%} after {duration(outcome.seconds)}, run {outcome.run.folder}")


def check_trainable(loaded: Loaded) -> None:
    """Raises CnnError for a network that is not from one image to one vector of scores."""
    from cnncli.shape import format_shape

    graph = loaded.graph
    if len(graph.inputs) > 1 or len(graph.outputs) > 1:
        raise CnnError(
            f"the network has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs; "
            "training on images takes one of each"
        )
    shape = loaded.inferred.shape(graph.outputs[0])
    if len(shape) != 1:
        raise CnnError(
            f"the output {graph.outputs[0]} is a map of {format_shape(shape)}; classes need a vector",
            "end the network with flatten or global_avgpool, and linear: CLASSES",
        )


def check_classes(loaded: Loaded, dataset: Dataset) -> None:
    """Raises CnnError where the network's scores are not as many as the data's classes."""
    output = loaded.graph.outputs[0]
    scores, classes = loaded.inferred.shape(output)[0], len(dataset.classes)
    if scores != classes:
        raise CnnError(
            f"{dataset.name} has {classes} classes, and the network's output {output} has {scores} values",
            f"make its last layer linear: {classes}",
        )
