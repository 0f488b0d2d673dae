"""What is spoken on the shared port: by ALPN, by the first words, and by silence."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.edge import mux
from angarium.edge.mux import first_words, serve_mux, spoken
from angarium.reach.transport import Connection


@pytest.mark.parametrize(
    ("alpn", "spoken"), [("imap", "imap"), ("smtp", "smtp"), ("http/1.1", "http"), (None, "http"), ("h2", "http")]
)
async def test_the_protocol_agreed_upon_is_spoken(alpn: str | None, spoken: str) -> None:
    ours, theirs = socket.socketpair()
    connection = Connection(ours)
    connection.alpn = alpn
    heard: list[str] = []

    def session(name: str):  # type: ignore[no-untyped-def]
        async def serve(given: Connection) -> None:
            assert given is connection
            heard.append(name)

        return serve

    await serve_mux(connection, imap=session("imap"), smtp=session("smtp"), http=session("http"))
    connection.abort()
    theirs.close()
    assert heard == [spoken]


WORDS = [
    (b"GET / HTTP/1.1\r\n", "http"),
    (b"CONNECT relay.example:993 HTTP/1.1\r\n", "http"),
    (b"EHLO phone\r\n", "smtp"),
    (b"ehlo [192.0.2.7]\r\n", "smtp"),
    (b"STARTTLS\r\n", "smtp"),
    (b"QUIT\n", "smtp"),
    (b"a1 CAPABILITY\r\n", "imap"),
    (b"A0001 starttls\r\n", "imap"),
    (b"* LOGIN x y\r\n", "imap"),
    (b"\5\1\2", "socks"),
    (b"get / HTTP/1.1\r\n", ""),
    (b"SSH-2.0-OpenSSH_9.2\r\n", ""),
    (b"MAILBOX\r\n", ""),
    (b"a1 FETCH 1\r\n", ""),
    (b"\0\0\0\1", None),
    (b"\r\n", ""),
    (b"\xff\xfe", ""),
    (b"x" * 200, ""),
]


@pytest.mark.parametrize(("said", "name"), WORDS)
def test_the_first_words_tell(said: bytes, name: str | None) -> None:
    assert spoken(said) == name


@given(st.binary(max_size=150) | st.sampled_from([said for said, _ in WORDS]))
def test_more_words_never_tell_otherwise(said: bytes) -> None:
    told = [spoken(said[:end]) for end in range(len(said) + 1)]
    known = [each for each in told if each is not None]
    assert len(set(known)) <= 1
    assert told == [None] * (len(told) - len(known)) + known


@pytest.fixture
async def pair(monkeypatch: pytest.MonkeyPatch) -> tuple[Connection, Connection]:
    monkeypatch.setattr(mux, "SILENCE_SECONDS", 0.1)
    ours, theirs = socket.socketpair()
    return Connection(ours), Connection(theirs)


@pytest.mark.parametrize("greet", [None, "imap", "smtp"])
async def test_what_was_said_is_there_for_who_reads_it(pair: tuple[Connection, Connection], greet: str | None) -> None:
    ours, theirs = pair
    await theirs.write(b"a1 CAPABILITY\r\na2 ")
    assert await first_words(ours, timeout=5, greet=greet) == "imap"
    assert await ours.read() == b"a1 CAPABILITY\r\na2 "
    theirs.abort()
    ours.abort()


@pytest.mark.parametrize("hello", [b"\x16\x03\x01", b"\x80\x2e\x01", b"\x16"])
async def test_of_tls_nothing_is_taken(pair: tuple[Connection, Connection], hello: bytes) -> None:
    ours, theirs = pair
    await theirs.write(hello)
    assert await first_words(ours, timeout=5, greet="imap") == "tls"
    assert await ours.peek(10, timeout=5) == hello
    theirs.abort()
    ours.abort()


async def test_who_says_nothing_is_greeted_where_the_keeper_has_said_how(pair: tuple[Connection, Connection]) -> None:
    ours, theirs = pair
    assert await first_words(ours, timeout=5, greet="smtp") == "smtp"
    with pytest.raises(TimeoutError):
        await first_words(ours, timeout=0.15)
    theirs.abort()
    ours.abort()


async def test_who_does_not_finish_his_first_word_is_not_waited_for(pair: tuple[Connection, Connection]) -> None:
    ours, theirs = pair
    await theirs.write(b"EH")
    with pytest.raises(TimeoutError):
        await first_words(ours, timeout=0.15)
    theirs.abort()
    ours.abort()


async def test_who_goes_in_the_middle_speaks_nothing_known(pair: tuple[Connection, Connection]) -> None:
    ours, theirs = pair
    await theirs.write(b"EH")
    await theirs.close()
    assert await first_words(ours, timeout=5) == ""
    ours.abort()
