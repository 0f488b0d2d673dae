"""Certificates that change under a running relay, whole, half written and wrong; and those the relay makes itself."""

import asyncio
import datetime
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from angarium.reach import certificate
from angarium.reach.certificate import CertificateError, Certificates, SelfSigned
from angarium.reach.transport import Connection

TODAY = datetime.date(2026, 3, 1)
NAMES = ("relay.example", "_relay.localhost", "192.0.2.7", "2001:db8::7")
Pair = tuple[Connection, Connection]


def files(directory: Path) -> tuple[Path, Path]:
    return directory / "cert.pem", directory / "key.pem"


def issue(authority: trustme.CA, directory: Path, *names: str, **times: Any) -> None:
    """Put a certificate by an authority where the relay looks."""
    leaf = authority.issue_cert(*names, key_type=trustme.KeyType.ECDSA, **times)
    cert, key = files(directory)
    key.write_bytes(leaf.private_key_pem.bytes())
    cert.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))


@pytest.fixture
def certified(authority: trustme.CA, tmp_path: Path) -> Certificates:
    issue(authority, tmp_path, "first.example")
    return Certificates(*files(tmp_path))


@pytest.fixture
def names_seen(
    plain_pair: Callable[[], Pair], authority: trustme.CA
) -> Callable[[ssl.SSLContext, str], Awaitable[str | None]]:
    """Shake hands as a client that asks for a name; what protocol was agreed upon."""

    async def shake(context: ssl.SSLContext, name: str) -> str | None:
        server, client = plain_pair()
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        authority.configure_trust(trusting)
        trusting.set_alpn_protocols(["h2", "smtp", "imap"])
        await asyncio.gather(server.start_tls(context, timeout=5), client.start_tls_client(trusting, name, timeout=5))
        return server.alpn

    return shake


NamesSeen = Callable[[ssl.SSLContext, str], Awaitable[str | None]]


async def test_a_changed_file_is_used_for_the_next_connection(
    certified: Certificates, authority: trustme.CA, tmp_path: Path, names_seen: NamesSeen
) -> None:
    await names_seen(certified.context("imap"), "first.example")
    assert not certified.refresh()
    issue(authority, tmp_path, "second.example")
    assert certified.refresh()
    await names_seen(certified.context("imap"), "second.example")
    with pytest.raises(ConnectionError, match="first"):
        await names_seen(certified.context("imap"), "first.example")


def test_a_source_gives_what_is_asked_for_and_changes_with_the_files(
    certified: Certificates, authority: trustme.CA, tmp_path: Path
) -> None:
    source = certified.source("http/1.1", minimum=ssl.TLSVersion.TLSv1_2)
    before = source()
    assert source() is before
    assert before is certified.context("http/1.1", minimum=ssl.TLSVersion.TLSv1_2)
    issue(authority, tmp_path, "second.example")
    assert certified.refresh()
    assert source() is not before
    assert source() is certified.context("http/1.1", minimum=ssl.TLSVersion.TLSv1_2)


async def test_it_looks_by_itself(
    certified: Certificates, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificate, "LOOK_SECONDS", 0.01)
    before = certified.context()
    looking = asyncio.create_task(certified.run())
    issue(authority, tmp_path, "second.example")
    async with asyncio.timeout(5):
        while certified.context() is before:
            await asyncio.sleep(0.01)
    looking.cancel()


