"""`angarium proxy`: passes made, listed and taken back, while the relay runs."""

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
