"""What this process wrote on the disk last, and what it means: so that it need not open again what it has just sealed.

A mailbox's state is looked at before each delivery and in it, a message's note when it is listed, flagged and expunged,
all within a second or two of being written. What is remembered counts only while the row on the disk is, byte for byte,
the one that was written: so nothing here can be stale, and what was changed on the disk is refused as ever.

Knows counters, UIDs and flags; no key, no body, and of a record only its sealed form. The memory of a relay that runs
holds the root key anyway, which opens the same on the disk.

Invariants:
* Only who writes adds and removes; anybody may look meanwhile.
* What is removed on the disk is removed here: no memory of a mailbox or a message outlives it. (What a transaction
  wrote that then failed matches nothing, and goes as the oldest.)
* Bounded in number and in size: of two that is one too many, the one written longer ago goes.
"""

from collections.abc import Iterable

from angarium.store.raw import RawBox, RawMessage
from angarium.store.rows import MailboxRow, MessageRow

__all__ = ["MOST", "Written"]

MOST = 1_024
"""Mailboxes, and as many messages: about a megabyte."""
_LONG = 512
"""Bytes of a state above which it is not worth its place."""


class Written:
    """See the file's head."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._boxes: dict[int, tuple[bytes, MailboxRow]] = {}
        self._messages: dict[int, tuple[RawMessage, MessageRow]] = {}

    def box(self, found: RawBox) -> MailboxRow | None:
        """What a mailbox's row says, if it is the one that was written last."""
        state, row = self._boxes.get(found.number, _NOTHING)
        return row if state == found.state and row is not None and row.title == found.title else None

    def message(self, found: RawMessage) -> MessageRow | None:
        """What a message's row says, if it is the one that was written last."""
        raw, row = self._messages.get(found.place, _NOTHING)
        return row if raw == found else None

    def put_box(self, row: MailboxRow, state: bytes) -> None:
        """A mailbox is about to be written."""
        self._boxes.pop(row.number, None)
        if len(state) <= _LONG:
            self._boxes[row.number] = state, row
            if len(self._boxes) > self._most:
                del self._boxes[next(iter(self._boxes))]

    def put_message(self, raw: RawMessage, row: MessageRow) -> None:
        """A message is about to be written."""
        self._messages.pop(raw.place, None)
        self._messages[raw.place] = raw, row
        if len(self._messages) > self._most:
            del self._messages[next(iter(self._messages))]

    def remove_box(self, number: int) -> None:
        """A mailbox is about to be removed."""
        self._boxes.pop(number, None)

    def remove_messages(self, places: Iterable[int]) -> None:
        """Messages are about to be removed."""
        for place in places:
            self._messages.pop(place, None)


_NOTHING = None, None
