"""The expected answers to ``solve`` questions: one size."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from cnncli.arithmetic.window import (
    PADDING_NAMES,
    SAME_NAMES,
    Window,
    fits,
    last_start,
    output_size,
    remainder,
    split_padding,
    transposed_size,
)
from cnncli.errors import CnnError
from cnncli.homework.answer_key.conventions import CHOICES, DEFAULTS, Conventions
from cnncli.homework.answer_key.expected import NO_FIT, PER_AXIS, ExpectedAnswer
from cnncli.homework.answer_key.question_fields import check_names, flag, integer
from cnncli.homework.answer_key.sheet import Question
from cnncli.homework.mistakes.wrong_values import NONE, Values, WrongValues

FIELDS = (
    *("input", "kernel", "stride", "padding", "dilation", "output"),
    *("rounding", "transposed", "output_padding", "find"),
)
SIZE_LIMIT = 100_000  # the largest input or output size of a search
SEARCH_LIMIT = 4 * SIZE_LIMIT  # values that are tried
SMALLEST = {"kernel": 1, "stride": 1, "padding": 0, "dilation": 1}
SHOWN_SOLUTIONS = 4  # besides the first


def solve_answer(question: Question, conventions: Conventions = DEFAULTS) -> ExpectedAnswer:
    """One size: ``{input: 7, kernel: 3, stride: 3, output: does not fit}``; or, with ``find: padding``, the padding.

    A window must fit exactly unless rounding is floor or ceil (in the question or by convention). Raises CnnError.
    """
    check_names(question, FIELDS)
    find = question.fields.get("find", "output")
    if find == "output":
        of = _transposed if flag(question, "transposed") else _output
        return of(question, conventions)._replace(quantity="size")
    if find not in ("input", "kernel", "stride", "padding", "dilation"):
        raise CnnError(
            f"{question.name}: cannot find {find!r}", "find input, kernel, stride, padding, dilation or output"
        )
    is_in_total = find == "padding" and conventions.padding == "in total"
    return _inverse(question, find, conventions)._replace(quantity="" if is_in_total else find)


def _rounding(question: Question, conventions: Conventions) -> str:
    rounding = question.fields.get("rounding") or conventions.rounding or "exact"
    if rounding not in CHOICES["rounding"]:
        raise CnnError(f"{question.name}: unknown rounding {rounding[:40]!r}", f"use {', '.join(CHOICES['rounding'])}")
    return rounding


def _window(question: Question, size: int, conventions: Conventions, **known: int) -> Window:
    """The window of a question, with the values that are ``known`` in place of its fields."""
    from cnncli.analysis.solving.windows import window_for

    kernel = known.get("kernel") or integer(question, "kernel")
    stride = known.get("stride") or integer(question, "stride", 1)
    dilation = known.get("dilation") or integer(question, "dilation", 1)
    text = question.fields.get("padding", "0") if "padding" not in known else str(known["padding"])
    padding: int | str = text if text in PADDING_NAMES else known.get("padding", -1)
    if padding == -1:
        padding = integer(question, "padding", 0)
    if kernel < 1 or stride < 1 or dilation < 1 or size < 1:
        raise CnnError(f"{question.name}: sizes, strides and dilations must be at least 1")
    window = window_for(size, kernel, stride, padding, dilation)
    if conventions.padding == "in total" and isinstance(padding, int):
        before, after = split_padding(padding)
        window = window._replace(before=before, after=after)
    return window._replace(ceil=_rounding(question, conventions) == "ceil")


# The output size --------------------------------------------------------------------------------------------------


def _output(question: Question, conventions: Conventions) -> ExpectedAnswer:
    from cnncli.homework.mistakes.size_mistakes import Slide, of_size

    size = integer(question, "input")
    window = _window(question, size, conventions)
    is_exact = _rounding(question, conventions) == "exact"
    formula, windows = _formula(size, window, is_exact=is_exact), ((size, window),)
    if not fits(size, window):
        derivation = (formula, f"(effective kernel size {window.effective_kernel})")
        return ExpectedAnswer(NO_FIT, NO_FIT, derivation, NONE, windows=windows)
    output, slide = output_size(size, window), Slide(size, window, question.fields.get("padding") in SAME_NAMES)
    exact = Fraction(last_start(size, window), window.stride) + 1
    if is_exact and exact != output:
        derivation = (formula, f"{float(exact):.4g} is not whole")
        candidates = WrongValues(lambda: {**of_size(slide), **_unreported(output, exact)})
        text = _no_fit_text(question, conventions, output)
        return ExpectedAnswer(NO_FIT, text, derivation, candidates, windows=windows)
    fractions = _fractions("not_rounded", exact) if exact != output and not window.ceil else {}
    candidates = WrongValues(lambda: {**of_size(slide), **fractions, "gave_area": output * output}, (output,))
    return ExpectedAnswer(output, str(output), (formula, str(output)), candidates, order=PER_AXIS, windows=windows)


def _no_fit_text(question: Question, conventions: Conventions, output: int) -> str:
    """Also the size when rounded down, where neither the question nor its key states the rounding: both are correct."""
    return NO_FIT if states_rounding(question, conventions) else f"{NO_FIT} (rounded down: {output})"


def states_rounding(question: Question, conventions: Conventions) -> bool:
    """Whether a question, or the conventions of its key, state what a window that does not fit exactly gives."""
    return bool(question.fields.get("rounding") or conventions.rounding)


def _unreported(output: int, exact: Fraction) -> Values:
    """The answers that ignore that a window does not fit: rounded down, exact, or with up to three decimals."""
    return {"does_not_fit_unreported": output, **_fractions("does_not_fit_unreported#fraction", exact)}


def _fractions(name: str, exact: Fraction) -> Values:
    """A size that is not whole, exactly and with up to three decimals, each value once."""
    values = dict.fromkeys((exact, *(round(exact, decimals) for decimals in (3, 2, 1))))
    return {f"{name}{'/' if '#' in name else '#'}{at}": value for at, value in enumerate(values)}


def _formula(size: int, window: Window, *, is_exact: bool) -> str:
    """The size formula with its numbers, as :func:`cnncli.arithmetic.window.output_size` itself computes it.

    The kernel is the effective one, and the padding is written in total where the formula takes it in total. An exact
    division, and one that the question asks to be exact (``is_exact``), is not rounded.
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
    from cnncli.homework.mistakes.size_mistakes import of_transposed_size

    if question.fields.get("padding") in (*SAME_NAMES, "full"):
        raise CnnError(
            f"{question.name}: a transposed convolution needs a numeric padding", "write the padding per side"
        )
    size, extra = integer(question, "input"), integer(question, "output_padding", 0)
    window = _window(question, size, conventions)
    output = transposed_size(size, window, extra)
    total_padding = window.before + window.after
    formula = f"({size} - 1) * {window.stride} + {window.effective_kernel} - {total_padding}" + (
        f" + {extra}" if extra else ""
    )
    if output < 1:
        return ExpectedAnswer(NO_FIT, NO_FIT, (formula, str(output)), NONE)
    candidates = WrongValues(
        lambda: {**of_transposed_size(size, window, extra), "gave_area": output * output}, (output,)
    )
    return ExpectedAnswer(output, str(output), (formula, str(output)), candidates, order=PER_AXIS)


