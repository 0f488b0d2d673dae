"""All that leads to the relay, in the order in which it should be tried, and the links that carry it.

A link leads one way, so an invitation has several. Autoconfig (`edge/pages/machines.py`) names many at once, and the
app keeps them all and tries them one after the other, up to a minute each where something swallows its packets; so
there, what another host offers comes before other ports of the same one (docs/quirks.md).
"""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import filterfalse, zip_longest

from angarium.apps.home import HomeError
from angarium.apps.ways import choose, open_ways, ways
from angarium.mail.fronts import Front, Fronts
from angarium.mail.invitation import Offer, Way, invitation, leading, others
from angarium.reach.names import Names

__all__ = ["Approach", "is_address"]


@dataclass(frozen=True, slots=True)
class Approach:
    """The ways to one relay. Callables are asked each time: ports, certificates and onion services come and go."""

    names: Names
    fronts: Fronts
    ports: Callable[[], Mapping[str, int]]
    """The ports listened on, by door."""
    verified: Callable[[], bool]
    """Whether apps know who signed the certificate."""
    onion: Callable[[], Way | None] = lambda: None
    """The way through Tor, where there is one."""
    alpn: bool = True
    """Whether the https port takes IMAP and submission too (see `ways`)."""
    complete: bool = False
    """Whether a link has to say all there is to know (see `invitation`)."""
    greeting: tuple[int, int] | None = None
    """Ports on which who says nothing is greeted in IMAP, and for submission."""

    @property
    def by_proxy(self) -> bool:
        """Whether apps come in through the proxy only."""
        return not self.alpn and self.greeting is None and not open_ways(self.ports())

    def candidates(self) -> list[Way]:
        """What autoconfig tells everybody who asks: hosts first, then other ports. No group's fronts, and no onion
        address: an app without Tor would ask DNS for it."""
        primary, *more = self._names()
        hosts = [self._own(host) for host in (primary, *filter(self._believed, more))]
        return _in_turn(hosts + [self._front(front) for front in self.fronts.good() if self._believed(front.address)])

    def invited(self, group: str = "") -> list[Way]:
        """What an invitation shows, best first, to people of a group or to everybody."""
        onion = self.onion()
        if self.by_proxy:  # which leads to the relay itself, wherever it was entered
            return [*self._own(self.names.primary)[:1], *([onion] if onion else [])]
        own = [found for host in self._hosts() if (found := self._own(host))]
        direct = [*(found[0] for found in own), *self._numbers()]
        other = [replace(way, kind="port") for way in (own[0][1:] if own else [])]
        given = [(front, found[0]) for front in self.fronts.good(group) if (found := self._front(front))]
        fronts = [way for _, way in given]
        if group and any(
            front.group for front, _ in given
        ):  # the relay's own address is not what they are to try first
            found = [*fronts, *direct, *other]
        else:
            found = [*self._all_at_once(direct), *direct, *fronts, *other]
        return [*found, *([onion] if onion else [])]

    def proxied(self, group: str = "") -> list[tuple[str, int]]:
        """Hosts and ports at which apps take the relay for an HTTPS proxy, since they believe its certificate there;
        the best first, to people of a group or to everybody.
        """
        https = self.ports().get("https")
        own = [(host, https) for host in self._names() if https is not None and self.vouched(host)]
        fronts = [front for front in self.fronts.good(group) if "https" in front.ports and self.vouched(front.address)]
        found = [(front.address, front.ports["https"]) for front in fronts]
        theirs = [*found, *own] if group and fronts and fronts[0].group else [*own, *found]
        return [*dict.fromkeys(theirs)]

    def invite(self, token: str | None) -> str:
        """A fresh link. Raises HomeError where the relay listens on too little for one."""
        found = self._of(token)
        if not found:
            raise HomeError("the relay listens on no pair of ports for IMAP and submission: see [listen]")
        return invitation(self.names.primary, found[0], token=token, choose=choose, complete=self.complete)

    def others(self, token: str | None, link: str) -> list[Offer]:
        """The other ways, for whoever has this link, which `invite` made for the token."""
        return others(link, self.names.primary, self._of(token)[1:], token=token, choose=choose)

    def account(self, address: str, password: str, token: str | None = None) -> list[Offer]:
        """All ways, for somebody who has an account here, and was given this token if there is one."""
        found = self._of(token)
        hosts = {way.host for way in self.candidates()}
        asked = self.ports().get("https") == 443 and not (self.complete or is_address(self.names.primary))
        straight = self._own(self.names.primary)[:1] if asked and len(hosts) > 1 else []
        return leading(address, password, [*(replace(way, kind="all") for way in straight), *found])

    def _of(self, token: str | None) -> list[Way]:
        return self.invited(self.fronts.group(token) if token else "")

    def _entered(self, host: str) -> bool:
        """Whether a name of the relay's is a front: it is shown as such, or not at all."""
        return self.fronts.of(host) is not None

    def _names(self) -> list[str]:
        return [*filterfalse(self._entered, self.names.all)]

    def _hosts(self) -> list[str]:
        if not self.verified():
            return [*filterfalse(self._entered, self.names.hosts)]
        return [name for name in self._names() if name == self.names.primary or name in self.names.certifiable]

    def _own(self, host: str) -> list[Way]:
        verified, named = self.verified(), self._named(host)
        found = ways(host, self.ports(), verified=verified, named=named, alpn=self.alpn)
        if self.greeting is not None:
            imap, smtp = self.greeting
            found.append(Way(host, imap, "starttls", smtp, "starttls", self.ports().get("https"), verified, named))
        return found

    def _numbers(self) -> list[Way]:
        """The addresses that the keeper has listed beside a name, for where DNS lies. The certificate is for the name,
        so no app checks it there. Those that were not listed are not told: the name may lead to fronts only.
        """
        listed = [host for host in self._names() if is_address(host) and host not in self._hosts()]
        return [replace(found[0], verified=False) for host in listed if (found := self._own(host))]

    def _front(self, front: Front) -> list[Way]:
        verified = self.verified() and front.address in self.names.certifiable
        named = self._named(front.address)
        found = ways(front.address, front.ports, verified=verified, named=named, alpn=self.alpn)
        return [replace(way, kind="front") for way in found]

    def _named(self, host: str) -> bool:
        """Whether the app takes the relay's certificate at this host without an authority, by the name in it."""
        return host.startswith("_") and host in self.names.all

    def vouched(self, host: str) -> bool:
        """Whether the app, which checks it there in any case, takes the relay's certificate at this host."""
        if self.verified():
            return host == self.names.primary or host in self.names.certifiable
        return self._named(host)

    def _believed(self, host: str) -> bool:
        """Whether an app that was led here by the relay's name or address can take the certificate at this host."""
        if self.verified():
            return host in self.names.certifiable
        return is_address(self.names.primary) or host.startswith("_")

    def _all_at_once(self, direct: Iterable[Way]) -> list[Way]:
        """A link that leads to autoconfig: where there is more to be told than the relay's own address, for a relay
        that is known by that. (One with a name has `dcaccount:`, or needs DNS.)"""
        if not is_address(self.names.primary) or self.ports().get("https") != 443 or not self.fronts.good():
            return []
        return [replace(way, kind="all") for way in direct][:1]


def _in_turn(hosts: list[list[Way]]) -> list[Way]:
    """The best way of each host, then the second of each, and so on."""
    return [way for rank in zip_longest(*hosts) for way in rank if way is not None]


def is_address(name: str) -> bool:
    """Whether a host is given by its IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
