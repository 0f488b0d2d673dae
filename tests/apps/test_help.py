"""The help: a list in which every command says what it is for, and a page for each."""

import re
import subprocess
import sys
from io import StringIO

import pytest
from rich.console import Console

from angarium.apps import app

COMMANDS = (
    "backup",
    "burn",
    "channel",
    "check",
    "dns",
    "front",
    "invite",
    "lab",
    "passphrase",
    "peer",
    "proxy",
    "queue",
    "redirect",
    "restore",
    "seizure",
    "status",
    "up",
)

QUEUE = ("retry", "hold", "release", "drop")
PROXY = ("new", "list", "revoke")
PEER = ("card", "add", "remove", "list", "accept", "hold", "fetch")
CHANNEL = ("init", "invite", "run", "import", "farewell", "site", "mirror", "verify", "successor")
FRONT = ("add", "list", "show", "remove", "burnt", "command", "run")
LOAD = ("day", "fanout", "idle", "login", "storm", "throughput")


def page(*words: str) -> str:
    console = Console(file=StringIO(), width=100)
    app.help_print(words, console=console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_every_command_says_in_the_list_what_it_is_for() -> None:
    done = subprocess.run([sys.executable, "-m", "angarium"], capture_output=True, text=True, check=True)
    listed = dict(re.findall(r"^│ ([a-z]+) +(\w[^│]{20,})│$", done.stdout, re.MULTILINE))
    assert tuple(sorted(listed)) == COMMANDS


@pytest.mark.parametrize(
    "command",
    [
        *((name,) for name in COMMANDS if name not in ("channel", "lab")),
        *(("queue", word) for word in QUEUE),
        *(("peer", word) for word in PEER),
        *(("front", word) for word in FRONT),
        *(("proxy", word) for word in PROXY),
        *(("channel", word) for word in CHANNEL),
        *(("lab", "seizure"), ("lab", "load"), *(("lab", "load", mode) for mode in LOAD)),
    ],
)
def test_every_command_has_a_page(command: tuple[str, ...]) -> None:
    assert f"Usage: angarium {' '.join(command)}" in page(*command)
    assert "Exit status" in page(*command)
