"""Checking a sheet: each answer right or wrong, the derivation, the likely mistake, and errors that were carried on."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from cnncli.errors import CnnError, suggestion
from cnncli.explanation import explain
from cnncli.homework import answers, mistakes
from cnncli.homework.answers import Given
from cnncli.homework.sheet import Question, Sheet
from cnncli.inference import SUMMED, Facts, Inferred, infer_all
from cnncli.shape import Shape, elements, format_shape

ANSWERS = ("output", "result")  # the fields of a solve and a convolve that are answers
SHAPES = ("shape", "output", "output_shape")
FIELDS = {"receptive_field": "size", "rf": "size", "sees": "size", "jump": "stride", "rf_stride": "stride"}
OTHER_NAMES = {"parameters": "params", "operations": "flops", "weights_and_biases": "params"}


class Answer(NamedTuple):
    """What was found of one answer. ``remarks`` say how it was read, and what was carried on."""

    question: str
    given: str
    correct: bool
    expected: str
    mistakes: tuple[str, ...] = ()
    follow_through: bool = False
    derivation: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    blank: bool = False


class Truth(NamedTuple):
    """The right answer (a number, a shape, a matrix or "does not fit"), how it comes about, and what mistakes give."""

    value: Any
    text: str
    derivation: tuple[str, ...]
    candidates: dict[str, Any]


Known = dict[tuple[str, str], Truth]


def check(sheet: Sheet, known: Known | None = None) -> list[Answer]:
    """Check every answer of a sheet, in its order. Raises CnnError for a question that cannot be asked.

    ``known`` keeps the right answers from one sheet of a class to the next.
    """
    found: list[Answer] = []
    forced: dict[str, Shape] = {}  # shapes that were answered wrong: the rest may follow from them
    wrong: dict[str, Fraction] = {}  # numbers that were
    for question in sheet.questions:
        truth = right_answer(sheet, question, {} if known is None else known)
        given = answers.read(question.given)
        answer = compared(question, truth, given)
        if not answer.correct and not answer.blank:
            answer = _followed(sheet, question, given, answer, forced, wrong)
            _remember(sheet, question, given, forced, wrong)
        found.append(answer)
    return found


# The right answer -------------------------------------------------------------------------------------------------


def right_answer(sheet: Sheet, question: Question, known: Known) -> Truth:
    """The right answer to a question, worked out once."""
    asked = question._replace(given="", fields={k: v for k, v in question.fields.items() if k not in ANSWERS})
    key = (asked.name, repr(sorted(asked.fields.items())))
    if key not in known:
        known[key] = _truth(sheet, asked)
    return known[key]


def _truth(sheet: Sheet, question: Question) -> Truth:
    if question.name.partition(".")[0] == "solve" or question.name.startswith("solve "):
        from cnncli.homework.worked import solve_truth

        return solve_truth(question)
    if question.name.startswith("convolve"):
        from cnncli.homework.worked import convolve_truth

        return convolve_truth(question)
    assert sheet.loaded is not None
    layer, figure = _asked(sheet.loaded.inferred, question.name)
    return truth_of(sheet.loaded.inferred, layer, figure)


def _asked(inferred: Inferred, name: str) -> tuple[str, str]:
    """``stage1.conv1.params`` as the layer and the figure. Raises CnnError for unknown ones."""
    layer, dot, figure = name.rpartition(".")
    figure = OTHER_NAMES.get(figure.lower(), figure.lower())
    if not dot:
        raise CnnError(f"{name}: is not a question", "ask LAYER.FIGURE, as c1.params, or total.params")
    known = [*SHAPES, *SUMMED, *FIELDS]
    if figure not in known:
        raise CnnError(f"{name}: there is no figure {figure!r}", suggestion(figure, known, f"ask {', '.join(known)}"))
    if layer == "total":
        if figure not in SUMMED:
            raise CnnError(f"{name}: a network has no total {figure}", f"ask {', '.join(SUMMED)}")
        return layer, figure
    inferred.layer(layer)
    return layer, figure


def truth_of(inferred: Inferred, layer: str, figure: str) -> Truth:
    """The right answer to a question about a layer, or about the whole network (``total``)."""
    if layer == "total":
        total = inferred.totals[figure]
        counts = [getattr(facts.figures, figure) for facts in inferred.facts.values()]
        parts = [str(count) for count in counts if count]
        return Truth(
            total,
            f"{total:,}",
            tuple(dict.fromkeys((" + ".join(parts) or "0", str(total)))),
            _totals_wrong(inferred, figure),
        )
    facts = inferred.facts[layer]
    if figure in SHAPES:
        shape = facts.figures.output_shape
        return Truth(shape, format_shape(shape), _derivation(inferred, layer, "output"), dict(mistakes.of_shape(facts)))
    if figure in FIELDS:
        return _field_truth(inferred, facts, FIELDS[figure])
    value = getattr(facts.figures, figure)
    return Truth(value, f"{value:,}", _derivation(inferred, layer, figure), _wrong(facts, figure))


def _wrong(facts: Facts, figure: str) -> dict[str, Any]:
    if figure in ("params", "trainable"):
        return dict(mistakes.of_params(facts))
    if figure in ("weights",):
        return {**mistakes.of_params(facts), "one_bias_total": facts.figures.weights + 1}
    if figure == "macs":
        return dict(mistakes.of_macs(facts))
    return dict(mistakes.of_flops(facts)) if figure == "flops" else {}


def _totals_wrong(inferred: Inferred, figure: str) -> dict[str, Any]:
    """Mistakes of a sum: the same mistake in every layer."""
    totals = inferred.totals
    if figure in ("params", "trainable"):
        return {"forgot_bias": totals["weights"], "bn_count": totals["params"] + totals["buffers"]}
    return (
        {"macs_vs_flops": 2 * totals["macs"] if figure == "macs" else totals["macs"]}
        if figure in ("macs", "flops")
        else {}
    )


def _derivation(inferred: Inferred, layer: str, figure: str) -> tuple[str, ...]:
    steps = [step for step in explain(inferred, layer).steps if step.figure.startswith(figure)]
    exact = [step for step in steps if step.figure == figure] or steps
    lines = []
    for step in exact:
        parts = dict.fromkeys((step.formula, step.numbers, str(int(step.value))))
        start = f"{step.figure}: " if len(exact) > 1 else ""
        lines += [f"{start}{' = '.join(parts)}"] if len(exact) > 1 else [*parts]
        if step.remark and step.remark not in lines:
            lines.append(f"({step.remark})")
    return tuple(lines)


def _field_truth(inferred: Inferred, facts: Facts, what: str) -> Truth:
    fields = [*facts.receptive_field.values()]
    values = tuple(getattr(axis, what) for axis in fields[0].axes) if fields else ()
    value: Any = values[0] if len({*values}) == 1 else values
    text = str(value) if not isinstance(value, tuple) else "x".join(map(str, value))
    candidates = mistakes.of_receptive_field(inferred, facts) if what == "size" else {}
    return Truth(value, text, _derivation(inferred, facts.node.name, f"receptive field {what}"), dict(candidates))


# Comparing --------------------------------------------------------------------------------------------------------


def compared(question: Question, truth: Truth, given: Given) -> Answer:
    """An answer against the right one, with the mistakes that explain it; errors that are carried on come later."""
    base = Answer(question.name, question.given, False, truth.text, derivation=truth.derivation)
    if given.is_blank:
        return base._replace(blank=True)
    if isinstance(truth.value, tuple) and isinstance(truth.value[0], tuple):
        return _compared_matrix(base, truth, given)
    right, remark = _is_right(truth.value, given)
    remarks = tuple(filter(None, (f"{given.working} = {_shown(given.number)}" if given.working else "", remark)))
    if right:
        return base._replace(correct=True, remarks=remarks)
    value = _comparable(truth.value, given)
    found: list[str] = []
    if value is not None:
        found = mistakes.explanations(truth.candidates, value) or mistakes.slips(truth.value, value)
    return base._replace(mistakes=tuple(dict.fromkeys(map(mistakes.plain, found))), remarks=remarks)


def _compared_matrix(base: Answer, truth: Truth, given: Given) -> Answer:
    """A matrix: right cell by cell; how many are right is said."""
    from cnncli.homework.matrices import read

    try:
        array = read(given.text)
    except CnnError as error:
        return base._replace(remarks=(str(error).splitlines()[0],))
    rows = array.reshape(1, -1) if array.ndim == 1 else array.reshape(-1, array.shape[-1])
    value = tuple(tuple(row) for row in rows)
    if value == truth.value:
        return base._replace(correct=True)
    found = [name for name, wrong in truth.candidates.items() if wrong == value]
    cells = [(a, b) for one, other in zip(value, truth.value, strict=False) for a, b in zip(one, other, strict=False)]
    right = sum(a == b for a, b in cells)
    same_shape = len(value) == len(truth.value) and len(value[0]) == len(truth.value[0])
    if not found and same_shape and right:
        found = ["window_slip"]
    remark = f"{right} of {len(cells)} cells are right" if same_shape else "the result has another shape"
    return base._replace(mistakes=tuple(dict.fromkeys(map(mistakes.plain, found))), remarks=(remark,))


def _is_right(truth: Any, given: Given) -> tuple[bool, str]:
    if isinstance(truth, str):
        return given.refuses or given.text.strip().lower() == truth, ""
    if not isinstance(truth, tuple):
        same = given.number == truth
        square = given.shape is not None and len(given.shape) > 1 and {*given.shape} == {truth}
        return same or square, ""
    if len(truth) == 1 and given.number is not None:
        return given.number == truth[0], ""
    if given.shape == truth:
        return True, ""
    if len(truth) > 1 and given.shape == (*truth[1:], truth[0]):
        return True, "read as height x width x channels (channels last)"
    return False, ""


def _comparable(truth: Any, given: Given) -> Any:
    """The answer as something that a mistake could have given, or None."""
    if isinstance(truth, tuple):
        return given.shape if given.shape is not None and len(given.shape) == len(truth) else None
    if isinstance(truth, str):
        return given.number
    if given.number is None and given.shape is not None and len({*given.shape}) == 1:
        return Fraction(given.shape[0])
    return given.number


def _shown(number: Fraction | None) -> str:
    return "" if number is None else f"{int(number):,}" if number.denominator == 1 else str(number)


# Follow-through ---------------------------------------------------------------------------------------------------


def _remember(
    sheet: Sheet, question: Question, given: Given, forced: dict[str, Shape], wrong: dict[str, Fraction]
) -> None:
    """Keep a wrong answer that something could follow from: not a degenerate one."""
    if sheet.loaded is None or question.fields:
        return
    layer, figure = _asked(sheet.loaded.inferred, question.name)
    if figure in SHAPES and given.shape is not None and layer in sheet.loaded.inferred.facts:
        right = sheet.loaded.inferred.facts[layer].figures.output_shape
        if len(given.shape) == len(right) and all(size > 0 for size in given.shape) and elements(given.shape) > 1:
            forced[layer] = given.shape
    elif given.number is not None and given.number > 0:
        wrong[question.name] = given.number


def _followed(
    sheet: Sheet, question: Question, given: Given, answer: Answer, forced: dict[str, Shape], wrong: dict[str, Fraction]
) -> Answer:
    """The answer as right given earlier wrong ones, if it is."""
    if sheet.loaded is None or question.fields or not (forced or wrong):
        return answer
    layer, figure = _asked(sheet.loaded.inferred, question.name)
    if layer == "total":
        return _followed_total(sheet.loaded.inferred, figure, given, answer, wrong)
    inferred, _ = infer_all(sheet.loaded.graph, forced=forced)
    if layer not in inferred.facts or layer in forced:
        return answer
    truth = truth_of(inferred, layer, figure)
    if truth.value == truth_of(sheet.loaded.inferred, layer, figure).value or not _is_right(truth.value, given)[0]:
        return answer
    carried = ", ".join(f"{name} of {format_shape(shape)}" for name, shape in forced.items())
    return answer._replace(follow_through=True, mistakes=(), remarks=(*answer.remarks, f"right given {carried}"))


def _followed_total(
    inferred: Inferred, figure: str, given: Given, answer: Answer, wrong: dict[str, Fraction]
) -> Answer:
    changed = Fraction(inferred.totals[figure])
    carried = []
    for name, number in wrong.items():
        layer, other = _asked(inferred, name)
        if other == figure and layer in inferred.facts:
            changed += number - getattr(inferred.facts[layer].figures, figure)
            carried.append(f"{name} of {_shown(number)}")
    if not carried or given.number != changed:
        return answer
    remark = f"right given {', '.join(carried)}"
    return answer._replace(follow_through=True, mistakes=(), remarks=(*answer.remarks, remark))
