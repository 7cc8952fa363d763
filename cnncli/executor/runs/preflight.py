"""Trials before a training, without a run folder: a dry run, and a learning-rate range test."""

from __future__ import annotations

from cnncli.analysis.memory import Memory, memory, state_of
from cnncli.executor.runs.job import Display, Job
from cnncli.executor.runs.setup import prepare_training
from cnncli.executor.runs.torch_errors import explain_torch_errors
from cnncli.executor.runtime.devices import flush_denormals
from cnncli.executor.training.dry_run import StepTimes, time_steps
from cnncli.executor.training.lr_finder import RangeTest, range_test


@flush_denormals()
def dry_run(job: Job, display: Display) -> tuple[StepTimes, Memory]:
    """Measured times of some steps and an evaluation, and the calculated memory of a step."""
    prepared = prepare_training(job, display)
    with explain_torch_errors(job):
        times = time_steps(prepared.setup, prepared.state)
    display.note(f"dry run on {prepared}")
    return times, memory(job.loaded.inferred, job.recipe.batch_size, "fp32", state_of(job.recipe.optimizer))


@flush_denormals()
def learning_rates(job: Job, display: Display) -> RangeTest:
    """The losses at increasing learning rates."""
    prepared = prepare_training(job, display)
    with explain_torch_errors(job):
        return range_test(prepared.setup, prepared.state)
