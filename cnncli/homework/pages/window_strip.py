"""A window that slides along an axis, as a small SVG picture: where it starts, what it skips and what is left over."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from cnncli.arithmetic.window import Window, dropped, fits, output_size
from cnncli.homework.languages.messages import plural, text, translated

CELL = 16  # pixels of a cell's side
SHOWN, HEAD, TAIL = 30, 17, 10  # cells of an axis that is shown whole, and of both ends of a longer one
FIRST_POSITIONS = 3  # drawn, and the last one
MARGIN, ROW = 2, 13


class _Strip(NamedTuple):
    """The padded axis in pixels; the middle of a long one is left out."""

    cells: int

    @property
    def is_whole(self) -> bool:
        return self.cells <= SHOWN

    def shown(self) -> Iterator[int]:
        """The cells that are drawn."""
        return iter(range(self.cells)) if self.is_whole else chain(range(HEAD), self.tail)

    @property
    def tail(self) -> range:
        """The cells after the ones that are left out."""
        return range(self.cells - TAIL, self.cells)

    def left(self, cell: int) -> int:
        """The left edge of a cell; cells past the end, under a window that hangs over, follow on."""
        if self.is_whole or cell < HEAD:
            return MARGIN + CELL * cell
        return MARGIN + CELL * (HEAD + 2 + cell - self.tail.start)


def window_strip(size: int, window: Window) -> str:
    """The padded axis of ``size`` as a row of cells, with its first positions of the window and the last one below.

    Padding is dashed; cells at the end that no position covers are marked. The text of the picture, for readers who do
    not see it, is :func:`described`. A window that is longer than what is shown of a long axis has no picture: "".
    """
    if window.effective_kernel > HEAD:
        return ""
    strip = _Strip(window.before + size + window.after)
    count = output_size(size, window) if fits(size, window) else 0
    left_over = range(strip.cells - max(0, dropped(size, window)), strip.cells) if count else range(0)
    parts = [*_axis(size, window, strip, left_over)]
    starts = [at * window.stride for at in dict.fromkeys((*range(min(count, FIRST_POSITIONS)), count - 1))]
    starts = starts if count else [0]
    drawn = [start for start in starts if _is_drawn(start, window, strip)]
    for row, start in enumerate(drawn):
        parts += _position(start, window, strip, CELL + 2 * MARGIN + row * ROW, is_refused=not count)
    last = max([strip.cells, *(start + window.effective_kernel for start in drawn)])
    width, height = strip.left(last) + MARGIN, CELL + 3 * MARGIN + ROW * len(drawn)
    text = described(size, window)
    return (
        f'<svg class="strip" role="img" aria-label="{text}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><title>{text}</title>{"".join(parts)}</svg>'
    )


def described(size: int, window: Window) -> str:
    """The picture in words: ``input 7, kernel 3, stride 3: 2 positions, 1 cell left over``."""
    setting = text(
        "input {size}, kernel {kernel}, stride {stride}", size=size, kernel=window.kernel, stride=window.stride
    )
    if window.before or window.after:
        sides = f"{window.before}"
        if window.before != window.after:
            sides = text("{one} and {other}", one=window.before, other=window.after)
        setting = text("{setting}, padding {padding}", setting=setting, padding=sides)
    if window.dilation > 1:
        setting = text("{setting}, dilation {dilation}", setting=setting, dilation=window.dilation)
    if not fits(size, window):
        return translated("{setting}: the window does not fit", setting=setting)
    count, rest = output_size(size, window), max(0, dropped(size, window))
    positions = plural("{count} position", "{count} positions", count)
    if rest:
        cells = plural("{count} cell left over", "{count} cells left over", rest)
        return translated("{setting}: {positions}, {cells}", setting=setting, positions=positions, cells=cells)
    return translated("{setting}: {positions}", setting=setting, positions=positions)


def _axis(size: int, window: Window, strip: _Strip, left_over: range) -> Iterator[str]:
    for cell in strip.shown():
        is_padding = not window.before <= cell < window.before + size
        kinds = ("pad" if is_padding else "in", *(("rest",) if cell in left_over else ()))
        yield f'<rect class="{" ".join(kinds)}" x="{strip.left(cell)}" y="{MARGIN}" width="{CELL}" height="{CELL}"/>'
    if not strip.is_whole:
        middle = strip.left(HEAD - 1) + 2 * CELL
        yield f'<text x="{middle}" y="{MARGIN + CELL - 4}" text-anchor="middle">…</text>'


def _is_drawn(start: int, window: Window, strip: _Strip) -> bool:
    """Whether a position lies within one of the ends that are shown."""
    end = start + window.effective_kernel
    return strip.is_whole or end <= HEAD or start >= strip.tail.start


def _position(start: int, window: Window, strip: _Strip, top: int, *, is_refused: bool) -> Iterator[str]:
    left, right = strip.left(start), strip.left(start + window.effective_kernel - 1) + CELL
    kind = "window refused" if is_refused else "window"
    yield f'<rect class="{kind}" x="{left}" y="{top}" width="{right - left}" height="{ROW - 4}" rx="3"/>'
    if window.dilation > 1:
        for tap in range(window.kernel):
            at = strip.left(start + tap * window.dilation) + CELL / 2
            yield f'<circle class="tap" cx="{at:g}" cy="{top + (ROW - 4) / 2:g}" r="2.5"/>'
