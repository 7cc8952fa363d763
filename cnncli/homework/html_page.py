"""A self-contained HTML page, for a light or a dark screen and for print."""

from __future__ import annotations

from cnncli.io.escaping import html

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse } td { padding: .3rem .6rem; vertical-align: top }
table.answers { width: 100% } table.answers td { border-top: 1px solid #ddd }
table.matrix td { text-align: right; border: 0; padding: .05rem .5rem; font-family: ui-monospace, monospace }
table.matrix { border-left: 1px solid; border-right: 1px solid; margin: .4rem 0 .4rem 1rem }
td.points { text-align: right; white-space: nowrap } .correct { color: #17692b } .wrong { color: #a31621 }
.follow-through, .partial { color: #8a5a00 } .blank { color: #666 } .pending { color: #22559c }
ul { margin: .2rem 0; padding-left: 1.2rem } code, pre { white-space: pre-wrap }
.answer { border-bottom: 1px solid; display: inline-block; min-width: 12rem } .question { break-inside: avoid }
@media (prefers-color-scheme: dark) { body { background: #1b1b1b; color: #ddd } table.answers td { border-color: #444 }
.correct { color: #7bd88f } .wrong { color: #ff8f8f } .follow-through, .partial { color: #e5b567 }
.pending { color: #8ab4f8 } }
@media print { body { margin: 0; background: #fff; color: #000 } }
""".strip()


def page(title: str, body: str) -> str:
    """The page with its title as a heading; ``body`` is HTML, ``title`` is text."""
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    head = f"<head>{meta}<title>{html(title)}</title><style>{STYLE}</style></head>"
    return f"<!doctype html>\n<html>{head}\n<body><h1>{html(title)}</h1>\n{body}\n</body></html>\n"
