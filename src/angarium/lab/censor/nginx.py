"""Web sites as Debian's nginx makes them: twenty with an address, a certificate and a page of their own, and two twins
of a relay's decoy, with its site and its certificate. A third has the same, and hands each request to another server,
as sites do that have an application behind them.
"""

import asyncio
import contextlib
import datetime
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from angarium.lab.censor.enclosure import PATH, WORK
from angarium.lab.censor.scenarios import DOMAIN
from angarium.lab.censor.topology import through

__all__ = [
    "GARDEN",
    "PAIR",
    "PROXIED",
    "SITES",
    "TWINS",
    "NoNginx",
    "furnish_site",
    "nginx",
    "running",
    "site",
    "twins",
]

SITES: Sequence[str] = [f"203.0.113.{100 + number}" for number in range(20)]
TWINS: Sequence[str] = ("203.0.113.60", "203.0.113.61")
PROXIED = "203.0.113.62"
GARDEN, PAIR = WORK / "site", WORK / "pair"
"""The folder of the site that the relay's decoy and the twins show, and where their certificate and its key are."""
FILES = {
    "index.html": b"<!doctype html><title>Garden</title><p>Roses and tulips, and a good deal more of it.</p>\n",
    "long.html": b"<!doctype html>" + b"".join(b"<p>Roses and tulips by the water wall, %d" % n for n in range(900)),
    "photo.jpg": bytes(range(256)) * 40,
    "dir/index.html": b"hello\n",
}
START = 10.0
HEAD = """\
daemon off;
user root;
pid {directory}/pid;
error_log {directory}/error;
events {{}}
http {{
    sendfile on; tcp_nopush on; types_hash_max_size 2048; include /etc/nginx/mime.types;
    default_type application/octet-stream;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on; access_log off; gzip on;
    client_body_temp_path {directory}/a; proxy_temp_path {directory}/b; fastcgi_temp_path {directory}/c;
    uwsgi_temp_path {directory}/d; scgi_temp_path {directory}/e;
"""
"""Debian's own configuration, in one file, but for where it keeps what is its own."""
SERVER = """\
    server {{
        listen {address}:{https} ssl; server_name {name};
        root {root}; index index.html index.htm index.nginx-debian.html;
        ssl_certificate {pair}/cert; ssl_certificate_key {pair}/key;
        location / {{ {serves} }}
    }}
    server {{ listen {address}:{http}; server_name {name}; return 301 https://$host$request_uri; }}
"""
FILES_SERVED = "try_files $uri $uri/ =404;"
BEHIND = "    server { listen 127.0.0.1:8080; root %s; location / { try_files $uri $uri/ =404; } }\n"
"""A server behind the one that people see."""


class NoNginx(Exception):
    """It is not installed, or does not start; the text says which."""


@contextlib.asynccontextmanager
async def nginx(namespace: str, directory: Path) -> AsyncIterator[None]:
    """Serve SITES in a namespace that has these addresses. Raises NoNginx."""
    servers = await asyncio.to_thread(_prepare, directory)
    async with running(directory, servers, through(namespace)):
        yield


@contextlib.asynccontextmanager
async def twins() -> AsyncIterator[None]:
    """Serve the decoy's site in the namespaces `twin0`, `twin1` and, at second hand, `proxied`. Raises NoNginx."""
    behind = BEHIND % GARDEN + site(PROXIED, DOMAIN, GARDEN, PAIR, serves="proxy_pass http://127.0.0.1:8080;")
    texts = {f"twin{number}": site(address, DOMAIN, GARDEN, PAIR) for number, address in enumerate(TWINS)}
    async with contextlib.AsyncExitStack() as all_of_them:
        for name, text in {**texts, "proxied": behind}.items():
            await all_of_them.enter_async_context(running(WORK / name, text, through(name)))
        yield


def furnish_site(garden: Path = GARDEN, pair: Path = PAIR, name: str = DOMAIN) -> None:
    """Make the site and the certificate that the decoy and the twins have."""
    _site(garden, b"")
    _pair(pair, name)


def site(
    address: str, name: str, root: Path, pair: Path, *, serves: str = FILES_SERVED, https: int = 443, http: int = 80
) -> str:
    """A site in nginx's configuration, with a port that leads to the one with TLS."""
    return SERVER.format(address=address, name=name, root=root, pair=pair, serves=serves, https=https, http=http)


@contextlib.asynccontextmanager
async def running(directory: Path, servers: str, through: Sequence[str] = ()) -> AsyncIterator[int]:
    """Run nginx with these servers, by a command that runs others; its files are in that directory.

    Yields the number of the process that answers. Raises NoNginx.
    """
    await asyncio.to_thread(_configure, directory, servers)
    program = shutil.which("nginx", path=PATH)
    if program is None:
        raise NoNginx("this machine lacks the Debian package nginx")
    words = (*through, program, "-c", str(directory / "conf"))
    process = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.PIPE)
    try:
        end = asyncio.get_running_loop().time() + START
        while not await asyncio.to_thread((directory / "pid").exists):
            if process.returncode is not None or asyncio.get_running_loop().time() > end:
                assert process.stderr is not None
                raise NoNginx(f"nginx did not start: {(await process.stderr.read(2000)).decode(errors='replace')}")
            await asyncio.sleep(0.1)
        yield await asyncio.to_thread(_worker, directory)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def _configure(directory: Path, servers: str) -> None:
    directory.mkdir(exist_ok=True)
    (directory / "conf").write_text(HEAD.format(directory=directory) + servers + "}\n")


def _worker(directory: Path) -> int:
    """The only child of the process that reads the configuration."""
    master = (directory / "pid").read_text().strip()
    while not (children := Path(f"/proc/{master}/task/{master}/children").read_text().split()):
        time.sleep(0.01)
    return int(children[0])


def _prepare(directory: Path) -> str:
    text = ""
    for number, address in enumerate(SITES):
        here, name = directory / address, f"site{number}.example"
        _site(here / "root", b"<p>Hello.</p>\n" * number)
        _pair(here / "pair", name)
        text += site(address, name, here / "root", here / "pair")
    return text


def _site(root: Path, more: bytes) -> None:
    """The files of a site; pages with some `more` at their end."""
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content + (more if name.endswith(".html") else b""))


def _pair(directory: Path, name: str) -> None:
    directory.mkdir()
    certificate, key = _certificate(name)
    (directory / "cert").write_bytes(certificate)
    (directory / "key").write_bytes(key)


def _certificate(name: str) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private
