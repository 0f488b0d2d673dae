"""HTML that strangers wrote, as a text: what a post can mark is kept, all else is words or nothing.

Pure. Nothing is let through but words and marks, so that whatever a page would have run, loaded or shown as something
else is gone. Unclosed and crossing elements are closed as they must be.
"""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin

from angarium.channel.marking import Marking
from angarium.channel.post import Mark, Text, link

__all__ = ["MARKS", "Markup", "markup", "read"]

MARKS = {
    **dict.fromkeys(("b", "strong"), Mark.BOLD),
    **dict.fromkeys(("i", "em", "cite", "dfn", "var"), Mark.ITALIC),
    **dict.fromkeys(("u", "ins"), Mark.UNDERLINE),
    **dict.fromkeys(("s", "strike", "del"), Mark.STRIKE),
    **dict.fromkeys(("code", "tt", "kbd", "samp"), Mark.CODE),
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6", "th", "dt"), Mark.BOLD),
    "pre": Mark.BLOCK,
    "blockquote": Mark.QUOTE,
}
SILENT = frozenset(
    {
        *("script", "style", "head", "title", "template", "iframe", "object", "applet", "audio", "video", "canvas"),
        *("noscript", "noembed", "noframes", "svg", "math", "select", "textarea", "button", "form", "map", "frameset"),
    }
)
"""Elements that say nothing here, with all in them."""
EMPTY = frozenset(
    {
        *(
            "area",
            "base",
            "br",
            "col",
            "embed",
            "hr",
            "img",
            "input",
            "link",
            "meta",
            "param",
            "source",
            "track",
            "wbr",
        ),
        *("basefont", "bgsound", "frame", "keygen"),
    }
)
BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "figcaption", "figure", "footer"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section"),
        *("table", "tr", "ul", "details", "summary", "center"),
    }
)
PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table", "ul", "ol", "dl"})
DEEPEST = 200
TINY = {"0", "1", "0px", "1px"}
"""How wide or high a picture says it is that is there to be fetched, and not to be seen."""
COMMENT = re.compile("<!--.*?(?:-->|$)", re.DOTALL)
DECLARATION = re.compile("<[!?][^>]*>?")


class Markup:
    """A text that comes as the events of a parser, HTML's or XML's.

    Args:
        base: what links are relative to.
    """

    def __init__(self, base: str = "") -> None:
        self._marking = Marking()
        self._base = base
        self._open: list[tuple[str, bool, str]] = []
        """Elements within each other: their names, whether they are marked, and where they lead."""
        self._silent = 0
        self._verbatim = 0
        self._space = False
        self._lines = 0
        """Line breaks that are due before the next word."""
        self.pictures: list[str] = []
        """Where the pictures lie that are shown in it."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        if tag == "br":
            self._break(self._lines + 1)
        elif tag in BLOCKS:
            self._break(2 if tag in PARAGRAPHS else 1)
        if tag == "img" and not self._silent:
            self._picture(attributes)
        if tag in EMPTY or len(self._open) >= DEEPEST:
            return
        self._silent += tag in SILENT
        self._verbatim += tag == "pre"
        target = ""
        if tag == "a":
            target = self._target(attributes.get("href", ""))
        marked = not self._silent and (tag in MARKS or bool(target))
        if tag == "li" and not self._silent:
            self.words("• ")
        if marked:
            self._due()
            self._marking.open()
        self._open.append((tag, marked, target))

    def _picture(self, attributes: dict[str, str]) -> None:
        source = self._target(attributes.get("src", ""))
        tiny = {attributes.get("width"), attributes.get("height")} & TINY
        if source.startswith(("https://", "http://")) and not tiny:
            self.pictures.append(source)

    def end(self, tag: str) -> None:
        """An element ends, and with it those within that were not closed."""
        if tag in EMPTY or all(tag != name for name, _, _ in self._open):
            return
        while True:
            name, marked, target = self._open.pop()
            self._silent -= name in SILENT
            self._verbatim -= name == "pre"
            if marked:
                mark = Mark.LINK if target else MARKS[name]
                self._marking.close(None if mark is Mark.CODE and self._verbatim else mark, target)
            if name in BLOCKS:
                self._break(2 if name in PARAGRAPHS else 1)
            if name == tag:
                return

    def words(self, words: str) -> None:
        """Words, as they stand between tags."""
        if self._silent or not words:
            return
        if self._verbatim:
            self._due()
            self._marking.write(words)
            return
        for number, word in enumerate(words.replace("\xa0", "\0").split()):
            if number or words[0].isspace():
                self._space = True
            self._due()
            self._marking.write(word.replace("\0", "\xa0"))
        if words[-1].isspace():
            self._space = True

    def text(self) -> Text:
        """What was said."""
        while self._open:
            self.end(self._open[-1][0])
        return self._marking.text()

    def _target(self, href: str) -> str:
        try:
            return link(urljoin(self._base, href.strip()))
        except ValueError:
            return ""

    def _break(self, lines: int) -> None:
        if not self._silent:
            self._lines = max(self._lines, min(lines, 2))
            self._space = False

    def _due(self) -> None:
        if self._lines and self._marking.last:
            self._marking.write("\n" * self._lines)
        elif self._space and self._marking.last and not self._marking.last.isspace():
            self._marking.write(" ")
        self._lines, self._space = 0, False


class _Parser(HTMLParser):
    def __init__(self, into: Markup) -> None:
        super().__init__(convert_charrefs=True)
        self._into = into

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._into.start(tag, {name: value or "" for name, value in attrs})

    def handle_endtag(self, tag: str) -> None:
        self._into.end(tag)

    def handle_data(self, data: str) -> None:
        self._into.words(data)


def read(html: str, base: str = "") -> Markup:
    """A piece of HTML, read to its end."""
    into = Markup(base)
    parser = _Parser(into)
    parser.feed(_tags_alone(html))
    parser.close()
    return into


def markup(html: str, base: str = "") -> Text:
    """The text that a piece of HTML shows."""
    return read(html, base).text()


def _tags_alone(html: str) -> str:
    """HTML without comments and declarations, and with nothing that looks like a tag and never ends.

    The parser looks for the end of each of those to the end of the text, which takes hours if they are many.
    """
    rest = DECLARATION.sub("", COMMENT.sub("", html))
    last = rest.rfind(">") + 1
    return rest[:last] + rest[last:].replace("<", "&lt;")
