"""What PyTorch's operations do with a layer. The analyses need these facts as well as the executor; layers do not."""

from __future__ import annotations

from cnncli.layers.base import Layer, Shapes
from cnncli.layers.conv import Convolution, Local
from cnncli.layers.pool import WindowPool
from cnncli.layers.reshape import Crop, Flatten, Identity, Pad, Permute, Reshape, Slice

VIEWS = (Flatten, Identity, Permute, Reshape, Slice)
UNCHANGED_WITHOUT_BORDER = (Crop, Pad)  # the lowering writes no operation for a border of 0


def is_view(layer: Layer, inputs: Shapes) -> bool:
    """Whether the layer's output shares the memory of its input."""
    return isinstance(layer, VIEWS) or (
        isinstance(layer, UNCHANGED_WITHOUT_BORDER) and not any(map(any, layer.border(inputs)))
    )


def pooling_pads(layer: WindowPool, inputs: Shapes) -> bool:
    """Whether PyTorch's pooling functions take the layer's padding as an argument.

    They do where it is equal on both sides and at most half of the kernel; in 3-D the kernel must also fit the
    input without its padding.
    """
    windows, sizes = layer.windows(inputs), inputs[0][1:]
    if not all(window.before == window.after <= window.kernel // 2 for window in windows):
        return False
    return len(sizes) < 3 or all(window.effective_kernel <= size for size, window in zip(sizes, windows, strict=True))


def takes_padding_by_name(layer: Convolution, inputs: Shapes) -> bool:
    """Whether PyTorch's convolution takes the layer's padding by name: ``same`` with stride 1, or ``valid``."""
    if layer.padding_mode != "zeros" or isinstance(layer, Local):  # PyTorch has no locally connected layer
        return False
    return layer.padding == "valid" or (
        layer.padding == "same" and all(window.stride == 1 for window in layer.windows(inputs))
    )
