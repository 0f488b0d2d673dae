"""What a running relay takes on its https port, and what it does not where there is a decoy."""

import asyncio
import base64
import imaplib
import json
import re
import smtplib
import socket
import ssl
from pathlib import Path

import pytest

from angarium.edge.mux import SILENCE_SECONDS
from tests.apps.conftest import Command, Running

GOAL = b"_relay.localhost:993"
SILENCE = SILENCE_SECONDS + 0.2


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


def connect(pass_: str) -> bytes:
    """A request for a tunnel, with the pass in a link."""
    found = re.match(r"\w+://(\w+:\w+)@", pass_)
    assert found
    token = base64.b64encode(found[1].encode())
    return b"CONNECT %b HTTP/1.1\r\nHost: %b\r\nProxy-Authorization: Basic %b\r\n\r\n" % (GOAL, GOAL, token)


async def test_imap_and_submission_in_clear_on_the_https_port_and_http_leads_on(
    command: Command, running: Running, tmp_path: Path
) -> None:
    async with running("--domain", "_relay.localhost") as up:
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
        made = json.loads((await command("proxy", "new", "--json", "--data", str(tmp_path / "data")))[1])
        for clear in (port, up.port("http")):  # nor is that one a proxy
            assert (await asyncio.to_thread(say, clear, connect(made["link"]), 0.2)).startswith(b"HTTP/1.1 308 ")


async def test_socks_and_http_in_clear_are_proxies_where_the_keeper_wants_them(
    command: Command, running: Running, tmp_path: Path
) -> None:
    settings(tmp_path / "data", "[listen]\nsocks = 0\n[proxy]\nhttp = true\n")
    async with running("--domain", "_relay.localhost") as up:
        made = json.loads((await command("proxy", "new", "--json", "--data", str(tmp_path / "data")))[1])
        for port in (up.port("https"), up.port("http")):
            assert (await asyncio.to_thread(say, port, connect(made["link"]), 0.2)).startswith(b"HTTP/1.1 200 ")
        for port in (up.port("https"), up.port("socks")):
            assert await asyncio.to_thread(say, port, b"\5\1\2", 0.2) == b"\5\2"
        assert await asyncio.to_thread(say, up.port("https"), b"", SILENCE) == b""  # which is answered by silence


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

        def receive() -> None:
            with imaplib.IMAP4("127.0.0.1", imap_port, timeout=10) as imap:
                imap.starttls(trusting)
                assert imap.login(name, password)[0] == "OK"

        def send() -> None:
            with smtplib.SMTP("127.0.0.1", smtp_port, timeout=10) as smtp:
                smtp.starttls(context=trusting)
                smtp.login(name, password)

        def browse() -> None:
            with socket.create_connection(("127.0.0.1", imap_port)) as raw, trusting.wrap_socket(raw) as tls:
                tls.sendall(b"GET /generate_204 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert tls.recv(100).startswith(b"HTTP/1.1 204")

        await asyncio.gather(*map(asyncio.to_thread, (receive, send, browse)))
        invited = (await command("invite", "--json", "--data", str(data)))[1]
        assert f"ip={imap_port}&is=starttls&sp={smtp_port}&ss=starttls" in re.sub(r"&(ih|sh)=[^&]*", "", invited)


@pytest.mark.parametrize("clear", [False, True])
async def test_behind_a_decoy_nothing_of_that_is_taken_unless_the_keeper_says_so(
    running: Running, tmp_path: Path, clear: bool
) -> None:
    site, data = tmp_path / "site", tmp_path / "data"
    site.mkdir()
    (site / "index.html").write_text("<html>roses</html>")
    settings(data, f"[decoy]\nclear = {str(clear).lower()}\n[listen]\nsocks = 0\n[proxy]\nhttp = true\n")
    async with running("--domain", "_relay.localhost", "--decoy", str(site)) as up:
        words = (b"a1 CAPABILITY\r\na2 LOGOUT\r\n", b"EHLO x\r\nQUIT\r\n", b"\5\1\2", b"SSH-2.0-x\r\n")
        imap, smtp, socks, other, silence = await asyncio.gather(
            *(asyncio.to_thread(say, up.port("https"), word, SILENCE) for word in (*words, b""))
        )
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
