"""Types of options: counts (``50k``, ``1,000,000``), bytes (``24GB``), sizes (``7x5``) and padding."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from cnncli.arithmetic.numerals import is_digits, split_sizes
from cnncli.arithmetic.window import PADDING_NAMES
from cnncli.commands.options import Whole
from cnncli.errors import CnnError

if TYPE_CHECKING:
    IntType = click.ParamType[int]
    SizesType = click.ParamType[tuple[int, ...]]
    PerAxisType = click.ParamType[int | tuple[int, ...]]
    PaddingType = click.ParamType[int | str | tuple[int, ...]]
else:  # older releases of click have no type argument
    IntType = SizesType = PerAxisType = PaddingType = click.ParamType

MAX_DIGITS = 18  # a longer number is probably a mistake
POWERS = {"": 0, "k": 3, "m": 6, "g": 9, "b": 9, "t": 12}
BYTES = {"": (10, 0), "b": (10, 0)}
BYTES |= {f"{unit}b": (10, 3 * at) for at, unit in enumerate("kmgt", start=1)}
BYTES |= {f"{unit}ib": (2, 10 * at) for at, unit in enumerate("kmgt", start=1)}
_NUMBER = re.compile(r"([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.([0-9]+))?(?:[eE]\+?([0-9]{1,2}))?\s*([A-Za-z]*)")


class Count(IntType):
    """A whole number of at least 1, optionally with k, M, G (or B, a billion) or T: ``50k``, ``4.1G``."""

    name = "n"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        hint = "write 50k, 1.5M, 4.1G, 1e6 or 1,000,000"
        whole, rest, exponent, unit = _parts(str(value), param, hint)
        if unit not in POWERS:
            if unit in BYTES:
                hint = f"it is a count, not a number of bytes: {hint}"
            raise _refused(param, value, f"unknown unit {unit!r}", hint)
        return _value(whole, rest, (10, POWERS[unit]), exponent, param, value, hint)


class Bytes(IntType):
    """A number of bytes, at least 1, e.g. 24GB (powers of 1000) or 24GiB (powers of 1024)."""

    name = "bytes"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        hint = "write 24GB (24 * 1000^3 bytes), 24GiB (24 * 1024^3 bytes) or 512MiB"
        whole, rest, exponent, unit = _parts(str(value), param, hint)
        if unit not in BYTES:
            one = {"k": "K", "m": "M", "g": "G", "t": "T"}.get(unit)
            if one is not None:
                raise _refused(param, value, f"{one} may be {one}B or {one}iB", hint)
            raise _refused(param, value, f"unknown unit {unit!r}", hint)
        return _value(whole, rest, BYTES[unit], exponent, param, value, hint)


class Sizes(SizesType):
    """Sizes, one per axis: 7 or 7x5."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        parts = split_sizes(str(value))
        if len(parts) > 3 or not all(is_digits(part) and len(part) < 11 and 0 < int(part) < 2**31 for part in parts):
            raise _refused(param, value, "is not a size", "write 7, or 7x5 for one size per axis")
        return tuple(map(int, parts))


class PerAxis(PerAxisType):
    """A number for all axes, or one per axis: 3 or 5x3. Those that agree are one: 5x5 is 5."""

    name = "n"

    def __init__(self, least: int) -> None:
        self.least = least

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | tuple[int, ...]:
        if isinstance(value, int | tuple):
            return value
        parts = split_sizes(str(value))
        if len(parts) > 3 or (len(parts) > 1 and not all(map(is_digits, parts))):
            raise _refused(param, value, "is not a number", "write 3, or 5x3 for one number per axis")
        number = Whole(self.least)
        numbers: tuple[int, ...] = tuple(number.convert(part, param, ctx) for part in parts)
        return numbers if len({*numbers}) > 1 else numbers[0]


class InputSizes(Sizes):
    """Spatial sizes. An image's shape with its channels is refused, because a window does not slide over channels."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        from cnncli.arithmetic.shape import PIXEL_CHANNELS, format_shape

        sizes = super().convert(value, param, ctx)
        if len(sizes) == 3:
            for channels, spatial in ((sizes[0], sizes[1:]), (sizes[2], sizes[:2])):
                if channels in PIXEL_CHANNELS and min(spatial) > channels:
                    raise CnnError(
                        f"--in {value}: --in takes the sizes that the window slides over, without channels",
                        f"write --in {format_shape(spatial)} (for a volume, solve --in {channels} separately)",
                    )
        return sizes


class Padding(PaddingType):
    """Padding per side as a number, one for all axes or 2x1, or one of PADDING_NAMES."""

    name = "p"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str | tuple[int, ...]:
        text = str(value).strip().lower()
        if text in PADDING_NAMES:
            return text
        parts = split_sizes(text)
        if len(parts) > 3 or not all(is_digits(part) and len(part) < 10 for part in parts):
            raise _refused(
                param, value, "is not a padding", f"write a number per side, or one of {', '.join(PADDING_NAMES)}"
            )
        numbers = tuple(map(int, parts))
        return numbers if len({*numbers}) > 1 else numbers[0]


def _parts(text: str, param: click.Parameter | None, hint: str) -> tuple[str, str, int, str]:
    """The digits before and after the point, the exponent, and the unit in lower case."""
    match = _NUMBER.fullmatch(text.strip()) if len(text) <= 60 else None
    if match is None:
        raise _refused(param, text, "is not a number", hint)
    whole, rest, exponent, unit = match.groups()
    return whole.replace(",", ""), rest or "", int(exponent or 0), unit.lower()


def _value(
    whole: str,
    rest: str,
    unit: tuple[int, int],
    exponent: int,
    param: click.Parameter | None,
    value: object,
    hint: str,
) -> int:
    """The exact number. Raises CnnError where it is not whole, below 1, or too long."""
    base, power = unit
    written = int(whole + rest) * int(base**power) * int(10**exponent)
    number, left = divmod(written, int(10 ** len(rest)))
    if left or number < 1:
        raise _refused(param, value, "is not a whole number of at least 1", hint)
    if len(str(number)) > MAX_DIGITS:
        raise _refused(param, value, f"has more than {MAX_DIGITS} digits (the limit)", hint)
    return number


def _refused(param: click.Parameter | None, value: object, wrong: str, hint: str) -> CnnError:
    option = param.opts[0] if param is not None else "the number"
    return CnnError(f"{option} {str(value)[:40]}: {wrong}", hint)
