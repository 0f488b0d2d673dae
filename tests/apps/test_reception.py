"""Mail of other relays comes into a relay that runs, by both doors, and wakes who waits for it.

The other relay is known by an IP address, so that it needs no DNS to be believed.
"""

import asyncio
import http.client
import imaplib
import json
import smtplib
import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from angarium.apps.check.throwaway import Relay
from tests.apps.command import angarium

Running = Callable[..., AbstractAsyncContextManager[Relay]]

MAIL = (Path(__file__).parents[1] / "mails" / "encrypted" / "as-the-app-sends-it.eml").read_bytes()
ALICE, BOB = "alice1234@[192.0.2.9]", "bobby1234@127.0.0.1"


def mail(number: int, sender: str = ALICE) -> bytes:
    return MAIL.replace(b"6f0b2a1e", b"%08x" % number).replace(b"alice1234@relay.example", sender.encode(), 1)


def by_https(relay: Relay, context: ssl.SSLContext, message: bytes, sender: str = ALICE) -> tuple[int, str]:
    connection = http.client.HTTPSConnection("127.0.0.1", relay.port("https"), context=context, timeout=20)
    connection.request("POST", "/mxdeliv", message, {"X-MAIL-FROM": sender, "X-MAIL-TO": BOB})
    response = connection.getresponse()
    return response.status, response.read().decode()


def by_smtp(relay: Relay, context: ssl.SSLContext, message: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", relay.port("smtp"), timeout=20) as smtp:
        smtp.starttls(context=context)
        assert smtp.sendmail(ALICE, [BOB], message) == {}


async def test_by_both_doors(running: Running, trusting: ssl.SSLContext) -> None:
    def talk(relay: Relay) -> list[bytes]:
        with imaplib.IMAP4_SSL("127.0.0.1", relay.port("imaps"), ssl_context=trusting) as client:
            client.login(BOB, "long enough")
            client.select("INBOX")
            client.send(b"x1 IDLE\r\n")
            assert client.readline().startswith(b"+")
            assert by_https(relay, trusting, mail(1)) == (200, "OK\n")
            assert client.readline() == b"* 1 EXISTS\r\n"
            by_smtp(relay, trusting, b"Received: from somewhere\r\n" + mail(2))
            assert client.readline() == b"* 2 EXISTS\r\n"
            by_smtp(relay, trusting, mail(1))  # again, by the other door
            client.send(b"DONE\r\n")
            assert client.readline().startswith(b"x1 OK")
            found = client.fetch("1:*", "(BODY.PEEK[])")[1]
            return [part[1] for part in found if isinstance(part, tuple)]

    async with running() as relay:
        assert await asyncio.to_thread(talk, relay) == [mail(1), mail(2)]


async def test_what_is_refused(running: Running, trusting: ssl.SSLContext) -> None:
    async with running() as relay:
        found = await asyncio.to_thread(by_https, relay, trusting, mail(1))
        assert found == (400, "550 5.1.1 there is no such address at this relay\n")


async def test_without_federation(running: Running, trusting: ssl.SSLContext, tmp_path: Path) -> None:
    async with running():
        pass
    settings = tmp_path / "data" / "angarium.toml"
    text = settings.read_text()
    settings.write_text(text.replace("# enabled = true", "enabled = false"))
    assert settings.read_text() != text
    async with running() as relay:
        assert (await asyncio.to_thread(by_https, relay, trusting, mail(1)))[0] == 404
        told = json.loads((await angarium("status", "--data", str(tmp_path / "data"), "--json"))[1])
        assert "smtp" not in {door["name"] for door in told["listening"]}
        with pytest.raises(StopIteration):
            relay.port("smtp")
