"""Changes to trees (YAML, JSON), texts and bytes that keep most of the structure of what they change."""

from __future__ import annotations

import copy
import io
import json
import re
import struct
from random import Random
from typing import Any

import yaml

# values at the edge of what a field can hold, of another type, or in another script
NASTY: tuple[Any, ...] = (
    0, -1, 1, 2, 3, 7, 16, 255, 65535, 99_999, 2**31 - 1, 2**31, 2**32, 2**63, 10**12, 10**30, -(2**31), 0.5, -0.5,
    1.0, 2.5, 1e-12, 1e300, "1e999", "-1e999", "nan", "inf", "-inf", "∞", "-0", "+3", "1_6", "0x10", "010", "1e3",
    "1e5", "٣", "3", "²", "½", "−1", "1,000", "1 000", "50k", "1/3", "1/0", "50%", True, False, None, "", " ", "~",
    "yes", "null", "a", "A", "ä", "é́", "中文", "🙂", "‮abc", "\x1b[2J", "\x00", "\t", "\n", "a\nb", "a.b", ".", "..",
    "/", "../../x", "/dev/zero", "-", "--", "--help", "=1+1", "@x", "$w", "$w * 2", "${w}", "$i ** $i", "$",
    "9**9**9**9", "[1, 2]", "{a: 1}", "!!python/object:os.system x", "*a", "&a", "<<", "%s", "{0}", "<script>", "'",
    '"', "`", "\\", ";", "|", "3x3", "3x32x32", "32x32x3", "28x28", "3xHxW", "0x0", "1x1x1", "1x1x1x1x1", "x", "x3",
    "3x", "same", "full", "valid", "1x2147483647x2147483647", "x" * 5000, "9" * 400, [], {}, [[]], [0], [1, 2],
    [3, [1, 2]], [[1, 2], [3, 4]], [-1, -1], [1, 2, 3, 4, 5], {"a": 1}, [None], {"": ""}, [True, "a"],
)  # fmt: skip

INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40, (1 << 64) - 512)

Path = tuple[Any, ...]


def nasty(rng: Random) -> Any:
    """One of the values."""
    return copy.deepcopy(rng.choice(NASTY))


def nasty_text(rng: Random) -> str:
    """One of the values as text that can be an argument (without a NUL)."""
    value = nasty(rng)
    text = value if isinstance(value, str) else json.dumps(value)
    return text.replace("\0", "␀")


def _paths(tree: Any, at: Path = (), inside: tuple[int, ...] = ()) -> list[Path]:
    """The paths of all nodes. A node inside of itself, as aliases in YAML allow, ends there."""
    found: list[Path] = [at]
    if id(tree) in inside:
        return found
    inner = (*inside, id(tree))
    if isinstance(tree, dict):
        for key in tree:
            found += _paths(tree[key], (*at, key), inner)
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            found += _paths(item, (*at, index), inner)
    return found


def _get(tree: Any, path: Path) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def mutate_tree(rng: Random, tree: Any, words: tuple[str, ...] = (), times: int | None = None) -> Any:
    """A copy of a tree of dicts, lists and scalars with a few nodes changed, moved, doubled or left out."""
    tree = copy.deepcopy(tree)
    for _ in range(times or rng.choice((1, 1, 1, 2, 3, 5))):
        paths = [path for path in _paths(tree) if path]
        if not paths:
            return nasty(rng)
        _mutate_once(rng, tree, rng.choice(paths), paths, words)
    return tree


def _mutate_once(rng: Random, tree: Any, path: Path, paths: list[Path], words: tuple[str, ...]) -> None:
    parent, key = _get(tree, path[:-1]), path[-1]
    match rng.randrange(10):
        case 0:
            del parent[key]
        case 1:  # another part of the tree in its place
            parent[key] = copy.deepcopy(_get(tree, rng.choice(paths)))
        case 2:
            if isinstance(parent, list):
                parent.insert(rng.randrange(len(parent) + 1), copy.deepcopy(parent[key]))
            else:
                parent[rng.choice(words) if words else nasty_text(rng)] = copy.deepcopy(parent[key])
        case 3:  # swapped with another
            other = rng.choice(paths)
            if other[: len(path)] != path and path[: len(other)] != other:
                place, name = _get(tree, other[:-1]), other[-1]
                parent[key], place[name] = place[name], parent[key]
        case 4:
            if isinstance(parent, dict):  # under another name
                name = rng.choice(words) if words and rng.random() < 0.8 else nasty_text(rng)
                parent[name] = parent.pop(key)
            else:
                rng.shuffle(parent)
        case 5 if words:
            parent[key] = rng.choice(words)
        case 6:
            times = rng.choice((1, 2, 3, 30)) if len(paths) < 1000 else 1
            parent[key] = [copy.deepcopy(parent[key]) for _ in range(times)]
        case 7 if isinstance(parent[key], int) and not isinstance(parent[key], bool):
            parent[key] = rng.choice((parent[key] + 1, parent[key] - 1, -parent[key], parent[key] * 1000, 1, 0))
        case _:
            parent[key] = nasty(rng)


