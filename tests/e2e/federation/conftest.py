"""Several relays on one machine, each on a loopback address of its own with the ports that other relays expect, a name
server that knows them, and an authority that vouches for their names: what the world is to a relay.

Ports below 1024 are needed: another relay asks DNS for an address, and never for a port.
"""

import itertools
import json
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
import trustme

from angarium.apps.check.ledger import Tally
from angarium.apps.check.throwaway import Relay, relay
from angarium.apps.check.trial import Trial, trial
from angarium.apps.ways import choose
from angarium.lab.core import Core
from angarium.lab.profile import Profile, new_profile
from tests.dns_server import NameServer, name_server

Angarium = Callable[..., Awaitable[tuple[int, str, str]]]

NETWORK = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}"
"""Of this process: another may run tests of this kind beside it."""
_hosts = itertools.count(1)

SETTINGS = """\
[messages]
rate_per_minute = 1000000
rate_burst = 100000
[dns]
servers = ["{dns}"]
[listen]
addresses = ["{host}"]
imaps = 993
submissions = 465
{named}
{more}
"""
NAMED = """\
[names]
domain = "{name}"
[tls]
cert = "{cert}"
key = "{key}"
"""


def _may_bind_low_ports() -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((f"{NETWORK}.250", 443))
        except OSError:
            return False
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    allowed = _may_bind_low_ports()
    for item in items:
        if Path(__file__).parent in item.path.parents and not allowed:
            item.add_marker(pytest.mark.skip(reason="needs ports below 1024"))


@dataclass
class Place:
    """A relay that may be up or down."""

    name: str
    """What stands behind the @: a domain, or its address."""
    address: str
    data: Path
    environment: dict[str, str]
    up: Relay | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        """Start it, again if need be."""
        self.up = await self._stack.enter_async_context(relay(self.data, (), self.environment))

    async def kill(self) -> None:
        """SIGKILL."""
        assert self.up
        self.up.process.kill()
        await self.up.process.wait()
        await self.stop()

    async def stop(self) -> None:
        """Stop it in order, if it is up."""
        await self._stack.aclose()
        self.up = None

    def link(self) -> str:
        """A fresh account: the app takes the certificate of an authority that it does not know."""
        where = f"ih={self.address}&ip=993&is=ssl&sh={self.address}&sp=465&ss=ssl&ic=3"
        return f"dclogin:{choose(9)}@{self.name}?p={choose(22)}&v=1&{where}"


@dataclass
class World:
    """Relays, and the people on them."""

    trial: Trial
    dns: NameServer
    authority: trustme.CA
    directory: Path
    angarium: Angarium
    places: list[Place] = field(default_factory=list)

    async def relay(self, name: str = "", *, settings: str = "") -> Place:
        """Start a relay of that name, or one that is known by its address."""
        host = f"{NETWORK}.{next(_hosts)}"
        place = self._place(name or host, host, settings)
        self.places.append(place)
        await place.start()
        if place.name != place.address:
            await self._publish(place)
        return place

    async def enter(self, name: str, place: Place) -> Profile:
        """A person with an account on a relay."""
        profile = await new_profile(self.trial.core, name, place.link())
        self.trial.attend(profile)
        return profile

    async def tally(self, step: str) -> Tally:
        """What became of all that was sent in a step."""
        return self.trial.ledger.tally(step, await self.trial.held())

    async def _publish(self, place: Place) -> None:
        """Put into DNS what `angarium dns` asks for."""
        _, said, _ = await self.angarium("dns", "--data", place.data, "--json")
        for record in json.loads(said)["records"]:
            if record["type"] == "TXT":
                self.dns.set(record["name"], "TXT", record["value"])

    def _place(self, name: str, host: str, settings: str) -> Place:
        data = self.directory / host
        data.mkdir(mode=0o700)
        named = ""
        if name != host:
            self.dns.set(name, "A", host)
            named = NAMED.format(name=name, **self._certificate(name))
        (data / "angarium.toml").write_text(SETTINGS.format(host=host, named=named, more=settings, dns=self.dns.server))
        return Place(name, host, data, {"SSL_CERT_FILE": str(self._roots())})

    def _certificate(self, name: str) -> dict[str, Path]:
        made = self.authority.issue_cert(name, key_type=trustme.KeyType.ECDSA)
        cert, key = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        key.write_bytes(made.private_key_pem.bytes())
        cert.write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
        return {"cert": cert, "key": key}

    def _roots(self) -> Path:
        roots = self.directory / "roots.pem"
        roots.write_bytes(self.authority.cert_pem.bytes())
        return roots


@pytest_asyncio.fixture(loop_scope="session")
async def world(apps: Core, angarium: Angarium, tmp_path: Path) -> AsyncIterator[World]:
    """Nobody and no relay yet; everybody is offline and every relay down after the test."""
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    with name_server() as dns:
        async with trial(apps, "", tmp_path) as under_way:
            world = World(under_way, dns, authority, tmp_path, angarium)
            try:
                yield world
            finally:
                for profile in under_way.people:
                    await profile.call("stop_io")
                for place in world.places:
                    await place.stop()
