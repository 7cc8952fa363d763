"""Random networks for Hypothesis, as the text that a user would write."""

from __future__ import annotations

from cases import CASES
from hypothesis import strategies as st

from cnncli.arithmetic.shape import format_input_shape
from cnncli.errors import CnnError
from cnncli.language import Source
from cnncli.loading import Loaded, load_source

small = st.integers(1, 3)
words = st.sampled_from(["valid", "same", "same_lower", "full"])


def _fields(**fields: object) -> str:
    def text(value: object) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return f"[{', '.join(map(text, value))}]" if isinstance(value, list) else str(value)

    return "{" + ", ".join(f"{name}: {text(value)}" for name, value in fields.items()) + "}"


@st.composite
def padding(draw: st.DrawFn, rank: int) -> object:
    pairs = st.lists(st.lists(st.integers(0, 2), min_size=2, max_size=2), min_size=rank, max_size=rank)
    per_axis = st.lists(st.integers(0, 2), min_size=rank, max_size=rank)
    return draw(st.one_of(st.integers(0, 2), words, per_axis, pairs))


@st.composite
def conv(draw: st.DrawFn, rank: int) -> str:
    kernel = draw(st.one_of(st.integers(1, 4), st.lists(small, min_size=rank, max_size=rank)))
    mode = draw(st.sampled_from(["zeros"] * 5 + ["reflect", "replicate", "circular", "partial"]))
    shared = {
        "kernel": kernel,
        "stride": draw(small),
        "padding": draw(padding(rank)),
        "dilation": draw(st.integers(1, 2)),
        "bias": draw(st.booleans()),
        "padding_mode": mode,
    }
    if draw(st.integers(0, 4)) == 0:
        return f"depthwise_conv: {_fields(multiplier=draw(small), **shared)}"
    if draw(st.integers(0, 9)) == 0:
        return f"local: {_fields(filters=draw(small), **shared)}"
    if draw(st.integers(0, 9)) == 0:
        return f"conv: {_fields(filters=2, connections=[[0], [0]], **shared)}"
    groups = draw(st.sampled_from([1, 1, 1, 2]))
    return f"conv: {_fields(filters=groups * draw(st.integers(1, 4)), groups=groups, **shared)}"


@st.composite
def conv_transpose(draw: st.DrawFn, rank: int) -> str:
    words = st.sampled_from(["valid", "same", "same_lower"])
    fields = {
        "filters": draw(small),
        "kernel": draw(st.one_of(st.integers(1, 4), st.lists(small, min_size=rank, max_size=rank))),
        "stride": draw(small),
        "padding": draw(st.one_of(st.integers(0, 2), words, st.just([[1, 0]] * rank))),
        "output_padding": draw(st.sampled_from([0, 0, 1])),
        "dilation": draw(st.integers(1, 2)),
        "bias": draw(st.booleans()),
    }
    return f"conv_transpose: {_fields(**fields)}"


@st.composite
def pool(draw: st.DrawFn, rank: int) -> str:
    kind = draw(st.sampled_from(["maxpool", "maxpool", "avgpool", "avgpool", "l2pool", "subsample"]))
    fields: dict[str, object] = {
        "kernel": draw(st.integers(1, 4)),
        "stride": draw(small),
        "padding": draw(st.one_of(st.integers(0, 2), st.sampled_from(["valid", "same", "same_lower"]))),
        "rounding": draw(st.sampled_from(["floor", "ceil"])),
    }
    if kind == "avgpool":
        fields["count_include_pad"] = draw(st.booleans())
    elif kind == "maxpool":
        fields["dilation"] = draw(st.integers(1, 2))
    return f"{kind}: {_fields(**fields)}"


ACTIVATIONS = (
    *("relu", "relu6", "leaky_relu", "prelu", "elu", "gelu", "silu", "hardswish", "hardsigmoid", "sigmoid", "tanh"),
    *("softplus", "softmax", "log_softmax", "dropout", "identity", "scaled_tanh", "spatial_dropout", "drop_path"),
)
NORMS = (
    *("batchnorm", "batchnorm: {affine: false}", "layernorm", "layernorm: {axes: channels}", "groupnorm: 1"),
    *("instancenorm", "instancenorm: {affine: false}", "scale: 0.5", "lrn: 3", "prelu: {per_channel: true}"),
)
# every kind that maps one feature map to another of as many axes, so that a new kind is drawn, too
OF_CASES = sorted(
    {
        f"{case.kind}: {_fields(**case.fields)}"
        for case in CASES
        if len(case.inputs) == 1
        and len(case.output) == len(case.inputs[0]) > 1
        and not any(isinstance(value, tuple) for value in case.fields.values())
    }
)


