"""A post's text as HTML, and as plain words.

Every character is escaped; a tag is only ever one of those below. Each paragraph says its own direction (`dir=auto`),
so that a Persian one in an English post is read from the right. What is hidden opens by a check box, without a script;
where it cannot, as in a headline or a feed, it is left out.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from markupsafe import Markup, escape

from angarium.channel.post import Mark, Span, Text, link

__all__ = ["Writer", "excerpt", "headline", "plain", "visible"]

HIDDEN = "▒▒▒"
PARAGRAPHS = re.compile(r"\n[^\S\n]*(?:\n\s*)+")
UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
DEEPEST = 16
"""Marks within marks that are shown; more are passed over."""
HEADLINE, EXCERPT = 120, 280
"""Signs, at most."""
SIMPLE = {
    Mark.BOLD: "strong",
    Mark.ITALIC: "em",
    Mark.UNDERLINE: "u",
    Mark.STRIKE: "s",
    Mark.CODE: "code",
    Mark.BLOCK: "code",
    Mark.QUOTE: "q",
}
BLOCKS = (Mark.BLOCK, Mark.QUOTE)


def plain(text: Text, begin: int = 0) -> str:
    """Its words from `begin` on, without what is hidden."""
    words, at = [], begin
    for span in sorted(span for span in text.spans if span.mark is Mark.SPOILER):
        if span.start >= at:
            words += [text.words[at : span.start], HIDDEN]
        at = max(at, span.start + span.length)
    return "".join([*words, text.words[at:]])


def shortened(words: str, most: int) -> str:
    """The beginning of some words, cut between two of them if that can be."""
    words = " ".join(words.split())
    if len(words) <= most:
        return words
    cut = words[:most].rpartition(" ")[0] or words[:most]
    return f"{cut.rstrip(' ,;:.،؛')}…"


def headline(title: str, text: Text) -> tuple[str, int]:
    """What stands over a post, and where in its text what is left begins. Empty if there are no words at all."""
    if title.strip():
        return shortened(title, HEADLINE), 0
    begin = len(text.words) - len(text.words.lstrip())
    end = text.words.find("\n", begin)
    end = len(text.words) if end < 0 else end
    first = text.words[begin:end]
    told = any(
        span.start < end and span.mark in (Mark.LINK, Mark.SPOILER, Mark.BLOCK, Mark.QUOTE) for span in text.spans
    )
    if not told and len(" ".join(first.split())) <= HEADLINE:
        return " ".join(first.split()), end
    return shortened(plain(text).strip().partition("\n")[0], HEADLINE), 0


def excerpt(text: Text, begin: int) -> str:
    """How a text goes on after its headline, in a few words."""
    return shortened(plain(text, begin), EXCERPT)


class Writer:
    """Writes texts as HTML, with the words for what is hidden and the way to the page of a tag."""

    def __init__(self, hidden: str, tag: Callable[[str], str] | None) -> None:
        """`hidden`: what opens a spoiler, as a label; empty: spoilers are left out. `tag`: None: tags lead nowhere."""
        self._hidden = hidden
        self._tag = tag

    def html(self, text: Text, begin: int = 0) -> Markup:
        """A text from `begin` on."""
        spans = sorted(text.spans, key=lambda span: (span.start, -span.length))
        written: list[str] = []
        at = begin
        for span in spans:
            if span.mark in BLOCKS and span.start >= at:
                written += self._paragraphs(text.words, at, span.start, spans)
                at = span.start + span.length
                written.append(self._block(text.words, span, spans))
        written += self._paragraphs(text.words, at, len(text.words), spans)
        return Markup("\n").join(Markup(visible(piece)) for piece in written)  # noqa: S704 (made of escaped pieces below)

    def _block(self, words: str, span: Span, spans: Sequence[Span]) -> str:
        end = span.start + span.length
        if span.mark is Mark.BLOCK:
            hidden = any(
                other.mark is Mark.SPOILER and other.start <= span.start and other.start + other.length >= end
                for other in spans
            )
            code = HIDDEN if hidden and not self._hidden else words[span.start : end].strip("\n")
            return f'<pre dir="ltr" tabindex="0"><code>{escape(code)}</code></pre>'
        inner = [other for other in spans if other is not span and other.mark is not Mark.QUOTE]
        return f"<blockquote>{''.join(self._paragraphs(words, span.start, end, inner))}</blockquote>"

    def _paragraphs(self, words: str, begin: int, end: int, spans: Sequence[Span]) -> Iterator[str]:
        active: list[Span] = []
        coming = iter(spans)
        following = next(coming, None)
        for start, stop in ranges(words, begin, end):
            active = [span for span in active if span.start + span.length > start]
            while following is not None and following.start < stop:
                if following.start + following.length > start:
                    active.append(following)
                following = next(coming, None)
            yield f'<p dir="auto">{self._inline(words, start, stop, active, 0, linked=False)}</p>'

    def _inline(self, words: str, begin: int, end: int, spans: Sequence[Span], depth: int, *, linked: bool) -> str:
        pieces, at, index = [], begin, 0
        while index < len(spans):
            span = spans[index]
            start, stop = max(span.start, begin), min(span.start + span.length, end)
            inner = index + 1
            while inner < len(spans) and spans[inner].start < span.start + span.length:
                inner += 1
            if stop > start and depth < DEEPEST:
                pieces.append(lines(words[at:start]))
                within = spans[index + 1 : inner]
                pieces.append(self._marked(words, start, stop, span, within, depth, linked=linked))
                at = stop
            index = inner
        pieces.append(lines(words[at:end]))
        return "".join(pieces)

    def _marked(
        self, words: str, start: int, stop: int, span: Span, within: Sequence[Span], depth: int, *, linked: bool
    ) -> str:
        if span.mark is Mark.SPOILER and not self._hidden:
            return HIDDEN
        target = self._target(words, span)
        inner = self._inline(words, start, stop, within, depth + 1, linked=linked or bool(target))
        if span.mark is Mark.SPOILER:
            label = escape(self._hidden)
            return f'<span class="spoiler"><input type="checkbox" aria-label="{label}"><span>{inner}</span></span>'
        if span.mark is Mark.MENTION:
            return f'<bdi class="mention">{inner}</bdi>'
        if target and not linked:
            away = "" if span.mark is Mark.HASHTAG else ' rel="noreferrer nofollow noopener"'
            if words[start:stop] == target:
                away += ' class="bare"'  # on paper the address is not said twice
            return f'<a href="{escape(target)}"{away}>{inner}</a>'
        name = SIMPLE.get(span.mark)
        return f"<{name}>{inner}</{name}>" if name else inner

    def _target(self, words: str, span: Span) -> str:
        if span.mark is Mark.LINK:
            return link(span.value)
        if span.mark is Mark.HASHTAG and self._tag is not None:
            return self._tag(words[span.start : span.start + span.length].lstrip("#＃").casefold())
        return ""


def lines(words: str) -> str:
    """Escaped, with its line ends."""
    return str(escape(words)).replace("\n", "<br>\n")


def visible(words: str) -> str:
    """Without what XML and HTML cannot hold: control characters, and halves of characters."""
    return UNWRITABLE.sub("", words)


def ranges(words: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the paragraphs of a piece of text begin and end, empty ones left out."""
    at = begin
    for gap in [*((found.start(), found.end()) for found in PARAGRAPHS.finditer(words, begin, end)), (end, end)]:
        piece = words[at : gap[0]]
        start = at + len(piece) - len(piece.lstrip())
        stop = at + len(piece.rstrip())
        if stop > start:
            yield start, stop
        at = gap[1]
