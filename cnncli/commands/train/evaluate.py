"""``cnn evaluate``: evaluate a trained run."""

from __future__ import annotations

from pathlib import Path

import click

from cnncli.commands import options


@options.command()
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--data", "spec", help="Another dataset with the same classes or targets (default: the run's dataset).")
@options.data_dir_option
@options.best_option
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, …")
@options.format_option("table", "json")
def command(run_folder: Path, spec: str | None, data_dir: Path | None, best: bool, device: str, form: str) -> None:
    """Evaluate a run folder on the test split.

    Classification: accuracy and confusion matrix. Regression: errors and R². Segmentation: IoU per class.
    """
    from cnncli.data import ColumnNames
    from cnncli.runs import folder
    from cnncli.runs.tasks import as_trained, dataset_for

    run = folder.open_run(run_folder, best=best)
    loaded = folder.architecture_of(run)
    stream = spec is None and folder.recipe_of(run).stream
    record = run.record
    trained = ColumnNames(record.columns, record.classes if record.task == "regression" else ())
    found = dataset_for(loaded, spec or record.dataset, record.task, data_dir, stream=stream, trained=trained)
    dataset = as_trained(found, record.classes)
    known = 0 if spec else len(found.notes)  # the notes on the run's own dataset were printed when it was trained
    for note in dataset.notes[known:]:
        click.echo(note, err=True)

    from cnncli.executor.runs.prediction import evaluate_run

    detail = evaluate_run(run, loaded, dataset, device).detail(dataset.classes)
    if form == "json":
        from cnncli.views.listing import as_json

        click.echo(as_json(detail, indent=None), nl=False)
        return
    from cnncli.views.evaluation import evaluation_lines

    click.echo("\n".join(evaluation_lines(dataset.task, detail)))
