"""What the keeper may ask about other relays: cards, boxes, agreements and remembered keys. Counts, and no people."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from angarium.apps.exchange import Exchange
from angarium.edge.control import Question, Refusal
from angarium.mail.federation.via import Via, parse_via
from angarium.reach.names import canonical
from angarium.reach.trust import Trust
from angarium.store.interfaces import StoreError
from angarium.store.outbound import Keys
from angarium.wire.card import Agreement, Box, Card, CardError, read_agreement, read_card

__all__ = ["Done", "Line", "Peer", "Peering", "Place"]


class Place(Struct, frozen=True):
    """Where other relays find this one."""

    name: str
    https: int | None
    """The port; None: it listens on none."""
    pin: bytes | None
    """What its TLS key is known by; None: an authority vouches for the name."""


class Line(Struct, frozen=True):
    """A line of text to pass on."""

    line: str


class Done(Struct, frozen=True):
    """What a command did, in words."""

    name: str
    what: list[str]


class Peer(Struct, frozen=True):
    """One thing that is known of another relay."""

    name: str
    kind: str
    """`card`; `box`, which is held for it here; `fetch`, what it holds for this relay; `key`, which it is known by."""
    parcels: int | None = None
    """How many wait in the box."""
    octets: int | None = None
    days: int | None = None
    """Since when the oldest does."""
    boxes: int | None = None
    """How many the card names."""
    problem: str = ""
    """Why nothing can be fetched there now."""


class Peering:
    """Answers. `trust` is that of the running relay; None: none runs."""

    def __init__(
        self,
        exchange: Exchange,
        keys: Keys,
        place: Callable[[], Place],
        local: Callable[[str], bool],
        today: Callable[[], int],
        *,
        trust: Trust | None = None,
        found: Callable[[str], None] = lambda destination: None,
    ) -> None:
        """`found` is told where there may be a road now that was none."""
        self._exchange = exchange
        self._keys = keys
        self._place = place
        self._local = local
        self._today = today
        self._trust = trust
        self._found = found

    def questions(self) -> dict[str, Question]:
        """What may be asked."""
        asked: dict[str, Callable[[Mapping[str, Any]], Awaitable[Any]]] = {
            "card": self._card,
            "add": self._add,
            "remove": self._remove,
            "list": self._list,
            "accept": self._accept,
            "hold": self._hold,
            "fetch": self._fetch,
        }
        return {f"peer-{name}": _answering(answer) for name, answer in asked.items()}

    async def _card(self, details: Mapping[str, Any]) -> Line:
        boxes = tuple(agreement.box for agreement in self._exchange.collectors.all().values())[:3]
        return Line(str(Card(self._place().name, self._exchange.envelope.public, boxes)))

    async def _add(self, details: Mapping[str, Any]) -> Done:
        card = read_card(str(details.get("card", "")))
        if self._local(card.name) or card.key == self._exchange.envelope.public:
            raise Refusal("this is the relay's own card: give it to others, and add theirs here")
        known = self._exchange.cards.of(card.name)
        await self._exchange.cards.add(card)
        self._found(card.name)
        what = "the card is known"
        if known is not None:
            what = "the card takes the place of the one before"
            if known.key != card.key:
                what += "; its key is another, so be sure that it is from that relay's keeper"
        return Done(card.name, [what, *([] if card.boxes else ["it names no box: mail goes there by https and smtp"])])

    async def _remove(self, details: Mapping[str, Any]) -> Done:
        said = str(details.get("name", ""))
        name = canonical(said) or said
        what: list[str] = []
        if await self._exchange.cards.remove(name):
            what.append("its card is forgotten")
        if await self._exchange.holder.withdraw(name):
            what.append("no box is held for it any more, and what was in it is destroyed")
        if await self._exchange.collectors.remove(said):
            what.append("nothing is fetched there any more")
        if await self._keys.get(name) is not None:
            await self._keys.replace(name, None)
            what.append("its TLS key is forgotten: the next one it shows is remembered")
        if not what:
            raise Refusal(f"nothing is known of {said}: see angarium peer list")
        return Done(name, what)

    async def _list(self, details: Mapping[str, Any]) -> list[Peer]:
        exchange = self._exchange
        found = [Peer(card.name, "card", boxes=len(card.boxes)) for card in exchange.cards.all()]
        for shelf in exchange.holder.shelves():
            oldest = min((day for _, _, day in shelf.parcels.values()), default=self._today())
            days = max(0, self._today() - oldest)
            found.append(Peer(shelf.relay, "box", len(shelf.parcels), shelf.octets, days))
        found += [
            Peer(holder, "fetch", problem=exchange.collectors.problem(holder)) for holder in exchange.collectors.all()
        ]
        found += [Peer(name, "key") for name in await self._keys.all()]
        return sorted(found, key=lambda peer: (peer.name, peer.kind))

    async def _accept(self, details: Mapping[str, Any]) -> Done:
        said = str(details.get("name", ""))
        name = canonical(said) or said
        if self._trust is None:
            raise Refusal(
                "no relay runs, so none has been shown another key: start it, and accept what it refuses then"
            )
        if not await self._trust.accept(name):
            raise Refusal(f"{said} has shown no other key than the one remembered, since this relay was started")
        self._found(name)
        return Done(name, ["the key that it showed last takes the place of the one before"])

    async def _hold(self, details: Mapping[str, Any]) -> Line:
        said = str(details.get("name", ""))
        name = canonical(said)
        if name is None:
            raise Refusal("expected the name of the relay that fetches: a domain or an IP address")
        if self._local(name):
            raise Refusal("this is the relay's own name: expected that of the relay that fetches")
        place = self._place()
        at = _at(str(details.get("at") or "")) or Via(place.name, place.https)
        if at.port is None:
            raise Refusal("this relay listens on no https port, where mail would be left and fetched: see [listen]")
        number, token = await self._exchange.holder.grant(name)
        return Line(str(Agreement(name, Box(at.host, at.port, number, place.pin), token)))

    async def _fetch(self, details: Mapping[str, Any]) -> Done:
        agreement = read_agreement(str(details.get("agreement", "")))
        if not self._local(agreement.name):
            raise Refusal(
                f"this agreement is for {agreement.name}, and this relay is {self._place().name}: "
                "ask the holder's keeper for one in that name"
            )
        holder = await self._exchange.collectors.add(agreement)
        return Done(holder, ["mail that is left there is fetched", "the relay's card names it now: give it out anew"])


def _at(text: str) -> Via | None:
    """Raises Refusal."""
    try:
        via = parse_via(text)
    except ValueError:
        raise Refusal("--at: expected a host and a port") from None
    if via is None:
        return None
    host = canonical(via.host)
    if host is None or via.port is None or not 0 < via.port < 65_536:
        raise Refusal("--at: expected a host and a port, such as relay.example.org:443")
    return Via(host, via.port)


def _answering(answer: Callable[[Mapping[str, Any]], Awaitable[Any]]) -> Question:
    async def question(details: Mapping[str, Any]) -> Any:
        try:
            return msgspec.to_builtins(await answer(details))
        except CardError as error:
            raise Refusal(str(error)) from None
        except StoreError as error:
            raise Refusal(f"the store did not take it: {error}") from None

    return question
