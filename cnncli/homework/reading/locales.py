"""Locales: which separator of a number is the decimal one, by language."""

from __future__ import annotations

from cnncli.errors import CnnError, suggestion
from cnncli.language.source import Scalar, Source, Value

POINT, COMMA = "point", "comma"
# The languages in which a number has a decimal comma, after CLDR (https://cldr.unicode.org, numbers/symbols), and those
# with a decimal point. A region that differs from its language follows.
_WITH_COMMA = """
    af az be bg bs ca cs da de el es et eu fi fr gl hr hu hy id is it ka kk lt lv mk nb nl nn no pl pt ro ru sk sl sq sr
    sv tr uk uz vi
"""
_WITH_POINT = "ar bn cy en fa fil ga gu he hi ja kn ko ml mr ms mt ne pa si ta te th ur zh"
_LANGUAGES = {**dict.fromkeys(_WITH_COMMA.split(), COMMA), **dict.fromkeys(_WITH_POINT.split(), POINT)}
_REGIONS = {
    **dict.fromkeys(("de-ch", "de-li", "it-ch", "es-mx", "es-us", "es-pr", "es-gt", "es-do", "es-pe"), POINT),
    **dict.fromkeys(("es-hn", "es-ni", "es-pa", "es-sv", "es-419"), POINT),
    **dict.fromkeys(("en-za", "en-at", "en-dk", "en-nl", "en-se", "en-fi", "ms-bn"), COMMA),
}


def decimal_separator(locale: str) -> str:
    """``point`` or ``comma`` for ``de``, ``de-AT``, ``pt_BR`` or ``comma``; empty for no locale. Raises CnnError.

    >>> [decimal_separator(locale) for locale in ("en", "de_AT", "de-CH", "")]
    ['point', 'comma', 'point', '']
    """
    name = locale.strip().lower().replace("_", "-").partition(".")[0]
    found = {"": "", POINT: POINT, COMMA: COMMA, **_LANGUAGES, **_REGIONS}
    for known in (name, name.partition("-")[0]):
        if known in found:
            return found[known]
    raise CnnError(f"unknown locale {locale[:40]!r}", suggestion(name, [*_LANGUAGES], "write en, de, fr, …"))


def read_locale(source: Source, node: Value | None) -> str:
    """The locale of a key or a sheet; empty where it has none. Raises CnnError, with the place, for an unknown one."""
    if node is None:
        return ""
    # YAML 1.1 reads no, the code of Norwegian, as false; here a scalar is its text.
    text = node.text.strip() if isinstance(node, Scalar) else "this"
    try:
        decimal_separator(text)
    except CnnError as error:
        raise source.error(node, error.problems[0].message, error.problems[0].hint) from None
    return text
