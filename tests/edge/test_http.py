"""A session of HTTP against a scripted peer: whole, in pieces, malformed, too long, too slow."""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.edge import http
from angarium.edge.http import serve_http, serve_plain_http
from angarium.edge.pages.exchange import Request, Response
from angarium.edge.pages.site import HttpSite
from angarium.edge.settings import Limits

if TYPE_CHECKING:
    from angarium.reach.transport import Connection

GET = b"GET /generate_204 HTTP/1.1\r\nHost: relay.example\r\n\r\n"
PAGE = b"GET / HTTP/1.1\r\nHost: relay.example\r\n\r\n"
NEW = b"POST /new HTTP/1.1\r\nHost: relay.example\r\n"
SILENCE = None
RESET = ConnectionResetError()


class Peer:
    """Says its pieces; then is silent (SILENCE), gone (RESET), or has ended (nothing left)."""

    def __init__(self, *pieces: bytes | ConnectionError | None) -> None:
        self.pieces = list(pieces)
        self.heard = bytearray()
        self.closed = False
        self.patience: list[float] = []

    def settle(self) -> None:
        pass

    async def read(self, limit: int = 16384, *, timeout: float | None = None) -> bytes:
        assert timeout is not None
        self.patience.append(timeout)
        piece = self.pieces.pop(0) if self.pieces else b""
        if piece is None:
            raise TimeoutError
        if isinstance(piece, ConnectionError):
            raise piece
        return piece

    async def write(self, data: bytes, *, timeout: float | None = None) -> None:
        assert timeout is not None
        self.heard += data

    async def close(self) -> None:
        self.closed = True


async def talk(site: HttpSite, *pieces: bytes | ConnectionError | None, plain: bool = False) -> Peer:
    peer = Peer(*pieces)
    await (serve_plain_http if plain else serve_http)(cast("Connection", peer), site)
    assert peer.closed
    return peer


def answers(heard: bytes, methods: Sequence[str]) -> list[tuple[h11.Response, bytes]]:
    """What a strict client reads, one answer for each of its requests, and nothing after the last."""
    client = h11.Connection(h11.CLIENT)
    client.receive_data(heard)
    found = []
    for method in methods:
        client.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
        client.send(h11.EndOfMessage())
        while isinstance(event := client.next_event(), h11.InformationalResponse):
            pass
        assert isinstance(event, h11.Response)
        body = b""
        while isinstance(data := client.next_event(), h11.Data):
            body += data.data
        assert isinstance(data, h11.EndOfMessage)
        found.append((event, body))
        if client.our_state is h11.DONE and client.their_state is h11.DONE:
            client.start_next_cycle()
    assert client.trailing_data[0] == b""
    return found


async def status(site: HttpSite, *pieces: bytes | ConnectionError | None) -> int:
    """The status of the only answer, after which the connection is ended."""
    peer = await talk(site, *pieces)
    ((response, body),) = answers(bytes(peer.heard), ["POST"])
    assert (b"connection", b"close") in response.headers
    assert body.decode().endswith(".\n")
    return response.status_code


@pytest.fixture
def site(http_relay: Any) -> HttpSite:
    return cast("HttpSite", http_relay.site())


async def test_a_request_is_answered_and_the_connection_goes_on(site: HttpSite) -> None:
    peer = await talk(site, GET, GET)
    assert [response.status_code for response, _ in answers(bytes(peer.heard), ["GET", "GET"])] == [204, 204]


async def test_byte_by_byte_and_all_at_once_are_the_same(site: HttpSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "formatdate", lambda usegmt: "Thu, 01 Jan 1970 00:00:00 GMT")
    wire = (
        PAGE
        + b"POST /delete HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        + b"Transfer-Encoding: chunked\r\n\r\n5\r\nname=\r\nd\r\na&password=b+\r\n0\r\n\r\n"
        + GET
    )
    whole = await talk(site, wire)
    pieces = await talk(site, *(bytes([byte]) for byte in wire))
    assert whole.heard == pieces.heard
    statuses = [response.status_code for response, _ in answers(bytes(whole.heard), ["GET", "POST", "GET"])]
    assert statuses == [200, 200, 204]


async def test_every_answer_is_safe_and_names_no_software(site: HttpSite) -> None:
    for wire in (PAGE, GET, NEW + b"\r\n", b"nonsense\r\n\r\n", b"GET /lost HTTP/1.1\r\nHost: x\r\n\r\n"):
        ((response, _),) = answers(bytes((await talk(site, wire)).heard), ["GET"])
        headers = {name.decode(): value.decode() for name, value in response.headers}
        assert headers.keys() & {"server", "set-cookie", "via", "x-powered-by", "etag", "last-modified"} == set()
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
        assert headers["date"].endswith(" GMT")


