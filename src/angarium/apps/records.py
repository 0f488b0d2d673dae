"""The records that make a relay's domain a relay: what to set in DNS, and whether what is there is that.

Needed are an address, and the keys that its mail is signed with: other relays refuse what they cannot check. Mail
finds a domain without an MX record too, so only a wrong one matters. SPF and DMARC are for the mail systems that are
not relays; they cost nothing and change nothing between relays. No MTA-STS: it wants a second name with a certificate
of its own, and relays refuse unverified TLS anyway.

RFC 1035, 5.1 (how records are written); RFC 7208 (SPF); RFC 7489 (DMARC).
"""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from angarium.reach.resolver import NoSuchName, NullMx, Resolver, Unanswered
from angarium.wire.dkim.record import PublicKey, read_record, write_record
from angarium.wire.dkim.tags import Unverified

__all__ = ["Line", "State", "lines"]

State = str
RIGHT, MISSING, WRONG, UNANSWERED = "right", "missing", "wrong", "unanswered"


class Line(Struct, frozen=True):
    """One record to set, and what is there in its place."""

    name: str
    type: str
    value: str
    """As to be set; a TXT record in one piece."""
    needed: bool
    state: State = MISSING
    """"right", "missing", "wrong", or "unanswered" where nobody could be asked."""
    found: list[str] = []
    """What there is, where it is not the same."""
    remark: str = ""

    @property
    def bad(self) -> bool:
        """Whether the relay suffers from it."""
        return self.state == WRONG or (self.needed and self.state != RIGHT)

    def zone(self) -> str:
        """As a zone file has it."""
        value = self.value
        if self.type == "TXT":
            value = " ".join(f'"{value[at : at + 255]}"' for at in range(0, len(value), 255))
        return f"{self.name}.  {self.type}  {value}"


async def lines(
    domain: str,
    keys: Sequence[tuple[str, PublicKey]],
    resolver: Resolver,
    own: Iterable[str],
    fronts: Sequence[str] = (),
) -> list[Line]:
    """The records of a domain (as DNS spells it), checked.

    `own`: the addresses this machine sends from. `fronts`: addresses of others that lead here.
    """
    public = [address for address in own if ipaddress.ip_address(address).is_global]
    signing = [_signing(f"{selector}._domainkey.{domain}", key, resolver) for selector, key in keys]
    spf = Line(domain, "TXT", "v=spf1 a mx ~all", needed=False)
    dmarc = Line(f"_dmarc.{domain}", "TXT", "v=DMARC1; p=reject; adkim=s; aspf=s", needed=False)
    found = await asyncio.gather(
        _addresses(domain, resolver, public, fronts),
        _exchanger(domain, resolver),
        *signing,
        _policy(spf, "v=spf1", resolver),
        _policy(dmarc, "v=DMARC1", resolver),
    )
    return [line for some in found for line in some]


async def _answered(line: Line, judge: Callable[[], Awaitable[Line]]) -> Line:
    try:
        return await judge()
    except NoSuchName:
        return line
    except Unanswered:
        return replace(line, state=UNANSWERED)


async def _addresses(domain: str, resolver: Resolver, public: Sequence[str], fronts: Sequence[str]) -> list[Line]:
    """One line for IPv4, and one for IPv6 where there is any; at least one of the two is needed. Then the fronts'."""
    unknown = Line(domain, "A", "the public address of this machine", needed=True)
    try:
        found = await resolver.addresses(domain)
    except NoSuchName:
        found = ()
    except Unanswered:
        return [replace(unknown, state=UNANSWERED)]
    judged: list[Line] = []
    for kind, mark in (("A", "."), ("AAAA", ":")):
        there = [address for address in found if mark in address and address not in fronts]
        ours = [address for address in public if mark in address]
        if kind == "A" or there or ours:
            needed = not found or bool(there) if kind == "A" else bool(there) and len(there) == len(found)
            value = next(iter([*(one for one in there if one in ours), *ours, *there]), unknown.value)
            judged.append(_address(Line(domain, kind, value, needed), there, ours, anything_known=bool(public)))
    return judged + [_spare(domain, address, found) for address in fronts]


def _spare(domain: str, address: str, found: Sequence[str]) -> Line:
    remark = "a front: apps that see it once remember it for 30 days, and try it when the others are shut"
    state = RIGHT if address in found else MISSING
    return Line(domain, "AAAA" if ":" in address else "A", address, needed=False, state=state, remark=remark)


def _address(line: Line, there: Sequence[str], ours: Sequence[str], *, anything_known: bool) -> Line:
    if not there:
        return line
    if not anything_known:
        here = "this machine has no public address of its own, so whether it leads here cannot be seen from here"
        return replace(line, state=RIGHT, remark=here)
    if set(there) <= set(ours):
        return replace(line, state=RIGHT)
    return replace(line, state=WRONG, found=list(there), remark="it leads to another machine, or not only to this one")


async def _exchanger(domain: str, resolver: Resolver) -> list[Line]:
    line = Line(domain, "MX", f"10 {domain}.", needed=False)

    async def judge() -> Line:
        try:
            hosts = await resolver.exchanges(domain)
        except NullMx:
            return replace(line, state=WRONG, found=["0 ."], remark="it says that the domain takes no mail")
        here = set(await resolver.addresses(domain))
        for host in hosts[:1]:
            if host == domain or here & set(await resolver.addresses(host)):
                return replace(line, state=RIGHT)
        return replace(line, state=WRONG, found=[f"{host}." for host in hosts], remark="it leads mail elsewhere")

    return [await _answered(line, judge)]


async def _signing(name: str, key: PublicKey, resolver: Resolver) -> list[Line]:
    line = Line(name, "TXT", write_record(key), needed=True)

    async def judge() -> Line:
        records = await resolver.texts(name)
        try:
            if len(records) == 1 and read_record(records[0]).key == key:
                return replace(line, state=RIGHT)
            why = "it is another key" if len(records) == 1 else "there is more than one"
        except Unverified as reason:
            why = str(reason)
        return replace(line, state=WRONG, found=_shown(records), remark=why)

    return [await _answered(line, judge)]


async def _policy(line: Line, begins: str, resolver: Resolver) -> list[Line]:
    """A record that others put their own words into: any of its kind will do."""

    async def judge() -> Line:
        found = [text for text in _shown(await resolver.texts(line.name)) if text.startswith(begins)]
        return replace(line, state=RIGHT, value=found[0]) if found else line

    return [await _answered(line, judge)]


def _shown(records: Iterable[bytes]) -> list[str]:
    """What strangers wrote, fit for a terminal."""
    texts = (record.decode("ascii", "replace")[:500] for record in records)
    return ["".join(letter if letter.isprintable() else "?" for letter in text) for text in texts]
