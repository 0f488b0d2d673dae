"""What an answer says of the server that gives it, and not of the site: so that servers of different sites compare.

Of a page there are left its status, the names and order of its headers, and those values that are not the page's; where
a server speaks itself, in errors and redirects, every octet but the name of the site. Of records of TLS that bring a
page, whether they are full; of others, their lengths. Pure; what changes from answer to answer is out already
(`sighting`).
"""

import re
from collections.abc import Sequence

__all__ = ["GENERAL", "form", "shape"]

GENERAL = ("kind", "end", "goodbye", "cipher", "group", "ticket", "opening", "form", "shape")
"""What of `Sighting.said` may be compared between sites."""
PAGE = re.compile(rb"HTTP/1\.[01] (?:2\d\d|304) ")
THE_PAGES = re.compile(rb"((?:Content-Length|Last-Modified|Content-Range): |ETag: (?:W/)?)[^\r]*")
PLACE = re.compile(rb"(Location: https?://)[^\r]*")
FULL, SHORT = 16_384, 64
"""Octets of a record that is full, and of one that has no room for a page: an alert."""


def form(said: bytes) -> bytes:
    """An answer without what is its site's own."""
    said = PLACE.sub(rb"\1", said)
    return THE_PAGES.sub(rb"\1", said.partition(b"\r\n\r\n")[0]) if PAGE.match(said) else said


def shape(records: Sequence[tuple[int, int]], said: bytes, tickets: int) -> str:
    """Types and lengths of the records that an answer came in. Of those after `tickets` that bring a page, whether they
    are full.
    """
    if not PAGE.match(said):
        return str(list(records))
    parts = [str(record) for record in records[:tickets]]
    for kind, length in records[tickets:]:
        size = f"{length}" if length < SHORT else "full" if length >= FULL else "part"
        if size != "full" or parts[-1:] != [f"{kind} full"]:  # how many there are is the page's
            parts.append(f"{kind} {size}")
    return ", ".join(parts)
