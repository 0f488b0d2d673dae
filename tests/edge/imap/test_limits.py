"""Clients that are broken, slow, silent or hostile: told so, or let go; never at the cost of others."""

import asyncio
import zlib
from typing import TYPE_CHECKING

import msgspec
import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.edge.imap.conftest import Client, Relay

    Device = Callable[..., Awaitable[Client]]


@pytest.mark.parametrize(
    "line",
    [
        b"XYZZY",
        b"FETCH 1 UID",
        b"LOGIN a b",
        b"NOOP\rNOOP",
        b"SELECT \x00",
        b'SELECT "\xff"',
        b"SEARCH " + b"(" * 100 + b"ALL" + b")" * 100,
        b"APPEND INBOX {99999999}",
        b"APPEND INBOX {1000000+}\r\n" + b"x DELETE INBOX\r\n" * 62_500,
        b"STATUS " + b"y" * 200_000,
        b"CREATE {70000}",
    ],
)
async def test_a_faulty_command_is_answered_and_the_session_goes_on(
    relay: "Relay", device: "Device", line: bytes
) -> None:
    relay.max_size = 500_000
    client = await device()
    assert (await client.refused(line)).startswith((b"BAD ", b"NO [TOOBIG] "))
    assert await client.ok(b"NOOP") == []


async def test_too_many_errors_end_the_session(relay: "Relay", greeted: "Device", device: "Device") -> None:
    relay.limits = msgspec.structs.replace(relay.limits, errors=3)
    client = await greeted()
    await client.say(b"a X\r\nb NOOP\r\nc X\r\nd X\r\ne NOOP\r\n")
    assert (await client.ended()).endswith(b"d BAD Unknown command\r\n* BYE Too many errors\r\n")
    client = await device()
    for _ in range(5):
        await client.refused(b"X")
        await client.refused(b"X")
        await client.ok(b"NOOP")


async def test_a_flood_of_nonsense_is_cut_off_early(relay: "Relay", greeted: "Device") -> None:
    client = await greeted()
    await client.say(b"\r\n" * 8000)
    said = await client.ended()
    assert said.count(b"BAD") == relay.limits.errors
    assert said.endswith(b"* BYE Too many errors\r\n")


async def test_a_thousand_commands_in_one_write(device: "Device") -> None:
    client = await device(b"INBOX")
    await client.say(b"".join(b"p%d NOOP\r\n" % number for number in range(1000)))
    for number in range(1000):
        assert await client.line() == b"p%d OK Completed" % number


async def test_commands_sent_ahead_see_what_those_before_them_did(relay: "Relay", device: "Device") -> None:
    client = await device()
    await relay.deliver(times=2)
    await client.say(
        b"a SELECT INBOX\r\nb UID STORE 1 +FLAGS.SILENT (\\Deleted)\r\nc EXPUNGE\r\nd FETCH 1:* UID\r\n"
        b"e IDLE\r\nDONE\r\nf LOGOUT\r\n"
    )
    heard = await client.until(b"f ")
    assert heard[heard.index(b"b OK Completed") :] == [
        b"b OK Completed",
        b"* 1 EXPUNGE",
        b"c OK Completed",
        b"* 1 FETCH (UID 2)",
        b"d OK Completed",
        b"+ idling",
        b"e OK Completed",
        b"* BYE Logging out",
        b"f OK Completed",
    ]


async def ever(client: "Client") -> None:
    while True:
        await client.ok(b"NOOP")


async def test_who_does_not_log_in_in_time_is_let_go(relay: "Relay", greeted: "Device") -> None:
    relay.limits = msgspec.structs.replace(relay.limits, login_seconds=0.05)
    client = await greeted()
    assert await client.ended() == b"* BYE Silent for too long\r\n"
    client = await greeted()
    with pytest.raises((EOFError, ConnectionError, TimeoutError)):
        await ever(client)


async def test_who_is_silent_for_long_is_let_go(relay: "Relay", device: "Device") -> None:
    relay.limits = msgspec.structs.replace(relay.limits, idle_seconds=0.05)
    client = await device()
    assert await client.ended() == b"* BYE Silent for too long\r\n"
    await relay.quiet()


async def test_who_idles_may_be_silent(relay: "Relay", device: "Device") -> None:
    relay.limits = msgspec.structs.replace(relay.limits, idle_seconds=0.05)
    relay.keepalive_seconds = 0.02
    client = await device(b"INBOX")
    await client.idle()
    for _ in range(5):
        assert await client.line() == b"* OK Still here"
    await client.done()


