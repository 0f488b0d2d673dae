"""`angarium proxy`: passes made, listed and taken back, while the relay runs."""

import asyncio
import base64
import html
import http.client
import json
import re
import ssl
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from angarium.apps.check.throwaway import Relay
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


async def look(up: Relay, path: str, **fields: str) -> tuple[int, str]:
    """A page, or what is said to a form."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def ask() -> tuple[int, str]:
        connection = http.client.HTTPSConnection("127.0.0.1", up.port("https"), context=context, timeout=20)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if fields else {}
        connection.request("POST" if fields else "GET", path, urlencode(fields) or None, headers)
        answer = connection.getresponse()
        text = html.unescape(answer.read().decode())
        connection.close()
        return answer.status, text

    return await asyncio.to_thread(ask)


def passes(text: str) -> set[str]:
    return set(re.findall(r"https://\w+:\w+@_relay\.localhost:\d+", text))


async def test_an_open_page_behind_a_decoy_brings_the_proxy_until_that_is_taken_back(
    command: Command, running: Running, tmp_path: Path
) -> None:
    data = ("--data", str(tmp_path / "data"))
    options = ("--domain", "_relay.localhost", "--decoy", "default")
    async with running(*options) as up:
        base = urlsplit(up.ready.page).path
        status, text = await look(up, base)
        (shown,) = passes(text)
        assert (status, "&ip=993&" in text) == (200, True)
        assert passes((await look(up, base))[1]) == {shown}  # looking makes no more of them
        (listed,) = json.loads((await command("proxy", "list", *data, "--json"))[1])
        assert listed["remark"] == "of the page that is for everybody"
        assert shown.startswith(f"https://{listed['user']}:")
    async with running(*options) as up:
        assert passes((await look(up, base))[1]) == {shown}
        assert (await command("proxy", "revoke", listed["user"], *data))[0] == 0
        status, text = await look(up, base)
        assert (status, passes(text)) == (200, set())
        assert "Nobody gets in by this page" in text
    async with running(*options) as up:  # nor is it good again after the next start
        assert passes((await look(up, base))[1]) == set()
        assert json.loads((await command("proxy", "list", *data, "--json"))[1]) == []
    (tmp_path / "data" / "keys" / "path").unlink()
    async with running(*options) as up:
        other = urlsplit(up.ready.page).path
        assert other != base
        assert passes((await look(up, other))[1]) not in ({shown}, set())


async def test_an_invitation_and_its_page_have_one_pass_which_is_shown_again_when_it_is_used_up(
    command: Command, running: Running, tmp_path: Path
) -> None:
    data = ("--data", str(tmp_path / "data"))
    options = ("--domain", "_relay.localhost", "--decoy", "default", "--registration", "invite")
    async with running(*options) as up:
        base = urlsplit(up.ready.page).path
        made = json.loads((await command("invite", *data, "--json"))[1])
        other = json.loads((await command("invite", *data, "--json"))[1])
        assert made["proxy"] != other["proxy"]
        path = urlsplit(made["page"]).path
        assert path.startswith(f"{base}invite/")
        status, text = await look(up, path)
        assert (status, passes(text)) == (200, {made["proxy"]})

        token = path.rpartition("/")[2]
        account = json.loads((await look(up, f"{base}new?t={token}", x="y"))[1])
        status, text = await look(up, path)
        assert (status, passes(text)) == (404, {made["proxy"]})
        assert f'href="{base}ways/{token}"' in text
        fields = {"name": account["email"], "password": account["password"]}
        status, text = await look(up, f"{base}ways/{token}", **fields)
        assert (status, passes(text)) == (200, {made["proxy"]})
        status, text = await look(up, f"{base}ways", **fields)
        (own,) = passes(text)
        assert own not in (made["proxy"], other["proxy"])
        assert passes((await look(up, f"{base}ways", **fields))[1]) == {own}
        listed = json.loads((await command("proxy", "list", *data, "--json"))[1])
        assert sorted(each["remark"] for each in listed) == ["asked for on the page", *["with an invitation"] * 2]
        assert account["email"] not in json.dumps(listed)

        assert (await command("proxy", "revoke", made["proxy"].split(":")[1].strip("/"), *data))[0] == 0
        assert passes((await look(up, path))[1]) == set()


async def test_a_front_that_no_app_could_take_for_the_proxy_is_told(
    command: Command, running: Running, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir(0o700)
    (data / "angarium.toml").write_text('[names]\naliases = ["_front.localhost"]\n')
    async with running("--domain", "_relay.localhost", "--decoy", "default") as up:
        ports = ("--ports", f"443:{up.port('https')}", "--data", str(data))
        assert "Give the front a name" in (await command("front", "add", "203.0.113.5", *ports))[1]
        assert "Give the front a name" not in (await command("front", "add", "_front.localhost", *ports))[1]
        made = json.loads((await command("invite", "--json", "--data", str(data)))[1])
        assert "203.0.113.5" not in json.dumps(made)
        assert [link.rpartition("@")[2] for link in (made["proxy"], *made["proxies"])] == [
            f"_relay.localhost:{up.port('https')}",
            "_front.localhost:443",
        ]
