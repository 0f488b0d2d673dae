"""IDLE and what may happen meanwhile: mail, other devices, silence, the end of the account or of the relay."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from angarium.edge.imap import session as imap_session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from angarium.store.interfaces import Owner
    from tests.edge.imap.conftest import Client, Relay

    Device = Callable[..., Awaitable[Client]]


async def test_mail_wakes_every_device(relay: "Relay", device: "Device") -> None:
    devices = [await device(b"INBOX") for _ in range(3)]
    for client in devices:
        await client.idle()
    await relay.deliver()
    assert [await client.line() for client in devices] == [b"* 1 EXISTS"] * 3
    for client in devices:
        assert await client.done() == []


async def test_a_message_that_another_device_destroys(relay: "Relay", device: "Device") -> None:
    await device()
    await relay.deliver(times=2)
    idling, other = await device(b"INBOX"), await device(b"INBOX")
    await idling.idle()
    await other.ok(b"UID STORE 1 +FLAGS (\\Deleted)")
    assert await idling.line() == b"* 1 FETCH (UID 1 FLAGS (\\Deleted))"
    await other.ok(b"CLOSE")
    assert await idling.line() == b"* 1 EXPUNGE"
    assert await idling.done() == []


async def test_more_news_than_the_store_keeps(relay: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    await relay.deliver(times=1100)
    await client.idle()
    assert await client.line() == b"* 1100 EXISTS"
    assert await client.done() == []


async def test_an_idling_client_hears_that_the_connection_lives(relay: "Relay", device: "Device") -> None:
    relay.keepalive_seconds = 0.01
    client = await device(b"INBOX")
    await client.idle()
    assert [await client.line() for _ in range(3)] == [b"* OK Still here"] * 3
    await relay.deliver()
    await client.until(b"* 1 EXISTS")
    assert set(await client.done()) <= {b"* OK Still here"}


async def test_idle_without_a_mailbox(relay: "Relay", device: "Device") -> None:
    relay.keepalive_seconds = 0.01
    client = await device()
    await client.idle()
    assert await client.line() == b"* OK Still here"
    assert set(await client.done()) <= {b"* OK Still here"}


async def test_something_else_than_done(device: "Device") -> None:
    client = await device(b"INBOX")
    await client.idle()
    await client.say(b"a NOOP\r\n")
    assert await client.line() == b"i BAD Expected DONE"
    assert await client.ok(b"NOOP") == []


async def test_a_destroyed_account_ends_its_sessions(relay: "Relay", device: "Device") -> None:
    idling, waiting = await device(b"INBOX"), await device(b"INBOX")
    await idling.idle()
    await relay.store.accounts.delete(await relay.owner())
    assert await idling.ended() == b"* BYE This mailbox is no more\r\n"
    await waiting.say(b"a NOOP\r\n")
    assert await waiting.ended() == b"* BYE This mailbox is no more\r\n"
    await relay.quiet()
    assert relay.listeners() == 0


async def test_a_duress_password_cuts_every_session_but_its_own(
    relay: "Relay", device: "Device", greeted: "Device", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap_session, "FAREWELL_SECONDS", 0.2)
    idling, waiting, inside = await device(b"INBOX"), await device(b"INBOX"), await device()
    await relay.deliver()
    await relay.store.accounts.set_duress("alice1234", "correct horse battery", "give me that", day=20_000)
    await idling.idle()
    forced = await greeted()
    assert await forced.ok(b'LOGIN "alice1234@relay.example" "give me that"') == []
    assert (await idling.ended()).endswith(b"* BYE This mailbox is no more\r\n")
    for silent in (waiting, inside):
        with suppress(ConnectionError):  # a reset may look like either
            assert await silent.ended() == b""
    await relay.deliver()
    selected = await forced.ok(b"SELECT INBOX")
    assert b"1 EXISTS" in selected
    assert await forced.ok(b"NOOP") == []
    again = await greeted()
    refused = await again.refused(b'LOGIN "alice1234@relay.example" "correct horse battery"')
    assert refused.startswith(b"NO [AUTHENTICATIONFAILED]")


async def test_a_login_that_is_overtaken_by_a_deletion_is_no_login(
    relay: "Relay", greeted: "Device", monkeypatch: pytest.MonkeyPatch
) -> None:
    await relay.store.accounts.create("alice1234", "correct horse battery", day=20_000)
    login = relay.store.accounts.login

    async def overtaken(name: str, password: str, *, day: int) -> "Owner":
        owner = await login(name, password, day=day)
        await relay.store.accounts.delete(owner)
        return owner

    monkeypatch.setattr(relay.store.accounts, "login", overtaken)
    late = await greeted()
    await late.say(b'a LOGIN "alice1234@relay.example" "correct horse battery"\r\n')
    assert await late.ended() == b"* BYE This mailbox is no more\r\n"


async def test_the_relay_says_goodbye_when_it_stops(relay: "Relay", device: "Device") -> None:
    idling, waiting = await device(b"INBOX"), await device(b"INBOX")
    await idling.idle()
    for session in tuple(relay.sessions):
        session.cancel()
    assert await idling.ended() == b"* BYE The relay is stopping\r\n"
    assert await waiting.ended() == b"* BYE The relay is stopping\r\n"
    await relay.quiet()


async def test_a_client_that_vanishes_leaves_nothing_behind(relay: "Relay", device: "Device") -> None:
    before = len(asyncio.all_tasks())
    for _ in range(5):
        client = await device(b"INBOX")
        await client.idle()
        client.connection.abort()
    for _ in range(5):
        client = await device(b"INBOX")
        await client.say(b"a APPEND INBOX {100}\r\n")
        assert await client.line() == b"+ OK"
        client.connection.abort()
    await relay.quiet()
    assert relay.listeners() == 0
    assert len(asyncio.all_tasks()) == before
