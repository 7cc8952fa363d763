"""Matrices as texts and files, and what is done with them by hand."""

from __future__ import annotations

from random import Random

from . import corpus
from .cases import Case, Content
from .mutations import mutate_bytes, nasty_text
from .options import some_options

ENTRIES = (
    "0", "1", "-1", "2", "1/2", "0.1", "1e3", "\u22121", "3/0", "1e999", "x", "1_0", "\u0663", "", "+1", "nan", "99999",
    "a", "-b", "2c", "x_1", "1/2y", "ab", "\u03b1", "a",
)  # fmt: skip
BETWEEN_ENTRIES = (" ", " ", " ", ", ", ",", "\t", " & ", "  ")
BETWEEN_ROWS = ("; ", "; ", ";", "\n", "\\\\", " \\\\ ", ";;")
BETWEEN_CHANNELS = (" | ", "|", " || ")


def matrix(rng: Random) -> str:
    """A matrix as someone might write it."""
    if rng.random() < 0.05:
        return nasty_text(rng)
    odd = rng.random() < 0.3
    between = [rng.choice(signs) for signs in (BETWEEN_ENTRIES, BETWEEN_ROWS, BETWEEN_CHANNELS)]
    rows, columns = rng.choice((1, 2, 3, 4, 5)), rng.choice((1, 2, 3, 4, 5))

    def entry() -> str:
        return rng.choice(ENTRIES) if odd and rng.random() < 0.2 else str(rng.randrange(-3, 10))

    def row() -> str:
        ragged = rng.choice((-1, 1)) if odd and rng.random() < 0.1 else 0
        return between[0].join(entry() for _ in range(max(1, columns + ragged)))

    if rng.random() < 0.1:
        return "[" + ", ".join("[" + ", ".join(entry() for _ in range(columns)) + "]" for _ in range(rows)) + "]"
    channels = rng.choice((1, 1, 1, 2, 3))
    text = between[2].join(between[1].join(row() for _ in range(rows)) for _ in range(channels))
    if odd and rng.random() < 0.3:
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice("[](){}|;,&\\ \n'\"") + text[at:]
    return text


def _file(rng: Random) -> tuple[str, Content]:
    import numpy as np

    kind = rng.choice(("npy", "npz", "csv", "yaml", "txt", "png"))
    array = (
        np.arange(24)
        .reshape(rng.choice(((4, 6), (2, 3, 4), (24,), (2, 2, 2, 3))))
        .astype(rng.choice(("i8", "f4", "f8", "u1", "c8", "?", "f2", ">i2", "U3")))
    )
    match kind:
        case "npy":
            data = corpus.npy_of(array)
        case "npz":
            data = corpus.npz_of(a=array, b=array)
        case "png":
            name = rng.choice(tuple(corpus.pictures()))
            data, kind = corpus.pictures()[name], name.rpartition(".")[2]
        case _:
            data = matrix(rng).encode()
    return f"m.{kind}", mutate_bytes(rng, data) if rng.random() < 0.5 else data


def generate(rng: Random) -> Case:
    """A convolution, a pool or a derivation by hand."""
    files: dict[str, Content] = {}
    texts = [matrix(rng) for _ in range(rng.choice((1, 2, 2, 2, 3)))]
    if rng.random() < 0.3:
        name, content = _file(rng)
        files[name] = content
        texts[rng.randrange(len(texts))] = name
    if rng.random() < 0.2:
        answer = f"answers:\n  convolve a: {{input: {texts[0]!r}, kernel: {texts[-1]!r}, result: {matrix(rng)!r}}}\n"
        return Case(("check", "sheet.yaml"), {**files, "sheet.yaml": answer.encode("utf-8", "surrogatepass")})
    if rng.random() < 0.15:
        numbers = [f"--{name}={rng.choice(('1', '2', '3', '7', '7x5', '0', '100000'))}" for name in ("in", "kernel")]
        return Case(("solve", *numbers, *some_options(rng, "solve")))
    options = some_options(rng, "convolve", list(files), rng.choice((0, 1, 1, 2, 3)))
    if rng.random() < 0.2:
        pool = rng.choice(("max", "avg", "l2"))
        return Case(("convolve", "--pool", pool, "--kernel", "2", *options, "--", texts[0]), files)
    return Case(("convolve", *options, "--", *texts), files)
