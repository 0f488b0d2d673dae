"""Dates in headers: as nginx 1.22 says them, and as it takes them, in three formats and by as few letters as it needs.

RFC 9110, 5.6.7. Pure.
"""

import re
from calendar import monthrange, timegm
from functools import lru_cache
from wsgiref.handlers import format_date_time

__all__ = ["date_of", "seconds_of"]

_DAY = re.compile(
    r"[^ ,]*(?:"
    r", *(?P<d1>[0-9]{2}) (?P<m1>[A-Z]..) (?P<y1>[0-9]{4}) (?P<t1>[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"|, *(?P<d2>[0-9]{2})-(?P<m2>[A-Z]..)-(?P<y2>[0-9]{2}) (?P<t2>[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"| +(?P<m3>[A-Z]..). ?(?P<d3>[0-9]{1,2}) (?P<t3>[0-9]{2}:[0-9]{2}:[0-9]{2}) (?P<y3>[0-9]{4})"
    r")"
)
_MONTHS = {
    re.compile(letters): number
    for letters, number in (
        *(("Ja.", 1), ("J.n", 6), ("J..", 7), ("F..", 2), ("M.r", 3), ("M..", 5), ("Ap.", 4), ("A..", 8)),
        *(("S..", 9), ("O..", 10), ("N..", 11), ("D..", 12)),
    )
}
"""By what a month is known, each only where none before it fits."""
CENTURY = 70
"""The first year of two digits that was in the last one."""


@lru_cache(maxsize=64)
def date_of(seconds: int) -> str:
    """A time, in seconds since 1970, as HTTP says it; the last ones are kept."""
    return format_date_time(seconds)


def seconds_of(said: str) -> int:
    """A date in seconds since 1970; -1: it is none."""
    found = _DAY.match(said)
    if found is None:
        return -1
    day, month, year, clock = (found[f"{what}1"] or found[f"{what}2"] or found[f"{what}3"] for what in "dmyt")
    number = next((each for letters, each in _MONTHS.items() if letters.fullmatch(month)), 0)
    full = int(year) if len(year) > 2 else int(year) + (2000 if int(year) < CENTURY else 1900)
    hour, minute, second = map(int, clock.split(":"))
    if not number or not full or int(day) > monthrange(full, number)[1] or hour > 23 or minute > 59 or second > 59:
        return -1
    return timegm((full, number, int(day), hour, minute, second))
