"""A relay with a name: its certificate from a real ACME server, or from the keeper's files."""

import asyncio
import json
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from cryptography import x509

from angarium.apps.check.throwaway import OPTIONS, Relay, relay
from angarium.lab.ports import free_ports
from tests.apps.command import angarium
from tests.pebble import Authority, needs_pebble

NAME = "relay.example"


def seen(port: int, trusted: str) -> x509.Certificate:
    """The certificate that a client gets which trusts `trusted` (PEM) and asks for the name. Raises ssl.SSLError."""
    context = ssl.create_default_context(cadata=trusted)
    with (
        socket.create_connection(("127.0.0.1", port), 5) as connection,
        context.wrap_socket(connection, server_hostname=NAME) as tls,
    ):
        certificate = tls.getpeercert(binary_form=True)
    assert certificate
    return x509.load_der_x509_certificate(certificate)


async def until(look: Callable[[], x509.Certificate], good: Callable[[x509.Certificate], bool]) -> x509.Certificate:
    """Look again and again, for half a minute."""
    for _ in range(150):
        try:
            certificate = await asyncio.to_thread(look)
        except ssl.SSLError:
            pass
        else:
            if good(certificate):
                return certificate
        await asyncio.sleep(0.2)
    pytest.fail("the certificate that was waited for was never shown")


class TestAcme:
    """What needs a real authority."""

    pytestmark = needs_pebble

    async def test_a_name_gets_its_certificate_and_keeps_its_key(self, pebble: Authority, tmp_path: Path) -> None:
        data = tmp_path / "data"
        data.mkdir()
        (data / "angarium.toml").write_text(
            f'[names]\ndomain = "{NAME}"\n'
            f'[tls]\nacme = "{pebble.directory}"\nacme_ca = "{pebble.trust}"\n'
            f'[listen]\naddresses = ["127.0.0.1"]\nports = "any"\nhttp = {pebble.proof_port}\n'
        )
        root = pebble.root().decode()
        async with relay(data, ()) as running:
            assert running.ready.page.startswith(f"https://{NAME}:")
            assert "&ic=1" in running.ready.invitation, "the app is to check it"
            certificate = await until(lambda: seen(running.port("imaps"), root), lambda _: True)
            told = await self._status(data, running)
            assert told["certificate"] == "from the authority"
            assert told["domain"] == NAME
        async with relay(data, ()) as again:
            assert await asyncio.to_thread(seen, again.port("https"), root) == certificate
        key = (data / "tls" / "key.pem").read_bytes()
        (data / "tls" / "cert.pem").unlink()
        async with relay(data, ()) as anew:
            other = await until(lambda: seen(anew.port("imaps"), root), lambda new: new != certificate)
            assert other.public_key() == certificate.public_key()
        assert (data / "tls" / "key.pem").read_bytes() == key

    async def test_where_it_cannot_be_had_the_keeper_hears_why(self, pebble: Authority, tmp_path: Path) -> None:
        (port,) = free_ports("127.0.0.1", 1)
        (tmp_path / "angarium.toml").write_text(
            f'[names]\ndomain = "{NAME}"\n'
            f'[tls]\nacme = "{pebble.directory}"\nacme_ca = "{pebble.trust}"\n'
            f'[listen]\naddresses = ["127.0.0.1"]\nports = "any"\nhttp = {port}\n'
        )
        async with relay(tmp_path, ()) as running:
            for _ in range(150):
                told = await self._status(tmp_path, running)
                if told["last_error"]:
                    break
                await asyncio.sleep(0.2)
            assert "port 80" in str(told["last_error"])
            assert "port 80" in str(told["certificate"])

    async def _status(self, data: Path, running: Relay) -> dict[str, object]:
        status, said, complained = await angarium("status", "--data", str(data), "--json")
        assert (status, complained) == (0, "")
        told = json.loads(said)
        assert isinstance(told, dict)
        assert running.process.returncode is None
        return told


async def test_the_keepers_files_are_picked_up_when_they_change(tmp_path: Path) -> None:
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    root = authority.cert_pem.bytes().decode()
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"

    def issue() -> x509.Certificate:
        made = authority.issue_cert(NAME, key_type=trustme.KeyType.ECDSA)
        key.write_bytes(made.private_key_pem.bytes())
        cert.write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
        return x509.load_pem_x509_certificate(cert.read_bytes())

    first = issue()
    options = ("--domain", NAME, "--tls-cert", str(cert), "--tls-key", str(key))
    async with relay(tmp_path / "data", (*OPTIONS, *options)) as running:
        port = running.port("submissions")
        assert await asyncio.to_thread(seen, port, root) == first
        cert.write_text("half writt")
        assert await asyncio.to_thread(seen, port, root) == first
        second = issue()
        assert await until(lambda: seen(port, root), lambda shown: shown == second) == second


async def test_files_that_are_no_certificate_are_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    (tmp_path / "key.pem").write_text("no key")
    status, _, complained = await angarium(
        *("up", "--data", str(tmp_path / "data"), "--domain", NAME),
        *("--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem")),
    )
    assert status == 2
    assert "cert.pem" in complained
