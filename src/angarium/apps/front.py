"""`angarium front`: other machines through which people reach a relay whose own address is blocked."""

import asyncio
import ipaddress
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from angarium.apps.fronting import Fronting, Shown, usual
from angarium.apps.home import Home, HomeError
from angarium.apps.nft import script
from angarium.apps.offline import answered, stored
from angarium.apps.options import Data, Json, existing
from angarium.apps.up import run as until_stopped
from angarium.edge.control import Refusal
from angarium.edge.doors import CannotListen
from angarium.edge.front import BadPorts, read_ports, serve_front
from angarium.mail.calendar import clock
from angarium.mail.fronts import Fronts
from angarium.reach.names import BadName, Names

__all__ = ["app", "entered"]

app = App(
    name="front",
    help_format="markdown",
    help="""\
Fronts: other machines through which people reach this relay, when its own address is blocked.

Any machine will do that is not blocked and reaches the relay. It hands bytes on as they are: TLS begins at the app and
ends at the relay. It sees who connects and when, and keeps nothing of it.

1. Here: `angarium front command` prints what to type there.
2. There: type it.
3. Here: `angarium front add ADDRESS`. From then on invitations show it.

With `--group NAME` a front is only for those whom `angarium invite --front-group NAME` invites. When it is blocked,
`angarium front burnt ADDRESS` says in which group somebody told.

Exit status: as each command says.""",
)

Address = Annotated[str, Parameter(help="The front's IP address or name, as `angarium front list` shows it.")]
Ports = Annotated[
    str,
    Parameter(
        help="Its ports: 443,993,465, or 10443:443 where the relay's is another one [default: the standard ones]."
    ),
]


@app.command
def add(
    address: Annotated[str, Parameter(help="Its IP address, as people see it; or a name that leads there.")],
    *,
    ports: Ports = "",
    group: Annotated[str, Parameter(help="Show it only to those who are invited for this group.")] = "",
    data: Data = None,
) -> int:
    """Enter a front, in the place of the one that was known by that address.

    Invitations show it, and so does autoconfig where the app can use it. A relay with a domain is checked by its name,
    and an address has none: for such a relay, better let the domain itself lead to the front (`angarium dns` says how).

    Exit status: 0 entered; 2 refused.
    """
    shown = msgspec.convert(_ask(data, "front-add", address=address, ports=ports, group=group), Shown)
    whose = f"for group {shown.group}" if shown.group else "for everybody"
    sys.stdout.write(f"{shown.address}: entered, {whose}, ports {shown.ports}.\n{shown.note}")
    return 0


@app.command
def list(*, data: Data = None, json: Json = False) -> int:  # noqa: A001 (the command's name)
    """All fronts: address, ports, group, and since which day one is burnt. Not who uses them.

    Exit status: 0 listed; 2 there is no relay.
    """
    found = msgspec.convert(_ask(data, "front-list"), type=tuple[Shown, ...])
    if json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    elif found:
        Console(highlight=False).print(_table(found))
    else:
        sys.stdout.write("There are no fronts: see angarium front command.\n")
    return 0


@app.command
def show(address: Address, *, data: Data = None) -> int:
    """One front: for whom it is, and what to type there to set it up again.

    Exit status: 0 shown; 2 there is none at this address.
    """
    found = msgspec.convert(_ask(data, "front-list"), type=tuple[Shown, ...])
    front = next((each for each in found if each.address == address), None)
    if front is None:
        raise Refusal("there is no front at this address: see angarium front list")
    Console(highlight=False).print(_table((front,)))
    sys.stdout.write("\n")
    return command(ports=front.ports, data=data)


@app.command
def remove(address: Address, *, data: Data = None) -> int:
    """Forget a front.

    Exit status: 0 forgotten; 2 there is none at this address.
    """
    _ask(data, "front-remove", address=address)
    sys.stdout.write(f"{address}: forgotten.\n")
    return 0


@app.command
def burnt(address: Address, *, data: Data = None) -> int:
    """Say that those who block know a front: it is shown to nobody any more, and you are told which group had it.

    It stays in the list, so that the group can be looked up again, until it is removed.

    Exit status: 0 told; 2 there is none at this address.
    """
    shown = msgspec.convert(_ask(data, "front-burnt", address=address), Shown)
    whose = f"It was given to group {shown.group} only." if shown.group else "It was shown to everybody."
    sys.stdout.write(f"{shown.address}: burnt, and shown to nobody any more. {whose}\n")
    return 0


