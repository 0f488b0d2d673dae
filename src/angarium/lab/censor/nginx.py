"""Twenty web sites as Debian's nginx makes them, each with an address, a certificate and a page of its own."""

import asyncio
import contextlib
import datetime
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from angarium.lab.censor.enclosure import PATH
from angarium.lab.censor.topology import through

__all__ = ["SITES", "NoNginx", "nginx"]

SITES: Sequence[str] = [f"203.0.113.{100 + number}" for number in range(20)]
START = 10.0
HEAD = """\
daemon off;
user root;
pid {directory}/pid;
error_log {directory}/error;
events {{}}
http {{
    access_log off;
    default_type text/html;
    ssl_protocols TLSv1.2 TLSv1.3;
"""
SITE = """\
    server {{
        listen {address}:443 ssl;
        listen {address}:80;
        root {directory}/{address};
        ssl_certificate {directory}/{address}.pem;
        ssl_certificate_key {directory}/{address}.pem;
    }}
"""


class NoNginx(Exception):
    """It is not installed, or does not start; the text says which."""


@contextlib.asynccontextmanager
async def nginx(namespace: str, directory: Path) -> AsyncIterator[None]:
    """Serve SITES in a namespace that has these addresses. Raises NoNginx."""
    program = shutil.which("nginx", path=PATH)
    if program is None:
        raise NoNginx("this machine lacks the Debian package nginx")
    await asyncio.to_thread(_prepare, directory)
    process = await asyncio.create_subprocess_exec(
        *through(namespace), program, "-c", str(directory / "conf"), stderr=asyncio.subprocess.PIPE
    )
    try:
        end = asyncio.get_running_loop().time() + START
        while not await asyncio.to_thread((directory / "pid").exists):
            if process.returncode is not None or asyncio.get_running_loop().time() > end:
                assert process.stderr is not None
                raise NoNginx(f"nginx did not start: {(await process.stderr.read(2000)).decode(errors='replace')}")
            await asyncio.sleep(0.1)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def _prepare(directory: Path) -> None:
    directory.mkdir()
    text = HEAD.format(directory=directory)
    for number, address in enumerate(SITES):
        (directory / address).mkdir()
        (directory / address / "index.html").write_text(f"<h1>Site {number}</h1>\n" + "<p>Hello.</p>\n" * number)
        (directory / f"{address}.pem").write_bytes(_certificate(f"site{number}.example"))
        text += SITE.format(address=address, directory=directory)
    (directory / "conf").write_text(text + "}\n")


def _certificate(name: str) -> bytes:
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
    return certificate.public_bytes(serialization.Encoding.PEM) + private
