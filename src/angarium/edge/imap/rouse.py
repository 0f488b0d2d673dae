"""How the app is made to come back at once when its connection ends early (`breath`).

It allows itself one connection a minute, and does not wait where something is to be done. Something is, by its own
rule, when it meets a message of its own that it knows: that is to be marked as seen. So, where the connection is about
to end, its question about what is new is answered by one row more: with the UID and the Message-ID of a message that it
has been given and destroys, and its own address as sender. It fetches nothing for that, shows nothing, marks nothing,
since what is to be destroyed is not marked, and destroys the UID once more (docs/decisions/breath.md).

Only a message that this client has destroyed, or was about to, is named: who keeps messages for other devices would
mark one as seen for all of them. And only to who asks in the app's words.
"""

from collections.abc import Container
from typing import TYPE_CHECKING, NamedTuple

from angarium.wire.imap import header
from angarium.wire.imap.entry import Entry
from angarium.wire.imap.fetch import pieces
from angarium.wire.imap.items import Item, Section

if TYPE_CHECKING:
    from angarium.edge.imap.session import Session

__all__ = ["Known", "Rouse", "asks_as_app"]

MESSAGE_ID = frozenset({b"message-id"})
NEEDED = frozenset({b"message-id", b"from", b"chat-version"})
"""What the app asks for of each new message, among others."""
LONGEST = 200
"""Octets of a Message-ID that is used."""


class Known(NamedTuple):
    """A message that a client knows."""

    uid: int
    field: bytes
    """Its Message-ID, as it stands in its header, and an empty line."""


class Rouse:
    """What is known for it, on one connection."""

    __slots__ = ("_address", "_given", "destroyed")

    def __init__(self, address: str, destroyed: Known | None) -> None:
        """`address`: what the client has logged in with; `destroyed`: as an earlier connection knew it."""
        self._address = address.encode()
        self._given: Known | None = None
        self.destroyed = destroyed
        """A message that the client knows and has destroyed, or will."""

    @property
    def knows(self) -> bool:
        """Whether there is a message that the client knows."""
        return self._given is not None or self.destroyed is not None

    def learn(self, uid: int, message: bytes) -> None:
        """The client has been given this message whole."""
        field = header.select(message, header.body_offset(message), MESSAGE_ID)
        if b"<" in field and len(field) <= LONGEST and b"@" in self._address:
            self._given = Known(uid, field)

    def destroys(self, uids: Container[int]) -> None:
        """The client is about to destroy these: what it was given last, if that is among them."""
        if self._given is not None and self._given.uid in uids:
            self.destroyed = self._given

    def ready(self, session: "Session") -> bool:
        """Whether there is a message to name."""
        if self._given is not None and session.selected.view.current(self._given.uid) is None:
            self.destroyed = self._given
        return self.destroyed is not None

    def row(self, session: "Session", items: tuple[Item, ...]) -> list[bytes]:
        """The row, for a question for these items; none where it is not the app's question, or nothing is known."""
        if not asks_as_app(items) or not self.ready(session):
            return []
        assert self.destroyed is not None
        message = b"From: <%b>\r\n%b" % (self._address, self.destroyed.field)
        entry = Entry(self.destroyed.uid, len(message), frozenset(), 0, 1)
        return pieces(session.selected.view.count + 1, entry, items, message)


def asks_as_app(items: tuple[Item, ...]) -> bool:
    """Whether this is how the app asks about what is new."""
    return any(isinstance(one, Section) and one.fields >= NEEDED for one in items)
