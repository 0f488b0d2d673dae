"""The floor under a measurement: a server that says what a relay says and does nothing.

It speaks to the bench's own clients over the relay's own TLS transport, in a process of its own: the same round trips,
the same bytes about, no parsing, no policy, no store. What a text takes through it is what the clients, the kernel and
TLS take; what it takes longer through the relay is the relay's own share.

Prints one JSON line when it listens, as `angarium up --json` does, and serves until it is told to stop.
"""

import asyncio
import json
import re
import signal
import ssl
import sys
import tempfile
from datetime import date
from pathlib import Path

from angarium.edge.listener import Door, Listener
from angarium.edge.settings import Limits, Listen
from angarium.reach.certificate import Certificates, SelfSigned
from angarium.reach.transport import Connection

ADDRESS = re.compile(rb"[<\"]([^<>\" ]+@[^<>\" ]+)[>\"]")


class Lines:
    """A connection read by lines."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._rest = b""

    async def until(self, end: bytes) -> bytes:
        """What comes up to and including `end`. Raises ConnectionError at the end of the stream."""
        while end not in self._rest:
            data = await self.connection.read()
            if not data:
                raise ConnectionError
            self._rest += data
        found, _, self._rest = self._rest.partition(end)
        return found + end


class Floor:
    """Mailboxes of one message each, in memory."""

    def __init__(self) -> None:
        self._idling: dict[bytes, tuple[Connection, list[bytes]]] = {}

    async def smtp(self, connection: Connection) -> None:
        """Submission: every command is fine, and a message goes to whoever was named last."""
        lines, to = Lines(connection), b""
        await connection.write(b"220 floor\r\n")
        while True:
            command = await lines.until(b"\r\n")
            if command.startswith(b"RCPT"):
                to = ADDRESS.findall(command)[0]
            if not command.startswith(b"DATA"):
                if not command.startswith((b"MAIL", b"RCPT")):
                    await connection.write(b"250 OK\r\n")
                continue
            await connection.write(b"250 OK\r\n250 OK\r\n354 Go on\r\n")
            message = (await lines.until(b"\r\n.\r\n"))[:-3]
            receiver, waiting = self._idling[to]
            waiting.append(message)
            await asyncio.gather(connection.write(b"250 OK\r\n"), receiver.write(b"* 1 EXISTS\r\n"))

    async def imap(self, connection: Connection) -> None:
        """IMAP: every command is fine; what waits is fetched as the message with the next UID."""
        lines, uid, waiting = Lines(connection), 1, list[bytes]()
        await connection.write(b"* OK floor\r\n")
        while True:
            line = await lines.until(b"\r\n")
            tag, _, command = line.partition(b" ")
            done = tag + b" OK Completed\r\n"
            if command.startswith(b"LOGIN"):
                self._idling[ADDRESS.findall(command)[0]] = connection, waiting
            elif command.startswith(b"SELECT"):
                done = b"* OK [UIDNEXT %d]\r\n%s" % (uid, done)
            elif command.startswith(b"IDLE"):
                await connection.write(b"+ idling\r\n")
                await lines.until(b"DONE\r\n")
            elif b"BODY.PEEK[]" in command:
                message = waiting.pop(0)
                done = b"* 1 FETCH (UID %d FLAGS () BODY[] {%d}\r\n%s)\r\n%s" % (uid, len(message), message, done)
                uid += 1
            elif b"HEADER.FIELDS" in command and waiting:
                head = waiting[0].partition(b"\r\n\r\n")[0][:300]
                done = b"* 1 FETCH (UID %d BODY[HEADER.FIELDS (X)] {%d}\r\n%s)\r\n%s" % (uid, len(head), head, done)
            await connection.write(done)


async def serve(directory: Path) -> None:
    own = SelfSigned(directory, ["127.0.0.1"], today=date.today)
    own.renew()
    certificates = Certificates(own.cert, own.key)
    floor = Floor()
    sessions = {"imaps": floor.imap, "submissions": floor.smtp}

    async def session(door: Door, connection: Connection) -> None:
        await sessions[door.name](connection)

    def tls(door: Door) -> ssl.SSLContext:
        return certificates.context()

    listener = Listener(Limits(), session, tls)
    listen = Listen(addresses=["127.0.0.1"], ports="any", imap=-1, submission=-1, https=-1, http=-1, smtp=-1)
    doors = [{"name": door.name, "address": door.address, "port": door.port} for door in await listener.bind(listen)]
    sys.stdout.write(json.dumps({"invitation": "", "page": "", "listening": doors}) + "\n")
    sys.stdout.flush()
    await listener.run()


async def until_stopped(directory: Path) -> None:
    serving = asyncio.ensure_future(serve(directory))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
    await asyncio.wait([serving])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        try:
            import uvloop
        except ImportError:
            asyncio.run(until_stopped(Path(made)))
        else:
            uvloop.run(until_stopped(Path(made)))
