"""Content-Type, transfer encodings and the splitting of multiparts, where readers of the real world differ."""

import base64
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.message import Entity, Malformed, parse
from angarium.wire.mime import ContentType, content_type, decoded, parts


def typed(value: bytes) -> ContentType:
    return content_type(parse(b"Content-Type: " + value + b"\r\n\r\n"))


def children(body: bytes, *, limit: int = 3, around: int = 8, boundary: bytes = b"b", more: bytes = b"") -> list[bytes]:
    """The bodies of the parts of a multipart."""
    mail = parse(b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\r\n' + more + b"\r\n" + body)
    return [mail.raw[part.body : part.end] for part in parts(mail, content_type(mail), limit=limit, around=around)]


@pytest.mark.parametrize(
    ("value", "kind", "parameters"),
    [
        (b"text/plain", b"text/plain", {}),
        (b"TEXT/Plain;Charset=UTF-8", b"text/plain", {b"charset": b"UTF-8"}),
        (b'a/b; x="y z"; w=v', b"a/b", {b"x": b"y z", b"w": b"v"}),
        (b"a/b ; x = y ;", b"a/b", {b"x": b"y"}),
        (b"a/b;; x=y", b"a/b", {b"x": b"y"}),
        (rb'a/b; x="\"y\\"', b"a/b", {b"x": rb'"y' + b"\\"}),
        (b'a/b; x="; w=v"', b"a/b", {b"x": b"; w=v"}),
        (b'a/b (c) ; x=y (z (")) ', b"a/b", {b"x": b"y"}),
        (b"a/b;\r\n\tx=y", b"a/b", {b"x": b"y"}),
        (
            b"a/b; name*=utf-8''%e2%82%ac; x*0=y; x*1=z",
            b"a/b",
            {b"name*": b"utf-8''%e2%82%ac", b"x*0": b"y", b"x*1": b"z"},
        ),
        (b'a/b; x=""', b"a/b", {b"x": b""}),
    ],
)
def test_content_types(value: bytes, kind: bytes, parameters: dict[bytes, bytes]) -> None:
    assert typed(value) == ContentType(kind, parameters)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"text",
        b"text/",
        b"/plain",
        b"text/plain charset=utf-8",
        b"a/b; x",
        b"a/b; x=",
        b'a/b; x="y',
        b'a/b; x="y" z',
        b"a/b; x=y; X=z",
        b"a/b (",
        b"a/b; x=@",
        b"a/b/c",
        "a/b; x=é".encode(),
    ],
)
def test_malformed_content_types(value: bytes) -> None:
    with pytest.raises(Malformed):
        typed(value)


def test_no_content_type_is_text() -> None:
    assert content_type(parse(b"\r\n")).type == b"text/plain"
    with pytest.raises(Malformed):
        content_type(parse(b"Content-Type: a/b\r\nContent-Type: a/b\r\n\r\n"))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"--b\r\n\r\none\r\n--b--\r\n", [b"one"]),
        (b"--b\r\n\r\none\r\n--b--", [b"one"]),
        (b"pre\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\nepilogue", [b"one", b"two"]),
        (b"--b \t\r\n\r\none\r\n--b--  \r\n", [b"one"]),
        (b"--b\r\n\r\none\r\n\r\n--b--", [b"one\r\n"]),
        (b"--b\r\n\r\n\r\n--b--", [b""]),
        (b"--b\r\n--b--", [b""]),
        (b"--b\r\nA: b\r\n\r\n--b--", [b""]),
        (b"\r\n--b\r\n\r\n --b\r\nx--b\r\n-- b\r\n--b--", [b" --b\r\nx--b\r\n-- b"]),
    ],
)
def test_parts(body: bytes, found: list[bytes]) -> None:
    assert children(body) == found


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b\r\n\r\none",
        b"--b\r\n\r\none\r\n--b",
        b"--b\r\n\r\none\r\n--b\r\n",
        b"--b--\r\n",
        b"--bb\r\n\r\none\r\n--b--\r\n",
        b"--b\r\n\r\none\r\n--bb--\r\n--b--\r\n",
        b"--b\r\n\r\none\r\n--b-- x\r\n",
        b"--b\r\n\r\none\r\n--b-\r\n--b--\r\n",
        b"--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo\r\n--b--",
        b"--b\r\n\r\none\r\n--b--\r\n--bx",
        b"x--b\r\n\r\none\r\n--b--\r\n",
        b"--b\r\nA: b\r\n--b--",
        b"--b\r\nno field\r\n\r\n\r\n--b--\r\n",
        b"--b\r\n\r\n\r\n" * 4 + b"--b--",
    ],
)
def test_doubtful_multiparts_are_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        children(body)


@pytest.mark.parametrize("boundary", [b"", b"b ", b"b" * 71, b"b;b", b"b\xff"])
def test_malformed_boundaries(boundary: bytes) -> None:
    with pytest.raises(Malformed):
        children(b"--" + boundary + b"\r\n\r\none\r\n--" + boundary + b"--", boundary=boundary)


