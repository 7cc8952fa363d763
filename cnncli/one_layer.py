"""One layer without a file: its type, fields and inputs as the texts of command-line options, calculated.

The values are read as in a file. Messages name the options.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from cnncli.arithmetic.shape import InvalidValue, Shape, format_shape, is_symbolic, numel, read_input_shape
from cnncli.errors import CnnError, Place, Problem, enumerated, shortened
from cnncli.graph import Graph, Input, Node, Origin
from cnncli.inference import Inferred, infer_all
from cnncli.language.aliases import LISTED, field_hint, kind_hint, kind_meant
from cnncli.language.blocks import COMPOSITES
from cnncli.language.entries import two_readings, two_readings_message
from cnncli.language.source import Source, parse, plain_tree, read_plain
from cnncli.layers import KINDS, Layer, ShapeError

SHOWN = 40  # characters of a value in a message
COMMON = ("input", "batch", "dtype", "format")  # the options of every layer type
OTHER_NAMES = dict.fromkeys(("in", "from", "inputs", "input_shape", "input_size", "in_shape"), "input")
BY_HAND = {  # words for calculations with numbers, without _ and -, and the command for each
    **dict.fromkeys(
        ("crossentropy", "crossentropyloss", "softmaxloss", "logloss", "nllloss", "loss"),
        'cnn convolve "3.2 5.1 -1.7" --layer softmax --target 0',
    ),
    **dict.fromkeys(
        ("bce", "bceloss", "bcewithlogitsloss", "binarycrossentropy", "binarycrossentropyloss"),
        'cnn convolve "1.5" --layer sigmoid --target 1',
    ),
    **dict.fromkeys(
        ("hinge", "hingeloss", "svm", "svmloss", "multimarginloss"),
        'cnn convolve "3.2 5.1 -1.7" --layer identity --target 0 --loss hinge',
    ),
    **dict.fromkeys(("mse", "mseloss", "l2loss"), 'cnn convolve "1 2" --layer identity --target "1 3" --loss mse'),
    **dict.fromkeys(("im2col", "unfold", "toeplitz"), 'cnn convolve "1 2 3" "1 -1" --as-matrix im2col'),
}
LETTERS = {"k": "kernel", "s": "stride", "p": "padding", "d": "dilation"}  # options by their first letter
UNUSED = {"name": "one layer needs no name", "share": "one layer shares no weights"}


def option(field: str) -> str:
    """The option of a field: ``--output-padding``."""
    return f"--{field.replace('_', '-')}"


def negated(field: str) -> str:
    """The option that sets a flag to false: ``--no-bias``."""
    return f"--no-{option(field)[2:]}"


def read_kind(word: str) -> str:
    """The layer type of that name. Raises CnnError for a composite, another framework's name, and anything else."""
    if word in KINDS:
        return word
    if word in COMPOSITES:
        raise CnnError(f"{word} holds other layers", "write them in a file, and use cnn summarize FILE")
    shown = shortened(word, SHOWN)
    known = [*KINDS]
    by_hand = BY_HAND.get(word.lower().replace("_", "").replace("-", ""))
    if by_hand is not None:
        raise CnnError(f"{shown} has no size to calculate: it works with numbers", f"write {by_hand}")
    command = _as_command(word)
    if command:
        raise CnnError(f"unknown layer type {shown!r}", f"write {command}")
    hint = kind_hint(word, known)
    if hint.startswith(LISTED):
        hint = f"{hint}; a block of a file is explained by cnn explain FILE"
    elif kind_meant(word, known) in hint.removesuffix("?").split()[-1:]:
        sign = "?" if hint.endswith("?") else ""
        hint = f"{'did you mean' if sign else 'use'} cnn layer {kind_meant(word, known)}{sign}"
    raise CnnError(f"unknown layer type {shown!r}", hint)


