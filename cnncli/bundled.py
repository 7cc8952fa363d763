"""The architectures that come with the package: their files, their names, and an index of their totals.

Reading and inferring all of them takes seconds, so ``index.json`` beside the files holds what ``cnn list`` shows.
``python scripts/write_index.py`` writes it. A row counts only while its file has the checksum in it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from cnncli.io.files import is_file

INDEX = "index.json"
LONGEST_NAME = 60  # characters of a name that may mean a bundled network
GENERIC = ("network",)  # words that begin a bundled name (network3), but do not mean that network
_VARIANTS = re.compile(r"^variants:\n((?: .*\n|#.*\n|\n)+)", re.MULTILINE)  # as the bundled files write them
_VARIANT = re.compile(r"^ {2}(\w+):", re.MULTILINE)


class BundledNetwork(NamedTuple):
    """A row of ``cnn list``."""

    name: str
    input: str
    params: int
    macs: int
    source: str


def folder() -> Path:
    """The folder of the files: inside an installed package, next to the package in a checkout."""
    package = Path(__file__).parent
    installed = package / "architectures"
    return installed if installed.is_dir() else package.parent / "architectures"


def bundled() -> dict[str, Path]:
    """The bundled architectures and the file of each; those in a subfolder as ``folder/name``.

    A file with variants is listed under their names.
    """
    found: dict[str, Path] = {}
    for name, path in _files().items():
        variants = _variants(name, path)
        found.update(dict.fromkeys(variants, path) if variants else {name: path})
    return dict(sorted(found.items(), key=lambda item: _numbers_in_order(item[0])))


def find_bundled(name: str) -> tuple[str, Path, str | None] | None:
    """A file's name, its path, and the variant that ``name`` chooses; None where nothing bundled has that name."""
    path = folder() / f"{name}.yaml"
    if is_file(path):
        return name, path, None
    for file_name, path in _files().items():
        if name in _variants(file_name, path):
            return file_name, path, name.rpartition("/")[2]
    return None


def bundled_like(text: str) -> list[str]:
    """The bundled networks that a name which is not theirs may mean, e.g. of a file that does not exist.

    That is the one with the same letters and digits (``LeNet-5.yaml``, ``vgg.yaml``), else those that continue the name
    with a number or after an underscore: only the first of them, where all others continue its name in turn.

    >>> bundled_like("lenet.yaml"), bundled_like("ResNet-18"), bundled_like("inception"), bundled_like("lenet5_mine")
    (['lenet5'], ['resnet18'], ['inception_v3'], [])
    """
    words = text.removeprefix("./").removesuffix(".yaml").removesuffix(".yml")
    plain = _plain(words)
    if not plain or len(text) > LONGEST_NAME:
        return []
    names = bundled()
    same = [name for name in (*names, *_files()) if _plain(name) == plain]
    if same or plain in GENERIC:
        return same[:1]
    start = re.escape(re.sub(r"[-\s]", "_", words.lower()))
    goes_on = re.compile(f"{start}_" if words[-1].isdigit() else f"{start}(?:[0-9]|_)")
    family = [name for name in names if goes_on.match(name)]
    return family[:1] if family and all(name.startswith(family[0]) for name in family) else family


def _plain(name: str) -> str:
    return re.sub(r"[-_\s]", "", name.lower())


def copy_of(name: str) -> str:
    """The text of a bundled network, with its comments; of a variant, with its values in place of the variants.

    Raises CnnError for a name that no network has.
    """
    from cnncli.errors import CnnError, enumerated, suggestion
    from cnncli.language import Source
    from cnncli.language.blocks import VARIANT
    from cnncli.language.resolved import resolved_text

    found = find_bundled(name) if re.fullmatch(r"\w+(/\w+)*", name) else None
    if found is None:
        meant = bundled_like(name)
        hint = f"did you mean {enumerated(meant[:5], 'or')}?" if meant else ""
        hint = hint or suggestion(name[:60], [*bundled()], "cnn list shows all of them")
        raise CnnError(f"--like {name[:100]}: no bundled network has that name", hint)
    _, path, variant = found
    if variant is None:
        return _text(path)
    text = resolved_text(Source(path.name, _text(path)), {VARIANT: variant}, {})
    assert text is not None  # only aliases could prevent it, and no bundled file has any
    return _VARIANTS.sub("", text)


def starting_file() -> str:
    """The text of a small network with comments, for users to change."""
    return _text(Path(__file__).with_name("starting_file.yaml"))


def indexed() -> dict[str, BundledNetwork]:
    """The rows of the index whose files have not changed since it was written; none where it cannot be read."""
    import json  # only here: every command that reads a network imports this module

    paths = bundled()
    try:
        rows = json.loads((folder() / INDEX).read_text(encoding="utf-8"))
        return {
            row["name"]: BundledNetwork(*(row[field] for field in BundledNetwork._fields))
            for row in rows
            if row["name"] in paths and row["checksum"] == _checksum(paths[row["name"]])
        }
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def index_text(networks: list[BundledNetwork]) -> str:
    """The index with a line per network, as it is written to ``index.json``."""
    import json

    paths = bundled()
    rows: list[dict[str, Any]] = [
        {**network._asdict(), "checksum": _checksum(paths[network.name])} for network in networks
    ]
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n"


def _files() -> dict[str, Path]:
    """The files by name."""
    found: dict[str, Path] = {}
    pending = [("", folder())]
    while pending:
        prefix, inside = pending.pop()
        for entry in inside.iterdir():
            if entry.is_dir() and not entry.name.startswith("__"):
                pending.append((f"{prefix}{entry.name}/", entry))
            elif entry.name.endswith(".yaml"):
                found[prefix + entry.name.removesuffix(".yaml")] = entry
    return found


def _variants(name: str, path: Path) -> list[str]:
    """The names of a file's variants, in the folder of its own name."""
    section = _VARIANTS.search(_text(path))
    parent, slash, _ = name.rpartition("/")
    return [parent + slash + variant for variant in _VARIANT.findall(section[1])] if section else []


def _checksum(path: Path) -> int:
    import zlib

    return zlib.crc32(_text(path).encode())


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _numbers_in_order(name: str) -> list[tuple[int, str]]:
    """A key that puts ``vgg8`` before ``vgg16``."""
    return [(int(part or 0), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