async def test_who_never_reads_is_let_go_and_holds_nobody_up(relay: "Relay", device: "Device") -> None:
    relay.limits = msgspec.structs.replace(relay.limits, write_seconds=0.2)
    stuck, other = await device(b"INBOX"), await device(b"INBOX")
    await relay.deliver(b"Subject: big\r\n\r\n" + b"x" * 20_000_000)
    await stuck.say(b"a FETCH 1 BODY.PEEK[]\r\n" * 3)
    fetched = (await other.ok(b"FETCH 1 BODY.PEEK[TEXT]"))[-1]
    assert len(fetched) > 20_000_000
    await other.ok(b"LOGOUT")
    await asyncio.wait_for(relay.quiet(), 20)
    assert relay.listeners() == 0


async def test_a_reconnect_in_the_middle_of_a_fetch(relay: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    await relay.deliver(b"Subject: big\r\n\r\n" + b"x" * 5_000_000)
    await client.say(b"a FETCH 1 BODY.PEEK[]\r\n")
    await client.connection.read(1000, timeout=10)
    client.connection.abort()
    again = await device(b"INBOX")
    assert len((await again.ok(b"FETCH 1 BODY.PEEK[TEXT]"))[-1]) > 5_000_000


class Deflating:
    """The client's side of COMPRESS: zlib as other people use it."""

    def __init__(self, client: "Client") -> None:
        self._connection = client.connection
        self._deflate = zlib.compressobj(wbits=-15)
        self._inflate = zlib.decompressobj(-15)

    async def write(self, data: bytes, *, timeout: float | None = None) -> None:
        deflated = self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        await self._connection.write(deflated, timeout=timeout)

    def abort(self) -> None:
        self._connection.abort()

    async def read(self, limit: int, *, timeout: float | None = None) -> bytes:
        while data := await self._connection.read(limit, timeout=timeout):
            if text := self._inflate.decompress(data):
                return text
        return b""


async def test_compress(relay: "Relay", device: "Device") -> None:
    client = await device()
    await client.ok(b"COMPRESS DEFLATE")
    client.connection = Deflating(client)  # type: ignore[assignment]
    assert b"COMPRESS" not in (await client.ok(b"CAPABILITY"))[0]
    assert (await client.refused(b"COMPRESS DEFLATE")).startswith(b"NO [COMPRESSIONACTIVE]")
    await client.ok(b"SELECT INBOX")
    for number in range(1, 30):
        await relay.deliver()
        fetched = (await client.ok(b"UID FETCH %d:%d (UID BODY.PEEK[])" % (number, number + 499)))[-1]
        assert relay.mail in fetched
    await client.idle()
    await relay.deliver()
    assert await client.line() == b"* 30 EXISTS"
    assert await client.done() == []


async def test_what_is_sent_ahead_of_compress_is_deflated(device: "Device") -> None:
    client = await device()
    deflate = zlib.compressobj(wbits=-15)
    ahead = deflate.compress(b"b NOOP\r\n") + deflate.flush(zlib.Z_SYNC_FLUSH)
    await client.say(b"a COMPRESS DEFLATE\r\n" + ahead)
    assert await client.line() == b"a OK Deflate from here on"
    inflate = zlib.decompressobj(-15)
    assert inflate.decompress(await client.connection.read(timeout=10)) == b"b OK Completed\r\n"


async def test_a_bomb_meets_the_limits_of_the_parser(relay: "Relay", device: "Device") -> None:
    client = await device()
    await client.ok(b"COMPRESS DEFLATE")
    bomb = zlib.compressobj(9, wbits=-15)
    data = b"".join([bomb.compress(b"a" * 1_000_000) for _ in range(50)]) + bomb.flush(zlib.Z_SYNC_FLUSH)
    assert len(data) < 100_000
    await client.connection.write(data, timeout=10)
    end = bomb.compress(b"\r\nb NOOP\r\n") + bomb.flush(zlib.Z_SYNC_FLUSH)
    await client.connection.write(end, timeout=10)
    inflate = zlib.decompressobj(-15)
    heard = b""
    while b"b OK" not in heard:
        heard += inflate.decompress(await client.connection.read(timeout=10))
    assert heard == b"* BAD [TOOBIG] Command too long\r\nb OK Completed\r\n"


async def test_what_is_no_deflate_ends_the_session(relay: "Relay", device: "Device") -> None:
    client = await device()
    await client.ok(b"COMPRESS DEFLATE")
    await client.say(b"\xff" * 100)
    await client.ended()
    await relay.quiet()