async def test_head_is_get_without_the_body(site: HttpSite) -> None:
    peer = await talk(site, PAGE.replace(b"GET", b"HEAD"), PAGE)
    (head, nothing), (get, body) = answers(bytes(peer.heard), ["HEAD", "GET"])
    assert nothing == b""
    assert dict(head.headers)[b"content-length"] == dict(get.headers)[b"content-length"] == str(len(body)).encode()


async def test_http_1_0_is_answered_and_ended(site: HttpSite) -> None:
    peer = await talk(site, b"GET / HTTP/1.0\r\n\r\n", GET)
    ((response, body),) = answers(bytes(peer.heard), ["GET"])
    assert response.status_code == 200
    assert b"</html>" in body


async def test_a_peer_that_wants_to_end_is_let_go(site: HttpSite) -> None:
    peer = await talk(site, GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + GET)
    assert len(answers(bytes(peer.heard), ["GET"])) == 1


async def test_after_so_many_requests_the_connection_is_ended(http_relay: Any) -> None:
    peer = await talk(http_relay.site(requests=3), GET * 5)
    found = answers(bytes(peer.heard), ["GET"] * 3)
    assert [(b"connection", b"close") in response.headers for response, _ in found] == [False, False, True]


@pytest.mark.parametrize("target", [b"http://relay.example/generate_204", b"HTTPS://other.example/generate_204?x#y"])
async def test_a_target_in_absolute_form(site: HttpSite, target: bytes) -> None:
    ((response, _),) = answers(bytes((await talk(site, GET.replace(b"/generate_204", target))).heard), ["GET"])
    assert response.status_code == 204


async def test_a_peer_that_waits_is_told_to_continue(site: HttpSite) -> None:
    peer = await talk(site, NEW + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n", b"{}")
    assert peer.heard.startswith(b"HTTP/1.1 100 ")
    ((response, _),) = answers(bytes(peer.heard), ["POST"])
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nName : value\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nName: a\x00b\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nHost: a\r\nLong: " + b"x" * 20_000, 431),
        (b"GET /" + b"x" * 20_000, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 4000, 431),
        (NEW + b"Content-Length: 70000\r\n\r\n", 413),
        (NEW + b"Content-Length: 99999999999999999999\r\n\r\n", 413),
        (NEW + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
        (NEW + b"Content-Length: -1\r\n\r\n", 400),
        (NEW + b"Content-Length: +1\r\n\r\n", 400),
        (NEW + b"Content-Length: 1, 2\r\n\r\n", 400),
        (NEW + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (NEW + b"Content-Length: 0x1\r\n\r\n", 400),
        (NEW + b"Transfer-Encoding: chunked\r\n\r\n" + b"4000\r\n" * 1 + b"x" * 0x4000, 400),
        (NEW + b"Transfer-Encoding: chunked\r\n\r\n" + (b"4000\r\n" + b"x" * 0x4000 + b"\r\n") * 5, 413),
        (NEW + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (NEW + b"Transfer-Encoding: chunked\r\n\r\n5;" + b"x" * 20_000, 431),
        (NEW + b"Transfer-Encoding: chunked\r\n\r\n" + b"0\r\n" + b"A: b\r\n" * 4000, 431),
        (NEW + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (NEW + b"Content-Length: 5\r\n\r\nab", 400),
    ],
)
async def test_what_is_malformed_is_refused_and_the_connection_ended(
    http_relay: Any, wire: bytes, expected: int
) -> None:
    assert await status(http_relay.site(), wire) == expected
    assert await http_relay.store.accounts.count() == 0


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n",
        b"Content-Length: 4\r\nTransfer-Encoding: identity\r\n",
    ],
)
async def test_no_request_is_smuggled(http_relay: Any, framing: bytes) -> None:
    """Whatever end of the first request another party might see, what follows it is never answered."""
    wire = NEW + framing + b"\r\n0\r\n\r\n" + NEW + b"\r\n"
    assert await status(http_relay.site(), wire) in {400, 501}
    assert await http_relay.store.accounts.count() == 0


async def test_http_1_0_knows_no_chunks(site: HttpSite) -> None:
    wire = b"POST /new HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert await status(site, wire) == 400


@pytest.mark.parametrize("start", [b"G", GET[:-2], NEW + b"Content-Length: 9\r\n\r\nabc"])
async def test_a_request_that_does_not_come_to_its_end_is_given_up(site: HttpSite, start: bytes) -> None:
    assert await status(site, start, SILENCE) == 408


async def test_silence_before_a_request_is_nobodys_fault(site: HttpSite) -> None:
    assert (await talk(site, SILENCE)).heard == b""
    assert len(answers(bytes((await talk(site, GET, SILENCE)).heard), ["GET"])) == 1


@pytest.mark.parametrize("start", [b"", b"GET", PAGE, NEW + b"Content-Length: 9\r\n\r\nabc"])
async def test_a_peer_that_vanishes_is_forgotten(site: HttpSite, start: bytes) -> None:
    await talk(site, start, RESET)


async def test_dripping_does_not_stretch_the_time_for_a_request(http_relay: Any, monkeypatch: Any) -> None:
    """Each byte comes just in time for a limit per read; the limit is for the whole request."""
    now = 0.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now, raising=False)

    class Dripping(Peer):
        async def read(self, limit: int = 16384, *, timeout: float | None = None) -> bytes:
            nonlocal now
            assert timeout is not None
            if timeout <= 9:
                now += timeout
                raise TimeoutError
            now += 9
            self.patience.append(timeout)
            return b"a"

    peer = Dripping()
    session = http._Session(cast("Connection", peer), http_relay.site(), cast("Any", None))
    with pytest.raises(http._Refusal) as refused:
        await session._head()
    assert refused.value.status == 408
    assert peer.patience == [15, 20, 11]


