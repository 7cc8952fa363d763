"""A self-contained HTML page, for a light or a dark screen and for print."""

from __future__ import annotations

import re

from cnncli.homework.languages.messages import current_language
from cnncli.io.escaping import html

CODE = re.compile(r"`([^`]+)`")
STYLE = """
:root { color-scheme: light dark; --ink: #16191d; --paper: #fff; --soft: #59626e; --line: #d5dae0; --tint: #f4f6f8;
  --right: #17692b; --wrong: #a31621; --partly: #8a5a00; --open: #22559c; --window: #0b5fa5; --rest: #c75b00 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --paper: #14171b; --soft: #9aa4b0; --line: #373f46;
  --tint: #1d2126; --right: #7bd88f; --wrong: #ff9b9b; --partly: #e5b567; --open: #8ab4f8; --window: #5ab4ff;
  --rest: #ff9e4a } }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem;
  color: var(--ink); background: var(--paper); font-variant-numeric: tabular-nums }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem } h2 { font-size: 1.15rem; margin: 1.6rem 0 .4rem }
table { border-collapse: collapse } th { text-align: left; font-weight: 600 } td, th { vertical-align: top }
caption { text-align: left; color: var(--soft); padding-bottom: .4rem }
table.answers { width: 100%; margin-top: 1rem }
table.answers td, table.answers th { border-top: 1px solid var(--line); padding: .5rem .6rem .5rem 0 }
table.answers thead th { border-top: 0; color: var(--soft); font-weight: 400 }
table.matrix { border-left: 1px solid; border-right: 1px solid; margin: .4rem 0 .4rem 1rem }
table.matrix td { text-align: right; padding: .05rem .5rem; font-family: ui-monospace, monospace }
td.points, th.points { text-align: right; white-space: nowrap; padding-right: 0 }
.total { font-size: 1.25rem; font-weight: 600; margin: 0 } .counts { color: var(--soft); margin: 0 }
.status { white-space: nowrap } .correct { color: var(--right) } .wrong { color: var(--wrong) }
.follow-through, .partial { color: var(--partly) } .blank, .quantity, .note { color: var(--soft) }
.pending { color: var(--open) }
.question-text { margin: 0 0 .2rem }
ul { margin: .2rem 0; padding-left: 1.2rem } code, pre { white-space: pre-wrap; overflow-wrap: anywhere }
.derivation { background: var(--tint); border-radius: 6px; padding: .5rem .8rem; margin: .4rem 0; overflow-x: auto }
.derivation > div { margin: .15rem 0 }
math { font-size: 1.05em } math[display="block"] { display: block math; width: max-content; margin: .1rem 0 }
mtd { text-align: left; padding: .2em .3em } mtd:first-child { text-align: right }
svg.strip { display: block; margin: .5rem 0; max-width: 100%; height: auto; overflow: visible }
.strip rect { stroke: var(--soft); fill: var(--paper) } .strip rect.pad { stroke-dasharray: 2 2; fill: none }
.strip rect.rest { fill: var(--rest); fill-opacity: .35; stroke: var(--rest) }
.strip rect.window { fill: var(--window); fill-opacity: .3; stroke: var(--window) }
.strip circle { fill: var(--window) }
.strip rect.refused { fill: none; stroke: var(--wrong) } .strip text { fill: var(--soft); font-size: 14px }
.answer { border-bottom: 1px solid; display: inline-block; min-width: 12rem }
.question, table.answers tr { break-inside: avoid }
@media (max-width: 36rem) { body { margin: 1rem auto } table.answers, table.answers tbody { display: block }
  table.answers caption { display: block } table.answers thead { display: none }
  table.answers tr { display: grid; grid-template-columns: 1fr auto; border-top: 1px solid var(--line) }
  table.answers td, table.answers th { border: 0; min-width: 0; padding: .4rem 0 0 }
  table.answers td:nth-child(2) { order: 3; grid-column: 1 / 3; padding-bottom: .5rem } }
@media print { :root { --ink: #000; --paper: #fff; --tint: #fff; --line: #999; --soft: #444; --right: #000;
  --wrong: #000; --partly: #000; --open: #000; --window: #000; --rest: #000 }
  body { margin: 0; max-width: none; font-size: 11pt } .derivation { border: 1px solid var(--line) } }
""".strip()


def words(text: str) -> str:
    """Text as HTML; what stands between backticks is code."""
    return CODE.sub(r"<code>\1</code>", html(text))


def page(title: str, body: str) -> str:
    """The page with its title as a heading; ``body`` is HTML, ``title`` is text. It is in the current language."""
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head = f"<head>{meta}<title>{html(title)}</title><style>{STYLE}</style></head>"
    main = f"<main><h1>{html(title)}</h1>\n{body}\n</main>"
    return f'<!doctype html>\n<html lang="{html(current_language())}">{head}\n<body>{main}</body></html>\n'
