"""`angarium peer`: what the keepers of two relays tell each other by hand, and what this relay remembers of others."""

import asyncio
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from angarium.apps.certify import certify
from angarium.apps.exchange import Days, Exchange
from angarium.apps.home import Home, HomeError
from angarium.apps.offline import answered, stored
from angarium.apps.options import Data, Json, existing
from angarium.apps.peering import Done, Line, Peer, Peering, Place
from angarium.apps.terminal import qr, size
from angarium.mail.calendar import clock
from angarium.reach.certificate import CertificateError
from angarium.reach.names import Names
from angarium.reach.resolver import Resolver
from angarium.reach.trust import Trust

__all__ = ["app"]

KINDS = {"card": "its card", "box": "held for it here", "fetch": "mail is fetched there", "key": "known by its key"}

app = App(
    name="peer",
    help_format="markdown",
    help="""\
Other relays: cards, boxes for those that cannot be reached, remembered keys.

A relay behind a home router, on a phone, or inside a closed network cannot be reached from outside, but can reach out.
Some relay that both sides reach **holds** its mail in a box, and it **fetches** it there over a connection of its own.
So do two relays that reach only a common third. Who holds sees sealed parcels: for which box, when, and about how
large; neither sender nor recipient nor message.

1. The keeper of the holder: `angarium peer hold relay.example`, and gives the line it prints, which is secret, to the
   keeper of the relay of that name.
2. That one: `angarium peer fetch`, which asks for the line. Then `angarium peer card`, and gives the card to the
   keepers of relays that are to write there. Cards are no secret, but must come from whom they say.
3. Those: `angarium peer add`, and give their own cards back, so that their mail is believed without DNS.

All of it works while the relay runs, and also while it does not. A line that is not given is read from standard
input.

Exit status: as each command says.""",
)

Name = Annotated[str, Parameter(help="A domain or an IP address, as `angarium peer list` shows it.")]


@app.command
def card(*, data: Data = None, json: Json = False) -> int:
    """Print this relay's card: a QR code, and the same as one line.

    It says what the relay is called, the key that parcels for it are sealed to, and in which boxes they may be left, up
    to three. Give it to the keepers of other relays by a way on which nobody can put another in its place. It changes
    when a holder is added (`angarium peer fetch`) or removed.

    Exit status: 0 printed; 2 there is no relay, or its key cannot be read.
    """
    line = msgspec.convert(_ask(data, "peer-card"), Line).line
    sys.stdout.write(msgspec.json.encode({"card": line}).decode() + "\n" if json else f"{qr(line)}{line}\n")
    return 0


@app.command
def add(
    card: Annotated[
        str, Parameter(help="The line that `angarium peer card` printed there; without it, it is read.")
    ] = "",
    *,
    data: Data = None,
) -> int:
    """Remember the card of another relay, in the place of one it had before.

    Mail that this relay seals is then believed without DNS or signature, and where the card names a box, what your
    people write there goes by it once HTTPS and SMTP have failed, or at once with `transport = "box"` in a route.

    Be sure that the card is from that relay's keeper: whoever gives you another one reads who writes to whom there, and
    can write in its people's name (not read what they wrote, which the apps encrypt).

    Exit status: 0 remembered; 2 it is no card, or is not whole.
    """
    return _did(data, "peer-add", card=_line(card))


@app.command
def remove(name: Name, *, data: Data = None) -> int:
    """Forget all that is known of a relay: its card, its TLS key, the box that is held for it with what is in it.

    With HOST:PORT of a holder, as the list shows it, nothing is fetched there any more. Ask its keeper to remove the
    box, and give your card out anew.

    Exit status: 0 forgotten; 2 nothing was known.
    """
    return _did(data, "peer-remove", name=name)


@app.command
def list(*, data: Data = None, json: Json = False) -> int:  # noqa: A001 (the command's name)
    """What is known of other relays: cards, boxes held here and how much waits in them, holders, remembered TLS keys.

    Relays and counts; nobody's name. A box in which something waits for many days is one that nobody fetches.

    Exit status: 0 listed; 2 there is no relay.
    """
    found = msgspec.convert(_ask(data, "peer-list"), type=tuple[Peer, ...])
    if json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    elif found:
        Console(highlight=False).print(_table(found))
    else:
        sys.stdout.write("Nothing is known of other relays.\n")
    return 0


