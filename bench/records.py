"""What somebody on the way reads of the first TLS records of the proxy: their sizes, which say that TLS begins inside.

`python -m bench.records [COUNT]` starts a relay as its keeper does, and lets COUNT clients (200) in through its HTTPS
proxy to the IMAP door, up to a failed login, past an observer who sees record lengths and nothing else. It prints, for
the first records each way, the smallest, the median and the largest length, and what two simple judges find, who have
seen one such connection and look for it in the others:

* *by record*: is the longest record of the first answer as long as in the one they know, to 16 octets?
* *by flight*: are the octets of the first answer, in however many records, as many, to 16 octets, to 64, to 5 %?

The first answer is what the relay says between the client's first and second words inside the tunnel: the inner
handshake of the server, with its certificate.
"""

import argparse
import asyncio
import base64
import contextlib
import ssl
import statistics
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from angarium.apps.check.throwaway import OPTIONS, relay
from angarium.edge.control import ask

NAME = "_relay.localhost"
HEAD = 5
HANDSHAKE, CHANGE = 22, 20
SHOWN = 14

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Seen:
    """One connection: the lengths of records of application data, those of the relay as negative numbers."""

    records: list[int] = field(default_factory=list)

    def answer(self) -> list[int]:
        """The records of the first answer inside the tunnel: behind the second word of the client (the first asks for
        the tunnel) up to his third."""
        words, found = 0, []
        before = -1
        for size in self.records:
            words += size > 0 and before <= 0
            before = size
            if words == self.begins and size < 0:
                found.append(-size)
        return found

    begins = 2
    """The end of the outer handshake with CONNECT, and the inner hello."""


@contextlib.asynccontextmanager
async def observed(port: int, seen: list[Seen]) -> AsyncIterator[int]:
    """A port that leads to another one, past somebody who notes the lengths of records."""

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        one = Seen()
        seen.append(one)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await asyncio.gather(note(reader, far_writer, one, 1), note(far_reader, writer, one, -1))

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, one: Seen, sign: int) -> None:
        try:
            while True:
                head = await reader.readexactly(HEAD)
                body = await reader.readexactly(int.from_bytes(head[3:]))
                if head[0] not in (HANDSHAKE, CHANGE):
                    one.records.append(sign * len(body))
                writer.write(head + body)
                await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(lead, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def visit(port: int, pair: str) -> None:
    """Come in as an app does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting())
    shown, goal = base64.b64encode(pair.encode()).decode(), f"{NAME}:993"
    writer.write(f"CONNECT {goal} HTTP/1.1\r\nHost: {goal}\r\nProxy-Authorization: Basic {shown}\r\n\r\n".encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    await writer.start_tls(trusting(), server_hostname=NAME)
    await reader.readline()
    writer.write(b'A1 LOGIN "a@b" "c"\r\n')
    await reader.readline()
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def found(seen: list[Seen], value: Callable[[list[int]], int], octets: int, part: float = 0) -> str:
    """In which part of the others the value is as that of one, to so many octets or that part of it, each in turn."""
    values = [value(one.answer()) for one in seen]
    pairs = [(one, other) for at, one in enumerate(values) for number, other in enumerate(values) if at != number]
    near = sum(abs(one - other) <= max(octets, part * one) for one, other in pairs)
    return f"{near / len(pairs):.1%}"


async def measure(count: int) -> None:
    seen: list[Seen] = []
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "data"
        async with relay(data, (*OPTIONS, "--domain", NAME)) as up, observed(up.port("https"), seen) as port:
            issued = msgspec.convert(await ask(data / "control", "proxy-new"), dict)
            pair = issued["link"].removeprefix("https://").partition("@")[0]
            for _ in range(count):
                await visit(port, pair)
    for at in range(SHOWN):
        sizes = [one.records[at] for one in seen if len(one.records) > at]
        ways = {"client" if size > 0 else "relay" for size in sizes}
        lengths = sorted(abs(size) for size in sizes)
        if lengths:
            middle = statistics.median_low(lengths)
            print(f"record {at + 1:2}  {'/'.join(sorted(ways)):13} {lengths[0]:5} {middle:5} {lengths[-1]:5}")
    print(f"first answer: {statistics.median(len(one.answer()) for one in seen):.0f} records")
    print(f"by record, to 16 octets: {found(seen, max, 16)}")
    print(f"by flight, to 16 octets: {found(seen, sum, 16)}, to 64: {found(seen, sum, 64)}")
    print(f"by flight, to 5 %: {found(seen, sum, 0, 0.05)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=200)
    asyncio.run(measure(parser.parse_args().count))


if __name__ == "__main__":
    main()
