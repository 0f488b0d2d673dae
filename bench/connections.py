"""What a held connection costs: KiB of the server's memory for each idle TLS connection.

`python bench/connections.py [COUNT] [--clear] [--uvloop]` starts a server in a process of its own (the relay's listener
and transport, and a session that reads), connects COUNT clients (2,000) that then say nothing, and prints how much the
server grew: private memory from /proc, per connection, before and after a word was exchanged with every client.
"""

import argparse
import asyncio
import datetime
import resource
import socket
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from angarium.edge.listener import Door, Listener
from angarium.edge.settings import Limits, Listen
from angarium.reach.certificate import Certificates, SelfSigned
from angarium.reach.transport import Connection

IDLE_SECONDS = 1860


async def echo(door: Door, connection: Connection) -> None:
    """A session of the least there can be."""
    while data := await connection.read(timeout=IDLE_SECONDS):
        await connection.write(data, timeout=120)


async def serve(directory: Path, *, clear: bool) -> None:
    """Listen at one door, print its port, and serve until killed."""
    own = SelfSigned(directory, ["localhost"], today=lambda: datetime.datetime.now(datetime.UTC).date())
    own.renew()
    certificates = Certificates(own.cert, own.key)
    off: dict[str, Any] = {
        "imaps": -1,
        "imap": -1,
        "submissions": -1,
        "submission": -1,
        "https": -1,
        "http": -1,
        "smtp": -1,
    }
    listen = Listen(addresses=["127.0.0.1"], ports="any", **{**off, "imap" if clear else "imaps": 0})
    listener = Listener(Limits(connections=100_000), echo, lambda door: certificates.context("imap"))
    doors = await listener.bind(listen)
    print(doors[0].port, flush=True)
    await listener.run()


def private_kib(pid: int) -> int:
    """Memory of a process that it shares with nobody."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_"))


def connect(port: int, context: ssl.SSLContext | None) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port))
    return context.wrap_socket(client) if context else client


def speak(client: socket.socket) -> None:
    client.sendall(b"a NOOP\r\n")
    assert client.recv(100) == b"a NOOP\r\n"


def measure(count: int, *, clear: bool, uvloop: bool) -> None:
    """Start a server, connect, and print."""
    context = None
    if not clear:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    with tempfile.TemporaryDirectory() as directory:
        options = ["--serve", directory, *["--clear"] * clear, *["--uvloop"] * uvloop]
        with subprocess.Popen([sys.executable, __file__, *options], stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout
            port = int(server.stdout.readline())
            warm = [connect(port, context) for _ in range(20)]
            for client in warm:
                speak(client)
            before = private_kib(server.pid)
            clients = [connect(port, context) for _ in range(count)]
            speak(clients[-1])
            connected = private_kib(server.pid)
            for client in clients:
                speak(client)
            spoken = private_kib(server.pid)
            server.kill()
    kind = f"{'in clear' if clear else 'TLS'}, {'uvloop' if uvloop else 'asyncio'}, {ssl.OPENSSL_VERSION.split(' ')[1]}"
    print(f"{count} connections ({kind}): {(connected - before) / count:.1f} KiB each when connected,", end=" ")
    print(f"{(spoken - before) / count:.1f} KiB after a word each")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=2000)
    parser.add_argument("--clear", action="store_true")
    parser.add_argument("--uvloop", action="store_true")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.serve:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        measure(arguments.count, clear=arguments.clear, uvloop=arguments.uvloop)
        return
    serving = serve(arguments.serve, clear=arguments.clear)
    if arguments.uvloop:
        import uvloop

        uvloop.run(serving)
    else:
        asyncio.run(serving)


if __name__ == "__main__":
    main()
