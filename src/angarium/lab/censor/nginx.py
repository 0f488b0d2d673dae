"""Debian's nginx: its configuration, and a run of it with sites in it. Which sites: `sites`; where: `gardens`."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from angarium.lab.censor.certificates import certified
from angarium.lab.censor.enclosure import PATH, WORK
from angarium.lab.censor.scenarios import DOMAIN
from angarium.lab.censor.sites import GARDEN_FILES

__all__ = [
    "GARDEN",
    "PAIR",
    "NoNginx",
    "behind",
    "furnish_site",
    "handed_on",
    "running",
    "site",
    "write_pair",
    "write_site",
]

GARDEN, PAIR = WORK / "site", WORK / "pair"
"""The folder of the site that the relay's decoy and the twins show, and where their certificate and its key are."""
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
        listen {address}:{https} ssl{http2}; {clear}server_name {name};
        root {root}; index index.html index.htm index.nginx-debian.html;
        ssl_certificate {pair}/cert; ssl_certificate_key {pair}/key;
        location / {{ {serves} }}
    }}
"""
MOVED = "    server {{ listen {address}:{http}; server_name {name}; return 301 https://$host$request_uri; }}\n"
FILES_SERVED = "try_files $uri $uri/ =404;"
BEHIND = "    server {{ listen 127.0.0.1:{port}; root {root}; location / {{ try_files $uri $uri/ =404; }} }}\n"


class NoNginx(Exception):
    """It is not installed, or does not start; the text says which."""


def furnish_site(garden: Path = GARDEN, pair: Path = PAIR, name: str = DOMAIN) -> None:
    """Make the site and the certificate that the decoy and the twins have."""
    write_site(garden, GARDEN_FILES)
    write_pair(pair, *certified(name))


def write_site(root: Path, files: Mapping[str, bytes]) -> None:
    """The folder of a site; it may be empty."""
    root.mkdir(parents=True)
    for name, content in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(content)


def write_pair(directory: Path, certificate: bytes, key: bytes) -> None:
    """A certificate and its key."""
    directory.mkdir(parents=True)
    (directory / "cert").write_bytes(certificate)
    (directory / "key").write_bytes(key)


def site(
    address: str,
    name: str,
    root: Path,
    pair: Path,
    *,
    serves: str = FILES_SERVED,
    https: int = 443,
    http: int = 80,
    clear: bool = False,
    http2: bool = False,
) -> str:
    """A site in nginx's configuration. Its port without TLS leads to the other one, or, if `clear`, shows the same."""
    text = SERVER.format(
        address=address,
        name=name,
        root=root,
        pair=pair,
        serves=serves,
        https=https,
        http2=" http2" if http2 else "",
        clear=f"listen {address}:{http}; " if clear else "",
    )
    return text if clear else text + MOVED.format(address=address, name=name, http=http)


def handed_on(port: int, *, host: bool = False) -> str:
    """What a site `serves` that hands requests on to an application, and tells it, if `host`, which host is sought."""
    return f"{'proxy_set_header Host $host; ' if host else ''}proxy_pass http://127.0.0.1:{port};"


def behind(port: int, root: Path) -> str:
    """The application, in nginx's configuration."""
    return BEHIND.format(port=port, root=root)


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
            await asyncio.sleep(0.02)
        yield await asyncio.to_thread(_worker, directory)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def _configure(directory: Path, servers: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "conf").write_text(HEAD.format(directory=directory) + servers + "}\n")


def _worker(directory: Path) -> int:
    """The only child of the process that reads the configuration."""
    master = (directory / "pid").read_text().strip()
    while not (children := Path(f"/proc/{master}/task/{master}/children").read_text().split()):
        time.sleep(0.01)
    return int(children[0])
