"""The protocols that a ClientHello offers: out of OpenSSL's own, in pieces, and out of anything."""

import contextlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.tls_hello import Incomplete, protocols


def hello(*alpn: str) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if alpn:
        context.set_alpn_protocols(alpn)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="relay.example")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def test_what_openssl_offers() -> None:
    assert protocols(hello("imap", "http/1.1")) == [b"imap", b"http/1.1"]
    assert protocols(hello("h2")) == [b"h2"]
    assert protocols(hello()) is None


def test_in_pieces_it_is_incomplete_and_then_the_same() -> None:
    whole = hello("smtp")
    for at in range(len(whole)):
        with pytest.raises(Incomplete):
            protocols(whole[:at])
    assert protocols(whole + b"more") == [b"smtp"]


def test_in_several_records() -> None:
    whole = hello("imap")
    message = whole[5:]
    records = b""
    for at in range(0, len(message), 50):
        piece = message[at : at + 50]
        records += whole[:3] + len(piece).to_bytes(2) + piece
    assert protocols(records) == [b"imap"]
    with pytest.raises(Incomplete):
        protocols(records[:-1])


@pytest.mark.parametrize(
    "said",
    [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x00\x00", b"\x16\x03\x01\x00\x01\x02", b"\x15\x03\x01\x00\x02\x02\x28"],
)
def test_what_is_no_hello(said: bytes) -> None:
    assert protocols(said) is None


@given(st.binary(max_size=300), st.integers(0, 600))
def test_anything_is_read_or_not(noise: bytes, at: int) -> None:
    for said in (noise, b"\x16\x03\x01" + noise, hello("imap")[:at] + noise):
        with contextlib.suppress(Incomplete):
            protocols(said)
