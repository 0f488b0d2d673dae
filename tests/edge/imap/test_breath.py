"""Short breath: a connection ends before it has carried too much, where nothing is lost and nothing comes twice."""

import time
import zlib
from typing import TYPE_CHECKING

import pytest

from angarium.edge.imap import breath
from angarium.edge.imap.breath import Breath
from angarium.wire.imap.entry import Entry
from tests.edge.imap.conftest import MAIL, NAME, Client

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.edge.imap.conftest import Relay

    Device = Callable[..., Awaitable[Client]]

SIZE = 12_288
PREFETCH = b"UID FETCH %d:%d (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE FROM CONTENT-TYPE)])"
NEW = b"UID FETCH %d:%d (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE FROM CHAT-VERSION)])"
"""What the app asks about all that is new, as far as it matters here."""
BODIES = b"UID FETCH %s (FLAGS BODY.PEEK[])"


@pytest.fixture
def short(relay: "Relay") -> "Relay":
    relay.breath = Breath(SIZE)
    return relay


async def fetched(client: Client, uids: bytes) -> list[int]:
    """The UIDs of the bodies that came, until the command or the connection ended."""
    await client.say(b"f " + BODIES % uids + b"\r\n")
    found: list[int] = []
    try:
        while not (line := await client.line()).startswith((b"f ", b"* BYE")):
            found.append(int(line.split(b"UID ")[1].split()[0]))
    except (EOFError, ConnectionError):
        pass
    return found


