"""``cnn evaluate``: what a trained run is worth."""

from __future__ import annotations

from pathlib import Path

import click

from cnncli.commands import options
from cnncli.errors import CnnError


@options.command()
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--data", "spec", help="Another data set of the same classes (default: the one it was trained on).")
@options.data_dir_option
@options.best_option
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, …")
@options.format_option("table", "json")
def command(run_folder: Path, spec: str | None, data_dir: Path | None, best: bool, device: str, form: str) -> None:
    """What RUN, a folder that cnn train made, is worth on test images.

    Accuracy and confusion matrix; of a regression errors and R²; of a segmentation the IoU of each class.
    """
    from cnncli import runs
    from cnncli.tasks import dataset_for

    run = runs.open_run(run_folder, best=best)
    loaded = runs.architecture_of(run)
    stream = spec is None and runs.recipe_of(run).stream
    dataset = dataset_for(loaded, spec or run.record.dataset, run.record.task, data_dir, stream=stream)
    if dataset.classes != run.record.classes:
        raise CnnError(
            f"{dataset.name} has other classes than the run was trained on: {', '.join(dataset.classes[:8])}",
            f"the run knows {', '.join(run.record.classes[:8])}",
        )

    from cnncli.executor.job import evaluate_run

    detail = evaluate_run(run, loaded, dataset, device).detail(dataset.classes)
    if form == "json":
        from cnncli.views.listing import as_json

        click.echo(as_json(detail, indent=None), nl=False)
        return
    from cnncli.views.worth import worth_lines

    click.echo("\n".join(worth_lines(dataset.task, detail)))
