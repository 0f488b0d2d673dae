"""Who is let in at once on the https port, who is looked at more closely, and who is greeted."""

import asyncio
import socket
import ssl
from collections.abc import Iterator

import pytest

from angarium.apps.entrance import IN_CLEAR, Entrance
from angarium.edge.decoy.bare import bare
from angarium.edge.decoy.prompt import Decoy
from angarium.edge.listener import Door
from angarium.edge.pages.exchange import Request
from angarium.edge.settings import Decoy as DecoySettings
from angarium.edge.settings import Listen
from angarium.edge.threshold import Begins
from angarium.reach.transport import Connection

HTTPS, GREETING, IMAPS = (
    Door(name, "", port, tls=True) for name, port in (("https", 443), ("https", 1443), ("imaps", 993))
)


def hello(*protocols: str) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if protocols:
        context.set_alpn_protocols(protocols)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="relay.example").do_handshake()
    return outgoing.read()


async def nobody(request: Request) -> bool:
    return False


async def nowhere(connection: Connection, said: bytes) -> bytes | None:
    raise AssertionError


DECOY = Decoy(bare, nobody, nowhere, 10)


def entrance(*, decoy: bool = False, clear: bool = True, mail: bool = False) -> Entrance:
    listen = Listen(clear=clear, greet_imap=[1443])
    settings = DecoySettings(clear=clear, mail_alpn=mail)
    return Entrance(listen, settings, DECOY if decoy else None, dict, 0.2)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


Ends = tuple[socket.socket, socket.socket]


CASES: dict[str, tuple[bytes, dict[str, bool], Door, Begins]] = {
    "TLS": (hello(), {}, HTTPS, Begins.TLS),
    "mail in TLS": (hello("imap"), {}, HTTPS, Begins.TLS),
    "in clear": (b"GET / HTTP/1.1\r\n", {}, HTTPS, Begins.UNCLEAR),
    "in clear where only TLS is taken, which says what it thinks of it": (
        *(b"GET /\r\n", {"clear": False}, HTTPS, Begins.TLS),
    ),
    "in clear at another door": (b"GET / HTTP/1.1\r\n", {}, IMAPS, Begins.TLS),
    "TLS, a decoy": (hello(), {"decoy": True}, HTTPS, Begins.TLS),
    "a browser, a decoy": (hello("h2", "http/1.1"), {"decoy": True}, HTTPS, Begins.TLS),
    "mail, a decoy": (hello("imap"), {"decoy": True, "clear": False}, HTTPS, Begins.GREETED),
    "mail, a decoy that takes it": (hello("imap"), {"decoy": True, "mail": True}, HTTPS, Begins.TLS),
    "half a hello, a decoy": (hello()[:100], {"decoy": True, "clear": False}, HTTPS, Begins.UNCLEAR),
    "no hello, a decoy": (b"\x16\x03\x01\x00\x08what now", {"decoy": True, "clear": False}, HTTPS, Begins.TLS),
    "in clear, a decoy": (b"GET / HTTP/1.1\r\n", {"decoy": True, "clear": False}, HTTPS, Begins.GREETED),
    "in clear, a decoy that takes it": (b"GET / HTTP/1.1\r\n", {"decoy": True}, HTTPS, Begins.UNCLEAR),
    "nothing yet, a decoy": (b"", {"decoy": True, "clear": False}, HTTPS, Begins.UNCLEAR),
    "nothing yet": (b"", {}, HTTPS, Begins.UNCLEAR),
}


@pytest.mark.parametrize("case", CASES)
async def test_what_is_begun_with(case: str, ends: Ends) -> None:
    said, options, door, begins = CASES[case]
    ours, theirs = ends
    connection = Connection(ours)
    theirs.sendall(said)
    assert entrance(**options).begins(door, connection) is begins
    if said:
        assert await connection.read(timeout=5) == said, "nothing of it was taken"
    connection.abort()


def test_only_where_the_silent_are_greeted_it_is_not_always_the_peer_who_begins() -> None:
    assert entrance().waits(HTTPS)
    assert entrance().waits(IMAPS)
    assert not entrance().waits(GREETING)
    assert entrance(clear=False).waits(GREETING)


async def test_who_begins_in_clear_comes_by_the_door_of_what_he_speaks(ends: Ends) -> None:
    ours, theirs = ends
    connection = Connection(ours)
    theirs.sendall(b"EHLO me\r\n")
    assert await entrance().come(HTTPS, connection) == IN_CLEAR["smtp"]
    connection.abort()


async def test_who_says_nothing_is_greeted_where_the_keeper_wants_it(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("angarium.edge.mux.SILENCE_SECONDS", 0.05)
    connection = Connection(ends[0])
    assert await entrance().come(GREETING, connection) == IN_CLEAR["imap"]
    with pytest.raises(TimeoutError):
        await entrance().come(HTTPS, connection)
    connection.abort()


async def test_who_offers_mail_to_a_decoy_is_refused_as_by_a_web_server(ends: Ends) -> None:
    ours, theirs = ends
    connection = Connection(ours)
    theirs.sendall(hello("imap"))
    with pytest.raises(ConnectionError):
        await entrance(decoy=True).come(HTTPS, connection)
    await asyncio.sleep(0)
    assert theirs.recv(100) == bytes((21, 3, 3, 0, 2, 2, 120))


async def test_who_ends_before_a_word_is_answered_as_a_web_server_does(ends: Ends) -> None:
    ours, theirs = ends
    connection = Connection(ours)
    theirs.shutdown(socket.SHUT_WR)
    door = entrance(decoy=True, clear=False)
    assert door.begins(HTTPS, connection) is Begins.GREETED
    assert door.greet(HTTPS, connection) is None
    assert theirs.recv(100) == b""
