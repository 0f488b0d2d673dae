"""Submission over the network: the real gate and delivery over a store in memory, with smtplib and with our own client.

What is said is tested in tests/transcripts; here: time, TLS, size, failures, and how a session ends.
"""

import asyncio
import contextlib
import logging
import smtplib
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
import trustme

from angarium.edge.settings import Limits
from angarium.edge.smtp import SmtpSite, serve_smtp
from angarium.mail import settings
from angarium.mail.accounts import Gate
from angarium.mail.delivery import Delivery
from angarium.mail.notices import Notices
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.reach.connect import connect
from angarium.reach.transport import Connection
from angarium.store.interfaces import Owner, StoreFull
from angarium.store.seal import Clear
from angarium.store.store import Store, open_memory
from angarium.wire.smtp.client import Client, Done, Greeting, Hello, Login, Request, Submit

HOST = "relay.example"
TODAY = 20_000
ALICE, BOB = "alice1234@relay.example", "bob12345@relay.example"
PASSWORD = "correct horse"
MAIL = (Path(__file__).parents[1] / "mails" / "encrypted" / "as-the-app-sends-it.eml").read_bytes()


async def no_wait(seconds: float) -> None:
    """Failed logins cost nothing here."""


def is_local(domain: str) -> bool:
    return domain == HOST


class Slow(Delivery):
    """A delivery whose commit takes as long as the test likes."""

    begun: asyncio.Event
    may_end: asyncio.Event

    async def submit(self, owner: Owner, sender: str, recipients: Sequence[str], message: bytes) -> Verdict:
        self.begun.set()
        await self.may_end.wait()
        return ACCEPTED


class Keeping(Delivery):
    """A delivery that keeps what it was given."""

    kept: ClassVar[list[bytes]] = []

    async def submit(self, owner: Owner, sender: str, recipients: Sequence[str], message: bytes) -> Verdict:
        self.kept.append(message)
        return ACCEPTED


class Broken(Delivery):
    """A delivery with a bug in it, that would like to tell a secret."""

    async def submit(self, owner: Owner, sender: str, recipients: Sequence[str], message: bytes) -> Verdict:
        raise LookupError(f"secret {sender}")


