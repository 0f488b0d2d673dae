"""`POST /mxdeliv`: the contract with other relays, over TCP, with the real checks over a store in memory.

Python's own HTTP client is the other relay, and where that is too polite, bytes.
"""

import asyncio
import http.client
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from angarium.edge import pace
from angarium.edge.hold import Hold
from angarium.edge.mxdeliv import HEAD_BYTES, PATH, mxdeliv
from angarium.mail.checks.peers import Peers
from angarium.mail.incoming import Incoming
from angarium.mail.settings import Messages, Retention
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.store.interfaces import Owner, StoreFull

MAIL = (Path(__file__).parents[1] / "mails" / "encrypted" / "as-the-app-sends-it.eml").read_bytes()
ALICE, BOB, CAROL, NOBODY = (
    "alice1234@relay.example",
    "bob12345@here.example",
    "carol123@here.example",
    "nobody12@here.example",
)
TODAY = 20_000
HELD = 200_000
MESSAGES = Messages(max_size=65_536)

Answer = tuple[int, str]


class Relay:
    """A relay's door for other relays."""

    def __init__(self, http_relay: Any) -> None:
        self.pages = http_relay
        self.store = http_relay.store
        self.hold = Hold(HELD)
        self.incoming = Incoming(
            MESSAGES,
            Retention(),
            self.store.mailboxes,
            self.store.marks,
            Peers([], ["denied.example"]),
            self.signed,
            lambda domain: domain == "here.example",
            lambda: TODAY,
        )
        self.owners: dict[str, Owner] = {}

    async def signed(self, domain: str, message: bytes) -> Verdict:
        return ACCEPTED if domain != "unsigned.example" else Verdict.reject(554, "5.7.1", "no valid signature")

    def site(self) -> Any:
        inlet = mxdeliv(self.incoming, MESSAGES, self.hold)
        return replace(self.pages.site(), inlets={PATH: inlet}, head_bytes=HEAD_BYTES)

    async def inbox(self, address: str) -> list[bytes | None]:
        owner = self.owners[address]
        snapshot = await self.store.mailboxes.snapshot(owner, "INBOX")
        return [await self.store.mailboxes.body(owner, "INBOX", entry.uid) for entry in snapshot.entries]


@pytest.fixture
async def relay(http_relay: Any) -> AsyncIterator[Relay]:
    relay = Relay(http_relay)
    for address in (BOB, CAROL):
        name = address.partition("@")[0]
        relay.owners[address] = await relay.store.accounts.create(name, "a long password", day=TODAY)
    yield relay
    assert relay.hold.free == HELD


def deliver(
    connection: http.client.HTTPConnection,
    *recipients: str,
    sender: str = ALICE,
    message: bytes = MAIL,
    headers: Sequence[tuple[str, str]] = (),
    chunked: bool = False,
) -> Answer:
    """Bring one message."""
    connection.putrequest("POST", PATH, skip_accept_encoding=True)
    for name, value in (("X-MAIL-FROM", sender), *(("X-MAIL-TO", each) for each in recipients), *headers):
        connection.putheader(name, value.encode())
    if chunked:
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders(iter([message[:7], message[7:]]), encode_chunked=True)
    else:
        connection.putheader("Content-Length", str(len(message)))
        connection.endheaders(message)
    response = connection.getresponse()
    return response.status, response.read().decode()


async def talk(relay: Relay, http_serve: Any, say: Callable[[http.client.HTTPConnection], Any]) -> Any:
    """Let a thread talk over one connection."""

    def talking(port: int) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            return say(connection)
        finally:
            connection.close()

    async with http_serve(relay.site()) as port:
        return await asyncio.to_thread(talking, port)


async def test_accepted_means_delivered_over_one_connection(relay: Relay, http_serve: Any) -> None:
    def say(connection: http.client.HTTPConnection) -> list[Answer]:
        found = [deliver(connection, BOB)]
        used = connection.sock
        found += [deliver(connection, BOB, CAROL), deliver(connection, CAROL, message=b"Received: x\r\n" + MAIL)]
        found += [deliver(connection, "bob12345@here.example", chunked=True)]
        assert connection.sock is used
        return found

    assert await talk(relay, http_serve, say) == [(200, "OK\n")] * 4
    assert await relay.inbox(BOB) == await relay.inbox(CAROL) == [MAIL]


