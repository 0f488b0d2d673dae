"""HTML as text: marks stay, all that runs or loads is gone."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.channel.markup import markup
from angarium.channel.post import Mark, Span, Text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One <b>bold</b></p><p>Two</p>", Text("One bold\n\nTwo", (Span(4, 4, Mark.BOLD),))),
        ("a<br>b<br/>c", Text("a\nb\nc")),
        ("  many\n  spaces ", Text("many spaces")),
        ("<ul><li>a<li>b</ul>", Text("• a\n• b")),
        ("<b>a<i>b</b>c</i>", Text("abc", (Span(0, 2, Mark.BOLD), Span(1, 1, Mark.ITALIC)))),
        ("<script>alert(1)</script><style>x</style>said", Text("said")),
        ("<a href='https://x.org/'>x</a>", Text("x", (Span(0, 1, Mark.LINK, "https://x.org/"),))),
        ("<a href=' JavaScript:alert(1)'>x</a><a href='data:x'>y</a>", Text("xy")),
        ("<img src=x onerror=alert(1)><svg onload=alert(1)><text>no</text></svg>yes", Text("yes")),
        ("<pre><code>a\n  b</code></pre>", Text("a\n  b", (Span(0, 5, Mark.BLOCK),))),
        ("&lt;script&gt; &amp; &nbsp;x", Text("<script> & \xa0x")),
        ("<!-- <b>no</b> -->yes<!doctype html><?php no ?>", Text("yes")),
        ("cut <b", Text("cut <b")),
        ("a < b", Text("a < b")),
    ],
)
def test_markup(html: str, text: Text) -> None:
    assert markup(html) == text


def test_links_are_relative_to_their_page() -> None:
    assert markup("<a href='../a'>x</a>", "https://x.org/b/c").spans[0].value == "https://x.org/a"


@given(st.text(st.sampled_from('<>/!-"= abpi&;[]?\n') | st.characters()))
def test_anything_makes_a_text(html: str) -> None:
    markup(html)


@pytest.mark.parametrize(
    "piece", ["<!--", "<!", "<![CDATA[", "<?", "<a ", "<a href='", "</", "<b>", "&", "<script>", "<p"]
)
def test_much_of_anything_takes_no_longer(piece: str) -> None:
    began = time.process_time()
    markup(piece * (300_000 // len(piece)))
    assert time.process_time() - began < 10