@app.command
def accept(name: Name, *, data: Data = None) -> int:
    """Accept the new TLS key of a relay that is known by an IP address or a `_name`.

    Such a relay is remembered by its key, and refused when it shows another: somebody may be in between. Ask its keeper
    whether the key is new. What is accepted is the key it was last refused for, since this relay was started.

    Exit status: 0 accepted; 2 it has shown no other key, or no relay runs.
    """
    return _did(data, "peer-accept", name=name)


@app.command
def hold(
    name: Annotated[str, Parameter(help="The relay that is to fetch: a domain or an IP address.")],
    *,
    at: Annotated[
        str, Parameter(help="HOST:PORT under which others reach this relay over HTTPS, if not its own name and port.")
    ] = "",
    data: Data = None,
    json: Json = False,
) -> int:
    """Hold a box for a relay that cannot be reached, and print the agreement for its keeper: one line, secret.

    Whoever has the line can fetch what is in the box and make it disappear, though not read it. Again for the same
    relay, it makes a new line; the old one then opens the box no more. A box takes `hold_bytes_per_peer`, and what
    nobody fetches for `hold_days` is thrown away (section `[federation]` of angarium.toml).

    Exit status: 0 held; 2 refused.
    """
    line = msgspec.convert(_ask(data, "peer-hold", name=name, at=at), Line).line
    if json:
        sys.stdout.write(msgspec.json.encode({"agreement": line}).decode() + "\n")
    else:
        sys.stdout.write(f"{line}\n\nGive this line to the keeper of {name} and to nobody else. There: ")
        sys.stdout.write("angarium peer fetch\n")
    return 0


@app.command
def fetch(
    agreement: Annotated[
        str, Parameter(help="The line that `angarium peer hold` printed at the holder; without it, it is read.")
    ] = "",
    *,
    data: Data = None,
) -> int:
    """Fetch mail from a holder from now on, over an outgoing connection that stays open.

    The line is secret. Typed or pasted when it is asked for, it is seen by nobody else on this machine.

    Exit status: 0 begun; 2 it is no agreement, is not whole, or is for another relay.
    """
    return _did(data, "peer-fetch", agreement=_line(agreement))


async def _offline(home: Home, question: str, details: Mapping[str, Any]) -> Any:
    config = home.config()
    async with stored(home) as store:
        names = Names(config.names, config.listen.addresses)
        try:
            pin = certify(config.tls, home.tls, names, today=_date).pin
        except CertificateError as error:
            raise HomeError(str(error)) from None
        place = Place(names.primary, home.ports().get("https"), pin)
        trust = Trust(store.keys)
        exchange = Exchange(config, home, store, Resolver(config.dns.servers), trust, Days(clock, clock))
        if not await exchange.load():
            raise HomeError(f"the database fails: see angarium up --data {home.path}")
        peering = Peering(exchange, store.keys, lambda: place, names.local, clock)
        return await peering.questions()[question](details)


def _ask(data: Data, question: str, **details: Any) -> Any:
    """The answer of the relay that runs, or, where none does, of its data directory."""
    return asyncio.run(answered(existing(data), question, details, _offline))


def _line(said: str) -> str:
    if said:
        return said
    if sys.stdin.isatty():
        sys.stdout.write("The line: ")
        sys.stdout.flush()
    return sys.stdin.readline()


def _did(data: Data, question: str, **details: Any) -> int:
    done = msgspec.convert(_ask(data, question, **details), Done)
    sys.stdout.write(f"{done.name}: {'; '.join(done.what)}.\n")
    return 0


def _table(found: tuple[Peer, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Relay", "What", "Parcels", "Size", "Days", "Remark"):
        table.add_column(name, justify="right" if name in {"Parcels", "Size", "Days"} else "left", overflow="fold")
    for peer in found:
        table.add_row(
            peer.name,
            KINDS.get(peer.kind, peer.kind),
            "" if peer.parcels is None else str(peer.parcels),
            "" if peer.octets is None else size(peer.octets),
            str(peer.days) if peer.parcels else "",
            _remark(peer),
        )
    return table


def _remark(peer: Peer) -> str:
    if peer.boxes is not None:
        return f"mail may be left in {peer.boxes} box{'es' if peer.boxes != 1 else ''}" if peer.boxes else "no box"
    return peer.problem


def _date() -> date:
    return datetime(1970, 1, 1, tzinfo=UTC).date() + timedelta(days=clock())
