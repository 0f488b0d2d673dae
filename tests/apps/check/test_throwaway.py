"""Starting a relay for the length of a check: what is said when it will not start."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from angarium.apps.check import throwaway as module
from angarium.apps.check.throwaway import RelayFailed, relay

MakeProgram = Callable[[str, str], Path]

READY = (
    '{"event": "ready", "invitation": "dclogin:x", "page": "https://127.0.0.1:9/", '
    '"listening": [{"name": "imaps", "address": "127.0.0.1", "port": 1993}]}'
)
RUN = f"""\
import os, signal, sys
here = os.path.dirname(sys.argv[0])

def stop(*_):
    open(os.path.join(here, "stopped"), "w").close()
    sys.exit()

signal.signal(signal.SIGTERM, stop)
open(os.path.join(here, "arguments"), "w").write(repr(sys.argv[1:]))
sys.stderr.write("a warning\\n" * 100_000)
print({READY!r}, flush=True)
while True:
    signal.pause()
"""


async def test_a_relay_that_is_up_and_is_stopped_in_order(
    program: MakeProgram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(program("relay", RUN)))
    async with relay(tmp_path / "data") as running:
        assert running.ready.invitation == "dclogin:x"
        assert running.ready.page == "https://127.0.0.1:9/"
        assert running.port("imaps") == 1993
    assert running.process.returncode == 0
    assert (tmp_path / "stopped").exists()
    arguments = (tmp_path / "arguments").read_text()
    assert arguments.startswith(f"['-m', 'angarium', 'up', '--data', '{tmp_path / 'data'}'")
    assert "'127.0.0.1'" in arguments


async def test_the_last_words_of_a_relay_that_does_not_start_are_passed_on(
    program: MakeProgram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(program("relay", "import sys; sys.exit('the disk is full')")))
    with pytest.raises(RelayFailed, match="did not start: the disk is full"):
        async with relay(tmp_path / "data"):
            pass


async def test_a_relay_that_says_nothing_is_not_waited_for_for_ever(
    program: MakeProgram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"
    monkeypatch.setattr(sys, "executable", str(program("relay", silent)))
    monkeypatch.setattr(module, "START", 0.3)
    monkeypatch.setattr(module, "STOP", 0.05)
    with pytest.raises(RelayFailed, match="not up after"):
        async with relay(tmp_path / "data"):
            pass


async def test_what_is_no_ready_line_is_a_failure_too(
    program: MakeProgram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(program("relay", "print('Welcome!')")))
    with pytest.raises(RelayFailed, match="did not say"):
        async with relay(tmp_path / "data"):
            pass
