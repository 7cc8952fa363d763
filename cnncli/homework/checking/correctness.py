"""Whether one reading of an answer, other than a matrix, is correct; and what a teacher may want to see about it."""

from __future__ import annotations

from fractions import Fraction

from cnncli.arithmetic.window import remainder
from cnncli.homework.answer_key.expected import NO_FIT, PER_AXIS, ExpectedAnswer
from cnncli.homework.checking.parsing import ParsedAnswer
from cnncli.homework.languages.messages import text
from cnncli.homework.reading.spelling import uniform
from cnncli.homework.reading.tokens import NUMBER, WORD, tokenize
from cnncli.homework.reading.words import (
    DENIALS,
    FILLERS,
    FITTING,
    HEDGES,
    NEEDS_NOUN,
    NONE,
    NUMBER_WORDS,
    PARAMETERS,
    UNITS,
)

CHANNELS_LAST = text("read as height x width x channels (channels last)")
NAMES = {
    "params": text("parameters"),
    "weights": text("weights"),
    "biases": text("biases"),
    "activations": text("activations"),
    "connections": text("connections"),
    "trainable": text("trainable parameters"),
    "macs": text("MACs"),
    "flops": text("FLOPs"),
    "parameter_bytes": text("bytes"),
    "size": text("a size"),
    "padding": text("the padding on each side"),
    "shape": text("a shape"),
    "input_shape": text("a shape"),
    "receptive field size": text("the receptive field"),
    "receptive field stride": text("the stride of the receptive field"),
    "receptive field offset": text("the offset of the receptive field"),
}

BESIDE_REFUSAL = text('the number beside "does not fit" disagrees with it')
UNIT_NAMES = {
    "parameters": text("parameters"),
    "operations": text("operations"),
    "biases": text("biases"),
    "bytes": text("bytes"),
    "pixels": text("pixels"),
    "neurons": text("neurons"),
    "channels": text("channels"),
    "connections": text("connections"),
    "layers": text("layers"),
    "in total": text("in total"),
}  # what units count


def is_correct(expected: ExpectedAnswer, given: ParsedAnswer) -> tuple[bool, str]:
    """Whether an answer other than a matrix is correct, and a remark about how it was read."""
    value = expected.value
    if _in_words(expected, given) or (value == 0 and _says_none(expected, given)):
        return True, ""
    if contradiction(expected, given):
        return False, ""
    if isinstance(value, str):
        return given.refuses and NO_FIT in (value, *expected.words), ""
    if not isinstance(value, tuple):
        return _is_number(expected, given), ""
    if len(value) == 1 and given.number == value[0]:
        return True, ""
    return _is_same_shape(value, given, expected.order)


def _in_words(expected: ExpectedAnswer, given: ParsedAnswer) -> bool:
    """Whether an answer is one of the expected texts: ``no parameters``, in any spelling."""
    words = [*expected.words, *([expected.value] if isinstance(expected.value, str) else [])]
    if not words:
        return False
    text = uniform(given.text).strip(" .!")
    bare = " ".join(word for word in text.split() if word not in FILLERS)
    return text in words or bare in words


def _says_none(expected: ExpectedAnswer, given: ParsedAnswer) -> bool:
    """Whether an answer says in words that there are none: ``nothing to learn``, ``none, a pool has no weights``."""
    tokens = tokenize(uniform(given.text))
    said = {token.text for token in tokens if token.kind == WORD}
    has_number = any(token.kind == NUMBER and token.text != "0" for token in tokens) or bool(
        said & {*NUMBER_WORDS} - NONE
    )
    is_denied = any(word == "not" or word.endswith("n't") for word in said) or bool(said & (HEDGES | DENIALS))
    is_counted = expected.quantity in FITTING[PARAMETERS] | {"macs", "flops", "connections", "dropped", "padding"}
    # no and without need a noun: no idea is no answer
    is_said = len(said) == 1 or bool(said & NONE - NEEDS_NOUN) or any((word,) in UNITS for word in said)
    return is_counted and bool(said & NONE) and is_said and not has_number and not is_denied


