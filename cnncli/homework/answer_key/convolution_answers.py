"""The expected answers to ``convolve`` questions: exact convolution, pooling and gradients."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from cnncli.errors import CnnError
from cnncli.homework.answer_key.expected import ExpectedAnswer
from cnncli.homework.answer_key.question_fields import check_names, flag, integer
from cnncli.homework.answer_key.sheet import Question
from cnncli.homework.mistakes.wrong_values import WrongValues
from cnncli.language.aliases import kind_named
from cnncli.layers import KINDS

if TYPE_CHECKING:
    from cnncli.homework.exact_ops.exercise import Exercise

TEXTS = ("input", "filter", "pool", "stride", "padding", "padding_mode", "dilation")
FIELDS = (
    *TEXTS,
    "kernel",
    "bias",
    "flip",
    "transposed",
    "output_padding",
    "count_include_pad",
    "upstream",
    "find",
    "result",
)
SHOWN_WINDOWS = 4  # in a derivation


def convolve_answer(question: Question) -> ExpectedAnswer:
    """A convolution or a pool: ``{input: "0 1 2; …", kernel: "0 1; 2 3", result: "19 25; 37 43"}``.

    The fields are those of ``cnn convolve``; ``||`` separates filters. With ``upstream`` and ``find: input`` or
    ``find: kernel`` the gradient is asked. Raises CnnError.
    """
    from cnncli.homework.exact_ops import matrices
    from cnncli.homework.mistakes.exact_op_mistakes import nested, of_exercise

    check_names(question, FIELDS)
    exercise = _exercise(question)
    if question.fields.get("upstream"):
        return _gradient(question, exercise)
    value = nested(exercise.result())
    steps = islice(exercise.steps(), SHOWN_WINDOWS)
    derivation = tuple(f"{step.expression} = {matrices.shown(step.value)}" for step in steps)
    candidates = WrongValues(lambda: of_exercise(exercise), (value,))
    return ExpectedAnswer(value, matrices.maps_text(value), derivation, candidates)


def _without_kernel(question: Question) -> CnnError:
    """The error for a question without a kernel: of a layer type that has none, or with what to add."""
    kind = kind_named(question.name.split()[-1])
    if kind is not None and "kernel" not in KINDS[kind].schema:
        message = f"{question.name}: a sheet cannot ask for the values of {kind}"
        return CnnError(message, f"calculate them with cnn convolve … --layer {kind}")
    hint = (
        "add kernel: 2"
        if question.fields.get("pool")
        else 'add one, e.g. kernel: "0 1; 2 3", filter: sobel_x, or pool: max, kernel: 2'
    )
    return CnnError(f"{question.name}: missing kernel", hint)


def _exercise(question: Question) -> Exercise:
    from cnncli.homework.exact_ops.exercise import ExerciseText, read_exercise
    from cnncli.homework.exact_ops.matrix_text import split_filters

    fields = question.fields
    if not fields.get("kernel") and not fields.get("filter"):
        raise _without_kernel(question)
    kernels = tuple(split_filters(fields["kernel"]) if fields.get("kernel") else ())
    _refuse_files(question, kernels)
    return read_exercise(
        ExerciseText(
            **{"input": "", **{name: fields[name] for name in TEXTS if name in fields}},
            kernels=kernels,
            bias=(fields["bias"],) if fields.get("bias") else (),
            flip=flag(question, "flip"),
            transposed=flag(question, "transposed"),
            output_padding=integer(question, "output_padding", 0),
            count_include_pad=flag(question, "count_include_pad", default=True),
        )
    )


def _refuse_files(question: Question, kernels: tuple[str, ...]) -> None:
    """Raises CnnError for a matrix that names a file: a sheet is someone else's text."""
    from cnncli.homework.exact_ops.matrix_files import is_file

    matrices = [(name, question.fields.get(name, "")) for name in ("input", "upstream")]
    for name, text in (*matrices, *(("kernel", kernel) for kernel in kernels)):
        if is_file(text):
            raise CnnError(f"{question.name}: {name} is a file name", 'write the matrix: "0 1 2; 3 4 5"')


def _gradient(question: Question, exercise: Exercise) -> ExpectedAnswer:
    from cnncli.homework.exact_ops import matrices
    from cnncli.homework.mistakes.exact_op_mistakes import gradient_of, nested, of_gradient

    find = question.fields.get("find", "input")
    if exercise.transposed or find not in (("input",) if exercise.pool else ("input", "kernel")):
        raise CnnError(
            f"{question.name}: find {find} is not a gradient of this operation",
            "find input of a pool or a convolution, or kernel of a convolution",
        )
    upstream = exercise.read_upstream(question.fields["upstream"])
    value = nested(gradient_of(exercise, upstream, find))
    candidates = WrongValues(lambda: of_gradient(exercise, upstream, find), (value,))
    return ExpectedAnswer(value, matrices.maps_text(value), _derivation(exercise, upstream, find), candidates)


def _derivation(exercise: Exercise, upstream: Any, find: str) -> tuple[str, ...]:
    """The first windows of a pool's gradient; the method, for a convolution."""
    from cnncli.homework.exact_ops import matrices

    if exercise.pool:
        steps = islice(exercise.pool_gradient_steps(upstream), SHOWN_WINDOWS)
        return tuple(f"{step.expression} = {matrices.shown(step.value)}" for step in steps)
    if find == "input":
        return ("the full convolution of the upstream gradient with the flipped kernel (at stride 1)",)
    return ("the cross-correlation of the input with the upstream gradient",)
