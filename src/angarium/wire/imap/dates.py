"""Days, as IMAP writes them (RFC 3501, 9, date and date-time). The relay keeps nothing finer than a day."""

import re
from datetime import date

from angarium.wire.imap.reader import Malformed, Reader
from angarium.wire.stream import Parser

__all__ = ["MONTHS", "day_of", "internal_date", "search_day", "skip_date_time"]

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
EPOCH = date(1970, 1, 1).toordinal()
DATE = re.compile(rb"([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})")
DATE_TIME = re.compile(rb"[ 0-9][0-9]-[A-Za-z]{3}-[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}")


def day_of(day: str, month: str, year: str) -> int | None:
    """Days since 1970-01-01, or None where there is no such day."""
    try:
        return date(int(year), MONTHS.index(month.capitalize()) + 1, int(day)).toordinal() - EPOCH
    except ValueError:
        return None


def internal_date(day: int) -> bytes:
    """INTERNALDATE of a message that arrived on that day: its midnight, UTC, quotes included."""
    when = date.fromordinal(EPOCH + day)
    return b'"%02d-%b-%04d 00:00:00 +0000"' % (when.day, MONTHS[when.month - 1].encode("ascii"), when.year)


def search_day(reader: Reader) -> int:
    """Parse a search key's date, quoted or not. Raises Malformed."""
    quoted = reader.accept(b'"')
    found = reader.match(DATE, "a date")
    if quoted:
        reader.expect(b'"')
    day = day_of(*(text.decode("ascii") for text in found.groups()))
    if day is None:
        raise Malformed("No such day")
    return day


def skip_date_time(reader: Reader) -> Parser[None]:
    """Parse APPEND's date-time for its form only: what counts here is the day a message came. Raises Malformed."""
    if DATE_TIME.fullmatch((yield from reader.string())) is None:
        raise Malformed("Bad date and time")
