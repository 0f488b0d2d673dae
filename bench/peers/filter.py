"""The filter in the peer's path: an SMTP hop before Postfix's queue that lets encrypted mail pass, and nothing else.

What the reference relay does there: who wrote it is who sends it, and the OpenPGP packets say that it is encrypted. The
judgement is our relay's own (`mail.checks`), a cheap one, so that the peer is not slowed by a clumsy one; the hop is as
short as it can be in Python: one write of MAIL, every RCPT and DATA, the octets of the message as they came.

What other relays bring is judged as the reference does as well: encrypted, or a report of a failed delivery.

    python bench/peers/filter.py submitted|brought ADDRESS PORT NEXT_PORT USER

Started by root, it goes on as USER once it listens, and serves until it is told to stop. It speaks to Postfix only, on
loopback: who breaks the order of SMTP (RFC 5321) is cut off.
"""

import asyncio
import contextlib
import os
import pwd
import re
import signal
import sys
from collections.abc import Callable, Mapping

from angarium.mail.checks.encrypted import encrypted
from angarium.mail.checks.form import read
from angarium.mail.checks.report import report
from angarium.wire.message import Malformed
from angarium.wire.originator import from_address

LARGEST = 40_000_000
ADDRESS = re.compile(rb"<([^>]*)>")
OFFERED = b"250-filter\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 31457280\r\n"
NO_MESSAGE = "500 5.6.0 this is no message"
IN_CLEAR = "523 5.7.1 Encryption Needed: Invalid Unencrypted Mail"


Judge = Callable[[str, bytes], str]
"""Of a sender and a message: why it may not pass; "" where it may."""


def submitted(sender: str, message: bytes) -> str:
    """Judge what somebody here sends."""
    try:
        entity = read(message)
        if from_address(entity).lower() != sender.lower():
            return "500 5.7.1 From is not who sends"
    except (Malformed, ValueError):
        return NO_MESSAGE
    return "" if encrypted(entity).accepted else IN_CLEAR


def brought(_: str, message: bytes) -> str:
    """Judge what another relay brings."""
    try:
        entity = read(message)
    except Malformed:
        return NO_MESSAGE
    return "" if encrypted(entity).accepted or report(entity).accepted else IN_CLEAR


JUDGES: Mapping[str, Judge] = {each.__name__: each for each in (submitted, brought)}


class Hop:
    """Takes a message from Postfix, judges it, and hands it to Postfix's other door."""

    def __init__(self, judge: Judge, address: str, next_port: int) -> None:
        self._judge = judge
        self._address = address
        self._next_port = next_port

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await self._session(reader, writer)
        writer.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 filter ESMTP\r\n")
        envelope: list[bytes] = []
        while True:
            line = await reader.readuntil(b"\r\n")
            verb = line[:4].upper()
            if verb == b"QUIT":
                writer.write(b"221 2.0.0 Bye\r\n")
                return
            if verb == b"EHLO":
                writer.write(OFFERED)
            elif verb == b"DATA":
                writer.write(b"354 Go on\r\n")
                writer.write(await self._pass(envelope, await reader.readuntil(b"\r\n.\r\n")))
            else:
                if verb in (b"MAIL", b"RSET"):
                    envelope = []
                envelope += [line] if verb in (b"MAIL", b"RCPT") else []
                writer.write(b"250 2.0.0 Ok\r\n")

    async def _pass(self, envelope: list[bytes], data: bytes) -> bytes:
        """Judge and hand on; return the answer. The dots stay stuffed on the way."""
        sender = ADDRESS.search(envelope[0])
        assert sender
        message = data[:-3].replace(b"\r\n..", b"\r\n.").removeprefix(b".")
        if refusal := self._judge(sender[1].decode(), message):
            return refusal.encode() + b"\r\n"
        reader, writer = await asyncio.open_connection(self._address, self._next_port)
        try:
            await _reply(reader)
            writer.write(b"EHLO filter\r\n")
            await _reply(reader)
            writer.write(b"".join(envelope) + b"DATA\r\n")
            replies = [await _reply(reader) for _ in range(len(envelope) + 1)]
            if refused := next((reply for reply in replies if reply[:1] not in b"23"), None):
                return refused
            writer.write(data)
            answer = await _reply(reader)
            writer.write(b"QUIT\r\n")
            return answer
        finally:
            writer.close()


async def _reply(reader: asyncio.StreamReader) -> bytes:
    while (line := await reader.readuntil(b"\r\n"))[3:4] == b"-":
        pass
    return line


async def run(judge: Judge, address: str, port: int, next_port: int, user: str) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(
        Hop(judge, address, next_port).serve, address, port, limit=LARGEST, backlog=1000, reuse_address=True
    )
    account = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    await stop.wait()
    server.close()


def main() -> None:
    which, address, port, next_port, user = sys.argv[1:]
    serving = run(JUDGES[which], address, int(port), int(next_port), user)
    try:
        import uvloop
    except ImportError:
        asyncio.run(serving)
    else:
        uvloop.run(serving)


if __name__ == "__main__":
    main()
