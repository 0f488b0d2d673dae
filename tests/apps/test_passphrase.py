"""A passphrase on root.key: set, asked for, changed, removed; typed at a terminal or read from a descriptor."""

import os
import pty
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from angarium.apps.check.throwaway import OPTIONS
from angarium.apps.home import Home, HomeError

Command = Callable[..., Awaitable[tuple[int, str, str]]]

FIRST, SECOND = "five random words here", "other words, quite random"


def at_a_terminal(answers: Sequence[str], *words: str) -> tuple[int, str]:
    """Run a command on a terminal and type one answer to each question; its status, and all that the screen showed."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-m", "angarium", *words])
    shown, waiting = b"", list(answers)
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # the other end has gone
            break
        shown += data
        if waiting and data.endswith(b": "):
            os.write(terminal, waiting.pop(0).encode() + b"\n")
        if b"is up:" in shown:
            os.write(terminal, b"\x03")
            while True:
                try:
                    shown += os.read(terminal, 4096)
                except OSError:
                    break
            break
    os.close(terminal)
    # Ctrl-C throws away what the terminal has not shown yet, in the middle of a character if need be
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode(errors="replace")


def test_typed_twice_then_asked_for_and_never_shown(tmp_path: Path) -> None:
    home = Home(tmp_path / "relay")
    home.make({})
    key = home.root_key()
    status, shown = at_a_terminal([FIRST, FIRST], "passphrase", "--data", str(home.path))
    assert (status, home.locked()) == (0, True)
    assert "angarium up --unlock" in shown
    started, shown_at_start = at_a_terminal([FIRST], "up", "--data", str(home.path), *OPTIONS, "--unlock")
    assert started == 0
    assert "is up: 127.0.0.1" in shown_at_start
    assert FIRST not in shown + shown_at_start
    status, shown = at_a_terminal([FIRST, SECOND, FIRST], "passphrase", "--data", str(home.path))
    assert status == 2
    assert "not the same" in shown
    assert home.root_key(FIRST) == key


def test_a_locked_relay_starts_only_with_its_passphrase(tmp_path: Path) -> None:
    home = Home(tmp_path / "data")
    home.make({})
    home.relock(None, FIRST)
    content = home.root_key_file.read_bytes()
    start = [sys.executable, "-m", "angarium", "up", "--data", str(home.path), *OPTIONS, "--json"]
    without = subprocess.run(start, capture_output=True, check=False)
    assert without.returncode == 2
    assert b"angarium up --unlock; for a service: --unlock-fd N" in without.stderr
    words = [*start, "--unlock-fd", "0"]
    wrong = subprocess.run(words, input=f"{SECOND}\n".encode(), capture_output=True, check=False)
    assert wrong.returncode == 2
    assert b"not the passphrase" in wrong.stderr
    assert home.root_key_file.read_bytes() == content
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{FIRST}\n".encode())
    process.stdin.flush()
    assert b'"event":"ready"' in process.stdout.readline()
    process.terminate()
    process.communicate(timeout=20)


async def test_descriptors_for_scripts(command: Command, tmp_path: Path) -> None:
    home = Home(tmp_path / "relay")
    home.make({})
    key, data = home.root_key(), ("--data", str(home.path))
    os.link(home.root_key_file, tmp_path / "what was there")
    status, said, _ = await command("passphrase", *data, "--new-fd", "0", typed=f"{FIRST}\n")
    assert status == 0
    assert FIRST not in said
    assert home.root_key(FIRST) == key
    assert (tmp_path / "what was there").read_bytes() == b"", "the unprotected key is overwritten"
    both = ("--unlock-fd", "0", "--new-fd", "0")
    status, _, complained = await command("passphrase", *data, *both, typed=f"{SECOND}\n{SECOND}\n")
    assert status == 2
    assert "not the passphrase" in complained
    assert home.root_key(FIRST) == key
    assert (await command("passphrase", *data, *both, typed=f"{FIRST}\n{SECOND}\n"))[0] == 0
    assert home.root_key(SECOND) == key
    status, _, complained = await command("passphrase", *data, *both, typed=f"{SECOND}\nshort\n")
    assert status == 2
    assert "at least 12" in complained
    assert (await command("passphrase", *data, "--remove", "--unlock-fd", "0", typed=f"{SECOND}\n"))[0] == 0
    assert home.root_key() == key
    assert sorted(path.name for path in home.path.iterdir()) == ["angarium.toml", "root.key"]


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (("passphrase",), "there is no terminal"),
        (("passphrase", "--remove"), "has no passphrase"),
        (("passphrase", "--remove", "--new-fd", "0"), "do not go together"),
        (("passphrase", "--new-fd", "77"), "cannot read the passphrase from descriptor 77"),
        (("passphrase", "--new-fd", "0"), "gave no passphrase"),
        (("up", "--unlock"), "set one with angarium passphrase"),
    ],
)
async def test_what_cannot_be_is_explained(
    command: Command, words: tuple[str, ...], advice: str, tmp_path: Path
) -> None:
    home = Home(tmp_path / "relay")
    home.make({})
    key = home.root_key()
    status, _, complained = await command(*words, "--data", str(home.path))
    assert status == 2
    assert advice in complained
    assert home.root_key() == key


def test_a_change_that_fails_leaves_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path / "relay")
    home.make({})
    key = home.root_key()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(HomeError, match="No space left"):
            home.relock(None, FIRST)
    assert home.root_key() == key
