"""`angarium dns`: the records a relay's domain needs, and which of them are there."""

import asyncio
import sys
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from angarium.apps.approach import is_address
from angarium.apps.front import entered
from angarium.apps.home import Home, HomeError
from angarium.apps.options import Data, Json, existing
from angarium.apps.records import Line, lines
from angarium.apps.signing import signing_keys
from angarium.reach.names import BadName, Names, own_addresses
from angarium.reach.resolver import Resolver

__all__ = ["Records", "dns"]

MARKS = {"right": "✓", "missing": "✗", "wrong": "✗", "unanswered": "?"}


class Records(Struct, frozen=True):
    """What was found."""

    name: str
    """What the relay is called."""
    right: bool
    """Whether every record that is needed is right, and none is wrong."""
    records: list[Line]


def dns(*, data: Data = None, json: Json = False) -> int:
    """Show the DNS records that the relay's domain needs, and check each.

    Needed are the address, and the public halves of the two keys that the relay signs its mail with: relays refuse mail
    they cannot check. The addresses of fronts (`angarium front`) are shown too: apps that see them in DNS once will
    know them when they are needed. The rest does no harm. Set them where the domain is kept; the lines are those of a
    zone file, and a provider that asks for the text of a TXT record alone takes it without its quotation marks. The
    keys are made on the first call, if the relay has not made them yet, and stay.

    A relay that is known by an IP address, or by a name that begins with an underscore, needs none.

    Exit status: 0 all that is needed is there; 1 something is missing, wrong, or could not be asked for; 2 there is no
    relay, or its settings or keys cannot be read.
    """
    home = existing(data)
    config = home.config()
    try:
        names = Names(config.names, config.listen.addresses)
    except BadName as error:
        raise HomeError(str(error)) from None
    found: list[Line] = []
    if names.certifiable:
        keys = [(selector, key.public_key()) for selector, key in signing_keys(home)]
        resolver, own = Resolver(config.dns.servers), [*own_addresses(), *config.listen.addresses]

        async def every() -> list[Line]:
            fronts = await _fronts(home)
            domains = [name.encode("idna").decode() for name in names.certifiable]
            return [
                line
                for some in await asyncio.gather(*(lines(one, keys, resolver, own, fronts) for one in domains))
                for line in some
            ]

        found = asyncio.run(every())
    records = Records(names.primary, not any(line.bad for line in found), found)
    sys.stdout.write(msgspec.json.encode(records).decode() + "\n" if json else "\n".join(screen(records)) + "\n")
    return 0 if records.right else 1


async def _fronts(home: Home) -> list[str]:
    """The addresses of fronts that everybody may know; none where the root key is locked and no relay runs."""
    try:
        return [front.address for front in await entered(home) if not front.group and is_address(front.address)]
    except HomeError:
        return []


def screen(records: Records) -> Iterator[str]:
    """What a person sees; nothing is wrapped, so that each line can be copied."""
    if not records.records:
        yield f"{records.name} needs no records: relays that are known by an address, or by a name that begins with"
        yield "an underscore, find each other without DNS."
        return
    for line in records.records:
        mark = "·" if line.state == "missing" and not line.needed else MARKS[line.state]
        yield f"{mark} {line.zone()}"
        if line.state != "right":
            yield f"    {line.state}{'' if line.needed or line.state == 'wrong' else ', and not needed'}"
        yield from (f"    there is: {text}" for text in line.found)
        if line.remark:
            yield f"    {line.remark}"
    yield ""
    bad = sum(line.bad for line in records.records)
    yield f"{bad} to set or to change (✗)." if bad else "All that is needed is there."
