"""From what a user names (a file, ``-``, a bundled architecture) to a checked graph."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from cnncli.arithmetic.shape import format_input_shape, is_open, read_input_shape
from cnncli.errors import CnnError, suggestion
from cnncli.graph import Graph
from cnncli.inference import Inferred, infer_all
from cnncli.io.files import exists, is_file
from cnncli.language import ReadShape, Source, decode, read, read_text
from cnncli.language import source as source_tree
from cnncli.language.blocks import VARIANT
from cnncli.language.source import parse
from cnncli.language.wording import OPTIONS, Options
from cnncli.recipe import recipe_problems


class Loaded(NamedTuple):
    """A network with its figures, the text that it was read from, and the short name it goes by (``lenet5``).

    ``overrides`` and ``inputs`` are those that it was read with.
    """

    inferred: Inferred
    source: Source
    slug: str
    overrides: Mapping[str, str] = {}
    inputs: Mapping[str, str] = {}

    @property
    def graph(self) -> Graph:
        """The layer graph."""
        return self.inferred.graph


_VARIANTS = re.compile(r"^variants:\n((?: .*\n|#.*\n|\n)+)", re.MULTILINE)  # as the bundled files write them
_VARIANT = re.compile(r"^ {2}(\w+):", re.MULTILINE)


def bundled() -> dict[str, Path]:
    """The architectures that come with the package, and the file of each; those in a folder as ``folder/name``.

    A file with variants stands under the names of these.
    """
    found: dict[str, Path] = {}
    for name, path in _files().items():
        variants = _variants(name, path)
        found.update(dict.fromkeys(variants, path) if variants else {name: path})
    return dict(sorted(found.items(), key=lambda item: _numbers_in_order(item[0])))


def _numbers_in_order(name: str) -> list[tuple[int, str]]:
    """A key that puts ``vgg8`` before ``vgg16``."""
    return [(int(part or 0), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _variants(name: str, path: Path) -> list[str]:
    """The names of a bundled file's variants, in the folder of its own name."""
    section = _VARIANTS.search(path.read_text(encoding="utf-8"))
    folder, slash, _ = name.rpartition("/")
    return [folder + slash + variant for variant in _VARIANT.findall(section[1])] if section else []


def _files() -> dict[str, Path]:
    """The bundled files by name."""
    found: dict[str, Path] = {}
    pending = [("", _folder())]
    while pending:
        prefix, folder = pending.pop()
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.name.startswith("__"):
                pending.append((f"{prefix}{entry.name}/", entry))
            elif entry.name.endswith(".yaml"):
                found[prefix + entry.name.removesuffix(".yaml")] = entry
    return found


def _folder() -> Path:
    """Inside the package where it is installed, beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "architectures"
    return installed if installed.is_dir() else package.parent / "architectures"


def find(architecture: str) -> tuple[Source, dict[str, str]]:
    """The text of an architecture, and the override that chooses its variant where the name is that of one.

    ``architecture`` is a path, ``-`` for standard input, or a bundled name. Raises CnnError.
    """
    if architecture == "-" or architecture.endswith((".yaml", ".yml")) or is_file(architecture):
        return read_text(architecture), {}
    if architecture and all(part.replace("_", "a").isalnum() for part in architecture.split("/")):
        entry = _folder() / f"{architecture}.yaml"
        if is_file(entry):
            return decode(f"{architecture}.yaml", entry.read_bytes()), {}
        for name, path in _files().items():
            if architecture in _variants(name, path):
                return decode(f"{name}.yaml", path.read_bytes()), {VARIANT: architecture.rpartition("/")[2]}
    if architecture and exists(architecture):
        return read_text(architecture), {}  # a directory, a device: says so
    names = list(bundled())
    hint = suggestion(architecture[:60], names, "cnn list shows the bundled ones")
    shown = architecture[:100] or "''"
    raise CnnError(f"{shown}: there is no such file and no bundled architecture of that name", hint)


def load(
    architecture: str,
    *,
    overrides: Mapping[str, str] = {},
    inputs: Mapping[str, str] = {},
    strict: bool = False,
    open_sizes: bool = False,
    wording: Options = OPTIONS,
    figures: bool = True,
) -> Loaded:
    """Find, read and work out a network.

    ``overrides`` are its variables (--set), ``inputs`` shapes by input name, "" for the only one (--input);
    ``open_sizes`` says whether an input may be 3xHxW, and ``wording`` how messages name overrides and inputs.
    Without ``figures`` nothing is inferred at the file's own input, which need not fit then (others are asked for).
    Raises CnnError with all independent mistakes: of the file, of its recipe, and of shapes that do not fit.
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
        open_sizes=open_sizes,
        wording=wording,
        figures=figures,
    )


def load_source(
    source: Source,
    name: str,
    *,
    overrides: Mapping[str, str] = {},
    inputs: Mapping[str, str] = {},
    strict: bool = False,
    open_sizes: bool = False,
    wording: Options = OPTIONS,
    read_shape: ReadShape = read_input_shape,
    figures: bool = True,
) -> Loaded:
    """As :func:`load`, for a text at hand. ``read_shape`` reads the shape of an input."""
    draft = read(source, overrides, inputs, wording=wording, read_shape=read_shape)
    if not open_sizes:
        _refuse_open_sizes(source, draft.graph, wording)
    inferred, shape_problems = infer_all(draft.graph, strict=strict) if figures else (Inferred(draft.graph, {}), [])
    problems = [*draft.problems, *recipe_problems(draft.graph.train), *shape_problems]
    if problems:
        raise CnnError.of(problems)
    return Loaded(inferred, source, name, overrides, inputs)


def _refuse_open_sizes(source: Source, graph: Graph, wording: Options) -> None:
    for entry in graph.inputs:
        if any(map(is_open, entry.shape)):
            raise CnnError(
                f"{source.name}: the input {format_input_shape(entry.shape)} has sizes that stay open",
                f"give it numbers, as with {wording.input(entry.name if len(graph.inputs) > 1 else '', '3x224x224')}",
            )


def variables(source: Source) -> list[str]:
    """The names of a file's variables. Raises CnnError for what is no YAML."""
    root = parse(source)
    section = root.entries.get("variables") if isinstance(root, source_tree.Mapping) else None
    return [*section.entries] if isinstance(section, source_tree.Mapping) else []


def slug(architecture: str) -> str:
    """A short name that can be a folder's: ``lenet5`` of ``nets/lenet5.yaml``."""
    stem = "stdin" if architecture == "-" else Path(architecture).name
    stem = stem.removesuffix(".yaml").removesuffix(".yml")
    return "".join(char if char.isalnum() or char in "_-" else "_" for char in stem) or "network"
