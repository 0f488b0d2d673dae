"""The command as a keeper runs it: started, asked, stopped, started again; in a process of its own, on loopback."""

import asyncio
import imaplib
import json
import re
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from angarium.apps.check.throwaway import OPTIONS, Relay, RelayFailed, relay
from tests.apps.command import angarium

Running = Callable[..., AbstractAsyncContextManager[Relay]]


@pytest.fixture
def up(tmp_path: Path) -> Running:
    """Runs a relay on the test's data directory."""

    @asynccontextmanager
    async def run(*options: str) -> AsyncIterator[Relay]:
        async with relay(tmp_path / "data", (*OPTIONS, *options)) as running:
            yield running

    return run


def login(running: Relay, name: str, password: str) -> list[bytes]:
    """Log in over IMAP with certificate checks off, as an app does with `ic=3`; the capabilities afterwards."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with imaplib.IMAP4_SSL("127.0.0.1", running.port("imaps"), ssl_context=context) as client:
        client.login(f"{name}@127.0.0.1", password)
        return [word for line in client.capability()[1] for word in line.split()]


async def test_started_asked_stopped_and_started_again(up: Running, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    async with up() as first:
        assert first.ready.invitation.startswith("dclogin:")
        assert first.ready.page == f"https://127.0.0.1:{first.port('https')}/"
        assert b"XCHATMAIL" in await asyncio.to_thread(login, first, "someone12", "long enough")
        status, said, _ = await angarium("status", "--data", data, "--json")
        assert status == 0
        told = json.loads(said)
        assert told["accounts"] == 1
        assert told["messages"] == 0
        assert {door["name"] for door in told["listening"]} == {
            *("imaps", "imap", "submissions", "submission", "https", "http", "smtp")
        }
        assert told["certificate"] == "self-signed"
        assert told["disk_bytes"] > 0
        assert told["last_error"] == ""
        status, said, _ = await angarium("status", "--data", data)
        assert status == 0
        assert re.search(r"Accounts +1\b", said)
        ports = [(door.name, door.port) for door in first.ready.listening]
        first.process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(first.process.wait(), 5) == 0
    async with up() as second:
        assert [(door.name, door.port) for door in second.ready.listening] == ports
        assert b"XCHATMAIL" in await asyncio.to_thread(login, second, "someone12", "long enough")
        with pytest.raises(imaplib.IMAP4.error, match="authentication"):
            await asyncio.to_thread(login, second, "someone12", "something else")
        told = json.loads((await angarium("status", "--data", data, "--json"))[1])
        assert told["accounts"] == 1


async def test_nobody_is_named_by_what_the_relay_says_of_itself(up: Running, tmp_path: Path) -> None:
    async with up() as running:
        await asyncio.to_thread(login, running, "someone12", "long enough")
        for words in (("status",), ("status", "--json")):
            _, said, complained = await angarium(*words, "--data", str(tmp_path / "data"))
            assert "someone12" not in said + complained


async def test_two_relays_never_share_a_directory(up: Running) -> None:
    async with up() as running:
        with pytest.raises(RelayFailed, match="another relay is running"):
            async with up():
                pytest.fail("a second one started")
        assert await asyncio.to_thread(login, running, "someone12", "long enough")


async def test_invitations_to_an_open_relay(up: Running, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    async with up():
        links = [json.loads((await angarium("invite", "--data", data, "--json"))[1])["links"][0] for _ in range(2)]
        assert links[0] != links[1]
        _, said, _ = await angarium("invite", "--data", data)
        assert "▄" in said
        assert "dclogin:" in said
        status, _, complained = await angarium("invite", "--data", data, "--uses", "3")
        assert status == 2
        assert 'registration = "invite"' in complained


async def test_invitations_that_are_used_up(up: Running, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    async with up("--registration", "invite") as running:
        assert running.ready.invitation == ""
        made = json.loads((await angarium("invite", "--data", data, "--uses", "2", "--expires", "3d", "--json"))[1])
        assert (len(made["links"]), made["uses"], made["expires_days"]) == (2, 2, 3)
        passwords = [re.search(r"[?&]p=([^&]+)", link)[1] for link in made["links"]]  # type: ignore[index]
        assert len({password.split(".")[0] for password in passwords}) == 1
        for number, password in enumerate(passwords):
            assert await asyncio.to_thread(login, running, f"invited-{number}", password)
        with pytest.raises(imaplib.IMAP4.error, match="invitation that is used up"):
            await asyncio.to_thread(login, running, "invited-3", passwords[0])
        with pytest.raises(imaplib.IMAP4.error, match="authentication"):
            await asyncio.to_thread(login, running, "uninvited", "long enough")
        assert await asyncio.to_thread(login, running, "invited-0", passwords[0])


async def test_a_closed_relay_takes_nobody_new(up: Running, tmp_path: Path) -> None:
    async with up("--registration", "closed") as running:
        status, _, complained = await angarium("invite", "--data", str(tmp_path / "data"))
        assert status == 2
        assert "takes nobody new" in complained
        with pytest.raises(imaplib.IMAP4.error, match="gives out no new addresses"):
            await asyncio.to_thread(login, running, "someone12", "long enough")


@pytest.mark.parametrize("command", ["status", "invite"])
async def test_commands_without_a_relay_say_what_to_do(command: str, tmp_path: Path) -> None:
    status, _, complained = await angarium(command, "--data", str(tmp_path))
    assert status == 2
    assert f"angarium up --data {tmp_path}" in complained
    (tmp_path / "root.key").write_bytes(bytes(32))
    status, _, complained = await angarium(command, "--data", str(tmp_path))
    assert status == 2
    assert "no relay runs" in complained


async def test_mistakes_in_the_settings_stop_it_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "angarium.toml").write_text("[retention]\nmessage_days = -3\n")
    status, said, complained = await angarium("up", "--data", str(tmp_path))
    assert (status, said) == (2, "")
    assert complained == (
        f"angarium: {tmp_path}/angarium.toml:2: retention.message_days: expected `int` >= 0, found -3\n"
    )


async def test_mistakes_on_the_command_line_make_nothing(tmp_path: Path) -> None:
    status, _, complained = await angarium("up", "--data", str(tmp_path / "new"), "--tls-cert", "chain.pem")
    assert status == 2
    assert "tls.key" in complained
    status, _, complained = await angarium("up", "--data", str(tmp_path / "new"), "--domain", "no spaces allowed")
    assert status == 2
    assert complained == (
        'angarium: the command line: names.domain: expected a domain name or an IP address, found "no spaces allowed"\n'
    )
    assert not (tmp_path / "new" / "angarium.toml").exists()


async def test_a_port_that_is_taken_is_told(up: Running, tmp_path: Path) -> None:
    async with up() as running:
        other = tmp_path / "other"
        other.mkdir()
        (other / "angarium.toml").write_text(
            f'[listen]\naddresses = ["127.0.0.1"]\nports = "any"\nimaps = {running.port("imaps")}\n'
        )
        status, _, complained = await angarium("up", "--data", str(other))
        assert status == 2
        assert str(running.port("imaps")) in complained
        assert "Address already in use" in complained
