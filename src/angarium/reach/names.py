"""What the relay is called: the domains and addresses that may stand behind the @ of its people.

A relay is one namespace whatever it is called, so all of these names mean the same mailboxes. Without a domain it is
called by this machine's IP address, which is asked of the kernel's routing table: no packet leaves the machine.

Refuses to know DNS: whether a name leads here is found out by whoever tries (`reach/acme.py`).

RFC 5321, 4.1.3 (address literals); RFC 5737 and RFC 3849 (addresses for documentation: nobody is there).
"""

import ipaddress
import socket
from collections.abc import Iterator, Sequence

from angarium.reach import settings
from angarium.wire.address import Address, AddressError

__all__ = ["BadName", "Names", "canonical", "literal", "own_addresses"]

NOBODY = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class BadName(ValueError):
    """A name in the settings is neither a domain nor an IP address. The text says which."""


class Names:
    """The names of one relay, for as long as it runs."""

    def __init__(self, names: settings.Names, listening: Sequence[str] = ()) -> None:
        """`listening` are the addresses the relay is told to listen on; empty: all of this machine.

        Raises:
            BadName: see there.
        """
        for name in (names.domain, *names.aliases):
            if name and not _meaningful(name):
                raise BadName(f"{name!r} is neither a domain name nor an IP address")
        here = tuple(_reachable(listening))
        self.primary = canonical(names.domain) or here[0]
        """What stands behind the @ of new addresses: a domain, or an IP address without brackets."""
        given = (self.primary, *(canonical(alias) or "" for alias in names.aliases))
        self.all = tuple(dict.fromkeys(given if names.domain else (*given, *here)))
        """The names to list in a certificate of our own, the primary one first. One that is for a domain shows no IP
        address that it was not told to: strangers read it too."""
        self.certifiable = tuple(name for name in dict.fromkeys(given) if _ordinary(name))
        """Those of the settings that an authority might certify, as far as one can tell from the spelling."""
        self.addresses = here
        """Where the relay can be reached without a name: the addresses it listens on, or those of this machine."""
        self._local = frozenset((*given, *here, *LOOPBACK))
        self._here = frozenset((self.primary, *here, *LOOPBACK))

    @property
    def ordinary(self) -> bool:
        """Whether apps ask for an authority's certificate for the primary name."""
        return self.primary in self.certifiable

    @property
    def hosts(self) -> tuple[str, ...]:
        """Under what apps that do not ask for an authority's certificate find the relay, best first."""
        labels = self.primary.split(".")
        if labels[-1] == "localhost" or (len(labels) == 1 and ":" not in self.primary):  # DNS does not know it
            return tuple(dict.fromkeys((*self.all[1:], *self.addresses)))
        return self.all

    def here(self, host: str) -> bool:
        """Whether this is the primary name, or an address of this machine; not an alias, which may lead to a front."""
        return host in self._here or canonical(host) in self._here

    def local(self, domain: str) -> bool:
        """Whether this is one of the relay's names, in whatever spelling: case, brackets, a dot at the end."""
        return domain in self._local or canonical(domain) in self._local


def canonical(domain: str) -> str | None:
    """The one spelling of a domain or IP address that all others are compared in; None: it is neither."""
    try:
        return Address.parse("_@" + domain.removesuffix(".")).domain
    except AddressError:
        return None


def literal(name: str) -> str:
    """A name as SMTP writes it: addresses in brackets (RFC 5321, 4.1.3)."""
    if ":" in name:
        return f"[IPv6:{name}]"
    return f"[{name}]" if name.replace(".", "").isdecimal() else name


def _meaningful(name: str) -> bool:
    known = canonical(name)
    try:
        return known is not None and bool(known.encode("idna"))
    except UnicodeError:
        return False


def own_addresses() -> list[str]:
    """The addresses this machine would send from, IPv4 first; the loopback address where there is no network."""
    found = []
    for family, nobody in NOBODY:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((nobody, 9))  # UDP: this only asks the routing table
                found.append(str(ipaddress.ip_address(probe.getsockname()[0])))
        except OSError:
            continue
    return found or ["127.0.0.1"]


def _reachable(listening: Sequence[str]) -> Iterator[str]:
    everywhere = not listening
    for address in listening:
        ip = ipaddress.ip_address(address)
        if ip.is_unspecified:
            everywhere = True
        else:
            yield str(ip)
    if everywhere:
        yield from own_addresses()


def _ordinary(name: str) -> bool:
    """A name of several labels that is no address, is looked up outside, and does not ask to be let through (`_`)."""
    labels = name.split(".")
    address = ":" in name or labels[-1].isdecimal()
    return len(labels) > 1 and not address and labels[-1] not in {"localhost", "onion"} and name[0] != "_"
