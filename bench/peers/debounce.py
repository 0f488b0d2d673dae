"""Dovecot's 500 ms between a message's arrival and its announcement in IDLE, taken out of Debian's build.

Dovecot waits half a second after a mailbox changed before it looks (`NOTIFY_DELAY_MSECS` in lib-storage's
mailbox-watch.c), and no setting changes that. The reference relay runs a build of its own with the wait taken out
(dovecot/core pull request 216). Debian's has it; so a copy of its library is made in which that one number is 0, for
the peer's processes alone. It is found by what surrounds it: the instruction that loads 500 as the first argument, just
before the one that loads the address of the words "mailbox-watch.c". amd64 only.
"""

import re
from pathlib import Path

__all__ = ["LIBRARY", "NotFound", "without_delay"]

LIBRARY = Path("/usr/lib/dovecot/libdovecot-storage.so.0")
_LOAD_500 = re.compile(rb"\xbf\xf4\x01\x00\x00")  # mov $500, %edi
_LOAD_ADDRESS = b"\x48\x8d\x35"  # lea OFFSET(%rip), %rsi
_NEAR = 24
"""Octets between the two at most; the other arguments are loaded there."""


class NotFound(Exception):
    """This build is not one of those that are known."""


def without_delay(library: bytes) -> bytes:
    """The library with no wait before announcements.

    Raises:
        NotFound: the place is not there, or there are several.
    """
    name = library.find(b"\0mailbox-watch.c\0") + 1
    places = [found.start() for found in _LOAD_500.finditer(library) if _loads(library, found.end(), name)]
    if not name or len(places) != 1:
        raise NotFound(f"Dovecot's delay before announcements stands at {len(places)} places in {LIBRARY}, not at one")
    (place,) = places
    return library[: place + 1] + bytes(4) + library[place + 5 :]


def _loads(library: bytes, begin: int, address: int) -> bool:
    """Whether an instruction close behind loads this address. Code and words lie in the file as in memory."""
    place = library.find(_LOAD_ADDRESS, begin, begin + _NEAR)
    if place < 0:
        return False
    after = place + 7
    return after + int.from_bytes(library[place + 3 : after], "little", signed=True) == address