class Relay:
    """A relay that takes submissions, on a port of loopback."""

    def __init__(self, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
        self.store: Store = open_memory(Clear(bytes(32)))
        self.server_tls = server_tls
        self.client_tls = client_tls
        gate = Gate(
            settings.Accounts(name_min_length=5),
            self.store.accounts,
            self.store.invitations,
            local=is_local,
            today=lambda: TODAY,
            sleep=no_wait,
        )
        delivery, changes = self.delivery(Delivery), self.store.changes
        self.site = SmtpSite(HOST, Limits(), settings.Messages(), gate, delivery, lambda: server_tls, changes)
        self.sessions: list[asyncio.Task[None]] = []
        self.port = 0

    def delivery(self, kind: type[Delivery]) -> Delivery:
        return kind(
            settings.Messages(rate_burst=1000),
            settings.Retention(),
            self.store.mailboxes,
            is_local,
            Notices(lambda: HOST, lambda: TODAY),
            lambda: TODAY,
            lambda: 0.0,
        )

    def slow(self) -> Slow:
        slow = self.delivery(Slow)
        assert isinstance(slow, Slow)
        slow.begun, slow.may_end = asyncio.Event(), asyncio.Event()
        self.site = replace(self.site, delivery=slow)
        return slow

    async def arrived(self, address: str) -> list[bytes]:
        owner = await self.store.accounts.login(address.partition("@")[0], PASSWORD, day=TODAY)
        found = await self.store.mailboxes.snapshot(owner, "INBOX")
        bodies = [await self.store.mailboxes.body(owner, "INBOX", entry.uid) for entry in found.entries]
        return [body for body in bodies if body is not None]

    async def serve(self, listening: socket.socket, *, tls: bool) -> None:
        while True:
            accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
            self.sessions.append(asyncio.create_task(self.session(Connection(accepted), tls=tls)))

    async def session(self, connection: Connection, *, tls: bool) -> None:
        if tls:
            await connection.start_tls(self.server_tls, timeout=10)
        await serve_smtp(connection, self.site)

    async def over(self) -> None:
        """Wait until all sessions are over, and see that they raised nothing."""
        await asyncio.wait_for(asyncio.gather(*self.sessions), 20)


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
    for address in (ALICE, BOB):
        await relay.store.accounts.create(address.partition("@")[0], PASSWORD, day=TODAY)
    try:
        yield relay
    finally:
        await relay.store.close()


@contextlib.asynccontextmanager
async def listening(relay: Relay, *, tls: bool = True) -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        accepting = asyncio.create_task(relay.serve(listener, tls=tls))
        try:
            yield listener.getsockname()[1]
        finally:
            for task in (accepting, *relay.sessions):
                task.cancel()
            await asyncio.wait([accepting, *relay.sessions])


class Talk:
    """Our own client over the network."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.client = Client()

    async def hear(self) -> Greeting | Done:
        while True:
            data = await self.connection.read(timeout=10)
            assert data, "the relay hung up"
            for event in self.client.receive(data):
                return event

    async def ask(self, request: Request) -> Done:
        self.client.request(request)
        while True:
            await self.connection.write(self.client.to_send(), timeout=10)
            data = await self.connection.read(timeout=10)
            assert data, "the relay hung up"
            for event in self.client.receive(data):
                assert isinstance(event, Done)
                return event

    async def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        said = b""
        while data := await self.connection.read(timeout=10):
            said += data
        await self.connection.close()
        return said


@contextlib.asynccontextmanager
async def talking(relay: Relay, *, login: bool = True) -> AsyncIterator[Talk]:
    async with listening(relay) as port:
        talk = Talk(await connect("127.0.0.1", port, relay.client_tls, server_name=HOST))
        await talk.hear()
        if login:
            await talk.ask(Hello())
            assert (await talk.ask(Login(ALICE, PASSWORD))).reply.accepted
        try:
            yield talk
        finally:
            talk.connection.abort()


def mail(sender: str) -> bytes:
    """A mail as the app sends it, from somebody else."""
    before, _, rest = MAIL.partition(b"From: ")
    return before + f"From: <{sender}>\r\n".encode() + rest.partition(b"\r\n")[2]


async def test_smtplib_over_tls(relay: Relay) -> None:
    def send(port: int) -> None:
        with smtplib.SMTP_SSL("127.0.0.1", port, context=relay.client_tls, timeout=10) as smtp:
            smtp.login(ALICE, PASSWORD)
            assert smtp.has_extn("pipelining")
            assert smtp.sendmail(ALICE, [BOB, ALICE], mail(ALICE)) == {}
            assert smtp.sendmail(ALICE, [BOB], mail(ALICE), ["BODY=8BITMIME", "SMTPUTF8"]) == {}

    async with listening(relay) as port:
        await asyncio.to_thread(send, port)
        await relay.over()
    assert len(await relay.arrived(BOB)) == 2
    assert len(await relay.arrived(ALICE)) == 1


async def test_smtplib_with_starttls(relay: Relay) -> None:
    def send(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as smtp:
            with pytest.raises(smtplib.SMTPNotSupportedError):
                smtp.login(ALICE, PASSWORD)
            smtp.starttls(context=relay.client_tls)
            smtp.login(ALICE, PASSWORD)
            assert smtp.sendmail(ALICE, [BOB], mail(ALICE)) == {}

    async with listening(relay, tls=False) as port:
        await asyncio.to_thread(send, port)
        await relay.over()
    assert len(await relay.arrived(BOB)) == 1


async def test_a_session_ends_between_two_messages_when_it_has_carried_enough(relay: Relay) -> None:
    relay.site = replace(relay.site, breath=8192)
    async with talking(relay) as talk:
        sent = 0
        while True:
            try:
                assert (await talk.ask(Submit(ALICE, (BOB,), mail(ALICE)))).reply.accepted
            except (AssertionError, ConnectionError):
                break
            sent += 1
    assert len(await relay.arrived(BOB)) == sent, "each was answered before the end"
    assert sent > 20


async def test_what_the_relay_refuses(relay: Relay) -> None:
    async with talking(relay, login=False) as talk:
        await talk.ask(Hello())
        refused = (await talk.ask(Login(ALICE, "wrong password"))).reply
        assert refused.code == 535
        assert "authentication" in refused.text
        await talk.ask(Login(ALICE, PASSWORD))
        assert (await talk.ask(Submit(BOB, (ALICE,), mail(BOB)))).reply.code == 553
        unencrypted = (await talk.ask(Submit(ALICE, (BOB,), b"Subject: hello\r\n\r\nin clear\r\n"))).reply
        assert (unencrypted.code, "Invalid Unencrypted Mail" in unencrypted.text) == (523, True)
        assert (await talk.ask(Submit(ALICE, (BOB,), mail(BOB)))).reply.code == 554
        assert (await talk.ask(Submit(ALICE, (BOB,), mail(ALICE)))).reply.code == 250


async def test_a_store_that_fails_is_not_a_wrong_password(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: object, **__: object) -> None:
        raise StoreFull("the disk is full")

    monkeypatch.setattr(relay.store.accounts, "create", full)
    async with talking(relay, login=False) as talk:
        await talk.ask(Hello())
        later = (await talk.ask(Login("newcomer1@relay.example", PASSWORD))).reply
        assert (later.code, later.enhanced, "authentication" in later.text) == (454, "4.7.0", False)


async def test_the_first_login_makes_the_account(relay: Relay) -> None:
    async with talking(relay, login=False) as talk:
        await talk.ask(Hello())
        assert (await talk.ask(Login("newcomer1@relay.example", "a new password"))).reply.code == 235


async def test_a_thousand_recipients(relay: Relay) -> None:
    people = tuple(f"nobody{number:04}@relay.example" for number in range(999))
    async with talking(relay) as talk:
        done = await talk.ask(Submit(ALICE, (*people, BOB), mail(ALICE)))
        assert done.reply.accepted
        assert [reply.code for reply in done.recipients] == [250] * 1000
    assert len(await relay.arrived(BOB)) == 1


async def test_a_message_of_20_mb(relay: Relay) -> None:
    message = mail(ALICE) + b"x" * 76 + b"\r\n"
    message += (b"y" * 76 + b"\r\n") * (20_000_000 // 78)
    async with talking(relay) as talk:
        reply = (await talk.ask(Submit(ALICE, (BOB,), message))).reply
        assert reply.code == 523  # read whole and judged: there are words behind the encrypted part
        assert (await talk.ask(Submit(ALICE, (BOB,), mail(ALICE)))).reply.accepted


async def test_a_message_does_not_stay_in_an_idle_session(relay: Relay) -> None:
    keeping = relay.delivery(Keeping)
    assert isinstance(keeping, Keeping)
    relay.site = replace(relay.site, delivery=keeping)
    async with talking(relay) as talk:
        assert (await talk.ask(Submit(ALICE, (BOB,), mail(ALICE)))).reply.accepted
        assert (await talk.ask(Hello())).reply.accepted
        (message,) = keeping.kept
        keeping.kept.clear()
        assert sys.getrefcount(message) == 2  # the name here, and the argument


async def test_a_duress_password_cuts_off_who_is_logged_in(relay: Relay) -> None:
    await relay.store.accounts.set_duress(ALICE.partition("@")[0], PASSWORD, "give me that", day=TODAY)
    async with talking(relay) as before, talking(relay, login=False) as forced:
        await forced.ask(Hello())
        assert (await forced.ask(Login(ALICE, "give me that"))).reply.text == "Authentication succeeded"
        with contextlib.suppress(ConnectionError):  # a reset may look like either
            assert await before.connection.read(timeout=10) == b""
        assert (await forced.ask(Submit(ALICE, (BOB,), mail(ALICE)))).reply.accepted
    assert len(await relay.arrived(BOB)) == 1


async def test_a_login_that_is_overtaken_by_a_deletion_is_no_login(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = relay.store.accounts.login

    async def overtaken(name: str, password: str, *, day: int) -> Owner:
        owner = await login(name, password, day=day)
        await relay.store.accounts.delete(owner)
        return owner

    monkeypatch.setattr(relay.store.accounts, "login", overtaken)
    async with talking(relay, login=False) as talk:
        await talk.ask(Hello())
        assert (await talk.ask(Login(ALICE, PASSWORD))).reply.code == 454
        assert (await talk.ask(Submit(ALICE, (BOB,), mail(ALICE)))).reply.code == 530


async def test_a_silent_stranger_is_sent_away(relay: Relay) -> None:
    relay.site = replace(relay.site, limits=Limits(login_seconds=0.05))
    async with talking(relay, login=False) as talk:
        assert await talk.rest() == b"421 4.4.2 Timeout\r\n"
        await relay.over()


async def test_a_stranger_who_talks_and_talks_is_sent_away_too(relay: Relay) -> None:
    relay.site = replace(relay.site, limits=Limits(login_seconds=0.2))
    async with talking(relay, login=False) as talk:
        said = b""
        with contextlib.suppress(ConnectionError):
            while b"421" not in said:
                await talk.connection.write(b"NOOP\r\n", timeout=10)
                said = await talk.connection.read(timeout=10)
        assert b"421 4.4.2 Timeout" in said
        talk.connection.abort()
        await relay.over()


async def test_a_silent_client_is_sent_away_in_the_middle_of_a_message(relay: Relay) -> None:
    relay.site = replace(relay.site, limits=Limits(command_seconds=0.5))
    async with talking(relay) as talk:
        await talk.connection.write(f"MAIL FROM:<{ALICE}>\r\nRCPT TO:<{BOB}>\r\nDATA\r\nhalf a".encode())
        assert (await talk.rest()).endswith(b"\r\n421 4.4.2 Timeout\r\n")
    assert await relay.arrived(BOB) == []


@pytest.mark.parametrize("said", [b"", b"EHLO", b"QUIT\r\n", b"AUTH PLAIN\r\n", b"\r\n" * 1000])
async def test_a_client_that_vanishes(relay: Relay, said: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with talking(relay, login=False) as talk:
        await talk.connection.write(said)
        talk.connection.abort()
        await relay.over()
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


async def test_a_client_that_takes_nothing(relay: Relay) -> None:
    relay.site = replace(relay.site, limits=Limits(write_seconds=0.1))
    async with talking(relay) as talk:
        with contextlib.suppress(ConnectionError, TimeoutError):
            while not relay.sessions[0].done():
                await talk.connection.write(b"HELP\r\n" * 2000, timeout=1)
        await relay.over()


async def test_a_stopped_relay_says_goodbye(relay: Relay) -> None:
    async with talking(relay) as talk:
        relay.sessions[0].cancel()
        assert await talk.rest() == b"421 4.3.2 The relay is being stopped\r\n"
        await asyncio.wait(relay.sessions)
        assert relay.sessions[0].cancelled()


async def test_a_relay_stopped_in_a_commit_says_how_it_ended(relay: Relay) -> None:
    slow = relay.slow()
    async with talking(relay) as talk:
        sending = asyncio.create_task(talk.ask(Submit(ALICE, (BOB,), mail(ALICE))))
        await slow.begun.wait()
        relay.sessions[0].cancel()
        slow.may_end.set()
        assert (await sending).reply.code == 250
        assert talk.client.state.name == "CLOSED"
        await asyncio.wait(relay.sessions)
        assert relay.sessions[0].cancelled()


async def test_a_relay_stopped_in_a_commit_that_does_not_end(relay: Relay) -> None:
    slow = relay.slow()
    async with talking(relay) as talk:
        sending = asyncio.create_task(talk.ask(Submit(ALICE, (BOB,), mail(ALICE))))
        await slow.begun.wait()
        relay.sessions[0].cancel()
        assert (await sending).reply.code == 421
        await asyncio.wait(relay.sessions)


async def test_a_fault_of_ours_is_the_clients_to_try_again_and_tells_nothing(
    relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    relay.site = replace(relay.site, delivery=relay.delivery(Broken))
    async with talking(relay) as talk:
        reply = (await talk.ask(Submit(ALICE, (BOB,), mail(ALICE)))).reply
        assert (reply.code, reply.enhanced) == (451, "4.3.0")
        assert (await talk.ask(Hello())).reply.accepted
    (record,) = [record for record in caplog.records if record.name == "angarium.edge.smtp"]
    assert "LookupError at Broken.submit" in record.getMessage()
    assert "alice" not in caplog.text
    assert "secret" not in caplog.text


async def test_nothing_said_before_login_names_a_chatmail_relay(relay: Relay) -> None:
    async with listening(relay) as port:
        connection = await connect("127.0.0.1", port, relay.client_tls, server_name=HOST)
        said = b""
        for command in (b"", b"EHLO x\r\n", b"HELP\r\n", b"VRFY x\r\n", b"AUTH X\r\n", b"STARTTLS\r\n", b"FROB\r\n"):
            if command:
                await connection.write(command)
            said += await connection.read(timeout=10)
        connection.abort()
    assert said.startswith(b"220 relay.example ESMTP ready\r\n")
    for word in (b"chat", b"delta", b"angarium", b"python"):
        assert word not in said.lower()
