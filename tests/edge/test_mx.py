"""Mail from other relays over the network: the real checks over a store in memory, with smtplib and by hand.

What is said is tested in tests/transcripts; here: time, memory, TLS, and how a session ends.
"""

import asyncio
import contextlib
import logging
import smtplib
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from angarium.edge import pace
from angarium.edge.hold import Hold
from angarium.edge.mx import MxSite, serve_mx
from angarium.edge.settings import Limits
from angarium.mail.checks.peers import Peers
from angarium.mail.incoming import Incoming
from angarium.mail.settings import Messages, Retention
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.reach.connect import connect
from angarium.reach.transport import Connection
from angarium.store.seal import Clear
from angarium.store.store import Store, open_memory

HOST = "here.example"
TODAY = 20_000
ALICE, BOB, NOBODY = "alice1234@relay.example", "bob12345@here.example", "nobody12@here.example"
MAIL = (Path(__file__).parents[1] / "mails" / "encrypted" / "as-the-app-sends-it.eml").read_bytes()
HELD = 100_000
BEGIN = f"EHLO x\r\nMAIL FROM:<{ALICE}>\r\nRCPT TO:<{BOB}>\r\nDATA\r\n".encode()


async def signed(domain: str, message: bytes) -> Verdict:
    return ACCEPTED


class Slow(Incoming):
    """Incoming mail whose commit takes as long as the test likes."""

    begun: asyncio.Event
    may_end: asyncio.Event

    async def receive(self, sender: str, recipients: Sequence[str], message: bytes, **how: Any) -> list[Verdict]:
        self.begun.set()
        await self.may_end.wait()
        return [ACCEPTED] * len(recipients)


