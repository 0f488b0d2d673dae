"""Shadowsocks: what a pass opens, what a stranger, a recording and a changed octet hear, and another implementation."""

import asyncio
import contextlib
import random
import secrets
import shutil
import socket
from collections.abc import AsyncIterator

import pytest

from angarium.edge import shadowsocks
from angarium.edge.shadowsocks import Salts, Shadowsocks, serve_shadowsocks
from angarium.lab.censor.judges.encrypted import exempt
from angarium.reach.connect import connect
from angarium.reach.transport import Connection
from angarium.wire.shadowsocks import Opener, Sealer, cipher, master
from tests.edge.nowhere import HOSTS, PORTS_ASKED, Nowhere

NAMES = ["chacha20-ietf-poly1305", "aes-256-gcm", "aes-128-gcm"]
AES = cipher("aes-128-gcm")
PATIENCE = 0.2


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadowsocks, "PATIENCE", PATIENCE)


@pytest.fixture
def site(nowhere: Nowhere) -> Shadowsocks:
    return Shadowsocks(AES, nowhere.tunnels())


def goal(host: str, port: int) -> bytes:
    return bytes((3, len(host.encode()))) + host.encode() + port.to_bytes(2)


class App:
    """A client of ours, for one pass."""

    def __init__(self, connection: Connection, site: Shadowsocks, user: str) -> None:
        self.connection = connection
        self._cipher = site.cipher
        self._key = master(site.cipher, site.tunnels.passes.shared(user))
        self._sealer = Sealer(site.cipher, self._key, secrets.token_bytes(site.cipher.octets))
        self._opener: Opener | None = None
        self.heard = b""
        """As it came on the wire."""

    def seal(self, data: bytes) -> bytes:
        return self._sealer.seal(data)

    async def say(self, data: bytes) -> None:
        await self.connection.write(self.seal(data))

    async def read(self) -> bytes:
        """What is said next; nothing: it has ended."""
        while data := await self.connection.read(timeout=5):
            self.heard += data
            if self._opener is None:
                self._opener = Opener.begin(self._cipher, self._key, self.heard)
                assert self._opener is not None
                data = self.heard[self._cipher.begins :]
            if content := self._opener.receive(data):
                return content
        return b""


