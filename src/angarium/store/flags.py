"""Flags of messages: system flags and keywords, matched without regard to case (RFC 3501, 2.3.2 and 9)."""

from collections.abc import Iterable
from functools import lru_cache

__all__ = ["BIT", "DELETED", "SEEN", "SYSTEM", "canonical", "changed", "joined", "split"]

SEEN = "\\Seen"
DELETED = "\\Deleted"
SYSTEM = (SEEN, "\\Answered", "\\Flagged", DELETED, "\\Draft")
BIT = {flag: 1 << at for at, flag in enumerate(SYSTEM)}
"""How system flags are kept in one number."""
_SPELLING = {flag.lower(): flag for flag in SYSTEM}


def canonical(flags: Iterable[str]) -> frozenset[str]:
    """System flags in their standard spelling; of keywords that differ only in case, one."""
    return frozenset({flag.lower(): _SPELLING.get(flag.lower(), flag) for flag in sorted(flags)}.values())


@lru_cache(maxsize=1024)
def changed(flags: frozenset[str], *, add: frozenset[str], remove: frozenset[str]) -> frozenset[str]:
    """Flags after a change. A keyword keeps the case it was first set with."""
    by_fold = {flag.lower(): flag for flag in flags}
    for flag in remove:
        by_fold.pop(flag.lower(), None)
    for flag in sorted(add):
        by_fold.setdefault(flag.lower(), _SPELLING.get(flag.lower(), flag))
    return frozenset(by_fold.values())


@lru_cache(maxsize=1024)
def split(flags: frozenset[str]) -> tuple[int, str]:
    """Bits of system flags, and keywords with spaces between them."""
    return sum(BIT.get(flag, 0) for flag in flags), " ".join(sorted(flag for flag in flags if flag not in BIT))


@lru_cache(maxsize=1024)
def joined(bits: int, keywords: str) -> frozenset[str]:
    """Undo `split`."""
    return frozenset(flag for flag, bit in BIT.items() if bits & bit) | frozenset(keywords.split())
