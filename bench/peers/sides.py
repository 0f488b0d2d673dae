"""Whom the load is put on: our relay and the peers, all up at once, so that they can take turns."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from angarium.lab.load.target import throwaway
from bench.peers.stack import CONFIGURATIONS, stack

__all__ = ["OURS", "Side", "many_listeners", "sides"]

OURS = "angarium"
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


@contextmanager
def sides(names: Sequence[str]) -> Iterator[list[Side]]:
    """Start those of these names, `angarium` or a configuration of the peer, until the context ends.

    Raises:
        LoadFailed, NotFound, RuntimeError: one did not start.
    """
    with ExitStack() as running:
        yield [running.enter_context(_ours() if name == OURS else _peer(name)) for name in names]


@contextmanager
def _ours() -> Iterator[Side]:
    with throwaway() as up:
        yield Side(OURS, up.host, up.imaps, up.submissions, up.domain, up.pids)


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
