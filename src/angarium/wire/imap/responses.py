"""How values look in responses (RFC 3501, 9): strings, and what a mailbox tells of itself.

Everything is given as bytes without the leading `* ` and the final CRLF; `Server.untagged` adds those.
"""

import re
from collections.abc import Iterable

from angarium.wire.imap import mailbox
from angarium.wire.imap.entry import Entry
from angarium.wire.imap.flags import flags_text

__all__ = ["astring", "flags_update", "literal", "nstring", "string"]

PLAIN = re.compile(rb"[\x20\x21\x23-\x5b\x5d-\x7e]{0,1000}")
ESCAPE = re.compile(rb'(["\\])')


def string(value: bytes) -> bytes:
    """A quoted string where that is allowed, else a literal."""
    if PLAIN.fullmatch(value):
        return b'"%s"' % value
    if len(value) <= 1000 and value.isascii() and not set(value) & {0, 10, 13}:
        return b'"%s"' % ESCAPE.sub(rb"\\\1", value)
    return b"{%d}\r\n%s" % (len(value), value)


def nstring(value: bytes | None) -> bytes:
    """A string, or NIL for none."""
    return b"NIL" if value is None else string(value)


def astring(name: str) -> bytes:
    """A mailbox name."""
    return string(mailbox.encode(name))


def literal(value: bytes) -> tuple[bytes, bytes]:
    """A literal in two pieces, the second of which is `value` itself: nothing is copied."""
    return b"{%d}\r\n" % len(value), value


def flags_update(number: int, entry: Entry, *, modseq: bool) -> bytes:
    """What a session is told of a message whose flags are as in `entry`."""
    more = b" MODSEQ (%d)" % entry.modseq if modseq else b""
    return b"%d FETCH (UID %d FLAGS %s%s)" % (number, entry.uid, flags_text(entry.flags), more)


def numbers(name: bytes, values: Iterable[int]) -> bytes:
    """SEARCH's answer."""
    return b" ".join((name, *(b"%d" % value for value in values)))
