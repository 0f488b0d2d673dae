"""The newsroom's guide from an export to a running channel, typed as it stands there, in that order.

What it says of copies and keys runs in tests/apps/channel. That the Persian guide says the same is tested in
tests/docs.
"""

import asyncio
import os
import re
import shlex
import signal
import sys
from pathlib import Path

from angarium.apps.check.throwaway import Relay

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "newsroom.md").read_text()
ENGLISH, _ = GUIDE.split("## The site")
FENCE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CUT_OFF = ""
EXPORT = ROOT / "tests" / "channel" / "exports" / "telegram"


async def test_every_command_of_the_guide_even_if_the_first_was_cut_off(up: Relay, tmp_path: Path) -> None:
    commands = [line for block in FENCE.findall(ENGLISH) for line in block.splitlines()]
    site = tmp_path / "site"
    instead = {
        "dcaccount:relay.example.org": up.ready.invitation,
        "/var/www/news": str(site),
        "127.0.0.1:8080": "127.0.0.1:0",
        "ChatExport_2026-11-26": str(EXPORT),
    }
    folder = tmp_path / "channel"
    environment = {**os.environ, "ANGARIUM_CHANNEL": str(folder)}
    assert commands[0].startswith("angarium channel init")
    for command in [CUT_OFF, *commands]:
        words = [instead.get(word, word) for word in shlex.split(command or commands[0])]
        assert words[0] == "angarium"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *words), stdout=asyncio.subprocess.PIPE, env=environment, start_new_session=True
        )
        assert process.stdout is not None
        if command == CUT_OFF:
            while not list(folder.glob("core/*/dc.db")):
                await asyncio.sleep(0.01)
            process.kill()
            await process.communicate()
            continue
        if words[2] == "run":
            said = b""
            while b"is up" not in said:
                line = await process.stdout.readline()
                assert line, said
                said += line
            while not (site / "index.html").exists():
                await asyncio.sleep(0.1)
            process.send_signal(signal.SIGTERM)
        await process.communicate()
        assert process.returncode == 0, command
    assert list(site.glob("post/*/*.html"))
