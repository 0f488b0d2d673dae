"""Texts in the making: what comes out is a text, whatever was opened and closed."""

from hypothesis import given
from hypothesis import strategies as st

from angarium.channel.marking import DEEPEST, Marking
from angarium.channel.post import Mark, Span, Text


def test_marks_lie_within_each_other() -> None:
    marking = Marking()
    marking.write("  a ")
    marking.open()
    marking.write("b ")
    marking.put("c", Mark.ITALIC)
    assert marking.within() == "b c"
    marking.close(Mark.BOLD)
    marking.write(" \n")
    assert marking.text() == Text("a b c", (Span(2, 3, Mark.BOLD), Span(4, 1, Mark.ITALIC)))


def test_what_marks_nothing_vanishes() -> None:
    marking = Marking()
    marking.put("", Mark.BOLD)
    marking.put("  ", Mark.ITALIC)
    marking.open()
    marking.write("x")
    marking.close(None)
    marking.put(" ", Mark.CODE)
    assert marking.text() == Text("x")


@given(st.lists(st.text(max_size=3) | st.sampled_from(list(Mark)) | st.none()))
def test_any_order_makes_a_text(steps: list[str | Mark | None]) -> None:
    marking, depth = Marking(), 0
    for step in steps:
        if isinstance(step, Mark) and depth and step is not Mark.LINK:
            marking.close(step)
            depth -= 1
        elif isinstance(step, str):
            marking.write(step)
        else:
            marking.open()
            depth += 1
    for _ in range(depth):
        marking.close(Mark.BOLD)
    text = marking.text()
    assert text.words == text.words.strip()


def test_marks_are_only_so_deep() -> None:
    marking = Marking()
    for _ in range(100):
        marking.open()
    marking.write("x")
    for _ in range(100):
        marking.close(Mark.BOLD)
    assert len(marking.text().spans) == DEEPEST
