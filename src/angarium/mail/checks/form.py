"""Whether a message is one at all: lines end in CRLF, there is no NUL, and its header can be read (RFC 5322, 2)."""

from angarium.wire.message import Entity, Malformed, has_bare_newlines, parse
from angarium.wire.stream import NUL

__all__ = ["read"]


def read(message: bytes) -> Entity:
    """Read the header of a message that came from outside.

    Raises:
        Malformed: a CR or LF stands alone, there is a NUL, or the header cannot be read without doubt.
    """
    if has_bare_newlines(message):
        raise Malformed("a CR or an LF stands alone")
    if NUL in message:
        raise Malformed("there is a NUL")
    return parse(message)
