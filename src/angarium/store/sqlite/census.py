"""What somebody without a key can count in the database: rows, days and size classes. Nothing is changed by counting.

Kept apart from the rest of the store because it looks as a thief does: at the tables, past the seal.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from angarium.store.flags import SEEN, SYSTEM
from angarium.store.interfaces import StoreError
from angarium.store.sqlite.errors import translated

__all__ = ["Census", "Days", "Sizes", "Traffic", "Waiting", "census"]


class Days(Struct, frozen=True):
    """How many on one day (days since 1970-01-01 UTC)."""

    day: int
    count: int


class Waiting(Struct, frozen=True):
    """Messages that arrived on one day and are of one size class, in bytes."""

    day: int
    size: int
    count: int


class Sizes(Struct, frozen=True):
    """How many of one size class, in bytes."""

    size: int
    count: int


class Traffic(Struct, frozen=True):
    """What waits for other relays, came from them, and is remembered of them."""

    queued: int = 0
    """Entries of the queue: one for each message and each relay that it waits for."""
    bodies: list[Sizes] = []
    """What waits; kept once, for however many relays."""
    marks: list[Days] = []
    """How often a mailbox got something from another relay, by day."""
    peers: int = 0
    """Relays whose keys are remembered."""
    parcels: list[Waiting] = []
    """What waits to be fetched by other relays, in whatever box; sizes are those of parcels, wrapped once more."""
    papers: int = 0
    """Cards, boxes and agreements together."""


class Census(Struct, frozen=True):
    """All that can be counted."""

    accounts: int
    last_logins: list[Days]
    """Accounts by the day of their last login."""
    with_push: int
    """Accounts with push tokens, which are sealed."""
    tombs: int
    """Names that are never given out again, as keyed hashes."""
    invitations: list[Days]
    """Uses left, by the last day of the invitation."""
    mailboxes: int
    """Of which account each is; not how much lies in it."""
    messages: list[Waiting]
    seen: int
    """Messages that an app has marked as read."""
    shared: list[Days]
    """Bodies above 64 KiB, kept apart, by the day they came."""
    traffic: Traffic


def census(database: Path) -> Census:
    """Count. Raises StoreError where the database cannot be read."""
    try:
        with _looking(database) as look:
            return _counted(look)
    except sqlite3.Error as error:
        raise StoreError(str(translated(error))) from None
    except OSError as error:
        raise StoreError(f"the database cannot be read ({error.strerror})") from None


def _counted(look: sqlite3.Connection) -> Census:
    def rows(sql: str, *values: int) -> list[tuple[Any, ...]]:
        return look.execute(sql, values).fetchall()

    def number(sql: str, *values: int) -> int:
        return int(rows(sql, *values)[0][0])

    look.execute("BEGIN")  # all of one moment
    return Census(
        accounts=number("SELECT count(*) FROM accounts"),
        last_logins=[Days(*row) for row in rows("SELECT day, count(*) FROM accounts GROUP BY day ORDER BY day")],
        with_push=number("SELECT count(*) FROM devices"),
        tombs=number("SELECT count(*) FROM tombs"),
        invitations=[
            Days(*row)
            for row in rows("SELECT expires_day, sum(uses) FROM invitations GROUP BY expires_day ORDER BY expires_day")
        ],
        mailboxes=number("SELECT count(*) FROM mailboxes"),
        messages=[
            Waiting(*row)
            for row in rows("SELECT day, size, count(*) FROM messages GROUP BY day, size ORDER BY day, size")
        ],
        seen=number("SELECT count(*) FROM messages WHERE flags & ?", 1 << SYSTEM.index(SEEN)),
        shared=[Days(*row) for row in rows("SELECT day, count(*) FROM blobs GROUP BY day ORDER BY day")],
        traffic=_traffic(look),
    )


def _traffic(look: sqlite3.Connection) -> Traffic:
    if look.execute("SELECT 1 FROM sqlite_schema WHERE name = 'queue'").fetchone() is None:
        return Traffic()  # a directory of the first release, not opened since
    (queued,) = look.execute("SELECT count(*) FROM queue").fetchone()
    (peers,) = look.execute("SELECT count(*) FROM peers").fetchone()
    bodies = look.execute("SELECT length(body) AS size, count(*) FROM cargo_bodies GROUP BY size ORDER BY size")
    marks = look.execute("SELECT day, count(*) FROM marks GROUP BY day ORDER BY day")
    traffic = Traffic(queued, [Sizes(*row) for row in bodies], [Days(*row) for row in marks], peers)
    if look.execute("SELECT 1 FROM sqlite_schema WHERE name = 'parcels'").fetchone() is None:
        return traffic
    (papers,) = look.execute("SELECT count(*) FROM papers").fetchone()
    parcels = look.execute(
        "SELECT day, length(body) AS size, count(*) FROM parcels JOIN parcel_bodies USING (place)"
        " GROUP BY day, size ORDER BY day, size"
    )
    return replace(traffic, parcels=[Waiting(*row) for row in parcels], papers=papers)


@contextmanager
def _looking(database: Path) -> Iterator[sqlite3.Connection]:
    """A connection that changes nothing in the directory, whatever the relay has left there."""
    log = database.with_name(f"{database.name}-wal")
    index = database.with_name(f"{database.name}-shm")
    if not log.exists() or not log.stat().st_size:
        with closing(_connect(database, "mode=ro" if index.exists() else "immutable=1")) as look:
            yield look
    elif index.exists():
        with closing(_connect(database, "mode=ro")) as look:
            yield look
    else:  # what a cut relay left: its log has to be read in, which is done to a copy
        with tempfile.TemporaryDirectory() as elsewhere:
            copy = Path(shutil.copy(database, elsewhere))
            shutil.copy(log, elsewhere)
            with closing(_connect(copy, "mode=rw")) as look:
                yield look


def _connect(database: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.absolute().as_uri()}?{mode}", uri=True, isolation_level=None)
