"""By hand = by PyTorch: convolution, pooling, transposed convolution and gradients, exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from cnncli.arithmetic.window import Window
from cnncli.errors import CnnError
from cnncli.homework.exact_ops import matrices
from cnncli.homework.exact_ops.backward.convolution import gradients
from cnncli.homework.exact_ops.backward.pooling import maxima, pool_gradient, pool_gradient_steps
from cnncli.homework.exact_ops.convolution import convolution_steps, convolve, flipped
from cnncli.homework.exact_ops.filters import FILTERS
from cnncli.homework.exact_ops.numbers import number, simplest, value_of_roots
from cnncli.homework.exact_ops.pooling import pool
from cnncli.homework.exact_ops.sliding import Sliding, padded, sliding
from cnncli.homework.exact_ops.transposed import transposed

CONV = (functional.conv1d, functional.conv2d, functional.conv3d)
MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}
settings.register_profile("by hand", deadline=None, max_examples=60, derandomize=True, database=None)
by = settings.get_profile("by hand")


def numbers(draw: st.DrawFn, shape: tuple[int, ...]) -> np.ndarray:
    count = int(np.prod(shape))
    values = draw(st.lists(st.integers(-5, 5), min_size=count, max_size=count))
    array = np.empty(count, dtype=object)
    array[:] = values
    return array.reshape(shape)


@st.composite
def exercises(draw: st.DrawFn) -> dict[str, object]:
    rank = draw(st.integers(1, 3))
    sizes = [draw(st.integers(2, 6 if rank < 3 else 4)) for _ in range(rank)]
    channels, filters = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    kernel = [draw(st.integers(1, 3)) for _ in range(rank)]
    return {
        "x": numbers(draw, (channels, *sizes)),
        "kernel": numbers(draw, (filters, channels, *kernel)),
        "bias": [draw(st.integers(-2, 2)) for _ in range(filters)],
        "stride": [draw(st.integers(1, 2)) for _ in range(rank)],
        "dilation": [draw(st.integers(1, 2)) for _ in range(rank)],
        "padding": [draw(st.integers(0, 2)) for _ in range(rank)],
        "mode": draw(st.sampled_from([*MODES])),
    }


def tensor(array: object) -> torch.Tensor:
    return torch.tensor(np.asarray(array).astype(float))


def slide(e: dict[str, object]) -> Sliding | None:
    try:
        x, kernel = e["x"], e["kernel"]
        return sliding(
            x.shape[1:],
            kernel.shape[2:],
            e["stride"],
            e["padding"],
            e["dilation"],
            e["mode"],  # type: ignore
        )
    except CnnError:
        return None


def torch_padding(e: dict[str, object]) -> list[int]:
    return [amount for p in reversed(e["padding"]) for amount in (p, p)]  # type: ignore[call-overload]


@by
@given(exercises())
def test_convolution_is_torch_s_and_stays_exact(e: dict[str, object]) -> None:
    how = slide(e)
    assume(how is not None)
    assert how is not None
    ours = convolve(e["x"], e["kernel"], e["bias"], how)  # type: ignore[arg-type]
    whole = functional.pad(tensor(e["x"])[None], torch_padding(e), mode=MODES[str(e["mode"])])
    theirs = CONV[len(how.windows) - 1](
        whole,
        tensor(e["kernel"]),
        tensor(e["bias"]),
        e["stride"],
        0,
        e["dilation"],  # type: ignore[arg-type]
    )[0]
    assert np.array_equal(ours.astype(float), theirs.numpy())
    assert all(isinstance(value, int) for value in simplest(ours).reshape(-1))


@by
@given(exercises())
def test_the_steps_evaluate_to_the_values(e: dict[str, object]) -> None:
    how = slide(e)
    assume(how is not None)
    assert how is not None
    ours = convolve(e["x"], e["kernel"], e["bias"], how)  # type: ignore[arg-type]
    for step in convolution_steps(e["x"], e["kernel"], e["bias"], how):  # type: ignore[arg-type]
        at = step.position if len(ours) > 1 else (0, *step.position)
        assert eval(step.expression) == step.value == ours[at]


@by
@given(exercises())
def test_gradients_are_autograd_s(e: dict[str, object]) -> None:
    how = slide(e)
    assume(how is not None)
    assert how is not None
    output = convolve(e["x"], e["kernel"], e["bias"], how)  # type: ignore[arg-type]
    upstream = np.empty(output.size, dtype=object)
    upstream[:] = [(3 * n) % 7 - 3 for n in range(output.size)]
    upstream = upstream.reshape(output.shape)
    found = gradients(e["x"], e["kernel"], upstream, how)
    x, kernel = tensor(e["x"])[None].requires_grad_(), tensor(e["kernel"]).requires_grad_()
    whole = functional.pad(x, torch_padding(e), mode=MODES[str(e["mode"])])
    theirs = CONV[len(how.windows) - 1](whole, kernel, None, e["stride"], 0, e["dilation"])  # type: ignore
    theirs.backward(tensor(upstream)[None])
    assert x.grad is not None and kernel.grad is not None
    assert np.array_equal(found.to_input.astype(float), x.grad[0].numpy())
    assert np.array_equal(found.to_kernel.astype(float), kernel.grad.numpy())
    assert np.array_equal(found.to_bias.astype(float), tensor(upstream).reshape(len(upstream), -1).sum(1).numpy())


@by
@given(exercises())
def test_transposed_convolution_is_torch_s(e: dict[str, object]) -> None:
    x, kernel = e["x"], e["kernel"]
    rank = x.ndim - 1  # type: ignore[attr-defined]
    kernel = kernel.transpose(1, 0, *range(2, rank + 2))  # type: ignore[attr-defined]
    windows = tuple(
        Window(k, s, p, p, d)
        for k, s, p, d in zip(kernel.shape[2:], e["stride"], e["padding"], e["dilation"], strict=True)  # type: ignore
    )
    transpose = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)[rank - 1]
    try:
        theirs = transpose(
            tensor(x)[None],
            tensor(kernel),
            tensor(e["bias"]),
            e["stride"],
            e["padding"],
            0,
            1,
            e["dilation"],  # type: ignore
        )
    except RuntimeError:
        assume(False)
        return
    assume(theirs.numel() > 0)
    ours = transposed(x, kernel, e["bias"], Sliding(windows))  # type: ignore[arg-type]
    assert np.array_equal(ours.astype(float), theirs[0].numpy())


@by
@given(exercises(), st.sampled_from(["max", "avg", "l2"]))
def test_pools_are_torch_s(e: dict[str, object], kind: str) -> None:
    e = {**e, "mode": "zeros", "padding": [0] * len(e["stride"]), "dilation": [1] * len(e["stride"])}  # type: ignore
    how = slide(e)
    assume(how is not None)
    assert how is not None
    ours = pool(e["x"], kind, how)
    rank, size = len(how.windows), [window.kernel for window in how.windows]
    x = tensor(e["x"])[None]
    if kind == "max":
        theirs = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)[rank - 1](x, size, e["stride"])  # type: ignore
    else:
        average = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)[rank - 1]
        squares = x if kind == "avg" else x.square()
        theirs = average(squares, size, e["stride"])  # type: ignore[arg-type]
        theirs = theirs if kind == "avg" else (theirs * int(np.prod(size))).sqrt()
    values = np.vectorize(lambda v: eval(v.replace("sqrt(", "(") + "**0.5") if isinstance(v, str) else float(v))(ours)
    assert np.allclose(values, theirs[0].numpy())


def pooled_by_torch(x: torch.Tensor, kind: str, e: dict[str, object], *, count_include_pad: bool) -> torch.Tensor:
    """Zero padding is PyTorch's own, whose maximum never sees it; other borders are filled before the pooling."""
    rank, size, stride = x.ndim - 2, e["kernel"].shape[2:], e["stride"]  # type: ignore[attr-defined]
    x = x if e["mode"] == "zeros" else functional.pad(x, torch_padding(e), mode=MODES[str(e["mode"])])
    padding = e["padding"] if e["mode"] == "zeros" else 0
    if kind == "max":
        largest = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)[rank - 1]
        return largest(x, size, stride, padding, e["dilation"])  # type: ignore
    average = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)[rank - 1]
    if kind == "avg":
        return average(x, size, stride, padding, count_include_pad=count_include_pad)  # type: ignore
    return (average(x.square(), size, stride, padding) * int(np.prod(size))).sqrt()  # type: ignore


