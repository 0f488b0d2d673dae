"""Commands about mailboxes as a whole.

RFC 3501, 6.3; RFC 2342 (NAMESPACE); RFC 7162, 3.1 (CONDSTORE).
"""

from collections.abc import Callable

from angarium.wire.imap.commands.rule import Command, Rule, State, bare
from angarium.wire.imap.dates import skip_date_time
from angarium.wire.imap.flags import flag_list
from angarium.wire.imap.mailbox import LONGEST, decode, mailbox
from angarium.wire.imap.reader import Malformed, Reader
from angarium.wire.stream import Parser

__all__ = ["RULES", "Append", "Create", "Delete", "List", "Namespace", "Rename", "Select", "Status", "Subscribe"]

STATUS_ITEMS = frozenset({"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "HIGHESTMODSEQ"})


class Select(Command, frozen=True):
    """SELECT, or EXAMINE if `read_only`."""

    mailbox: str
    read_only: bool
    condstore: bool


class Create(Command, frozen=True):
    """CREATE."""

    mailbox: str


class Delete(Command, frozen=True):
    """DELETE."""

    mailbox: str


class Rename(Command, frozen=True):
    """RENAME."""

    mailbox: str
    to: str


class Subscribe(Command, frozen=True):
    """SUBSCRIBE or UNSUBSCRIBE."""

    mailbox: str


class List(Command, frozen=True):
    """LIST, or LSUB if `subscribed`."""

    reference: str
    pattern: str
    subscribed: bool


class Status(Command, frozen=True):
    """STATUS."""

    mailbox: str
    items: tuple[str, ...]


class Append(Command, frozen=True):
    """APPEND. Its date and time are not kept: see `dates.skip_date_time`."""

    mailbox: str
    flags: frozenset[str]
    message: bytes


class Namespace(Command, frozen=True):
    """NAMESPACE."""


def _named(make: Callable[[str], Command]) -> Callable[[Reader], Parser[Command]]:
    """The parser of a command whose one argument is a mailbox."""

    def parse(reader: Reader) -> Parser[Command]:
        reader.space()
        return make((yield from mailbox(reader)))

    return parse


def _select(*, read_only: bool) -> Callable[[Reader], Parser[Command]]:
    def parse(reader: Reader) -> Parser[Command]:
        reader.space()
        name = yield from mailbox(reader)
        condstore = reader.accept(b" (CONDSTORE)")
        return Select(name, read_only, condstore)

    return parse


def _create(name: str) -> Create:
    return Create(name.removesuffix("/"))  # a client's hint that there will be names below (RFC 3501, 6.3.3)


def _rename(reader: Reader) -> Parser[Rename]:
    reader.space()
    name = yield from mailbox(reader)
    reader.space()
    return Rename(name, (yield from mailbox(reader)))


def _list(*, subscribed: bool) -> Callable[[Reader], Parser[Command]]:
    def parse(reader: Reader) -> Parser[Command]:
        reader.space()
        reference = yield from mailbox(reader)
        reader.space()
        pattern = yield from reader.pattern()
        if len(pattern) > LONGEST:
            raise Malformed("Pattern too long")
        return List(reference, decode(pattern), subscribed)

    return parse


def _status(reader: Reader) -> Parser[Status]:
    reader.space()
    name = yield from mailbox(reader)
    reader.expect(b" (")
    items = [reader.word()]
    while reader.accept(b" "):
        items.append(reader.word())
    reader.expect(b")")
    if not STATUS_ITEMS.issuperset(items):
        raise Malformed("Unknown status item")
    return Status(name, tuple(dict.fromkeys(items)))


def _append(reader: Reader) -> Parser[Append]:
    reader.space()
    name = yield from mailbox(reader)
    reader.space()
    flags: frozenset[str] = frozenset()
    if reader.sees(b"("):
        flags = flag_list(reader)
        reader.space()
    if reader.sees(b'"'):
        yield from skip_date_time(reader)
        reader.space()
    return Append(name, flags, (yield from reader.message()))


RULES = {
    "SELECT": Rule(_select(read_only=False), State.INSIDE),
    "EXAMINE": Rule(_select(read_only=True), State.INSIDE),
    "CREATE": Rule(_named(_create), State.INSIDE),
    "DELETE": Rule(_named(Delete), State.INSIDE),
    "RENAME": Rule(_rename, State.INSIDE),
    "SUBSCRIBE": Rule(_named(Subscribe), State.INSIDE),
    "UNSUBSCRIBE": Rule(_named(Subscribe), State.INSIDE),
    "LIST": Rule(_list(subscribed=False), State.INSIDE),
    "LSUB": Rule(_list(subscribed=True), State.INSIDE),
    "STATUS": Rule(_status, State.INSIDE),
    "APPEND": Rule(_append, State.INSIDE),
    "NAMESPACE": Rule(bare(Namespace()), State.INSIDE),
}
