"""Debian's pebble, a real ACME server (RFC 8555) made for tests: names lead to 127.0.0.1, certificates mean nothing."""

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest
import trustme

from angarium.lab.ports import free_ports

needs_pebble = [
    pytest.mark.pebble,
    pytest.mark.skipif(
        not (shutil.which("pebble") and shutil.which("pebble-challtestsrv")), reason="Debian's pebble is missing"
    ),
]


@dataclass(frozen=True)
class Authority:
    """A pebble that is up: any name leads to 127.0.0.1, and it looks for proofs at `proof_port`."""

    directory: str
    trust: str
    proof_port: int
    management: int
    dns_management: int

    def root(self) -> bytes:
        """The certificate at the root of what it signs."""
        context = ssl.create_default_context(cafile=self.trust)
        return fetch(http.client.HTTPSConnection("127.0.0.1", self.management, context=context), "/roots/0")

    @contextmanager
    def no_address(self) -> Iterator[None]:
        """No name leads anywhere meanwhile."""
        self._say_address("")
        try:
            yield
        finally:
            self._say_address("127.0.0.1")

    def _say_address(self, address: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.dns_management)
        fetch(connection, "/set-default-ipv4", json.dumps({"ip": address}))


def fetch(connection: http.client.HTTPConnection, path: str, body: str | None = None) -> bytes:
    connection.request("POST" if body else "GET", path, body)
    response = connection.getresponse()
    assert response.status == 200
    try:
        return response.read()
    finally:
        connection.close()


@pytest.fixture(scope="session")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    here = tmp_path_factory.mktemp("pebble")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(here / "ca.pem"))
    own = ca.issue_cert("127.0.0.1", "localhost")
    own.private_key_pem.write_to_path(str(here / "key.pem"))
    own.cert_chain_pems[0].write_to_path(str(here / "cert.pem"))
    listening, management, proof, unused, dns, dns_management = free_ports("127.0.0.1", 6)
    config = {
        "listenAddress": f"127.0.0.1:{listening}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(here / "cert.pem"),
        "privateKey": str(here / "key.pem"),
        "httpPort": proof,
        "tlsPort": unused,
    }
    (here / "config.json").write_text(json.dumps({"pebble": config}))
    names = [
        *("pebble-challtestsrv", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""),
        *("-dns01", f"127.0.0.1:{dns}", "-management", f"127.0.0.1:{dns_management}"),
    ]
    server = ["pebble", "-strict", "-config", str(here / "config.json"), "-dnsserver", f"127.0.0.1:{dns}"]
    quick = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0", "PEBBLE_WFE_NONCEREJECT": "5"}
    with ExitStack() as running:
        for command in (names, server):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=quick)
            running.callback(process.wait, 10)
            running.callback(process.terminate)
        for port in (dns_management, listening, management):
            await_port(port)
        yield Authority(f"https://127.0.0.1:{listening}/dir", str(here / "ca.pem"), proof, management, dns_management)


def await_port(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("pebble did not start")
