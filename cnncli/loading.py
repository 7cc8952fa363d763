"""Loads the network that a user names (a file, ``-``, a bundled architecture) as a checked graph."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from cnncli.arithmetic.shape import (
    InvalidValue,
    format_input_shape,
    is_symbolic,
    numel,
    numeric_example,
    read_input_shape,
)
from cnncli.arithmetic.size import Undecided
from cnncli.bundled import BundledNetwork, bundled, bundled_like, find_bundled
from cnncli.errors import INVALID, NO, CnnError, Problem, enumerated, shortened, suggestion
from cnncli.graph import Graph
from cnncli.inference import Inferred, infer_all
from cnncli.io.files import exists, is_file, is_missing
from cnncli.language import ReadShape, Source, decode, read, read_text
from cnncli.language import source as source_tree
from cnncli.language.argument_names import OPTION_NAMES, OptionNames
from cnncli.language.blocks import VARIANT
from cnncli.language.source import parse

FILE_ENDINGS = (".yaml", ".yml")


class Loaded(NamedTuple):
    """A calculated network, the text that it was read from, and its short name (``lenet5``).

    ``overrides`` and ``inputs`` are those that it was read with.
    """

    inferred: Inferred
    source: Source
    slug: str
    overrides: Mapping[str, str] = {}
    inputs: Mapping[str, str] = {}

    @property
    def shown_name(self) -> str:
        """The name in headings, which is the file's own."""
        name = shown_name(self.source.name)
        return name if slug(name) == self.slug else self.slug

    @property
    def graph(self) -> Graph:
        """The layer graph."""
        return self.inferred.graph


class NetworkNotFound(CnnError):
    """There is no file, and no bundled network, of that name. ``likely`` are the bundled networks that may be meant."""

    likely: list[str]

    def __init__(self, architecture: str) -> None:
        self.architecture = architecture
        self.likely = bundled_like(architecture)
        is_path = architecture.endswith(FILE_ENDINGS)
        what = "no such file" if is_path else "no such file or bundled network"
        super().__init__(f"{shortened(architecture, 100) or repr('')}: {what}", self._hint(is_path=is_path))

    @property
    def copy(self) -> str:
        """How to get a file of that name: a copy of the first of the ``likely`` networks."""
        name = self.architecture
        path = name if name.endswith(FILE_ENDINGS) else f"{name}.yaml"
        from shlex import quote  # needed only for errors

        return f"cnn new {quote(path)} --like {self.likely[0]} writes a copy"

    def _hint(self, *, is_path: bool) -> str:
        if len(self.likely) > 1:
            return f"the bundled ones are {enumerated(self.likely)}"
        if self.likely:
            return f"write {self.likely[0]} for the bundled network{f'; {self.copy}' if is_path else ''}"
        stem = self.architecture[:60].removesuffix(".yaml").removesuffix(".yml")
        otherwise = "check the path; cnn list shows the bundled ones" if is_path else "cnn list shows the bundled ones"
        return suggestion(stem, list(bundled()), otherwise)


def find(architecture: str) -> tuple[Source, dict[str, str]]:
    """The text of an architecture, and the override that chooses its variant where the name is that of one.

    ``architecture`` is a path, ``-`` for standard input, or a bundled name. Raises CnnError.
    """
    if architecture == "-" or is_file(architecture):
        return read_text(architecture), {}
    if architecture and all(part.replace("_", "a").isalnum() for part in architecture.split("/")):
        found = find_bundled(architecture)
        if found is not None:
            name, path, variant = found
            return decode(f"{name}.yaml", path.read_bytes()), {} if variant is None else {VARIANT: variant}
    if architecture and (
        exists(architecture) or (architecture.endswith(FILE_ENDINGS) and not is_missing(architecture))
    ):
        return read_text(
            architecture
        ), {}  # a FIFO; anything else raises the error: a directory, a device, a closed folder
    raise NetworkNotFound(architecture)


def load(
    architecture: str,
    *,
    overrides: Mapping[str, str] = {},
    inputs: Mapping[str, str] = {},
    strict: bool = False,
    symbolic_sizes: bool = False,
    argument_names: OptionNames = OPTION_NAMES,
    infer: bool = True,
) -> Loaded:
    """Find, read and calculate a network.

    ``overrides`` are its variables (--set), ``inputs`` shapes by input name, "" for the only one (--input);
    ``symbolic_sizes`` allows symbolic inputs such as 3xHxW; messages name overrides and inputs by ``argument_names``.
    Without ``infer`` nothing is inferred at the file's own input, which need not fit then (others are asked for).
    Raises CnnError with all independent problems of the file, its recipe and its shapes.
    """
    source, variant = find(architecture)
    overrides = {**variant, **overrides}
    name = slug(architecture)
    return load_source(
        source,
        name,
        overrides=overrides,
        inputs=inputs,
        strict=strict,
        symbolic_sizes=symbolic_sizes,
        argument_names=argument_names,
        infer=infer,
    )