def evaluated(array: np.ndarray) -> np.ndarray:
    """Texts with roots as numbers."""
    return np.vectorize(lambda v: float(eval(v, {"sqrt": lambda n: n**0.5}) if isinstance(v, str) else v))(array)


@by
@given(exercises(), st.sampled_from(["max", "avg", "l2"]), st.booleans())
def test_gradients_of_pools_are_autograd_s(e: dict[str, object], kind: str, count_include_pad: bool) -> None:
    x, how = e["x"] if kind == "max" else abs(e["x"]) + 1, slide(e)  # type: ignore[arg-type]
    assume(how is not None and all(2 * w.before <= w.kernel for w in how.windows))
    assume(kind == "max" or all(w.dilation == 1 for w in how.windows))  # type: ignore[union-attr]
    assert how is not None
    variable = tensor(x)[None].requires_grad_()
    output = pooled_by_torch(variable, kind, e, count_include_pad=count_include_pad)
    assert np.allclose(evaluated(pool(x, kind, how, count_include_pad=count_include_pad)), output.detach()[0].numpy())
    upstream = np.array([(3 * n) % 7 - 3 for n in range(output.numel())], dtype=object).reshape(output.shape[1:])
    output.backward(tensor(upstream)[None])
    found = pool_gradient(x, kind, upstream, how, count_include_pad=count_include_pad)
    assert variable.grad is not None
    assert np.allclose(evaluated(found), variable.grad[0].numpy())
    steps = pool_gradient_steps(x, kind, upstream, how, count_include_pad=count_include_pad)
    expressions = np.array([step.expression for step in steps], dtype=object).reshape(found.shape)
    assert np.allclose(evaluated(expressions), evaluated(found))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("sqrt(30)", 30**0.5),
        ("sqrt(1/3)", 3**-0.5),
        ("-2/sqrt(3)", -2 / 3**0.5),
        ("1/2 - 3/(2*sqrt(7))", 0.5 - 1.5 / 7**0.5),
    ],
)
def test_texts_with_roots_have_their_value(text: str, value: float) -> None:
    assert value_of_roots(text) == pytest.approx(value)


