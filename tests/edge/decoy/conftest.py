"""Debian's nginx and the decoy, on the same folder with the same certificate."""

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import trustme

from angarium.edge.decoy import hello
from angarium.edge.decoy.bare import bare
from angarium.edge.decoy.folder import Folder
from angarium.edge.decoy.moved import moved
from angarium.edge.decoy.prompt import Decoy
from angarium.edge.decoy.request import Head
from angarium.edge.decoy.session import HEAD_SECONDS, greet, serve_decoy
from angarium.edge.decoy.upstream import Upstream
from angarium.edge.listener import Door, Listener
from angarium.edge.pages.exchange import Request
from angarium.edge.settings import Limits, Listen
from angarium.edge.threshold import Begins
from angarium.reach.disguise import disguise
from angarium.reach.transport import Connection
from tests.edge.decoy.elsewhere import serving
from tests.edge.decoy.probes import CHANGED, FILES

CONFIGURATION = """
daemon off; master_process off; pid {here}/pid; error_log {here}/errors;
events {{ worker_connections 768; }}
http {{
    sendfile on; tcp_nopush on; types_hash_max_size 2048; include /etc/nginx/mime.types;
    default_type application/octet-stream;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on; access_log off; gzip on;
    client_body_temp_path {here}/a; proxy_temp_path {here}/b; fastcgi_temp_path {here}/c; uwsgi_temp_path {here}/d;
    scgi_temp_path {here}/e;
    server {{
        listen 127.0.0.1:{https} ssl; root {root}; index index.html index.htm index.nginx-debian.html; server_name _;
        ssl_certificate {here}/cert; ssl_certificate_key {here}/key;
        location / {{ try_files $uri $uri/ =404; }}
    }}
    server {{
        listen 127.0.0.1:{empty} ssl; root {here}/none; index index.html index.htm index.nginx-debian.html;
        server_name _; ssl_certificate {here}/cert; ssl_certificate_key {here}/key;
        location / {{ try_files $uri $uri/ =404; }}
    }}
    server {{
        listen 127.0.0.1:{onward} ssl; server_name _; ssl_certificate {here}/cert; ssl_certificate_key {here}/key;
        location / {{ proxy_pass http://127.0.0.1:{site}; proxy_read_timeout 1s; }}
    }}
    server {{ listen 127.0.0.1:{http}; server_name site.example; return 301 https://$host$request_uri; }}
}}
"""
"""As Debian ships it, but for the places of files, and TLS as its comments suggest."""


@dataclass(frozen=True)
class Ports:
    """Where both listen, on loopback."""

    https: int
    http: int
    onward: int
    empty: int


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that both serve."""
    root = tmp_path_factory.mktemp("site")
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (CHANGED, CHANGED))
    return root


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with `cert` and `key`."""
    here = tmp_path_factory.mktemp("pair")
    made = trustme.CA(key_type=trustme.KeyType.ECDSA).issue_cert("site.example", key_type=trustme.KeyType.ECDSA)
    made.private_key_pem.write_to_path(here / "key")
    for pem in made.cert_chain_pems:
        pem.write_to_path(here / "cert", append=True)
    return here


@pytest.fixture(scope="session")
def site() -> Iterator[int]:
    """A site elsewhere: its port."""
    with serving() as port:
        yield port


@pytest.fixture(scope="session")
def nginx(root: Path, pair: Path, site: int) -> Iterator[Ports]:
    """Debian's nginx."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("needs Debian's nginx")
    version = subprocess.run([program, "-v"], capture_output=True, text=True, check=True).stderr
    if "nginx/1.22.1" not in version:
        pytest.skip(f"imitated is nginx/1.22.1, not {version.strip()}")
    ports = Ports(free(), free(), free(), free())
    places = {**asdict(ports), "site": site}
    (pair / "none").mkdir()
    (pair / "nginx.conf").write_text(CONFIGURATION.format(here=pair, root=root, **places))
    running = subprocess.Popen([program, "-c", str(pair / "nginx.conf"), "-p", str(pair)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as knocking:
                if knocking.connect_ex(("127.0.0.1", ports.http)) == 0:
                    break
            assert running.poll() is None
            time.sleep(0.05)
        yield ports
    finally:
        running.terminate()
        running.wait(10)


@pytest_asyncio.fixture
async def ours(root: Path, pair: Path, site: int) -> AsyncIterator[Ports]:
    """The decoy, with nobody whom it knows."""

    async def nobody(request: Request) -> bool:
        return False

    async def nowhere(connection: Connection, said: bytes) -> bytes | None:
        raise AssertionError

    def strange(head: Head) -> bool:
        return head.method != "CONNECT"

    ports: dict[str, int] = {}
    folder = Folder(root, "site.example", lambda: f":{ports['https']}")
    decoy = Decoy(folder.answer, nobody, nowhere, 10, strange=strange)
    plain = Decoy(moved("site.example", lambda: ""), nobody, nowhere, 10, strange=strange)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers(hello.CIPHERS)
    context.set_alpn_protocols(list(hello.PROTOCOLS))
    disguise(context)
    context.load_cert_chain(pair / "cert", pair / "key")

    async def addresses(host: str) -> list[str]:
        return [host]

    elsewhere = Upstream(f"http://127.0.0.1:{site}", addresses, "site.example", lambda: f":{ports['onward']}")
    onward = replace(decoy, onward=elsewhere.ask)
    empty = replace(decoy, answer=bare)

    decoys = {"https": decoy, "imaps": onward, "submissions": empty, "http": plain}

    async def handle(door: Door, connection: Connection) -> None:
        await serve_decoy(connection, decoys[door.name])

    listen = Listen(addresses=["127.0.0.1"], ports="any", imap=-1, submission=-1, smtp=-1)
    listener = Listener(Limits(), handle, lambda door: context, _Hellos(decoys))
    ports |= {door.name: door.port for door in await listener.bind(listen)}
    ports["onward"] = ports["imaps"]
    running = asyncio.create_task(listener.run())
    try:
        yield Ports(ports["https"], ports["http"], ports["onward"], ports["submissions"])
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class _Hellos:
    """As at the door of a relay with a decoy, of whatever port."""

    def __init__(self, decoys: Mapping[str, Decoy]) -> None:
        self._decoys = decoys

    def waits(self, door: Door) -> bool:
        return True

    def begins(self, door: Door, connection: Connection) -> Begins:
        return hello.begins(connection, alpn=frozenset())

    async def come(self, door: Door, connection: Connection) -> Door:
        await hello.admit(connection, self._decoys[door.name], alpn=frozenset(), timeout=10)
        return door

    def patience(self, door: Door, connection: Connection) -> float:
        return HEAD_SECONDS

    def compared(self, door: Door) -> bool:
        return True

    def rehearse(self, door: Door, *, soon: bool) -> None:
        pass

    def greet(self, door: Door, connection: Connection) -> Coroutine[Any, Any, None] | None:
        decoy = self._decoys[door.name]
        if door.tls and not connection.secure:
            return hello.greet_in_clear(connection, decoy)
        return greet(connection, decoy)
