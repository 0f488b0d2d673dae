"""A body: where it ends, so that the next request is found behind it. Nothing of it is kept, unless somebody asks.

RFC 9112, 6 and 7.1, as strict as nginx is.
"""

import re

from angarium.edge.decoy.request import Head

__all__ = ["NO_BODY", "Body"]

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r?\n")
_SIZE_BEGUN = re.compile(rb"[0-9A-Fa-f]{0,16}[ \t]*(?:;[^\r\n]*)?\r?")
LINE = 4096


class Body:
    """The body of one request."""

    def __init__(self, head: Head, *, kept: bytearray | None = None) -> None:
        """`kept` takes what it says."""
        self._kept = kept
        self._chunked = head.chunked
        self._left = 0 if head.chunked else head.length
        self._line = b""
        self._behind = False
        self._tail = False
        self.broken = False
        """It is none, so that what follows cannot be trusted."""
        self.done = not head.chunked and not self._left
        """It has come to its end."""

    @classmethod
    def announced(cls, octets: int) -> "Body":
        """A body of so many octets."""
        return cls(Head("POST", "/", None, 1, {"content-length": str(octets)}))

    def take(self, said: bytes) -> bytes:
        """Throw away what belongs to it; return what lies behind it."""
        while said and not self.done and not self.broken:
            taken = min(self._left, len(said))
            if self._kept is not None:
                self._kept += said[:taken]
            said, self._left = said[taken:], self._left - taken
            if not self._left and not self._chunked:
                self.done = True
            elif not self._left and said:
                said = self._next(said)
        return said

    def _next(self, said: bytes) -> bytes:
        """Read the line between two chunks."""
        at = said.find(b"\n") + 1
        self._line += said[:at] if at else said
        rest = said[at:] if at else b""
        if len(self._line) > LINE:
            self.broken, self._line = True, b""
        elif self._tail:
            self._trailer(whole=bool(at))
        elif self._behind:
            self._between(whole=bool(at))
        elif at and (found := _SIZE.fullmatch(self._line)):
            self._left, self._line, self._behind = int(found[1], 16), b"", True
            self._tail = not self._left
        elif at or not _SIZE_BEGUN.fullmatch(self._line):
            self.broken = True
        return rest

    def _between(self, *, whole: bool) -> None:
        """The end of the line that a chunk stands on."""
        if self._line not in (b"\r", b"\r\n", b"\n"):
            self.broken = True
        elif whole:
            self._line, self._behind = b"", False

    def _trailer(self, *, whole: bool) -> None:
        if whole:
            self.done = not self._line.rstrip(b"\r\n")
            self._line = b""


NO_BODY = Body(Head("GET", "/", None, 1))
"""Of any request that has none: nothing is taken by it."""