def load_source(
    source: Source,
    name: str,
    *,
    overrides: Mapping[str, str] = {},
    inputs: Mapping[str, str] = {},
    strict: bool = False,
    symbolic_sizes: bool = False,
    argument_names: OptionNames = OPTION_NAMES,
    read_shape: ReadShape = read_input_shape,
    infer: bool = True,
) -> Loaded:
    """As :func:`load`, for a text that has already been read. ``read_shape`` reads the shape of an input."""
    draft = read(source, overrides, inputs, argument_names=argument_names, read_shape=read_shape)
    if not symbolic_sizes:
        _refuse_symbolic_sizes(source, draft.graph, argument_names)
    inferred, shape_problems = infer_all(draft.graph, strict=strict) if infer else (Inferred(draft.graph, {}), [])
    shape_problems = _with_input_hint(shape_problems, source, draft.graph, inputs, argument_names)
    problems = [*draft.problems, *_recipe_problems(draft.graph), *shape_problems]
    if problems:
        raise CnnError.of(problems)
    return Loaded(inferred, source, name, overrides, inputs)


def _recipe_problems(graph: Graph) -> list[Problem]:
    """The problems in the ``train`` section, which most files do not have: only then is the recipe imported."""
    if not graph.train:
        return []
    from cnncli.recipe import recipe_problems

    return recipe_problems(graph.train)


def _refuse_symbolic_sizes(source: Source, graph: Graph, argument_names: OptionNames) -> None:
    for entry in graph.inputs:
        if any(map(is_symbolic, entry.shape)):
            raise CnnError(
                f"{source.name}: the input {format_input_shape(entry.shape)} has symbolic sizes",
                numbers_hint(graph, argument_names),
            )


def numbers_hint(graph: Graph, argument_names: OptionNames = OPTION_NAMES) -> str:
    """What to write for the first input of a network that has symbolic sizes."""
    entry = next(entry for entry in graph.inputs if any(map(is_symbolic, entry.shape)))
    name = entry.name if len(graph.inputs) > 1 else ""
    return f"give numbers, e.g. {argument_names.input(name, numeric_example(entry.shape))}"


def _with_input_hint(
    problems: list[Problem], source: Source, graph: Graph, inputs: Mapping[str, str], argument_names: OptionNames
) -> list[Problem]:
    """The problems, the first with the shape to write where a vector is given for the feature maps of a file."""
    given = graph.inputs[0].shape if len(graph.inputs) == 1 and inputs else ()
    root = parse(source) if problems and len(given) == 1 else None
    declared = root.entries.get("input") if isinstance(root, source_tree.Mapping) else None
    if not isinstance(declared, source_tree.Scalar):
        return problems
    try:
        channels, *sizes = read_input_shape(declared.text)
    except InvalidValue:
        return problems
    if not sizes or is_symbolic(channels):
        return problems
    values = given[0] if not is_symbolic(given[0]) else 0
    whole = values == numel((channels, *sizes))
    shape = (channels, *sizes) if whole else (channels, *(values for _ in sizes))
    return [problems[0]._replace(hint=f"write {argument_names.input('', format_input_shape(shape))}"), *problems[1:]]


def variables(source: Source) -> list[str]:
    """The names of a file's variables. Raises CnnError for invalid YAML."""
    root = parse(source)
    section = root.entries.get("variables") if isinstance(root, source_tree.Mapping) else None
    return [*section.entries] if isinstance(section, source_tree.Mapping) else []


def problems_of(source: Source, *, strict: bool = False) -> list[Problem]:
    """All problems of an architecture, in each of its variants; a problem of some variants names the first of them."""
    found = dict.fromkeys(_problems_with(source, {}, strict))
    for variant in [] if any(problem.exit_code == INVALID for problem in found) else _variants(source):
        for problem in _problems_with(source, {VARIANT: variant}, strict):
            if problem not in found:
                found[problem] = f" (variant {variant})"
    return [problem._replace(message=f"{problem.message}{variant or ''}") for problem, variant in found.items()]


def _problems_with(source: Source, overrides: Mapping[str, str], strict: bool) -> tuple[Problem, ...]:
    try:
        load_source(source, "network", overrides=overrides, strict=strict, symbolic_sizes=True)
    except CnnError as error:
        return error.problems
    except Undecided:
        message = "its shapes depend on the symbolic sizes in a way that no single formula gives"
        return (Problem(f"{source.name}: {message}", "use numbers in input", exit_code=NO),)
    return ()


def _variants(source: Source) -> list[str]:
    root = parse(source)
    variants = root.entries.get("variants") if isinstance(root, source_tree.Mapping) else None
    # a variable called variant would be set instead
    named = VARIANT not in variables(source)
    return [*variants.entries] if isinstance(variants, source_tree.Mapping) and named else []


def slug(architecture: str) -> str:
    """A short name that can be a folder's: ``lenet5`` of ``nets/lenet5.yaml``."""
    return "".join(char if char.isalnum() or char in "_-" else "_" for char in shown_name(architecture)) or "network"


def shown_name(architecture: str) -> str:
    """The name in headings: ``lenet5`` of ``nets/lenet5.yaml``, and any other name as it is."""
    name = "stdin" if architecture == "-" else Path(architecture).name
    return name.removesuffix(".yaml").removesuffix(".yml")


def calculated_row(name: str) -> BundledNetwork:
    """The row of ``cnn list`` for a bundled network, calculated from its file."""
    inferred = load(name).inferred
    shapes = ", ".join(format_input_shape(entry.shape) for entry in inferred.graph.inputs)
    return BundledNetwork(name, shapes, inferred.totals["params"], inferred.totals["macs"], inferred.graph.source)
