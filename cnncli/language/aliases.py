"""The names that PyTorch, Keras and others use for layer types and fields, so that an error can name cnn's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cnncli.arithmetic.numerals import read_number
from cnncli.errors import closest, enumerated
from cnncli.layers import KINDS

EVERYWHERE = ("name", "from")  # what every layer and every composite but ``when`` takes

FIELD_ALIASES = {  # the fields that a name may mean; the layer type takes the first that it has
    **dict.fromkeys(("out_channels", "channels", "num_filters", "nfilters"), ("filters",)),
    "num_output": ("filters", "units"),
    **dict.fromkeys(("out_features", "features", "neurons"), ("units",)),
    **dict.fromkeys(("kernel_size", "filter_size", "pool_size", "ksize", "window"), ("kernel",)),
    **dict.fromkeys(("pad", "pads"), ("padding",)),
    **dict.fromkeys(("dilation_rate", "dilations"), ("dilation",)),
    **dict.fromkeys(("num_groups", "group"), ("groups",)),
    **dict.fromkeys(("depth_multiplier", "channel_multiplier"), ("multiplier",)),
    **dict.fromkeys(("prob", "drop_prob"), ("rate",)),
    **dict.fromkeys(("inputs", "input"), ("from",)),
    "out": ("filters", "units", "output"),
    "size": ("kernel", "output", "scale"),
    "strides": ("stride",),
    "use_bias": ("bias",),
    "output_size": ("output",),
    "epsilon": ("eps",),
    "elementwise_affine": ("affine",),
    "negative_slope": ("slope",),
    "alpha": ("slope",),
    "scale_factor": ("scale",),
    "factor": ("scale",),
    "interpolation": ("mode",),
    "id": ("name",),
    "ceil_mode": ("rounding",),
    "k": ("kernel",),
    "f": ("filters", "kernel"),
    "n": ("filters", "units", "size"),
    "s": ("stride", "scale"),
    "p": ("rate", "padding"),
    "d": ("dilation",),
    "r": ("factor", "rate"),
    "g": ("groups",),
}
KERNEL_F = ("F", "K")  # in CS231n's notation: K filters of size F; {n: 6, f: 5} gives n filters of size f


def field_meant(field: str, known: Sequence[str], others: Iterable[str] = ()) -> str:
    """The field that a name means, in cnn or in another notation; the name itself where it means none of ``known``.

    ``others`` are the names given with it: with ``K`` or ``n`` for the filters, ``F`` is the kernel.

    >>> field_meant("p", ["rate"]), field_meant("F", ["filters", "kernel"], "KFSP"), field_meant("ab", ["rate"])
    ('rate', 'kernel', 'ab')
    """
    if field in known:
        return field
    if field in KERNEL_F and "filters" in known and {*KERNEL_F} <= {*others}:
        return "kernel" if field == "F" else "filters"
    if field.lower() == "f" and "kernel" in known and {"n", "N"} & {*others}:
        return "kernel"
    return next((name for name in FIELD_ALIASES.get(field.lower(), (field.lower(),)) if name in known), field)


IMPLIED = ("in_channels", "in_features", "num_features", "normalized_shape", "input_dim", "input_channels")
SEPARATE_LAYERS = ("activation", "batch_norm", "batchnorm", "normalization")

# Names of several layer types, among which only the user can choose.
FAMILIES = {
    **dict.fromkeys(("pool", "pooling"), ("maxpool", "avgpool")),
    **dict.fromkeys(("norm", "normalization"), ("batchnorm", "layernorm", "groupnorm", "lrn")),  # lrn: AlexNet's NORM1
}

REDUCTIONS = {"max": "maxpool", "maximum": "maxpool", "mean": "avgpool", "average": "avgpool", "avg": "avgpool"}
LONGEST_WORD = 60
MOST_BLOCKS = 8  # in a message
COMPOSITE_KINDS = ("residual", "parallel", "repeat", "when")
LISTED = "cnn layer lists the layer types"

KIND_ALIASES = {alias: kind for kind, layer in KINDS.items() for alias in layer.aliases} | dict.fromkeys(
    ("output", "outputs", "out", "classifier", "head"), "linear"
)
COMPOSITE_ALIASES = {  # what figures call a part of a network, and the composite for it
    **dict.fromkeys(("inception", "inceptionmodule", "inceptionblock", "branches"), "parallel"),
    **dict.fromkeys(("skip", "skipconnection", "shortcut", "resblock", "residualblock", "basicblock"), "residual"),
    **dict.fromkeys(("bottleneck", "bottleneckblock", "identityblock"), "residual"),
}


def odd_letter(word: str) -> str:
    """The hint for a word with a letter that looks like another one, e.g. a Cyrillic c; "" if it has none."""
    import unicodedata  # needed only for errors

    odd = next((char for char in word if not char.isascii() and (char.isalpha() or not char.isprintable())), "")
    return f"type it again: {odd!r} is U+{ord(odd):04X}, {unicodedata.name(odd, 'unnamed')}" if odd else ""


def _plain(word: str) -> str:
    return word.rpartition(".")[2].lower().removesuffix("_param").replace("_", "").replace("-", "")


def kind_hint(word: str, known: list[str], value: str = "") -> str:
    """The hint for an unknown layer type; ``value`` is the text after its colon."""
    odd = odd_letter(word)
    if odd:
        return odd
    if _plain(word) in ("activation", "act", "nonlinearity"):
        kind = _same_kind(value, known) if value else None
        return f"write - {kind}" if kind else "write the activation as a layer, e.g. - relu"
    if _plain(word) in ("input", "inputlayer", "data"):
        return "write the input before the layers: input: 1x28x28"
    if _plain(word) in REDUCTIONS and read_number(value) is not None:
        return f"use {REDUCTIONS[_plain(word)]}"
    composite = COMPOSITE_ALIASES.get(re.sub(r"[\d\s()]+[a-e]?\)?$|\s", "", _plain(word)))
    if composite in known:
        return f"use {composite}"
    family = families_named(word)
    if family:
        return f"use {enumerated(family, 'or')}"
    exact = _same_kind(word, known)
    near = exact or _similar_kind(word, known)
    if near is None:
        return _nearest_kinds(word, known)
    return f"use {near}" if exact else f"did you mean {near}?"


def _nearest_kinds(word: str, known: list[str]) -> str:
    """The hint for a word that resembles no layer type: a few that have something of it, and the blocks of the file."""
    import difflib  # needed only for errors

    near = difflib.get_close_matches(word[:LONGEST_WORD].lower(), known, n=3, cutoff=0.4)
    blocks = [name for name in known if name not in KINDS and name not in COMPOSITE_KINDS][:MOST_BLOCKS]
    defined = f"; the blocks of this file are {enumerated(blocks)}" if blocks else ""
    return f"{LISTED}{f' (the nearest are {enumerated(near)})' if near else ''}{defined}"


def kind_meant(word: str, known: list[str]) -> str | None:
    """The layer type that was most likely meant; None where a word means several, such as pool."""
    if families_named(word) or is_separable(word):
        return None
    return _same_kind(word, known) or _similar_kind(word, known)


def kind_named(word: str) -> str | None:
    """The layer type with exactly that name, in cnn or in another framework; None for any other word."""
    return _same_kind(word, list(KINDS))


def families_named(word: str) -> tuple[str, ...]:
    """The layer types among which a word leaves the choice: ``pool``, ``POOL2`` and ``Pool2x2`` are pools."""
    without_size = re.sub(r"^[0-9]+[x×][0-9]+ +|[0-9]+(d|[x×][0-9]+)?$", "", _plain(word))
    return FAMILIES.get(without_size, ())


def is_separable(word: str) -> bool:
    """Whether a word is Keras's name for a depthwise and a pointwise convolution."""
    return _plain(word).startswith("separableconv")


