"""``cnn train``: from the file to trained weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from cnncli.commands import options
from cnncli.errors import CnnError
from cnncli.recipe import ROWS, Recipe, option_of

if TYPE_CHECKING:
    from cnncli.data import Dataset
    from cnncli.executor.runs.job import Job


LISTS = [option_of(key) for key, field in Recipe.schema.items() if field.default == ()]


def recipe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for every key of the recipe: ``--batch-size 64``, ``--nesterov``, ``--milestones 30,60``."""
    for key, field in reversed(Recipe.schema.items()):
        name = "--data" if key == "dataset" else option_of(key)
        if isinstance(field.default, bool):
            option = click.option(f"{name}/--no-{name[2:]}", key, default=None, help=ROWS[key].help)
        else:
            option = click.option(name, key, metavar=_metavar(field.default), help=ROWS[key].help)
        command = option(command)
    return command


def _metavar(default: Any) -> str:
    return {int: "N", float: "X", tuple: "A,B,…"}.get(type(default), "TEXT")


WRITTEN = ("--tensorboard", "--run-dir", "--resume", "--nproc", "--max-restarts", "--checkpoint-minutes")
TRIED = "a trial runs in one process and writes nothing; a run's own recipe is tried with --from"


@options.command(
    options.excludes("--dry-run", "--find-lr", why="ask for one after the other"),
    options.excludes("--dry-run", *WRITTEN, why=TRIED),
    options.excludes("--find-lr", *WRITTEN, why=TRIED),
    options.excludes(
        "--find-lr", "--lr", "--muon-lr", "--schedule", "--warmup", why="the rate grows from step to step"
    ),
    options.excludes("--resume", "--from", "--run-dir", why="--resume goes on in the run's own folder"),
    options.excludes("--resume", "ARCH", "--set", "--input", why="a run has its own architecture"),
    options.excludes("--from", "ARCH", "--set", "--input", why="a run has its own architecture"),
    options.needs("--max-restarts", "--nproc"),
    may_be_empty=LISTS,  # --freeze '' empties the list that the file fills
)
@click.argument("architecture", metavar="[ARCH]", required=False)
@recipe_options
@options.data_dir_option
@click.option("--run-dir", type=click.Path(path_type=Path), help="Where to keep the run (default: runs/NAME-001, …).")
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN", help="Go on with a run that was interrupted.")
@click.option(
    "--from", "repeated", type=click.Path(path_type=Path), metavar="RUN", help="Repeat a run from its folder."
)
@click.option("--tensorboard", is_flag=True, help="Write TensorBoard's events into the run folder, too.")
@click.option("--dry-run", is_flag=True, help="One batch through everything: how long it takes, its memory.")
@click.option("--find-lr", is_flag=True, help="Try growing learning rates and suggest one.")
@click.option("--nproc", type=options.Whole(1), metavar="N", help="Processes on this machine, one for each GPU.")
@click.option(
    "--max-restarts", type=options.Whole(0), default=3, show_default=True, help="With --nproc: after a crash."
)
@click.option(
    "--checkpoint-minutes", type=options.Number(0), default=10.0, show_default=True, metavar="X",
    help="From one checkpoint to the next within an epoch.",
)  # fmt: skip
@options.input_option
@options.set_option
def command(
    architecture: str | None,
    data_dir: Path | None,
    run_dir: Path | None,
    resume: Path | None,
    repeated: Path | None,
    tensorboard: bool,
    dry_run: bool,
    find_lr: bool,
    nproc: int | None,
    max_restarts: int,
    checkpoint_minutes: float,
    input_shapes: tuple[str, ...],
    assignments: tuple[str, ...],
    **recipe_options: Any,
) -> None:
    """Train a network on a GPU or the CPU.

    The recipe is the file's train section; every option overrides it. Ctrl-C and SIGTERM save the run and end;
    --resume goes on as if nothing had happened, also after a crash.
    """
    from cnncli.loading import load
    from cnncli.recipe import as_dict, check_options, differences, read_recipe
    from cnncli.runs import folder
    from cnncli.runs.tasks import check_changes, dataset_for, task_of
    from cnncli.runs.torchrun import place

    if tensorboard:
        from cnncli.executor.runs.tensorboard import check_tensorboard

        check_tensorboard()  # before data is read
    given = {name: plain_text(value) for name, value in recipe_options.items() if value is not None}
    overrides, inputs = options.overrides(assignments), options.input_shapes(input_shapes)
    run = None
    if resume is not None or repeated is not None:
        run = folder.open_run(resume or repeated or Path())
        loaded = folder.architecture_of(run)
        recorded = folder.recipe_of(run)
        recipe = read_recipe({}, {**as_dict(recorded), **given})
        # data may have moved: that it is the same is seen by what it holds
        changed = [text for text in differences(recorded, recipe) if not text.startswith("dataset ")]
        if resume is not None and changed:
            longer = f"to train on from its weights: cnn train --from {resume} --init {resume}, with what is to change"
            raise CnnError(f"{resume} was begun with another recipe: {'; '.join(changed)}", longer)
    elif architecture is None:
        raise CnnError("which network?", "cnn train ARCH, or --resume RUN, or --from RUN")
    else:
        loaded = load(architecture, overrides=overrides, inputs=inputs)
        recipe = read_recipe(loaded.graph.train, given)
    check_options(recipe, given)
    if not recipe.dataset:
        raise CnnError(
            "there is no data to train on", "use --data digits (bundled), --data mnist or --data images:PATH"
        )
    task = task_of(loaded, recipe)
    spec = run.record.dataset if run is not None and "dataset" not in given else recipe.dataset
    dataset = dataset_for(loaded, spec, task, data_dir, stream=recipe.stream)
    if resume is None:
        check_changes(recipe, loaded.graph.inputs[0].shape, dataset)
    _check_loaders(given, dataset)
    if nproc is not None and nproc > 1:
        _launch(nproc, max_restarts, run_dir, resume, loaded.slug, recipe.device)
    if place().world_size > 1 and run_dir is None and resume is None:
        raise CnnError("several workers need to know their run folder", "give --run-dir")

    from cnncli.executor.runs.job import Job
    from cnncli.executor.runs.running import resume_training, run_training
    from cnncli.views.training import display, duration, figure_text

    job = Job(loaded, dataset, recipe, run_dir, checkpoint_minutes, tensorboard, spec)
    if dry_run or find_lr:
        (_print_trial if dry_run else _print_rates)(job)
        return
    with display(recipe.epochs, silent=_is_helper()) as shown, _told_by_the_first():
        outcome = run_training(job, shown) if resume is None or run is None else resume_training(job, run, shown)
    if not _is_helper():
        found = figure_text(*next(iter(outcome.test.metrics().items())))
        click.echo(f"test {found} after {duration(outcome.seconds)}, run {outcome.run.folder}")