@app.command
def command(
    *,
    to: Annotated[
        str, Parameter(help="The relay's address, if this machine does not know it [default: its own].")
    ] = "",
    ports: Ports = "",
    nft: Annotated[bool, Parameter(name="--nft", negative="", help="Print only the nftables script.")] = False,
    data: Data = None,
) -> int:
    """Print what makes another machine a front of this relay: a command to copy.

    Exit status: 0 printed; 2 there is no relay, or its address is not known.
    """
    home = existing(data)
    relay = to or _own(home)
    listed = ports or usual(home.ports())
    try:
        chosen, address = read_ports(listed), str(ipaddress.ip_address(relay))
    except BadPorts as error:
        raise Refusal(f"--ports: {error}") from None
    except ValueError:
        raise Refusal("--to: expected the relay's IP address: a name might lead the front to itself") from None
    rules = script(address, chosen)
    if nft:
        sys.stdout.write(rules)
        return 0
    forward = "net.ipv6.conf.all.forwarding" if ":" in address else "net.ipv4.ip_forward"
    sys.stdout.write(
        f"On the other machine, as root (Linux with nftables; until it is started again):\n\n"
        f"sysctl -w {forward}=1 && nft -f - <<'END'\n{rules}END\n\n"
        f"Or, with Angarium there (without root: with high ports, such as 10443:{next(iter(chosen.values()))}):\n\n"
        f"angarium front run --to {address} --ports {listed}\n\n"
        f"Then here, with that machine's address:\n\n"
        f"angarium front add ADDRESS --ports {listed}\n"
    )
    return 0


@app.command
def run(
    *,
    to: Annotated[str, Parameter(help="The relay's IP address.")],
    ports: Annotated[
        str, Parameter(help="Ports to listen on, and to lead to: 443,993,465, or 10443:443 for another one there.")
    ] = "443,993,465",
    listen: Annotated[
        tuple[str, ...], Parameter(negative="", help="IP address to listen on; may be repeated [default: all].")
    ] = (),
    connections: Annotated[int, Parameter(help="Most people at once; who comes then is turned away.")] = 4000,
) -> int:
    """Be a front: hand bytes on to a relay, both ways, until Ctrl-C. Needs no root for ports above 1023, and no files.

    Nothing is read, logged or kept. TLS is between the app and the relay.

    Exit status: 0 stopped by Ctrl-C or SIGTERM; 2 could not start.
    """
    if connections < 1:
        raise Refusal("--connections: expected at least 1")

    def ready() -> None:
        sys.stdout.write(f"A front of {to}, on {ports}. Ctrl-C stops it.\n")
        sys.stdout.flush()

    try:
        chosen = read_ports(ports)
        return until_stopped(serve_front(to, chosen, addresses=listen, connections=connections, ready=ready))
    except BadPorts as error:
        raise Refusal(f"--ports: {error}") from None
    except CannotListen as error:
        low = ". Below 1024 that takes root: or give others, such as --ports 10443:443"
        raise HomeError(f"{error}{low if any(port < 1024 for port in chosen) else ''}") from None


async def entered(home: Home) -> tuple[Shown, ...]:
    """The fronts of a relay that are not burnt. Raises HomeError where they cannot be read."""
    found = msgspec.convert(await answered(home, "front-list", {}, _offline), type=tuple[Shown, ...])
    return tuple(front for front in found if front.burnt_day is None)


def _own(home: Home) -> str:
    """The address of the relay, as a front reaches it."""
    config = home.config()
    try:
        return Names(config.names, config.listen.addresses).addresses[0]
    except BadName as error:
        raise HomeError(str(error)) from None


async def _offline(home: Home, question: str, details: Mapping[str, Any]) -> Any:
    config = home.config()
    async with stored(home) as store:
        fronts = Fronts(store.papers)
        await fronts.load()
        here = Names(config.names, config.listen.addresses).here
        return await Fronting(fronts, home.ports, here, clock).questions()[question](details)


def _ask(data: Data, question: str, **details: Any) -> Any:
    """The answer of the relay that runs, or, where none does, of its data directory."""
    return asyncio.run(answered(existing(data), question, details, _offline))


def _table(found: tuple[Shown, ...]) -> Table:
    table = Table("Front", "Ports", "For", "Burnt", box=None, pad_edge=False, header_style="bold")
    for each in found:
        day = (
            "" if each.burnt_day is None else f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(each.burnt_day):%Y-%m-%d}"
        )
        table.add_row(each.address, each.ports, each.group or "everybody", day)
    return table
