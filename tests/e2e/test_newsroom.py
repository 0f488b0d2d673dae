"""The newsroom's guide, typed as it stands there: what it says in each language runs, in that order."""

import asyncio
import os
import re
import shlex
import signal
import sys
from pathlib import Path

import pytest

from angarium.apps.check.throwaway import Relay

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "newsroom.md").read_text()
ENGLISH, PERSIAN = GUIDE.split("## راهنمای تحریریه")
FENCE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXPORT = ROOT / "tests" / "channel" / "exports" / "telegram"


@pytest.mark.parametrize("language", ["english", "persian"])
async def test_every_command_of_the_guide(up: Relay, tmp_path: Path, language: str) -> None:
    text = ENGLISH if language == "english" else PERSIAN
    commands = [line for block in FENCE.findall(text) for line in block.splitlines()]
    site = tmp_path / "site"
    instead = {
        "dcaccount:relay.example.org": up.ready.invitation,
        "/var/www/news": str(site),
        "127.0.0.1:8080": "127.0.0.1:0",
        "ChatExport_2026-11-26": str(EXPORT),
    }
    environment = {**os.environ, "ANGARIUM_CHANNEL": str(tmp_path / "channel")}
    assert commands[0].startswith("angarium channel init")
    for command in commands:
        words = [instead.get(word, word) for word in shlex.split(command)]
        assert words[0] == "angarium"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *words), stdout=asyncio.subprocess.PIPE, env=environment, start_new_session=True
        )
        assert process.stdout is not None
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
