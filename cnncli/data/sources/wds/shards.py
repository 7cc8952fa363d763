"""The shards that a path names: a folder of .tar files, one of them, a pattern with braces, or a glob."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from cnncli.errors import CnnError
from cnncli.io.files import given_path

MAGIC = frozenset("*?[")
BRACES = re.compile(r"\{(?:([0-9]+)\.\.([0-9]+)|([^{}]*,[^{}]*))\}")
MOST = 1_000_000  # shards: more are a mistake in a pattern
FORMS = "use a folder of .tar files or a pattern, e.g. wds:shards/train-{000000..000012}.tar"
COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")

Located = tuple[tuple[str, ...], Path]  # a shard with its path below the fixed part of the pattern


def find_shards(text: str) -> list[Located]:
    """The shards in the order of the pattern, or else of their names. Raises CnnError where there are none."""
    path = given_path(text)
    if path.is_dir():
        found = [shard for shard in sorted(path.rglob("*.tar")) if not _hidden(shard.relative_to(path))]
        root = path
    elif path.is_file():
        found, root = [path], path.parent
    else:
        found = [*dict.fromkeys(shard for one in expand(str(path)) for shard in _matches(one))]
        root = _fixed(path)
    if not found:
        packed = path.is_dir() and any(each.name.endswith(COMPRESSED) for each in path.rglob("*"))
        hint = "its shards are compressed: unpack each to a .tar, e.g. with gunzip" if packed else FORMS
        raise CnnError(f"{path}: contains no .tar file", hint)
    return [(shard.relative_to(root).parts, shard) for shard in found]


def expand(pattern: str) -> list[str]:
    """The paths that a pattern with braces expands to, as in a shell. Raises CnnError if they are too many.

    >>> expand("{train,val}-{08..10}.tar")[:4]
    ['train-08.tar', 'train-09.tar', 'train-10.tar', 'val-08.tar']
    """
    paths = [pattern]
    while BRACES.search(paths[0]):
        matches = [(path, BRACES.search(path)) for path in paths]
        if sum(_choices(found) for _, found in matches if found) > MOST:
            raise CnnError(f"{pattern}: expands to more than {MOST:,} files", "check its braces")
        paths = [
            path[: found.start()] + one + path[found.end() :]
            for path, found in matches
            if found
            for one in _each(found)
        ]
    return paths


def _choices(found: re.Match[str]) -> int:
    first, last, listed = found.groups()
    return listed.count(",") + 1 if listed is not None else abs(int(last) - int(first)) + 1


def _each(found: re.Match[str]) -> Iterator[str]:
    first, last, listed = found.groups()
    if listed is not None:
        yield from listed.split(",")
        return
    start, end = int(first), int(last)
    step = 1 if start <= end else -1
    padded = len(first) if first.startswith("0") else 0
    yield from (f"{number:0{padded}d}" for number in range(start, end + step, step))


def _matches(text: str) -> list[Path]:
    path = Path(text)
    if path.is_file():
        return [path]
    root = _fixed(path)
    try:
        matching = root.glob(str(path.relative_to(root))) if MAGIC & {*text} else ()
        found = sorted(each for each in matching if each.is_file())
    except (OSError, ValueError) as error:
        raise CnnError(f"{path}: is not a pattern: {error}", FORMS) from None
    if not found:
        raise CnnError(f"{path}: no such shard", FORMS)
    return found


def _fixed(path: Path) -> Path:
    """The folders before the first part that is a pattern.

    >>> _fixed(Path("imagenet/{train,val}/*.tar")).name
    'imagenet'
    """
    folders = path.parent.parts
    patterns = [at for at, part in enumerate(folders) if {*part} & (MAGIC | {"{"})]
    return Path(*folders[: patterns[0]]) if patterns else path.parent


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
