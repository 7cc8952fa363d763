"""One spelling for what keyboards, word processors, LaTeX and the scripts of the world write in different ways.

Superscripts become powers, vulgar fractions quotients, digits ASCII; all else is NFKC in lower case. What carries
meaning elsewhere is kept: ``x`` and ``×`` (sizes), ``*`` and ``·`` (products), the separators of numbers.
"""

from __future__ import annotations

import re
import unicodedata

from cnncli.arithmetic.numerals import in_ascii_digits

LONGEST_ANSWER = 2000  # characters
QUOTES = "\"'`´“”„‟«»‹›‘’‚‛「」『』《》〈〉〝〞＂＇"
_CHARACTERS = str.maketrans(
    dict.fromkeys("‐‑‒–—―−﹘﹣－", "-")
    | dict.fromkeys("✕✖⨯⨉╳⊗", "×")
    | dict.fromkeys("·⋅∙•‧∗⁎⋆★・", "*")
    | dict.fromkeys("÷∕⁄", "/")
    | dict.fromkeys("’‘ʼ´′", "'")
    | dict.fromkeys("→⟶⇒⟹➔➜↦", "→")
    | dict.fromkeys("≃≅∼≒≐", "≈")
    | dict.fromkeys("、，", ",")
    | {"；": ";", "：": ":", "（": "(", "）": ")", "［": "[", "］": "]", "⟨": "(", "⟩": ")", "٬": "'", "。": "."}
)
# LaTeX, Markdown and HTML, in this order.
_MARKUP: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), read_as)
    for pattern, read_as in (
        (r"</?(?:p|b|i|em|strong|code|span|br|math|mn|mo|mrow)\s*/?>|&nbsp;", " "),
        (r"<sup>\s*([0-9]{1,9})\s*</sup>", r"^(\1)"),
        (r"&times;", "×"),
        (r"\\mu(?![A-Za-z])\s*", "μ"),
        (r"\\(?:left|right|[bB]igg?[lr]?|displaystyle|textstyle|limits)(?![A-Za-z])", ""),
        (r"\\(?:text|textrm|textbf|mathrm|mathbf|mathit|operatorname|boxed|fbox|mbox|ensuremath)\*?\s*\{([^{}]*)\}",
         r" \1 "),
        (r"(?<![^\W\d_])μ\s+(?=[a-zWJ])", "μ"),
        (r"\\[dt]?frac\s*([0-9])\s*([0-9])", r" (\1)/(\2)"),
        (r"\\(?:SI|qty)\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r" \1 \2 "),
        (r"\\(?:num|unit|si)\s*\{([^{}]*)\}", r" \1 "),
        (r"\\(nano|micro|milli|kilo|mega|giga|tera|kibi|mebi|gibi)\s*\\?(?=[a-z])", r"\1"),
        (r"\\(second|byte|bit|watt|joule|meter|metre|hertz|percent)(?![A-Za-z])", r"\1"),
        (r"\\times(?![A-Za-z])", "×"),
        (r"\\(?:cdot|ast|star|bullet)(?![A-Za-z])", "*"),
        (r"\\div(?![A-Za-z])", "/"),
        (r"\\(?:approx|simeq|sim)(?![A-Za-z])", "≈"),
        (r"\\(?:to|rightarrow|Rightarrow|implies|longrightarrow)(?![A-Za-z])", "→"),
        (r"\\lfloor(?![A-Za-z])", "⌊"), (r"\\rfloor(?![A-Za-z])", "⌋"),
        (r"\\lceil(?![A-Za-z])", "⌈"), (r"\\rceil(?![A-Za-z])", "⌉"),
        (r"\\(?:qquad|quad|,|;|:|!| )|~", " "),
        (r"\\([%_#&{}])", r"\1"),
        (r"\\[()\[\]]|\$", " "),
        (r"\{([,.])\}", r"\1"),
        (r"\^\s*\{([^{}]*)\}", r"^(\1)"),
        (r"_\s*\{([^{}]*)\}", r"_\1"),
    )
)  # fmt: skip
_FRACTION = re.compile(r"\\[dtc]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_CYRILLIC_SIZES = re.compile(r"(?<=\d)(\s*)[хХχΧ](?=\s*\d)")  # letters like x
_HYPHENS = re.compile(r"(?<=\w)-(?=[^\W\d_])|(?<=by)-(?=\d)")  # multiply-adds, 6-channel, 28-by-28
_APOSTROPHE = re.compile(r"(?<=[^\W\d_])[`´](?=[^\W\d_])")  # doesn`t
EMPHASIS = re.compile(r"(\*\*|__|\*|_)(?=\S)(.+?)(?<=\S)\1")

_EMPHASIZED = re.compile(r"(?:^|(?<=[\s(=:]))\*\*([^\s*](?:[^*]*[^\s*])?)\*\*(?=$|[\s).,;:=])")


def uniform(text: str) -> str:
    """An answer in one spelling, in lower case, on one line, without quotation marks around it.

    >>> [uniform(text) for text in ("5²", "2½", "“１５６”", r"$2^{10}$", r"\\(\\frac{7}{3}\\)", "6 × 28")]
    ['5^(2)', '2 1/2', '156', '2^(10)', '(7)/(3)', '6 × 28']
    """
    return _HYPHENS.sub(" ", spelled(text).lower())


def spelled(text: str) -> str:
    """An answer as :func:`uniform` gives it, in the case in which it is written: the case of a unit counts."""
    plain = characters(_APOSTROPHE.sub("'", text[:LONGEST_ANSWER]))[:LONGEST_ANSWER]
    plain = _CYRILLIC_SIZES.sub(r"\1x", plain)
    if any(mark in plain for mark in "\\$<&{~"):
        plain = _without_markup(plain)
    plain = " ".join(plain.split())
    return _unquoted(_EMPHASIZED.sub(r"\1", plain) if "**" in plain else plain)


def characters(text: str) -> str:
    """The text with ASCII digits and signs for those of other scripts and of word processors; lines stay lines."""
    if text.isascii():
        return text
    plain = _folded(unicodedata.normalize("NFC", text)).translate(_CHARACTERS)
    return in_ascii_digits(unicodedata.normalize("NFKC", plain)).translate(_CHARACTERS)


def _folded(text: str) -> str:
    """The text with superscripts as powers and vulgar fractions as quotients, and without invisible characters."""
    parts: list[str] = []
    raised = ""
    for char in text:
        decomposition = unicodedata.decomposition(char)
        if decomposition.startswith("<super>") and (plain := _plain(decomposition)) in "0123456789+-−()":
            raised += plain
            continue
        if raised:
            parts.append(f"^({raised})")
            raised = ""
        if decomposition.startswith("<fraction>"):
            quotient = _plain(decomposition).replace("⁄", "/")
            parts.append(f" {quotient}" if parts and parts[-1].isdecimal() else f"({quotient})")
        elif unicodedata.category(char) != "Cf":
            parts.append(" " if char.isspace() and char not in "\n\r\t" else char)
    return "".join([*parts, f"^({raised})" if raised else ""])


def _plain(decomposition: str) -> str:
    return "".join(chr(int(code, 16)) for code in decomposition.split()[1:])


def _without_markup(text: str) -> str:
    for _ in range(8):  # fractions may be nested
        text, count = _FRACTION.subn(r" (\1)/(\2)", text)
        if not count:
            break
    for pattern, read_as in _MARKUP:
        text = pattern.sub(read_as, text)
    return text


def _unquoted(text: str) -> str:
    """The text without quotation marks, or Markdown's marks of emphasis, around all of it."""
    for _ in range(4):
        bare = text.strip().strip(QUOTES).strip()
        emphasized = EMPHASIS.fullmatch(bare)
        if emphasized:
            bare = emphasized[2]
        if bare == text:
            break
        text = bare
    return text
