"""Short breath and a client with much before it: it speaks the app's commands, and is done in few connections."""

from typing import TYPE_CHECKING

import pytest

from angarium.edge.imap.breath import Breath
from tests.edge.imap.conftest import Client

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.edge.imap.conftest import Relay

    Device = Callable[..., Awaitable[Client]]

SIZE = 14_336
BACKLOG = 30
NEW = b"UID FETCH %d:%d (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE FROM CHAT-VERSION)])"


class App:
    """The app, as far as it matters here: what it has, and whether something waits to be done when it is cut off."""

    def __init__(self, *, alone: bool) -> None:
        self.alone = alone
        self.next = 1
        self.got: list[int] = []
        self.to_destroy: list[int] = []
        self.interrupted = False
        self.cut = 0
        """Connections that ended in the middle of a FETCH."""
        self.waits = 0
        """Connections after which it would have waited for a minute, of those behind the first two."""
        self.connections = 0

    async def connect(self, client: Client) -> None:
        """One connection, to its end or until all has come."""
        self.connections += 1
        if self.connections > 2:
            self.waits += not self.interrupted
            self.interrupted = False
        try:
            uidnext = await self.select(client)
            while len(self.got) < BACKLOG:
                if uidnext != self.next:
                    await self.fetch(client)
                    uidnext = self.next = max(self.next, uidnext)
                if self.to_destroy:
                    await client.ok(b"UID STORE %b +FLAGS (\\Deleted)" % uid_set(self.to_destroy))
                    self.to_destroy.clear()
                    await client.ok(b"CLOSE")
                    uidnext = await self.select(client)
                elif self.interrupted:
                    self.interrupted = False
                elif len(self.got) < BACKLOG:
                    await client.say(b"i IDLE\r\n")
                    while not (line := await client.line()).endswith(b" EXISTS"):
                        if line.startswith(b"* BYE"):
                            raise EOFError
                    await client.done()
                    await self.fetch(client)
                    uidnext = self.next
        except (EOFError, ConnectionError):
            pass

    async def select(self, client: Client) -> int:
        selected = await client.ok(b"SELECT INBOX")
        uidnext = next(int(line.split()[2].rstrip(b"]")) for line in selected if b"UIDNEXT" in line)
        assert uidnext >= self.next, "a smaller UIDNEXT has it look through the mailbox again"
        return uidnext

    async def fetch(self, client: Client) -> None:
        rows = await client.ok(NEW % (self.next, self.next + 499))
        uids = [int(row.split(b"UID ")[1].split()[0]) for row in rows]
        self.interrupted |= any(uid in self.got for uid in uids)
        assert self.alone or not self.interrupted
        if not (wanted := [uid for uid in uids if uid not in self.got]):
            return
        await client.say(b"f UID FETCH %b (FLAGS BODY.PEEK[])\r\n" % uid_set(wanted))
        came = 0
        try:
            while not (line := await client.line()).startswith(b"f OK"):
                if line.startswith(b"* BYE"):
                    raise EOFError
                uid = int(line.split(b"UID ")[1].split()[0])
                assert uid == wanted[came], "in order, and nothing is left out"
                came += 1
                self.got.append(uid)
                self.next = uid + 1
                self.to_destroy += [uid] * self.alone
        except (EOFError, ConnectionError):
            self.cut += came > 0
            raise


def uid_set(uids: list[int]) -> bytes:
    return b",".join(b"%d" % uid for uid in uids)


@pytest.fixture
def short(relay: "Relay", monkeypatch: pytest.MonkeyPatch) -> "Relay":
    monkeypatch.setattr("angarium.edge.imap.serve.DRAIN_SECONDS", 0.05)
    relay.breath = Breath(SIZE)
    return relay


async def caught_up(short: "Relay", device: "Device", app: App) -> None:
    while len(app.got) < BACKLOG:
        before = len(app.got)
        client = await device()
        await app.connect(client)
        client.connection.abort()
        await short.quiet()
        assert len(app.got) > before or app.connections < 3, "each connection carries something"
    assert app.got == [*range(1, BACKLOG + 1)]


async def left_alone(short: "Relay", device: "Device") -> None:
    """An account whose app was there once, and what came since."""
    (await device()).connection.abort()
    await short.quiet()
    await short.deliver(times=BACKLOG)


async def test_who_comes_back_to_a_backlog_is_cut_off_once_and_never_waits(short: "Relay", device: "Device") -> None:
    await left_alone(short, device)
    app = App(alone=True)
    await caught_up(short, device, app)
    assert app.cut == 1, "only where nothing is known of it yet"
    assert app.waits == 0
    assert app.connections <= BACKLOG // 2


async def test_one_of_several_devices_gets_all_too(short: "Relay", device: "Device") -> None:
    await left_alone(short, device)
    await caught_up(short, device, App(alone=False))


async def test_another_device_is_shown_no_less_because_one_is_behind(short: "Relay", device: "Device") -> None:
    await left_alone(short, device)
    behind = App(alone=False)
    while behind.connections < 3:
        client = await device()
        await behind.connect(client)
        client.connection.abort()
        await short.quiet()
    assert len(behind.got) < BACKLOG
    ahead = App(alone=False)
    ahead.next = BACKLOG + 1
    assert await ahead.select(await device()) == BACKLOG + 1