async def test_a_failing_handler_costs_one_answer_and_its_words_stay_here(
    http_relay: Any, caplog: pytest.LogCaptureFixture
) -> None:
    name = "secret@relay.example"

    def invite(token: str | None) -> str:
        raise RuntimeError(name)

    http_relay.invite = invite
    with caplog.at_level(logging.DEBUG):
        peer = await talk(http_relay.site(), PAGE, GET)
    (failed, body), (after, _) = answers(bytes(peer.heard), ["GET", "GET"])
    assert (failed.status_code, after.status_code) == (500, 204)
    assert b"secret" not in body
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


async def test_shutting_down_ends_the_connection(site: HttpSite) -> None:
    class Waiting(Peer):
        async def read(self, limit: int = 16384, *, timeout: float | None = None) -> bytes:
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError

    begun = asyncio.Event()
    peer = Waiting()
    task = asyncio.create_task(serve_http(cast("Connection", peer), site))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert peer.closed


async def test_without_tls_only_the_way_to_tls(http_relay: Any) -> None:
    http_relay.challenges["tok"] = "tok.print"
    wire = PAGE + b"GET /.well-known/acme-challenge/tok HTTP/1.1\r\nHost: relay.example\r\n\r\n" + NEW + b"\r\n"
    peer = await talk(http_relay.site(), wire, plain=True)
    (page, _), (proof, body), (new, _) = answers(bytes(peer.heard), ["GET", "GET", "POST"])
    assert (b"location", b"https://relay.example/") in page.headers
    assert (proof.status_code, body) == (200, b"tok.print")
    assert new.status_code == 308
    assert await http_relay.store.accounts.count() == 0


class Echo:
    """Answers with what it was asked."""

    async def __call__(self, request: Request) -> Response:
        return Response(200, repr(request).encode())


WORDS = st.sampled_from(
    [b"GET ", b"POST ", b"/", b" HTTP/1.1", b" HTTP/1.0", b"\r\n", b"\n", b"Host: a\r\n", b"Content-Length: 3\r\n"]
) | st.sampled_from(
    [b"Transfer-Encoding: chunked\r\n", b"\r\n\r\n", b"3\r\nabc\r\n", b"0\r\n\r\n", b"Connection: close\r\n", b":"]
)


@given(st.lists(WORDS | st.binary(max_size=8), max_size=40).map(b"".join), st.integers(1, 64))
def test_whatever_comes_in_is_answered_or_ended(wire: bytes, piece: int) -> None:
    async def run() -> bytes:
        site = cast("HttpSite", _Bare())
        peer = Peer(*(wire[at : at + piece] for at in range(0, len(wire), piece)))
        await http._serve(cast("Connection", peer), site, Echo())
        assert peer.closed
        return bytes(peer.heard)

    heard = asyncio.run(run())
    assert heard == b"" or heard.startswith(b"HTTP/1.1 ")


class _Bare:
    """As much of a site as a session itself needs."""

    limits = Limits()
    head_bytes = 16_384
    request_seconds = 20.0
    quiet_seconds = 15.0
    requests = 100
