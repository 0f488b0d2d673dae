"""The help: a list in which every command says what it is for, and a page for each."""

import re
import subprocess
import sys

import pytest

COMMANDS = ("backup", "burn", "check", "invite", "lab", "passphrase", "restore", "seizure", "status", "up")


def said(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", "angarium", *words], capture_output=True, text=True, check=True)
    return done.stdout


def test_every_command_says_in_the_list_what_it_is_for() -> None:
    listed = dict(re.findall(r"^│ ([a-z]+) +(\w[^│]{20,})│$", said("--help"), re.MULTILINE))
    assert tuple(sorted(listed)) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_page(command: str) -> None:
    page = said(command, "--help")
    assert f"Usage: angarium {command}" in page
    assert len(page.splitlines()) > 8
    assert "Exit status" in page or command == "lab"
