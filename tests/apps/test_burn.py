"""Burning a relay: the key first, sessions cut, nothing left, in less than a second, whatever state the relay is in."""

import asyncio
import imaplib
import json
import os
import pty
import signal
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from angarium.apps.burn import LARGE, burn_home
from angarium.apps.check.throwaway import Relay
from angarium.apps.home import Home
from angarium.reach import files

Command = Callable[..., Awaitable[tuple[int, str, str]]]
Running = Callable[..., AbstractAsyncContextManager[Relay]]


def made(path: Path) -> Home:
    """A data directory with everything that a relay may leave there."""
    home = Home(path)
    home.make({})
    home.tls.mkdir()
    (home.tls / "key.pem").write_text("PRIVATE")
    home.database.write_bytes(b"SQLite format 3\0" + os.urandom(3 << 20))
    home.database.with_name("store.db-wal").write_bytes(os.urandom(4096))
    home.remember_ports({"imaps": 10993})
    return home


async def test_a_running_relay_is_cut_and_nothing_is_left(
    running: Running, command: Command, trusting: ssl.SSLContext, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    async with running() as relay:
        client = imaplib.IMAP4_SSL("127.0.0.1", relay.port("imaps"), ssl_context=trusting)
        await asyncio.to_thread(client.login, "someone12@127.0.0.1", "long enough")
        key = (data / "root.key").read_bytes()
        held = [os.open(path, os.O_RDONLY) for path in (data / "root.key", data / "tls" / "key.pem")]
        status, said, complained = await command("burn", "--data", str(data), "--yes", "--json")
        assert (status, complained) == (0, "")
        burnt = json.loads(said)
        assert burnt["relay"] == "ended"
        assert burnt["problems"] == []
        assert burnt["seconds"] < 1
        assert await asyncio.wait_for(relay.process.wait(), 5) == 0
        with pytest.raises((imaplib.IMAP4.abort, OSError)):
            await asyncio.to_thread(client.noop)
        for descriptor in held:
            assert os.pread(descriptor, 4096, 0) == b"", "the bytes are gone, not only the name"
            os.close(descriptor)
    assert not data.exists()
    for path in tmp_path.rglob("*"):
        assert key not in path.read_bytes()

    async with running() as relay:
        assert (data / "root.key").read_bytes() != key
        client = imaplib.IMAP4_SSL("127.0.0.1", relay.port("imaps"), ssl_context=trusting)
        with pytest.raises(
            imaplib.IMAP4.error, match="needs at least"
        ):  # no account that a password could be wrong for
            await asyncio.to_thread(client.login, "someone12@127.0.0.1", "short")


async def test_a_relay_that_hangs_is_killed(running: Running, command: Command, tmp_path: Path) -> None:
    async with running() as relay:
        os.kill(relay.process.pid, signal.SIGSTOP)
        status, said, _ = await command("burn", "--data", str(tmp_path / "data"), "--yes", "--json")
        assert status == 0
        assert json.loads(said)["relay"] == "killed"
        assert json.loads(said)["seconds"] < 1
        assert await asyncio.wait_for(relay.process.wait(), 5) == -signal.SIGKILL
    assert not (tmp_path / "data").exists()


def test_without_a_relay_nothing_is_left_but_what_is_not_its_own(tmp_path: Path) -> None:
    home = made(tmp_path / "relay")
    draft = home.path / ".root.key.12345678"
    draft.write_bytes(home.root_key())
    (home.path / "diary.txt").write_text("not the relay's")
    burnt = burn_home(home)
    assert (burnt.relay, burnt.problems) == ("none", [])
    assert burnt.seconds < 1
    assert [path.name for path in home.path.iterdir()] == ["diary.txt"]
    assert burn_home(home).removed == 0


def test_the_root_key_goes_first_and_is_overwritten_before_it_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = made(tmp_path / "relay")
    key, inode = home.root_key(), home.root_key_file.stat().st_ino
    steps: list[tuple[str, int]] = []
    at_first_flush = b""
    fsync, ftruncate = os.fsync, os.ftruncate

    def flushed(descriptor: int) -> None:
        nonlocal at_first_flush
        if not steps:
            at_first_flush = home.root_key_file.read_bytes()
        steps.append(("flush", os.fstat(descriptor).st_ino))
        fsync(descriptor)

    def cut(descriptor: int, size: int) -> None:
        steps.append(("cut", os.fstat(descriptor).st_ino))
        ftruncate(descriptor, size)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "ftruncate", cut)
    burn_home(home)
    assert steps[:3] == [("flush", inode), ("cut", inode), ("flush", inode)]
    assert len(at_first_flush) == len(key)
    assert at_first_flush != key


