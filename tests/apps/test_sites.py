"""What a running relay takes on its https port, and what it does not where there is a decoy."""

import asyncio
import imaplib
import re
import smtplib
import socket
import ssl
from pathlib import Path

import pytest

from angarium.apps.check.throwaway import Relay
from angarium.edge import mux
from tests.apps.conftest import Command, Running

SITE = "<html>roses</html>"


def say(port: int, said: bytes, seconds: float = 5) -> bytes:
    """What is heard until the other side has ended, or has said nothing for so many seconds."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(said)
        connection.settimeout(seconds)
        try:
            while data := connection.recv(65_536):
                heard += data
        except TimeoutError:
            pass
        except ConnectionError:
            heard += b"<reset>"
    return heard


def settings(data: Path, text: str) -> None:
    data.mkdir(0o700, exist_ok=True)
    (data / "angarium.toml").write_text(text)


def account(link: str) -> tuple[str, str]:
    """Address and password in an invitation."""
    found = re.fullmatch(r"dclogin:([^?]+)\?p=([^&]+)&.*", link)
    assert found
    return found[1].replace("%40", "@"), found[2]


async def test_imap_and_submission_in_clear_on_the_https_port_and_http_leads_on(
    running: Running, trusting: ssl.SSLContext
) -> None:
    async with running() as up:
        port = up.port("https")
        said = await asyncio.to_thread(
            say, port, b"GET /x HTTP/1.1\r\nHost: relay.example\r\nConnection: close\r\n\r\n"
        )
        assert said.startswith(b"HTTP/1.1 308 ")
        assert f"Location: https://relay.example:{port}/x".encode() in said
        said = await asyncio.to_thread(say, port, b"a1 LOGIN a b\r\na2 LOGOUT\r\n")
        assert said.startswith(b"* OK ")
        assert b"a1 NO" in said or b"a1 BAD" in said  # not before STARTTLS
        assert b"STARTTLS" in said
        said = await asyncio.to_thread(say, port, b"EHLO x\r\nQUIT\r\n")
        assert said.startswith(b"220 ")
        assert b"STARTTLS" in said
        assert b"AUTH" not in said
        assert await asyncio.to_thread(say, port, b"SSH-2.0-x\r\n") == b""
        assert await asyncio.to_thread(say, port, b"\5\1\2") == b""  # there is no such door here
        assert await asyncio.to_thread(say, port, b"", 2.5) == b""  # silence is answered by silence


async def test_who_says_nothing_is_greeted_on_the_ports_that_the_keeper_names(
    command: Command, running: Running, trusting: ssl.SSLContext, tmp_path: Path, unused_tcp_port_factory: object
) -> None:
    imap_port, smtp_port = unused_tcp_port_factory(), unused_tcp_port_factory()  # type: ignore[operator]
    data = tmp_path / "data"
    settings(
        data, f"[listen]\nmore = [{imap_port}, {smtp_port}]\ngreet_imap = [{imap_port}]\ngreet_smtp = [{smtp_port}]\n"
    )
    async with running() as up:
        name, password = account(up.ready.invitation)

        def come_in() -> None:
            with imaplib.IMAP4("127.0.0.1", imap_port, timeout=10) as imap:
                imap.starttls(trusting)
                assert imap.login(name, password)[0] == "OK"
            with smtplib.SMTP("127.0.0.1", smtp_port, timeout=10) as smtp:
                smtp.starttls(context=trusting)
                smtp.login(name, password)
            with socket.create_connection(("127.0.0.1", imap_port)) as raw, trusting.wrap_socket(raw) as tls:
                tls.sendall(b"GET /generate_204 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert tls.recv(100).startswith(b"HTTP/1.1 204")

        await asyncio.to_thread(come_in)
        invited = (await command("invite", "--json", "--data", str(data)))[1]
        assert f"ip={imap_port}&is=starttls&sp={smtp_port}&ss=starttls" in re.sub(r"&(ih|sh)=[^&]*", "", invited)


async def behind_a_decoy(up: Relay, extra: bytes = b"") -> list[bytes]:
    words = [b"a1 CAPABILITY\r\na2 LOGOUT\r\n", b"EHLO x\r\nQUIT\r\n", b"\5\1\2", b"SSH-2.0-x\r\n"]
    heard = [await asyncio.to_thread(say, up.port("https"), word) for word in words]
    return [*heard, await asyncio.to_thread(say, up.port("https"), b"", mux.SILENCE_SECONDS + 1)]


@pytest.mark.parametrize("clear", [False, True])
async def test_behind_a_decoy_nothing_of_that_is_taken_unless_the_keeper_says_so(
    running: Running, tmp_path: Path, clear: bool
) -> None:
    site, data = tmp_path / "site", tmp_path / "data"
    site.mkdir()
    (site / "index.html").write_text(SITE)
    settings(data, f"[decoy]\nclear = {str(clear).lower()}\n[listen]\nsocks = 0\n[proxy]\nhttp = true\n")
    async with running("--decoy", str(site)) as up:
        imap, smtp, socks, other, silence = await behind_a_decoy(up)
        assert other.startswith(b"<html>") or b"400 Bad Request" in other
        assert silence == b""
        if clear:
            assert imap.startswith(b"* OK ")
            assert smtp.startswith(b"220 ")
            assert socks == b"\5\2"
        else:
            assert b"nginx" in imap
            assert b"nginx" in smtp
            assert not socks.startswith(b"\5")


async def test_a_port_to_greet_on_is_refused_where_nothing_in_clear_is_taken(command: Command, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for text in (
        "[listen]\ngreet_imap = [443]\nclear = false\n",
        '[listen]\ngreet_smtp = [443]\n[decoy]\nfolder = "/x"\n',
    ):
        settings(data, text)
        status, _, complaint = await command("up", "--data", str(data))
        assert status == 2
        assert ":2: listen.greet_" in complaint
        assert "decoy.clear" in complaint
    settings(data, "[listen]\ngreet_imap = [443]\ngreet_smtp = [444, 443]\n")
    status, _, complaint = await command("up", "--data", str(data))
    assert status == 2
    assert "port 443 stands in listen.greet_imap" in complaint


async def test_the_http_door_is_a_proxy_only_where_the_keeper_wants_one(
    command: Command, running: Running, tmp_path: Path
) -> None:
    data = tmp_path / "data"

    async def ask(up: Relay) -> bytes:
        made = (await command("proxy", "new", "--json", "--data", str(data)))[1]
        found = re.search(r'"link":"https?://(\w+):(\w+)@', made)
        assert found
        import base64

        token = base64.b64encode(f"{found[1]}:{found[2]}".encode()).decode()
        goal = "_relay.localhost:993"
        said = f"CONNECT {goal} HTTP/1.1\r\nHost: {goal}\r\nProxy-Authorization: Basic {token}\r\n\r\n"
        return await asyncio.to_thread(say, up.port("http"), said.encode(), 1)

    async with running("--domain", "_relay.localhost") as up:
        assert (await ask(up)).startswith(b"HTTP/1.1 308 ")
    settings(data, "[proxy]\nhttp = true\n")
    async with running("--domain", "_relay.localhost") as up:
        assert (await ask(up)).startswith(b"HTTP/1.1 200 ")
