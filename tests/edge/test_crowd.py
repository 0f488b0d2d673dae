"""Ten thousand who connect and say nothing, and somebody who comes after them and is served at once.

Server and crowd are processes of their own, each with as many descriptors as the system gives.
"""

import subprocess
import sys
import textwrap
from contextlib import ExitStack
from pathlib import Path

import pytest

pytestmark = pytest.mark.alone

SERVER = """
    import asyncio, datetime, sys
    from pathlib import Path
    from angarium.edge.listener import Listener
    from angarium.edge.settings import Limits, Listen
    from angarium.reach.certificate import Certificates, SelfSigned

    async def count(door, connection):
        while await connection.read(timeout=60):
            await connection.write(b"%d\\n" % listener.connections)

    async def main():
        global listener
        own = SelfSigned(Path(sys.argv[1]), ["localhost"], today=lambda: datetime.date(2026, 1, 1))
        own.renew()
        certificates = Certificates(own.cert, own.key)
        listener = Listener(Limits(handshake_seconds=60), count, lambda door: certificates.context())
        doors = await listener.bind(
            Listen(addresses=["127.0.0.1"], ports="any", submissions=-1, submission=-1, https=-1, http=-1, smtp=-1)
        )
        print(*(door.port for door in doors), flush=True)
        await listener.run()

    asyncio.run(main())
"""

CROWD = """
    import resource, socket, ssl, struct, sys, time

    tls_port, clear_port = map(int, sys.argv[1:])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    size = 10_000 if hard == resource.RLIM_INFINITY else min(10_000, hard - 500)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def come(port):
        one = socket.create_connection(("127.0.0.1", port), 20)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return one

    crowd = [context.wrap_socket(come(tls_port)) for _ in range(size // 20)]
    while len(crowd) < size:
        crowd.append(come(tls_port if len(crowd) % 2 else clear_port))

    slowest = 0.0
    for _ in range(10):
        started = time.monotonic()
        with context.wrap_socket(come(tls_port)) as fresh:
            fresh.sendall(b"how many?")
            there = int(fresh.recv(100))
        slowest = max(slowest, time.monotonic() - started)
    print(size, there, slowest)
"""


def command(program: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]


def test_a_newcomer_is_served_among_ten_thousand_who_idle(tmp_path: Path) -> None:
    with ExitStack() as running:
        server = running.enter_context(subprocess.Popen(command(SERVER, tmp_path), stdout=subprocess.PIPE, text=True))
        running.callback(server.kill)
        assert server.stdout
        ports = server.stdout.readline().split()
        crowd = subprocess.run(command(CROWD, *ports), capture_output=True, text=True, timeout=60, check=False)
    assert crowd.returncode == 0, crowd.stderr
    size, there, slowest = crowd.stdout.split()
    assert int(there) > int(size), "all of them are still there, and the newcomer"
    assert float(slowest) < 2
