"""The right answers to questions that stand by themselves: one size (``solve``), one matrix (``convolve``)."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from cnncli.arithmetic.window import Window, fits, last_start, output_size, remainder, split_padding, transposed_size
from cnncli.errors import CnnError, suggestion
from cnncli.homework.answer_key.conventions import CHOICES, USUAL, Conventions
from cnncli.homework.answer_key.expected import NO_FIT, PER_AXIS, ExpectedAnswer
from cnncli.homework.answer_key.sheet import Question

SOLVE_FIELDS = (
    *("input", "kernel", "stride", "padding", "dilation", "output"),
    *("rounding", "transposed", "output_padding", "find"),
)
CONVOLVE_FIELDS = (
    *("input", "kernel", "filter", "pool", "stride", "padding", "padding_mode", "dilation", "bias", "flip"),
    *("transposed", "output_padding", "upstream", "find", "result"),
)
LARGEST = 100_000  # sizes up to which a kernel, stride or dilation is sought
SOUGHT = 4 * LARGEST  # values that are tried
LEAST = {"kernel": 1, "stride": 1, "padding": 0, "dilation": 1}
PADDINGS = ("valid", "same", "full")


def _checked(question: Question, known: tuple[str, ...]) -> dict[str, str]:
    for key in question.fields:
        if key not in known:
            hint = suggestion(key, known, f"it takes {', '.join(known)}")
            raise CnnError(f"{question.name}: there is no field {key!r}", hint)
    return question.fields


def _whole(question: Question, key: str, default: int | None) -> int:
    text = question.fields.get(key, "")
    if not text and default is not None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise CnnError(f"{question.name}: {key} must be a whole number, not {text[:40] or 'nothing'}")
    return int(text)


def _yes(question: Question, key: str) -> bool:
    text = question.fields.get(key) or "false"
    if text.lower() not in ("true", "yes", "false", "no"):
        raise CnnError(f"{question.name}: {key} is true or false, not {text[:40]}")
    return text.lower() in ("true", "yes")


# One size ---------------------------------------------------------------------------------------------------------


def solve_truth(question: Question, conventions: Conventions = USUAL) -> ExpectedAnswer:
    """One size: ``{input: 7, kernel: 3, stride: 3, output: does not fit}``; or, with ``find: padding``, what gives it.

    Unless rounding is floor (in the question or by convention), a window that leaves a rest does not fit.
    """
    fields = _checked(question, SOLVE_FIELDS)
    find = fields.get("find", "output")
    if find == "output":
        return _transposed(question, conventions) if _yes(question, "transposed") else _output(question, conventions)
    if find not in ("input", "kernel", "stride", "padding", "dilation"):
        raise CnnError(
            f"{question.name}: cannot find {find!r}", "find input, kernel, stride, padding, dilation or output"
        )
    return _inverse(question, find, conventions)


def _rounding(question: Question, conventions: Conventions) -> str:
    rounding = question.fields.get("rounding") or conventions.rounding or "exact"
    if rounding not in CHOICES["rounding"]:
        raise CnnError(
            f"{question.name}: rounding cannot be {rounding[:40]!r}", f"it is {', '.join(CHOICES['rounding'])}"
        )
    return rounding


def _window(question: Question, size: int, conventions: Conventions, **known: int) -> Window:
    """The window that the fields say, with what is sought put in."""
    from cnncli.analysis.solving.windows import window_for

    kernel = known.get("kernel") or _whole(question, "kernel", None)
    stride = known.get("stride") or _whole(question, "stride", 1)
    dilation = known.get("dilation") or _whole(question, "dilation", 1)
    text = question.fields.get("padding", "0") if "padding" not in known else str(known["padding"])
    padding: int | str = text if text in PADDINGS else known.get("padding", -1)
    if padding == -1:
        padding = _whole(question, "padding", 0)
    if kernel < 1 or stride < 1 or dilation < 1 or size < 1:
        raise CnnError(f"{question.name}: sizes, strides and dilations are at least 1")
    window = window_for(size, kernel, stride, padding, dilation)
    if conventions.padding == "in total" and isinstance(padding, int):
        before, after = split_padding(padding)
        window = window._replace(before=before, after=after)
    return window._replace(ceil=_rounding(question, conventions) == "ceil")


def _output(question: Question, conventions: Conventions) -> ExpectedAnswer:
    from cnncli.homework.mistakes.sizes import Slide, of_size

    size = _whole(question, "input", None)
    window = _window(question, size, conventions)
    is_exact = _rounding(question, conventions) == "exact"
    start = last_start(size, window)
    working = _worked(size, window, is_exact=is_exact)
    if not fits(size, window):
        return ExpectedAnswer(NO_FIT, NO_FIT, (working, f"(the kernel spans {window.effective_kernel})"), {})
    output = output_size(size, window)
    found = of_size(Slide(size, window, question.fields.get("padding") == "same"))
    candidates: dict[str, Any] = {name: value for name, value in found.items() if value not in (None, output)}
    if is_exact and remainder(size, window):
        exact = Fraction(start, window.stride) + 1
        fractions = {f"does_not_fit_unreported#{n}": round(exact, n) for n in (1, 2, 3)}
        candidates = {
            "does_not_fit_unreported": output,
            "does_not_fit_unreported#exact": exact,
            **fractions,
            **candidates,
        }
        return ExpectedAnswer(NO_FIT, NO_FIT, (working, f"{start / window.stride + 1:.4g} is not whole"), candidates)
    return ExpectedAnswer(output, str(output), (working, str(output)), candidates, order=PER_AXIS)


def _worked(size: int, window: Window, *, is_exact: bool) -> str:
    """The size formula with its numbers, as :func:`cnncli.arithmetic.window.output_size` itself computes it.

    The kernel is what it spans, and the padding stands in total where the formula takes it in total. The rounding is
    left out where nothing is rounded: in an exact division, and where the question asks for one (``is_exact``).
    """
    from cnncli.arithmetic.tracing import PLAIN_NUMBERS, Quotient, Rounded, Sum, expression_of, named, written

    before, after = (window.before, window.after) if window.ceil else (window.before + window.after, 0)
    padding = (named("p", before), named("p_after", after) if after else 0)
    slid = Window(named("k", window.effective_kernel), named("s", window.stride), *padding, ceil=window.ceil)
    formula = expression_of(output_size(named("n", size), slid))
    if isinstance(formula, Sum) and (is_exact or not remainder(size, window)):
        terms = ((sign, Quotient(t.one, t.other) if isinstance(t, Rounded) else t) for sign, t in formula.terms)
        formula = Sum(tuple(terms))
    return written(formula, PLAIN_NUMBERS)


def _transposed(question: Question, conventions: Conventions) -> ExpectedAnswer:
    from cnncli.homework.mistakes.sizes import of_transposed_size

    if question.fields.get("padding") in PADDINGS[1:]:
        raise CnnError(f"{question.name}: a transposed window takes a number", "it is what is cut off at each side")
    size, extra = _whole(question, "input", None), _whole(question, "output_padding", 0)
    window = _window(question, size, conventions)
    output = transposed_size(size, window, extra)
    cut = window.before + window.after
    working = f"({size} - 1) * {window.stride} + {window.effective_kernel} - {cut}" + (f" + {extra}" if extra else "")
    if output < 1:
        return ExpectedAnswer(NO_FIT, NO_FIT, (working, str(output)), {})
    found = {name: value for name, value in of_transposed_size(size, window, extra).items() if value != output}
    return ExpectedAnswer(output, str(output), (working, str(output)), {**found}, order=PER_AXIS)


def _inverse(question: Question, find: str, conventions: Conventions) -> ExpectedAnswer:
    """Every value of what is sought that gives the output; the first is shown."""
    output = _whole(question, "output", None)
    exact = _rounding(question, conventions) == "exact"
    size = 0 if find == "input" else _whole(question, "input", None)
    if max(size, output) > LARGEST:
        raise CnnError(f"{question.name}: sizes above {LARGEST:,} are not searched")

    def gives(value: int) -> bool:
        n = value if find == "input" else size
        window = _window(question, n, conventions, **({} if find == "input" else {find: value}))
        right = fits(n, window) and output_size(n, window) == output
        return right and not (exact and remainder(n, window))

    values = [value for value in _range(question, find, size, output, conventions) if gives(value)]
    if not values:
        return ExpectedAnswer(
            "not possible", "not possible", (f"no {find} gives {output}",), {}, words=frozenset((NO_FIT,))
        )
    first = values[0]
    window = _window(
        question, first if find == "input" else size, conventions, **({} if find == "input" else {find: first})
    )
    n = first if find == "input" else size
    worked = f"{_worked(n, window, is_exact=exact)} = {output}"
    more = f" (also {', '.join(map(str, values[1:5]))}{', …' if len(values) > 5 else ''})" if len(values) > 1 else ""
    candidates = {"padding_in_total": 2 * first} if find == "padding" and first else {}
    words = [w for w in PADDINGS if find == "padding" and _word_gives(question, w, size, output, conventions)]
    return ExpectedAnswer(
        first, f"{first}{more}", (worked,), {**candidates}, frozenset(values), frozenset(words), PER_AXIS
    )


def _word_gives(question: Question, word: str, size: int, output: int, conventions: Conventions) -> bool:
    window = _window(question._replace(fields={**question.fields, "padding": word}), size, conventions)
    right = fits(size, window) and output_size(size, window) == output
    return right and not (_rounding(question, conventions) == "exact" and remainder(size, window))


def _range(question: Question, find: str, size: int, output: int, conventions: Conventions) -> range:
    """Where what is sought can lie. Raises CnnError for too many values."""
    window = _window(
        question, size or LARGEST, conventions, **{key: value for key, value in LEAST.items() if key == find}
    )
    padding, stride = window.before + window.after, window.stride
    # n + p - k' lies between s (m - 2) + 1, where it is rounded up, and s m - 1
    most = stride * output + window.effective_kernel
    if find == "input":
        varies = window.effective_kernel - 1 if question.fields.get("padding") == "same" else 0
        last = max(most - (0 if varies else padding), (stride * output - window.before + 1) * window.ceil)
        found = range(max(1, most - 2 * stride + 1 - max(padding, varies)), last)
    elif find == "padding":
        found = range(max(0, (most - 2 * stride + 1 - size) // 2), max(0, most - size) + 1)
    else:  # the window lies in the padded input, with which full padding grows; of what has no bound, some
        over = stride if window.ceil else 0
        full = stride * output if question.fields.get("padding") == "full" else 0
        found = range(1, max(3 * size, size + padding + over, full) + 1)
    if len(found) > SOUGHT:
        raise CnnError(f"{question.name}: more than {SOUGHT:,} values are not searched", "use smaller numbers")
    return found


# By hand ----------------------------------------------------------------------------------------------------------


def convolve_truth(question: Question) -> ExpectedAnswer:
    """A convolution or a pool by hand: ``{input: "0 1 2; …", kernel: "0 1; 2 3", result: "19 25; 37 43"}``.

    Fields are those of ``cnn convolve``; several filters are kernels set apart by ``||``. With ``upstream`` and
    ``find: input`` or ``find: kernel`` the gradients are asked.
    """
    from cnncli.homework.exact_ops import matrices
    from cnncli.homework.exact_ops.exercise import Written, read_exercise
    from cnncli.homework.exact_ops.matrix_files import is_file
    from cnncli.homework.exact_ops.matrix_text import split_filters
    from cnncli.homework.mistakes.exact_ops import nested, of_exercise

    fields = _checked(question, CONVOLVE_FIELDS)
    kernels = tuple(split_filters(fields.get("kernel", "")) if fields.get("kernel") else ())
    written = [
        ("input", fields.get("input", "")),
        *(("kernel", k) for k in kernels),
        ("upstream", fields.get("upstream", "")),
    ]
    for key, text in written:
        if is_file(text):
            raise CnnError(f"{question.name}: {key} is the name of a file", 'write the matrix: "0 1 2; 3 4 5"')
    exercise = read_exercise(
        Written(
            fields.get("input", ""),
            kernels,
            fields.get("filter", ""),
            fields.get("pool", ""),
            fields.get("stride", ""),
            fields.get("padding", "0"),
            fields.get("padding_mode", "zeros"),
            fields.get("dilation", ""),
            (fields["bias"],) if fields.get("bias") else (),
            _yes(question, "flip"),
            _yes(question, "transposed"),
            _whole(question, "output_padding", 0),
        )
    )
    if fields.get("upstream"):
        return _gradient(question, exercise)
    truth = nested(exercise.result())
    working = tuple(
        f"{step.working} = {matrices.shown(step.value)}" for step, _ in zip(exercise.steps(), range(4), strict=False)
    )
    return ExpectedAnswer(truth, matrices.maps_text(truth), working, of_exercise(exercise))


def _gradient(question: Question, exercise: Any) -> ExpectedAnswer:
    from cnncli.homework.exact_ops import matrices, operations
    from cnncli.homework.mistakes.exact_ops import nested

    find = question.fields.get("find", "input")
    if find not in ("input", "kernel") or exercise.pool or exercise.transposed:
        raise CnnError(f"{question.name}: gradients are those of a convolution", "find input or kernel")
    upstream = matrices.read_numbers(question.fields["upstream"])
    while upstream.ndim < exercise.x.ndim:
        upstream = upstream[None]
    found = exercise.gradients(upstream)
    gradient = found.to_input if find == "input" else found.to_kernel.reshape(-1, *found.to_kernel.shape[2:])
    truth = nested(operations.simplest(gradient))
    how = (
        "the full convolution of the upstream gradient with the kernel flipped (at stride 1)"
        if find == "input"
        else "the cross-correlation of the input with the upstream gradient"
    )
    return ExpectedAnswer(truth, matrices.maps_text(truth), (how,), {})
