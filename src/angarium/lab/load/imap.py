"""What a device says to its mailbox, in the words of the apps (RFC 3501, 2177), as steps of a script.

Answers are taken whole: up to the tagged line for a command whose answer has no literals, literal by literal for a
FETCH. It takes the server's word for everything, and understands only what it asked for.
"""

import re

from angarium.lab.load.connection import Connection, Refused, Script

__all__ = ["Imap"]

PREFETCH = (
    b"(UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE X-MICROSOFT-ORIGINAL-MESSAGE-ID FROM IN-REPLY-TO "
    b"REFERENCES CHAT-VERSION AUTOCRYPT-SETUP-MESSAGE)])"
)
UID = re.compile(rb"UID (\d+)")
UIDNEXT = re.compile(rb"\[UIDNEXT (\d+)\]")
AT_ONCE = 500
"""Messages asked for in one FETCH."""


class Imap:
    """The commands, on one connection; `next` is the smallest UID not yet fetched."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._number = 0
        self.next = 1
        self.there = 1
        """UIDNEXT, as the last SELECT told it; more than `next` where anything new was announced since."""

    def greeting(self) -> Script[None]:
        """Wait to be greeted. Raises Refused."""
        if not (line := (yield _line)).startswith(b"* OK"):
            raise Refused(_text(line))

    def login(self, address: str, password: str) -> Script[None]:
        """Log in. Raises Refused."""
        yield from self.command(f'LOGIN "{address}" "{password}"'.encode())

    def select(self) -> Script[None]:
        """Open INBOX."""
        answer = yield from self.command(b'SELECT "INBOX"')
        if not (found := UIDNEXT.search(answer)):
            raise Refused("SELECT told no UIDNEXT")
        self.there = int(found[1])

    def idle(self) -> Script[None]:
        """Begin to IDLE. Raises Refused."""
        tag = self._send(b"IDLE")
        while not (line := (yield _line)).startswith(b"+"):
            if line.startswith(tag):
                raise Refused(_text(line))

    def announced(self) -> Script[None]:
        """In IDLE: wait until something is announced to exist."""
        yield _exists

    def done(self) -> Script[None]:
        """Leave IDLE."""
        self._connection.write(b"DONE\r\n")
        yield from self._answer(_Tagged(b"A%04d " % self._number))

    def prefetch(self) -> Script[list[int]]:
        """The headers of what is new: UIDs."""
        fetched = _Fetched(self._send(b"UID FETCH %d:%d %s" % (self.next, self.next + AT_ONCE - 1, PREFETCH)))
        yield from self._answer(fetched)
        uids = [uid for uid, _ in fetched.found if uid >= self.next]
        self.next = max(uids, default=self.next - 1) + 1
        self.there = self.next
        self._announced(announced=fetched.announced or len(uids) == AT_ONCE)
        return uids

    def bodies(self, uids: bytes) -> Script[list[bytes]]:
        """Whole messages."""
        fetched = _Fetched(self._send(b"UID FETCH %s (FLAGS BODY.PEEK[])" % uids))
        yield from self._answer(fetched)
        self._announced(announced=fetched.announced)
        return [message for _, message in fetched.found]

    def delete(self, uids: bytes) -> Script[None]:
        """Flag as deleted, expunge by CLOSE, and open INBOX again: what the apps do after every message."""
        yield from self.command(b"UID STORE %s +FLAGS (\\Deleted)" % uids)
        yield from self.command(b"CLOSE")
        yield from self.select()

    def seen(self, uids: bytes) -> Script[None]:
        """What the apps do with mail that other devices want too."""
        self._announced(announced=b" EXISTS\r\n" in (yield from self.command(b"UID STORE %s +FLAGS (\\Seen)" % uids)))

    def command(self, text: bytes) -> Script[bytes]:
        """A command whose answer has no literals. Raises Refused."""
        return (yield from self._answer(_Tagged(self._send(text))))

    def _announced(self, *, announced: bool) -> None:
        """What was announced outside IDLE is not announced in it again."""
        if announced:
            self.there = max(self.there, self.next + 1)

    def _send(self, text: bytes) -> bytes:
        self._number += 1
        tag = b"A%04d " % self._number
        self._connection.write(tag + text + b"\r\n")
        return tag

    def _answer(self, want: "_Tagged") -> Script[bytes]:
        answer = yield want
        if not answer.startswith(b"OK", want.at + len(want.tag)):
            raise Refused(_text(answer[want.at :]))
        return answer


class _Tagged:
    """An answer without literals is there when its tagged line is; `at`: where that begins."""

    def __init__(self, tag: bytes) -> None:
        self.tag = tag
        self.at = 0

    def __call__(self, buffer: bytes) -> int:
        if not buffer.startswith(self.tag):
            at = buffer.find(b"\r\n" + self.tag)
            if at < 0:
                return 0
            self.at = at + 2
        return buffer.find(b"\r\n", self.at) + 2 if buffer.endswith(b"\r\n") else 0


class _Fetched(_Tagged):
    """An answer to FETCH; `found`: a UID and a literal of each message, as far as it has arrived."""

    def __init__(self, tag: bytes) -> None:
        super().__init__(tag)
        self.found: list[tuple[int, bytes]] = []
        self.announced = False
        self._needed = 0

    def __call__(self, buffer: bytes) -> int:
        if len(buffer) < self._needed:
            return 0
        while (end := buffer.find(b"\r\n", self.at)) >= 0:
            if buffer.startswith(self.tag, self.at):
                return end + 2
            if buffer[end - 1] == 125:  # }
                size = int(buffer[buffer.rindex(b"{", self.at, end) + 1 : end - 1])
                self._needed = end + 2 + size
                if len(buffer) < self._needed:
                    return 0
                uid = UID.search(buffer, self.at, end)
                if uid is None:
                    raise Refused("a FETCH response does not begin with its UID")
                self.found.append((int(uid[1]), buffer[end + 2 : self._needed]))
                self.at = self._needed
            else:
                self.announced = self.announced or buffer[end - 7 : end] == b" EXISTS"
                self.at = end + 2
        return 0


def _line(buffer: bytes) -> int:
    return buffer.find(b"\r\n") + 2 if b"\r\n" in buffer else 0


def _exists(buffer: bytes) -> int:
    at = buffer.find(b" EXISTS\r\n")
    return at + 9 if at >= 0 else 0


def _text(line: bytes) -> str:
    return line.decode(errors="replace").strip()
