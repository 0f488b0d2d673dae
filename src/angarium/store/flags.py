"""Flags of messages: system flags and keywords, matched without regard to case (RFC 3501, 2.3.2 and 9)."""

from collections.abc import Iterable

__all__ = ["DELETED", "SEEN", "SYSTEM", "canonical", "changed"]

SEEN = "\\Seen"
DELETED = "\\Deleted"
SYSTEM = (SEEN, "\\Answered", "\\Flagged", DELETED, "\\Draft")
_SPELLING = {flag.lower(): flag for flag in SYSTEM}


def canonical(flags: Iterable[str]) -> frozenset[str]:
    """System flags in their standard spelling; of keywords that differ only in case, one."""
    return frozenset({flag.lower(): _SPELLING.get(flag.lower(), flag) for flag in sorted(flags)}.values())


def changed(flags: frozenset[str], *, add: Iterable[str], remove: Iterable[str]) -> frozenset[str]:
    """Flags after a change. A keyword keeps the case it was first set with."""
    by_fold = {flag.lower(): flag for flag in flags}
    for flag in remove:
        by_fold.pop(flag.lower(), None)
    for flag in sorted(add):
        by_fold.setdefault(flag.lower(), _SPELLING.get(flag.lower(), flag))
    return frozenset(by_fold.values())
