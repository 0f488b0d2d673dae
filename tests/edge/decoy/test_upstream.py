"""A site elsewhere, through the decoy and through Debian's nginx (`proxy_pass`): the same answers, but for the date."""

import asyncio
import re
import socket
import time
import zlib

import pytest

from angarium.edge.decoy import upstream
from angarium.edge.decoy.request import Head
from angarium.edge.decoy.upstream import Upstream, split
from tests.edge.decoy.conftest import Ports
from tests.edge.decoy.elsewhere import ANSWERS
from tests.edge.decoy.probes import probes
from tests.edge.decoy.test_like_nginx import compare, hear, trusting

H = b"Host: h.example\r\n"


def asked() -> list[bytes]:
    paths = [path.encode() for path in ANSWERS if path not in ("/broken", "/nonsense")]
    lines = [
        b"%b %b HTTP/1.%d\r\n%b\r\n" % (how, path, minor, H)
        for path in paths
        for how in (b"GET", b"HEAD")
        for minor in (0, 1)
    ]
    return [
        *lines,
        b"POST /said?x=%41 HTTP/1.1\r\n" + H + b"Content-Length: 3\r\nCookie: a\r\nUser-Agent: me\r\n\r\na=b",
        b"PUT /said HTTP/1.1\r\n" + H + b"Transfer-Encoding: chunked\r\nTE: a\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        b"POST /said HTTP/1.1\r\n" + H + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
        b"POST /said HTTP/1.1\r\n" + H + b"Content-Length: 2000000\r\n\r\n",
        b"POST /said HTTP/1.1\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /said HTTP/1.1\r\n" + H + b"Connection: close\r\nUpgrade: h2c\r\nX-A: b\r\nRange: bytes=0-2\r\n\r\n",
        b"GET /said/../said HTTP/1.1\r\n" + H + b"\r\n",
        b"GET /own HTTP/1.1\r\n" + H + b"\r\nGET /part HTTP/1.1\r\n" + H + b"\r\n",
        b"GET /\r\n",
        b"TRACE / HTTP/1.1\r\n" + H + b"\r\n",
    ]  # fmt: skip


async def test_what_a_site_says_is_handed_on_as_nginx_does(nginx: Ports, ours: Ports) -> None:
    different = await compare(nginx.onward, ours.onward, asked(), trusting())
    assert not different, f"{len(different)} differ:{''.join(different[:40])}"


async def test_what_is_malformed_never_gets_there(nginx: Ports, ours: Ports) -> None:
    def ours_to_answer(said: bytes) -> bool:
        return not re.match(rb"(?:GET|HEAD|POST|OPTIONS|PUT|[A-Z-]+) [^ ]+ HTTP/1.[01]\r\n", said)

    different = await compare(
        nginx.onward, ours.onward, [each for each in probes() if ours_to_answer(each)], trusting()
    )
    assert not different, f"{len(different)} differ:{''.join(different[:40])}"


async def test_pages_are_compressed_on_the_way(nginx: Ports, ours: Ports) -> None:
    said = b"GET / HTTP/1.1\r\n" + H + b"Accept-Encoding: gzip\r\n\r\n"
    ((theirs, _),) = await hear(nginx.onward, [said], trusting())
    ((heard, _),) = await hear(ours.onward, [said], trusting())
    assert heard.partition(b"\r\n\r\n")[0] == theirs.partition(b"\r\n\r\n")[0]
    assert opened(heard) == opened(theirs)


def opened(heard: bytes) -> bytes:
    """The page in an answer that came in chunks, compressed."""
    rest, packed = heard.partition(b"\r\n\r\n")[2], b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        packed, rest = packed + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return zlib.decompress(packed, 31)


async def test_a_site_that_cannot_be_asked(monkeypatch: pytest.MonkeyPatch, site: int) -> None:
    async def addresses(host: str) -> list[str]:
        return [host]

    def ask(url: str, path: str) -> int:
        made = Upstream(url, addresses, "x", lambda: "")
        return asyncio.run(made.ask(Head("GET", path, "x", 1), b"")).status

    monkeypatch.setattr(upstream, "SECONDS", 0.2)
    assert await asyncio.to_thread(ask, "http://127.0.0.1:1", "/") == 502
    assert await asyncio.to_thread(ask, f"http://127.0.0.1:{site}", "/slow") == 504
    assert await asyncio.to_thread(ask, f"http://127.0.0.1:{site}", "/nonsense") == 502


async def test_who_ends_his_side_while_the_site_is_asked_is_not_answered(nginx: Ports, ours: Ports) -> None:
    def heard(port: int) -> bytes:
        with trusting().wrap_socket(socket.create_connection(("127.0.0.1", port), 10)) as client:
            client.sendall(b"GET /slow HTTP/1.1\r\n" + H + b"\r\n")
            time.sleep(0.05)  # nginx has read it, or would not see the end
            client.shutdown(socket.SHUT_WR)  # which leaves TLS, too
            raw, heard = client.detach(), b""
        with socket.socket(fileno=raw) as rest:
            rest.settimeout(10)
            while data := rest.recv(1 << 16):
                heard += data
        return heard

    tickets = [len(await asyncio.to_thread(heard, ports.onward)) for ports in (nginx, ours)]
    assert tickets[0] == tickets[1] < 700, "an answer, or a goodbye"


async def test_an_answer_that_is_cut_off_is_cut_off_here(ours: Ports) -> None:
    ((heard, end),) = await hear(ours.onward, [b"GET /broken HTTP/1.1\r\n" + H + b"\r\n"], trusting())
    assert (heard.endswith(b"\r\n\r\ncut off"), end) == (True, "ended")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://site.example", (True, "site.example", 443)),
        ("http://127.0.0.1:8080/", (False, "127.0.0.1", 8080)),
        ("http://[::1]", (False, "::1", 80)),
        *((bad, None) for bad in ("site.example", "ftp://a", "https://", "https://a/b", "http://a?b")),
        *((bad, None) for bad in ("http://u@a", "http://a:0", "http://a:b")),
    ],
)  # fmt: skip
def test_addresses_of_sites(url: str, found: tuple[bool, str, int] | None) -> None:
    assert split(url) == found
