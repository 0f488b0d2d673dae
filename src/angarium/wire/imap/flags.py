"""Flags: five of the system's and keywords of anybody's (RFC 3501, 2.3.2), matched without regard to case."""

import re
from functools import lru_cache

from angarium.wire.imap.reader import ATOM, Malformed, Reader

__all__ = ["SYSTEM", "flag_list", "flags_text", "keyword"]

SYSTEM = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")
CANONICAL = {flag.lower(): flag for flag in SYSTEM}
FLAG = re.compile(rb"\\?" + ATOM.pattern)
LONGEST = 64
MOST = 32


def flag_list(reader: Reader) -> frozenset[str]:
    """Parse flags in parentheses, or, as STORE may have them, bare. Raises Malformed."""
    enclosed = reader.accept(b"(")
    flags: dict[str, str] = {}
    while not reader.at_end and not reader.sees(b")"):
        if flags:
            reader.space()
        flag = _flag(reader)
        flags.setdefault(flag.lower(), flag)
        if len(flags) > MOST:
            raise Malformed("Too many flags")
    if enclosed:
        reader.expect(b")")
    elif not flags:
        raise Malformed("Expected flags")
    return frozenset(flags.values())


def keyword(reader: Reader) -> str:
    """Parse a flag that is a keyword. Raises Malformed."""
    return reader.match(ATOM, "a keyword")[0].decode("ascii")


@lru_cache(maxsize=64)
def flags_text(flags: frozenset[str]) -> bytes:
    """Flags as a response has them: the system's first, keywords in order."""
    known = [flag for flag in SYSTEM if flag in flags]
    return f"({' '.join(known + sorted(flags.difference(SYSTEM)))})".encode()


def _flag(reader: Reader) -> str:
    flag = reader.match(FLAG, "a flag")[0].decode("ascii")
    if len(flag) > LONGEST:
        raise Malformed("Flag too long")
    if not flag.startswith("\\"):
        return flag
    if flag.lower() not in CANONICAL:
        raise Malformed("No such system flag")
    return CANONICAL[flag.lower()]
