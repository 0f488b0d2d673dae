"""Canonical forms: the RFC's examples, its two hashes of nothing, and that pieces make no difference."""

from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.dkim import canonical
from angarium.wire.dkim.canonical import Canonical, body_hash, header_field
from angarium.wire.message import parse


def body(text: bytes, form: Canonical) -> bytes:
    return body_hash(parse(b"A: x\r\n\r\n" + text), form)


def test_the_examples_of_rfc_6376() -> None:
    """RFC 6376, 3.4.5, but for the space before a colon, which no message here may have."""
    entity = parse(b"A: X\r\nB: Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n")
    assert [header_field(entity, field, Canonical.RELAXED) for field in entity.fields] == [b"a:X\r\n", b"b:Y Z\r\n"]
    assert body_hash(entity, Canonical.RELAXED) == sha256(b" C\r\nD E\r\n").digest()
    assert [header_field(entity, field, Canonical.SIMPLE) for field in entity.fields] == [
        *(b"A: X\r\n", b"B: Y\t\r\n\tZ  \r\n")
    ]
    assert body_hash(entity, Canonical.SIMPLE) == sha256(b" C \r\nD \t E\r\n").digest()


@pytest.mark.parametrize("text", [b"", b"\r\n", b"\r\n\r\n"])
def test_the_hashes_of_an_empty_body(text: bytes) -> None:
    """RFC 6376, 3.4.3 and 3.4.4."""
    assert b64encode(body(text, Canonical.SIMPLE)) == b"frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="
    assert b64encode(body(text, Canonical.RELAXED)) == b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


@pytest.mark.parametrize(
    ("text", "simple", "relaxed"),
    [
        (b"Foo  \tbar    \r\n\r\n", b"Foo  \tbar    \r\n", b"Foo bar\r\n"),
        (b"Foo bar", b"Foo bar\r\n", b"Foo bar\r\n"),
        (b" \r\n\t\r\n", b" \r\n\t\r\n", b""),
        (b"\r\n \r\nx", b"\r\n \r\nx\r\n", b"\r\n\r\nx\r\n"),
        (b"x\r\n \t\r\n", b"x\r\n \t\r\n", b"x\r\n"),
        (b"x" + b"\r\n" * 5000, b"x\r\n", b"x\r\n"),
        (b"\r\n" * 5000, b"\r\n", b""),
    ],
)
def test_bodies(text: bytes, simple: bytes, relaxed: bytes) -> None:
    assert body(text, Canonical.SIMPLE) == sha256(simple).digest()
    assert body(text, Canonical.RELAXED) == sha256(relaxed).digest()


def test_a_header_without_a_body() -> None:
    entity = parse(b"A: x\r\n")
    assert body_hash(entity, Canonical.SIMPLE) == sha256(b"\r\n").digest()
    assert body_hash(entity, Canonical.RELAXED) == sha256(b"").digest()


LINES = st.lists(st.sampled_from([b"", b" ", b"a", b"b  c", b"\td", b"e \t", b"f g"]), max_size=12)


@given(LINES, st.integers(1, 9), st.sampled_from([b"", b"\r\n"]))
def test_pieces_make_no_difference(lines: list[bytes], size: int, end: bytes) -> None:
    text = b"\r\n".join(lines) + end
    whole = [body(text, form) for form in Canonical]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(canonical, "PIECE", size)
        assert [body(text, form) for form in Canonical] == whole


@given(LINES)
def test_relaxed_is_what_its_definition_says(lines: list[bytes]) -> None:
    """Line by line, as RFC 6376, 3.4.4 tells it."""
    expected = []
    for line in lines:
        words = line.replace(b"\t", b" ").rstrip(b" ")
        while b"  " in words:
            words = words.replace(b"  ", b" ")
        expected.append(words)
    while expected and not expected[-1]:
        expected.pop()
    assert (
        body(b"\r\n".join(lines), Canonical.RELAXED) == sha256(b"".join(line + b"\r\n" for line in expected)).digest()
    )
