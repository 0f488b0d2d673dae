"""One attempt by the third road: a parcel left with the holder that the other relay's card names.

Taken once the holder has it durably. What the other relay thinks of it comes back later, as a report, by the same road
or another. The road is there for relays whose card is known and names a box; for all others there is none.
"""

import asyncio

from angarium.mail.federation.box import BoxClient
from angarium.mail.federation.cards import Cards
from angarium.mail.federation.consignment import LEFT, Consignment, Unreachable
from angarium.mail.federation.via import Via
from angarium.mail.verdict import Verdict
from angarium.reach.envelope import Envelope
from angarium.reach.resolver import NoSuchName
from angarium.wire.parcel import Contents, ParcelError

__all__ = ["BoxRoad"]

LARGE = 262_144
"""Messages above this are sealed in a thread."""

_NO_PARCEL = Verdict.reject(554, "5.6.0", "the message cannot be put into a parcel")


class BoxRoad:
    """See `Road`."""

    def __init__(self, cards: Cards, envelope: Envelope, client: BoxClient) -> None:
        self._cards = cards
        self._envelope = envelope
        self._client = client

    async def carry(self, destination: str, via: Via | None, consignment: Consignment) -> list[Verdict]:
        """See `Road.carry`. `via` is not looked at: where the holder is stands on the card."""
        card = self._cards.of(destination)
        if card is None or not card.boxes:
            raise NoSuchName
        contents = Contents(consignment.sender, consignment.recipients, consignment.message)
        try:
            if len(consignment.message) <= LARGE:
                parcel = self._envelope.seal(card.key, contents)
            else:
                parcel = await asyncio.to_thread(self._envelope.seal, card.key, contents)
        except ParcelError:
            return [_NO_PARCEL] * len(consignment.recipients)
        failures: list[Unreachable] = []
        for box in card.boxes:
            try:
                verdict = await self._client.leave(box, parcel)
                return [LEFT if verdict.accepted else verdict] * len(consignment.recipients)
            except Unreachable as failure:
                failures.append(failure)
        raise Unreachable("; ".join(dict.fromkeys(map(str, failures))), failures[0].fault)
