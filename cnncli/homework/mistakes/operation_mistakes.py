"""The value that each mistake gives for a layer's operations: MACs, FLOPs and connections."""

from __future__ import annotations

from cnncli.arithmetic.shape import Shape, numel
from cnncli.homework.mistakes.count_mistakes import Counts, flattened_wrong
from cnncli.homework.mistakes.dot_product import dot_of, factor_mistakes, pairs_of
from cnncli.homework.mistakes.shape_mistakes import sizes_of
from cnncli.inference import Inferred, LayerInfo
from cnncli.layers.linear import Linear

IN_POSITIONS = "positions"  # the variant of a mistake in the output size that changes the number of positions
BATCHES = (4, 8, 16, 32, 64, 128, 256, 512, 1024)  # common batch sizes


def of_macs(inferred: Inferred, info: LayerInfo, *, pairs: bool = True) -> Counts:
    """The value that each mistake gives for a layer's multiply-accumulates (MACs)."""
    stats = info.stats
    if not stats.macs:
        return {}
    found = {
        **_of_products(inferred, info, pairs=pairs),
        "macs_vs_flops": 2 * stats.macs,
        "macs_include_bias": stats.connections,
        **of_batches(stats.macs),
    }
    return {name: value for name, value in found.items() if value != stats.macs}


def _of_products(inferred: Inferred, info: LayerInfo, *, pairs: bool) -> Counts:
    """The products that each mistake counts: wrong factors of the weights, or wrong positions."""
    dot = dot_of(info)
    if dot is None:
        return _of_other_windows(info)
    counted = _counted_positions(info)
    whole = dot._replace(bias="none", positions=numel(counted))
    factors = factor_mistakes(inferred, info, whole)
    factors.pop("counted_input_pixels", None)  # for operations, the size of the input is that of the positions
    if isinstance(info.node.layer, Linear):
        factors |= flattened_wrong(inferred, info, whole)
    positions = {name: whole._replace(positions=count) for name, count in _wrong_positions(info, counted).items()}
    single = factors | {name: other for name, other in positions.items() if other != whole}
    found = {name: whole._replace(positions=numel(sizes)).total() for name, sizes in _wrong_sizes(info).items()}
    found |= {name: wrong.total() for name, wrong in single.items()}
    if pairs:
        found |= {name: wrong.total() for name, wrong in pairs_of(whole, single).items()}
        found |= {f"{name}+macs_vs_flops": 2 * wrong.total() for name, wrong in single.items()}
    return found | ({"features_added": dot.filters + dot.channels} if isinstance(info.node.layer, Linear) else {})


def _of_other_windows(info: LayerInfo) -> Counts:
    """The mistake in the positions of a layer that is no single dot product, such as one with a connection table."""
    if not info.stats.windows:
        return {}
    return {"macs_input_size": info.stats.macs // numel(info.stats.output_shape[1:]) * numel(info.input_shapes[0][1:])}


def _counted_positions(info: LayerInfo) -> Shape:
    """The positions at which the weights are applied: those of the input for a transposed convolution."""
    return info.input_shapes[0][1:] if info.node.layer.transposed else info.stats.output_shape[1:]


def _wrong_positions(info: LayerInfo, counted: Shape) -> Counts:
    if not info.stats.windows:
        return {}
    is_transposed = info.node.layer.transposed
    found = {
        "positions_left_out": 1,
        "macs_input_size#transposed" if is_transposed else "macs_input_size": numel(
            info.stats.output_shape[1:] if is_transposed else info.input_shapes[0][1:]
        ),
    }
    if len(counted) > 1:
        found |= {f"side_for_area#{axis}": side for axis, side in enumerate(dict.fromkeys(counted))}
    return found


def _wrong_sizes(info: LayerInfo) -> dict[str, Shape]:
    """The output sizes that each mistake gives, where the weights are applied at the positions of the output."""
    found = {} if info.node.layer.transposed else sizes_of(info)
    found.pop("kept_input_size", None)  # macs_input_size is this mistake
    return {f"{name}#{IN_POSITIONS}": sizes for name, sizes in found.items()}


def of_connections(inferred: Inferred, info: LayerInfo) -> Counts:
    """The value that each mistake gives for a layer's connections: its MACs, and one for each bias."""
    stats = info.stats
    added = stats.connections - stats.macs
    found = {name: value + added for name, value in _of_products(inferred, info, pairs=False).items()}
    return {name: value for name, value in {**found, "forgot_bias": stats.macs}.items() if value != stats.connections}


def of_flops(inferred: Inferred, info: LayerInfo) -> Counts:
    """The value that each mistake gives for a layer's floating-point operations (FLOPs)."""
    stats = info.stats
    saved = 2 * stats.macs - stats.flops  # the additions that a dot product without a bias saves
    products = _of_products(inferred, info, pairs=False) if stats.macs else {}
    found = {name: 2 * value - saved for name, value in products.items()}
    found |= {"macs_vs_flops": stats.macs, **of_batches(stats.flops)}
    if stats.biases:
        found["forgot_bias"] = 2 * stats.macs - numel(stats.output_shape)
    elif stats.macs:
        found["counted_bias"] = 2 * stats.macs
    return {name: value for name, value in found.items() if value != stats.flops and value > 0}


def of_batches(count: int) -> Counts:
    return {f"macs_per_batch#of {batch}": count * batch for batch in BATCHES} if count else {}
