"""Whom the load is put on: our relay and the peers, all up at once, so that they can take turns."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from angarium.lab.load.target import Account, throwaway
from bench.peers.stack import CONFIGURATIONS, stack

__all__ = ["FORMS", "OURS", "TWO", "Side", "many_listeners", "sides"]

OURS = "angarium"
TWO = "angarium, two processes"
FORMS: Mapping[str, Mapping[str, int]] = {OURS: {}, TWO: {"workers": 2}}
"""Ours as it comes, and other forms of it, by what their `[limits]` have besides."""
INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
PLENTY = 65_535
"""What the reference sets: Dovecot's processes listen to mailboxes by one inotify instance each, all of one user."""


@dataclass(frozen=True, slots=True)
class Side:
    """A relay that is up."""

    name: str
    host: str
    imaps: int
    submissions: int
    domain: str
    pids: tuple[int, ...]
    """Its processes; what descends from them is its as well."""
    lists: Path = Path()
    """Where lists of accounts are kept."""

    def people(self, which: str, count: int) -> Path:
        """A list of accounts there, the same at each call. They come to be when they log in for the first time."""
        path = self.lists / f"{self.name}, {which}, {count}"
        if not path.exists():
            accounts = [Account.new(self.domain) for _ in range(count)]
            path.write_text("".join(f"{account.address} {account.password}\n" for account in accounts))
        return path


@contextmanager
def sides(names: Sequence[str]) -> Iterator[list[Side]]:
    """Start those of these names, a form of ours or a configuration of the peer, until the context ends.

    Raises:
        LoadFailed, NotFound, RuntimeError: one did not start.
    """
    with ExitStack() as running:
        lists = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="people-")))
        up = [running.enter_context(_ours(name) if name in FORMS else _peer(name)) for name in names]
        yield [replace(side, lists=lists) for side in up]


@contextmanager
def _ours(name: str) -> Iterator[Side]:
    with throwaway(FORMS[name]) as up:
        yield Side(name, up.host, up.imaps, up.submissions, up.domain, up.pids)


@contextmanager
def _peer(name: str) -> Iterator[Side]:
    with stack(CONFIGURATIONS[name]) as up:
        yield Side(name, up.address, up.imaps, up.submissions, up.domain, up.roots)


@contextmanager
def many_listeners() -> Iterator[int]:
    """Allow one user as many inotify instances as the reference does; tell how many there are now.

    The one setting of the machine that is changed; it is put back. In a container it may not be changed: beyond the
    number told Dovecot looks into a mailbox twice a minute only, and nothing worth telling can be measured.
    """
    before = INSTANCES.read_text()
    with suppress(OSError):
        INSTANCES.write_text(str(max(PLENTY, int(before))))
    try:
        yield int(INSTANCES.read_text())
    finally:
        with suppress(OSError):
            INSTANCES.write_text(before)
