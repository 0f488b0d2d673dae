"""`angarium proxy`: passes made, listed and taken back, while the relay runs."""

import base64
import json
import re
from pathlib import Path

from tests.apps.conftest import Command, Running


async def test_a_pass_is_made_listed_and_taken_back(command: Command, running: Running, tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    async with running("--domain", "_relay.localhost") as up:
        assert (await command("proxy", "list", *data))[1] == "There are no passes: make one with angarium proxy new.\n"
        status, said, _ = await command("proxy", "new", "for the library", *data, "--json")
        made = json.loads(said)
        assert status == 0
        port = up.port("https")
        assert re.fullmatch(rf"https://{made['user']}:[a-z0-9]{{22}}@_relay\.localhost:{port}", made["link"])
        (listed,) = json.loads((await command("proxy", "list", *data, "--json"))[1])
        assert (listed["user"], listed["remark"]) == (made["user"], "for the library")
        assert made["user"] in (await command("proxy", "list", *data))[1]
        assert f"angarium proxy revoke {made['user']}" not in (await command("proxy", "new", *data, "--json"))[1]
        assert (await command("proxy", "revoke", made["user"], *data))[0] == 0
        status, _, complaint = await command("proxy", "revoke", made["user"], *data)
        assert (status, complaint) == (2, "angarium: there is no pass of that user: see angarium proxy list\n")
        assert len(json.loads((await command("proxy", "list", *data, "--json"))[1])) == 1


async def test_where_the_app_would_not_take_it_none_is_made(command: Command, running: Running, tmp_path: Path) -> None:
    async with running():
        status, _, complaint = await command("proxy", "new", "--data", str(tmp_path / "data"))
        assert status == 2
        assert "start the relay with --domain" in complaint


async def test_a_decoy_needs_a_folder(command: Command, tmp_path: Path) -> None:
    missing = tmp_path / "site"
    status, _, complaint = await command("up", "--data", str(tmp_path / "data"), "--decoy", str(missing))
    assert (status, complaint) == (
        2,
        f"angarium: decoy.folder: {missing} is no folder: make it, with an index.html in it\n",
    )


async def test_a_pass_is_good_for_all_doors_that_are_open(command: Command, running: Running, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(0o700)
    (data / "angarium.toml").write_text(
        '[listen]\nsocks = 0\nshadowsocks = 0\n[proxy]\nhttp = true\ncipher = "aes-128-gcm"\n'
    )
    async with running("--domain", "_relay.localhost") as up:
        made = json.loads((await command("proxy", "new", "--data", str(data), "--json"))[1])
        _, password = made["link"].removeprefix("https://").partition("@")[0].split(":")
        http, socks, shadowsocks = made["others"]
        assert http == f"http://{made['user']}:{password}@_relay.localhost:{up.port('http')}"
        assert socks == f"socks5://{made['user']}:{password}@_relay.localhost:{up.port('socks')}"
        user, _, where = shadowsocks.removeprefix("ss://").partition("@")
        assert base64.urlsafe_b64decode(user + "=" * (-len(user) % 4)).startswith(b"aes-128-gcm:")
        assert where == f"_relay.localhost:{up.port('shadowsocks')}"
        _, said, _ = await command("invite", "--proxy", "--data", str(data))
        for scheme in ("https://", "http://", "socks5://", "ss://"):
            assert f"\n{scheme}" in said
        assert "experimental" in said
        assert said.count("██████") >= 3


async def test_without_a_name_a_proxy_in_clear_is_to_be_had(command: Command, running: Running, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(0o700)
    (tmp_path / "data" / "angarium.toml").write_text("[listen]\nsocks = 0\n")
    async with running():
        made = json.loads((await command("proxy", "new", "--data", str(tmp_path / "data"), "--json"))[1])
    assert made["link"].startswith("socks5://")
    assert made["others"] == []


async def test_a_decoy_that_would_keep_everybody_out_is_refused(command: Command, tmp_path: Path) -> None:
    data = tmp_path / "data"
    status, _, complaint = await command("up", "--data", str(data), "--decoy", "http://127.0.0.1:8080")
    assert status == 2
    assert "start the relay with --domain" in complaint


async def test_behind_a_decoy_no_port_of_mail_is_open_and_invitations_bring_the_proxy(
    command: Command, running: Running, tmp_path: Path
) -> None:
    async with running("--domain", "_relay.localhost", "--decoy", str(tmp_path)) as up:
        assert {door.name for door in up.ready.listening} == {"https", "http"}
        made = json.loads((await command("invite", "--data", str(tmp_path / "data"), "--json"))[1])
        assert made["by_proxy"]
        assert made["proxy"].endswith(f"@_relay.localhost:{up.port('https')}")
        assert "&ip=993&" in made["links"][0]
