"""Where a chain is written: in a YAML file, or in the options of ``cnn convolve``."""

from __future__ import annotations

from typing import NamedTuple

from cnncli.errors import CnnError, Problem
from cnncli.homework.exact_ops.chain.numbers_in_files import read_parts
from cnncli.homework.exact_ops.chain.weight_sizes import Parts
from cnncli.language import Source, read_text
from cnncli.language.source import Mapping, parse

LAYERS_SOURCE = "--layer"


class ChainText(NamedTuple):
    """A chain before its numbers are read: the text and its tree, and what the command line gives in addition."""

    source: Source
    root: Mapping
    values: str = ""
    target: str = ""
    loss: str = ""


def chain_file(text: str) -> ChainText | None:
    """The chain in a YAML file; None for another text, and for a file that holds a matrix. Raises CnnError."""
    name = text.strip()
    if not name.endswith((".yaml", ".yml")) or ";" in name or "\n" in name:
        return None
    source = read_text(name)
    try:
        root = parse(source)
    except CnnError:
        if "layers:" in source.text:
            raise
        return None
    return ChainText(source, root) if isinstance(root, Mapping) else None


def chain_of_layers(values: str, layers: tuple[str, ...]) -> ChainText:
    """The chain of ``--layer`` options, each a layer in YAML. Raises CnnError."""
    for number, layer in enumerate(layers, 1):
        if "\n" in layer.strip():
            raise CnnError(f"{LAYERS_SOURCE} {number}: more than one line", "give each layer as one --layer")
    items = [f"- {layer.strip().removeprefix('- ')}" for layer in layers]
    source = Source(LAYERS_SOURCE, "\n".join(["layers:", *items]))
    try:
        root = parse(source)
    except CnnError as error:
        raise placed(error) from None
    if not isinstance(root, Mapping):
        raise CnnError(f"{LAYERS_SOURCE}: not a layer", "write --layer relu, or --layer 'maxpool: 2'")
    return ChainText(source, root, values)


def placed(error: CnnError) -> CnnError:
    """An error in the text of ``--layer`` options with the number of the option instead of a line."""
    return CnnError.of([_numbered(problem) for problem in error.problems])


def _numbered(problem: Problem) -> Problem:
    place = problem.place
    if place is None or place.source != LAYERS_SOURCE:
        return problem
    number = f"{LAYERS_SOURCE} {place.line - 1}" if place.line > 1 else LAYERS_SOURCE
    return problem._replace(place=None, layer=f"{number} ({problem.layer})" if problem.layer else number)


def read_option(option: str, text: str) -> Parts:
    """The numbers of an option. Raises CnnError, which names it."""
    try:
        return read_parts(text)
    except CnnError as error:
        raise CnnError(f"{option}: {error.problems[0].message}", error.problems[0].hint) from None
