"""`angarium burn`: make the disk unreadable for ever, with every password, within a second.

The root key goes first, since it alone turns all the rest to noise: overwritten, flushed, cut, removed. Then the relay,
if one runs, is told to end at once, and killed if it does not answer: with it go its sessions and the key in its
memory. Then what else was kept: private keys and settings overwritten, the database and its log removed. What the
relay did not make is left where it is.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from cyclopts import Parameter

from angarium.apps.home import UNFINISHED, Home, HomeError, default_path
from angarium.apps.options import Data, Json
from angarium.edge.control import NotRunning, Refusal, ask, listener
from angarium.reach.files import erase, let_go

__all__ = ["Burnt", "burn", "burn_home"]

ANSWER = 0.2
"""Seconds a relay has to end by itself."""
GONE = 0.2
"""Seconds the system has to take a killed process away."""
SMALL = 1 << 20
"""Files up to so many bytes are overwritten; larger ones hold nothing but what the root key has sealed."""
LARGE = 64 << 20
"""Files above so many bytes lose their names at once, and the system takes its time to give their room back."""


class Burnt(NamedTuple):
    """What came of it."""

    removed: int
    """Files that are gone."""
    relay: str
    """What became of the relay: "none" ran, "ended", "killed", or "unknown"."""
    problems: list[str]
    """What could not be done, each a line for the keeper."""
    seconds: float


def burn(
    *,
    data: Data = None,
    yes: Annotated[bool, Parameter(name="--yes", negative="", help="Do not ask: for scripts.")] = False,
    json: Json = False,
) -> int:
    """Destroy the relay for ever: its keys, all accounts, all messages. Nobody can bring them back, with any password.

    Takes less than a second, with the relay running or not; a running one cuts all connections at once and ends.
    Copies that were taken before (`angarium backup`, snapshots) are not touched.

    Exit status: 0 burnt; 1 something could not be removed (it says what to do); 2 nothing there, or not confirmed.
    """
    home = Home(data or default_path())
    if not home.remains():
        raise HomeError(f"there is nothing to burn in {home.path}: name the relay's data directory with --data")
    if not yes:
        _confirm(home.path)
    burnt = burn_home(home)
    if json:
        sys.stdout.write(msgspec.json.encode(burnt._asdict()).decode() + "\n")
    else:
        _show(home, burnt)
    return 1 if burnt.problems else 0


def burn_home(home: Home) -> Burnt:
    """Burn a data directory, without asking. Whatever fails, the rest is done, and told."""
    begun = time.monotonic()
    problems: list[str] = []
    removed = sum(_gone(path, erase, problems) for path in home.root_keys())
    relay = _end_relay(home)
    if relay == "unknown":
        problems.append("a relay runs on it that could not be ended: stop it now; until then it has the key in memory")
    for path in home.remains():
        removed += _gone(path, _way(path), problems)
    unfinished = [
        path
        for draft in home.path.glob(f"{UNFINISHED}.*")
        for path in (draft / "tls", draft / "keys", draft / "onion", draft)
    ]
    for directory in (*home.private_directories(), *unfinished, home.path):
        with contextlib.suppress(OSError):
            directory.rmdir()
    return Burnt(removed, relay, problems, round(time.monotonic() - begun, 3))


def _way(path: Path) -> Callable[[Path], None]:
    """How a file is removed."""
    if not path.is_file():
        return Path.unlink
    size = path.stat().st_size
    if size <= SMALL:
        return erase
    return let_go if size > LARGE and not path.is_symlink() else Path.unlink


def _gone(path: Path, remove: Callable[[Path], None], problems: list[str]) -> bool:
    try:
        remove(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        what = "was removed but not overwritten" if not path.exists() else "is still there"
        problems.append(f"{path} {what}: {error.strerror}")
    return not path.exists()


def _end_relay(home: Home) -> str:
    """Have the running relay cut everything and end; see `Burnt.relay`."""
    number = listener(home.control)
    try:
        asyncio.run(asyncio.wait_for(ask(home.control, "burn"), ANSWER))
    except NotRunning:  # also the answer of one that has ended at once
        pass
    except (TimeoutError, Refusal, OSError):
        if number is None:
            return "unknown"
    if _released(home, GONE):
        return "none" if number is None else "ended"
    if number is None:
        return "unknown"
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(number, signal.SIGKILL)
    return "killed" if _released(home, GONE) else "unknown"


def _released(home: Home, seconds: float) -> bool:
    """Whether no process holds the data directory, now or within so many seconds."""
    until = time.monotonic() + seconds
    try:
        lock = os.open(home.lock, os.O_RDWR)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() > until:
                    return False
                time.sleep(0.005)
            else:
                return True
    finally:
        os.close(lock)


def _confirm(path: Path) -> None:
    """Raises HomeError unless somebody at the terminal means it."""
    if not sys.stdin.isatty():
        raise HomeError("nobody is there to confirm it: to burn without being asked, add --yes")
    sys.stdout.write(
        f"This destroys the relay in {path} for ever: its keys, every account and every message on it.\n"
        "Nobody can bring them back, with any password. To go on, type burn: "
    )
    sys.stdout.flush()
    if sys.stdin.readline().strip().lower() != "burn":
        raise HomeError("not confirmed: nothing was changed")


def _show(home: Home, burnt: Burnt) -> None:
    lines = [f"Burnt in {burnt.seconds:.2f} s: nothing in {home.path} can be read any more."]
    if burnt.relay in ("ended", "killed"):
        lines.append("The relay that ran on it has ended, and every connection with it.")
    if home.path.is_dir() and any(home.path.iterdir()):
        lines.append("Files there that the relay did not make were left alone.")
    if burnt.problems:
        lines = [*burnt.problems, "Do what these lines ask for, and burn again."]
    sys.stdout.write("\n".join(lines) + "\n")
