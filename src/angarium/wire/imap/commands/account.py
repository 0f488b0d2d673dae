"""Commands about the account: quota (RFC 2087) and metadata (RFC 5464)."""

from angarium.wire.imap.commands.rule import Command, Rule, State
from angarium.wire.imap.mailbox import mailbox
from angarium.wire.imap.reader import Malformed, Reader
from angarium.wire.stream import Parser

__all__ = ["RULES", "GetMetadata", "GetQuota", "GetQuotaRoot", "SetMetadata", "SetQuota"]

MOST = 64


class GetQuota(Command, frozen=True):
    """GETQUOTA."""

    root: bytes


class GetQuotaRoot(Command, frozen=True):
    """GETQUOTAROOT."""

    mailbox: str


class SetQuota(Command, frozen=True):
    """SETQUOTA; nobody may, so what it asks for is not kept."""


class GetMetadata(Command, frozen=True):
    """GETMETADATA. The mailbox is empty for the server's own; entries are in lower case."""

    mailbox: str
    entries: tuple[str, ...]
    depth: int | None
    """How many levels below the entries are asked for too; None: all."""
    max_size: int | None


class SetMetadata(Command, frozen=True):
    """SETMETADATA. A value of None removes."""

    mailbox: str
    values: tuple[tuple[str, bytes | None], ...]


def _getquota(reader: Reader) -> Parser[GetQuota]:
    reader.space()
    return GetQuota((yield from reader.astring()))


def _getquotaroot(reader: Reader) -> Parser[GetQuotaRoot]:
    reader.space()
    return GetQuotaRoot((yield from mailbox(reader)))


def _setquota(reader: Reader) -> Parser[SetQuota]:
    reader.space()
    yield from reader.astring()
    reader.expect(b" (")
    while not reader.accept(b")"):
        reader.word()
        reader.space()
        reader.number((1 << 63) - 1)
        reader.accept(b" ")
    return SetQuota()


def _getmetadata(reader: Reader) -> Parser[GetMetadata]:
    reader.space()
    depth, size = _options(reader)
    name = yield from mailbox(reader)
    reader.space()
    if not reader.accept(b"("):
        return GetMetadata(name, ((yield from _entry(reader)),), depth, size)
    entries = [(yield from _entry(reader))]
    while reader.accept(b" "):
        entries.append((yield from _entry(reader)))
        if len(entries) > MOST:
            raise Malformed("Too many entries")
    reader.expect(b")")
    return GetMetadata(name, tuple(dict.fromkeys(entries)), depth, size)


def _options(reader: Reader) -> tuple[int | None, int | None]:
    depth: int | None = 0
    size = None
    if not reader.accept(b"("):
        return depth, size
    while True:
        name = reader.word()
        reader.space()
        if name == "MAXSIZE":
            size = reader.number()
        elif name == "DEPTH":
            depth = _depth(reader.word())
        else:
            raise Malformed("Unknown option")
        if not reader.accept(b" "):
            break
    reader.expect(b") ")
    return depth, size


def _depth(word: str) -> int | None:
    depths: dict[str, int | None] = {"0": 0, "1": 1, "INFINITY": None}
    if word not in depths:
        raise Malformed("Bad depth")
    return depths[word]


def _setmetadata(reader: Reader) -> Parser[SetMetadata]:
    reader.space()
    name = yield from mailbox(reader)
    reader.expect(b" (")
    values: list[tuple[str, bytes | None]] = []
    while True:
        entry = yield from _entry(reader)
        reader.space()
        values.append((entry, (yield from reader.nstring())))
        if len(values) > MOST:
            raise Malformed("Too many entries")
        if not reader.accept(b" "):
            break
    reader.expect(b")")
    return SetMetadata(name, tuple(values))


def _entry(reader: Reader) -> Parser[str]:
    """An entry's name (RFC 5464, 3.2 and 5): slashes between words, no wildcards."""
    try:
        name = (yield from reader.astring()).decode("ascii").lower()
    except UnicodeDecodeError:
        raise Malformed("Bad entry name") from None
    if not name.startswith("/") or name.endswith("/") or "//" in name or not name.isprintable() or set(name) & {*"*%"}:
        raise Malformed("Bad entry name")
    return name


RULES = {
    "GETQUOTA": Rule(_getquota, State.INSIDE),
    "GETQUOTAROOT": Rule(_getquotaroot, State.INSIDE),
    "SETQUOTA": Rule(_setquota, State.INSIDE),
    "GETMETADATA": Rule(_getmetadata, State.INSIDE),
    "SETMETADATA": Rule(_setmetadata, State.INSIDE),
}
