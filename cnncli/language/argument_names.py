"""How messages name the inputs and overrides that a caller gives: as command-line options, or as Python arguments."""

from __future__ import annotations


class OptionNames:
    """The names of the command line's options.

    >>> OptionNames().input("left", "3x64x64"), OptionNames().input(), OptionNames().override("width")
    ('--input left=3x64x64', '--input', '--set width')
    """

    def input(self, name: str = "", shape: str = "") -> str:
        """An input's shape as given, e.g. ``--input 3x64x64``; without ``shape``, the option. "" is the only input."""
        given = "=".join(filter(None, (name, shape)))
        return f"--input {given}" if given else "--input"

    def override(self, name: str, value: str = "") -> str:
        """A variable's value as given, e.g. ``--set width=8``; without ``value``, the option."""
        return f"--set {'='.join(filter(None, (name, value)))}"


class ArgumentNames(OptionNames):
    """The names of the arguments of ``cnncli.load(…, inputs=…, overrides=…)``.

    >>> ArgumentNames().input("left", "3x64x64"), ArgumentNames().input(), ArgumentNames().override("width")
    ("inputs={'left': '3x64x64'}", "inputs['']", "overrides['width']")
    """

    def input(self, name: str = "", shape: str = "") -> str:
        return _item("inputs", name, shape)

    def override(self, name: str, value: str = "") -> str:
        return _item("overrides", name, value)


def _item(argument: str, name: str, value: str) -> str:
    return f"{argument}={{{name!r}: {value!r}}}" if value else f"{argument}[{name!r}]"


OPTION_NAMES = OptionNames()
ARGUMENT_NAMES = ArgumentNames()
