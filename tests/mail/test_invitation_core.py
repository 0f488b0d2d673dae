"""The app's own decoder on our links: the real core is told each one and watched on loopback as it follows it."""

import re
import socket
import ssl
import sysconfig
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme
from deltachat_rpc_client import Rpc
from deltachat_rpc_client.rpc import JsonRpcError

from angarium.mail.invitation import Login, Way, invitation, parse

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rpc]:
    program = Path(sysconfig.get_path("scripts")) / "deltachat-rpc-server"
    if not program.exists():
        pytest.skip("the core (extra `check`) is not installed")
    with Rpc(accounts_dir=str(tmp_path_factory.mktemp("core") / "accounts"), rpc_server_path=str(program)) as rpc:
        yield rpc


def choose(length: int) -> str:
    return ("a1b2c3d4e5f6g7h8i9j0k1" * 2)[:length]


@pytest.mark.parametrize("token", [None, "to_ken-1"])
@pytest.mark.parametrize("domain", ["relay.example", "a.b.relay.example"])
def test_a_shared_link_names_the_relay(core: Rpc, domain: str, token: str | None) -> None:
    way = Way(domain, 993, "ssl", 465, "ssl", 443, verified=True)
    read = core.check_qr(core.add_account(), invitation(domain, way, token=token, choose=choose))
    assert read == {"kind": "account", "domain": domain}


@pytest.mark.parametrize("domain", ["127.0.0.1", "[127.0.0.1]", "2001:db8::1", "_relay.localhost"])
def test_a_login_link_is_taken_for_the_address_we_meant(core: Rpc, domain: str) -> None:
    way = Way("127.0.0.1", 10993, "ssl", 10465, "starttls", None, verified=False)
    read = core.check_qr(core.add_account(), invitation(domain, way, token="to_ken-1", choose=choose))
    assert read == {"kind": "login", "address": f"{choose(9)}@{domain}"}


@pytest.mark.parametrize("token", [None, "to_ken-1"])
def test_a_login_link_leads_the_core_to_our_ports_with_our_password(
    core: Rpc, token: str | None, context: ssl.SSLContext
) -> None:
    """A door that refuses every login hears which name and password the core brings, over TLS nobody vouches for."""
    with socket.create_server(("127.0.0.1", 0)) as imap, socket.create_server(("127.0.0.1", 0)) as smtp:
        way = Way("127.0.0.1", imap.getsockname()[1], "ssl", smtp.getsockname()[1], "ssl", None, verified=False)
        link = invitation("127.0.0.1", way, token=token, choose=choose)
        with ThreadPoolExecutor(1) as pool:
            heard: Future[tuple[str, str]] = pool.submit(login, imap, context)
            with pytest.raises(JsonRpcError):
                core.add_transport_from_qr(core.add_account(), link)
            read = parse(link)
            assert isinstance(read, Login)
            assert heard.result(timeout=20) == (read.address, read.password)


@pytest.fixture
def context() -> ssl.SSLContext:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(server)
    return server


def login(listening: socket.socket, context: ssl.SSLContext) -> tuple[str, str]:
    """Play an IMAP server up to the first LOGIN, refuse it, and return what it said."""
    listening.settimeout(20)
    raw, _ = listening.accept()
    raw.settimeout(20)
    with context.wrap_socket(raw, server_side=True) as secure, secure.makefile("rwb") as stream:
        stream.write(b"* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n")
        stream.flush()
        line = stream.readline().decode()
        while not (found := re.fullmatch(r'(\S+) LOGIN "([^"]*)" "([^"]*)"\r\n', line)):
            stream.write(line.split()[0].encode() + b" OK done\r\n")
            stream.flush()
            line = stream.readline().decode()
        stream.write(f"{found[1]} NO authentication failed\r\n".encode())
        stream.flush()
        return found[2], found[3]