def test_the_gradient_of_equal_maxima_goes_to_the_first() -> None:
    x, how = matrices.read("3 3; 3 1")[None], sliding((2, 2), (2, 2), (2, 2), (0, 0), (1, 1))
    upstream = matrices.read("5")[None, None]
    assert pool_gradient(x, "max", upstream, how).tolist() == [[[5, 0], [0, 0]]]
    assert [tuple(one) for one in maxima(x, how)] == [((0, 0, 0), (0, 0, 0), 3)]


def test_the_gradient_of_an_l2_norm_of_zero_is_zero() -> None:
    how = sliding((2,), (2,), (1,), (0,), (1,))
    assert pool_gradient(matrices.read("0 0")[None], "l2", matrices.read("5")[None], how).tolist() == [[0, 0]]


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("kind", ["max", "avg"])
def test_pools_see_the_border_that_is_asked(mode: str, kind: str) -> None:
    x = matrices.read("1 2 3; 4 5 6; 7 8 0")[None]
    how = sliding((3, 3), (2, 2), (1, 1), (1, 1), (1, 1), mode)
    bordered = padded(x, how)
    plain = sliding(bordered.shape[1:], (2, 2), (1, 1), (0, 0), (1, 1))
    assert np.array_equal(pool(x, kind, how), pool(bordered, kind, plain))


