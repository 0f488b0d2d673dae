"""What all tests share.

Hypothesis without deadlines, since the machine under the tests may be busy with others. And no test is passed over in
silence where everything is meant to run: with CI set, a missing program is an error and not a skip.

The suite runs in three processes. What measures is marked `alone`, and then the others wait.
"""

import fcntl
import os
import shutil
import signal
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.dns_server", "tests.pebble", "tests.programs"]

settings.register_profile("angarium", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("angarium")

PROGRAMS = ("chromium", "dovecot", "minisign", "opendkim", "pebble", "pebble-challtestsrv", "postfix", "strace")
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
"""Mail servers are where only root looks."""


DOOR, ROOM = Path(__file__), Path(__file__).parents[1] / "pyproject.toml"
"""What is locked: there always, and the same for all processes of one checkout."""


@contextmanager
def locked(path: Path, how: int) -> Generator[None]:
    with path.open("rb") as file:  # closing it would not do: a child that was forked has it too
        fcntl.flock(file, how)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around the clock of pytest-timeout
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Many may be in the room, or one who is alone; whoever waits for that holds the door, so that nobody slips in."""
    how = fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH
    with ExitStack() as inside:
        with locked(DOOR, fcntl.LOCK_EX):
            inside.enter_context(locked(ROOM, how))
        return (yield)


HERE = Path(__file__).parent
LONG = ("e2e", "lab", "faults", "interop")
"""Rooms of long tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files, which the processes take one by one: the long ones first, those that measure last.

    So no process goes on long after the others, and none waits for a long test to end before it may be alone.
    """
    alone = {item.path for item in items if item.get_closest_marker("alone")}
    rank = {room: number for number, room in enumerate(LONG)}
    items.sort(key=lambda item: (item.path in alone, rank.get(item.path.relative_to(HERE).parts[0], len(LONG))))


def pytest_configure(config: pytest.Config) -> None:
    """A shell that starts us in the background has SIGINT ignored, and every program that a test starts inherits it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Look for what tests/needs.sh installs."""
    missing = [program for program in PROGRAMS if shutil.which(program, path=PATH) is None]
    if os.environ.get("CI") and missing:
        raise pytest.UsageError(f"missing: {', '.join(missing)}; run tests/needs.sh as root")
