"""What a sender says, in the words of the apps (RFC 5321, 2920, 4954), as steps of a script."""

import base64
from collections.abc import Sequence

from angarium.lab.load.connection import Connection, Refused, Script

__all__ = ["Smtp", "envelope"]


class Smtp:
    """The commands, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def login(self, address: str, password: str) -> Script[None]:
        """Wait to be greeted, say hello and log in. Raises Refused."""
        _require((yield _Replies(1)))
        self._connection.write(b"EHLO [127.0.0.1]\r\n")
        _require((yield _Replies(1)))
        self._connection.write(b"AUTH PLAIN " + base64.b64encode(f"\0{address}\0{password}".encode()) + b"\r\n")
        _require((yield _Replies(1)))

    def send(self, envelope: bytes, message: bytes) -> Script[None]:
        """Submit a message; go on when the server has taken it (250). Raises Refused: nothing was taken.

        As the apps do: MAIL, every RCPT and DATA in one write. The message has the dot at its end.
        """
        self._connection.write(envelope)
        replies = _Replies(envelope.count(b"\r\n"))
        answer = yield replies
        for line in answer.split(b"\r\n")[:-1]:
            if line[:1] not in (b"2", b"3"):
                if b"\r\n354" in answer:
                    self._connection.write(b".\r\n")
                    yield _Replies(1)
                raise Refused(line.decode(errors="replace"))
        self._connection.write(message)
        _require((yield _Replies(1)))


def envelope(sender: str, recipients: Sequence[str]) -> bytes:
    """What comes before the message."""
    commands = [f"MAIL FROM:<{sender}> BODY=8BITMIME SMTPUTF8", *(f"RCPT TO:<{to}>" for to in recipients), "DATA"]
    return ("\r\n".join(commands) + "\r\n").encode()


class _Replies:
    """So many replies, of which each may have several lines."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._at = 0

    def __call__(self, buffer: bytes) -> int:
        while (end := buffer.find(b"\r\n", self._at)) >= 0:
            self._left -= buffer[self._at + 3 : self._at + 4] != b"-"
            self._at = end + 2
            if not self._left:
                return self._at
        return 0


def _require(answer: bytes) -> None:
    if not answer.startswith(b"2"):
        raise Refused(answer.decode(errors="replace").strip())
