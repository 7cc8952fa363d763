"""One spelling for matrices that people, NumPy, PyTorch, MATLAB and LaTeX write in different ways."""

from __future__ import annotations

import re

from cnncli.errors import CnnError, shortened

HINT = 'write rows with ; and numbers with spaces: "0 1 2; 3 4 5", channels with |'
# Other spellings.
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d", "-") | {"\u2044": "/"})
_CONTROL = re.compile("[\x00-\x08\v\f\x0e-\x1f\x7f]")
_NEWLINE = re.compile("\r\n?|[\u0085\u2028\u2029]")
_SQRT = re.compile(r"(?:sqrt|√)\s{0,9}\(\s{0,9}([^()\s]{1,60})\s{0,9}\)")
_CALL = re.compile(r"(?:[A-Za-z_]\w{0,30}\.)?(?:array|asarray|tensor|Tensor|matrix|Matrix)\s{0,9}\(")
_NAMED = re.compile(r"((?:\$\$?|\\[\[(])?)\s{0,9}([^\W\d][\w']{0,30})\s{0,9}:?=")
_OTHER_NAME = re.compile(r"(?<![\w\\])[A-Za-z]\w{0,30}\s{0,9}:?=\s{0,9}")  # of x1=0 y1=0 x2=4 y2=4
_KEYWORD = re.compile(r",\s{0,99}[a-z_]{1,30}=(?:<[^<>]{0,99}>|\([^()]{0,99}\)|[\w.':]{1,99})\s{0,99}$")
# What replaces LaTeX commands, in this order.
_ENVIRONMENT = r"\{(?:[pbBvV]?(?:small)?matrix\*?|array)\}"
_LATEX: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), read_as)
    for pattern, read_as in (
        (r"^\s*(?:\$\$?|\\[\[(])|(?:\$\$?|(?<!\\)\\[\])])\s*$", ""),  # $…$, $$…$$, \[…\], \(…\)
        (r"\\\\\s{0,9}\[\s{0,9}-?[0-9.]{1,9}\s{0,9}[a-z]{2}\s{0,9}\]|\\cr(?![A-Za-z])", r"\\\\"),
        (r"\\(?:left|right|[bB]igg?[lr]?)(?![A-Za-z])\s{0,9}(?:\\[{}|]|[.\[\](){}|])?", " "),
        (rf"\\begin{_ENVIRONMENT}(?:\{{[^{{}}]{{0,99}}\}}|\[[a-z]\])?", "["),
        (rf"\\end{_ENVIRONMENT}", "]"),
        (r"(?<![0-9.)}/A-Za-z])\\[dt]?frac\s{0,9}\{\s{0,9}([^{}\s]{1,60})\s{0,9}\}\s{0,9}\{\s{0,9}([^{}\s]{1,60})"
         r"\s{0,9}\}", r"\1/\2"),
        (r"(?<![0-9.)}/A-Za-z])\\[dt]?frac\s{0,9}([0-9])\s{0,9}([0-9])", r"\1/\2"),
        (r"\\sqrt\s{0,9}\{\s{0,9}([^{}\s]{1,60})\s{0,9}\}", r"√\1"),
        (r"\\hline(?![A-Za-z])|\\displaystyle(?![A-Za-z])|\\phantom\{[^{}]{0,9}\}|\\q?quad(?![A-Za-z])|(?<!\\)\\[,:;!]|~",
         " "),
    )
)  # fmt: skip
_COMMAND = re.compile(r"\\[A-Za-z]+")
_CONTROL_SPACE = re.compile(r"(?<!\\)\\ ")
_BREAK = re.compile(r"\\\\?")  # shells and YAML turn two backslashes into one


def uniform(text: str) -> str:
    """The text with one spelling: ASCII minus signs, ``;`` for LaTeX's row breaks, no commands. Raises CnnError."""
    control = _CONTROL.search(text)
    if control:
        raise CnnError(
            f"{quoted(text)} contains the control character {control[0]!r}",
            r"in a YAML file, write LaTeX in single quotes: in double quotes \b and \f are control characters",
        )
    text = _NEWLINE.sub("\n", text.removeprefix("\ufeff").translate(_DASHES)).strip()
    named = _NAMED.match(text)
    if named:
        rest = shortened(" ".join((named[1] + _OTHER_NAME.sub(" ", text[named.end() :])).split()))
        hint = f"remove the name: {rest}" if rest else HINT
        raise CnnError(f"{quoted(text)}: {named[2]} = is not part of a matrix", hint)
    if "\\" in text or "$" in text or "~" in text:
        text = _without_latex(text)
    text = _SQRT.sub(r"√\1", text)
    call = _CALL.match(text)
    if call and text.endswith(")"):
        text = text[call.end() : -1]
        while keyword := _KEYWORD.search(text[-200:]):
            text = text[: len(text) - len(keyword[0])]
    return text.strip()


def _without_latex(text: str) -> str:
    written = text
    if "\\begin" in text:
        text = text.replace("\n", " ")  # LaTeX reads a line break as a space
    for pattern, read_as in _LATEX:
        text = pattern.sub(read_as, text)
    unknown = _COMMAND.search(text)
    if unknown:
        raise CnnError(
            f"{quoted(written)}: {unknown[0][:30]} is not supported in a matrix",
            r"use matrices, \frac{1}{9} and \sqrt{2}; multiply a factor into the entries",
        )
    if "\\\\" in text:
        text = _CONTROL_SPACE.sub(" ", text)
    return _BREAK.sub(";", text)


def quoted(text: str) -> str:
    return repr(shortened(" ".join(text.split())))
