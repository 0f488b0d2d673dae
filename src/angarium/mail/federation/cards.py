"""The cards of other relays, as their keepers gave them: whose envelope key is whose, and where mail may be left.

At hand in memory, so that asking costs nothing; kept as papers in the store. A key stands on one card only: it is what
the sender of a parcel is known by.
"""

from angarium.store.boxes import Papers
from angarium.wire.card import Card, CardError, read_card

__all__ = ["Cards"]

KIND = "card"


class Cards:
    """All cards this relay was given. `load` comes first."""

    def __init__(self, papers: Papers) -> None:
        self._papers = papers
        self._cards: dict[str, Card] = {}
        self.added = 0
        """How many were added since the process began: who waits for one looks whether this has grown."""

    async def load(self) -> None:
        """Read what there is. Raises StoreError."""
        for name, content in (await self._papers.all(KIND)).items():
            self._cards[name] = read_card(content.decode())

    def all(self) -> list[Card]:
        """All of them, in order of name."""
        return sorted(self._cards.values(), key=lambda card: card.name)

    def of(self, name: str) -> Card | None:
        """The card of a relay: a domain in lower case, or an IP address without brackets."""
        return self._cards.get(name)

    def whose(self, key: bytes) -> str | None:
        """The relay that has this envelope key."""
        return next((card.name for card in self._cards.values() if card.key == key), None)

    async def add(self, card: Card) -> None:
        """Remember a card, in the place of that relay's last one.

        Raises:
            CardError: another relay's card has that key.
            StoreError: it cannot be kept.
        """
        holder = self.whose(card.key)
        if holder not in (None, card.name):
            raise CardError(f"the key on this card is that of {holder}")
        await self._papers.put(KIND, card.name, str(card).encode())
        self._cards[card.name] = card
        self.added += 1

    async def remove(self, name: str) -> bool:
        """Forget a card; False: there was none. Raises StoreError."""
        if name not in self._cards:
            return False
        await self._papers.put(KIND, name, None)
        del self._cards[name]
        return True