def test_odd_boundaries_that_are_legal() -> None:
    for boundary in (b"--", b"a b", b"b--", b"b" * 70, b"'()+_,-./:=?"):
        body = b"--" + boundary + b"\r\n\r\none\r\n--" + boundary + b"--"
        assert children(body, boundary=boundary) == [b"one"]


def test_words_around_the_parts_are_limited() -> None:
    body = b"\r\n--b\r\n\r\none\r\n--b--"
    for at_most in (body, b" \t" + body + b"\r\n\r\n \r\n", b"\r\n12345678" + body, body + b"\r\n12345678\r\n"):
        assert children(at_most) == [b"one"]
    for too_many in (b"123456789" + body, body + b"\r\n123456789", b"\r\n1234 6789\r\n" + body):
        with pytest.raises(Malformed):
            children(too_many)


def test_an_encoded_multipart_is_refused() -> None:
    body = b"--b\r\n\r\none\r\n--b--"
    assert children(body, more=b"Content-Transfer-Encoding: 8BIT (yes)\r\n") == [b"one"]
    with pytest.raises(Malformed):
        children(body, more=b"Content-Transfer-Encoding: quoted-printable\r\n")


def test_what_is_no_multipart_has_no_parts() -> None:
    mail = parse(b"Content-Type: text/plain; boundary=b\r\n\r\n--b\r\n\r\n\r\n--b--")
    with pytest.raises(Malformed):
        parts(mail, content_type(mail), limit=2, around=0)


def encoded(encoding: bytes, body: bytes) -> Entity:
    return parse(b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + body)


@pytest.mark.parametrize(
    ("encoding", "body", "text"),
    [
        (b"7bit", b"a=3Db", b"a=3Db"),
        (b"BINARY", b"\xff", b"\xff"),
        (b"quoted-printable", b"a=3Db=\r\nc", b"a=bc"),
        (b"Base64 (MIME)", b"aGVs\r\nbG8=\r\n", b"hello"),
    ],
)
def test_bodies_are_decoded(encoding: bytes, body: bytes, text: bytes) -> None:
    assert decoded(encoded(encoding, body)) == text


@pytest.mark.parametrize(
    ("encoding", "body"),
    [(b"x-uuencode", b"x"), (b"", b"x"), (b"base64", b"hello, world"), (b"base64", b"aGVsbG8"), (b"base64", b"aGVs=")],
)
def test_what_cannot_be_decoded_is_refused(encoding: bytes, body: bytes) -> None:
    with pytest.raises(Malformed):
        decoded(encoded(encoding, body))


@given(st.lists(st.binary(max_size=40).map(base64.encodebytes), min_size=1, max_size=3))
def test_what_the_standard_library_writes_is_split_alike(texts: list[bytes]) -> None:
    mail = EmailMessage(policy=SMTP)
    mail.make_mixed()
    for text in texts:
        mail.add_attachment(text, maintype="application", subtype="octet-stream", cte="base64")
    raw = mail.as_bytes()
    entity = parse(raw)
    found = parts(entity, content_type(entity), limit=3, around=0)
    assert [decoded(part) for part in found] == texts


PIECES = [b"--b", b"--b--", b"\r\n", b"\r\n", b"--", b"b", b" ", b"A: b", b"Content-Type: text/plain", b"\0", b"\n"]


@given(st.lists(st.sampled_from(PIECES), max_size=25))
def test_only_malformed_escapes_a_body(pieces: list[bytes]) -> None:
    try:
        found = children(b"".join(pieces))
    except Malformed:
        return
    assert 1 <= len(found) <= 3
    assert not any(b"\r\n--b" in part for part in found)


@given(st.text(alphabet="ab/;= \t\"\\()*'", max_size=40))
def test_only_malformed_escapes_a_type(text: str) -> None:
    try:
        kind = typed(text.encode())
    except Malformed:
        return
    assert b"/" in kind.type


@pytest.mark.parametrize(
    "piece", [b"; ", b";", b" ", b"a", b"=", b"; a=b ", b'"', b'\\"', b"(", b"()", b"; a", b'; a="', b"*"]
)
def test_hostile_repetitions_take_linear_time(piece: bytes) -> None:
    with pytest.raises(Malformed):
        typed(b"a/b; x=y" + piece * 20_000 + b"@")


def test_a_content_type_that_was_read_before_is_read_alike() -> None:
    for value in (b"application/pgp-encrypted; charset=utf-8", b'text/plain; Name="x"', b"multipart/mixed; boundary=b"):
        first, second = (content_type(parse(b"Content-Type: " + value + b"\r\n\r\n")) for _ in range(2))
        assert first == second


def test_a_content_type_that_cannot_be_read_is_refused_every_time() -> None:
    for _ in range(2):
        with pytest.raises(Malformed):
            content_type(parse(b"Content-Type: text/plain; a=1; a=2\r\n\r\n"))