class Relay:
    """A relay that takes mail from others, on a port of loopback."""

    def __init__(self, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
        self.store: Store = open_memory(Clear(bytes(32)))
        self.client_tls = client_tls
        self.hold = Hold(HELD)
        self.site = MxSite(HOST, Limits(), Messages(), self.incoming(Incoming), self.hold, lambda: server_tls)
        self.sessions: list[asyncio.Task[None]] = []

    def incoming(self, kind: type[Incoming]) -> Any:
        return kind(
            Messages(),
            Retention(),
            self.store.mailboxes,
            self.store.marks,
            Peers([], []),
            signed,
            lambda domain: domain == HOST,
            lambda: TODAY,
        )

    async def serve(self, listening: socket.socket) -> None:
        while True:
            accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
            self.sessions.append(asyncio.create_task(serve_mx(Connection(accepted), self.site)))

    async def over(self) -> None:
        """Wait until all sessions are over, and see that they raised nothing and hold nothing."""
        await asyncio.wait_for(asyncio.gather(*self.sessions), 20)
        assert self.hold.free == HELD


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(HOST, "127.0.0.1", key_type=trustme.KeyType.ECDSA).configure_cert(server)
    authority.configure_trust(client)
    return server, client


@pytest.fixture
async def relay(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> AsyncIterator[Relay]:
    relay = Relay(*contexts)
    await relay.store.accounts.create("bob12345", "a long password", day=TODAY)
    try:
        yield relay
    finally:
        await relay.store.close()


@contextlib.asynccontextmanager
async def listening(relay: Relay) -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        accepting = asyncio.create_task(relay.serve(listener))
        try:
            yield listener.getsockname()[1]
        finally:
            for task in (accepting, *relay.sessions):
                task.cancel()
            await asyncio.wait([accepting, *relay.sessions])


async def heard(connection: Connection, last: bytes) -> bytes:
    """What the relay says, up to a line that begins so."""
    said = b""
    while not any(line.startswith(last) and line.endswith(b"\n") for line in said.splitlines(keepends=True)):
        more = await connection.read(timeout=10)
        assert more, said
        said += more
    return said


async def rest(connection: Connection) -> bytes:
    """Everything up to the end of the connection."""
    said = b""
    while data := await connection.read(timeout=10):
        said += data
    return said


@contextlib.asynccontextmanager
async def talking(relay: Relay, port: int) -> AsyncIterator[Connection]:
    """A connection in TLS, before EHLO."""
    connection = await connect("127.0.0.1", port)
    try:
        await heard(connection, b"220 ")
        await connection.write(b"EHLO x\r\nSTARTTLS\r\n")
        await heard(connection, b"220 2.0.0")
        await connection.start_tls_client(relay.client_tls, HOST, timeout=10)
        yield connection
    finally:
        connection.abort()


async def test_smtplib(relay: Relay) -> None:
    def send(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as smtp:
            with pytest.raises(smtplib.SMTPSenderRefused) as refused:
                smtp.sendmail(ALICE, [BOB], MAIL)
            assert refused.value.smtp_code == 530
            smtp.starttls(context=relay.client_tls)
            assert not smtp.has_extn("auth")
            refusals = smtp.sendmail(ALICE, [BOB, NOBODY], MAIL, ["BODY=8BITMIME", "SMTPUTF8"])
            assert {who: code for who, (code, _) in refusals.items()} == {NOBODY: 550}
            with pytest.raises(smtplib.SMTPDataError, match="domain"):
                smtp.sendmail("alice1234@bank.example", [BOB], MAIL)

    async with listening(relay) as port:
        await asyncio.to_thread(send, port)
        await relay.over()
    assert await relay.store.mailboxes.messages() == 1


async def test_a_thousand_recipients(relay: Relay) -> None:
    async with listening(relay) as port, talking(relay, port) as connection:
        many = b"".join(b"RCPT TO:<bob12345@here.example>\r\n" for _ in range(1001))
        await connection.write(f"EHLO x\r\nMAIL FROM:<{ALICE}>\r\n".encode() + many + b"DATA\r\n")
        said = await heard(connection, b"354 ")
        assert said.count(b"452 4.5.3 Too many recipients") == 1
        await connection.write(MAIL + b".\r\nQUIT\r\n")
        assert (await heard(connection, b"221 ")).startswith(b"250 ")
    assert await relay.store.mailboxes.messages() == 1


async def test_a_sender_who_dawdles(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "GRACE_SECONDS", 0.2)
    monkeypatch.setattr(pace, "OCTETS_PER_SECOND", 1e9)

    async def drip(connection: Connection) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await connection.write(b"x")
                await asyncio.sleep(0.01)

    async with listening(relay) as port, talking(relay, port) as connection:
        await connection.write(BEGIN)
        await heard(connection, b"354 ")
        dripping = asyncio.create_task(drip(connection))
        assert await rest(connection) == b"421 4.4.2 Timeout\r\n"
        dripping.cancel()
        await relay.over()
    assert await relay.store.mailboxes.messages() == 0


async def test_nobody_waits_for_ever_for_starttls(relay: Relay) -> None:
    relay.site = replace(relay.site, limits=Limits(login_seconds=0.1))
    async with listening(relay) as port:
        connection = await connect("127.0.0.1", port)
        assert (await rest(connection)).endswith(b"421 4.4.2 Timeout\r\n")
        connection.abort()
        await relay.over()


async def test_when_the_hold_is_full_one_is_to_come_again(relay: Relay) -> None:
    async with listening(relay) as port, talking(relay, port) as one, talking(relay, port) as other:
        for connection in (one, other):
            await connection.write(BEGIN)
            await heard(connection, b"354 ")
        await one.write(b"x" * (HELD - 1000))
        async with asyncio.timeout(10):
            while relay.hold.free > 1000:
                await asyncio.sleep(0)
        await other.write(b"x" * 1001)
        assert await rest(other) == b"421 4.3.2 Too much mail at once, try again later\r\n"
        await one.write(b"\r\n.\r\nNOOP\r\n")
        assert (await heard(one, b"250 2.0.0 OK")).startswith(b"554 5.6.0")
        one.abort()
        await relay.over()


async def test_who_hangs_up_holds_nothing(relay: Relay) -> None:
    async with listening(relay) as port, talking(relay, port) as connection:
        await connection.write(BEGIN)
        await heard(connection, b"354 ")
        await connection.write(b"x" * 50_000)
        async with asyncio.timeout(10):
            while relay.hold.free > HELD - 50_000:
                await asyncio.sleep(0)
        connection.abort()
        await relay.over()


async def test_an_answer_is_given_when_the_relay_is_stopped(relay: Relay) -> None:
    slow = relay.incoming(Slow)
    slow.begun, slow.may_end = asyncio.Event(), asyncio.Event()
    relay.site = replace(relay.site, incoming=slow)
    async with listening(relay) as port, talking(relay, port) as connection:
        await connection.write(BEGIN)
        await heard(connection, b"354 ")
        await connection.write(MAIL + b".\r\n")
        await asyncio.wait_for(slow.begun.wait(), 10)
        relay.sessions[0].cancel()
        await asyncio.sleep(0)
        slow.may_end.set()
        assert await rest(connection) == b"250 2.0.0 OK\r\n421 4.3.2 The relay is being stopped\r\n"


async def test_nothing_identifying_is_logged(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def fail(*arguments: object, **how: object) -> None:
        raise RuntimeError(str(arguments))

    relay.site.incoming.receive = fail  # type: ignore[method-assign,assignment]
    async with listening(relay) as port, talking(relay, port) as connection:
        await connection.write(BEGIN)
        await heard(connection, b"354 ")
        await connection.write(MAIL + b".\r\nQUIT\r\n")
        assert (await heard(connection, b"221 ")).startswith(b"451 4.3.0")
    assert "RuntimeError" in caplog.text
    assert not any(word in caplog.text for word in ("alice", "bob", "relay.example", "127.0.0.1"))