@st.composite
def other(draw: st.DrawFn, rank: int) -> str:
    return draw(
        st.one_of(
            st.sampled_from([*ACTIVATIONS, *NORMS]),
            st.sampled_from(OF_CASES),
            st.builds("adaptive_{}pool: {}".format, st.sampled_from(["avg", "max"]), st.integers(1, 5)),
            st.builds("pad: {}".format, st.integers(0, 2)),
            st.builds("crop: {}".format, st.integers(0, 2)),
            st.builds("slice: {{start: {}, stop: {}}}".format, st.integers(0, 1), st.integers(2, 3)),
            st.builds("pixel_shuffle: {}".format, st.integers(1, 2)),
            st.builds("channel_shuffle: {}".format, st.integers(1, 2)),
            st.permutations(range(rank + 1)).map(lambda order: f"permute: {{order: {order}}}"),
            st.just("lcn: 3"),
            st.builds(
                "upsample: {{scale: {}, mode: {}}}".format,
                st.sampled_from([1, 2, 1.5, 3]),
                st.sampled_from(["nearest", "linear"]),
            ),
        )
    )


@st.composite
def layer(draw: st.DrawFn, rank: int, depth: int) -> str:
    choice = draw(st.integers(0, 13 if depth else 9))
    if choice < 3:
        return draw(conv(rank))
    if choice == 3:
        return draw(conv_transpose(rank))
    if choice < 6:
        return draw(pool(rank))
    if choice < 10:
        return draw(other(rank))
    inside = layers(rank, depth - 1)
    if choice == 10:
        return f"residual: {{layers: [{draw(keeping(rank))}, {draw(st.sampled_from(ACTIVATIONS))}]}}"
    if choice == 11:
        merge = draw(st.sampled_from(["concat", "add", "multiply", "maximum", "average"]))
        branches = [draw(keeping(rank)) for _ in range(draw(st.integers(1, 2)))]
        return f"parallel: {{branches: [{', '.join(f'[{branch}]' for branch in branches)}, []], merge: {merge}}}"
    if choice == 12:
        return f"unit: {_fields(width=draw(small), kernel=draw(st.sampled_from([1, 3])))}"
    return f"repeat: {{times: {draw(small)}, index: i, layers: [{', '.join(draw(inside))}]}}"


@st.composite
def keeping(draw: st.DrawFn, rank: int) -> str:
    """A layer that keeps sizes (and, being depthwise, channels)."""
    return _keeping(draw(st.sampled_from([1, 3])), draw(st.integers(1, 2)))


def _keeping(kernel: int, dilation: int, **others: object) -> str:
    return f"depthwise_conv: {_fields(kernel=kernel, padding='same', dilation=dilation, **others)}"


BLOCKS = """blocks:
  unit:
    parameters: {width: , kernel: 3}
    layers: [conv: {filters: $width * 2, kernel: $kernel, padding: same}, batchnorm, relu]
"""
SKIP = ["identity: {name: skip}", _keeping(3, 1, name="inner"), "add: [skip, inner]"]


def layers(rank: int, depth: int) -> st.SearchStrategy[list[str]]:
    return st.lists(layer(rank, depth), min_size=1, max_size=3)


@st.composite
def networks(draw: st.DrawFn) -> str:
    """A network of one or two inputs, with a body of random layers, and often a classifier on top."""
    rank = draw(st.sampled_from([1, 2, 2, 2, 3]))
    size = {1: 24, 2: 14, 3: 8}[rank]
    shape = [draw(st.integers(1, 4)), *(draw(st.integers(3, size)) for _ in range(rank))]
    body = [line for _ in range(draw(st.integers(1, 3))) for line in draw(layers(rank, 1))]
    ends: list[list[str]] = [
        [],
        ["flatten", "linear: 5"],
        ["global_avgpool", "relu", "linear: {units: 3, bias: false}"],
    ]
    ending = draw(st.sampled_from(ends))
    if draw(st.integers(0, 4)) == 0:
        body += SKIP
    written = format_input_shape(tuple(shape))
    inputs = f"input: {written}"
    if draw(st.integers(0, 4)) == 0:
        inputs = f"inputs: {{left: {written}, right: {written}}}"
        body.insert(0, draw(st.sampled_from(["add", "multiply", "concat"])) + ": [left, right]")
    text = "\n".join(f"  - {line}" for line in [*body, *ending])
    return f"{inputs}\n{BLOCKS if 'unit:' in text else ''}layers:\n{text}\n"


def load_if_it_fits(text: str) -> Loaded | None:
    """The network, or None where its shapes do not fit. A file that is invalid is a mistake of the generator."""
    try:
        return load_source(Source("random.yaml", text), "random")
    except CnnError as error:
        assert error.exit_code == 1, str(error)
        return None
