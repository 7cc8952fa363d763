"""What can be asked, and the right answer: a figure of a layer, a block or the whole network; a size; a matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from cnncli.analysis.explanation import explain
from cnncli.arithmetic.shape import format_shape
from cnncli.arithmetic.window import Window
from cnncli.errors import CnnError, Problem, suggestion
from cnncli.homework import mistakes
from cnncli.homework.answer_key.conventions import OF_THE_NETWORK, USUAL, Conventions, network_under, said
from cnncli.homework.answer_key.expected import NO_FIT, PER_AXIS, ExpectedAnswer
from cnncli.homework.answer_key.sheet import Question, Sheet, is_convolve, is_solve
from cnncli.homework.mistakes.counts import of_flops, of_macs, of_params, of_sum, of_weights
from cnncli.homework.mistakes.fields import TERMS, as_sum, of_jump, of_receptive_field
from cnncli.homework.mistakes.sizes import of_shape
from cnncli.inference import BYTES_PER_PARAMETER, SUMMED, Inferred, LayerInfo

SHAPES = ("shape", "output", "output_shape", "input_shape")
FIELDS = {
    **dict.fromkeys(("receptive_field", "rf", "sees"), "size"),
    **dict.fromkeys(("jump", "rf_stride", "receptive_field_stride"), "stride"),
    **dict.fromkeys(("rf_offset", "receptive_field_offset"), "offset"),
}
WINDOW: dict[str, Callable[[Window], int]] = {
    "kernel": lambda window: window.kernel,
    "stride": lambda window: window.stride,
    "padding": lambda window: window.before,
    "dilation": lambda window: window.dilation,
    "effective_kernel": lambda window: window.effective_kernel,
}
COUNTS = (*SUMMED, "parameter_bytes")
OTHER_NAMES = {"parameters": "params", "operations": "flops", "multiply_accumulates": "macs", "size": "shape"}
SAME = {**dict.fromkeys(("output", "output_shape"), "shape"), **{name: f"field's {of}" for name, of in FIELDS.items()}}
FIGURES = (*SHAPES, *COUNTS, *FIELDS, *WINDOW, "dropped")
NOTHING = (
    "none",
    "no",
    "zero",
    *(f"{no} {what}" for no in ("no", "zero") for what in ("parameters", "params", "weights")),
)


class AnswerCache(NamedTuple):
    """Right answers and networks that were worked out, kept from one sheet of a class to the next."""

    truths: dict[tuple[Any, ...], ExpectedAnswer]
    networks: dict[tuple[Any, ...], Inferred]
    variants: dict[tuple[Any, ...], list[tuple[ExpectedAnswer, str]]]


def nothing_known() -> AnswerCache:
    """To begin with."""
    return AnswerCache({}, {}, {})


def right_answer(
    sheet: Sheet, question: Question, known: AnswerCache, conventions: Conventions | None = None
) -> ExpectedAnswer:
    """The right answer to a question, worked out once. Raises CnnError for one that cannot be asked."""
    chosen = sheet.conventions[0] if conventions is None else conventions
    key = (*_key(question), chosen)
    if key not in known.truths:
        known.truths[key] = _truth(sheet, question._replace(given=""), known, chosen)
    return known.truths[key]


def refuse_unasked(sheet: Sheet, known: AnswerCache) -> None:
    """Raises CnnError with all questions of a sheet that cannot be asked, each with its place."""
    problems: list[Problem] = []
    for question in sheet.questions:
        try:
            right_answer(sheet, question, known)
        except CnnError as error:
            problems += [p if p.place else p._replace(place=question.place) for p in error.problems]
    if problems:
        raise CnnError.of(problems)


def _key(question: Question) -> tuple[Any, ...]:
    return question.name, repr(sorted(question.fields.items()))


def other_answers(sheet: Sheet, question: Question, known: AnswerCache) -> list[tuple[ExpectedAnswer, str]]:
    """The answers that are right under the other conventions that are accepted, each with what these are."""
    if len(sheet.conventions) == 1:
        return []
    key = _key(question)
    if key not in known.variants:
        first = right_answer(sheet, question, known)
        found: dict[Any, tuple[ExpectedAnswer, str]] = {}
        for conventions in sorted(sheet.conventions[1:], key=lambda c: _apart(c, sheet.conventions[0])):
            truth = right_answer(sheet, question, known, conventions)
            if (truth.value, truth.order) != (first.value, first.order):
                found.setdefault((truth.value, truth.order), (truth, said(conventions, sheet.conventions[0])))
        known.variants[key] = [*found.values()]
    return known.variants[key]


def _apart(one: Conventions, other: Conventions) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


def _truth(sheet: Sheet, question: Question, known: AnswerCache, conventions: Conventions) -> ExpectedAnswer:
    if is_solve(question):
        from cnncli.homework.answer_key.standalone import solve_truth

        return solve_truth(question, conventions)
    if is_convolve(question):
        from cnncli.homework.answer_key.standalone import convolve_truth

        return convolve_truth(question)
    if sheet.loaded is None:
        raise CnnError(f"{question.name}: no architecture is named", "write architecture: lenet5")
    layer, figure = asked(sheet.loaded.inferred, question.name)
    return expected_answer(network_for(sheet, known, conventions), layer, figure, conventions, sheet.loaded.inferred)


def network_for(sheet: Sheet, known: AnswerCache, conventions: Conventions) -> Inferred:
    """The sheet's network under conventions, worked out once."""
    assert sheet.loaded is not None
    key = tuple(getattr(conventions, name) for name in OF_THE_NETWORK)
    if not any(key):
        return sheet.loaded.inferred
    if key not in known.networks:
        known.networks[key] = network_under(sheet.loaded.graph, conventions)
    return known.networks[key]


