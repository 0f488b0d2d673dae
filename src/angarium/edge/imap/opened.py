"""Messages opened for their headers, until they are fetched whole.

The apps ask for a few header fields of all that is new, and a moment later for the whole of it. What the first question
opened is given to the second; so each message is looked up and unsealed once.

Invariants:
* Nothing stays beyond its session and its mailbox, nor after the message is expunged, nor while the session is in IDLE.
* What was given whole is not kept. What is kept is bounded, in bytes and in number; who comes when it is full is not
  kept: the apps fetch in the order in which they asked.
"""

__all__ = ["BYTES", "MANY", "Opened"]

BYTES = 65_536
"""Bytes kept in one session: twenty texts."""
MANY = 64
"""Messages kept in one session."""


class Opened:
    """See the file's head. Takes next to no room while it is empty."""

    __slots__ = ("_messages", "_room")

    def __init__(self) -> None:
        self._messages: dict[int, bytes] | None = None
        self._room = BYTES

    def keep(self, uid: int, message: bytes) -> None:
        """Keep a message, if there is room."""
        if len(message) > self._room:
            return
        if self._messages is None:
            self._messages = {}
        if len(self._messages) < MANY and uid not in self._messages:
            self._messages[uid] = message
            self._room -= len(message)

    def take(self, uid: int) -> bytes | None:
        """A message that was kept; it is kept no longer."""
        if self._messages is None:
            return None
        message = self._messages.pop(uid, None)
        if message is not None:
            self._room += len(message)
            if not self._messages:
                self._messages = None
        return message

    def forget(self) -> None:
        """Keep nothing any more."""
        self._messages = None
        self._room = BYTES
