"""From what a user names (a file, ``-``, a bundled architecture) to a checked graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from cnncli.errors import CnnError, closest
from cnncli.graph import Graph
from cnncli.inference import Inferred, infer_all
from cnncli.language import Source, decode, read, read_text
from cnncli.recipe import recipe_problems


class Loaded(NamedTuple):
    """A network with its figures, the text that it was read from, and the short name it goes by (``lenet5``)."""

    inferred: Inferred
    source: Source
    slug: str

    @property
    def graph(self) -> Graph:
        """The layer graph."""
        return self.inferred.graph


def bundled() -> dict[str, Path]:
    """The architectures that come with the package, by name; those in a folder as ``folder/name``."""
    found: dict[str, Path] = {}
    pending = [("", _folder())]
    while pending:
        prefix, folder = pending.pop()
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.name.startswith("__"):
                pending.append((f"{prefix}{entry.name}/", entry))
            elif entry.name.endswith(".yaml"):
                found[prefix + entry.name.removesuffix(".yaml")] = entry
    return dict(sorted(found.items()))


def _folder() -> Path:
    """Inside the package where it is installed, beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "architectures"
    return installed if installed.is_dir() else package.parent / "architectures"


def find(architecture: str) -> Source:
    """The text of an architecture: a path, ``-`` for standard input, or a bundled name. Raises CnnError."""
    if architecture == "-" or architecture.endswith((".yaml", ".yml")) or _exists(architecture, Path.is_file):
        return read_text(architecture)
    if architecture and all(part.replace("_", "a").isalnum() for part in architecture.split("/")):
        entry = _folder() / f"{architecture}.yaml"
        if _exists(str(entry), Path.is_file):
            return decode(f"{architecture}.yaml", entry.read_bytes())
    if architecture and _exists(architecture, Path.exists):
        return read_text(architecture)  # a directory, a device: says so
    names = list(bundled())
    near = closest(architecture[:60], names)
    hint = f"did you mean {near}?" if near else f"bundled are {', '.join(names)}"
    shown = architecture[:100] or "''"
    raise CnnError(f"{shown}: there is no such file and no bundled architecture of that name", hint)


def _exists(path: str, test: Callable[[Path], bool]) -> bool:
    try:
        return test(Path(path))
    except (OSError, ValueError):  # too long for a path, or with a NUL in it
        return False


def load(
    architecture: str,
    *,
    overrides: Mapping[str, str] = {},
    inputs: Mapping[str, str] = {},
    strict: bool = False,
) -> Loaded:
    """Find, read and work out a network.

    ``overrides`` are its variables (--set), ``inputs`` shapes by input name, "" for the only one (--input).
    Raises CnnError with all independent mistakes: of the file, of its recipe, and of shapes that do not fit.
    """
    source = find(architecture)
    return load_source(source, slug(architecture), overrides=overrides, inputs=inputs, strict=strict)


def load_source(
    source: Source,
    name: str,
    *,
    overrides: Mapping[str, str] = {},
    inputs: Mapping[str, str] = {},
    strict: bool = False,
) -> Loaded:
    """As :func:`load`, for a text at hand."""
    draft = read(source, overrides, inputs)
    inferred, shape_problems = infer_all(draft.graph, strict=strict)
    problems = [*draft.problems, *recipe_problems(draft.graph.train), *shape_problems]
    if problems:
        raise CnnError.of(problems)
    return Loaded(inferred, source, name)


def slug(architecture: str) -> str:
    """A short name that can be a folder's: ``lenet5`` of ``nets/lenet5.yaml``."""
    stem = "stdin" if architecture == "-" else Path(architecture).name
    stem = stem.removesuffix(".yaml").removesuffix(".yml")
    return "".join(char if char.isalnum() or char in "_-" else "_" for char in stem) or "network"
