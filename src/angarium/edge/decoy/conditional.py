"""What a client wants of a file, and on what condition: all of it, parts, or nothing where it has it already.

RFC 9110, 13 (conditional requests) and 14 (ranges), as far and in such a way as nginx 1.22 does them. Pure.
"""

import re
from collections.abc import Mapping

from angarium.edge.decoy.dates import seconds_of

__all__ = ["condition", "parts"]

_RANGE = re.compile(r" *(?:0*([0-9]{1,19}) *- *(?:0*([0-9]{1,19}))?|- *0*([0-9]{1,19})) *")
FARTHEST = (1 << 63) - 1
"""What is farther is no place in any file (off_t)."""


def condition(said: Mapping[str, str], changed: int, tag: str) -> int:
    """The status by these headers: 200, 304 or 412. `changed` is in seconds since 1970."""
    if "if-unmodified-since" in said and seconds_of(said["if-unmodified-since"]) < changed:
        return 412
    if "if-match" in said and not _among(said["if-match"], tag, weak=False):
        return 412
    if "if-modified-since" not in said and "if-none-match" not in said:
        return 200
    if "if-modified-since" in said and seconds_of(said["if-modified-since"]) != changed:
        return 200
    if "if-none-match" in said and not _among(said["if-none-match"], tag, weak=True):
        return 200
    return 304


def parts(said: Mapping[str, str], size: int, changed: int, tag: str) -> list[tuple[int, int]] | None:
    """The ranges asked for, as begin and end; none: all of it is as well; None: there is no such part."""
    ranges, unless = said.get("range", ""), said.get("if-range")
    if not size or not ranges.lower().startswith("bytes=") or len(ranges) < 7:
        return []
    if unless is not None and (unless != tag if unless.endswith('"') else seconds_of(unless) != changed):
        return []
    found: list[tuple[int, int]] = []
    for one in ranges[6:].split(","):
        spoken = _RANGE.fullmatch(one)
        if spoken is None or any(int(number or 0) > FARTHEST for number in spoken.groups()):
            return None
        if spoken[3]:
            begin, end = max(0, size - int(spoken[3])), size
        else:
            begin, end = int(spoken[1]), min(int(spoken[2]) + 1 if spoken[2] else size, size)
        if begin < end:
            found.append((begin, end))
    if not found:
        return None
    return [] if sum(end - begin for begin, end in found) > size else found


def _among(said: str, tag: str, *, weak: bool) -> bool:
    if said == "*":
        return True
    return any((one.removeprefix("W/") if weak else one) == tag for one in map(str.strip, said.split(",")))
