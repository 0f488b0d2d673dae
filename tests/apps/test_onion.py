"""`angarium up --onion`, with the real tor and its network off."""

import asyncio
import imaplib
import json
import re
import shutil
import smtplib
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from angarium.apps.check.throwaway import Relay
from angarium.mail.invitation import Login, parse
from angarium.reach.onion import ADDRESS, OnionError, program

Command = Callable[..., Awaitable[tuple[int, str, str]]]
Running = Callable[..., AbstractAsyncContextManager[Relay]]

SETTINGS = '[onion]\ntorrc = ["DisableNetwork 1"]\n'


@pytest.fixture
def data(tmp_path: Path) -> Path:
    try:
        program("")
    except OnionError:
        pytest.skip("Debian's tor is not installed")
    made = tmp_path / "data"
    made.mkdir(0o700)
    (made / "angarium.toml").write_text(SETTINGS)
    return made


async def test_an_onion_address_is_published_invited_to_kept_and_burnt(
    command: Command, running: Running, data: Path, tmp_path: Path
) -> None:
    async with running("--onion"):
        said = json.loads((await command("invite", "--json", "--data", str(data)))[1])
        (onion,) = [other for other in said["others"][0] if other["kind"] == "onion"]
        assert ADDRESS.fullmatch(onion["host"])
        read, first = parse(onion["link"]), parse(said["links"][0])
        assert isinstance(read, Login)
        assert isinstance(first, Login)
        assert (read.address, read.password) == (first.address, first.password)
        assert (read.imap.host, read.imap.port, read.smtp.port) == (onion["host"], 993, 465)
        status, said_of_it, _ = await command("status", "--json", "--data", str(data))
        assert (status, json.loads(said_of_it)["onion"]) == (0, onion["host"])

    # the key is part of a backup, what tor remembers is not
    backup, other = tmp_path / "backup", tmp_path / "other"
    code = (await command("backup", str(backup), "--data", str(data)))[1].split("Recovery code:")[1].split()[0]
    words = ("restore", str(backup), "--data", str(other), "--passphrase-fd", "0")
    assert (await command(*words, typed=f"{code}\n"))[0] == 0
    assert (other / "onion" / "hostname").read_text().strip() == onion["host"]
    assert not (other / "tor").exists()

    async with running("--onion"):
        again = json.loads((await command("invite", "--json", "--data", str(data)))[1])
        assert onion["host"] in json.dumps(again)
        assert (await command("burn", "--yes", "--data", str(data)))[0] == 0
    shutil.rmtree(other)
    assert not data.exists()


async def test_without_tor_it_does_not_start_and_says_how_to_get_it(command: Command, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(0o700)
    (data / "angarium.toml").write_text('[onion]\nenabled = true\ntor = "/nowhere/tor"\n')
    status, said, complained = await command("up", "--listen", "127.0.0.1", "--ports", "any", "--data", str(data))
    assert (status, said) == (2, "")
    assert "onion.tor" in complained


async def test_behind_a_decoy_the_onion_address_alone_leads_to_imap_and_submission(
    command: Command, running: Running, data: Path, tmp_path: Path
) -> None:
    told = tmp_path / "torrc"
    spy = tmp_path / "tor"
    spy.write_text(f"#!/bin/sh\ncat > '{told}'\nexec '{program('')}' \"$@\" < '{told}'\n")
    spy.chmod(0o755)
    (data / "angarium.toml").write_text(f'{SETTINGS}tor = "{spy}"\n')
    async with running("--onion", "--domain", "_relay.localhost", "--decoy", "default") as up:
        assert {door.name for door in up.ready.listening} == {"https", "http"}
        led = dict(re.findall(r"HiddenServicePort (\d+) 127\.0\.0\.1:(\d+)", told.read_text()))
        assert led.keys() == {"993", "465", "443"}
        assert int(led["443"]) == up.port("https")
        said = json.loads((await command("invite", "--json", "--data", str(data)))[1])
        (onion,) = [other for other in said["others"][0] if other["kind"] == "onion"]
        read = parse(onion["link"])
        assert isinstance(read, Login)
        assert (read.imap.port, read.smtp.port) == (993, 465)

        def enter() -> None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with imaplib.IMAP4_SSL("127.0.0.1", int(led["993"]), ssl_context=context, timeout=20) as imap:
                assert imap.login(read.address, read.password)[0] == "OK"
            with smtplib.SMTP_SSL("127.0.0.1", int(led["465"]), context=context, timeout=20) as smtp:
                assert smtp.login(read.address, read.password)[0] == 235

        await asyncio.to_thread(enter)
        status = json.loads((await command("status", "--json", "--data", str(data)))[1])
        assert {door["name"] for door in status["listening"]} == {"https", "http"}
