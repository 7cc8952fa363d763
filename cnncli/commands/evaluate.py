"""``cnn evaluate``: what a trained run is worth."""

from __future__ import annotations

from pathlib import Path

import click

from cnncli.commands import options
from cnncli.errors import CnnError

MOST_SHOWN = 40  # classes whose confusion is printed


@click.command()
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--data", "spec", help="Another data set of the same classes (default: the one it was trained on).")
@options.data_dir_option
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, …")
@options.format_option("table", "json")
def command(run_folder: Path, spec: str | None, data_dir: Path | None, device: str, form: str) -> None:
    """Test accuracy and confusion matrix of RUN, a folder that cnn train made."""
    from cnncli import runs
    from cnncli.commands.train import check_classes
    from cnncli.data import load_dataset

    run = runs.open_run(run_folder)
    loaded = runs.architecture_of(run)
    dataset = load_dataset(spec or run.record.dataset, loaded.graph.inputs[0].shape, data_dir)
    check_classes(loaded, dataset)
    if dataset.classes != run.record.classes:
        raise CnnError(
            f"{dataset.name} has other classes than the run was trained on: {', '.join(dataset.classes[:8])}",
            f"the run knows {', '.join(run.record.classes[:8])}",
        )

    from cnncli.executor.job import evaluate_run

    evaluation = evaluate_run(run, loaded, dataset, device)
    if form == "json":
        import json

        values = {
            "accuracy": evaluation.accuracy,
            "loss": evaluation.loss,
            "examples": evaluation.examples,
            "confusion": evaluation.confusion,
            "top_5": evaluation.top_5,
            "classes": [
                {"class": name, **evaluation.of_class(number)._asdict()} for number, name in enumerate(dataset.classes)
            ],
        }
        click.echo(json.dumps(values))
        return
    from cnncli.views.training import confusion_lines

    top = f", top 5 {evaluation.top_5:.2%}" if len(dataset.classes) > 10 else ""
    found = f"accuracy {evaluation.accuracy:.2%}{top} of {evaluation.examples:,} test images"
    click.echo(f"{found}, loss {evaluation.loss:.4f}")
    if len(dataset.classes) <= MOST_SHOWN:
        click.echo("\n".join(["", *confusion_lines(evaluation, dataset.classes)]))
