"""The tables, and how an older file becomes a newer one (`user_version` counts the migrations it has had).

Nothing on disk counts upwards across accounts: no AUTOINCREMENT and no implicit rowid, so rows do not tell in which
order things came. A message's `place` is chosen by the seal (`store.veil`): it lies anywhere, and no column says in
which mailbox. Bodies lie apart, so that listing a mailbox does not read them.

Entries of the queue, and its bodies, lie at random numbers; which body is whose stands in hidden entries alone
(`store.waybill`).

What was released does not change: a later release adds a migration at the end, and a data directory of its own to
`tests/store/directories`.
"""

import os
import sqlite3

from angarium.store.interfaces import StoreError

__all__ = ["LAYOUT", "migrate"]

LAYOUT = "scattered"
"""What rows mean. The mark of the file is made with it: what was written otherwise, by no release, is refused."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE accounts (
            account BLOB PRIMARY KEY, lock BLOB NOT NULL, day INTEGER NOT NULL, validity INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID""",
        "CREATE TABLE tombs (tomb BLOB PRIMARY KEY) STRICT, WITHOUT ROWID",
        "CREATE TABLE devices (account BLOB PRIMARY KEY, devices BLOB NOT NULL) STRICT, WITHOUT ROWID",
        """CREATE TABLE invitations (
            token BLOB PRIMARY KEY, uses INTEGER NOT NULL, expires_day INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE mailboxes (
            number INTEGER PRIMARY KEY, account BLOB NOT NULL, name BLOB NOT NULL, title BLOB NOT NULL,
            state BLOB NOT NULL
        ) STRICT""",
        "CREATE UNIQUE INDEX mailboxes_by_name ON mailboxes (account, name)",
        "CREATE TABLE ruins (number INTEGER PRIMARY KEY, state BLOB NOT NULL) STRICT",
        """CREATE TABLE messages (
            place INTEGER PRIMARY KEY, size INTEGER NOT NULL, flags INTEGER NOT NULL, day INTEGER NOT NULL,
            note BLOB NOT NULL, record BLOB NOT NULL
        ) STRICT""",
        "CREATE TABLE bodies (place INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",
        "CREATE TABLE blobs (blob INTEGER PRIMARY KEY, day INTEGER NOT NULL, note BLOB NOT NULL) STRICT",
        "CREATE TABLE blob_bodies (blob INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",
    ),
    ("UPDATE accounts SET lock = with_noise(lock)",),
    (
        "CREATE TABLE queue (number INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT",
        "CREATE TABLE cargoes (cargo INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT",
        "CREATE TABLE cargo_bodies (cargo INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",
        "CREATE TABLE marks (mark BLOB PRIMARY KEY, day INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        "CREATE TABLE peers (peer BLOB PRIMARY KEY, key BLOB NOT NULL) STRICT, WITHOUT ROWID",
    ),
    (
        "CREATE TABLE papers (paper BLOB PRIMARY KEY, content BLOB NOT NULL) STRICT, WITHOUT ROWID",
        "CREATE TABLE parcels (place INTEGER PRIMARY KEY, day INTEGER NOT NULL, note BLOB NOT NULL) STRICT",
        "CREATE TABLE parcel_bodies (place INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",
    ),
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a file to this release's schema, whole or not at all.

    Raises:
        StoreError: a newer release made it.
    """
    connection.create_function("with_noise", 1, _with_noise)
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        connection.execute("ROLLBACK")
        raise StoreError(
            "the data was written by a newer release of Angarium: install that one again, or restore a backup"
        )
    for migration in MIGRATIONS[version:]:
        for statement in migration:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.execute("COMMIT")


def _with_noise(lock: bytes) -> bytes:
    """A lock of the first release, as one of today that has no duress password (`store.seal.MARK`)."""
    return lock + os.urandom(16)