def _as_command(word: str) -> str:
    """The command line for a layer as in Python or in a figure: ``Conv2d(3, 6, 5)``, ``conv 6``; "" for one word."""
    from cnncli.language.hints.slide_notation import slide_layer
    from cnncli.language.hints.typed_layers import rewritten_line, slide_hint

    hint = "" if word.isidentifier() else slide_hint(word)
    line = hint.partition("- ")[2] or ("" if word.isidentifier() else rewritten_line(f"- {word}")[2:])
    found = re.match(r"(\w+)(?:: (?:\{([\w: ,.…-]+)\}|([\w.…-]+)))?(?=$|, then | for )", line)
    if found is None or found[1] not in KINDS:
        return ""
    kind, fields, value = found.groups()
    named = [entry.partition(": ") for entry in fields.split(", ")] if fields else []
    typed = "".join(f" {option(name)} {text}" for name, _, text in named)
    slide = slide_layer(word) if hint else None
    others = slide.kinds[1:] if slide else ()  # pool is maxpool or avgpool
    choice = f", or {enumerated(others, 'or')} instead of {kind}" if others else ""
    return f"cnn layer {kind}{f' {value}' if value else ''}{typed}{choice}"


def unknown_option(kind: str, word: str) -> CnnError:
    """The error for an option that a layer type does not have; ``word`` is the option as typed."""
    field = word.lstrip("-").replace("-", "_")
    known = [*KINDS[kind].schema, *COMMON]
    if field in UNUSED:
        return CnnError(f"{word} has no use here: {UNUSED[field]}", "leave it out")
    field = LETTERS.get(field, field) if LETTERS.get(field) in known else field
    hint = (
        f"use {field}"
        if field in known
        else f"use {OTHER_NAMES[field]}"
        if field in OTHER_NAMES
        else field_hint(field, known)
    )
    if hint.startswith("the fields are"):
        hint = f"cnn layer {kind} lists its fields"
    elif hint.startswith(("use", "did you mean")):
        hint = re.sub(rf"\b({'|'.join(known)})\b(: )?", lambda found: option(found[1]) + " " * bool(found[2]), hint)
    return CnnError(f"{word}: {kind} has no such field", hint)


def refuse_two_readings(kind: str, value: str) -> None:
    """Raises CnnError for ``cnn layer maxpool 3,2``: a 3x2 kernel, or kernel 3 and stride 2."""
    pair = two_readings(KINDS[kind], value)
    if pair is not None:
        kernel, stride = pair
        hint = f"write --kernel {kernel} --stride {stride}, or --kernel {kernel}x{stride}"
        raise CnnError(two_readings_message(kernel, stride), hint)


def read_layer(kind: str, texts: Mapping[str, str]) -> Layer:
    """The layer with these fields, each read as in a file. Raises CnnError with all that is wrong with them."""
    made = KINDS[kind]
    fields: dict[str, object] = {}
    problems: list[Problem] = []
    for field, text in texts.items():
        try:
            fields[field] = made.schema[field].read(_value(text))
        except InvalidValue as error:
            problems.append(Problem(f"{_typed(texts, field)}: {error}", _with_options(error.hint, made.schema)))
    missing = [option(name) for name, field in made.schema.items() if field.required and name not in texts]
    if missing:
        added = " ".join(f"{name} …" for name in missing)
        problems.append(Problem(f"{kind} needs {enumerated(missing)}", f"add {added} (cnn layer {kind} lists all)"))
    if problems:
        raise CnnError.of(problems)
    layer = made(**fields)
    misfit = layer.field_problem()
    if misfit:
        raise CnnError(f"{_typed(texts, misfit.field)}: {misfit}", _with_options(misfit.hint, made.schema))
    return layer


