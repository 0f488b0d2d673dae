"""Certificates from a real ACME server (pebble), proved through the relay's own HTTP, and what the keeper hears."""

import asyncio
import datetime
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
import trustme
from cryptography import x509

from angarium.edge.http import HttpSite, serve_plain_http
from angarium.edge.listener import Door, Listener
from angarium.edge.settings import Limits, Listen
from angarium.lab.ports import free_ports
from angarium.mail import settings
from angarium.mail.accounts import Gate
from angarium.reach.acme import RETRY_SECONDS, Acme, AcmeError
from angarium.reach.certificate import Certificates, SelfSigned
from angarium.reach.transport import Connection
from angarium.store.seal import Clear
from angarium.store.store import open_memory
from tests.pebble import Authority, needs_pebble

NAMES = ["relay.example", "other.example"]


@asynccontextmanager
async def proving(port: int, challenge: Callable[[str], str | None]) -> AsyncIterator[None]:
    """The relay's door for plain HTTP, as it is when the whole relay runs."""
    store = open_memory(Clear(bytes(32)))
    gate = Gate(settings.Accounts(), store.accounts, store.invitations, local=lambda _: True, today=lambda: 0)
    site = HttpSite(
        limits=Limits(),
        gate=gate,
        registration="closed",
        domain=lambda: NAMES[0],
        invite=lambda token: "",
        valid_token=lambda token: store.invitations.valid(token, day=0),
        ways=list,
        challenge=challenge,
        https_port=lambda: None,
    )

    async def serve(door: Door, connection: Connection) -> None:
        await serve_plain_http(connection, site)

    def no_tls(door: Door) -> ssl.SSLContext:
        raise AssertionError(door)

    listener = Listener(Limits(), serve, no_tls)
    off = {"imaps": -1, "imap": -1, "submissions": -1, "submission": -1, "https": -1}
    await listener.bind(Listen(addresses=["127.0.0.1"], http=port, **off))  # type: ignore[arg-type]
    running = asyncio.create_task(listener.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])
        await store.close()


def public_key(cert: Path) -> object:
    return x509.load_pem_x509_certificate(cert.read_bytes()).public_key()


async def shown_to_apps(certificates: Certificates, root: bytes, name: str) -> frozenset[str]:
    """The names in the certificate that a client sees which trusts nothing but `root` and asks for `name`."""
    ours, theirs = socket.socketpair()
    server, client = Connection(ours), Connection(theirs)
    context = ssl.create_default_context(cadata=root.decode())
    await asyncio.gather(
        server.start_tls(certificates.context("imap"), timeout=5), client.start_tls_client(context, name, timeout=5)
    )
    assert isinstance(client._socket, ssl.SSLSocket)
    seen = client._socket.getpeercert()
    server.abort()
    client.abort()
    assert seen
    listed: tuple[tuple[str, str], ...] = seen["subjectAltName"]  # type: ignore[assignment]
    return frozenset(value for _, value in listed)


class TestWithPebble:
    """What needs a real authority."""

    pytestmark = needs_pebble

    async def test_a_certificate_is_got_and_renewed_for_the_same_key(self, pebble: Authority, tmp_path: Path) -> None:
        stopgap = SelfSigned(tmp_path, NAMES, today=datetime.date.today, stopgap=True)
        stopgap.renew()
        certificates = Certificates(stopgap.cert, stopgap.key)
        assert certificates.self_signed
        remembered = public_key(stopgap.cert)
        acme = Acme(
            pebble.directory,
            NAMES,
            tmp_path,
            trust=pebble.trust,
            email="keeper@relay.example",
            installed=certificates.refresh,
        )
        assert acme.due(), "what is there is our own"
        async with proving(pebble.proof_port, acme.challenge):
            await acme.obtain()
            first = stopgap.cert.read_bytes()
            assert not certificates.self_signed
            assert not acme.due()
            assert public_key(stopgap.cert) == remembered
            for name in NAMES:
                assert await shown_to_apps(certificates, pebble.root(), name) == set(NAMES)
            assert not stopgap.renew(), "an authority's certificate is left alone"
            await acme.obtain()
        assert stopgap.cert.read_bytes() != first
        assert public_key(stopgap.cert) == remembered
        assert acme.problem == ""
        assert {path.name for path in tmp_path.iterdir()} >= {"cert.pem", "key.pem", "acme-account.pem"}
        assert all(path.stat().st_mode & 0o77 == 0 for path in tmp_path.iterdir())

    async def test_where_nobody_answers_the_keeper_hears_of_port_80(self, pebble: Authority, tmp_path: Path) -> None:
        acme = Acme(pebble.directory, NAMES[:1], tmp_path, trust=pebble.trust)
        with pytest.raises(AcmeError, match=r"nobody answered at port 80 of relay\.example: let that port through"):
            await acme.obtain()
        assert "port 80" in acme.problem
        assert not (tmp_path / "cert.pem").exists()

    async def test_where_another_server_answers_the_keeper_hears_of_it(self, pebble: Authority, tmp_path: Path) -> None:
        acme = Acme(pebble.directory, NAMES[:1], tmp_path, trust=pebble.trust)
        async with proving(pebble.proof_port, lambda token: None):
            with pytest.raises(AcmeError, match="another server answered at port 80"):
                await acme.obtain()

    async def test_without_an_address_the_keeper_hears_the_authoritys_own_words(
        self, pebble: Authority, tmp_path: Path
    ) -> None:
        acme = Acme(pebble.directory, NAMES[:1], tmp_path, trust=pebble.trust)
        with (
            pebble.no_address(),
            pytest.raises(AcmeError, match=r"check that the domain points here.*could not resolve"),
        ):
            await acme.obtain()

    async def test_an_authority_of_ones_own_has_to_be_trusted(self, pebble: Authority, tmp_path: Path) -> None:
        acme = Acme(pebble.directory, NAMES, tmp_path)
        with pytest.raises(AcmeError, match=r"tls\.acme_ca"):
            await acme.obtain()

    async def test_a_failure_leaves_the_certificate_and_is_tried_again(self, pebble: Authority, tmp_path: Path) -> None:
        stopgap = SelfSigned(tmp_path, NAMES, today=datetime.date.today, stopgap=True)
        stopgap.renew()
        before = stopgap.cert.read_bytes()
        pauses: list[float] = []
        proofs: list[AbstractAsyncContextManager[None]] = []

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 1:
                assert stopgap.cert.read_bytes() == before
                proofs.append(proving(pebble.proof_port, acme.challenge))
                await proofs[0].__aenter__()
            else:
                raise asyncio.CancelledError

        acme = Acme(pebble.directory, NAMES, tmp_path, trust=pebble.trust, sleep=sleep)
        with pytest.raises(asyncio.CancelledError):
            await acme.run()
        await proofs[0].__aexit__(None, None, None)
        assert pauses[0] == RETRY_SECONDS[0]
        assert pauses[1] > 3600
        assert not acme.due()


