"""What is still to be sent through the core, in order, on disk.

A job is put here in the same transaction that decides it. Before a message is sent, the number of the last one in its
chat is noted beside the job; so whoever finds a job begun, after a crash, sees in the core's own database whether the
message is there: one of ours behind that number can only be this one, since one job is done after the other.
"""

import msgspec

from angarium.channel.archive import Archive
from angarium.channel.matters import Reference

__all__ = ["CHANNEL", "DESK", "Delete", "Edit", "Forget", "Job", "Outbox", "React", "Send"]

CHANNEL, DESK = "channel", "desk"
TABLE = (
    "CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, job BLOB NOT NULL, before INTEGER) STRICT"
)


class Send(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Send a message."""

    to: str
    """`CHANNEL`, `DESK`, or a reader's number among the contacts."""
    text: str = ""
    file: str = ""
    """Path of what is attached."""
    name: str = ""
    view: str = ""
    sender: str = ""
    """The name it is shown to be from, if not the channel's."""
    quoted: int = 0
    draft: int = 0
    """The draft whose part it carries to the channel."""
    part: int = 0
    motion: int = 0
    """The motion whose ballot it is."""
    beside: int = 0
    """The motion beside whose ballot it stands, as a reply to it: it says how the writer may be answered."""
    about: Reference | None = None
    """What it is about, in the group."""


class Edit(msgspec.Struct, frozen=True, tag=True):
    """Change the text of a post in the channel."""

    draft: int
    text: str


class Delete(msgspec.Struct, frozen=True, tag=True):
    """Delete a post in the channel, for everybody."""

    draft: int


class Forget(msgspec.Struct, frozen=True, tag=True):
    """Delete a message of ours in the group, for everybody: it says how a reader may be answered."""

    message: int


class React(msgspec.Struct, frozen=True, tag=True):
    """React to a message in the group, in place of the reaction before."""

    message: int
    sign: str


Job = Send | Edit | Delete | Forget | React


class Outbox:
    """The jobs of one channel. What is written belongs within `Archive.writing`, or is kept at once."""

    def __init__(self, archive: Archive) -> None:
        self._db = archive.database
        self._decode = msgspec.msgpack.Decoder(Job).decode
        self._db.execute(TABLE)

    def put(self, job: Job) -> None:
        """Add a job behind the others."""
        self._db.execute("INSERT INTO outbox (job) VALUES (?)", (msgspec.msgpack.encode(job),))

    def first(self) -> tuple[int, Job, int | None] | None:
        """The next job: its number, the job, and, if it was begun, the last message in its chat before it."""
        row = self._db.execute("SELECT id, job, before FROM outbox ORDER BY id LIMIT 1").fetchone()
        return (row[0], self._decode(row[1]), row[2]) if row else None

    def begin(self, number: int, before: int) -> None:
        """Note that a job is about to be done. On disk when this returns."""
        self._db.execute("UPDATE outbox SET before = ? WHERE id = ?", (before, number))

    def done(self, number: int) -> None:
        """Strike a job out."""
        self._db.execute("DELETE FROM outbox WHERE id = ?", (number,))

    def __len__(self) -> int:
        (count,) = self._db.execute("SELECT count(*) FROM outbox").fetchone()
        return int(count)