@contextlib.asynccontextmanager
async def served(site: Shadowsocks) -> AsyncIterator[tuple[Connection, "asyncio.Task[None]"]]:
    """A client's connection over TCP, where a reset can be told from an end, and the session at the other end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    serving = asyncio.create_task(serve_shadowsocks(Connection(theirs), site))
    app = Connection(ours)
    try:
        yield app, serving
    finally:
        app.abort()
        await asyncio.wait_for(serving, 10)


async def end(connection: Connection) -> tuple[bytes, float]:
    """What is heard until the connection ends in order, and how many seconds that took."""
    loop = asyncio.get_running_loop()
    began, heard = loop.time(), b""
    while data := await connection.read(timeout=5):
        heard += data
    return heard, loop.time() - began


@pytest.mark.parametrize("name", NAMES)
async def test_a_pass_leads_to_the_relay_and_nothing_is_said_before_it_speaks(nowhere: Nowhere, name: str) -> None:
    site = Shadowsocks(cipher(name), nowhere.tunnels())
    async with served(site) as (connection, _):
        app = App(connection, site, nowhere.user)
        await app.say(goal("relay.example", 993) + b"hello")
        while not nowhere.inside:
            await asyncio.sleep(0.001)
        (inside,) = nowhere.inside
        assert await inside.read(timeout=5) == b"hello"
        with pytest.raises(TimeoutError):
            await connection.read(timeout=0.05)
        await inside.write(bytes(100_000))
        heard = b""
        while len(heard) < 100_000:
            heard += await app.read()
        assert heard == bytes(100_000)
        await app.say(b"again")
        assert await inside.read(timeout=5) == b"again"
        await inside.close()
        assert await app.read() == b""
    assert (nowhere.received, nowhere.dialled) == (["imaps"], [])


async def test_octet_by_octet_it_is_the_same(nowhere: Nowhere, site: Shadowsocks) -> None:
    async with served(site) as (connection, _):
        app = App(connection, site, nowhere.user)
        for one in app.seal(goal("nine.example", 993)) + app.seal(b"hello"):
            await connection.write(bytes((one,)))
        while not nowhere.inside:
            await asyncio.sleep(0.001)
        assert await nowhere.inside[0].read(timeout=5) == b"hello"
    assert nowhere.dialled == [("nine.example", 993)]


async def test_every_pass_has_its_own_key_and_one_that_is_taken_back_is_nobodys(
    nowhere: Nowhere, site: Shadowsocks
) -> None:
    names = iter(range(100))
    users = [(await nowhere.passes.issue("", day=1, choose=lambda length: f"{next(names)}"))[0] for _ in range(50)]
    apps = []
    async with contextlib.AsyncExitStack() as stack:
        for number, user in enumerate((users[0], users[-1], users[0])):
            connection, _ = await stack.enter_async_context(served(site))
            apps.append(App(connection, site, user))
            await apps[-1].say(goal("relay.example", 993))
            while len(nowhere.inside) <= number:
                await asyncio.sleep(0.001)
        late = App((await stack.enter_async_context(served(site)))[0], site, users[0])
        await nowhere.passes.revoke(users[0])
        site.tunnels.cut(users[0])
        for app in (apps[0], apps[2]):
            with pytest.raises(ConnectionError):
                await app.read()
        await late.say(goal("relay.example", 993))
        assert (await end(late.connection))[0] == b""
        assert len(nowhere.received) == 3
        await nowhere.inside[1].write(b"still here")
        assert await apps[1].read() == b"still here"


@pytest.mark.parametrize("octets", [0, 1, 15, 16, 33, 34, 35, 50, 51, 200, 326, 5000])
async def test_whoever_shows_no_key_is_heard_out_whatever_he_says(site: Shadowsocks, octets: int) -> None:
    async with served(site) as (connection, _):
        await connection.write(random.Random(octets).randbytes(octets))
        heard, seconds = await end(connection)
    assert heard == b""
    assert PATIENCE - 0.05 < seconds < 2 * PATIENCE + 1


async def test_who_goes_on_talking_is_heard_out_too(site: Shadowsocks) -> None:
    async with served(site) as (connection, serving):
        for _ in range(100):
            await connection.write(secrets.token_bytes(10_000))
        assert not serving.done()
        assert (await end(connection))[0] == b""


async def test_who_ends_is_let_go(site: Shadowsocks) -> None:
    for said in (b"", bytes(10), bytes(100)):
        async with served(site) as (connection, serving):
            await connection.write(said)
            await connection.finish()
            assert (await end(connection))[0] == b""
            await asyncio.wait_for(serving, 5)


async def test_a_recording_is_a_stranger_and_so_are_our_own_words(nowhere: Nowhere, site: Shadowsocks) -> None:
    async with served(site) as (connection, _):
        app = App(connection, site, nowhere.user)
        said = app.seal(goal("relay.example", 993) + b"hello")
        await connection.write(said)
        while not nowhere.inside:
            await asyncio.sleep(0.001)
        await nowhere.inside[0].write(goal("relay.example", 993))
        await app.read()
    for replayed in (said, said + bytes(100), said[:60], app.heard):
        async with served(site) as (connection, _):
            await connection.write(replayed)
            heard, seconds = await end(connection)
        assert heard == b""
        assert seconds > PATIENCE - 0.05
    assert nowhere.received == ["imaps"]


async def test_a_changed_octet_ends_what_is_understood_and_is_not_answered(nowhere: Nowhere, site: Shadowsocks) -> None:
    async with served(site) as (connection, serving):
        app = App(connection, site, nowhere.user)
        await app.say(goal("relay.example", 993) + b"hello")
        while not nowhere.inside:
            await asyncio.sleep(0.001)
        (inside,) = nowhere.inside
        assert await inside.read(timeout=5) == b"hello"
        changed = bytearray(app.seal(b"more"))
        changed[-1] ^= 1
        await connection.write(bytes(changed) + app.seal(b"and more"))
        with pytest.raises(TimeoutError):
            await connection.read(timeout=0.1)
        assert not serving.done()
        assert await inside.take() is None
        await inside.close()  # as the relay does with who says nothing for too long
        assert (await end(connection))[0] == b""


async def test_what_is_not_allowed_is_not_reached(nowhere: Nowhere, site: Shadowsocks) -> None:
    asked = [goal(host, int(port)) for host, port in zip(HOSTS, PORTS_ASKED * 10, strict=False)]
    asked += [goal("relay.example", port) for port in (22, 25, 80, 143)] + [
        b"\1\x7f\0\0\1\3\xe1",
        b"\2",
        b"\3\1\xff\0\1",
    ]
    for said in asked:
        async with served(site) as (connection, _):
            app = App(connection, site, nowhere.user)
            await app.say(said + b"hello")
            assert await app.read() == b""
    assert (nowhere.received, nowhere.dialled) == ([], [])


def test_the_great_firewalls_rule_blocks_its_first_packet() -> None:
    """Which is what `experimental` means; where this fails, the documents are wrong."""
    blocked = 0
    for _ in range(200):
        salt, key = secrets.token_bytes(16), secrets.token_bytes(16)
        blocked += exempt(Sealer(AES, key, salt).seal(goal("relay.example", 993) + secrets.token_bytes(250))) is None
    assert blocked > 190


def test_salts_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Salts, "MOST", 100)
    salts, all_ = Salts(), [secrets.token_bytes(16) for _ in range(1000)]
    for number, salt in enumerate(all_):
        assert salts.new(salt)
        assert not any(salts.new(one) for one in all_[max(0, number - 99) : number + 1])
        assert len(salts._latest) + len(salts._before) <= 200
    assert salts.new(all_[0])


@pytest.mark.parametrize("name", NAMES)
async def test_as_shadowsocks_libev_speaks_it(nowhere: Nowhere, name: str) -> None:
    program = shutil.which("ss-local")
    if program is None:
        pytest.skip("needs Debian's shadowsocks-libev")
    site = Shadowsocks(cipher(name), nowhere.tunnels())
    async with listening(site) as port, local(program, name, site.tunnels.passes.shared(nowhere.user), port) as near:
        app = await connect("127.0.0.1", near)
        await app.write(b"\5\1\0")
        assert await app.read(timeout=5) == b"\5\0"
        await app.write(b"\5\1\0" + goal("relay.example", 993))
        assert (await app.read(timeout=5)).startswith(b"\5\0")
        said = secrets.token_bytes(300_000)
        writing = asyncio.create_task(app.write(said))
        while not nowhere.inside:
            await asyncio.sleep(0.01)
        heard = b""
        while len(heard) < len(said):
            heard += await nowhere.inside[0].read(timeout=5)
        await writing
        await nowhere.inside[0].write(heard)
        back = b""
        while len(back) < len(said):
            back += await app.read(timeout=5)
        assert back == heard == said
        app.abort()


@contextlib.asynccontextmanager
async def listening(site: Shadowsocks) -> AsyncIterator[int]:
    """The door on a port of loopback."""
    loop = asyncio.get_running_loop()

    async def accept() -> None:
        async with asyncio.TaskGroup() as sessions:
            while True:
                accepted, _ = await loop.sock_accept(server)
                sessions.create_task(serve_shadowsocks(Connection(accepted), site))

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        accepting = asyncio.create_task(accept())
        yield server.getsockname()[1]
        accepting.cancel()
        await asyncio.wait([accepting])


@contextlib.asynccontextmanager
async def local(program: str, name: str, password: str, port: int) -> AsyncIterator[int]:
    """Somebody else's client: SOCKS5 on a port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        near = free.getsockname()[1]
    words = ("-s", "127.0.0.1", "-p", str(port), "-l", str(near), "-k", password, "-m", name)
    process = await asyncio.create_subprocess_exec(program, *words, stdout=-3, stderr=-3)
    try:
        for _ in range(100):
            with contextlib.suppress(ConnectionError):
                (await connect("127.0.0.1", near)).abort()
                break
            await asyncio.sleep(0.05)
        yield near
    finally:
        process.kill()
        await process.wait()