@pytest.mark.parametrize(
    ("recipients", "how", "answer"),
    [
        ([NOBODY], {}, (400, "550 5.1.1 there is no such address at this relay\n")),
        (
            [BOB, NOBODY],
            {},
            (400, f"550 5.1.1 there is no such address at this relay: {NOBODY}\n"),
        ),
        (["x@elsewhere.example"], {}, (400, "550 5.7.1 this relay delivers only to its own people\n")),
        ([BOB], {"sender": "a@denied.example"}, (400, "550 5.7.1 this relay takes no mail from yours\n")),
        ([BOB], {"sender": "a@here.example"}, (400, "550 5.7.1 the sender is one of this relay's own names\n")),
        (
            [BOB],
            {"sender": "a@other.example"},
            (400, "554 5.7.1 the From field and the sender must be of the same domain\n"),
        ),
        (
            [BOB],
            {
                "sender": "a@unsigned.example",
                "message": MAIL.replace(b"alice1234@relay.example", b"a@unsigned.example", 1),
            },
            (400, "554 5.7.1 no valid signature\n"),
        ),
        ([BOB], {"sender": "nobody"}, (400, "501 5.1.7 the sender is no address\n")),
        ([BOB], {"sender": ""}, (400, "550 5.7.1 only reports of failed deliveries come without a sender\n")),
        ([BOB], {"sender": "<>"}, (400, "550 5.7.1 only reports of failed deliveries come without a sender\n")),
        (
            [BOB, CAROL],
            {"message": b"From: a@relay.example\r\n\r\nin clear\r\n"},
            (400, "523 5.7.1 Encryption Needed: Invalid Unencrypted Mail\n"),
        ),
        ([BOB], {"message": b"From: a@relay.example\n\nbare\n"}, (400, "554 5.6.0 the message is malformed\n")),
        ([BOB], {"message": b""}, (400, "554 5.6.0 the message is malformed\n")),
        ([], {}, (400, "There is no X-MAIL-TO.\n")),
        (["x@[", BOB], {}, (400, "501 5.1.3 this is no address: x@[\n")),
        ([BOB] * 1001, {}, (400, "552 5.5.3 there are more than 1000 recipients\n")),
    ],
)
async def test_a_refusal_says_why_and_nobody_gets_it(
    relay: Relay, http_serve: Any, recipients: list[str], how: dict[str, Any], answer: Answer
) -> None:
    assert await talk(relay, http_serve, lambda connection: deliver(connection, *recipients, **how)) == answer
    assert await relay.store.mailboxes.messages() == 0


async def test_each_recipient_has_a_verdict_where_that_is_asked_for(relay: Relay, http_serve: Any) -> None:
    def say(connection: http.client.HTTPConnection) -> tuple[int, str | None, str]:
        each = [("X-MAIL-VERDICTS", "each")]
        connection.putrequest("POST", PATH)
        for name, value in (("X-MAIL-FROM", ALICE), *(("X-MAIL-TO", to) for to in (BOB, NOBODY, CAROL)), *each):
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(MAIL)))
        connection.endheaders(MAIL)
        response = connection.getresponse()
        return response.status, response.getheader("X-MAIL-VERDICTS"), response.read().decode()

    lines = "250 2.0.0 OK\n550 5.1.1 there is no such address at this relay\n250 2.0.0 OK\n"
    assert await talk(relay, http_serve, say) == (200, "each", lines)
    assert await relay.inbox(BOB) == await relay.inbox(CAROL) == [MAIL]


async def test_a_thousand_recipients(relay: Relay, http_serve: Any) -> None:
    assert await talk(relay, http_serve, lambda connection: deliver(connection, *[BOB] * 999, CAROL)) == (200, "OK\n")
    assert await relay.inbox(BOB) == await relay.inbox(CAROL) == [MAIL]