def test_what_does_not_fit_together_changes_nothing_until_it_does(
    certified: Certificates, authority: trustme.CA, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cert, key = files(tmp_path)
    context, expires = certified.context("imap"), certified.expires
    good = cert.read_bytes(), key.read_bytes()
    issue(authority, tmp_path, "second.example")
    new = cert.read_bytes(), key.read_bytes()
    for wrong in (
        (new[0], good[1]),
        (new[0][:300], new[1]),
        (new[0][:-50] + b"garbage", new[1]),
        (b"", new[1]),
        (new[0], b""),
        (new[0], b"\x00\xff" * 50),
    ):
        cert.write_bytes(wrong[0])
        key.write_bytes(wrong[1])
        assert not certified.refresh()
        assert certified.context("imap") is context
        assert certified.expires == expires
        assert "no certificate with its private key" in certified.problem
    key.unlink()
    assert not certified.refresh()
    assert "cannot read" in certified.problem
    key.write_bytes(new[1])
    cert.write_bytes(new[0])
    assert certified.refresh()
    assert certified.problem == ""
    assert certified.context("imap") is not context


def test_the_same_complaint_is_logged_once(
    certified: Certificates, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files(tmp_path)[0].write_text("nonsense")
    for _ in range(5):
        certified.refresh()
    assert len(caplog.records) == 1


def test_a_key_behind_a_passphrase_is_an_error_and_asks_nobody(authority: trustme.CA, tmp_path: Path) -> None:
    issue(authority, tmp_path, "first.example")
    cert, key = files(tmp_path)
    locked = serialization.load_pem_private_key(key.read_bytes(), None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )
    key.write_bytes(locked)
    with pytest.raises(CertificateError, match="no certificate with its private key"):
        Certificates(cert, key)


def test_missing_files_are_an_error_that_names_them(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"cannot read .*cert\.pem"):
        Certificates(*files(tmp_path))


def test_it_tells_when_it_ends_and_who_vouches_for_it(authority: trustme.CA, tmp_path: Path) -> None:
    end = datetime.datetime(2030, 5, 6, 23, 59, tzinfo=datetime.UTC)
    issue(authority, tmp_path, "first.example", not_after=end)
    certified = Certificates(*files(tmp_path))
    assert certified.expires == (end.date() - datetime.date(1970, 1, 1)).days
    assert not certified.self_signed


async def test_every_door_has_its_own_protocols(certified: Certificates, names_seen: NamesSeen) -> None:
    assert await names_seen(certified.context("imap", "smtp", "http/1.1"), "first.example") == "imap"
    assert await names_seen(certified.context("smtp"), "first.example") == "smtp"
    assert await names_seen(certified.context("http/1.1"), "first.example") is None
    assert await names_seen(certified.context(), "first.example") is None
    assert certified.context("smtp") is certified.context("smtp")


def test_apps_get_tls_1_3_and_others_what_is_asked_for(certified: Certificates) -> None:
    assert certified.context().minimum_version is ssl.TLSVersion.TLSv1_3
    assert certified.context(minimum=ssl.TLSVersion.TLSv1_2).minimum_version is ssl.TLSVersion.TLSv1_2


# Of the relay's own making


def own(directory: Path, names: tuple[str, ...] = NAMES, *, day: int = 0, stopgap: bool = False) -> SelfSigned:
    return SelfSigned(directory, names, today=lambda: TODAY + datetime.timedelta(days=day), stopgap=stopgap)


def leaf(directory: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(files(directory)[0].read_bytes())


def test_the_first_one_is_made_for_these_names_and_by_nobody_else(tmp_path: Path) -> None:
    directory = tmp_path / "tls"
    assert own(directory).renew()
    made = leaf(directory)
    listed = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert listed.get_values_for_type(x509.DNSName) == ["relay.example", "_relay.localhost"]
    assert [str(ip) for ip in listed.get_values_for_type(x509.IPAddress)] == ["192.0.2.7", "2001:db8::7"]
    assert Certificates(*files(directory)).self_signed
    assert {path.stat().st_mode & 0o777 for path in files(directory)} == {0o600}
    assert directory.stat().st_mode & 0o77 == 0


def test_its_times_are_whole_days(tmp_path: Path) -> None:
    own(tmp_path).renew()
    for time in (leaf(tmp_path).not_valid_before_utc, leaf(tmp_path).not_valid_after_utc):
        assert time.time() == datetime.time(0)
    assert leaf(tmp_path).not_valid_before_utc.date() < TODAY


@pytest.mark.parametrize(("day", "renewed"), [(0, False), (600, False), (698, False), (699, True), (2000, True)])
def test_it_is_renewed_in_time_with_the_same_key(day: int, renewed: bool, tmp_path: Path) -> None:
    own(tmp_path).renew()
    key, before = files(tmp_path)[1].read_bytes(), leaf(tmp_path)
    assert own(tmp_path, day=day).renew() is renewed
    assert files(tmp_path)[1].read_bytes() == key
    assert leaf(tmp_path).public_key() == before.public_key()
    assert (leaf(tmp_path) != before) is renewed


def test_other_names_need_another_certificate_with_the_same_key(tmp_path: Path) -> None:
    own(tmp_path).renew()
    before = leaf(tmp_path).public_key()
    assert not own(tmp_path, NAMES[:3]).renew(), "it lists more than enough"
    assert own(tmp_path, (*NAMES, "198.51.100.9")).renew()
    assert leaf(tmp_path).public_key() == before


def test_a_damaged_certificate_is_made_again_and_a_damaged_key_is_not(tmp_path: Path) -> None:
    own(tmp_path).renew()
    cert, key = files(tmp_path)
    cert.write_bytes(cert.read_bytes()[:100])
    assert own(tmp_path).renew()
    key.write_bytes(key.read_bytes()[:100])
    with pytest.raises(CertificateError, match=r"key\.pem holds no private key"):
        own(tmp_path).renew()


def test_a_certificate_for_another_key_is_replaced(authority: trustme.CA, tmp_path: Path) -> None:
    own(tmp_path).renew()
    key = files(tmp_path)[1].read_bytes()
    issue(authority, tmp_path, NAMES[0])
    files(tmp_path)[1].write_bytes(key)
    assert own(tmp_path).renew()
    Certificates(*files(tmp_path))


def test_an_authoritys_certificate_is_left_alone_while_it_is_of_use(authority: trustme.CA, tmp_path: Path) -> None:
    begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    end = datetime.datetime.combine(TODAY, datetime.time(12), datetime.UTC) + datetime.timedelta(days=5)
    issue(authority, tmp_path, NAMES[0], not_before=begin, not_after=end)
    assert not own(tmp_path).renew()
    assert not own(tmp_path, day=6, stopgap=True).renew(), "its key is remembered; the authority is being asked"
    assert own(tmp_path, day=6).renew()


def test_an_authoritys_certificate_for_another_domain_is_replaced(authority: trustme.CA, tmp_path: Path) -> None:
    issue(authority, tmp_path, "other.example")
    assert own(tmp_path, stopgap=True).renew()


def test_a_directory_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CertificateError, match="cannot write"):
        own(tmp_path / "file" / "tls").renew()


async def test_renewal_goes_on_after_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(certificate, "RENEW_SECONDS", 0.01)
    (tmp_path / "key.pem").write_text("damaged")
    running = asyncio.create_task(own(tmp_path).run())
    async with asyncio.timeout(5):
        while len(caplog.records) < 2:
            await asyncio.sleep(0.01)
    (tmp_path / "key.pem").unlink()
    async with asyncio.timeout(5):
        while not (tmp_path / "cert.pem").exists():
            await asyncio.sleep(0.01)
    running.cancel()