async def test_a_connection_ends_at_the_word_after_a_message(short: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    rounds = 0
    while True:
        rounds += 1
        await short.deliver()
        await client.ok(b"NOOP")
        assert await fetched(client, b"%d" % rounds) == [rounds]
        await client.say(b"s UID STORE %d +FLAGS (\\Deleted)\r\n" % rounds)
        if (line := await client.line()).startswith(b"* BYE"):
            break
        await client.until(b"s OK") if not line.startswith(b"s OK") else None
    assert 2 <= rounds < SIZE // len(MAIL) + 1
    assert await client.ended() == b""
    again = await device(b"INBOX")
    assert len(await again.ok(b"UID SEARCH DELETED")) == 1, "what was not run is not done"
    assert (await again.ok(b"UID SEARCH UNDELETED"))[0] == b"SEARCH %d" % rounds


async def test_an_answer_is_cut_between_two_messages(
    short: "Relay", device: "Device", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("angarium.edge.imap.serve.DRAIN_SECONDS", 0.05)
    await device()
    await short.deliver(times=20)
    got: list[int] = []
    rounds = 0
    while len(got) < 20:
        client = await device(b"INBOX")
        await client.ok(PREFETCH % (len(got) + 1, len(got) + 500))
        came = await fetched(client, b"%d:20" % (len(got) + 1))
        assert came, "each connection carries something"
        got += came
        rounds += 1
    assert got == [*range(1, 21)]
    assert rounds > 4


async def test_an_idling_client_hears_of_nothing_that_does_not_fit(short: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    await short.deliver()
    await client.ok(b"NOOP")
    assert await fetched(client, b"1") == [1]
    await client.idle()
    await short.deliver(MAIL + b"x" * SIZE)
    assert (await client.ended()).startswith(b"* BYE")


async def test_a_client_that_idles_for_long_is_let_go_before_its_breath_is_spent(
    short: "Relay", device: "Device"
) -> None:
    short.keepalive_seconds = 0.001
    client = await device(b"INBOX")
    await client.idle()
    heard = await client.ended()
    assert heard.endswith(b"* BYE Connect again\r\n")
    assert SIZE / 2 < len(heard) // len(b"* OK Still here\r\n") * 91 < SIZE


async def test_a_client_is_shown_no_more_than_it_can_ask_about(
    short: "Relay", device: "Device", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("angarium.edge.imap.serve.DRAIN_SECONDS", 0.05)
    assert short.breath is not None
    many = short.breath.rows
    await device()
    await short.deliver(times=2 * many + 1)
    client = await device(b"INBOX")
    await client.say(b"p " + PREFETCH % (1, 500) + b"\r\n")
    assert (await client.ended()).startswith(b"* BYE")
    first = 1
    seen: list[int] = []
    while len(seen) < 2 * many + 1:
        client = await device()
        selected = await client.ok(b"SELECT INBOX")
        uidnext = next(int(line.split()[2].rstrip(b"]")) for line in selected if b"UIDNEXT" in line)
        assert first <= uidnext <= first + many
        if uidnext == first:  # nothing new for who keeps what was fetched: the rest arrives in IDLE
            await client.idle()
            assert (await client.line()).endswith(b" EXISTS")
            await client.done()
        rows = await client.ok(PREFETCH % (first, first + 499))
        assert 0 < len(rows) <= many
        seen += [int(row.split(b"UID ")[1].split()[0]) for row in rows]
        assert uidnext in (first, seen[-1] + 1), "what it is not shown lies behind the UIDNEXT that it is told"
        first = seen[-1] + 1
    assert seen == [*range(1, 2 * many + 2)]


async def test_what_does_not_pass_is_withheld_and_comes_anew_by_a_wide_door(
    short: "Relay", device: "Device", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breath, "STALL_SECONDS", 0.0)
    large = MAIL + b"y" * (2 * SIZE)
    await device()
    await short.deliver(large)
    await short.deliver()
    client = await device(b"INBOX")
    await client.say(b"f " + BODIES % b"1" + b"\r\n")
    client.connection.abort()
    await short.quiet_but(1)
    client = await device(b"INBOX")
    first, second = await client.ok(BODIES % b"1:2")
    assert first == b"1 FETCH (UID 1 FLAGS ($Withheld) BODY[] NIL)"
    assert second.startswith(b"2 FETCH (UID 2 FLAGS () BODY[] {"), "it bars the way to nothing"
    short.breath = None
    wide = await device(b"INBOX")
    assert await wide.ok(b"UID SEARCH ALL") == [b"SEARCH 2 3"]
    assert await fetched(wide, b"3") == [3]
    assert await wide.ok(b"UID SEARCH KEYWORD $Withheld") == [b"SEARCH"]


async def test_what_passes_is_not_withheld(short: "Relay", device: "Device", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breath, "STALL_SECONDS", 0.0)
    await device()
    await short.deliver(MAIL + b"y" * (2 * SIZE))
    client = await device(b"INBOX")
    assert await fetched(client, b"1") == [1]
    await client.say(b"n NOOP\r\n")
    assert (await client.ended()).startswith(b"* BYE")
    client = await device(b"INBOX")
    assert await client.ok(b"UID SEARCH KEYWORD $Withheld") == [b"SEARCH"]
    assert await fetched(client, b"1") == [1]


async def test_deflated_it_carries_more(short: "Relay", device: "Device") -> None:
    client = await device()
    await client.ok(b"COMPRESS DEFLATE")
    await client.say(deflated(b"x NOOP\r\n"))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    assert inflater.decompress(await client.connection.read(timeout=10)) == b"x OK Completed\r\n"
    await client.say(deflated(b"y NOOP\r\n"))
    second = await client.connection.read(timeout=10)
    assert inflater.decompress(second) == b"y OK Completed\r\n"
    alone = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    assert len(second) < len(alone.compress(b"y OK Completed\r\n") + alone.flush(zlib.Z_SYNC_FLUSH)), "it remembers"


def deflated(text: bytes) -> bytes:
    """A deflated piece of its own."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(text) + deflater.flush(zlib.Z_SYNC_FLUSH)


def test_how_long_it_is_remembered_where_a_client_was(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    counted = Breath(SIZE)
    counted._before[NAME] = breath.Before(5, 9, alone=True, until=now - 1)
    session = type("Session", (), {"owner": type("Owner", (), {"name": NAME})})
    assert counted.shown(session, [Entry(uid, 1, frozenset(), 0, 1) for uid in range(1, 101)]) == 100  # type: ignore[arg-type]
    assert not counted._before


async def taken(client: Client, uid: int) -> None:
    """Fetch a message and destroy it, as the app does."""
    assert await fetched(client, b"%d" % uid) == [uid]
    await client.ok(b"UID STORE %d +FLAGS (\\Deleted)" % uid)
    await client.ok(b"CLOSE")
    await client.ok(b"SELECT INBOX")


async def until_the_end_is_near(relay: "Relay", client: Client) -> tuple[int, list[bytes]]:
    """Messages come one by one until another row is told than theirs; the last UID, and the rows."""
    uid = 0
    while True:
        uid += 1
        await relay.deliver()
        await client.ok(b"NOOP")
        rows = await client.ok(NEW % (uid, uid + 499))
        if len(rows) > 1 or uid > SIZE // len(MAIL):
            return uid, rows
        await taken(client, uid)


async def test_the_app_is_made_to_come_back_at_once(short: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    uid, (row, more) = await until_the_end_is_near(short, client)
    assert row.startswith(b"1 FETCH (UID %d " % uid)
    assert more.startswith(b"2 FETCH (UID %d " % (uid - 1)), "one that it has destroyed"
    assert b"From: <alice1234@relay.example>\r\n" in more
    assert next(line for line in MAIL.split(b"\r\n") if line.startswith(b"Message-ID:")) in more
    assert await fetched(client, b"%d" % uid) == [uid]
    await client.say(b"s UID STORE %d +FLAGS (\\Deleted)\r\n" % uid)
    assert (await client.ended()).startswith(b"* BYE")


async def test_who_keeps_what_was_fetched_is_not_made_to_mark_it(short: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    await short.deliver()
    await client.ok(b"NOOP")
    assert await fetched(client, b"1") == [1]
    await short.deliver()
    await client.ok(b"NOOP")
    assert len(await client.ok(NEW % (2, 501))) == 1


async def test_who_asks_in_other_words_is_told_nothing_else(short: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    await short.deliver()
    await client.ok(b"NOOP")
    await taken(client, 1)
    await short.deliver()
    await client.ok(b"NOOP")
    assert len(await client.ok((NEW % (2, 501)).replace(b" CHAT-VERSION", b""))) == 1
    assert len(await client.ok(NEW % (2, 501))) == 2, "it was near enough"


async def test_what_it_was_about_to_destroy_will_do_on_the_next_connection(short: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    uid, _ = await until_the_end_is_near(short, client)
    assert await fetched(client, b"%d" % uid) == [uid]
    await client.say(b"s UID STORE %d +FLAGS (\\Deleted)\r\n" % uid)
    await client.ended()
    await short.quiet()
    await short.deliver(times=3)
    again = await device(b"INBOX")
    *rows, more = await again.ok(NEW % (uid + 1, uid + 500))
    assert len(rows) == 3
    assert more.startswith(b"5 FETCH (UID %d " % uid)
    before = await again.ok(b"UID SEARCH ALL")
    assert before[0].startswith(b"SEARCH %d " % uid), "it is still there, and about to go"


async def test_an_idling_client_that_can_be_made_to_come_back_is_told(short: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    await short.deliver()
    await client.ok(b"NOOP")
    await taken(client, 1)
    await client.idle()
    await short.deliver(MAIL + b"x" * SIZE)
    assert (await client.line()).endswith(b" EXISTS")
    await client.done()
    assert len(await client.ok(NEW % (2, 501))) == 2
    await client.say(b"f " + BODIES % b"2" + b"\r\n")
    assert (await client.ended()).startswith(b"* BYE"), "at once, since nothing was said that it has not read"
