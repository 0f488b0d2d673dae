"""What was opened for its headers is there for the whole of it, and nowhere else."""

from typing import TYPE_CHECKING

import pytest

from angarium.edge.imap.opened import BYTES, MANY, Opened
from angarium.edge.imap.session import Session
from tests.edge.imap.conftest import MAIL

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.edge.imap.conftest import Client, Relay

    Device = Callable[..., Awaitable[Client]]

HEADERS = b"(UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"
WHOLE = b"(FLAGS BODY.PEEK[])"


@pytest.fixture
def read(relay: "Relay", monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """UIDs of the messages that the store opened."""
    opened: list[int] = []
    body = relay.store.mailboxes.body

    async def counting(owner, mailbox, uid):  # type: ignore[no-untyped-def]
        opened.append(uid)
        return await body(owner, mailbox, uid)

    monkeypatch.setattr(relay.store.mailboxes, "body", counting)
    return opened


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """Every session that selected something."""
    found: list[Session] = []
    select = Session.select

    def noting(session: Session, selected: object) -> None:
        found.append(session)
        select(session, selected)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "select", noting)
    return found


def held(session: Session) -> list[int]:
    return list(session.selected.opened._messages or {}) if session.has_selected else []


async def test_each_message_is_opened_once(
    relay: "Relay", device: "Device", read: list[int], sessions: list[Session]
) -> None:
    client = await device(b"INBOX")
    await relay.deliver(times=3)
    assert len(await client.ok(b"UID FETCH 1:3 " + HEADERS)) == 4
    assert held(sessions[0]) == read == [1, 2, 3]
    for fetched in await client.ok(b"UID FETCH 1:3 " + WHOLE):
        assert b"BODY[] {%d}\r\n" % len(MAIL) in fetched
        assert fetched.endswith(b")")
    assert read == [1, 2, 3]
    assert held(sessions[0]) == []
    await client.ok(b"UID FETCH 1 " + WHOLE)
    assert read == [1, 2, 3, 1], "what was given whole is not kept"
    assert held(sessions[0]) == []


async def test_it_is_the_same_message(relay: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    await relay.deliver()
    at_once = (await client.ok(b"UID FETCH 1 BODY.PEEK[]"))[-1]
    await client.ok(b"UID FETCH 1 " + HEADERS)
    part = (await client.ok(b"UID FETCH 1 BODY.PEEK[]<5.10>"))[-1]
    assert part.endswith(MAIL[5:15] + b")")
    assert (await client.ok(b"UID FETCH 1 BODY.PEEK[]"))[-1] == at_once


@pytest.mark.parametrize("command", [b"CLOSE", b"UNSELECT", b"SELECT INBOX", b"IDLE"])
async def test_nothing_stays_when_the_session_turns_away(
    relay: "Relay", device: "Device", read: list[int], sessions: list[Session], command: bytes
) -> None:
    client = await device(b"INBOX")
    await relay.deliver(times=2)
    await client.ok(b"UID FETCH 1:2 " + HEADERS)
    assert held(sessions[0]) == [1, 2]
    if command == b"IDLE":
        await client.idle()
        assert held(sessions[0]) == []
        await client.done()
    else:
        await client.ok(command)
        assert held(sessions[0]) == []
        await client.ok(b"SELECT INBOX")
    await client.ok(b"UID FETCH 2 " + WHOLE)
    assert read == [1, 2, 2]


async def test_what_is_expunged_is_forgotten(relay: "Relay", device: "Device", sessions: list[Session]) -> None:
    await device()
    await relay.deliver(times=3)
    client, other = await device(b"INBOX"), await device(b"INBOX")
    await client.ok(b"UID FETCH 1:3 " + HEADERS)
    await client.ok(b"UID STORE 1 +FLAGS (\\Deleted)")
    await client.ok(b"UID EXPUNGE 1")
    assert held(sessions[0]) == [2, 3]
    await other.ok(b"UID STORE 2 +FLAGS (\\Deleted)")
    await other.ok(b"EXPUNGE")
    assert [line for line in await client.ok(b"UID FETCH 2 " + WHOLE) if b"BODY[]" in line] == []
    assert held(sessions[0]) == [3]


def test_it_is_bounded() -> None:
    opened = Opened()
    opened.keep(1, bytes(BYTES + 1))
    opened.keep(2, bytes(BYTES))
    opened.keep(3, b"x")
    assert [opened.take(uid) for uid in (1, 3)] == [None, None]
    assert opened.take(2) == bytes(BYTES)
    assert opened.take(2) is None
    for uid in range(2 * MANY):
        opened.keep(uid, b"x")
        opened.keep(uid, bytes(9))
    assert [opened.take(uid) for uid in (0, MANY - 1, MANY)] == [b"x", b"x", None]
    opened.forget()
    opened.keep(5, bytes(BYTES))
    assert opened.take(5) == bytes(BYTES)


def test_it_takes_next_to_no_room_while_it_is_empty() -> None:
    opened = Opened()
    opened.keep(1, b"x")
    opened.take(1)
    assert opened._messages is None
