"""PyTorch code as text: what lowering a layer gives, and the helpers that write it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from cnncli.arithmetic.window import Window
from cnncli.executor.lowering.custom_modules import PAD_MODES, torch_padding


class TorchCode(NamedTuple):
    """A layer as PyTorch code: the expression of its output and, where it has a module, what constructs that module.

    ``forward`` reads the module and the inputs under the names that the caller gave them (:data:`Lowering`); it may
    also read ``self.training``. ``uncounted`` is why PyTorch's FLOP counter does not confirm the layer's MACs.
    """

    forward: str
    module: str = ""
    uncounted: str = ""


Lowering = Callable[..., TorchCode]  # (layer, input shapes, name of its module, name of each input)


def call(function: str, *arguments: object, **options: object) -> str:
    """``function(1, 2, stride=3)``; arguments are code, options are values, and those that are None are omitted."""
    named = [f"{name}={quoted(value)}" for name, value in options.items() if value is not None]
    return f"{function}({', '.join([*map(str, arguments), *named])})"


def quoted(value: object) -> str:
    """A value as Python code, with strings in double quotes."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{quoted(key)}: {quoted(item)}' for key, item in value.items())}}}"
    text = repr(value)
    return f'"{text[1:-1]}"' if isinstance(value, str) and '"' not in text else text


def omit_default(value: object, default: object) -> Any:
    """The value, or None where it equals PyTorch's default and need not be written."""
    return None if value == default else value


def compact(values: Sequence[int], default: object = None) -> Any:
    """A value per axis as PyTorch takes it: one number where all axes agree, else a tuple; None for the default."""
    short = values[0] if len(set(values)) == 1 else tuple(values)
    return omit_default(short, default)


def padded(x: str, pads: Sequence[tuple[int, int]], mode: str = "zeros", value: str = "") -> str:
    """The expression ``x`` with (before, after) values added on each spatial axis; unchanged where all are 0.

    ``mode`` is named as in the architecture language, ``value`` replaces the zeros.
    """
    amounts, mode = torch_padding(tuple(pads)), PAD_MODES.get(mode, mode)
    if not any(amounts):
        return x
    filled = f", value={value}" if value else ""
    named = f", mode={quoted(mode)}" if mode != "constant" else ""
    return f"functional.pad({x}, {tuple(amounts)}{named}{filled})"


def window_tuple(windows: tuple[Window, ...]) -> str:
    """The windows as the custom modules take them."""
    texts = [
        call(
            "Window", window.kernel,
            stride=omit_default(window.stride, 1),
            before=omit_default(window.before, 0),
            after=omit_default(window.after, 0),
            dilation=omit_default(window.dilation, 1),
        )
        for window in windows
    ]  # fmt: skip
    return f"({', '.join(texts)},)" if len(texts) == 1 else f"({', '.join(texts)})"
