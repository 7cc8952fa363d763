"""How messages name what a caller gives beside a file: with the options of the command line, or Python's arguments."""

from __future__ import annotations


class Options:
    """The command line's words.

    >>> Options().input("left", "3x64x64"), Options().input(), Options().override("width")
    ('--input left=3x64x64', '--input', '--set width')
    """

    def input(self, name: str = "", shape: str = "") -> str:
        """The shape that is given for an input, "" for the only one; without ``shape``, the place where it is given."""
        given = "=".join(filter(None, (name, shape)))
        return f"--input {given}" if given else "--input"

    def override(self, name: str, value: str = "") -> str:
        """The value that is given to a variable; without ``value``, the place where it is given."""
        return f"--set {'='.join(filter(None, (name, value)))}"


class Arguments(Options):
    """The words of ``cnncli.load(…, inputs=…, overrides=…)``.

    >>> Arguments().input("left", "3x64x64"), Arguments().input(), Arguments().override("width")
    ("inputs={'left': '3x64x64'}", "inputs['']", "overrides['width']")
    """

    def input(self, name: str = "", shape: str = "") -> str:
        return _item("inputs", name, shape)

    def override(self, name: str, value: str = "") -> str:
        return _item("overrides", name, value)


def _item(argument: str, name: str, value: str) -> str:
    return f"{argument}={{{name!r}: {value!r}}}" if value else f"{argument}[{name!r}]"


OPTIONS = Options()
ARGUMENTS = Arguments()
