"""What is served at each door: the edge's sites, built from the settings and the rooms below."""

import ssl
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from angarium.apps.certify import Certified
from angarium.apps.exchange import Exchange
from angarium.apps.people import People, Session
from angarium.apps.reception import Reception
from angarium.edge.http import HttpSite, serve_http, serve_plain_http
from angarium.edge.listener import Door
from angarium.edge.mux import serve_mux
from angarium.edge.mx import serve_mx
from angarium.edge.mxdeliv import HEAD_BYTES
from angarium.mail.calendar import Calendar
from angarium.mail.invitation import Way
from angarium.reach.names import Names
from angarium.reach.transport import Connection

__all__ = ["Sites"]


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
    ways: Callable[[], list[Way]]
    invite: Callable[[str | None], str]

    def sessions(self) -> Callable[[Door, Connection], Coroutine[Any, Any, None]]:
        """The session of each door."""
        people, site = self.people.sessions(), self._http()
        http = partial(serve_http, site=site)
        sessions: dict[str, Session] = {
            **people,
            "https": partial(serve_mux, imap=people["imaps"], smtp=people["submissions"], http=http),
            "http": partial(serve_plain_http, site=site),
            "smtp": partial(serve_mx, site=self.reception.mx(self._mx_context)),
        }

        def serve_door(door: Door, connection: Connection) -> Coroutine[Any, Any, None]:
            return sessions[door.name](connection)

        return serve_door

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
            invite=self.invite,
            valid_token=lambda token: store.invitations.valid(token, day=self.calendar.due()),
            ways=self.ways,
            challenge=self.certified.challenge,
            https_port=lambda: self.ports().get("https"),
            inlets={**self.reception.inlets(), **self.exchange.inlets(self.reception.hold)},
            routes=self.exchange.routes(),
            head_bytes=HEAD_BYTES,
        )
