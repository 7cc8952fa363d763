"""Shapes: tuples of sizes, channels first and without the batch, written as ``3x224x224``.

A size is an integer or symbolic (``3xHxW``): a ``cnncli.arithmetic.symbolic.SymbolicSize`` takes part in the same
arithmetic, and to type checkers it is an int. The functions of this module (max, min, gcd) work for both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import gcd

from cnncli.arithmetic.numerals import is_digits
from cnncli.arithmetic.shape_text import has_batch, probable_parts, shape_parts
from cnncli.arithmetic.size import SIZE_LIMIT
from cnncli.arithmetic.size import Size as Size
from cnncli.errors import shortened
from cnncli.schema import JsonSchema

Shape = tuple[Size, ...]


class InvalidValue(ValueError):
    """A value that cannot be read: the fault (``str(error)``), and what to write instead (``hint``)."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def read_shape(value: object) -> Shape:
    """Read ``"3x224x224"``, ``[3, 224, 224]`` or ``784`` (a vector), as channels followed by sizes.

    ``"32@32x3"`` and ``[32, [32, 3]]`` separate the channels from the sizes; the result is the same.

    >>> read_shape("1x28x28"), read_shape([3, 32, 32]), read_shape(784), read_shape("3xHxW"), read_shape("6@14x14")
    ((1, 28, 28), (3, 32, 32), (784,), (3, H, W), (6, 14, 14))

    Raises InvalidValue for anything else, and for sizes outside 1 to 2^31 - 1.
    """
    parts = _parts(value)
    texts = [str(part).strip() for part in parts]
    if has_batch(texts):
        raise InvalidValue(f"{_shown(value)} begins with the batch", _without_batch(texts))
    if str(value).startswith("torch.Size("):
        raise InvalidValue(f"{_shown(value)} is not a shape", _without_batch([str(value)]))
    if len(texts) > 1 and "" in texts and all(is_digits(text) or len(text) < 2 for text in texts):
        raise InvalidValue(f"a size is missing in {_shown(value)}", _completion(texts))
    if not parts or len(parts) > 4 or texts == [""]:
        raise InvalidValue(f"{_shown(value)} is not a shape", _shape_hint(value))
    shape = tuple(_read_size(part, value) for part in parts)
    if is_symbolic(shape[0]):
        last = _looks_channels_last(shape) and not _is_explicit(value)
        meant = f"channels come first: write {format_input_shape(_channels_first(shape))}"
        hint = meant if last else "only spatial sizes can be symbolic: 3xHxW"
        raise InvalidValue(f"the channels in {_shown(value)} must be a number", hint)
    return shape


HINT = "write channels x height x width, e.g. 3x224x224 (CxL in one dimension, CxDxHxW in three)"

LETTER_HINT = "write a number, or one letter from A to Z for a symbolic size, as in 3xHxW"


_SIZE: JsonSchema = {"type": ["integer", "string"], "pattern": r"^\s*([0-9]+|[A-Za-z])\s*$"}
_SHAPE_TEXT = r"^\s*[(\[]?\s*[0-9]+\s*(([@xX×*,✕✖⨯⨉]|by)\s*[(\[]?\s*([0-9]+|[A-Za-z])\s*){0,3},?\s*[)\]]?\s*$"
SHAPE_SCHEMA: JsonSchema = {  # the values that read_shape accepts, before the number and the range of sizes are checked
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": SIZE_LIMIT - 1},
        {"type": "string", "pattern": _SHAPE_TEXT},
        {
            "type": "array",
            "items": {"anyOf": [_SIZE, {"type": "array", "items": _SIZE, "minItems": 1, "maxItems": 3}]},
            "minItems": 1,
            "maxItems": 4,
        },
    ]
}


def _without_batch(parts: list[str]) -> str:
    shape = _suggested(probable_parts(",".join(parts)))
    return f"leave the batch out: write {shape or 'channels x height x width, e.g. 3x224x224'}"


def _completion(texts: list[str]) -> str:
    """What to write where a size is missing; without one after the last sign, the sign may be superfluous."""
    shape = _suggested(texts[:-1]) if "" not in texts[:-1] and 2 < len(texts) <= 5 else ""
    return f"add it, or write {shape} without the last sign" if shape else HINT


def _shape_hint(value: object) -> str:
    """What to write instead of a value that is not a shape."""
    text = str(value)
    shape = _suggested(probable_parts(text)) if text != "[]" else ""
    return f"write {shape}" if shape else HINT


def _suggested(parts: list[str]) -> str:
    """The shape of these parts, with its channels first; "" if it cannot be one."""
    try:
        return probable_input(tuple(_read_size(part, "") for part in parts)) if parts else ""
    except InvalidValue:
        return ""


def _parts(value: object) -> Sequence[object]:
    """The part of the text or list for each axis."""
    if isinstance(value, list | tuple):
        return [value[0], *value[1]] if _is_explicit(value) else value
    return shape_parts(str(value))


