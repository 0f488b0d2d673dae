"""A relay that runs sends to another one that runs: by address, by domain, and when the other is back.

Both are the real program, on loopback addresses of their own.
"""

import asyncio
import contextlib
import imaplib
import json
import smtplib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from angarium.apps.check.throwaway import Relay, relay
from angarium.apps.home import Home
from angarium.apps.records import lines
from angarium.apps.signing import signing_keys
from angarium.mail.federation.road_clock import RoadDays
from angarium.reach.resolver import Resolver
from tests.apps.command import angarium
from tests.dns_server import NameServer

MAIL = (Path(__file__).parents[1] / "mails" / "encrypted" / "as-the-app-sends-it.eml").read_bytes()
HERE, THERE = "127.0.0.2", "127.0.0.3"
PASSWORD = "long enough"


class Pair:
    """Two relays, each with a data directory and an address."""

    def __init__(self, directory: Path, trusting: ssl.SSLContext) -> None:
        self.homes = {HERE: Home(directory / "here"), THERE: Home(directory / "there")}
        self.names = {HERE: HERE, THERE: THERE}
        self.settings: dict[str, str] = {HERE: "", THERE: ""}
        self.up: dict[str, Relay] = {}
        self.trusting = trusting

    def person(self, name: str, where: str) -> str:
        return f"{name}@{self.names[where]}"

    @contextlib.asynccontextmanager
    async def running(self, where: str) -> AsyncIterator[Relay]:
        """One of them; it knows the way to the other one if that runs or has run."""
        other = HERE if where == THERE else THERE
        home = self.homes[where]
        home.path.mkdir(exist_ok=True, mode=0o700)
        port = self.homes[other].ports().get("https", 9)
        route = f'"{self.names[other]}" = {{ via = "{other}:{port}", transport = "https" }}\n'
        listen = f'[listen]\naddresses = ["{where}"]\nports = "any"\n'
        home.config_file.write_text(f"{listen}[federation.routes]\n{route}{self.settings[where]}")
        async with relay(home.path, ()) as up:
            self.up[where] = up
            yield up

    async def send(self, *recipients: str, sender: str = "alice1234", number: int = 1) -> None:
        """Submit a message at the relay here. Raises smtplib.SMTPDataError."""
        await asyncio.to_thread(self._send, recipients, self.person(sender, HERE), number)

    def _send(self, recipients: tuple[str, ...], sender: str, number: int) -> None:
        message = MAIL.replace(b"6f0b2a1e", b"%08x" % number).replace(b"alice1234@relay.example", sender.encode(), 1)
        message = message.replace(b"-----BEGIN PGP MESSAGE-----", b"-----BEGIN PGP MESSAGE-----" + b"\r\n" * number)
        with smtplib.SMTP_SSL(HERE, self.up[HERE].port("submissions"), context=self.trusting, timeout=30) as smtp:
            smtp.login(sender, PASSWORD)
            smtp.sendmail(sender, recipients, message)

    async def inbox(self, name: str, where: str) -> list[bytes]:
        """What is in a mailbox; the account is made if need be."""
        return await asyncio.to_thread(self._inbox, self.person(name, where), where)

    def _inbox(self, address: str, where: str) -> list[bytes]:
        with imaplib.IMAP4_SSL(where, self.up[where].port("imaps"), ssl_context=self.trusting) as client:
            client.login(address, PASSWORD)
            client.select("INBOX")
            found = client.fetch("1:*", "(BODY.PEEK[])")[1]
            return [part[1] for part in found if isinstance(part, tuple)]

    async def until(self, name: str, where: str, number: int) -> list[bytes]:
        """Wait until so many messages are in a mailbox."""
        for _ in range(300):
            found = await self.inbox(name, where)
            if len(found) >= number:
                return found
            await asyncio.sleep(0.1)
        pytest.fail("it never came")

    async def told(self, *words: str) -> Any:
        """What a command of the relay here says."""
        status, said, complained = await angarium(*words, "--data", str(self.homes[HERE].path))
        assert status == 0, complained
        return json.loads(said) if "--json" in words else said


@pytest.fixture
def pair(tmp_path: Path, trusting: ssl.SSLContext) -> Pair:
    return Pair(tmp_path, trusting)


async def test_by_address(pair: Pair) -> None:
    async with pair.running(THERE), pair.running(HERE):
        await pair.inbox("bobby1234", THERE)
        await pair.send(pair.person("bobby1234", THERE))
        (message,) = await pair.until("bobby1234", THERE, 1)
        assert b"DKIM-Signature" not in message
        with pytest.raises(smtplib.SMTPDataError) as refused:
            await pair.send("nobody123@[127.0.0.3]")
        assert refused.value.smtp_code == 550
        assert b"there is no such address at this relay" in refused.value.smtp_error
        assert await pair.told("queue", "--json") == []
        assert await pair.told("queue") == "Nothing waits for other relays.\n"
        assert await pair.inbox("alice1234", HERE) == []
        assert not list(pair.homes[HERE].keys.glob("dkim-*")), "nobody could look a key up"