def _same_kind(word: str, known: list[str]) -> str | None:
    """The layer type with that name in another framework or in another spelling."""
    plain = _plain(word)
    return KIND_ALIASES.get(plain) or {_plain(name): name for name in known}.get(plain)


def _similar_kind(word: str, known: list[str]) -> str | None:
    """The layer type that ``word`` is a misspelling of, in cnn or in another framework."""
    plain = _plain(word)
    if len(plain) > LONGEST_WORD:
        return None
    return closest(word, known) or KIND_ALIASES.get(closest(plain, list(KIND_ALIASES)) or "")


WEIGHTS_BY_HAND = {  # fields of layers in a file for cnn convolve: the weight or buffer that each gives
    **{name: name for name in ("weight", "bias", "running_mean", "running_var", "mask")},
    "weights": "weight",
    "gamma": "weight",
    "beta": "bias",
    "mean": "running_mean",
    "var": "running_var",
    "variance": "running_var",
}
# The same with the letters of W x + b, which are no mistaken fields of a network.
WEIGHT_FIELDS = {"W": "weight", "w": "weight", "b": "bias", **WEIGHTS_BY_HAND}
KEYS_BY_HAND = {  # keys of such a file
    "values": "The numbers of the input, as a matrix or nested lists: cnn convolve calculates with them.",
    "target": "The target of the loss: a class, counted from 0, or numbers.",
    "loss": "The loss, whose gradients are calculated.",
}
BY_HAND_HINT = "remove it, or use cnn convolve, which calculates with numbers"


def field_hint(field: str, known: list[str], others: Iterable[str] = ()) -> str:
    """The hint for an unknown field; ``others`` are the names of the fields given with it."""
    odd = odd_letter(field)
    if odd:
        return odd
    if field in IMPLIED:
        return "remove it: it is derived from the input"
    if field == "ceil_mode" and "rounding" in known:
        return "use rounding: ceil"
    name = field_meant(field, known, others)
    if name in known:
        return f"use {name}"
    if field in WEIGHTS_BY_HAND:
        return BY_HAND_HINT
    if field in SEPARATE_LAYERS:
        return "add it as a separate layer after this one"
    near = closest(field, known)
    return f"did you mean {near}?" if near else f"the fields are {', '.join(known)}"
