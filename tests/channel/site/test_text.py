"""A post's text as HTML: marked as it was, and nothing active survives."""

from xml.etree import ElementTree

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.channel.post import Mark, Span, Text
from angarium.channel.site.text import Writer, excerpt, headline, plain
from tests.channel.sample import HOSTILE, marked

WRITER = Writer("Show", lambda tag: f"tag/{tag}.html")
ALLOWED = {
    *("p", "br", "strong", "em", "u", "s", "code", "q", "pre", "blockquote", "a", "bdi", "span", "input"),
    *("html", "head", "body"),
}
ATTRIBUTES = {"dir", "href", "rel", "class", "type", "aria-label", "tabindex"}


def parsed(html: str) -> ElementTree.Element:
    """Strictly: what a browser would have to guess is an error."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    found: ElementTree.Element = parser.parse(f"<!doctype html><title></title>{html}")
    return found


def harmless(html: str) -> None:
    """Only what the writer makes is there."""
    for element in parsed(html).iter():
        assert element.tag in ALLOWED | {"title"}, element.tag
        assert set(element.keys()) <= ATTRIBUTES
        assert not element.get("href", "").lower().startswith(("javascript", "data", "vbscript"))


@pytest.mark.parametrize(
    ("words", "marks", "html"),
    [
        ("a bold b", {"bold": "bold"}, '<p dir="auto">a <strong>bold</strong> b</p>'),
        ("a\nb\n\n\n c ", {}, '<p dir="auto">a<br>\nb</p>\n<p dir="auto">c</p>'),
        ("one\n\ntwo", {"italic": "one\n\ntwo"}, '<p dir="auto"><em>one</em></p>\n<p dir="auto"><em>two</em></p>'),
        ("x #Tag", {"hashtag": "#Tag"}, '<p dir="auto">x <a href="tag/tag.html">#Tag</a></p>'),
        ("hi @me", {"mention": "@me"}, '<p dir="auto">hi <bdi class="mention">@me</bdi></p>'),
        ("a\nq", {"quote": "q"}, '<p dir="auto">a</p>\n<blockquote><p dir="auto">q</p></blockquote>'),
        ("a\n x<y\n", {"block": " x<y"}, '<p dir="auto">a</p>\n<pre dir="ltr" tabindex="0"><code> x&lt;y</code></pre>'),
        ("abc", {"bold": "abc", "strike": "b"}, '<p dir="auto"><strong>a<s>b</s>c</strong></p>'),
        (" \n\n ", {}, ""),
    ],
)  # fmt: skip
def test_as_it_was_marked(words: str, marks: dict[str, str], html: str) -> None:
    assert WRITER.html(marked(words, **marks)) == html


def test_what_is_hidden_opens_without_a_script_or_is_left_out() -> None:
    text = marked("He did it", spoiler="did")
    assert '<input type="checkbox" aria-label="Show"><span>did</span>' in WRITER.html(text)
    assert "did" not in Writer("", None).html(text)
    assert plain(text) == "He ▒▒▒ it"
    assert headline("", text) == ("He ▒▒▒ it", 0)
    block = Text("a secret", (Span(2, 6, Mark.SPOILER), Span(2, 6, Mark.BLOCK)))
    assert "secret" not in Writer("", None).html(block)


def test_a_link_leads_where_it_says_and_not_into_another() -> None:
    text = Text("abc", (Span(0, 3, Mark.LINK, 'https://a/?b="&c'), Span(1, 1, Mark.LINK, "https://b/")))
    html = WRITER.html(text)
    assert html == ('<p dir="auto"><a href="https://a/?b=&#34;&amp;c" rel="noreferrer nofollow noopener">abc</a></p>')


@pytest.mark.parametrize("words", [*HOSTILE, "\ud800<\udfff"])
@pytest.mark.parametrize("mark", [Mark.BOLD, Mark.BLOCK, Mark.HASHTAG, Mark.SPOILER, Mark.QUOTE])
def test_nothing_active_survives(words: str, mark: Mark) -> None:
    harmless(WRITER.html(Text(words, (Span(0, len(words), mark, words),))))


@st.composite
def texts(draw: st.DrawFn) -> Text:
    words = draw(st.text(st.one_of(st.sampled_from("ab \n<&\"'\u202e\0"), st.characters()), min_size=1, max_size=60))
    spans: list[Span] = []
    for _ in range(draw(st.integers(0, 8))):
        start = draw(st.integers(0, len(words) - 1))
        length = draw(st.integers(1, len(words) - start))
        mark = draw(st.sampled_from(Mark))
        span = Span(start, length, mark, "https://a.example/<'\">" if mark is Mark.LINK else "")
        try:
            Text(words, (*spans, span))
        except ValueError:
            continue
        spans.append(span)
    return Text(words, tuple(spans))


@given(texts())
def test_any_text_is_valid_and_loses_no_letter(text: Text) -> None:
    html = str(WRITER.html(text))
    harmless(html)
    shown = "".join(parsed(html).find("body").itertext())  # type: ignore[union-attr]
    letters = [sign for sign in text.words if sign.isalnum()]
    assert [sign for sign in shown if sign.isalnum()] == letters


def test_a_very_long_text_is_written_in_time() -> None:
    words = "word " * 200_000
    spans = tuple(Span(at * 5, 4, Mark.BOLD) for at in range(50_000))
    assert WRITER.html(Text(words, spans)).count("<strong>") == 50_000
    deep = Text("a" * 1000, tuple(Span(at, 1000 - 2 * at, Mark.BOLD) for at in range(499)))
    harmless(WRITER.html(deep))
    many = Text("\n\n".join(["a"] * 20_000), (Span(0, 59_998, Mark.BOLD),))
    assert WRITER.html(many).count("<strong>") == 20_000


def test_headlines() -> None:
    assert headline("Own", Text("a\nb")) == ("Own", 0)
    assert headline("", Text("\n  First  line\nmore")) == ("First line", 14)
    assert headline("", Text("")) == ("", 0)
    linked = Text("go there\nmore", (Span(3, 5, Mark.LINK, "https://a.example/"),))
    assert headline("", linked) == ("go there", 0)
    long, begin = headline("", Text("word, " * 100))
    assert (len(long) <= 121, begin, long[-5:]) == (True, 0, "word…")
    assert excerpt(marked("One\nhe did it", spoiler="did"), 3) == "he ▒▒▒ it"
    assert len(excerpt(Text("x" * 1000), 0)) == 281


def test_an_address_that_stands_there_itself_is_known_as_such_since_paper_shows_where_links_lead() -> None:
    words = "https://a.example/ and there"
    text = Text(words, (Span(0, 18, Mark.LINK, "https://a.example/"), Span(23, 5, Mark.LINK, "https://a.example/")))
    html = str(Writer("", None).html(text))
    assert [' class="bare"' in link for link in html.split("<a ")[1:]] == [True, False]
