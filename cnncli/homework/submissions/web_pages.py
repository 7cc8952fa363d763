"""The text of an HTML page: Canvas and Moodle store what students type into their text boxes as one."""

from __future__ import annotations

from html.parser import HTMLParser

ENDS = {"p", "div", "br", "li", "tr", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "title"}
AROUND = {"sup": ("^(", ")"), "td": ("", "\t"), "th": ("", "\t")}
HIDDEN = {"script", "style", "head"}


def page_text(text: str) -> str:
    """The visible text of a page, a line for each paragraph, with superscripts as powers."""
    reader = _PageReader()
    reader.feed(text)
    reader.close()
    return "".join(reader.parts)


class _PageReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.hidden += tag in HIDDEN
        self.parts.append("\n" if tag in ENDS else AROUND.get(tag, ("", ""))[0])

    def handle_endtag(self, tag: str) -> None:
        self.hidden = max(0, self.hidden - (tag in HIDDEN))
        self.parts.append("\n" if tag in ENDS else AROUND.get(tag, ("", ""))[1])

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)
