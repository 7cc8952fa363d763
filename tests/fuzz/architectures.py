"""Networks: a bundled file with its tree, its words, its lines or its bytes changed, put to a command that reads it."""

from __future__ import annotations

from random import Random

from . import corpus
from .cases import Case, Content
from .mutations import mutate_yaml
from .options import SHAPES, some_options


def generate(rng: Random) -> Case:
    """A changed network."""
    name = rng.choice(tuple(corpus.architectures()))
    if rng.random() < 0.4:
        name = rng.choice(("small.yaml", "two_inputs.yaml", "unet.yaml"))  # those with most of the language in them
    text = mutate_yaml(rng, corpus.architectures()[name], corpus.words())
    files: dict[str, Content] = {"net.yaml": text}
    options: list[str] = ["--input", rng.choice(SHAPES)] if rng.random() < 0.15 else []
    match rng.randrange(12):
        case 0 | 1:
            argv = ["explain", "net.yaml", *some_options(rng, "explain", count=1)]
        case 2:
            argv = ["solve", "net.yaml", rng.choice(("--accepts", "--output-size=3", "--receptive-field=9"))]
        case 3:
            argv = ["solve", "net.yaml", "--params=9999", "--vary", rng.choice(("width", "twice", "depth"))]
        case 4:
            argv = ["diff", "net.yaml", name.removesuffix(".yaml") if rng.random() < 0.5 else "lenet5"]
            files["other.yaml"] = corpus.architectures()[name].encode()
            argv[2] = "other.yaml"
        case 5:
            layer = rng.choice(("stem", "conv1", "c1", "linear1", "relu1", "maxpool1", "entry"))
            argv = ["receptive-field", "net.yaml", layer]
        case 6 if len(text) < 3000:
            return Case(("summarize", "-", *options), {}, text)
        case 7 | 8:
            argv = ["summarize", "net.yaml", *some_options(rng, "summarize")]
        case _:
            argv = ["summarize", "net.yaml", "--format", rng.choice(("table", "json", "csv", "markdown", "latex"))]
    return Case((*argv, *options), files)
