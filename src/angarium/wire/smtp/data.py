"""The text after DATA: RFC 5321, 4.1.1.4 and 4.5.2.

The message ends at CRLF.CRLF and at nothing else. Where two servers disagree about that, a message can carry a second
one that the first server never saw (SMTP smuggling). So a bare CR or LF neither ends anything nor is mended: the
message is read to its true end and refused, and what follows is a command again.

A message that is too large is dropped as it comes. Work is linear in its size however it is cut into pieces.
"""

from angarium.wire.message import has_bare_newlines
from angarium.wire.smtp.replies import Reply
from angarium.wire.stream import NUL

__all__ = ["Data", "stuff"]

_END = b"\r\n.\r\n"
DOT = ord(".")

TOO_BIG = Reply(552, "5.3.4", "Message too big")
_BARE_LINE_END = Reply(554, "5.6.0", "Bare CR or LF in the message")
_HAS_NUL = Reply(554, "5.6.0", "NUL in the message")


class Data:
    """Reads one message of at most `limit` octets, counted without the dots added for transport (RFC 1870, 3)."""

    __slots__ = ("_held", "_limit", "_message", "dropped")

    dropped: int
    """Octets thrown away because the message is too big."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._message = bytearray()
        self._held = b"\r\n"  # the end of the DATA line: a dot right after it is at the start of a line too
        self.dropped = 0

    def receive(self, data: bytes) -> bytes | None:
        """Take the next bytes. Returns None until the end is reached, and then what came after it."""
        data = self._held + data
        end = data.find(_END) if DOT in data else -1  # in armour there is none, and one octet is sought faster
        if end >= 0:
            self._keep(data[: end + 2])
            return data[end + len(_END) :]
        held = _overlap(data)
        self._keep(data[: len(data) - held])
        self._held = data[len(data) - held :]
        return None

    def message(self) -> bytes:
        """The message without the dots added for transport; to be called once the end is reached and `refusal` None."""
        return bytes(memoryview(self._message)[2:])

    @property
    def refusal(self) -> Reply | None:
        """Why the message cannot be taken, once its end is reached."""
        if self.dropped:
            return TOO_BIG
        if has_bare_newlines(self._message):
            return _BARE_LINE_END
        return _HAS_NUL if NUL in self._message else None

    def _keep(self, data: bytes) -> None:
        """Append what can hold no part of the end. It never stops within CRLF and dot, so stuffing shows whole."""
        if not self.dropped:
            self._message += data.replace(b"\r\n.", b"\r\n") if DOT in data else data
            if len(self._message) <= self._limit + 2:
                return
            self.dropped = len(self._message)
            self._message = bytearray()
        else:
            self.dropped += len(data)


def stuff(message: bytes) -> bytes:
    """A message as a client sends it after DATA, the end included. A last line without an end is given one.

    Raises:
        ValueError: the message has a bare CR, a bare LF or a NUL.
    """
    if NUL in message or has_bare_newlines(message):
        raise ValueError("a message has lines that end in CRLF, and no NUL")
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    return (b"." if stuffed.startswith(b".") else b"") + stuffed + (b"" if _ends_line(stuffed) else b"\r\n") + b".\r\n"


def _ends_line(message: bytes) -> bool:
    return not message or message.endswith(b"\r\n")


def _overlap(data: bytes) -> int:
    """How many of the last bytes may be the beginning of the end."""
    return next((size for size in range(min(4, len(data)), 0, -1) if data.endswith(_END[:size])), 0)
