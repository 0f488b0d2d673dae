"""What is spoken on the shared port."""

import socket

import pytest

from angarium.edge.mux import serve_mux
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