async def test_by_domain_with_the_roots_of_the_system(
    pair: Pair, dns_server: NameServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE names the system's roots, so that they may hold a private authority."""
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    authority.cert_pem.write_to_path(tmp_path / "roots.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    pair.names = {HERE: "here.example", THERE: "there.example"}
    for where, name in pair.names.items():
        home = pair.homes[where]
        home.path.mkdir(mode=0o700)
        certificate = authority.issue_cert(name, key_type=trustme.KeyType.ECDSA)
        certificate.private_key_pem.write_to_path(tmp_path / f"{name}.key")
        for number, blob in enumerate(certificate.cert_chain_pems):
            blob.write_to_path(tmp_path / f"{name}.pem", append=number > 0)
        pair.settings[where] = (
            f'[names]\ndomain = "{name}"\n[dns]\nservers = ["{dns_server.server}"]\n'
            f'[tls]\ncert = "{tmp_path}/{name}.pem"\nkey = "{tmp_path}/{name}.key"\n'
        )
    async with pair.running(THERE), pair.running(HERE):
        keys = [(selector, key.public_key()) for selector, key in signing_keys(pair.homes[HERE])]
        for line in await lines("here.example", keys, Resolver([dns_server.server]), ["93.184.215.14"]):
            name, kind, value = line.zone().split("  ", 2)
            dns_server.set(name.removesuffix("."), kind, value)
        await pair.inbox("bobby1234", THERE)
        await pair.send("bobby1234@there.example")
        await pair.until("bobby1234", THERE, 1)
        monkeypatch.delenv("SSL_CERT_FILE")
    async with pair.running(THERE), pair.running(HERE):
        await pair.send("bobby1234@there.example", number=2)
        (seen,) = await pair.told("queue", "--json")
        assert seen["state"] == "failing"
        assert "TLS: " in seen["fault"]
        assert len(await pair.inbox("bobby1234", THERE)) == 1


async def test_the_other_relay_is_off_for_a_while(pair: Pair) -> None:
    async with pair.running(THERE):
        await pair.inbox("bobby1234", THERE)
        await pair.inbox("carol1234", THERE)
    bob, carol = pair.person("bobby1234", THERE), pair.person("carol1234", THERE)
    async with pair.running(HERE):
        for number in range(3):
            await pair.send(bob, carol, number=number)
        (seen,) = await pair.told("queue", "--json")
        assert (seen["name"], seen["messages"], seen["state"]) == (THERE, 3, "failing")
        assert seen["fault"] == "https: connection refused"
        screen = await pair.told("queue")
        assert THERE in screen
        assert "failing" in screen
        assert "bobby1234" not in screen
        assert "3 for 1 relay" in await pair.told("status")
        assert await pair.told("queue", "hold", f"[{THERE}]") == "3 messages held.\n"
        assert await pair.told("queue", "retry", THERE) == "0 messages to be tried soon.\n"
        assert await pair.told("queue", "retry") == "0 messages to be tried soon.\n"
    async with pair.running(HERE), pair.running(THERE):
        (seen,) = await pair.told("queue", "--json")
        assert seen["state"] == "held"
        assert await pair.told("queue", "release", THERE) == "3 messages released.\n"
        for name in ("bobby1234", "carol1234"):
            assert len(await pair.until(name, THERE, 3)) == 3
        assert await pair.told("queue", "--json") == []


async def test_what_the_keeper_drops_comes_back(pair: Pair) -> None:
    async with pair.running(HERE):
        await pair.send(pair.person("bobby1234", THERE))
        data = ("--data", str(pair.homes[HERE].path))
        assert await angarium("queue", "drop", THERE, *data, typed="yes\n") == (
            2,
            f"Everything that waits for {THERE} is returned to its senders. Type drop to go on: ",
            "angarium: nothing was dropped\n",
        )
        assert (await angarium("queue", "drop", THERE, *data, typed="drop\n"))[0] == 0
        (bounce,) = await pair.inbox("alice1234", HERE)
        assert b"dropped by the keeper" in bounce
        status, _, complained = await angarium("queue", "drop", "--yes", THERE, *data)
        assert (status, complained) == (2, f"angarium: nothing waits for {THERE}: see angarium queue\n")


async def test_without_federation(pair: Pair) -> None:
    async with pair.running(HERE):
        await pair.send(pair.person("bobby1234", THERE))
    pair.settings[HERE] = "[federation]\nenabled = false\n"
    async with pair.running(HERE):
        with pytest.raises(smtplib.SMTPDataError, match=r"5\.7\.1 this relay has no mail with other relays"):
            await pair.send(pair.person("bobby1234", THERE))
        (bounce,) = await pair.until("alice1234", HERE, 1)
        assert b"this relay has no mail with other relays" in bounce


async def test_an_island_is_shown_and_remembered(pair: Pair) -> None:
    async with pair.running(HERE):
        pass
    pair.homes[HERE].remember_road(RoadDays(0, 20_454))
    assert pair.homes[HERE].road() == RoadDays(0, 20_454)
    async with pair.running(HERE):
        assert "island since 2026-01-01" in await pair.told("status")
