"""A relay behind a decoy: the real core comes in through the proxy and by the secret path, strangers see a web site."""

import asyncio
import http.client
import re
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from angarium.apps.check.throwaway import Relay
from angarium.apps.check.trial import trial
from angarium.lab.profile import join, new_profile
from tests.e2e.test_proxy import NAME, core_that_knows, enter

FAST = "[messages]\nrate_per_minute = 1000000\nrate_burst = 100000\n"
MAIL = "[listen]\nhttps = -1\nimaps = {}\nsubmissions = {}\n"
GARDEN = "<!doctype html><title>Garden</title>"

Start = Callable[..., AbstractAsyncContextManager[Relay]]
Angarium = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def garden(tmp_path: Path) -> Path:
    """A web site."""
    folder = tmp_path / "garden"
    folder.mkdir()
    (folder / "index.html").write_text(GARDEN)
    return folder


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


async def ask(port: int, method: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Status, software and body."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    def talk() -> tuple[int, str, str]:
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=20)
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.getheader("Server", ""), text

    return await asyncio.to_thread(talk)


async def test_one_port_everything_and_nothing_to_see(
    start: Start, angarium: Angarium, tmp_path: Path, garden: Path
) -> None:
    data = tmp_path / "relay"
    async with (
        start(data, "--domain", NAME, "--decoy", str(garden), settings=FAST) as up,
        core_that_knows(tmp_path, NAME) as app,
        trial(app, up.ready.invitation, tmp_path) as people,
    ):
        assert {door.name for door in up.ready.listening} == {"https", "http"}
        port = up.port("https")
        page = urlsplit(up.ready.page).path
        assert re.fullmatch(r"/[a-z0-9]{22}/", page)

        # people: an invitation as it is given out, and one by the page that makes accounts
        made = []
        for _ in range(3):
            status, said, _ = await angarium("invite", "--data", data, "--json")
            assert status == 0
            made.append(msgspec.json.decode(said))
        assert f"{page}invite/" in made[0]["page"]
        alice = await enter(app, "Alice", made[0]["links"][0], made[0]["proxy"])
        bob = await enter(app, "Bob", made[1]["links"][0], made[1]["proxy"])
        new = f"dcaccount:https://{NAME}:{port}{page}new"
        carol = await enter(app, "Carol", new, made[2]["proxy"])
        for person in (alice, bob, carol):
            people.attend(person)
        await people.send("texts", bob, await join(alice, bob), [alice])
        await people.send("texts", carol, await join(alice, carol), [alice])
        await asyncio.wait_for(people.ledger.complete("texts"), 30)

        # strangers
        assert await ask(port, "GET", "/") == (200, "nginx/1.22.1", GARDEN)
        nothing = await ask(port, "GET", "/nothing")
        assert nothing[:2] == (404, "nginx/1.22.1")
        for method, path in (
            *(("POST", "/new"), ("GET", "/delete"), ("GET", "/password"), ("GET", "/invite/abc"), ("POST", "/mxdeliv")),
            *(("GET", "/mxdeliv"), ("GET", "/.well-known/autoconfig/mail/config-v1.1.xml"), ("GET", "/generate_204")),
            *(("GET", "/ways"), ("POST", "/ways")),
            *(("GET", page[:-1]), ("GET", f"{page[:-2]}/"), ("POST", f"/x{page}new"), ("GET", f"/box/{'A' * 22}")),
        ):
            assert await ask(port, method, path) == nothing, path
        forged = {"X-MAIL-FROM": "a@b.example", "X-MAIL-TO": f"nobody1234@{NAME}"}
        assert await ask(port, "POST", "/mxdeliv", forged) == nothing

        # who knows the path
        status, software, text = await ask(port, "GET", page)
        assert (status, software) == (200, "")
        assert f'action="{page}' in (await ask(port, "GET", f"{page}delete"))[2]
        assert f'href="{page}password' in text
        assert (await ask(port, "GET", f"{page}nothing"))[0] == 404


async def test_mail_by_alpn_is_taken_only_where_the_keeper_says_so(start: Start, tmp_path: Path, garden: Path) -> None:
    def offer(port: int, protocol: str) -> str | None:

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols([protocol])
        with socket.create_connection(("127.0.0.1", port), 10) as raw, context.wrap_socket(raw) as tls:
            return tls.selected_alpn_protocol()

    async with start(tmp_path / "one", "--domain", NAME, "--decoy", str(garden)) as up:
        assert "&ip=993&" in up.ready.invitation
        with pytest.raises(ssl.SSLError, match="no application protocol"):
            await asyncio.to_thread(offer, up.port("https"), "imap")
    settings = "[decoy]\nmail_alpn = true\n"
    async with start(tmp_path / "two", "--decoy", str(garden), settings=settings) as up:
        assert f"&ip={up.port('https')}&" in up.ready.invitation
        for protocol in ("imap", "smtp", "http/1.1"):
            assert await asyncio.to_thread(offer, up.port("https"), protocol) == protocol
        assert await ask(up.port("https"), "GET", "/") == (200, "nginx/1.22.1", GARDEN)


async def test_with_other_ports_open_the_app_asks_the_https_port_for_nothing(
    start: Start, angarium: Angarium, tmp_path: Path, garden: Path
) -> None:
    """What the app needs of the https port: nothing, where the link says where IMAP and submission are."""
    data = tmp_path / "relay"
    async with (
        start(data, "--domain", NAME, "--decoy", str(garden), settings=MAIL.format(free(), free())) as up,
        core_that_knows(tmp_path, NAME) as app,
    ):
        assert "https" not in {door.name for door in up.ready.listening}
        assert await new_profile(app, "Alice", up.ready.invitation)
