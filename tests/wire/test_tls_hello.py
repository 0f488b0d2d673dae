"""What can be read of a ClientHello: of OpenSSL's own, of one that was made by hand, and of what is none."""

import contextlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.tls_hello import Hello, NotHello, glance, read_hello

CHROME = Hello(
    name="example.org",
    protocols=("h2", "http/1.1"),
    ciphers=(
        *(0x2A2A, 0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030),
        *(0xCCA9, 0xCCA8, 0xC013, 0xC014, 0x009C, 0x009D, 0x002F, 0x0035),
    ),
    extensions=(
        *(0x1A1A, 0x0000, 0x0017, 0xFF01, 0x000A, 0x000B, 0x0023, 0x0010, 0x0005, 0x000D),
        *(0x0012, 0x0033, 0x002D, 0x002B, 0x001B, 0x4469, 0x9A9A, 0x0015),
    ),
    signatures=(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601),
    versions=(0x3A3A, 0x0304, 0x0303),
)


def hello(name: str | None = "relay.example", protocols: tuple[str, ...] = ()) -> bytes:
    """What this machine's OpenSSL says first."""
    context = ssl.create_default_context()
    context.check_hostname = False
    if protocols:
        context.set_alpn_protocols(list(protocols))
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
    return out.read()


OFFERING = hello(protocols=("h2",))


def test_name_and_protocols_are_read() -> None:
    read = read_hello(hello("Relay.Example", ("imap", "http/1.1")))
    assert read is not None
    assert (read.name, read.protocols) == ("relay.example", ("imap", "http/1.1"))
    assert 0x0304 in read.versions


def test_who_asks_for_no_name_has_none() -> None:
    read = read_hello(hello(None))
    assert read is not None
    assert (read.name, read.protocols) == (None, ())
    assert read.ja4[:4] == "t13i"


def test_the_fingerprint_is_the_one_its_authors_give_for_chrome() -> None:
    assert CHROME.ja4 == "t13d1516h2_8daaf6152771_e5627efa2ab1"


def test_the_fingerprint_tells_the_first_protocol() -> None:
    read = read_hello(hello(protocols=("imap",)))
    assert read is not None
    assert read.ja4.partition("_")[0][-2:] == "ip"


def test_in_pieces_it_reads_as_when_it_is_whole() -> None:
    whole = hello()
    for length in range(len(whole)):
        assert read_hello(whole[:length]) is None
    assert read_hello(whole) == read_hello(whole + b"more")


def test_in_several_records_it_reads_as_in_one() -> None:
    whole = hello()
    body = whole[5:]
    cut = b"".join(
        b"\x16\x03\x01" + len(piece).to_bytes(2, "big") + piece for piece in (body[:1], body[1:100], body[100:])
    )
    assert read_hello(cut) == read_hello(whole)


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n", b"EHLO me\r\n", b"\x17\x03\x03\0\x05hello", b"\x16\x03\x01\0\x04\x02\0\0\0"]
)
def test_what_is_no_hello_is_refused(data: bytes) -> None:
    with pytest.raises(NotHello):
        read_hello(data)


@pytest.mark.parametrize("protocols", [(), ("imap",), ("h2", "http/1.1")])
def test_a_glance_sees_the_protocols_and_no_part_of_them(protocols: tuple[str, ...]) -> None:
    whole = hello(protocols=protocols)
    assert glance(whole) == glance(whole + b"more") == protocols
    assert {glance(whole[:length]) for length in range(len(whole))} == {None}


@given(st.integers(0, 2000), st.binary(max_size=4))
def test_a_glance_sees_what_reading_finds_where_it_is_a_hello(at: int, put: bytes) -> None:
    changed = OFFERING[: at % len(OFFERING)] + put + OFFERING[at % len(OFFERING) + len(put) :]
    seen = glance(changed)
    with contextlib.suppress(NotHello):
        read = read_hello(changed)
        assert seen is None or (read is not None and read.protocols == seen)


@given(st.integers(0, 2000), st.binary(max_size=4))
def test_whatever_is_changed_in_it_nothing_else_is_raised(at: int, put: bytes) -> None:
    whole = hello(protocols=("h2",))
    changed = whole[: at % len(whole)] + put + whole[at % len(whole) + len(put) :]
    try:
        read = read_hello(changed)
    except NotHello:
        return
    assert read is None or isinstance(read.ja4, str)


@given(st.binary(max_size=300))
def test_noise_is_a_hello_its_beginning_or_refused(data: bytes) -> None:
    with contextlib.suppress(NotHello):
        read_hello(data)