async def test_a_list_of_recipients_without_end(relay: Relay, http_serve: Any) -> None:
    async with http_serve(relay.site()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /mxdeliv HTTP/1.1\r\nHost: x\r\n" + b"X-MAIL-TO: bob12345@here.example\r\n" * 5000)
        assert (await asyncio.wait_for(reader.readline(), 10)).startswith(b"HTTP/1.1 431 ")
        writer.close()


async def test_an_address_in_another_script(relay: Relay, http_serve: Any) -> None:
    def say(connection: http.client.HTTPConnection) -> list[Answer]:
        return [deliver(connection, "иван@here.example", sender="анна@relay.example")]

    assert await talk(relay, http_serve, say) == [(400, "550 5.1.1 there is no such address at this relay\n")]


async def test_other_methods(relay: Relay, http_serve: Any) -> None:
    def say(connection: http.client.HTTPConnection) -> list[tuple[int, str | None]]:
        found = []
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            connection.request(method, PATH)
            response = connection.getresponse()
            response.read()
            found.append((response.status, response.getheader("Allow")))
        return found

    assert await talk(relay, http_serve, say) == [(405, "POST")] * 4


@pytest.mark.parametrize("chunked", [True, False])
async def test_too_large(relay: Relay, http_serve: Any, *, chunked: bool) -> None:
    largest = MAIL + b"\r\n" * ((MESSAGES.max_size - len(MAIL)) // 2)

    def say(connection: http.client.HTTPConnection) -> list[int]:
        fits = deliver(connection, BOB, message=largest, chunked=chunked)
        return [fits[0], deliver(connection, BOB, message=largest + b"\r\n\r\n", chunked=chunked)[0]]

    assert await talk(relay, http_serve, say) == [200, 413]
    assert len(await relay.inbox(BOB)) == 1


async def test_the_limit_of_other_pages_stays(relay: Relay, http_serve: Any) -> None:
    def say(connection: http.client.HTTPConnection) -> int:
        connection.request("POST", "/delete", b"x" * 65_537)
        return connection.getresponse().status

    assert await talk(relay, http_serve, say) == 413


async def test_not_now(relay: Relay, http_serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*arguments: object, **how: object) -> None:
        raise StoreFull

    monkeypatch.setattr(relay.store.marks, "deliver", full)
    answer = await talk(relay, http_serve, lambda connection: deliver(connection, BOB))
    assert answer == (503, "452 4.3.1 the relay has no room now, try again later\n")


async def test_when_the_hold_is_full_one_is_to_come_again(relay: Relay, http_serve: Any) -> None:
    assert relay.hold.take(HELD - 1000)
    assert (await talk(relay, http_serve, lambda connection: deliver(connection, BOB)))[0] == 503
    relay.hold.give(HELD - 1000)
    assert (await talk(relay, http_serve, lambda connection: deliver(connection, BOB)))[0] == 200


async def test_a_sender_who_dawdles(relay: Relay, http_serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "GRACE_SECONDS", 0.2)
    monkeypatch.setattr(pace, "OCTETS_PER_SECOND", 1e9)
    async with http_serve(relay.site()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST /mxdeliv HTTP/1.1\r\nHost: x\r\nX-MAIL-TO: {BOB}\r\nContent-Length: 60000\r\n\r\n"
        writer.write(head.encode())
        answer = asyncio.create_task(reader.readline())
        while not answer.done():
            writer.write(b"x")
            await asyncio.wait([answer], timeout=0.01)
        assert answer.result().startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_who_hangs_up_holds_nothing(relay: Relay, http_serve: Any) -> None:
    async with http_serve(relay.site()) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST /mxdeliv HTTP/1.1\r\nHost: x\r\nX-MAIL-TO: {BOB}\r\nContent-Length: 60000\r\n\r\n"
        writer.write(head.encode() + b"x" * 50_000)
        async with asyncio.timeout(10):
            while relay.hold.free > HELD - 50_000:
                await asyncio.sleep(0)
        writer.transport.abort()
        async with asyncio.timeout(10):
            while relay.hold.free < HELD:
                await asyncio.sleep(0)


async def test_lengths_in_two_ways_are_refused(relay: Relay, http_serve: Any) -> None:
    async with http_serve(relay.site()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /mxdeliv HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        )
        assert (await asyncio.wait_for(reader.readline(), 10)).startswith(b"HTTP/1.1 400 ")
        writer.close()


async def test_without_federation_there_is_no_such_page(http_relay: Any, http_serve: Any) -> None:
    def ask(port: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        return deliver(connection, BOB)[0]

    async with http_serve(http_relay.site()) as port:
        assert await asyncio.to_thread(ask, port) == 404


async def test_over_tls(relay: Relay, http_serve: Any) -> None:
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA).configure_cert(server)
    authority.configure_trust(client)

    def ask(port: int) -> Answer:
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=client, timeout=20)
        return deliver(connection, BOB)

    async with http_serve(relay.site(), server) as port:
        assert await asyncio.to_thread(ask, port) == (200, "OK\n")
    assert await relay.inbox(BOB) == [MAIL]
