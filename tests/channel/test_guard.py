"""Guarded connections: each request has its time, also over a connection that was kept open."""

import contextlib
import socketserver
import time
from collections.abc import Iterator

import pytest
import requests

from angarium.channel.guard import Guard, guarded, leads_inside
from tests.channel.serving import serving


class Kept(socketserver.StreamRequestHandler):
    """Answers the first request, and never ends with the second."""

    connections = 0
    second = b""

    def handle(self) -> None:
        Kept.connections += 1
        with contextlib.suppress(OSError):
            self.read()
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: who=you\r\n\r\nok")
            Kept.second = self.read()
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            while True:
                self.wfile.write(b"x")
                time.sleep(0.02)

    def read(self) -> bytes:
        said = b""
        while (line := self.rfile.readline()).strip():
            said += line
        return said


@pytest.fixture
def kept() -> Iterator[str]:
    Kept.connections = 0
    with serving(Kept) as address:
        yield address


def test_a_connection_that_was_kept_open_has_its_time_too(kept: str) -> None:
    guard = Guard()
    with guarded(guard) as session:
        guard.begin(60)
        assert session.get(kept, timeout=30).content == b"ok"
        guard.end()
        guard.begin(0.3)
        began = time.monotonic()
        with contextlib.suppress(requests.RequestException):
            assert not session.get(kept, timeout=30).content
        assert guard.late
        assert time.monotonic() - began < 10
        guard.end()
    assert Kept.connections == 1
    assert b"GET /" in Kept.second
    assert b"cookie" not in Kept.second.lower()


def test_addresses_of_servers_within(kept: str) -> None:
    assert leads_inside(kept)
    assert leads_inside("http://localhost/feed.xml")
    assert not leads_inside("http://93.184.216.34/feed.xml")
    assert not leads_inside("http://nobody.invalid/feed.xml")
