"""A relay of ours and a mail host of other people's software, which find each other by DNS and trust one authority.

Both are started once for all of these tests; who breaks something starts a relay of his own (`beside`).
"""

import asyncio
import imaplib
import itertools
import json
import re
import secrets
import smtplib
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from angarium.apps.check.throwaway import Relay, relay
from angarium.apps.home import Home
from angarium.apps.signing import signing_keys
from angarium.wire.dkim.record import write_record
from tests.interop.foreign import PATIENCE, Foreign, Network, foreign, missing, network

HERE = Path(__file__).parent
MAILS = HERE.parent / "mails"
ENCRYPTED = sorted(f"encrypted/{path.stem}" for path in (MAILS / "encrypted").glob("*.eml"))
LARGE = 15_000_000
"""Bytes of ciphertext of a large file: 20 million as armour."""
GENEROUS = "[messages]\nrate_per_minute = 1000000\nrate_burst = 100000\n"
PASSWORD = "a password of nobody else's"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if HERE in item.path.parents]
    why = missing() if ours else ""
    for item in ours:
        item.add_marker(pytest.mark.interop)
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        if why:
            item.add_marker(pytest.mark.skip(reason=f"Postfix, OpenDKIM and Dovecot cannot run: {why}"))


@dataclass(frozen=True)
class Ours:
    """A relay of ours, up, under a name."""

    domain: str
    address: str
    relay: Relay
    data: Path

    async def somebody(self) -> str:
        """A new person's address: an account is made at its first login."""
        address = f"{secrets.token_hex(6)}@{self.domain}"
        await self.inbox(address)
        return address

    async def inbox(self, address: str) -> list[bytes]:
        """Everything that person has, left there."""
        return await asyncio.to_thread(self._inbox, address)

    async def arrived(self, address: str, mark: str) -> bytes:
        """The one message there with these words in it, once it is there."""
        async with asyncio.timeout(PATIENCE):
            while not (found := [each for each in await self.inbox(address) if mark.encode() in each]):
                await asyncio.sleep(0.05)
        (one,) = found
        return one

    async def submit(self, message: bytes, sender: str, recipients: Sequence[str]) -> None:
        """Hand in a message as an app does. Raises smtplib's errors."""
        await asyncio.to_thread(self._submit, message, sender, recipients)

    async def waiting(self) -> dict[str, int]:
        """How many messages wait for whom, as the keeper sees it."""
        return {each["name"]: each["messages"] for each in json.loads(await self._queue("--json"))}

    async def retry(self, destination: str) -> None:
        """Have what waits tried within half a minute, as the keeper would."""
        await self._queue("retry", destination)

    async def _queue(self, *arguments: str) -> bytes:
        command = (sys.executable, "-m", "angarium", "queue", *arguments, "--data", str(self.data))
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate()
        assert process.returncode == 0
        return said

    def _inbox(self, address: str) -> list[bytes]:
        with imaplib.IMAP4_SSL(
            self.address, self.relay.port("imaps"), ssl_context=_trusting(), timeout=PATIENCE
        ) as imap:
            imap.login(address, PASSWORD)
            imap.select("INBOX", readonly=True)
            _, (found,) = imap.uid("SEARCH", "ALL")
            if not found:
                return []
            _, fetched = imap.uid("FETCH", found.decode().replace(" ", ","), "(BODY.PEEK[])")
            return [part[1] for part in fetched if isinstance(part, tuple)]

    def _submit(self, message: bytes, sender: str, recipients: Sequence[str]) -> None:
        port = self.relay.port("submissions")
        with smtplib.SMTP_SSL(
            self.address, port, local_hostname="app.test", timeout=PATIENCE, context=_trusting()
        ) as smtp:
            smtp.login(sender, PASSWORD)
            smtp.sendmail(sender, recipients, message, mail_options=["BODY=8BITMIME"])


Beside = Callable[[str], AbstractAsyncContextManager[Ours]]
Letters = Callable[..., tuple[bytes, str]]


@pytest.fixture(scope="session")
def net() -> Iterator[Network]:
    with network() as up:
        yield up


@pytest.fixture(scope="session")
def postfix(net: Network) -> Iterator[Foreign]:
    """The other relay: mail.foreign.test. Do not stop it."""
    with foreign(net) as up:
        yield up


@pytest.fixture(scope="session")
def beside(net: Network, tmp_path_factory: pytest.TempPathFactory) -> Beside:
    """Runs a relay of that name, on port 25 of an address of its own, again where it was if it was before."""
    home = tmp_path_factory.mktemp("ours")
    net.ca.cert_pem.write_to_path(str(home / "ca.pem"))
    addresses: dict[str, str] = {}

    @asynccontextmanager
    async def up(domain: str) -> AsyncIterator[Ours]:
        data = home / domain
        if domain not in addresses:
            addresses[domain] = _named(net, domain, data)
        address = addresses[domain]
        options = [
            *("--domain", domain, "--listen", address, "--ports", "any"),
            *("--tls-cert", str(data / "cert.pem"), "--tls-key", str(data / "key.pem")),
        ]
        trusting = {"SSL_CERT_FILE": str(home / "ca.pem")}  # the only authority it knows
        async with relay(data, options, trusting) as running:
            yield Ours(domain, address, running, data)

    return up


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ours(beside: Beside) -> AsyncIterator[Ours]:
    """The shared relay of ours: relay-a.test."""
    async with beside("relay-a.test") as up:
        yield up


@pytest.fixture(scope="session")
def letter() -> Letters:
    """A message like one of `tests/mails` that there has not been yet: (message, the Message-ID that is its own)."""
    numbers = itertools.count()

    def write(author: str, like: str = "encrypted/as-the-app-sends-it") -> tuple[bytes, str]:
        mark = f"{secrets.token_hex(8)}.{next(numbers)}@localhost"
        head, end, body = (MAILS / f"{like}.eml").read_bytes().partition(b"\n\n")
        head = re.sub(rb"(?im)^From:.*(\n[ \t].*)*", f"From: <{author}>".encode(), head)
        head = re.sub(rb"(?im)^Message-ID:.*(\n[ \t].*)*", f"Message-ID: <{mark}>".encode(), head)
        return re.sub(rb"\r?\n", b"\r\n", head + end + body), mark

    return write


def _named(net: Network, domain: str, data: Path) -> str:
    """Give a relay an address, names in DNS, a certificate, keys and settings. Returns the address."""
    address = net.host(f"mx.{domain}", domain)
    net.dns.set(domain, "A", address)
    data.mkdir(0o700)
    settings = f'{GENEROUS}\n[dns]\nservers = ["{net.dns.server}"]\n\n[listen]\nsmtp = 25\n'
    (data / "angarium.toml").write_text(settings)
    certified = net.ca.issue_cert(domain, f"mx.{domain}")
    certified.private_key_pem.write_to_path(str(data / "key.pem"))
    (data / "cert.pem").write_bytes(b"".join(pem.bytes() for pem in certified.cert_chain_pems))
    for selector, key in signing_keys(Home(data)):
        net.dns.set(f"{selector}._domainkey.{domain}", "TXT", write_record(key.public_key()))
    return address


def _trusting() -> ssl.SSLContext:
    """The test looks into mailboxes; who is at the other end, others judge here."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