def test_a_burn_that_was_cut_off_is_finished_by_the_next(tmp_path: Path) -> None:
    home = made(tmp_path / "relay")
    home.root_key_file.unlink()
    assert not burn_home(home).problems
    assert not home.path.exists()


def test_a_key_that_points_elsewhere_is_destroyed_there(tmp_path: Path) -> None:
    home = made(tmp_path / "relay")
    stick = tmp_path / "stick.key"
    home.root_key_file.rename(stick)
    home.root_key_file.symlink_to(stick)
    assert not burn_home(home).problems
    assert list(tmp_path.iterdir()) == []


def test_what_fails_is_told_and_the_rest_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = made(tmp_path / "relay")

    def refused(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(files, "scrub", refused)
    problems = burn_home(home).problems
    assert f"{home.root_key_file} was removed but not overwritten: Input/output error" in problems
    assert not home.path.exists()


async def test_a_large_database_is_not_waited_for(command: Command, tmp_path: Path) -> None:
    home = made(tmp_path / "relay")
    with home.database.open("ab") as database:
        database.truncate(LARGE + 1)
    status, said, complained = await command("burn", "--data", str(home.path), "--yes", "--json")
    assert (status, complained) == (0, "")
    assert json.loads(said)["problems"] == []
    assert not home.path.exists()


async def test_without_a_terminal_it_wants_a_yes(command: Command, tmp_path: Path) -> None:
    home = made(tmp_path / "relay")
    status, _, complained = await command("burn", "--data", str(home.path), typed="burn\n")
    assert status == 2
    assert "--yes" in complained
    status, _, complained = await command("burn", "--data", str(tmp_path / "other"), "--yes")
    assert status == 2
    assert "nothing to burn" in complained
    assert home.root_key_file.exists()


def test_at_a_terminal_it_asks(tmp_path: Path) -> None:
    home = made(tmp_path / "relay")
    for typed, expected in (("yes", 2), ("burn", 0)):
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "angarium", "burn", "--data", str(home.path)], stdin=theirs, stdout=subprocess.PIPE
        )
        os.write(ours, f"{typed}\n".encode())
        said, _ = process.communicate(timeout=30)
        assert process.returncode == expected
        assert b"type burn" in said
        os.close(ours)
        os.close(theirs)
        assert home.root_key_file.exists() == (typed != "burn")


async def test_a_new_relay_says_that_it_is_new(tmp_path: Path) -> None:
    data = tmp_path / "data"

    async def told(*options: str) -> tuple[str, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "angarium", "up", "--data", str(data)),
            *("--listen", "127.0.0.1", "--ports", "any", *options),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        said = b""
        while line := await process.stdout.readline():
            said += line
            if b"Ctrl-C" in line or b'"event"' in line:
                process.terminate()
        _, complained = await process.communicate()
        return said.decode(), complained.decode()

    said, complained = await told()
    assert "nobody has an account here yet" in said
    assert complained == "", "a first start is nothing to be warned of"
    said, complained = await told("--json")
    assert json.loads(said)["new"] is False
    assert complained == ""
    for name in ("root.key", "store.db"):
        (data / name).unlink()
    said, complained = await told("--json")
    assert json.loads(said)["new"] is True
    assert f"WARNING angarium.apps.serve: {data} held files, but no root.key: this is a new relay" in complained
    assert "angarium.toml" in complained