def _value(text: str) -> object:
    """A value as in a file; ``0,2,1`` is a list as well, because shells take brackets for patterns."""
    if "," in text and not text.startswith(("[", "(", "'", '"')):
        text = f"[{text}]"
    if not text.startswith(("[", "'", '"')):
        return read_plain(text)
    try:
        return plain_tree(parse(Source("", text)))
    except CnnError as error:
        raise InvalidValue(f"cannot be read: {error.problems[0].message}", error.problems[0].hint) from None


def _typed(texts: Mapping[str, str], field: str) -> str:
    """An option as it was typed: ``--kernel 7``; without its value if it was left out."""
    return f"{option(field)} {shortened(texts[field], SHOWN)}" if field in texts else option(field)


def read_inputs(kind: str, texts: Sequence[str]) -> tuple[Shape, ...]:
    """The shapes of a layer's inputs. Raises CnnError where they are not shapes, too few or too many."""
    layer = KINDS[kind]
    if len(texts) > 1 and not layer.merges:
        raise CnnError(f"{kind} reads one input, not {len(texts)}", "give --input once")
    shapes = []
    for text in texts:
        try:
            shapes.append(read_input_shape(text, "--input {}".format))
        except InvalidValue as error:
            raise CnnError(f"--input {shortened(text, SHOWN)}: {error}", error.hint) from None
    if len(shapes) < layer.min_inputs:
        raise CnnError(
            f"{kind} joins at least {layer.min_inputs} inputs", "repeat --input: --input 8x7x7 --input 8x7x7"
        )
    return tuple(shapes)


def load_layer(kind: str, texts: Mapping[str, str], inputs: Sequence[str]) -> Inferred:
    """The network of one layer, which has the name of its type: its fields and the shapes of its inputs, as typed.

    Raises CnnError, which names the options.
    """
    layer, shapes = read_layer(kind, texts), read_inputs(kind, inputs)
    inferred, problems = infer_all(_graph(layer, shapes, texts))
    if problems:
        raise CnnError.of([_of_option(problem, layer, shapes) for problem in problems])
    return inferred


def _graph(layer: Layer, inputs: Sequence[Shape], texts: Mapping[str, str]) -> Graph:
    names = ["input"] if len(inputs) == 1 else [f"input{number}" for number in range(1, len(inputs) + 1)]
    entries = tuple(Input(name, shape) for name, shape in zip(names, inputs, strict=True))
    return Graph("", entries, (Node(layer.kind, layer, tuple(names), _origin(layer, texts)),), (layer.kind,))


def _origin(layer: Layer, texts: Mapping[str, str]) -> Origin:
    def origin(field: str) -> Place:
        shown = _typed(texts, field) if field in texts else "--input" if field == "from" else layer.kind
        return Place(shown, 1, 1, "")

    return origin


def _of_option(problem: Problem, layer: Layer, inputs: Sequence[Shape]) -> Problem:
    """A problem of a layer's shapes as one of an option, which has no line and no column."""
    at = problem.place.source if problem.place else layer.kind
    start = "" if at == layer.kind and problem.message.startswith(layer.kind) else f"{at}: "
    hint = _with_options(problem.hint, layer.schema)
    if len(inputs) == 1 and len(inputs[0]) > 1 and _takes_vector(layer, inputs[0]):
        values = numel(inputs[0])
        hint = f"write --input {values}, the values of {format_shape(inputs[0])} after flatten"
        if is_symbolic(values):
            hint = f"its weights depend on the number of values, {values}: write that as a number, e.g. --input 400"
    return Problem(f"{start}{problem.message}", hint, exit_code=problem.exit_code)


def _takes_vector(layer: Layer, shape: Shape) -> bool:
    try:
        return bool(layer.output_shape(((numel(shape),),)))
    except ShapeError:
        return False


def _with_options(hint: str, fields: Iterable[str]) -> str:
    """A hint with ``rounding: ceil`` written as an option: ``--rounding ceil``."""
    names = "|".join(fields)
    return re.sub(rf"\b({names}): (?=\w)", lambda found: f"{option(found[1])} ", hint) if names else hint