async def test_without_a_way_out_the_keeper_hears_of_it(tmp_path: Path) -> None:
    (port,) = free_ports("127.0.0.1", 1)
    acme = Acme(f"https://127.0.0.1:{port}/dir", NAMES, tmp_path)
    with pytest.raises(AcmeError, match=r"cannot be reached: this machine needs a way out"):
        await acme.obtain()


async def test_a_damaged_key_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("not a key")
    acme = Acme("https://127.0.0.1:1/dir", NAMES, tmp_path)
    with pytest.raises(AcmeError, match=r"key\.pem holds no private key: put it back"):
        await acme.obtain()
    assert (tmp_path / "key.pem").read_text() == "not a key"


@pytest.mark.parametrize(
    "answer", [b"", b"{}", b"[]", b"<html>not found</html>", b'{"newNonce": 7}', b'{"newNonce": "http://127.0.0.1:1/"}']
)
async def test_what_is_no_directory_is_called_so(
    answer: bytes, tmp_path: Path, raw_http: Callable[[bytes], str]
) -> None:
    acme = Acme(raw_http(answer), NAMES, tmp_path)
    with pytest.raises(AcmeError, match=r"did not answer as an ACME directory does: check tls\.acme|cannot be reached"):
        await acme.obtain()


def issued(names: list[str], *, begin: datetime.datetime, days: int, tmp_path: Path) -> None:
    """A certificate by an authority, valid for so many days from `begin`."""
    ca = trustme.CA()
    end = begin + datetime.timedelta(days=days)
    leaf = ca.issue_cert(*names, not_before=begin, not_after=end)
    leaf.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    leaf.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))


@pytest.mark.parametrize(("age", "due"), [(0, False), (59, False), (61, True), (91, True)])
def test_renewal_is_due_in_the_last_third_of_its_life(age: int, due: bool, tmp_path: Path) -> None:
    begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    issued(NAMES, begin=begin, days=90, tmp_path=tmp_path)
    acme = Acme("", NAMES, tmp_path, now=lambda: begin + datetime.timedelta(days=age))
    assert acme.due() is due


def test_renewal_is_due_when_the_names_have_changed(tmp_path: Path) -> None:
    begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    issued(NAMES, begin=begin, days=90, tmp_path=tmp_path)
    assert not Acme("", NAMES[:1], tmp_path, now=lambda: begin).due()
    assert Acme("", [*NAMES, "third.example"], tmp_path, now=lambda: begin).due()


async def test_it_waits_longer_after_each_failure(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("not a key")
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 8:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await Acme("https://127.0.0.1:1/dir", NAMES, tmp_path, sleep=sleep).run()
    assert pauses == [*RETRY_SECONDS, RETRY_SECONDS[-1], RETRY_SECONDS[-1]]


async def test_stopping_does_not_wait_for_the_authority(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        acme = Acme(f"https://127.0.0.1:{silent.getsockname()[1]}/dir", NAMES, tmp_path)
        running = asyncio.create_task(acme.run())
        await asyncio.to_thread(silent.accept)
        running.cancel()
        await asyncio.wait_for(asyncio.wait([running]), 1)
        assert running.cancelled()