def _is_explicit(value: object) -> bool:
    """Whether the channels are separated: ``6@14x14``, or ``[6, [14, 14]]``."""
    if isinstance(value, list | tuple):
        return len(value) == 2 and isinstance(value[1], list | tuple) and len(value[1]) > 0
    return "@" in str(value)


def _read_size(part: object, whole: object) -> Size:
    text = str(part).strip()
    if len(text) == 1 and text.isalpha() and text.isascii() and text != str(whole):
        from cnncli.arithmetic.symbolic import letter  # only needed for symbolic sizes

        size: Size = letter(text.upper())
        return size
    if isinstance(part, float) and part.is_integer():
        text = str(int(part))
    if text.lower() == str(whole).lower() and not is_digits(text):
        raise InvalidValue(f"{_shown(whole)} is not a shape", _shape_hint(whole))
    if isinstance(part, bool) or not is_digits(text):
        hint = _shape_hint(whole)
        hint = LETTER_HINT if hint == HINT and text.isalnum() and not text.isdecimal() else hint
        raise InvalidValue(f"{text or 'nothing'!r} in {_shown(whole)} is not a whole number", hint)
    if len(text) > 10 or not 1 <= int(text) < SIZE_LIMIT:
        raise InvalidValue(f"{text[:20]} in {_shown(whole)} is not a size", "sizes go from 1 to 2147483647 (2^31 - 1)")
    return int(text)


PIXEL_CHANNELS = (1, 3, 4)  # of grayscale, RGB and RGBA images


def read_input_shape(value: object, write: Callable[[str], str] = str) -> Shape:
    """The shape of a network's input: like :func:`read_shape`, but probable mistakes are rejected.

    ``32x32x3`` is probably an image with its channels last, ``28x28`` one without its channel, and ``64x3x32x32`` a
    batch of images; read as channels first, they would give plausible but wrong numbers. ``32@32x3``, ``28@28`` and
    ``64@3x32x32`` force that reading. ``write`` turns a shape into what the hint suggests (``--input 3x32x32``). Raises
    InvalidValue.
    """
    shape = read_shape(value)
    if _is_explicit(value) or not _is_ambiguous(shape):
        return shape
    channels, sizes = shape[0], format_shape(shape[1:])
    explicit = write(format_input_shape(shape))
    first = write(format_input_shape(_channels_first(shape)))
    if len(shape) == 2:
        reading = f"{channels} channels of length {sizes}"
        hint = f"write {first} for one channel of {channels}x{sizes} (an image), or {explicit} for {reading}"
        raise InvalidValue(f"{format_shape(shape)} reads as {reading}", hint)
    reading = f"{channels} channel{'s' * (channels > 1)} of {sizes}"
    if _looks_batched(shape):
        image = write(format_input_shape(shape[1:]))
        raise InvalidValue(
            f"{format_shape(shape)} reads as {reading}",
            f"leave the batch out: write {image} for a batch of images, or {explicit} for {reading}",
        )
    if len(shape) == 4:  # N x H x W x C, or D x H x W x C
        image = format_input_shape((shape[-1], *shape[1:-1]))
        first = f"{write(image)} for an image (without the batch), {first} for a volume"
    hint = f"channels come first: write {first}, or {explicit} for {reading}"
    raise InvalidValue(f"{format_shape(shape)} reads as {reading}", hint)


def read_channels_first(value: object, write: Callable[[str], str] = str) -> Shape:
    """Like :func:`read_input_shape`, but 32x32x3 is accepted as 32 channels.

    For runs that were trained by versions that did not write ``@``. Raises InvalidValue.
    """
    return read_shape(value)


def format_input_shape(shape: Shape) -> str:
    """Like :func:`format_shape`, in a form that :func:`read_input_shape` accepts: ``32@32x3`` instead of 32x32x3.

    >>> format_input_shape((3, 32, 32)), format_input_shape((32, 32, 3)), format_input_shape((28, 28))
    ('3x32x32', '32@32x3', '28@28')
    """
    return f"{shape[0]}@{format_shape(shape[1:])}" if _is_ambiguous(shape) else format_shape(shape)


def numeric_example(shape: Shape) -> str:
    """The text of a shape with numbers in place of its symbolic sizes, for a message.

    They are the shape's other sizes, or usual ones: those of MNIST for one channel, else those of ImageNet.
    """
    channels, *sizes = shape
    usual = next((size for size in sizes if not is_symbolic(size)), 28 if channels == 1 else 224)
    return format_input_shape((channels, *(usual if is_symbolic(size) else size for size in sizes)))


def describe_input(shape: Shape) -> str:
    """Like :func:`format_input_shape`, with the channels in words where the shape is often meant otherwise.

    ``56x56x64`` may be meant as HxWxC, and is accepted as written.

    >>> describe_input((56, 56, 64)), describe_input((64, 56, 56))
    ('56x56x64 (56 channels of 56x64)', '64x56x56')
    """
    written = format_input_shape(shape)
    if "@" in written or any(map(is_symbolic, shape)):
        return written
    height_width_channels = len(shape) == 3 and shape[0] == shape[1] != shape[2] and shape[0] > max(PIXEL_CHANNELS)
    if height_width_channels:
        plural = "s" if shape[0] > 1 else ""
        return f"{written} ({shape[0]} channel{plural} of {format_shape(shape[1:])})"
    return written


