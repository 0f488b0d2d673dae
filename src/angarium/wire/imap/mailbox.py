"""Names of mailboxes: modified UTF-7 on the wire (RFC 3501, 5.1.3), and the wildcards of LIST (6.3.8).

Inside the relay a name is text. INBOX is one name in any case; all others are exact. There is one way to encode a name:
what would not come back the same is refused, or one mailbox would have two names.
"""

import binascii
import re

from angarium.wire.imap.reader import Malformed, Reader
from angarium.wire.stream import Parser

__all__ = ["DELIMITER", "decode", "encode", "mailbox", "matches", "parents"]

DELIMITER = "/"
LONGEST = 255
SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")
UNPRINTABLE = re.compile(r"[^\x20-\x7e]+|&")


def mailbox(reader: Reader) -> Parser[str]:
    """Parse a mailbox name. Raises Malformed."""
    return decode((yield from reader.astring()))


def decode(raw: bytes) -> str:
    """A name as text; INBOX always in capitals.

    Raises:
        Malformed: it is not modified UTF-7, not the canonical form of it, or unreasonably long.
    """
    if raw == b"INBOX":
        return "INBOX"
    if len(raw) > LONGEST:
        raise Malformed("Mailbox name too long")
    try:
        text = SHIFTED.sub(_shifted, raw.decode("ascii"))
    except ValueError:
        raise Malformed("Mailbox name is not modified UTF-7") from None
    if encode(text) != raw:
        raise Malformed("Mailbox name is not modified UTF-7")
    return "INBOX" if text.upper() == "INBOX" else text


def encode(name: str) -> bytes:
    """A name as it goes over the wire."""
    return UNPRINTABLE.sub(_unprintable, name).encode("ascii")


def matches(pattern: str, name: str) -> bool:
    """Whether LIST's pattern covers a name: `*` is anything, `%` anything within one level.

    Nothing backtracks: the time is bounded by the lengths, whatever the pattern.
    """
    reached = {0}
    for wanted in re.sub(r"[*%]+", lambda run: "*" if "*" in run[0] else "%", pattern):
        if wanted == "*":
            reached = set(range(min(reached), len(name) + 1))
        elif wanted == "%":
            reached = {end for start in reached for end in _level(name, start)}
        else:
            reached = {at + 1 for at in reached if at < len(name) and name[at] == wanted}
        if not reached:
            return False
    return len(name) in reached


def parents(name: str) -> list[str]:
    """The names above a name, topmost first."""
    parts = name.split(DELIMITER)
    return [DELIMITER.join(parts[:depth]) for depth in range(1, len(parts))]


def _level(name: str, start: int) -> range:
    stop = name.find(DELIMITER, start)
    return range(start, (len(name) if stop < 0 else stop) + 1)


def _shifted(found: re.Match[str]) -> str:
    text = found[1]
    if not text:
        return "&"
    raw = binascii.a2b_base64(text.replace(",", "/") + "=" * (-len(text) % 4))
    return raw.decode("utf-16-be")


def _unprintable(found: re.Match[str]) -> str:
    if found[0] == "&":
        return "&-"
    raw = found[0].encode("utf-16-be")
    return f"&{binascii.b2a_base64(raw, newline=False).decode('ascii').rstrip('=').replace('/', ',')}-"