def asked(inferred: Inferred, name: str) -> tuple[str, str]:
    """``stage1.conv1.params`` as the layer and the figure. Raises CnnError for unknown ones."""
    layer, dot, figure = name.rpartition(".")
    figure = _figure(figure)
    if not dot:
        raise CnnError(f"{name}: is not a question", "ask LAYER.FIGURE, as c1.params, or total.params")
    if figure not in FIGURES:
        hint = suggestion(figure, FIGURES, f"ask {', '.join(FIGURES)}")
        raise CnnError(f"{name}: there is no figure {figure!r}", hint)
    if layer in inferred.facts:
        if figure in WINDOW and not inferred.facts[layer].figures.windows:
            raise CnnError(f"{name}: a {inferred.facts[layer].node.layer.kind} has no {figure}")
        return layer, figure
    if layer == "total" or any(True for _ in _members(inferred, layer)):
        if figure not in COUNTS:
            whole = "a network" if layer == "total" else "a block"
            raise CnnError(f"{name}: {whole} has no {figure} of its own", f"ask {', '.join(COUNTS)}")
        return layer, figure
    inferred.layer(layer)
    return layer, figure


def _figure(text: str) -> str:
    figure = text.lower().replace(" ", "_").replace("-", "_")
    return OTHER_NAMES.get(figure, figure)


def one_name(name: str) -> str:
    """A question's name such that all names of the same figure are one: ``c1.parameters`` and ``c1.params``."""
    layer, dot, figure = name.rpartition(".")
    return f"{layer}.{SAME.get(_figure(figure), _figure(figure))}" if dot else name


def _members(inferred: Inferred, scope: str) -> Iterator[LayerInfo]:
    """The layers of a block, or of the whole network (``total``)."""
    for name, facts in inferred.facts.items():
        if scope == "total" or name.startswith(f"{scope}."):
            yield facts


# Figures ----------------------------------------------------------------------------------------------------------


def expected_answer(
    inferred: Inferred, layer: str, figure: str, conventions: Conventions = USUAL, usual: Inferred | None = None
) -> ExpectedAnswer:
    """The right answer about a layer, a block, or the whole network (``total``), in a network under conventions.

    ``usual`` is the network as its file has it, in which all layers fit.
    """
    if layer not in inferred.facts:
        if usual is not None and layer in usual.facts:
            return _no_fit(usual, layer, figure, conventions)
        return _sum_truth(inferred if usual is None else summed_in(inferred, usual), layer, figure, conventions)
    facts = inferred.facts[layer]
    if figure in SHAPES:
        shape = facts.figures.output_shape if figure != "input_shape" else facts.input_shapes[0]
        wrong = of_shape(inferred, facts) if figure != "input_shape" else {}
        if conventions.order == "HxWxC" and len(shape) > 1:
            text = format_shape((*shape[1:], shape[0]))
        else:
            text = format_shape(shape)
        derivation = _derivation(inferred, layer, "output") if figure != "input_shape" else ()
        return ExpectedAnswer(shape, text, derivation, dict(wrong), order=conventions.order)
    if figure in FIELDS:
        return _field_truth(inferred, facts, FIELDS[figure])
    if figure in WINDOW or figure == "dropped":
        return _window_truth(facts, figure)
    return _count_truth(inferred, facts, figure, conventions)


def summed_in(inferred: Inferred, usual: Inferred) -> Inferred:
    """The network under conventions that a sum is taken in: as its file has it where one of its layers does not fit."""
    return inferred if len(inferred.facts) == len(usual.facts) else usual


def _no_fit(usual: Inferred, layer: str, figure: str, conventions: Conventions) -> ExpectedAnswer:
    """Of a layer that does not fit exactly, or stands below one."""
    plain = expected_answer(usual, layer, figure)
    candidates = {"does_not_fit_unreported": plain.value, **plain.candidates}
    why = (*plain.derivation, f"(rounding {conventions.rounding or 'exact'}: here or above a window leaves a rest)")
    return ExpectedAnswer(NO_FIT, NO_FIT, why, candidates)


