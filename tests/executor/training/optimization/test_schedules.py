"""Learning-rate schedules against torch's schedulers, step by step, with and without a warm-up."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from cnncli.errors import CnnError
from cnncli.executor.training.optimization.schedules import RISE, START, lr_factor, steps_in
from cnncli.executor.training.state import TrainState
from cnncli.recipe import SCHEDULES, Recipe
from cnncli.recipe.serialization import read_recipe

some = settings(max_examples=40, deadline=None, derandomize=True)
Made = Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]


def factors(made: Made, steps: int) -> Iterator[float]:
    """The rates that a scheduler of torch gives an optimizer of rate 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = made(optimizer)
    for _ in range(steps):
        yield optimizer.param_groups[0]["lr"]
        optimizer.step()
        scheduler.step()


def by_step(recipe: Recipe, total: int) -> Made:
    """torch's scheduler for ``total`` steps, for the schedules that change with every step."""
    makers: dict[str, Made] = {
        "constant": lambda optimizer: lr_scheduler.ConstantLR(optimizer, factor=1.0),
        "cosine": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, T_max=total),
        "linear": lambda optimizer: lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=total),
        "polynomial": lambda optimizer: lr_scheduler.PolynomialLR(optimizer, total, recipe.power),
        "plateau": lambda optimizer: lr_scheduler.ConstantLR(optimizer, factor=1.0),
    }
    return makers[recipe.schedule]


@some
@given(
    schedule=st.sampled_from(["constant", "cosine", "linear", "polynomial", "plateau"]),
    epochs=st.integers(1, 6) | st.sampled_from([0.5, 2.25]),
    steps_per_epoch=st.integers(2, 9),
    power=st.sampled_from([0.5, 1.0, 2.0, 3.0]),
    warmup=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_schedules_by_step_are_torch_s_after_a_linear_warm_up(
    schedule: str, epochs: float, steps_per_epoch: int, power: float, warmup: float
) -> None:
    recipe = Recipe(schedule=schedule, epochs=epochs, power=power, warmup=warmup if warmup < epochs else 0.0)
    total = math.ceil(epochs * steps_per_epoch)
    rising = round(recipe.warmup * steps_per_epoch)
    if rising >= total:
        return
    theirs = [*factors(by_step(recipe, total - rising), total - rising)]
    if rising:
        start = 1 / (rising + 1)
        theirs = [*factors(lambda o: lr_scheduler.LinearLR(o, start, 1.0, total_iters=rising), rising), *theirs]
    ours = [lr_factor(recipe, step, steps_per_epoch) for step in range(total)]
    assert ours == pytest.approx(theirs, abs=1e-9)


@some
@given(
    epochs=st.integers(1, 8),
    steps_per_epoch=st.integers(1, 5),
    gamma=st.sampled_from([0.1, 0.5]),
    step_epochs=st.integers(1, 4),
    milestones=st.sets(st.integers(1, 7)),
)
def test_schedules_by_epoch_are_torch_s(
    epochs: int, steps_per_epoch: int, gamma: float, step_epochs: int, milestones: set[int]
) -> None:
    pairs: list[tuple[Recipe, Made]] = [
        (
            Recipe(schedule="step", epochs=epochs, gamma=gamma, step_epochs=step_epochs),
            lambda optimizer: lr_scheduler.StepLR(optimizer, step_epochs, gamma),
        ),
        (
            Recipe(schedule="multistep", epochs=epochs, gamma=gamma, milestones=tuple(sorted(milestones))),
            lambda optimizer: lr_scheduler.MultiStepLR(optimizer, sorted(milestones), gamma),
        ),
    ]
    for recipe, made in pairs:
        theirs = [rate for rate in factors(made, epochs) for _ in range(steps_per_epoch)]
        ours = [lr_factor(recipe, step, steps_per_epoch) for step in range(epochs * steps_per_epoch)]
        assert ours == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("total", [20, 33, 70, 99])
def test_one_cycle_is_torch_s_to_within_a_step(total: int) -> None:
    """torch puts the peak on a step, and ours at three tenths of the way: they are less than a step apart."""
    recipe = Recipe(schedule="one-cycle", epochs=1)
    made = lambda optimizer: lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=total)  # noqa: E731
    theirs = [START, *factors(made, total), 0.0]  # a step more at either end
    for step in range(total):
        ours = lr_factor(recipe, step, total)
        around = theirs[step : step + 3]
        peak = abs(step - RISE * total) <= 1
        assert min(around) - 1e-9 <= ours <= max(1.0 if peak else 0.0, *around) + 1e-9, step
    assert lr_factor(recipe, 0, total) == pytest.approx(START) == pytest.approx(theirs[1])


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_after_the_last_step_the_rate_is_gone(schedule: str) -> None:
    recipe = Recipe(schedule=schedule, epochs=2.5, milestones=(1,))
    assert steps_in(2.5, 3) == 8
    assert lr_factor(recipe, 7, 3) > 0 and lr_factor(recipe, 8, 3) == lr_factor(recipe, 100, 3) == 0.0


@pytest.mark.parametrize(("epochs", "steps_per_epoch", "steps"), [(0.1, 1, 1), (0.3, 10, 3), (9.5, 4, 38), (7, 3, 21)])
def test_a_part_of_an_epoch_is_rounded_up_to_a_step(epochs: float, steps_per_epoch: int, steps: int) -> None:
    assert steps_in(epochs, steps_per_epoch) == steps


@some
@given(losses=st.lists(st.integers(1, 6), min_size=1, max_size=30), patience=st.integers(1, 4))
def test_a_plateau_lowers_the_rate_when_torch_s_scheduler_does(losses: list[int], patience: int) -> None:
    recipe = Recipe(schedule="plateau", gamma=0.5, patience=patience)
    state = TrainState(torch.nn.Identity(), [], None, None, None)  # type: ignore[arg-type]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    # torch counts epochs beyond its patience, and waits for a gain of a threshold
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=patience - 1, threshold=0.0, eps=0.0)
    for epoch, loss in enumerate(losses, 1):
        state.end_epoch(recipe, epoch, float(loss))
        scheduler.step(float(loss))
        assert state.factor == optimizer.param_groups[0]["lr"]
    best = min(losses)
    assert (state.best_loss, state.best_epoch) == (best, losses.index(best) + 1)
    assert state.waited == len(losses) - state.best_epoch
    for stopping in range(1, 4):
        assert state.stops_early(Recipe(early_stopping=stopping)) == (state.waited >= stopping)
    assert not state.stops_early(Recipe(early_stopping=0))


@given(
    schedule=st.sampled_from(["step", "multistep", "plateau"]),
    gamma=st.floats(1e-299, 1e299),
    epochs=st.integers(2, 10**6),
    every=st.integers(1, 10**6),
)
def test_no_gamma_raises_a_rate_past_what_is_calculated_with(
    schedule: str, gamma: float, epochs: int, every: int
) -> None:
    milestones = [*range(1, epochs, max(every, epochs // 50))] if schedule == "multistep" else []
    options = {"schedule": schedule, "gamma": gamma, "epochs": epochs, "step_epochs": every, "milestones": milestones}
    times = len(milestones) if schedule == "multistep" else (epochs - 1) // every
    try:
        recipe = read_recipe({}, options)
    except CnnError as error:
        assert error.problems[0].message.startswith("gamma: ")
        assert gamma >= 1 if schedule == "plateau" else times * math.log10(gamma) > 29.9
        return
    assert schedule != "plateau" or gamma < 1
    assert 0 <= lr_factor(recipe, epochs - 1, 1) < 1e31
