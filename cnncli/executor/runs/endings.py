"""The end of a training: the status in its record, and a message that explains what happened and how to resume."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cnncli.errors import CnnError, Interrupted, counted
from cnncli.executor.runs.job import Display, Prepared
from cnncli.executor.runs.recorder import RunRecorder
from cnncli.executor.runtime import distributed
from cnncli.executor.runtime.signals import exit_code_of, termination_raised
from cnncli.executor.training.checkpoint import last_checkpoint, resume_hint
from cnncli.executor.training.loop import DivergedError
from cnncli.executor.training.nan_finder import find_nonfinite_step
from cnncli.executor.training.restoring import Restorable
from cnncli.runs import folder as runs


@contextmanager
def interruptible(run: runs.Run, display: Display) -> Iterator[None]:
    """Record Ctrl-C and SIGTERM outside of the training loop, which handles them itself. Raises Interrupted."""
    with termination_raised():
        try:
            yield
        except KeyboardInterrupt as stop:
            if distributed.is_main_process():
                runs.open_run(run.folder).updated(status="interrupted")
            display.note(f"interrupted; to resume: cnn train --resume {run.folder}")
            raise Interrupted(exit_code_of(stop)) from None


@contextmanager
def interruptible_evaluation(run: runs.Run, display: Display) -> Iterator[None]:
    """Record Ctrl-C and SIGTERM during the final evaluation. Raises Interrupted."""
    try:
        yield
    except KeyboardInterrupt as stop:
        if distributed.is_main_process():
            run.updated(status="interrupted")
        display.note(
            f"interrupted during the evaluation on the test set; to resume: cnn train --resume {run.folder}; "
            f"the run is saved in {run.folder}"
        )
        raise Interrupted(exit_code_of(stop)) from None


@contextmanager
def recorded_endings(recorder: RunRecorder) -> Iterator[None]:
    """Record the reason for which the training loop ends. Raises Interrupted, DivergedError, CnnError and others."""
    folder = recorder.run.folder
    try:
        yield
    except KeyboardInterrupt as stop:
        _record(recorder.run, "interrupted")
        done = f"{recorder.run.record.epochs_done} of {counted(recorder.job.recipe.epochs, 'epoch')}"
        recorder.display.note(
            f"interrupted after {done}; to resume: cnn train --resume {folder}; the run is saved in {folder}"
        )
        raise Interrupted(exit_code_of(stop)) from None
    except DivergedError as error:
        _record(recorder.run, "failed")
        raise _located(recorder.prepared, recorder.run, error) from None
    except OSError as error:
        _record(recorder.run, "failed")
        raise CnnError(
            f"{error.filename or folder}: the run cannot be written: {error.strerror or error}", resume_hint(folder)
        ) from None
    except RuntimeError as error:
        if distributed.world_size() > 1 and distributed.is_lost(
            error
        ):  # the run continues: torchrun restarts all workers
            raise CnnError(
                "the connection to another worker was lost", "torchrun restarts all workers from the last checkpoint"
            ) from None
        _record(recorder.run, "failed")
        raise
    except BaseException:
        _record(recorder.run, "failed")
        raise


def _record(run: runs.Run, status: str) -> None:
    if distributed.is_main_process():
        with suppress(OSError):  # what failed may be the disk itself
            run.updated(status=status)


def _located(prepared: Prepared, run: runs.Run, error: DivergedError) -> DivergedError:
    """The error with the layer and the step where it began, found by repeating the steps since the last checkpoint."""
    kept = run.weights_file.exists()
    try:
        prepared.state.restore(last_checkpoint(run.folder, Restorable(prepared.setup, prepared.state))[0])
        where = find_nonfinite_step(prepared.setup, prepared.state, error.step)
    except CnnError:
        where = ""
    return DivergedError(error.loss, error.step, error.epoch, where, kept=kept)