def dump_yaml(rng: Random, tree: Any) -> bytes:
    """A tree as YAML, in one of its styles."""
    try:
        text: str = yaml.safe_dump(
            tree, sort_keys=False, allow_unicode=True, default_flow_style=rng.choice((None, False, True)), width=1000
        )
    except yaml.YAMLError:
        text = json.dumps(tree)
    return text.encode("utf-8", "surrogatepass")


def mutate_yaml(rng: Random, text: str, words: tuple[str, ...] = ()) -> bytes:
    """A YAML text with its tree, its words, its lines or its bytes changed."""
    match rng.randrange(20):
        case 0 | 1:
            return mutate_bytes(rng, text.encode())
        case 2 | 3 | 4:
            return mutate_lines(rng, text).encode()
        case 5 | 6 | 7 | 8 | 9 | 10:
            return mutate_words(rng, text, words).encode("utf-8", "surrogatepass")
        case _:
            try:
                tree = yaml.safe_load(text)
            except (yaml.YAMLError, ValueError):
                return mutate_words(rng, text, words).encode("utf-8", "surrogatepass")
            return dump_yaml(rng, mutate_tree(rng, tree, words))


def mutate_words(rng: Random, text: str, words: tuple[str, ...]) -> str:
    """Some words of a text replaced by others: of it, of ``words``, or nasty ones."""
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        found = list(re.finditer(r"[\w.$-]+", text))
        if not found:
            break
        match = rng.choice(found)
        other = rng.choice((rng.choice(found).group(), rng.choice(words) if words else "0", nasty_text(rng)))
        text = text[: match.start()] + other + text[match.end() :]
    return text


def mutate_lines(rng: Random, text: str) -> str:
    """Lines doubled, moved, left out, indented."""
    lines = text.split("\n")
    for _ in range(rng.choice((1, 1, 2, 4))):
        at, to = rng.randrange(len(lines)), rng.randrange(len(lines))
        match rng.randrange(5):
            case 0:
                lines.insert(to, lines[at])
            case 1:
                lines[at], lines[to] = lines[to], lines[at]
            case 2 if len(lines) > 1:
                del lines[at]
            case 3:
                lines[at] = rng.choice(("  ", " ", "\t", "- ")) + lines[at]
            case _:
                lines[at] = lines[at][rng.choice((1, 2, 4)) :]
    return "\n".join(lines)


def mutate_bytes(rng: Random, data: bytes) -> bytes:
    """Bytes flipped, put in, left out, doubled, cut off, or overwritten by numbers at the edge."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(changed) + 1)
        length = rng.choice((1, 1, 2, 4, 16, 512))
        match rng.randrange(8):
            case 0 if at < len(changed):
                changed[at] ^= 1 << rng.randrange(8)
            case 1 if at < len(changed):
                changed[at] = rng.randrange(256)
            case 2:
                changed[at:at] = rng.randbytes(length)
            case 3:
                del changed[at : at + length]
            case 4:
                changed[at:at] = changed[at : at + length]
            case 5 if rng.random() < 0.3:
                del changed[at:]
            case 6:
                number = struct.pack(rng.choice("<>") + rng.choice("HIQ"), 0)
                value = rng.choice(INTERESTING) & ((1 << 8 * len(number)) - 1)
                changed[at : at + len(number)] = value.to_bytes(len(number), rng.choice(("little", "big")))
            case _:
                changed[at : at + length] = rng.choice((b"\0", b"\xff", b" ", b"9", b"-")) * length
    return bytes(changed)


def mutate_json(rng: Random, text: str, words: tuple[str, ...] = ()) -> bytes:
    """JSON with its tree or its bytes changed."""
    if rng.random() < 0.15:
        return mutate_bytes(rng, text.encode())
    return json.dumps(mutate_tree(rng, json.loads(text), words)).encode()


def mutate_csv(rng: Random, text: str) -> bytes:
    """A table with cells, rows or bytes changed."""
    if rng.random() < 0.2:
        return mutate_bytes(rng, text.encode())
    rows = [line.split(",") for line in text.split("\n") if line]
    for _ in range(rng.choice((1, 1, 2, 4))):
        row = rng.choice(rows)
        match rng.randrange(5):
            case 0 if len(row) > 1:
                del row[rng.randrange(len(row))]
            case 1:
                row.insert(rng.randrange(len(row) + 1), nasty_text(rng))
            case 2 if len(rows) > 1:
                rows.remove(row)
            case _ if row:
                row[rng.randrange(len(row))] = nasty_text(rng)
        if not any(rows):
            break
    out = io.StringIO()
    for row in rows:
        out.write(",".join(row) + rng.choice(("\n", "\n", "\n", "\r\n", "\r")))
    return out.getvalue().encode("utf-8", "surrogatepass")