def counted(facts: LayerInfo, figure: str, conventions: Conventions = USUAL) -> int:
    """A layer's count under conventions."""
    figures = facts.figures
    if conventions.operations == "MACs" and figure == "flops":
        return figures.macs
    count: int = getattr(figures, figure) if figure != "parameter_bytes" else figures.params * BYTES_PER_PARAMETER
    if figure in ("params", "trainable"):
        if conventions.bias == "not counted":
            count -= (
                figures.biases if "bias" in figures.weight_shapes and "running_mean" not in figures.buffer_shapes else 0
            )
        if conventions.batchnorm == "4C":
            count += figures.buffers
    return count


def _count_truth(inferred: Inferred, facts: LayerInfo, figure: str, conventions: Conventions) -> ExpectedAnswer:
    value = counted(facts, figure, conventions)
    derivation = _derivation(inferred, facts.node.name, figure)
    usual = counted(facts, figure)
    if value != usual:
        derivation = (*derivation, f"({said(conventions, USUAL)}: {value})")
    wrong: dict[str, Any] = {name: other for name, other in _wrong(inferred, facts, figure).items() if other != value}
    return ExpectedAnswer(value, f"{value:,}", derivation, wrong, words=frozenset(() if value else NOTHING))


def _wrong(inferred: Inferred, facts: LayerInfo, figure: str) -> mistakes.Candidates:
    if figure in ("params", "trainable"):
        # where biases are not counted by convention; a layer without any has a mistake of its own by that name
        return {"counted_bias": facts.figures.params, **of_params(inferred, facts)}
    if figure == "weights":
        return dict(of_weights(inferred, facts))
    if figure == "macs":
        return dict(of_macs(facts))
    return dict(of_flops(facts)) if figure == "flops" else {}


def _sum_truth(inferred: Inferred, scope: str, figure: str, conventions: Conventions) -> ExpectedAnswer:
    members = list(_members(inferred, scope))
    counts = [counted(facts, figure, conventions) for facts in members]
    total = sum(counts)
    terms = [str(count) for count in counts if count]
    shown = terms if len(terms) <= TERMS else [*terms[:TERMS], "…"]
    wrong = of_sum(inferred, members, figure) if figure in SUMMED else {}
    candidates: dict[str, Any] = {name: value for name, value in wrong.items() if value != total}
    return ExpectedAnswer(total, f"{total:,}", tuple(dict.fromkeys((" + ".join(shown) or "0", str(total)))), candidates)


def _derivation(inferred: Inferred, layer: str, figure: str) -> tuple[str, ...]:
    steps = [step for step in explain(inferred, layer).steps if step.figure.startswith(figure)]
    exact = [step for step in steps if step.figure == figure] or steps
    if len({(step.formula, step.numbers) for step in exact}) == 1:  # both axes alike
        exact = exact[:1]
    lines = []
    for step in exact:
        parts = dict.fromkeys((step.formula, step.numbers, str(step.value)))
        start = f"{step.figure}: " if len(exact) > 1 else ""
        lines += [f"{start}{' = '.join(parts)}"] if len(exact) > 1 else [*parts]
        if step.remark and step.remark not in lines:
            lines.append(f"({step.remark})")
    return tuple(lines)


def _field_truth(inferred: Inferred, facts: LayerInfo, what: str) -> ExpectedAnswer:
    fields = [*facts.receptive_field.values()]
    values = tuple(getattr(axis, what) for axis in fields[0].axes) if fields else ()
    wrong = {"size": of_receptive_field, "stride": of_jump}.get(what)
    candidates = wrong(inferred, facts) if wrong is not None else {}
    extents = {entry.name: entry.shape for entry in inferred.graph.inputs}
    everything = what == "size" and all(field.sees_all(extents[name]) for name, field in facts.receptive_field.items())
    derivation = _derivation(inferred, facts.node.name, f"receptive field {what}")
    truth = _of_axes(values, derivation, dict(candidates))
    if what == "size" and isinstance(truth.value, int):
        truth = truth._replace(derivation=(*derivation, *as_sum(inferred, facts, truth.value)))
    return truth._replace(words=frozenset(("all", "everything", "the whole input")) if everything else frozenset())


def _window_truth(facts: LayerInfo, figure: str) -> ExpectedAnswer:
    windows = facts.figures.windows
    values = facts.figures.dropped if figure == "dropped" else tuple(map(WINDOW[figure], windows))
    return _of_axes(values, (), {})


def _of_axes(values: tuple[Any, ...], derivation: tuple[str, ...], candidates: mistakes.Candidates) -> ExpectedAnswer:
    """One number where all axes agree, else one for each."""
    value: Any = values[0] if len({*values}) == 1 else values
    text = "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
    exact = Fraction(value) if isinstance(value, float) else value
    return ExpectedAnswer(exact, text, derivation, candidates, order=PER_AXIS)
