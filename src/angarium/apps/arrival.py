"""How people get in where the straight way is shut: fronts, an onion address, the proxy, pages behind a secret path."""

import logging
import socket
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from angarium.apps.approach import Approach
from angarium.apps.certify import Certified
from angarium.apps.config import Config
from angarium.apps.fronting import Fronting
from angarium.apps.hidden import secret_path
from angarium.apps.home import Home, HomeError
from angarium.apps.onion import onion_way, only_within, publish
from angarium.apps.proxying import Entrance, Proxying
from angarium.apps.ways import open_ways
from angarium.edge.control import Question
from angarium.edge.doors import Door
from angarium.edge.tunnel import Tunnels
from angarium.mail.fronts import Fronts
from angarium.reach.dialer import Addresses
from angarium.reach.names import Names
from angarium.reach.passes import Passes
from angarium.store.interfaces import StoreError
from angarium.store.store import Store

if TYPE_CHECKING:
    from angarium.reach.onion import Onion

__all__ = ["Arrival"]

log = logging.getLogger("angarium.apps.arrival")

LISTENED = ("imaps", "submissions", "imap", "submission")
NAMELESS = """\
Invitations do not show it: here people come in through the proxy, which apps take only at a name in the certificate.
Give the front a name, list that under aliases in the section [names], and enter the name; or let the relay's own domain
lead to the front too (angarium dns).
"""


class Arrival:
    """The side of a relay that is for people who are blocked."""

    def __init__(
        self,
        config: Config,
        home: Home,
        store: Store,
        names: Names,
        certified: Certified,
        addresses: Addresses,
        ports: Callable[[], Mapping[str, int]],
        receive: Callable[[str, socket.socket], None],
        today: Callable[[], int],
    ) -> None:
        """`ports`: those listened on, by door. `receive` takes a connected socket as if it had come to a door.

        Raises:
            HomeError: there is no decoy where one should be, no secret path, or no way in.
        """
        _judge(config, names, certified)
        self._config = config
        self._home = home
        self._names = names
        self._certified = certified
        self._ports = ports
        self._today = today
        self._fronts = Fronts(store.papers)
        self._onion: Onion | None = None
        self._led_to: set[str] = set()
        self._passes = Passes(store.papers)
        self.base = secret_path(home) if config.decoy.wanted else ""
        """What the address of every page begins with."""
        alpn = not config.decoy.wanted or config.decoy.mail_alpn
        self.approach = Approach(
            names,
            self._fronts,
            ports,
            lambda: certified.verified,
            lambda: onion_way(self._onion, self._led_to, alpn=alpn),
            alpn=alpn,
            complete=bool(self.base),
            greeting=_greeting(config),
        )
        self.tunnels = Tunnels(
            passes=self._passes,
            local=names.local,
            ports=ports,
            receive=receive,
            addresses=addresses,
            allow=config.proxy.allow,
            write_seconds=config.limits.write_seconds,
        )
        self.proxying = Proxying(self._passes, self.tunnels.cut, self._entrance, self._fronts.group, today, self.base)

    @property
    def onion(self) -> str:
        """The onion address, where there is one."""
        return self._onion.address if self._onion else ""

    async def load(self) -> None:
        """Read fronts and passes; where the store fails there are none, which keeps nothing else from running."""
        try:
            await self._fronts.load()
        except (StoreError, msgspec.MsgspecError) as error:
            log.error("fronts cannot be read: %s", error)
        await self.proxying.load()

    def within(self) -> Collection[str]:
        """Doors to open to this machine alone."""
        return only_within(self._config.onion, self._ports(), alpn=self.approach.alpn)

    async def publish(self, doors: Collection[Door]) -> None:
        """Prepare the onion address, if one is wanted, to lead to these, and what the page shows.

        Raises:
            OnionError: an onion address is wanted, and cannot be.
        """
        self._led_to = {door.name for door in doors}
        if self.approach.by_proxy and self._config.accounts.registration == "open":
            await self.proxying.open_page()
        self._onion = await publish(self._config.onion, self._home, doors)

    async def known(self) -> None:
        """Wait until the onion address is known, if one is wanted."""
        if self._onion:
            await self._onion.known()

    async def run(self) -> None:
        """Keep tor running, if it is wanted, until cancelled."""
        if self._onion:
            await self._onion.run()

    def kill(self) -> None:
        """End tor at once."""
        if self._onion:
            self._onion.kill()

    def questions(self) -> dict[str, Question]:
        """What the keeper may ask."""
        fronting = Fronting(self._fronts, self._ports, self._names.here, self._today, self._note)
        return {**fronting.questions(), **self.proxying.questions()}

    def _note(self, address: str) -> str:
        return NAMELESS if self.approach.by_proxy and not self.approach.vouched(address) else ""

    def _entrance(self, group: str) -> Entrance:
        primary, ports = self._names.primary, self._ports()
        return Entrance(
            name=primary,
            https=self.approach.proxied(group),
            http=ports.get("http") if self._config.proxy.http else None,
            socks=ports.get("socks"),
            shadowsocks=ports.get("shadowsocks"),
            cipher=self._config.proxy.cipher,
        )


def _greeting(config: Config) -> tuple[int, int] | None:
    """The ports on which who says nothing is greeted, where there are both kinds."""
    listen = config.listen
    shut = not (config.decoy.clear if config.decoy.wanted else listen.clear)
    if shut or not (listen.greet_imap and listen.greet_smtp):
        return None
    return listen.greet_imap[0], listen.greet_smtp[0]


def _believed(names: Names, certified: Certified) -> bool:
    """Whether apps take the certificate of the proxy."""
    return certified.verified or names.primary.startswith("_")


def _judge(config: Config, names: Names, certified: Certified) -> None:
    """Raises HomeError where a decoy cannot be, or would keep everybody out."""
    decoy = config.decoy
    if decoy.folder and not Path(decoy.folder).is_dir():
        raise HomeError(f"decoy.folder: {decoy.folder} is no folder: make it, with an index.html in it")
    listen = config.listen.as_web_site()
    named = {name: port for name in LISTENED if (port := getattr(listen, name)) > 0}
    ways_in = decoy.mail_alpn or _greeting(config) or open_ways(named) or _believed(names, certified)
    if decoy.wanted and not ways_in:
        raise HomeError(
            "with a decoy people come in through the proxy, which apps take only at a name whose certificate an"
            " authority vouches for, or at one that begins with an underscore: start the relay with --domain, or set"
            " imaps and submissions in the section [listen] of angarium.toml to ports that all may see"
        )