def contradiction(expected: ExpectedAnswer, given: ParsedAnswer) -> str:
    """Why an answer contradicts the question or itself, in words; empty for one that does not.

    A unit contradicts the question (bytes where parameters are asked), a number a refusal beside it.
    """
    if given.refuses and not _agrees_with_refusal(expected, given):
        return BESIDE_REFUSAL
    counted = [counts for _, counts in given.units]
    fits = [counts not in FITTING or expected.quantity in FITTING[counts] for counts in counted]
    if not expected.quantity or not counted or any(fits):
        return ""
    asked = NAMES.get(expected.quantity, expected.quantity)
    given_unit = UNIT_NAMES.get(counted[0], counted[0])
    if _is_plural(asked):
        return text("the unit contradicts the question: {unit}, where {asked} are asked", unit=given_unit, asked=asked)
    return text("the unit contradicts the question: {unit}, where {asked} is asked", unit=given_unit, asked=asked)


def _is_plural(name: str) -> bool:
    return name.endswith("s") and not name.startswith(("a ", "the "))


def _is_number(expected: ExpectedAnswer, given: ParsedAnswer) -> bool:
    numbers = {expected.value, *expected.also}
    if given.number in numbers:
        return True
    if expected.order == PER_AXIS:
        return given.shape is not None and len(given.shape) > 1 and {*given.shape} == {expected.value}
    return given.product in numbers


def _agrees_with_refusal(expected: ExpectedAnswer, given: ParsedAnswer) -> bool:
    """Whether the number beside "does not fit" agrees with it.

    It does if it is not whole, or what does not fit by the question, or the rounded size where the answer says so or
    the key leaves the rounding open. Where a size is right, the answer must say that it is rounded, and it must be.
    """
    if not any(value is not None for value in given.values):
        return True
    if given.number is not None and given.number.denominator != 1:
        return True
    if not isinstance(expected.value, str):
        return given.is_rounded and any(remainder(size, window) for size, window in expected.windows)
    if given.is_subject:
        return given.number in _numbers_of_question(expected)
    unreported = [value for name, value in expected.candidates.items() if name.startswith("does_not_fit_unreported")]
    is_open = expected.text != NO_FIT  # the text of the key names the rounded size, too, where either counts
    if given.number is None:
        return given.shape in unreported and (given.is_rounded or is_open)
    fractions = [Fraction(value) for value in unreported if isinstance(value, Fraction) and value.denominator != 1]
    if not fractions:
        return given.number <= 0
    return any(abs(given.number - exact) < 1 for exact in fractions) and (given.is_rounded or is_open)


def _numbers_of_question(expected: ExpectedAnswer) -> set[int]:
    return {
        number
        for size, window in expected.windows
        for number in (size, window.kernel, window.effective_kernel, window.stride, window.before)
    }


def _is_same_shape(value: tuple[int, ...], given: ParsedAnswer, order: str) -> tuple[bool, str]:
    shape, channels_last = given.shape, (*value[1:], value[0])
    if given.labeled and order != PER_AXIS:
        return shape in (value, (1, *value)), ""
    if order == "HxWxC":
        return shape == channels_last, ""
    if shape == value:
        return True, text("read without its batch axis") if given.batch else ""
    if order == PER_AXIS:
        return False, ""
    if shape == (1, *value):
        return True, text("read with a leading batch size of 1")
    if len(value) == 1 and shape is not None and sorted(shape) == sorted((*value, *[1] * (len(shape) - 1))):
        return True, text("read without its axes of size 1")
    if order != "CxHxW" and len(value) > 1 and shape == channels_last:
        return True, CHANNELS_LAST
    return False, ""


def for_review(expected: ExpectedAnswer, given: ParsedAnswer, *, is_first: bool, locale: str) -> str:
    """What a teacher may want to see about an answer that counts as correct; empty for nothing."""
    if not is_first and given.reading and expected.quantity != "parameter_bytes":
        decided = (
            "the locale or another answer says otherwise" if locale else "the sheet's other answers decide nothing"
        )
        return f"{given.reading}; {decided}"
    if given.refuses and given.number is not None and isinstance(expected.value, int):
        return f'"{given.text}" read as {expected.value}, with a remark that it does not fit'
    if given.refuses and not given.is_subject and given.number is not None and given.number.denominator == 1:
        return f'"{given.text}" read as "does not fit", with a size after rounding'
    return given.remark
