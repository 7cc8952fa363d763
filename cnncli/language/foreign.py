"""PyTorch's and Keras's words, so that a slip of the fingers is answered with ours."""

from __future__ import annotations

from cnncli.errors import closest
from cnncli.layers import KINDS

FIELDS = {
    "out_channels": "filters",
    "channels": "filters",
    "out_features": "units",
    "features": "units",
    "neurons": "units",
    "kernel_size": "kernel",
    "filter_size": "kernel",
    "pool_size": "kernel",
    "size": "kernel",
    "window": "kernel",
    "strides": "stride",
    "pad": "padding",
    "pads": "padding",
    "dilation_rate": "dilation",
    "dilations": "dilation",
    "use_bias": "bias",
    "num_groups": "groups",
    "group": "groups",
    "depth_multiplier": "multiplier",
    "channel_multiplier": "multiplier",
    "output_size": "output",
    "p": "rate",
    "prob": "rate",
    "drop_prob": "rate",
    "epsilon": "eps",
    "elementwise_affine": "affine",
    "negative_slope": "slope",
    "scale_factor": "scale",
    "interpolation": "mode",
    "inputs": "from",
    "input": "from",
    "id": "name",
}

IMPLIED = ("in_channels", "in_features", "num_features", "normalized_shape", "input_dim", "input_channels")
OWN_LAYER = ("activation", "batch_norm", "batchnorm", "normalization")

# words for several kinds, which only the user can choose from
FAMILIES = {
    **dict.fromkeys(("pool", "pooling"), ("maxpool", "avgpool")),
    **dict.fromkeys(("norm", "normalization"), ("batchnorm", "layernorm", "groupnorm")),
}

LONGEST_WORD = 60

KIND_NAMES = {foreign: kind for kind, layer in KINDS.items() for foreign in layer.aliases}


def _plain(word: str) -> str:
    return word.rpartition(".")[2].lower().replace("_", "").replace("-", "")


def kind_hint(word: str, known: list[str]) -> str:
    """What to write instead of an unknown kind."""
    family = FAMILIES.get(_plain(word).removesuffix("1d").removesuffix("2d").removesuffix("3d"))
    if family is not None:
        return f"write {', '.join(family[:-1])} or {family[-1]}"
    meant = kind_meant(word, known)
    return f"write {meant}" if meant else f"the kinds are {', '.join(known)}"


def kind_meant(word: str, known: list[str]) -> str | None:
    """The kind that was most likely meant."""
    plain = _plain(word)
    if len(plain) > LONGEST_WORD:
        return None
    spelled = {_plain(name): name for name in known}
    return KIND_NAMES.get(plain) or spelled.get(plain) or closest(word, known) or _near_foreign(plain)


def _near_foreign(plain: str) -> str | None:
    near = closest(plain, list(KIND_NAMES))
    return KIND_NAMES[near] if near else None


def field_hint(field: str, known: list[str]) -> str:
    """What to write instead of an unknown field."""
    if field in IMPLIED:
        return "remove it: it follows from the layer above"
    ours = FIELDS.get(field.lower())
    if ours in known:
        return f"write {ours}"
    if field in OWN_LAYER:
        return "write it as a layer of its own, below this one"
    if field == "ceil_mode" and "rounding" in known:
        return "write rounding: ceil"
    near = closest(field, known)
    return f"write {near}" if near else f"the fields are {', '.join(known)}"
