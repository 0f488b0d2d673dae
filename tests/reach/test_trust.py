"""Whom to believe: names by their certificate, the others by the key they showed first."""

import asyncio
import contextlib
import hashlib
import ssl
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from angarium.reach.keypair import private_key, self_signed
from angarium.reach.transport import Connection
from angarium.reach.trust import KeyChanged, KnownInMemory, Trust, keeps_its_key

Pair = tuple[Connection, Connection]


def showing(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """A server that shows a certificate for these names, with a new key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, key_type=trustme.KeyType.ECDSA).configure_cert(context)
    return context


@pytest.fixture
def meet(plain_pair: Callable[[], Pair], authority: trustme.CA) -> Callable[..., Any]:
    """Connect to a server and begin TLS; what is returned is the client's end."""

    def verifying() -> ssl.SSLContext:
        context = ssl.create_default_context()
        authority.configure_trust(context)
        return context

    known = KnownInMemory()
    here = Trust(known, verifying)

    async def meet(
        destination: str, server_context: ssl.SSLContext, name: str = "", system: bool = False, **how: Any
    ) -> Connection:
        server, client = plain_pair()
        trust = Trust(known) if system else here
        serving = asyncio.create_task(server.start_tls(server_context, timeout=10))
        try:
            await trust.begin(client, destination, name or destination, timeout=10, **how)
        finally:
            await asyncio.wait([serving])
            serving.exception()
        return client

    meet.trust = here  # type: ignore[attr-defined]
    return meet


async def test_a_name_with_an_authority(meet: Callable[..., Any], authority: trustme.CA) -> None:
    server = showing(authority, "relay.example", "xn--h1alffa9f.example")
    server.set_alpn_protocols(["http/1.1"])
    client = await meet("relay.example", server, alpn=("http/1.1",))
    assert (client.secure, client.alpn) == (True, "http/1.1")
    assert (await meet("other.example", server, "relay.example")).secure
    assert (await meet("россия.example", server)).secure


@pytest.mark.parametrize("name", ["other.example", "sub.relay.example", "example", "россия.example"])
async def test_a_certificate_for_another_name(meet: Callable[..., Any], authority: trustme.CA, name: str) -> None:
    with pytest.raises(ConnectionError, match="TLS: Hostname mismatch"):
        await meet(name, showing(authority, "relay.example"))


async def test_an_authority_that_the_system_does_not_know(meet: Callable[..., Any], authority: trustme.CA) -> None:
    with pytest.raises(ConnectionError, match="TLS: "):
        await meet("relay.example", showing(authority, "relay.example"), system=True)


@pytest.mark.parametrize("destination", ["127.0.0.1", "2001:db8::1", "_relay.localhost"])
async def test_a_key_is_remembered(meet: Callable[..., Any], authority: trustme.CA, destination: str) -> None:
    server, other = showing(authority, "whoever.example"), showing(authority, "whoever.example")
    for _ in range(2):
        assert (await meet(destination, server, system=True)).secure
    with pytest.raises(KeyChanged, match=f"angarium peer accept {destination}$"):
        await meet(destination, other)
    assert (await meet("192.0.2.77", other)).secure  # each has its own
    assert (await meet(destination, server)).secure


async def test_another_certificate_with_the_same_key(meet: Callable[..., Any], tmp_path: Path) -> None:
    """Certificates are renewed, keys are kept."""
    key = private_key(tmp_path / "key.pem")
    for year in (2024, 2026):
        (tmp_path / "cert.pem").write_bytes(self_signed(key, [f"year{year}.example"], today=date(year, 1, 1)))
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
        assert (await meet("192.0.2.7", server)).secure


async def test_of_two_keys_at_once_the_first_counts() -> None:
    known = KnownInMemory()
    await known.put("192.0.2.7", b"1" * 32)
    await known.put("192.0.2.7", b"2" * 32)
    assert await known.get("192.0.2.7") == b"1" * 32


async def test_whoever_is_not_recognised_hears_nothing(plain_pair: Callable[[], Pair], authority: trustme.CA) -> None:
    known = KnownInMemory()
    await known.put("192.0.2.7", bytes(32))
    server, client = plain_pair()
    serving = asyncio.create_task(server.start_tls(showing(authority, "a.example"), timeout=10))
    with pytest.raises(KeyChanged):
        await Trust(known).begin(client, "192.0.2.7", "192.0.2.7", timeout=10)
    await serving
    with contextlib.suppress(ConnectionError):
        assert await server.read(timeout=10) == b""
    with pytest.raises(ConnectionError):
        await client.write(b"x")


async def test_a_server_without_tls(plain_pair: Callable[[], Pair]) -> None:
    server, client = plain_pair()
    await server.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(ConnectionError, match="TLS: "):
        await Trust(KnownInMemory()).begin(client, "192.0.2.7", "192.0.2.7", timeout=10)


async def test_a_server_that_says_nothing(plain_pair: Callable[[], Pair]) -> None:
    _, client = plain_pair()
    with pytest.raises(TimeoutError):
        await Trust(KnownInMemory()).begin(client, "192.0.2.7", "192.0.2.7", timeout=0.05)


def test_who_keeps_its_key() -> None:
    assert [keeps_its_key(each) for each in ("192.0.2.7", "::1", "_relay", "relay.example", "a_b.example")] == [
        *(True, True, True),
        *(False, False),
    ]


async def test_the_keeper_accepts_a_new_key(meet: Any, authority: trustme.CA) -> None:
    old, new, third = (showing(authority, "whoever.example") for _ in range(3))
    await meet("192.0.2.7", old)
    assert not await meet.trust.accept("192.0.2.7")
    for server in (third, new):
        with pytest.raises(KeyChanged):
            await meet("192.0.2.7", server)
    assert await meet.trust.accept("192.0.2.7")
    assert not await meet.trust.accept("192.0.2.7")
    assert (await meet("192.0.2.7", new)).secure
    for server in (old, third):
        with pytest.raises(KeyChanged):
            await meet("192.0.2.7", server)


async def test_a_key_that_was_offered_once_is_not_accepted_once_the_old_one_is_back(
    meet: Any, authority: trustme.CA
) -> None:
    old, other = showing(authority, "whoever.example"), showing(authority, "whoever.example")
    await meet("192.0.2.7", old)
    with pytest.raises(KeyChanged):
        await meet("192.0.2.7", other)
    await meet("192.0.2.7", old)
    assert not await meet.trust.accept("192.0.2.7")


@pytest.mark.parametrize("destination", ["192.0.2.7", "relay.example"])
async def test_a_pin_is_asked_and_nothing_else(
    meet: Any, authority: trustme.CA, tmp_path: Path, destination: str
) -> None:
    key = private_key(tmp_path / "key.pem")
    (tmp_path / "cert.pem").write_bytes(self_signed(key, ["whoever.example"], today=date(2026, 1, 1)))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = hashlib.sha256(spki).digest()
    assert (await meet(destination, server, pin=pin)).secure
    with pytest.raises(ConnectionError, match="another key than the one agreed upon"):
        await meet(destination, showing(authority, destination), pin=pin)
