"""`angarium front`: what a keeper types here, and on the other machine."""

import asyncio
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from angarium.apps.check.throwaway import Relay
from angarium.apps.home import Home
from angarium.apps.nft import script

Command = Callable[..., Awaitable[tuple[int, str, str]]]
Running = Callable[..., AbstractAsyncContextManager[Relay]]
Said = Callable[..., Awaitable[str]]

PORTS = {"https": 10443, "imaps": 10993, "submissions": 10465, "http": 10080}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A relay that ran once."""
    home = Home(tmp_path / "data")
    home.make({"listen.addresses": ["127.0.0.1"]})
    home.remember_ports(PORTS)
    return home


@pytest.fixture
def said(command: Command, tmp_path: Path) -> Said:
    """What a command says that does not fail."""

    async def say(*words: str) -> str:
        status, said, complained = await command(*words, "--data", str(tmp_path / "data"))
        assert (status, complained) == (0, "")
        return said

    return say


async def test_a_front_from_its_entry_to_its_end_without_a_running_relay(said: Said, home: Home) -> None:
    assert "no fronts" in await said("front", "list")
    assert "for everybody" in await said("front", "add", "203.0.113.4")
    assert "group north" in await said("front", "add", "203.0.113.5", "--group", "north", "--ports", "8443:10443")
    first, second = json.loads(await said("front", "list", "--json"))
    assert first["ports"] == "443:10443,993:10993,465:10465"
    assert second == {"address": "203.0.113.5", "ports": "8443:10443", "group": "north", "burnt_day": None}
    told = await said("front", "burnt", "203.0.113.5")
    assert "group north only" in told
    assert json.loads(await said("front", "list", "--json"))[1]["burnt_day"] > 20_000
    assert "8443:10443" in await said("front", "show", "203.0.113.5")
    assert "forgotten" in await said("front", "remove", "203.0.113.5")
    assert len(json.loads(await said("front", "list", "--json"))) == 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("add", "127.0.0.1"), "own address"),
        (("add", "not an address"), "expected the front's"),
        (("add", "203.0.113.5", "--ports", "993:10993"), "must lead to"),
        (("add", "203.0.113.5", "--ports", "443:444"), "does not listen on port 444"),
        (("add", "203.0.113.5", "--ports", "x"), "--ports: expected ports"),
        (("add", "203.0.113.5", "--group", "a\x1bb"), "--group"),
        (("remove", "203.0.113.5"), "no front"),
        (("burnt", "203.0.113.5"), "no front"),
        (("show", "203.0.113.5"), "no front"),
        (("command", "--to", "relay.example"), "IP address"),
    ],
)
async def test_what_is_refused(command: Command, home: Home, words: tuple[str, ...], why: str) -> None:
    status, said, complained = await command("front", *words, "--data", str(home.path))
    assert (status, said) == (2, "")
    assert why in complained


async def test_a_running_relay_puts_fronts_into_its_invitations_and_pages(
    command: Command, running: Running, tmp_path: Path
) -> None:
    async with running("--registration", "invite"):

        async def say(*words: str) -> str:
            status, said, complained = await command(*words, "--data", str(tmp_path / "data"))
            assert status == 0, complained
            return said

        await say("front", "add", "203.0.113.4")
        await say("front", "add", "203.0.113.5", "--group", "north")
        for_all = json.loads(await say("invite", "--json"))
        for_north = json.loads(await say("invite", "--front-group", "north", "--uses", "2", "--json"))
        assert "ih=203.0.113.5" in for_north["links"][0]
        assert len(for_north["links"]) == len(for_north["others"]) == 2
        assert "203.0.113.5" not in json.dumps(for_all)
        kinds = [other["kind"] for other in for_all["others"][0]]
        assert "front" in kinds
        assert "through the front 203.0.113.4" in await say("invite")

        await say("front", "burnt", "203.0.113.5")
        status, _, complained = await command("invite", "--front-group", "north", "--data", str(tmp_path / "data"))
        assert (status, "no good front for group north" in complained) == (2, True)


async def test_neither_a_front_nor_a_group_is_read_from_the_disk(said: Said, home: Home) -> None:
    await said("front", "add", "203.0.113.55", "--group", "thenorthernbranch")
    written = b"".join(
        file.read_bytes() for file in home.path.rglob("*") if file.is_file() and file != home.config_file
    )
    for secret in ("203.0.113.55", "thenorthernbranch"):
        assert secret.encode() not in written
        assert secret.encode("utf-16-le") not in written


async def test_what_is_printed_can_be_typed(said: Said, home: Home) -> None:
    printed = await said("front", "command", "--to", "203.0.113.9")
    assert "angarium front run --to 203.0.113.9 --ports 443:10443,993:10993,465:10465" in printed
    assert script("203.0.113.9", {443: 10443, 993: 10993, 465: 10465}) in printed
    assert await said("front", "command", "--to", "203.0.113.9", "--nft") in printed
    assert "angarium front add ADDRESS --ports 443:10443,993:10993,465:10465" in printed


@pytest.mark.parametrize("relay", ["203.0.113.9", "2001:db8::9"])
@pytest.mark.parametrize("ports", [{443: 443}, {443: 10443, 993: 10993}])
def test_nftables_takes_the_script(relay: str, ports: dict[int, int]) -> None:
    checked = nft("-c", "-f", "-", script(relay, ports))
    assert checked.returncode == 0, checked.stderr


def nft(*words: str) -> "subprocess.CompletedProcess[str]":
    if shutil.which("nft") is None:
        pytest.skip("needs nftables")
    *options, rules = words
    done = subprocess.run(["nft", *options], input=rules, capture_output=True, text=True, check=False)
    if "Operation not permitted" in done.stderr:
        pytest.skip("needs root")
    return done


async def test_the_program_hands_on_and_ends_in_order() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.3", 0) as server:
        port = server.sockets[0].getsockname()[1]
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "angarium", "front", "run", "--to", "127.0.0.3", "--listen", "127.0.0.2"),
            *("--ports", f"{port}"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert program.stdout
        assert re.match(rb"A front of 127\.0\.0\.3", await asyncio.wait_for(program.stdout.readline(), 30))
        reader, writer = await asyncio.open_connection("127.0.0.2", port)
        assert await asyncio.wait_for(reader.read(), 10) == b"hello"
        writer.close()
        program.send_signal(signal.SIGTERM)
        said, complained = await asyncio.wait_for(program.communicate(), 10)
        assert (program.returncode, said, complained) == (0, b"", b"")


async def test_a_port_that_is_not_to_be_had(command: Command) -> None:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.2", 0) as server:
        port = server.sockets[0].getsockname()[1]
        words = ("front", "run", "--to", "127.0.0.3", "--listen", "127.0.0.2", "--ports", str(port))
        status, _, complained = await command(*words)
        assert status == 2
        assert "in use" in complained
