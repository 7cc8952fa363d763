"""``cnn train``: train a network, resume or repeat a run, or try a recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnncli.commands import options
from cnncli.commands.train.workers import is_main_process, launch_workers, one_error_message
from cnncli.errors import CnnError
from cnncli.recipe import ROWS, Recipe, option_of

if TYPE_CHECKING:
    from cnncli.executor.runs.job import Job
    from cnncli.runs.folder import Run
    from cnncli.runs.preparation import TrainingPlan


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


OF_RUNS = ("--tensorboard", "--run-dir", "--resume", "--nproc", "--max-restarts", "--checkpoint-minutes")
NO_RUN = "it runs in one process and writes nothing; use --from to try the recipe of a run"


@options.command(
    options.excludes("--dry-run", "--find-lr", why="use one after the other"),
    options.excludes("--dry-run", *OF_RUNS, why=NO_RUN),
    options.excludes("--find-lr", *OF_RUNS, why=NO_RUN),
    options.excludes(
        "--find-lr", "--lr", "--muon-lr", "--schedule", "--warmup", why="the learning rate is increased at every step"
    ),
    options.excludes("--resume", "--from", "--run-dir", why="--resume continues in the run folder"),
    options.excludes("--resume", "ARCH", "--set", "--input", why="a run folder holds its architecture"),
    options.excludes("--from", "ARCH", "--set", "--input", why="a run folder holds its architecture"),
    options.needs("--max-restarts", "--nproc"),
    may_be_empty=LISTS,  # --freeze '' empties the list of the file
)
@click.argument("architecture", metavar="[ARCH]", required=False)
@recipe_options
@options.data_dir_option
@click.option("--run-dir", type=click.Path(path_type=Path), help="Run folder to create (default: runs/NAME-001, …).")
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN", help="Resume an interrupted run.")
@click.option(
    "--from",
    "repeated",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Repeat a run from its folder.",
)
@click.option("--tensorboard", is_flag=True, help="Write TensorBoard events to the run folder, too.")
@click.option("--dry-run", is_flag=True, help="Time a few steps; estimate duration and memory.")
@click.option("--find-lr", is_flag=True, help="Run a learning-rate range test.")
@click.option("--nproc", type=options.Whole(1), help="Number of processes on this machine, one per GPU.")
@click.option(
    "--max-restarts",
    type=options.Whole(0),
    default=3,
    show_default=True,
    help="With --nproc: max restarts.",
)
@click.option(
    "--checkpoint-minutes", type=options.Number(0), default=10.0, show_default=True,
    help="Minutes between checkpoints within an epoch.",
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

    The recipe is the train section of the file; options override it. Ctrl-C and SIGTERM save the run before they end
    it. --resume continues the run, even after a crash.
    """
    from cnncli.runs.preparation import dataset_of
    from cnncli.runs.torchrun import place

    if tensorboard:
        from cnncli.executor.runs.tensorboard import check_tensorboard

        check_tensorboard()  # before the dataset is read, which can take long
    given = {name: plain_text(value) for name, value in recipe_options.items() if value is not None}
    plan = _plan(architecture, resume, repeated, given, input_shapes, assignments)
    spec, dataset = dataset_of(plan, given, data_dir, resume=resume is not None)
    if nproc is not None and nproc > 1:
        launch_workers(nproc, max_restarts, run_dir or resume, plan.loaded.slug, plan.recipe.device)
    if place().world_size > 1 and run_dir is None and resume is None:
        raise CnnError("several workers need one run folder", "give --run-dir")

    from cnncli.executor.runs.job import Job

    job = Job(plan.loaded, dataset, plan.recipe, run_dir, checkpoint_minutes, tensorboard, spec)
    if dry_run:
        _dry_run(job)
    elif find_lr:
        _find_lr(job)
    else:
        _train(job, plan.run if resume is not None else None)


def _plan(
    architecture: str | None,
    resume: Path | None,
    repeated: Path | None,
    given: Mapping[str, Any],
    input_shapes: tuple[str, ...],
    assignments: tuple[str, ...],
) -> TrainingPlan:
    from cnncli.loading import load
    from cnncli.runs.preparation import new_plan, plan_of_run

    earlier = resume or repeated
    if earlier is not None:
        return plan_of_run(earlier, given, resume=resume is not None)
    if architecture is None:
        raise CnnError("no network to train", "cnn train ARCH, or --resume RUN, or --from RUN")
    overrides, inputs = options.overrides(assignments), options.input_shapes(input_shapes)
    return new_plan(load(architecture, overrides=overrides, inputs=inputs), given)


def _train(job: Job, run: Run | None) -> None:
    """Train a new network, or resume a run."""
    from cnncli.executor.runs.running import resume_training, run_training
    from cnncli.views.training import display, outcome_line

    with display(job.recipe.epochs, silent=not is_main_process()) as shown, one_error_message():
        outcome = run_training(job, shown) if run is None else resume_training(job, run, shown)
    if is_main_process():
        click.echo(outcome_line(outcome.test, outcome.seconds, outcome.run.folder))


def _dry_run(job: Job) -> None:
    """Time a few steps, and estimate duration and memory."""
    from cnncli.executor.runs.preflight import dry_run
    from cnncli.views.training import display, trial_lines

    with display(job.recipe.epochs) as shown:
        trial, memory = dry_run(job, shown)
    click.echo("\n".join(trial_lines(trial, memory, job.recipe.batch_size, job.recipe.epochs)))


def _find_lr(job: Job) -> None:
    """Print the losses of a learning-rate range test, and suggest a learning rate."""
    from cnncli.executor.runs.preflight import learning_rates
    from cnncli.views.training import display, rate_lines

    with display(job.recipe.epochs) as shown:
        sweep = learning_rates(job, shown)
    click.echo("\n".join(rate_lines(sweep.rates, sweep.losses)))
    click.echo(f"lowest loss at lr {sweep.lowest:.2g}; try --lr {sweep.suggested:g}, a tenth of that")


def plain_text(value: Any) -> Any:
    """The value of an option as YAML would read it: a number if its text is one."""
    from cnncli.arithmetic.numerals import read_number

    number = read_number(value) if isinstance(value, str) else None
    return value if number is None else number
