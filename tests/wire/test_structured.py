"""Comments nest, end, and are not looked for in quoted strings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.message import Malformed
from angarium.wire.structured import comment_end, without_comments


@pytest.mark.parametrize(
    ("value", "left"),
    [
        (b"", b""),
        (b"plain", b"plain"),
        (b"a(b)c", b"a c"),
        (b"a(b(c)d)e", b"a e"),
        (b'a"(b)"c', b'a"(b)"c'),
        (rb"a(b\)c)d", b"a d"),
        (b'a(")c', b"a c"),
        (b"(a)(b)", b"  "),
        (rb'"\"(" (x)', rb'"\"("  '),
    ],
)
def test_comments_become_spaces(value: bytes, left: bytes) -> None:
    assert without_comments(value) == left


@pytest.mark.parametrize("value", [b"(", b"((a)", b'"a (b)', b"(" * 9 + b")" * 9, b"(a\\", b"(\\)"])
def test_what_does_not_end_is_refused(value: bytes) -> None:
    with pytest.raises(Malformed):
        without_comments(value)


def test_eight_deep_is_allowed() -> None:
    value = b"(" * 8 + b")" * 8
    assert comment_end(value + b"rest", 0) == len(value)


@given(st.text(alphabet='()"\\ a', max_size=40))
def test_only_malformed_escapes(text: str) -> None:
    value = text.encode()
    try:
        left = without_comments(value)
    except Malformed:
        return
    assert len(left) <= len(value)
