"""Lines of derivations in the language of a student.

Other packages write them in English, for engineers as well: labels before equations, ``output height: … = 28``, and
remarks in parentheses. Here are the texts that occur in them; formulas are the same in every language.
"""

from __future__ import annotations

import re
from functools import cache
from string import Formatter

from cnncli.arithmetic.axes import AXIS_NAMES
from cnncli.homework.languages.catalogues import ENGLISH
from cnncli.homework.languages.messages import Message, current_language, localized, text, translated

LABELS = tuple(
    text(label)
    for label in (
        *(f"output {axis}" for axis in ("channels", *AXIS_NAMES)),
        *(f"receptive field {part} {axis}" for part in ("size", "stride", "offset") for axis in AXIS_NAMES),
        *("from the input on", "not trainable"),
    )
)
# The first that matches a remark applies: the more specific ones come first.
REMARKS = (
    "{layer} leaves it unchanged, with stride {stride}",
    "{layer} leaves it unchanged",
    "no weights",
    "no output depends on the input: each reads only between the taps of a transposed convolution",
    "every output depends on all of the input",
    "all outputs have the same receptive field",
    "covers the receptive fields of all paths, whose centers or strides differ",
    "covers the receptive fields of all paths",
    "the receptive fields repeat after more than {limit} outputs: their stride is an average",
    "{formula} dropped",
    "{buffers}, not trainable",
    "each output reads one input of {layer}",
    "{reads}; their receptive fields repeat every {period} positions, shifted by {shift}",
    "{reads} (its receptive field begins with that of {first} and ends with that of {last})",
    "{reads}; {count} of every {period} outputs depend on no input",
    "{reads}; {count} of every {period} outputs depends on no input",
    "output {output} (the widest) reads inputs {first} to {last} of {layer}",
    "output {output} (the widest) reads input {first} of {layer}",
    "output {output} reads inputs {first} to {last} of {layer}",
    "output {output} reads input {first} of {layer}",
    "rounding {rounding}: this window or an earlier one does not fit exactly",
    "effective kernel size {size}",
    "at most {limit}",
    "{value} is not whole",
    "no {field} gives {size}",
    "the full convolution of the upstream gradient with the flipped kernel (at stride 1)",
    "the cross-correlation of the input with the upstream gradient",
)
# Answers that are words. The text of a question of the key, or of an option, is none of these.
ANSWERS = (
    "does not fit",
    "does not fit (rounded down: {size})",
    "not possible",
    "{first} (also {others})",
)
_LABEL = re.compile(r"([a-z][a-z ]*): (.* = .*|[^=]*)")
_LABELS = {str(label): label for label in LABELS}


def localized_label(label: str) -> str:
    """The label of an equation in the current language."""
    return str(localized(_LABELS.get(label, label)))


def localized_line(line: str) -> str:
    """A line of a derivation in the current language: its label or its remark; a formula as it is."""
    if isinstance(line, Message) or current_language() == ENGLISH:
        return str(localized(line))
    if line.startswith("(") and line.endswith(")"):
        inner = localized_remark(line[1:-1])
        if inner != line[1:-1]:
            return f"({inner})"
    return localized_remark(line)


def localized_remark(remark: str) -> str:
    """A remark without its parentheses, or a labelled line, in the current language."""
    labelled = _LABEL.fullmatch(remark)
    if labelled and labelled[1] in _LABELS:
        return f"{localized_label(labelled[1])}: {labelled[2]}"
    return _matched(remark, REMARKS)


def localized_answer(answer: str) -> str:
    """A correct answer in the current language, where it is words: ``does not fit``."""
    return _matched(answer, ANSWERS)


def _matched(line: str, templates: tuple[str, ...]) -> str:
    """A text by the first template that it matches; as it is where it matches none."""
    if isinstance(line, Message) or current_language() == ENGLISH:
        return str(localized(line))
    for template, pattern in _patterns(templates):
        match = pattern.fullmatch(line)
        if match:
            filled_in = match.groupdict().items()
            named = {name: localized_remark(value) if name == "reads" else value for name, value in filled_in}
            return translated(template, **named)
    return line


@cache
def _patterns(templates: tuple[str, ...]) -> list[tuple[str, re.Pattern[str]]]:
    """The templates as regular expressions, with a group for each placeholder."""
    found = []
    for template in templates:
        pieces = Formatter().parse(template)
        parts = [re.escape(fixed) + (f"(?P<{name}>.+?)" if name else "") for fixed, name, *_ in pieces]
        found.append((template, re.compile("".join(parts))))
    return found