# The inverse ------------------------------------------------------------------------------------------------------


class _Search(NamedTuple):
    """The field that a question asks to ``find``, for an ``output`` size; ``size`` is that of the input, if known."""

    question: Question
    find: str
    conventions: Conventions
    output: int
    is_exact: bool
    size: int

    def window(self, value: int) -> tuple[int, Window]:
        """The input size and the window with a value of the field."""
        if self.find == "input":
            return value, _window(self.question, value, self.conventions)
        return self.size, _window(self.question, self.size, self.conventions, **{self.find: value})

    def is_solution(self, size: int, window: Window) -> bool:
        gives = fits(size, window) and output_size(size, window) == self.output
        return gives and not (self.is_exact and remainder(size, window))


def _inverse(question: Question, find: str, conventions: Conventions) -> ExpectedAnswer:
    """Every value of a field that gives the output size; the first is shown."""
    output, is_exact = integer(question, "output"), _rounding(question, conventions) == "exact"
    size = 0 if find == "input" else integer(question, "input")
    search = _Search(question, find, conventions, output, is_exact, size)
    if max(search.size, search.output) > SIZE_LIMIT:
        raise CnnError(f"{question.name}: sizes above {SIZE_LIMIT:,} are not searched")
    values = [value for value in _range(search) if search.is_solution(*search.window(value))]
    if not values:
        impossible = "not possible"
        derivation = (f"no {find} gives {search.output}",)
        return ExpectedAnswer(impossible, impossible, derivation, NONE, words=frozenset((NO_FIT,)))
    first, others = values[0], values[1:]
    shown = ", ".join(map(str, others[:SHOWN_SOLUTIONS])) + (", …" if len(others) > SHOWN_SOLUTIONS else "")
    text = f"{first} (also {shown})" if others else str(first)
    derivation = (f"{_formula(*search.window(first), is_exact=search.is_exact)} = {search.output}",)
    candidates = WrongValues(lambda: _wrong_solutions(search, first), frozenset(values))
    return ExpectedAnswer(first, text, derivation, candidates, frozenset(values), order=PER_AXIS)


def _wrong_solutions(search: _Search, first: int) -> Values:
    """The values of a field that each mistake finds, where ``first`` is correct."""
    _, window = search.window(first)
    if search.find == "padding":
        return {"padding_in_total": 2 * first, "padding_is_kernel#find": window.kernel}
    if search.find == "input":
        from cnncli.homework.mistakes.size_mistakes import of_input_size

        return of_input_size(search.output, window)
    return {}


def _range(search: _Search) -> range:
    """The values that can be solutions. Raises CnnError for too many."""
    find, output, size, text = search.find, search.output, search.size, search.question.fields.get("padding")
    smallest = {find: SMALLEST[find]} if find in SMALLEST else {}
    window = _window(search.question, size or SIZE_LIMIT, search.conventions, **smallest)
    padding, stride = window.before + window.after, window.stride
    # The padded input is at most this large: n + p - k lies from s (m - 2) + 1, where it is rounded up, to s m - 1.
    most = stride * output + window.effective_kernel
    if find == "input":
        variation = window.effective_kernel - 1 if text in SAME_NAMES else 0
        last = max(most - (0 if variation else padding), (stride * output - window.before + 1) * window.ceil)
        found = range(max(1, most - 2 * stride + 1 - max(padding, variation)), last)
    elif find == "padding":
        found = range(max(0, (most - 2 * stride + 1 - size) // 2), max(0, most - size) + 1)
    else:
        # The window lies inside the padded input, which grows with it for full padding. Values without a bound, such as
        # a stride at output size 1, are tried up to this one.
        overhang = stride if window.ceil else 0
        full = stride * output if text == "full" else 0
        found = range(1, max(3 * size, size + padding + overhang, full) + 1)
    if len(found) > SEARCH_LIMIT:
        raise CnnError(f"{search.question.name}: more than {SEARCH_LIMIT:,} values to search", "use smaller numbers")
    return found
