"""What somebody who comes in by the proxy costs the relay, beside somebody who comes in directly.

`python -m bench.tunnels [COUNT]` starts a relay as its keeper does and connects COUNT clients (500) to the IMAP door;
then another, with COUNT clients that come to that door through the proxy, with TLS inside TLS. It prints how much the
relay grew for each: private memory from /proc, after the greeting, and open file descriptors.
"""

import argparse
import asyncio
import base64
import os
import resource
import ssl
import sys
import tempfile
from pathlib import Path

import msgspec

from angarium.apps.check.throwaway import OPTIONS, relay
from angarium.edge.control import ask
from bench.connections import private_kib

NAME = "_relay.localhost"
AT_ONCE = 16

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def direct(port: int) -> Streams:
    """A client that has been greeted."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting())
    await reader.readline()
    return reader, writer


async def tunnelled(port: int, pair: str) -> Streams:
    """The same, through the proxy."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting())
    shown = base64.b64encode(pair.encode()).decode()
    goal = f"{NAME}:993"
    writer.write(f"CONNECT {goal} HTTP/1.1\r\nHost: {goal}\r\nProxy-Authorization: Basic {shown}\r\n\r\n".encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    await writer.start_tls(trusting(), server_hostname=NAME)
    await reader.readline()
    return reader, writer


def held(process: int) -> tuple[float, int]:
    return private_kib(process), len(os.listdir(f"/proc/{process}/fd"))


async def measure(count: int, *, proxied: bool) -> None:
    """Start a relay, connect, and print."""
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "relay"
        async with relay(data, (*OPTIONS, "--domain", NAME, "--acme", "")) as up:
            made = msgspec.convert(await ask(data / "control", "proxy-new"), dict[str, str])
            pair = made["link"].removeprefix("https://").partition("@")[0]
            turn = asyncio.Semaphore(AT_ONCE)

            async def one() -> Streams:
                async with turn:
                    return await (tunnelled(up.port("https"), pair) if proxied else direct(up.port("imaps")))

            kept = [await one() for _ in range(20)]
            memory, descriptors = held(up.process.pid)
            kept += await asyncio.gather(*(one() for _ in range(count)))
            more, opened = held(up.process.pid)
            way = "through the proxy" if proxied else "directly"
            each = f"{(more - memory) / count:.1f} KiB and {(opened - descriptors) / count:.1f} file descriptors each"
            sys.stdout.write(f"{count} {way}: {each}\n")
            for _, writer in kept:
                writer.transport.abort()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=500)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = parser.parse_args().count
    for proxied in (False, True):
        asyncio.run(measure(count, proxied=proxied))


if __name__ == "__main__":
    main()