def _check_loaders(given: Mapping[str, Any], dataset: Dataset) -> None:
    """Raises CnnError for --loaders where nothing is left on disk."""
    from cnncli.data import LazyImages

    if "loaders" in given and not isinstance(dataset.train.images, LazyImages):
        raise CnnError(f"--loaders has no effect with {dataset.name}, which is held in memory", "leave it out")


@contextmanager
def _told_by_the_first() -> Iterator[None]:
    """Of several workers with the same error only the first one says it."""
    try:
        yield
    except CnnError as error:
        if _is_helper():
            raise click.exceptions.Exit(error.exit_code) from None
        raise


def _print_trial(job: Job) -> None:
    """What a training will take."""
    from cnncli.executor.runs.preflight import dry_run
    from cnncli.views.memory import human
    from cnncli.views.training import display, duration

    with display(job.recipe.epochs) as shown:
        trial, memory = dry_run(job, shown)
    size = job.recipe.batch_size
    click.echo(f"a step of {size} images takes {1000 * trial.step:.1f} ms, {size / trial.step:,.0f} images/s")
    click.echo(f"looking at the held-out images takes {trial.evaluation:.1f} s")
    click.echo(f"{job.recipe.epochs} epochs take about {duration(trial.total)}")
    measured = f", measured at the most {human(trial.peak_bytes)}" if trial.peak_bytes else ""
    click.echo(f"memory of a step: {human(memory.training)} calculated{measured}")
    click.echo(f"the loss is {trial.loss:.4f} over these steps; nothing was written")


def _print_rates(job: Job) -> None:
    """The losses at growing rates, drawn, and a rate to begin with."""
    from cnncli.executor.runs.preflight import learning_rates
    from cnncli.views.training import display, rate_lines

    with display(job.recipe.epochs) as shown:
        sweep = learning_rates(job, shown)
    click.echo("\n".join(rate_lines(sweep.rates, sweep.losses)))
    click.echo(f"the loss is lowest at {sweep.lowest:.2g}; try --lr {sweep.suggested:g}, a tenth of that")


def _launch(
    nproc: int, max_restarts: int, run_dir: Path | None, resume: Path | None, slug: str, device: str
) -> NoReturn:
    """Start the same command as workers of torchrun, and end as they do."""
    import sys

    from cnncli.executor.runtime.devices import choose_device
    from cnncli.executor.runtime.distributed import launch
    from cnncli.runs import folder

    choose_device(device)  # that it is not there is said once, and not by each worker at each attempt

    arguments = _without(("--nproc", "--max-restarts"), sys.argv[1:])
    if run_dir is None and resume is None:
        arguments += ["--run-dir", str(folder.next_folder(slug))]
    raise click.exceptions.Exit(launch(nproc, max_restarts, arguments))


def _without(options: tuple[str, ...], arguments: list[str]) -> list[str]:
    """The command line for a worker, without the ``options`` that are the launcher's, and their values."""
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument in options:
            skip = True
        elif argument.partition("=")[0] not in options:
            kept.append(argument)
    return kept


def _is_helper() -> bool:
    """Whether torchrun started this process beside the first one, which does the talking."""
    from cnncli.runs.torchrun import place

    return place().rank > 0


def plain_text(value: Any) -> Any:
    """An option's text as the value that a file would have: a number where it is one."""
    from cnncli.arithmetic.numerals import read_number

    number = read_number(value) if isinstance(value, str) else None
    return value if number is None else number
