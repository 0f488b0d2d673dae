"""Bare IMAP and submission clients: they say what the apps say, byte for byte, and measure nothing themselves.

For load and for tests that must see what is on the wire. They trust any certificate, take the server's word for
everything and understand only what they asked for; a server's refusal is `Refused`, a connection that ends is
`ConnectionError`. Commands: docs/standards (RFC 3501, 2177; RFC 5321, 4954).
"""

import asyncio
import base64
import re
import ssl
from collections.abc import Sequence
from functools import cache
from typing import Self

__all__ = ["Imap", "Refused", "Submission"]

LINE = 64 << 20
LITERAL = re.compile(rb"\{(\d+)\}\r\n$")
EXISTS = re.compile(rb"\* \d+ EXISTS")
UID = re.compile(rb"UID (\d+)")
UIDNEXT = re.compile(rb"\[UIDNEXT (\d+)\]")
PREFETCH = (
    "MESSAGE-ID DATE X-MICROSOFT-ORIGINAL-MESSAGE-ID FROM IN-REPLY-TO REFERENCES CHAT-VERSION AUTOCRYPT-SETUP-MESSAGE"
)


class Refused(Exception):
    """The server said no; the text is the server's line."""


class _Client:
    """A connection over TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, host: str, port: int, *, source: str | None = None) -> Self:
        """Connect over TLS, from a given address of this machine, and read the greeting.

        Raises:
            ConnectionError: it could not, or was not let in.
        """
        try:
            local = None if source is None else (source, 0)
            client = cls(*await asyncio.open_connection(host, port, ssl=_trusting(), limit=LINE, local_addr=local))
        except ssl.SSLError as error:
            raise ConnectionError(str(error)) from None
        await client._greeting()
        return client

    async def _greeting(self) -> None:
        raise NotImplementedError

    async def _line(self) -> bytes:
        try:
            line = await self._reader.readline()
        except ssl.SSLError as error:
            raise ConnectionError(str(error)) from None
        if not line.endswith(b"\n"):
            raise ConnectionError("the server ended the connection")
        return line

    def abort(self) -> None:
        """Go away without a word, as the apps do."""
        self._writer.transport.abort()


class Imap(_Client):
    """One device of an account."""

    _tag = 0
    _next = 1
    """The smallest UID not yet fetched."""
    more = False
    """Whether the last SELECT told of messages not yet fetched, so that IDLE would not announce them again."""

    async def _greeting(self) -> None:
        await self._line()

    async def login(self, address: str, password: str) -> None:
        """Log in. Raises Refused."""
        await self.command(f'LOGIN "{address}" "{password}"')

    async def select(self, *, everything: bool = False) -> None:
        """Open INBOX; what is there already is not new, unless everything is asked for."""
        self._next = there = await self._select()
        if everything:
            found = [line.split()[2:] for line in await self.command("UID SEARCH ALL") if line.startswith(b"* SEARCH")]
            self._next = min(map(int, found[0]), default=there)
        self.more = self._next < there

    async def idle(self) -> None:
        """Wait until the server announces something that exists; then leave IDLE."""
        tag = self._send("IDLE")
        while not (await self._response()).startswith(b"+"):
            pass
        while not EXISTS.match(await self._response()):
            pass
        self._writer.write(b"DONE\r\n")
        await self._finish(tag)

    async def fetch_new(self) -> list[tuple[int, bytes]]:
        """Fetch what is new as the apps do, first headers and then the whole: (UID, message)."""
        asked = f"{self._next}:{self._next + 499}"
        uids = _uids(await self.command(f"UID FETCH {asked} (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS ({PREFETCH})])"))
        new = [uid for uid in uids if uid >= self._next]
        if not new:
            return []
        self._next = max(new) + 1
        return await self.fetch(new)

    async def fetch(self, uids: Sequence[int]) -> list[tuple[int, bytes]]:
        """Fetch whole messages: (UID, message)."""
        fetched = await self.command(f"UID FETCH {_set(uids)} (FLAGS BODY.PEEK[])")
        return [(uid, _literal(line)) for line in fetched for uid in _uids([line])]

    async def delete(self, uids: Sequence[int]) -> None:
        """Flag as deleted, expunge by CLOSE, and open INBOX again: what the apps do after every message."""
        await self.command(f"UID STORE {_set(uids)} +FLAGS (\\Deleted)")
        await self.command("CLOSE")
        self.more = await self._select() > self._next

    async def _select(self) -> int:
        """Open INBOX; return its UIDNEXT."""
        found = [match for line in await self.command('SELECT "INBOX"') if (match := UIDNEXT.search(line))]
        return int(found[0][1])

    async def command(self, text: str) -> list[bytes]:
        """Send a command; return its untagged responses, literals and all. Raises Refused."""
        return await self._finish(self._send(text))

    def _send(self, text: str) -> bytes:
        self._tag += 1
        tag = b"A%04d" % self._tag
        self._writer.write(tag + b" " + text.encode() + b"\r\n")
        return tag

    async def _finish(self, tag: bytes) -> list[bytes]:
        responses = []
        while not (line := await self._response()).startswith(tag + b" "):
            responses.append(line)
        if not line.startswith(tag + b" OK"):
            raise Refused(line.decode(errors="replace").strip())
        return responses

    async def _response(self) -> bytes:
        response = await self._line()
        while literal := LITERAL.search(response):
            try:
                response += await self._reader.readexactly(int(literal[1])) + await self._line()
            except asyncio.IncompleteReadError:
                raise ConnectionError("the server ended the connection") from None
        return response


class Submission(_Client):
    """One sender."""

    async def _greeting(self) -> None:
        await self._reply()

    async def login(self, address: str, password: str) -> None:
        """Say hello and log in. Raises Refused."""
        await self._ask(b"EHLO [127.0.0.1]")
        plain = base64.b64encode(f"\0{address}\0{password}".encode())
        await self._ask(b"AUTH PLAIN " + plain)

    async def send(self, sender: str, recipients: Sequence[str], message: bytes) -> None:
        """Submit a message; return when the server has taken it (250). Raises Refused, then nothing was taken.

        As the apps do: MAIL, every RCPT and DATA in one write (RFC 2920). If the connection ends, whether the message
        was taken is not known.
        """
        commands = [f"MAIL FROM:<{sender}> BODY=8BITMIME SMTPUTF8", *(f"RCPT TO:<{to}>" for to in recipients), "DATA"]
        self._writer.write(("\r\n".join(commands) + "\r\n").encode())
        replies = [await self._reply() for _ in commands]
        if refused := next((reply for reply in replies if reply[:1] not in (b"2", b"3")), None):
            if replies[-1].startswith(b"354"):
                await self._ask(b".")
            raise Refused(refused.decode(errors="replace").strip())
        self._writer.write(_stuffed(message) + b".\r\n")
        await self._writer.drain()
        await self._require()

    async def _ask(self, line: bytes) -> None:
        self._writer.write(line + b"\r\n")
        await self._require()

    async def _require(self) -> None:
        reply = await self._reply()
        if not reply.startswith(b"2"):
            raise Refused(reply.decode(errors="replace").strip())

    async def _reply(self) -> bytes:
        while (line := await self._line())[3:4] == b"-":
            pass
        return line


@cache
def _trusting() -> ssl.SSLContext:
    """Made once, and without the authorities of this machine: reading them takes longer than a login."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _set(uids: Sequence[int]) -> str:
    return ",".join(map(str, uids))


def _uids(responses: Sequence[bytes]) -> list[int]:
    return [int(found[1]) for line in responses if b" FETCH (" in line[:32] and (found := UID.search(line[:200]))]


def _literal(response: bytes) -> bytes:
    head, _, rest = response.partition(b"}\r\n")
    return rest[: int(head.rpartition(b"{")[2])]


def _stuffed(message: bytes) -> bytes:
    """RFC 5321, 4.5.2: a line that begins with a dot gets another."""
    assert message.endswith(b"\r\n")
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if message.startswith(b".") else stuffed
