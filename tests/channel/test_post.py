"""Posts as values: which texts and links there can be."""

import pytest

from angarium.channel.post import Mark, Span, Text, link, tags_of


def test_spans_may_lie_apart_or_within_each_other() -> None:
    spans = (Span(0, 5, Mark.BOLD), Span(1, 2, Mark.ITALIC), Span(0, 5, Mark.QUOTE), Span(6, 1, Mark.CODE))
    assert Text("hello world", spans)


@pytest.mark.parametrize(
    "spans",
    [
        (Span(0, 0, Mark.BOLD),),
        (Span(-1, 3, Mark.BOLD),),
        (Span(0, 6, Mark.BOLD),),
        (Span(0, 3, Mark.BOLD), Span(2, 3, Mark.ITALIC)),
        (Span(0, 5, Mark.LINK, "javascript:alert(1)"),),
        (Span(0, 5, Mark.LINK),),
    ],
)
def test_spans_that_cannot_be_are_refused(spans: tuple[Span, ...]) -> None:
    with pytest.raises(ValueError, match=r"text|crosses|link"):
        Text("hello", spans)


@pytest.mark.parametrize("target", ["https://example.org/a?b#c", "http://[2001:db8::1]/", "mailto:a@example.org"])
def test_links_that_may_stand(target: str) -> None:
    assert link(target) == target


@pytest.mark.parametrize(
    "target",
    [
        *(
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "https:",
            "//x",
            "/x",
        ),
        *(
            "java\nscript:alert(1)",
            " https://example.org",
            "https://example.org/ x",
            "tg://resolve?domain=x",
            "http://[::1",
        ),
        "vbscript:x",
    ],
)
def test_links_that_may_not(target: str) -> None:
    assert link(target) == ""


def test_tags_are_the_hashtags_each_once() -> None:
    text = Text("#One two #one #دو", (Span(0, 4, Mark.HASHTAG), Span(9, 4, Mark.HASHTAG), Span(14, 3, Mark.HASHTAG)))
    assert tags_of(text) == ["one", "دو"]