def test_partial_padding_is_the_executor_s() -> None:
    from cnncli.executor.lowering.build import build
    from cnncli.layers.conv import Conv

    x = matrices.read("1 2 3 4; 5 6 7 8; 9 1 2 3")[None]
    kernel = matrices.read("1 2 1; 0 1 0; 3 1 1")[None, None]
    how = sliding((3, 4), (3, 3), (1, 1), "same", (1, 1), "partial")
    module = build(Conv(filters=1, kernel=3, padding=1, padding_mode="partial", bias=False), ((1, 3, 4),)).double()
    with torch.no_grad():
        next(module.parameters()).copy_(tensor(kernel))
        theirs = module(tensor(x)[None])[0]
    assert np.allclose(convolve(x, kernel, [0], how).astype(float), theirs.numpy())


def test_true_convolution_commutes_and_cross_correlation_does_not() -> None:
    a, b = matrices.read("1 2 0; 3 1 4; 0 0 2"), matrices.read("1 0 2; 0 3 1; 1 1 0")

    def full(x: np.ndarray, y: np.ndarray, *, flip: bool) -> np.ndarray:
        kernel = flipped(y[None, None]) if flip else y[None, None]
        how = sliding(x.shape, y.shape, (1, 1), "full", (1, 1))
        return convolve(x[None], kernel, [0], how)

    assert np.array_equal(full(a, b, flip=True), full(b, a, flip=True))
    assert not np.array_equal(full(a, b, flip=False), full(b, a, flip=False))


@pytest.mark.parametrize(
    ("size", "kernel", "padding", "output"),
    [
        (5, 3, "full", 7),
        (5, 3, "same", 5),
        (5, 3, "valid", 3),
        (5, 4, "full", 8),
        (5, 4, "same", 5),
        (5, 4, "valid", 2),
    ],
)
def test_full_same_and_valid(size: int, kernel: int, padding: str, output: int) -> None:
    how = sliding((size,), (kernel,), (1,), padding, (1,))
    ones = np.ones((1, size), dtype=object)
    assert convolve(ones, np.ones((1, 1, kernel), dtype=object), [0], how).shape == (1, output)


@pytest.mark.parametrize(
    ("word", "value"),
    [("3", 3), ("-1/9", Fraction(-1, 9)), ("0.25", Fraction(1, 4)), ("4/2", 2), ("1e-3", Fraction(1, 1000))],
)
def test_numbers_are_exact(word: str, value: object) -> None:
    found = number(word)
    assert found == value and type(found) in (int, Fraction)


@pytest.mark.parametrize("name", FILTERS)
def test_blurs_keep_a_constant_image_and_edges_make_it_black(name: str) -> None:
    total = sum(sum(row) for row in FILTERS[name])
    blurs = ("identity", "sharpen", "box_blur", "gaussian", "emboss")
    assert total == (1 if name in blurs else 0)


@by
@given(data=st.data())
def test_convolution_agrees_with_scipy(data: st.DataObject) -> None:
    signal = pytest.importorskip("scipy.signal")
    rank = data.draw(st.integers(1, 2))
    x = numbers(data.draw, tuple(data.draw(st.integers(3, 6)) for _ in range(rank)))
    kernel = numbers(data.draw, tuple(data.draw(st.integers(1, 3)) for _ in range(rank)))
    for mode in ("valid", "full"):
        how = sliding(x.shape, kernel.shape, (1,) * rank, mode, (1,) * rank)
        found = convolve(x[None], flipped(kernel[None, None]), [0], how)[0]
        theirs = signal.convolve(x.astype(float), kernel.astype(float), mode=mode, method="direct")
        assert np.array_equal(found.astype(float), theirs)
