"""What is served at each door: the edge's sites, built from the settings and the rooms below."""

import ssl
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from angarium.apps.approach import Approach
from angarium.apps.certify import Certified
from angarium.apps.disguise import Disguise
from angarium.apps.entrance import IN_CLEAR, Entrance
from angarium.apps.exchange import Exchange
from angarium.apps.people import People, Session
from angarium.apps.proxying import Proxying
from angarium.apps.reception import Reception
from angarium.edge.decoy import hello
from angarium.edge.decoy.prompt import Decoy
from angarium.edge.decoy.session import serve_decoy
from angarium.edge.http import HttpSite, serve_http, serve_plain_http
from angarium.edge.listener import Door
from angarium.edge.mux import PROTOCOLS, serve_mux
from angarium.edge.mx import serve_mx
from angarium.edge.mxdeliv import HEAD_BYTES
from angarium.edge.pages.site import nowhere
from angarium.edge.shadowsocks import Shadowsocks, serve_shadowsocks
from angarium.edge.socks import serve_socks
from angarium.edge.threshold import Admit
from angarium.edge.tunnel import Tunnels
from angarium.mail.calendar import Calendar
from angarium.reach.names import Names
from angarium.reach.transport import Connection
from angarium.wire.shadowsocks import cipher

__all__ = ["Decoys", "Sites"]


class Decoys(NamedTuple):
    """What strangers see, over TLS and without."""

    https: Decoy
    http: Decoy


@dataclass(frozen=True, slots=True)
class Sites:
    """What all doors of one relay need to know."""

    people: People
    names: Names
    certified: Certified
    calendar: Calendar
    reception: Reception
    exchange: Exchange
    ports: Callable[[], Mapping[str, int]]
    """The ports listened on, by door."""
    approach: Approach
    tunnels: Tunnels
    proxying: Proxying
    base: str
    """What the address of every page begins with."""

    def decoys(self) -> Decoys | None:
        """What strangers see, if that is not what is there."""
        if not self.disguised:
            return None
        site = self._http()
        disguise = Disguise(site, self.reception, self.exchange, self.tunnels, self.people.config.decoy, self.ports)
        return Decoys(disguise.https(), disguise.http(self._plain(site)))

    def sessions(self, decoys: Decoys | None) -> Callable[[Door, Connection], Coroutine[Any, Any, None]]:
        """The session of each door."""
        people, site = self.people.sessions(), self._http()
        within = replace(site, tunnel=nowhere, breath=0)
        https: Session = partial(serve_http, site=site)
        http: Session = partial(serve_plain_http, site=self._plain(site))
        clear = http
        if decoys is not None:
            https = partial(serve_decoy, decoy=decoys.https)
            http = partial(serve_decoy, decoy=decoys.http)
            clear = partial(serve_decoy, decoy=decoys.https, plain=True)
        imap, smtp = self.people.imap("https"), self.people.smtp("https")
        mux = partial(serve_mux, imap=imap, smtp=smtp)
        socks: Session = partial(serve_socks, tunnels=self.tunnels, seconds=self.people.config.limits.login_seconds)
        sessions: dict[str, Session] = {
            **people,
            "https": partial(mux, http=https),
            "within": partial(mux, http=partial(serve_http, site=within)),
            "http": http,
            "smtp": partial(serve_mx, site=self.reception.mx(self._mx_context)),
            "socks": socks,
            "shadowsocks": partial(
                serve_shadowsocks, site=Shadowsocks(cipher(self.people.config.proxy.cipher), self.tunnels)
            ),
            IN_CLEAR["imap"].name: imap,
            IN_CLEAR["smtp"].name: smtp,
            IN_CLEAR["http"].name: clear,
            IN_CLEAR["socks"].name: socks,
        }

        def serve_door(door: Door, connection: Connection) -> Coroutine[Any, Any, None]:
            return sessions[door.name](connection)

        return serve_door

    def contexts(self) -> Callable[[Door], ssl.SSLContext]:
        """What gives the TLS context of a door, as it is each time."""
        if not self.disguised:
            return self.people.context
        mail = PROTOCOLS[:2] if self.people.config.decoy.mail_alpn else ()
        https = self.certified.source(
            *mail, *hello.PROTOCOLS, minimum=ssl.TLSVersion.MINIMUM_SUPPORTED, ciphers=hello.CIPHERS, disguised=True
        )

        def context(door: Door) -> ssl.SSLContext:
            return https() if door.name == "https" else self.people.context(door)

        return context

    @property
    def disguised(self) -> bool:
        """Whether strangers see an ordinary web site."""
        return self.people.config.decoy.wanted

    def admit(self, decoys: Decoys | None, timeout: float) -> Admit:
        """Who comes by which door. `timeout` is for the client's first words, in seconds."""
        config = self.people.config
        https, http = decoys or (None, None)
        return Entrance(config.listen, config.decoy, https, self.ports, timeout, http)

    def _plain(self, site: HttpSite) -> HttpSite:
        """The pages without TLS, and the proxy there only where the keeper wants one."""
        return site if self.people.config.proxy.http else replace(site, tunnel=nowhere)

    def _mx_context(self) -> ssl.SSLContext:
        """Other relays run older software than the apps do."""
        return self.certified.context(minimum=ssl.TLSVersion.TLSv1_2)

    def _http(self) -> HttpSite:
        config, store = self.people.config, self.people.store
        return HttpSite(
            limits=config.limits,
            gate=self.people.gate,
            registration=config.accounts.registration,
            domain=lambda: self.names.primary,
            invite=self.approach.invite,
            others=self.approach.others,
            account=self.approach.account,
            by_proxy=lambda: self.approach.by_proxy,
            proxies=self.proxying.shown,
            personal_proxies=self.proxying.person,
            valid_token=lambda token: store.invitations.valid(token, day=self.calendar.due()),
            ways=self.approach.candidates,
            challenge=self.certified.challenge,
            https_port=lambda: self.ports().get("https"),
            inlets={**self.reception.inlets(), **self.exchange.inlets(self.reception.hold)},
            routes=self.exchange.routes(),
            base=self.base,
            tunnel=self.tunnels,
            head_bytes=HEAD_BYTES,
            breath=config.limits.breath("https"),
        )