def probable_input(shape: Shape) -> str:
    """The input to suggest for examples of a shape: channels first if they seem to be last or missing.

    >>> probable_input((32, 32, 3)), probable_input((28, 28)), probable_input((6, 100))
    ('3x32x32', '1x28x28', '6x100')
    """
    other = _is_ambiguous(shape) and not _looks_batched(shape)  # an example is no batch
    return format_input_shape(_channels_first(shape) if other else shape)


def _is_ambiguous(shape: Shape) -> bool:
    """Whether a shape was probably not meant as channels first."""
    if len(shape) == 2:
        return not is_symbolic(shape[1]) and shape[0] == shape[1] > max(PIXEL_CHANNELS)
    return _looks_channels_last(shape) or _looks_batched(shape)


def _looks_batched(shape: Shape) -> bool:
    """Whether a shape is probably that of a batch of square images: ``64x3x224x224``."""
    if len(shape) != 4 or any(map(is_symbolic, shape)):
        return False
    return shape[1] in PIXEL_CHANNELS and shape[2] == shape[3] > max(PIXEL_CHANNELS)


def _looks_channels_last(shape: Shape) -> bool:
    if len(shape) < 3 or is_symbolic(shape[-1]) or shape[-1] not in PIXEL_CHANNELS:
        return False
    return all(is_symbolic(size) or size > shape[-1] for size in shape[-3:-1])


def _channels_first(shape: Shape) -> Shape:
    """The probable meaning of an ambiguous shape."""
    return (1, *shape) if len(shape) == 2 else (shape[-1], *shape[:-1])


def _shown(value: object) -> str:
    text = f"[{', '.join(map(str, value))}]" if isinstance(value, list | tuple) else str(value)
    return repr(shortened(text, 40))


def format_shape(shape: Shape) -> str:
    """``6x28x28``; symbolic sizes with more than a letter in parentheses: ``6x(H - 4)x(W - 4)``."""
    return "x".join(map(_parenthesized, shape))


def _parenthesized(size: Size) -> str:
    text = str(size)
    return text if " " not in text else f"({text})"


def is_symbolic(size: object) -> bool:
    """Whether a size is symbolic."""
    return not isinstance(size, int)


def larger(one: Size, other: Size) -> Size:
    """max(one, other), also of symbolic sizes."""
    if isinstance(one, int) and isinstance(other, int):
        return one if one >= other else other
    from cnncli.arithmetic import symbolic

    found: Size = symbolic.larger(one, other)
    return found


def smaller(one: Size, other: Size) -> Size:
    """min(one, other), also of symbolic sizes."""
    if isinstance(one, int) and isinstance(other, int):
        return one if one <= other else other
    from cnncli.arithmetic import symbolic

    found: Size = symbolic.smaller(one, other)
    return found


def common_divisor(one: Size, other: Size) -> Size:
    """gcd(one, other), also of a symbolic size and a number."""
    if isinstance(one, int) and isinstance(other, int):
        return gcd(one, other)
    from cnncli.arithmetic import symbolic

    found: Size = symbolic.common_divisor(one, other)
    return found


def same_size(one: Size, other: Size) -> bool:
    """Whether two sizes are equal for all values of the symbolic ones."""
    if isinstance(one, int) and isinstance(other, int):
        return one == other
    from cnncli.arithmetic import symbolic

    return symbolic.same(one, other)


def divides(divisor: Size, size: Size) -> bool:
    """Whether ``size`` is a multiple of ``divisor`` for all values of the symbolic sizes."""
    return same_size(size % divisor, 0)


def exact_quotient(size: Size, divisor: Size) -> Size:
    """``size / divisor``, where :func:`divides` holds: explanations write a fraction, ``C_in / g``, without a floor."""
    if type(size) is int and type(divisor) is int:
        return size // divisor
    if isinstance(size, int) and isinstance(divisor, int):
        from cnncli.arithmetic import tracing

        return tracing.exact_quotient(size, divisor)
    return size // divisor


def add_up(values: Iterable[Size]) -> Size:
    """The sum."""
    total = 0
    others: list[Size] = []
    for value in values:
        if type(value) is int:
            total += value
        else:
            others.append(value)
    if not others:
        return total
    if all(isinstance(value, int) for value in others):
        from cnncli.arithmetic import tracing

        return tracing.add_up([*others, total])
    from cnncli.arithmetic import symbolic

    found: Size = symbolic.add_up([total, *others])
    return found


def too_large(shape: Shape) -> bool:
    """Whether a size exceeds the limit; symbolic ones do not."""
    return any(isinstance(size, int) and size >= SIZE_LIMIT for size in shape)


def numel(shape: Shape) -> int:
    """The number of values of a tensor of this shape."""
    total = 1
    for size in shape:
        total *= size
    return total
